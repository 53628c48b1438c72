//! `/catalogue`: every metric with its unit, which way is better, and how it is defined.

mod draw;
mod function;
#[cfg(feature = "ssr")]
mod make;
pub mod view;

mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/catalogue/words.rs"));
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
    functions: &[function::CATALOGUE],
    navigation: Some(Navigation { icon: "table", label: words::label, key: 'm', beneath: &[] }),
};

crate::routes!(Catalogue: "/catalogue");

#[component]
fn Catalogue() -> impl IntoView {
    loaded_page(function::catalogue, |view| hydrated_synchronously(draw::draw(view)))
}
