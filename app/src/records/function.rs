//! The server function that answers with the page's view.

use domain::{access::Action, params::QueryParams};
use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::view::RecordsView;
#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const RECORDS: Function = Function { path: "/sf/records", method: "GET", action: Action::ReadMetrics };

/// The records that `ask` names, newest first.
#[server(prefix = "/sf", endpoint = "records", input = GetUrl)]
pub async fn records(#[server(default)] ask: QueryParams) -> Result<JsonText<RecordsView>, PageError> {
    answer(&RECORDS, |services, request| async move { super::make::page(&services, &request, ask).await }).await
}
