//! `/compare/registered`: comparisons that were registered, with their verdicts; and the form that registers one.

#[cfg(feature = "ssr")]
mod fields;
mod function;
#[cfg(feature = "ssr")]
mod make;
#[cfg(feature = "ssr")]
mod rails;
#[cfg(feature = "ssr")]
mod write;

#[cfg(feature = "ssr")]
mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/registered/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/registered/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{drawn::drawn_page, page_spec::PageSpec};

pub const PAGE: PageSpec = PageSpec {
    paths: PATHS,
    action: Action::ReadMetrics,
    functions: &[function::REGISTERED, function::WRITE],
    navigation: None,
};

crate::routes!(Registered: "/compare/registered");

#[component]
fn Registered() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::registered(address)))
}
