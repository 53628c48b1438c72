//! Where records come from, and what was refused.

use domain::ask::Ask;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use super::PageError;
use crate::view::{Sent, SourcesView};

/// All sources, those with trouble first.
#[server(prefix = "/sf", endpoint = "sources", input = GetUrl)]
pub async fn sources(#[server(default)] ask: Ask) -> Result<Sent<SourcesView>, PageError> {
    super::answer(domain::access::Action::ReadSources, |services, request| async move {
        crate::present::sources::page(&services, &request, ask).await
    })
    .await
}
