//! Which model is better, where, at what cost.

use domain::ask::Ask;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use super::PageError;
use crate::view::CompareView;

/// The models that `ask` names, against its baseline.
#[server(prefix = "/sf", endpoint = "compare", input = GetUrl)]
pub async fn compare(#[server(default)] ask: Ask) -> Result<CompareView, PageError> {
    let (services, request) = super::Services::for_action(domain::access::Action::ReadMetrics)?;
    Ok(crate::present::compare::page(&services, &request, ask).await?)
}
