//! `/compare/pick`: the best model of the fleet on each device under limits, with the Pareto set of what it costs. The page of runs
//! (`run_pick`) is made here too.

#[cfg(feature = "ssr")]
mod asked;
#[cfg(feature = "ssr")]
mod content;
mod function;
#[cfg(feature = "ssr")]
mod limits;
#[cfg(feature = "ssr")]
pub(crate) mod make;
#[cfg(feature = "ssr")]
mod picture;

#[cfg(feature = "ssr")]
mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/pick/words.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{drawn::drawn_page, page_spec::PageSpec};

pub const PAGE: PageSpec =
    PageSpec { paths: PATHS, action: Action::ReadMetrics, functions: &[function::PICK], navigation: None };

crate::routes!(Pick: "/compare/pick");

#[component]
fn Pick() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::pick(address)))
}
