//! `/changes`: what a change of a metric is made of, from one period to another.

#[cfg(feature = "ssr")]
mod bars;
mod function;
#[cfg(feature = "ssr")]
mod make;
#[cfg(feature = "ssr")]
mod split;

#[cfg(feature = "ssr")]
mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/changes/words.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{drawn::drawn_page, page_spec::PageSpec};

pub const PAGE: PageSpec =
    PageSpec { paths: PATHS, action: Action::ReadMetrics, functions: &[function::CHANGES], navigation: None };

crate::routes!(Changes: "/changes");

#[component]
fn Changes() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::changes(address)))
}
