//! Icons: Lucide, ISC licence, from one sprite that `scripts/icons.mjs` makes.

use leptos::prelude::*;

#[component]
pub fn Icon(name: &'static str) -> impl IntoView {
    view! { <svg class="icon" aria-hidden="true"><use href=format!("#icon-{name}")></use></svg> }
}

/// The sprite, once in a document. As a file it would be a document of its own for the browser to set up: 10 ms, in the
/// midst of reading the page.
#[cfg(feature = "ssr")]
pub const SPRITE: &str = concat!("<svg>", include_str!("icons.svg"), "</svg>");
