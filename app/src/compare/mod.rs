//! `/compare`: models side by side against a baseline, and where each wins.

mod draw;
mod function;
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
pub mod view;

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
    functions: &[function::COMPARE],
    navigation: Some(Navigation { icon: "scale", label: |lang| lang.texts().nav_compare, key: 'c' }),
};

crate::routes!(Compare: "/compare");

#[component]
fn Compare() -> impl IntoView {
    loaded(function::compare, |view| hydrated_at_once(draw::draw(view)))
}
