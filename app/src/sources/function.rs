//! The server function that answers with the page's view.

use domain::{access::Action, params::QueryParams};
use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::view::SourcesView;
#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const SOURCES: Function = Function { path: "/sf/sources", method: "GET", action: Action::ReadSources };

/// All sources, those with errors first.
#[server(prefix = "/sf", endpoint = "sources", input = GetUrl)]
pub async fn sources(#[server(default)] ask: QueryParams) -> Result<JsonText<SourcesView>, PageError> {
    answer(&SOURCES, |services, request| async move { super::make::page(&services, &request, ask).await }).await
}
