//! `/statistics`: how numbers are judged, the text of docs/statistics.md.

mod function;
#[cfg(feature = "ssr")]
mod make;
#[cfg(feature = "ssr")]
mod text;

#[cfg(feature = "ssr")]
mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/statistics/words.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{drawn::drawn_page, page_spec::PageSpec};

pub const PAGE: PageSpec =
    PageSpec { paths: PATHS, action: Action::ReadMetrics, functions: &[function::STATISTICS], navigation: None };

crate::routes!(Statistics: "/statistics");

#[component]
fn Statistics() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::statistics(address)))
}
