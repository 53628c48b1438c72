//! `/runs/{id}`: one run of an experiment, with its curves and the files that it left.

#[cfg(feature = "ssr")]
mod curves;
mod function;
#[cfg(feature = "ssr")]
mod html;
#[cfg(feature = "ssr")]
mod make;

#[cfg(feature = "ssr")]
mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/run/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/run/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{drawn::drawn_page, page_spec::PageSpec};

pub const PAGE: PageSpec =
    PageSpec { paths: PATHS, action: Action::ReadRuns, functions: &[function::RUN], navigation: None };

crate::routes!(Run: "/runs/:run");

#[component]
fn Run() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::run(address)))
}
