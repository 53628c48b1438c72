//! `/runs/compare`: runs side by side, of one experiment or of several, with differences from a baseline, their curves in one picture,
//! and how parameters go with a metric.

#[cfg(feature = "ssr")]
mod asked;
#[cfg(feature = "ssr")]
mod colours;
#[cfg(feature = "ssr")]
mod curves;
mod function;
#[cfg(feature = "ssr")]
mod make;
#[cfg(feature = "ssr")]
mod parallel;
#[cfg(feature = "ssr")]
mod relations;
#[cfg(feature = "ssr")]
mod table;

#[cfg(feature = "ssr")]
mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/run_compare/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/run_compare/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{drawn::drawn_page, page_spec::PageSpec};

pub const PAGE: PageSpec =
    PageSpec { paths: PATHS, action: Action::ReadRuns, functions: &[function::RUN_COMPARE], navigation: None };

crate::routes!(RunCompare: "/runs/compare");

#[component]
fn RunCompare() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::run_compare(address)))
}
