//! The server function that answers with the page.

use domain::access::Action;
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{drawn::DrawnView, error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const RUN_IMPORT: Function = Function { path: "/sf/run_import", method: "GET", action: Action::ReadSources };

/// What stands at an address of this page.
#[server(prefix = "/sf", endpoint = "run_import", input = GetUrl)]
pub async fn run_import(address: String) -> Result<JsonText<DrawnView>, PageError> {
    answer(&RUN_IMPORT, |services, request| async move { super::make::page(&services, &request, &address).await }).await
}
