//! The server function that answers with the page's view.

use domain::{access::Action, params::QueryParams};
use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::view::CompareView;
#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const COMPARE: Function = Function { path: "/sf/compare", method: "GET", action: Action::ReadMetrics };

/// The models that `ask` names, against its baseline.
#[server(prefix = "/sf", endpoint = "compare", input = GetUrl)]
pub async fn compare(#[server(default)] ask: QueryParams) -> Result<JsonText<CompareView>, PageError> {
    answer(&COMPARE, |services, request| async move { super::make::page(&services, &request, ask).await }).await
}
