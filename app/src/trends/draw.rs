//! Draws the trends page.

use leptos::prelude::*;

use super::{view::TrendsView, words};
use crate::{
    shell::top::PageTop,
    ui::{
        chart::Chart,
        delta::Delta,
        empty::Empty,
        form::{FilterView, Filters},
        table::Table,
    },
};

/// The page.
pub(super) fn draw(v: TrendsView) -> impl IntoView {
    let lang = v.head.lang;
    let filter = FilterView { action: "/trends".into(), hidden: v.hidden, selects: v.selects };
    view! {
        <PageTop head=v.head state=None about=|lang, _| words::about(lang).into()/>
        <main id="main" tabindex="-1">
            {(!filter.selects.is_empty()).then(|| view! { <Filters filter lang/> })}
            {v.empty.map(|e| view! { <Empty empty=e/> })}
            {v.change.map(|(label, delta)| view! { <p class="change-line">{label}" "<Delta delta/></p> })}
            {v.chart.map(|chart| view! { <Chart chart lang/> })}
            {v.worst.map(|table| view! { <Table table lang/> })}
            {v.models.map(|table| view! { <Table table lang/> })}
        </main>
    }
}
