//! `/compare/plan`: which difference so many sites and days would show, before a comparison is registered.

mod function;
#[cfg(feature = "ssr")]
mod grid;
#[cfg(feature = "ssr")]
mod make;

#[cfg(feature = "ssr")]
mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/plan/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/plan/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{drawn::drawn_page, page_spec::PageSpec};

pub const PAGE: PageSpec =
    PageSpec { paths: PATHS, action: Action::ReadMetrics, functions: &[function::PLAN], navigation: None };

crate::routes!(Plan: "/compare/plan");

#[component]
fn Plan() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::plan(address)))
}
