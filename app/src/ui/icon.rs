//! Icons (Lucide, drawn from one sprite) and the marks of data states: a shape for each, never colour alone.

use domain::state::DataState;
use leptos::prelude::*;

#[component]
pub fn Icon(name: &'static str) -> impl IntoView {
    view! { <svg class="icon" aria-hidden="true"><use href=format!("/icons.svg#{name}")></use></svg> }
}

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
