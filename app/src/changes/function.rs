//! The server function that answers with the page.

use domain::access::Action;
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{drawn::DrawnView, error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const CHANGES: Function = Function { path: "/sf/changes", method: "GET", action: Action::ReadMetrics };

/// The page at an address.
#[server(prefix = "/sf", endpoint = "changes", input = GetUrl)]
pub async fn changes(address: String) -> Result<JsonText<DrawnView>, PageError> {
    answer(&CHANGES, |services, request| async move { super::make::page(&services, &request, &address).await }).await
}
