//! The server function that answers with the page.

use domain::access::Action;
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{drawn::DrawnView, error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const PICK: Function = Function { path: "/sf/pick", method: "GET", action: Action::ReadMetrics };

/// The choice at an address.
#[server(prefix = "/sf", endpoint = "pick", input = GetUrl)]
pub async fn pick(address: String) -> Result<JsonText<DrawnView>, PageError> {
    answer(&PICK, |services, request| async move { super::make::page(&services, &request, &address).await }).await
}
