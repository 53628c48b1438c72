//! `/compare`: models side by side against a baseline, and where each wins.

mod draw;
mod function;
#[cfg(feature = "ssr")]
mod made_by;
#[cfg(feature = "ssr")]
pub mod make;
#[cfg(feature = "ssr")]
mod pictures;
#[cfg(feature = "ssr")]
pub mod selection;
#[cfg(feature = "ssr")]
mod sentences;
#[cfg(feature = "ssr")]
mod tables;
#[cfg(feature = "ssr")]
mod verdict;
pub mod view;

mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/compare/words.rs"));
}

#[cfg(feature = "ssr")]
mod refusals {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/compare/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::{
    shell::{
        load::loaded_page,
        page_spec::{Navigation, PageSpec},
        words as shell_words,
    },
    ui::hydration::hydrated_synchronously,
};

pub const PAGE: PageSpec = PageSpec {
    paths: PATHS,
    action: Action::ReadMetrics,
    functions: &[function::COMPARE],
    navigation: Some(Navigation { icon: "scale", label: shell_words::nav_compare, key: 'c', beneath: &[] }),
};

crate::routes!(Compare: "/compare");

#[component]
fn Compare() -> impl IntoView {
    loaded_page(function::compare, |view| hydrated_synchronously(draw::draw(view)))
}
