//! `/trends`: how a metric moved, with the filters that choose what is drawn.

mod draw;
mod function;
#[cfg(feature = "ssr")]
mod make;
pub mod view;

mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/trends/words.rs"));
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
    functions: &[function::TRENDS],
    navigation: Some(Navigation { icon: "chart-line", label: words::label, key: 't', beneath: &[] }),
};

crate::routes!(Trends: "/trends");

#[component]
fn Trends() -> impl IntoView {
    loaded_page(function::trends, |view| hydrated_synchronously(draw::draw(view)))
}
