//! `/runs/images`: images of the same name of several runs side by side, and of one run over its steps.

#[cfg(feature = "ssr")]
mod asked;
mod function;
#[cfg(feature = "ssr")]
mod html;
#[cfg(feature = "ssr")]
mod make;
#[cfg(feature = "ssr")]
mod view;

#[cfg(feature = "ssr")]
mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/images/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/images/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{drawn::drawn_page, page_spec::PageSpec};

pub const PAGE: PageSpec =
    PageSpec { paths: PATHS, action: Action::ReadRuns, functions: &[function::IMAGES], navigation: None };

crate::routes!(Images: "/runs/images");

#[component]
fn Images() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::images(address)))
}
