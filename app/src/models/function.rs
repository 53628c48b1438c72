//! The server functions: one answers with the page at an address, one writes.

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

pub(super) const MODELS: Function = Function { path: "/sf/models", method: "GET", action: Action::ReadModels };
pub(super) const CHANGE: Function = Function { path: "/models", method: "POST", action: Action::WriteModels };

/// What stands at an address of these pages.
#[server(prefix = "/sf", endpoint = "models", input = GetUrl)]
pub async fn models(address: String) -> Result<JsonText<DrawnView>, PageError> {
    let refused = use_context::<Refused>();
    answer(&MODELS, |services, request| async move { super::make::page(&services, &request, &address, refused).await })
        .await
}

/// Changes a model; `act` says how. Numbers are texts: what cannot be read is said beside its field.
#[server(prefix = "", endpoint = "models", input = PostUrl)]
pub async fn change_model(
    act: String,
    #[server(default)] model: String,
    #[server(default)] version: String,
    #[server(default)] to: String,
    #[server(default)] expected: String,
    #[server(default)] reason: String,
    #[server(default)] confirm: String,
    #[server(default)] override_policy: String,
    #[server(default)] key: String,
    #[server(default)] request: String,
    #[server(default)] run: String,
    #[server(default)] path: String,
) -> Result<(), PageError> {
    write(&CHANGE, |services| async move {
        let sent = super::write::SubmittedForm {
            model,
            version,
            to,
            expected,
            reason,
            confirm,
            override_policy,
            key,
            request,
            run,
            path,
        };
        super::write::write(&services, &act, sent).await
    })
    .await
}
