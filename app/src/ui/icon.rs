//! Icons (Lucide, ISC licence, drawn from one sprite by `scripts/icons.mjs`) and the marks of data states: a shape for each, never colour alone.

use domain::state::DataState;
use leptos::prelude::*;

#[component]
pub fn Icon(name: &'static str) -> impl IntoView {
    view! { <svg class="icon" aria-hidden="true"><use href=format!("#icon-{name}")></use></svg> }
}

/// The sprite, once in a document. As a file it would be a document of its own for the browser to set up: 10 ms, in the
/// midst of reading the page.
#[cfg(feature = "ssr")]
pub const SPRITE: &str = concat!("<svg>", include_str!("icons.svg"), "</svg>");

/// The shape of a data state, in its colour. The word stands beside it.
#[component]
pub fn StateMark(state: DataState) -> impl IntoView {
    let shape = match state {
        DataState::Ok => "●",
        DataState::Late => "◐",
        DataState::Stale => "○",
        DataState::NoDataExpected => "–",
        DataState::SourceError => "✕",
    };
    view! { <span class=format!("mark {}", state.as_str()) aria-hidden="true">{shape}</span> }
}
