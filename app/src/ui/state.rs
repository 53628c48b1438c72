//! Data states: whether a place delivers. A shape and a word for each, never colour alone.

use domain::state::DataState;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// A data state with its words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateView {
    pub state: DataState,
    pub label: String,
    pub help: String,
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
