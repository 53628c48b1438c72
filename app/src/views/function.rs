//! The server functions: one answers with the page's view, one writes.

use domain::access::Action;
use leptos::{
    prelude::*,
    server_fn::codec::{GetUrl, PostUrl},
};

use super::view::ViewsPage;
#[cfg(feature = "ssr")]
use crate::shell::{
    answer::{answer, write},
    refused::Refused,
};
use crate::shell::{error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const VIEWS: Function = Function { path: "/sf/views", method: "GET", action: Action::ReadViews };
pub(super) const WRITE: Function = Function { path: "/views", method: "POST", action: Action::WriteViews };

/// What stands at an address of this page.
#[server(prefix = "/sf", endpoint = "views", input = GetUrl)]
pub async fn views(address: String) -> Result<JsonText<ViewsPage>, PageError> {
    let refused = use_context::<Refused>();
    answer(&VIEWS, |services, request| async move { super::make::page(&services, &request, &address, refused).await })
        .await
}

/// Saves, changes or deletes a view, or chooses the one to start with; `act` says which.
#[server(prefix = "", endpoint = "views", input = PostUrl)]
pub async fn write_view(
    act: String,
    #[server(default)] view: i64,
    #[server(default)] name: String,
    #[server(default)] link: String,
    #[server(default)] shared: bool,
    #[server(default)] key: String,
) -> Result<(), PageError> {
    write(&WRITE, |services| async move {
        super::write::write(&services.views, super::write::SubmittedForm { act, view, name, link, shared, key }).await
    })
    .await
}
