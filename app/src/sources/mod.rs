//! `/sources`: who delivered what and when, and what was refused and why.

mod draw;
mod function;
#[cfg(feature = "ssr")]
mod make;
pub mod view;
#[cfg(feature = "ssr")]
pub mod volume;

mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/sources/words.rs"));
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
    action: Action::ReadSources,
    functions: &[function::SOURCES],
    navigation: Some(Navigation { icon: "database", label: words::label, key: 's', beneath: &[] }),
};

crate::routes!(Sources: "/sources");

#[component]
fn Sources() -> impl IntoView {
    loaded_page(function::sources, |view| hydrated_synchronously(draw::draw(view)))
}
