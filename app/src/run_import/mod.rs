//! `/sources/mlflow`: which runs an import takes, corrects, moves and refuses, and why. Seeing it changes nothing.

mod function;
#[cfg(feature = "ssr")]
mod make;

#[cfg(feature = "ssr")]
mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/run_import/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/run_import/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{drawn::drawn_page, page_spec::PageSpec};

pub const PAGE: PageSpec =
    PageSpec { paths: PATHS, action: Action::ReadSources, functions: &[function::RUN_IMPORT], navigation: None };

crate::routes!(RunImport: "/sources/mlflow");

#[component]
fn RunImport() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::run_import(address)))
}
