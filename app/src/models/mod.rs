//! `/models`: the registry of models. Which version is the champion, how it does in the field, and the pages on which one is promoted, rolled back,
//! approved, and looked up in the past.

#[cfg(feature = "ssr")]
mod change;
#[cfg(feature = "ssr")]
mod common;
#[cfg(feature = "ssr")]
mod field;
mod function;
#[cfg(feature = "ssr")]
mod history;
#[cfg(feature = "ssr")]
mod list;
#[cfg(feature = "ssr")]
mod make;
#[cfg(feature = "ssr")]
mod model;
#[cfg(feature = "ssr")]
mod past;
#[cfg(feature = "ssr")]
mod request;
#[cfg(feature = "ssr")]
mod result;
#[cfg(feature = "ssr")]
mod review;
#[cfg(feature = "ssr")]
mod rollback;
#[cfg(feature = "ssr")]
mod version;
#[cfg(feature = "ssr")]
mod versions;
#[cfg(feature = "ssr")]
mod write;

mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/models/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/models/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{
    drawn::drawn_page,
    page_spec::{Navigation, PageSpec},
};

pub const PAGE: PageSpec = PageSpec {
    paths: PATHS,
    action: Action::ReadModels,
    functions: &[function::MODELS, function::CHANGE],
    navigation: Some(Navigation { icon: "package", label: words::title, key: 'd', beneath: &["/webhooks"] }),
};

crate::routes!(
    Models: "/models",
    "/models/requests/:request",
    "/models/:model",
    "/models/:model/versions/:version",
    "/models/:model/promote",
    "/models/:model/rollback",
    "/models/:model/history",
);

#[component]
fn Models() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::models(address)))
}
