//! The server function that answers with the page.

use domain::access::Action;
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{drawn::DrawnView, error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const RUN_COMPARE: Function = Function { path: "/sf/run-compare", method: "GET", action: Action::ReadRuns };

/// The comparison of runs at an address.
#[server(prefix = "/sf", endpoint = "run-compare", input = GetUrl)]
pub async fn run_compare(address: String) -> Result<JsonText<DrawnView>, PageError> {
    answer(&RUN_COMPARE, |services, request| async move { super::make::page(&services, &request, &address).await })
        .await
}
