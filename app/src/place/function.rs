//! The server function that answers with the page's view.

use domain::{access::Action, params::QueryParams};
use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::view::PlaceView;
#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const PLACE: Function = Function { path: "/sf/place", method: "GET", action: Action::ReadMetrics };

/// The page of the scope that `ask` names.
#[server(prefix = "/sf", endpoint = "place", input = GetUrl)]
pub async fn place(#[server(default)] ask: QueryParams) -> Result<JsonText<PlaceView>, PageError> {
    answer(&PLACE, |services, request| async move { super::make::page(&services, &request, ask).await }).await
}
