//! The server function that answers with the page's view.

use domain::{access::Action, params::QueryParams};
use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::view::TrendsView;
#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const TRENDS: Function = Function { path: "/sf/trends", method: "GET", action: Action::ReadMetrics };

/// The trend that `ask` names; of mAP50 when it names no metric.
#[server(prefix = "/sf", endpoint = "trends", input = GetUrl)]
pub async fn trends(#[server(default)] ask: QueryParams) -> Result<JsonText<TrendsView>, PageError> {
    answer(&TRENDS, |services, request| async move { super::make::page(&services, &request, ask).await }).await
}
