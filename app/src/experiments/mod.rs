//! `/experiments`: what there is to compare, with how many runs and since when.

mod function;
#[cfg(feature = "ssr")]
mod make;

mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/experiments/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/experiments/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::shell::{
    drawn::drawn_page,
    page_spec::{Navigation, PageSpec},
};

pub const PAGE: PageSpec = PageSpec {
    paths: PATHS,
    action: Action::ReadRuns,
    functions: &[function::EXPERIMENTS],
    navigation: Some(Navigation { icon: "flask-conical", label: words::label, key: 'e', beneath: &["/runs"] }),
};

crate::routes!(Experiments: "/experiments");

#[component]
fn Experiments() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(function::experiments(address)))
}
