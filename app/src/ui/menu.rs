//! Links of which one is where the page is: in a menu that opens, or side by side as a switch.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub label: String,
    pub href: String,
    pub current: bool,
}

/// Links of which one is current, and what they choose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choices {
    pub label: String,
    pub links: Vec<Link>,
}

/// The links of a menu.
#[component]
pub fn LinkList(links: Vec<Link>) -> impl IntoView {
    view! {
        <ul>
            {links.into_iter().map(|p| view! {
                <li><a data-noscroll="" href=p.href aria-current=p.current.then_some("true")>{p.label}</a></li>
            }).collect_view()}
        </ul>
    }
}

/// Two or more links side by side.
#[component]
pub fn Switch(choices: Choices) -> impl IntoView {
    let label = choices.label.clone();
    view! {
        <div class="switch" role="group" aria-label=label>
            <span class="quiet">{choices.label}</span>
            {choices.links.into_iter().map(|l| view! {
                <a data-noscroll="" href=l.href aria-current=l.current.then_some("true")>{l.label}</a>
            }).collect_view()}
        </div>
    }
}
