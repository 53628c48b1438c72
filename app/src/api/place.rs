//! How a place does: the fleet, a customer, a site, a zone.

use domain::ask::Ask;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use super::PageError;
use crate::view::{PlaceView, Sent};

/// The page of the scope that `ask` names.
#[server(prefix = "/sf", endpoint = "place", input = GetUrl)]
pub async fn place(#[server(default)] ask: Ask) -> Result<Sent<PlaceView>, PageError> {
    super::answer(domain::access::Action::ReadMetrics, |services, request| async move {
        crate::present::place::page(&services, &request, ask).await
    })
    .await
}
