//! The rows behind a number.

use domain::ask::Ask;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use super::PageError;
use crate::view::{RecordsView, Sent};

/// The records that `ask` names, newest first.
#[server(prefix = "/sf", endpoint = "records", input = GetUrl)]
pub async fn records(#[server(default)] ask: Ask) -> Result<Sent<RecordsView>, PageError> {
    super::answer(domain::access::Action::ReadMetrics, |services, request| async move {
        crate::present::records::page(&services, &request, ask).await
    })
    .await
}
