//! Which model is better, where, at what cost.

use domain::ask::Ask;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use super::PageError;
use crate::view::{CompareView, Sent};

/// The models that `ask` names, against its baseline.
#[server(prefix = "/sf", endpoint = "compare", input = GetUrl)]
pub async fn compare(#[server(default)] ask: Ask) -> Result<Sent<CompareView>, PageError> {
    super::answer(domain::access::Action::ReadMetrics, |services, request| async move {
        crate::present::compare::page(&services, &request, ask).await
    })
    .await
}
