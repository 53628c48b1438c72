//! How a metric moved.

use domain::ask::Ask;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use super::PageError;
use crate::view::{Sent, TrendsView};

/// The trend that `ask` names; of mAP50 when it names no metric.
#[server(prefix = "/sf", endpoint = "trends", input = GetUrl)]
pub async fn trends(#[server(default)] ask: Ask) -> Result<Sent<TrendsView>, PageError> {
    super::answer(domain::access::Action::ReadMetrics, |services, request| async move {
        crate::present::trends::page(&services, &request, ask).await
    })
    .await
}
