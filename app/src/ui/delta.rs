//! A change against an earlier period or a baseline: how much, which way, and whether that is better.

use domain::metric::ChangeVerdict;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// A change against the period before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeltaView {
    pub way: Movement,
    /// How much, without a sign.
    pub size: String,
    pub change: ChangeVerdict,
    /// Whether it is large enough to matter.
    pub exceeds_smallest_effect: bool,
    /// "better", "worse": the colour in a word.
    pub word: String,
}

/// Which way a number moved, as it is shown: what rounds to nothing stayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Movement {
    Up,
    Down,
    Stayed,
}

impl DeltaView {
    /// With its arrow.
    #[must_use]
    pub fn text(&self) -> String {
        let arrow = match self.way {
            Movement::Up => '↑',
            Movement::Down => '↓',
            Movement::Stayed => '±',
        };
        format!("{arrow}{}", self.size)
    }
}

/// A change with its arrow, its colour, and the colour in a word.
#[component]
pub fn Delta(delta: DeltaView) -> impl IntoView {
    let class = match delta.change {
        ChangeVerdict::Better => "delta better",
        ChangeVerdict::Worse => "delta worse",
        ChangeVerdict::Neutral => "delta",
    };
    let text = delta.text();
    view! { <span class=class>{text}" "<span class="delta-word">{delta.word}</span></span> }
}
