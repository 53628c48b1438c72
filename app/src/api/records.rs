//! The rows behind a number.

use domain::ask::Ask;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use super::PageError;
use crate::view::RecordsView;

/// The records that `ask` names, newest first.
#[server(prefix = "/sf", endpoint = "records", input = GetUrl)]
pub async fn records(#[server(default)] ask: Ask) -> Result<RecordsView, PageError> {
    let (services, request) = super::Services::for_action(domain::access::Action::ReadMetrics)?;
    Ok(crate::present::records::page(&services, &request, ask).await?)
}
