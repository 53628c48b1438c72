//! The server function that answers with the page.

use domain::access::Action;
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{drawn::DrawnView, error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const PLAN: Function = Function { path: "/sf/plan", method: "GET", action: Action::ReadMetrics };

/// The page at an address.
#[server(prefix = "/sf", endpoint = "plan", input = GetUrl)]
pub async fn plan(address: String) -> Result<JsonText<DrawnView>, PageError> {
    answer(&PLAN, |services, request| async move { super::make::page(&services, &request, &address).await }).await
}
