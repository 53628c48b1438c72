//! `/webhooks`: who is told of what happens to models, how their last delivery went, and what could not be delivered.

mod function;
#[cfg(feature = "ssr")]
mod make;
#[cfg(feature = "ssr")]
mod write;

#[cfg(feature = "ssr")]
mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/webhooks/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/webhooks/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{drawn::drawn_page, page_spec::PageSpec};

/// It is found from the page of models.
pub const PAGE: PageSpec = PageSpec {
    paths: PATHS,
    action: Action::ReadModels,
    functions: &[function::WEBHOOKS, function::CHANGE],
    navigation: None,
};

crate::routes!(Webhooks: "/webhooks");

#[component]
fn Webhooks() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::webhooks(address)))
}
