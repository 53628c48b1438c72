//! The server function that answers with the page.

use domain::access::Action;
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{drawn::DrawnView, error::PageError, json_text::JsonText, page_spec::Function};

pub(super) const IMAGES: Function = Function { path: "/sf/images", method: "GET", action: Action::ReadRuns };

/// The images that an address asks for.
#[server(prefix = "/sf", endpoint = "images", input = GetUrl)]
pub async fn images(address: String) -> Result<JsonText<DrawnView>, PageError> {
    answer(&IMAGES, |services, request| async move { super::make::page(&services, &request, &address).await }).await
}
