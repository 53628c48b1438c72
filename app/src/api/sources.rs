//! Where records come from, and what was refused.

use domain::ask::Ask;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use super::PageError;
use crate::view::{Sent, SourcesView};

/// All sources, those with trouble first.
#[server(prefix = "/sf", endpoint = "sources", input = GetUrl)]
pub async fn sources(#[server(default)] ask: Ask) -> Result<Sent<SourcesView>, PageError> {
    let (services, request) = super::Services::for_action(domain::access::Action::ReadSources)?;
    Ok(Sent(crate::present::sources::page(&services, &request, ask).await?))
}
