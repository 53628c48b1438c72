//! `/records`: the rows behind a number, newest first, with where each came from.

mod draw;
mod function;
#[cfg(feature = "ssr")]
mod make;
pub mod view;

mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/records/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/records/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::{
    shell::{
        load::loaded_page,
        page_spec::{Navigation, PageSpec},
    },
    ui::hydration::hydrated_synchronously,
};

pub const PAGE: PageSpec = PageSpec {
    paths: PATHS,
    action: Action::ReadMetrics,
    functions: &[function::RECORDS],
    navigation: Some(Navigation { icon: "list", label: words::label, key: 'r', beneath: &[] }),
};

crate::routes!(Records: "/records");

#[component]
fn Records() -> impl IntoView {
    loaded_page(function::records, |view| hydrated_synchronously(draw::draw(view)))
}
