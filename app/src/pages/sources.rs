//! `/sources`: who delivered what, and what was refused and why.

use leptos::prelude::*;

use super::loaded;
use crate::{
    api::sources::sources,
    ui::{chart::Chart, empty::Empty, table::Table, top::Top, whole::whole},
    view::SourcesView,
};

#[component]
pub fn Sources() -> impl IntoView {
    loaded(sources, |view| whole(draw(view)))
}

fn draw(v: SourcesView) -> impl IntoView {
    let lang = v.head.lang;
    view! {
        <Top head=v.head state=None about=|t| t.about_sources/>
        <main id="main" tabindex="-1">
            {v.empty.map(|e| view! { <Empty empty=e/> })}
            <p class="lead">{v.summary}</p>
            {v.jobs.map(|table| view! { <Table table lang/> })}
            {v.failed.map(|table| view! { <Table table lang/> })}
            {v.written.map(|table| view! { <Table table lang/> })}
            {v.sources.map(|table| view! { <Table table lang/> })}
            {v.beyond.map(|table| view! { <Table table lang/> })}
            {v.volume.map(|chart| view! { <Chart chart lang/> })}
        </main>
    }
}
