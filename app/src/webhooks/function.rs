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

pub(super) const WEBHOOKS: Function = Function { path: "/sf/webhooks", method: "GET", action: Action::ReadModels };
pub(super) const CHANGE: Function = Function { path: "/webhooks", method: "POST", action: Action::WriteModels };

/// What stands at the address of this page.
#[server(prefix = "/sf", endpoint = "webhooks", input = GetUrl)]
pub async fn webhooks(address: String) -> Result<JsonText<DrawnView>, PageError> {
    let refused = use_context::<Refused>();
    answer(
        &WEBHOOKS,
        |services, request| async move { super::make::page(&services, &request, &address, refused).await },
    )
    .await
}

/// Sets webhooks; `act` says how. Each kind of event is a field of its own.
#[server(prefix = "", endpoint = "webhooks", input = PostUrl)]
pub async fn change_webhook(
    act: String,
    #[server(default)] id: String,
    #[server(default)] url: String,
    #[server(default)] model: String,
    #[server(default)] secret: String,
    #[server(default)] request: String,
    #[server(default)] approval: String,
    #[server(default)] promotion: String,
    #[server(default)] rollback: String,
) -> Result<(), PageError> {
    write(&CHANGE, |services| async move {
        let events = [request, approval, promotion, rollback].into_iter().filter(|e| !e.is_empty()).collect();
        super::write::write(&services, &act, super::write::SubmittedForm { id, url, model, secret, events }).await
    })
    .await
}
