//! `/experiments/{id}`: the runs of an experiment, or with `all` those of every one: searched, narrowed, sorted, grouped.

#[cfg(feature = "ssr")]
mod asked;
#[cfg(feature = "ssr")]
mod columns;
#[cfg(feature = "ssr")]
mod controls;
mod function;
#[cfg(feature = "ssr")]
mod groups;
#[cfg(feature = "ssr")]
mod make;
#[cfg(feature = "ssr")]
mod table;

#[cfg(feature = "ssr")]
mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/runs/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/runs/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{drawn::drawn_page, page_spec::PageSpec};

pub const PAGE: PageSpec =
    PageSpec { paths: PATHS, action: Action::ReadRuns, functions: &[function::RUNS], navigation: None };

crate::routes!(Runs: "/experiments/:experiment");

#[component]
fn Runs() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::runs(address)))
}
