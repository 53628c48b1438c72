//! Draws the records page.

use leptos::prelude::*;

use super::{view::RecordsView, words};
use crate::{
    shell::top::PageTop,
    ui::{empty::Empty, form::Filters, table::Table},
};

/// The page.
pub(super) fn draw(v: RecordsView) -> impl IntoView {
    let lang = v.head.lang;
    view! {
        <PageTop head=v.head state=None about=|lang, _| words::about(lang).into()/>
        <main id="main" tabindex="-1">
            <p class="lead">{v.summary}</p>
            {v.filter.map(|f| view! { <Filters filter=f lang/> })}
            {v.empty.map(|e| view! { <Empty empty=e/> })}
            {v.table.map(|table| view! { <Table table lang/> })}
        </main>
    }
}
