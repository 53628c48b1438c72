//! The server functions: one answers with the page, one writes.

#![expect(clippy::too_many_arguments, reason = "each is a field of a form")]

use domain::access::Action;
use leptos::{
    prelude::*,
    server_fn::codec::{GetUrl, PostUrl},
};

#[cfg(feature = "ssr")]
use crate::shell::{
    answer::{answer, write},
    refused::Refused,
};
use crate::shell::{drawn::DrawnView, error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const REGISTERED: Function = Function { path: "/sf/registered", method: "GET", action: Action::ReadMetrics };
pub(super) const WRITE: Function =
    Function { path: "/compare/registered", method: "POST", action: Action::WriteEvidence };

/// Registered comparisons, as an address asks for them.
#[server(prefix = "/sf", endpoint = "registered", input = GetUrl)]
pub async fn registered(address: String) -> Result<JsonText<DrawnView>, PageError> {
    let refused = use_context::<Refused>();
    answer(
        &REGISTERED,
        |services, request| async move { super::make::page(&services, &request, &address, refused).await },
    )
    .await
}

/// Registers a comparison, or sets a guard-rail; `act` says which. Numbers and moments are texts: what cannot be read is said beside its field.
#[server(prefix = "/compare", endpoint = "registered", input = PostUrl)]
pub async fn register(
    act: String,
    #[server(default)] champion: String,
    #[server(default)] challenger: String,
    #[server(default)] customer: String,
    #[server(default)] site: String,
    #[server(default)] zone: String,
    #[server(default)] task: String,
    #[server(default)] device: String,
    #[server(default)] metric: String,
    #[server(default)] start: String,
    #[server(default)] days: String,
    #[server(default)] margin: String,
    #[server(default)] minimum_effect: String,
    #[server(default)] supersedes: String,
    #[server(default)] rail: String,
    #[server(default)] bound: String,
    #[server(default)] seen: String,
) -> Result<(), PageError> {
    write(&WRITE, |services| async move {
        let sent = super::write::SubmittedForm {
            champion,
            challenger,
            place: [customer, site, zone, task, device],
            metric,
            start,
            days,
            margin,
            minimum_effect,
            supersedes,
            rail,
            bound,
            seen,
        };
        super::write::write(&services, &act, sent).await
    })
    .await
}
