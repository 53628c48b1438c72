//! Nothing to show: why, and what to do.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{icon::Icon, menu::Link};

/// Nothing to show, why, and what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmptyView {
    pub title: String,
    pub text: String,
    /// Commands to type, with the sentence before each.
    pub commands: Vec<(String, String)>,
    pub action: Option<Link>,
}

#[component]
pub fn Empty(empty: EmptyView) -> impl IntoView {
    view! {
        <section class="notice">
            <Icon name="inbox"/>
            <h2>{empty.title}</h2>
            <p>{empty.text}</p>
            {empty.commands.into_iter().map(|(why, command)| view! {
                <p class="quiet">{why}</p><pre><code>{command}</code></pre>
            }).collect_view()}
            {empty.action.map(|a| view! { <a class="button primary" href=a.href>{a.label}</a> })}
        </section>
    }
}
