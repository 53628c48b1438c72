//! The server function that answers with the page.

use domain::access::Action;
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{drawn::DrawnView, error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const RUNS: Function = Function { path: "/sf/runs", method: "GET", action: Action::ReadRuns };

/// What stands at an address of this page.
#[server(prefix = "/sf", endpoint = "runs", input = GetUrl)]
pub async fn runs(address: String) -> Result<JsonText<DrawnView>, PageError> {
    answer(&RUNS, |services, request| async move { super::make::page(&services, &request, &address).await }).await
}
