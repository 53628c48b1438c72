//! A change against an earlier period or a baseline: how much, which way, and whether that is better.

use domain::metric::ChangeVerdict;
use leptos::{either::Either, prelude::*};
use serde::{Deserialize, Serialize};

/// A change against the period before, or a difference to a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeltaView {
    pub way: Movement,
    /// How much, without a sign.
    pub size: String,
    pub change: ChangeVerdict,
    /// Whether it is more than noise, and large enough to matter.
    pub tells: bool,
    /// Whether anything can be said of it at all: it was held against its noise.
    pub told: bool,
    /// "better", "within noise": what the colour says, and more.
    pub word: String,
    /// Its interval, and what is owed to where records came from.
    pub note: String,
    /// All of it in a sentence.
    pub sentence: String,
    /// Where it is taken apart, and how it is judged; nothing where all around it is a link already.
    pub href: Option<String>,
    pub how: Option<String>,
}

/// Which way a number moved, as it is shown: what rounds to nothing stayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Movement {
    Up,
    Down,
    Stayed,
    /// There is nothing that could be compared with itself.
    Unknown,
}

impl DeltaView {
    /// With its arrow.
    #[must_use]
    pub fn text(&self) -> String {
        let arrow = match self.way {
            Movement::Up => '↑',
            Movement::Down => '↓',
            Movement::Stayed => '±',
            Movement::Unknown => return "–".to_owned(),
        };
        format!("{arrow}{}", self.size)
    }
}

/// A change with its arrow, its colour, the colour in a word, and how sure it is.
#[component]
pub fn Delta(delta: DeltaView) -> impl IntoView {
    let class = match delta.change {
        ChangeVerdict::Better => "delta better",
        ChangeVerdict::Worse => "delta worse",
        ChangeVerdict::Neutral => "delta",
    };
    let text = delta.text();
    let note = (!delta.note.is_empty()).then(|| {
        let note = match delta.how {
            Some(href) => Either::Left(view! { <a href=href>{delta.note}</a> }),
            None => Either::Right(delta.note),
        };
        view! { <small class="delta-note">{note}</small> }
    });
    let word = view! { <span class="delta-word">{delta.word}</span> };
    let shown = match delta.href {
        Some(href) => Either::Left(view! { <a class=class href=href title=delta.sentence>{text}" "{word}</a> }),
        None => Either::Right(view! { <span class=class title=delta.sentence>{text}" "{word}</span> }),
    };
    view! { {shown}{note} }
}
