//! A headline number: label, value, change, sparkline, and what it is based on. The whole tile is a link.

use leptos::{either::Either, prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    delta::{Delta, DeltaView},
    state::{StateMark, StateView},
    words,
};
use crate::i18n::Lang;

/// One headline number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TileView {
    pub label: String,
    pub help: String,
    pub value: String,
    pub unit: String,
    pub delta: Option<DeltaView>,
    pub versus: String,
    pub state: StateView,
    pub spark: String,
    pub foot: Vec<String>,
    pub simulated: bool,
    pub href: String,
}

#[component]
pub fn Tile(tile: TileView, lang: Lang) -> impl IntoView {
    view! {
        <a class="tile" href=tile.href>
            <span class="tile-head">
                <span class="tile-label" title=tile.help>{tile.label}</span>
                <span class="state" title=tile.state.help><StateMark state=tile.state.state/>{tile.state.label}</span>
            </span>
            <span class="tile-value">{tile.value}<small>{tile.unit}</small></span>
            <span class="tile-delta">
                {match tile.delta {
                    Some(d) => Either::Left(view! { <Delta delta=d/>" "<span class="quiet">{tile.versus}</span> }),
                    None if tile.versus.is_empty() => Either::Right(view! { <span class="quiet">{" "}</span> }),
                    None => Either::Right(view! { <span class="quiet">{words::no_previous(lang)}</span> }),
                }}
            </span>
            <span class="tile-spark" inner_html=tile.spark></span>
            <span class="tile-foot">
                {tile.foot.into_iter().map(|f| view! { <span>{f}</span> }).collect_view()}
                {tile.simulated.then(|| view! { <span class="simulated">{words::simulated(lang)}</span> })}
            </span>
        </a>
    }
}
