//! The server function that answers with the page's view.

use domain::{access::Action, params::QueryParams};
use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::view::CatalogueView;
#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const CATALOGUE: Function = Function { path: "/sf/catalogue", method: "GET", action: Action::ReadMetrics };

/// Every metric that pages, files and programs name.
#[server(prefix = "/sf", endpoint = "catalogue", input = GetUrl)]
pub async fn catalogue(#[server(default)] ask: QueryParams) -> Result<JsonText<CatalogueView>, PageError> {
    answer(&CATALOGUE, |services, request| async move { super::make::page(&services, &request, ask).await }).await
}
