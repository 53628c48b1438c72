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
        load::loaded,
        room::{Navigation, Room},
    },
    ui::hydration::hydrated_at_once,
};

pub const ROOM: Room = Room {
    paths: PATHS,
    action: Action::ReadMetrics,
    functions: &[function::TRENDS],
    navigation: Some(Navigation { icon: "chart-line", label: words::label, key: 't' }),
};

crate::routes!(Trends: "/trends");

#[component]
fn Trends() -> impl IntoView {
    loaded(function::trends, |view| hydrated_at_once(draw::draw(view)))
}
