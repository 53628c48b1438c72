//! How places do: `/` is the fleet, and each customer, site and zone has its page.

#[cfg(feature = "ssr")]
mod attention;
#[cfg(feature = "ssr")]
pub mod children;
mod draw;
mod function;
#[cfg(feature = "ssr")]
pub mod make;
#[cfg(feature = "ssr")]
mod metrics;
#[cfg(feature = "ssr")]
mod tiles;
pub mod view;

mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/place/words.rs"));
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
    functions: &[function::PLACE],
    navigation: Some(Navigation { icon: "layout-dashboard", label: words::label, key: 'o', beneath: &[] }),
};

crate::routes!(Place: "/",
    "/customers/:customer",
    "/customers/:customer/sites/:site",
    "/customers/:customer/sites/:site/zones/:zone");

#[component]
fn Place() -> impl IntoView {
    loaded_page(function::place, |view| hydrated_synchronously(draw::draw(view)))
}
