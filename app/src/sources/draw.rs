//! Draws the sources page.

use leptos::prelude::*;

use super::{view::SourcesView, words};
use crate::{
    shell::top::PageTop,
    ui::{chart::Chart, empty::Empty, table::Table},
};

/// The page.
pub(super) fn draw(v: SourcesView) -> impl IntoView {
    let lang = v.head.lang;
    view! {
        <PageTop head=v.head state=None about=|lang, _| words::about(lang).into()/>
        <main id="main" tabindex="-1">
            {v.empty.map(|e| view! { <Empty empty=e/> })}
            <p class="lead">{v.summary}</p>
            {v.jobs.map(|table| view! { <Table table lang/> })}
            {v.failed.map(|table| view! { <Table table lang/> })}
            {v.written.map(|table| view! { <Table table lang/> })}
            {v.sources.map(|table| view! { <Table table lang/> })}
            {v.tracking_error.map(|why| view! { <p class="banner bad" role="status">{why}</p> })}
            {v.tracking_warning.map(|why| view! { <p class="banner late">{why}</p> })}
            {v.tracking.map(|table| view! { <Table table lang/> })}
            {v.beyond.map(|table| view! { <Table table lang/> })}
            {v.volume.map(|chart| view! { <Chart chart lang/> })}
        </main>
    }
}
