//! `/records`: the rows behind a number.

use leptos::prelude::*;

use super::{loaded, trends::filters};
use crate::{
    api::records::records,
    ui::{empty::Empty, table::Table, top::Top, whole::whole},
    view::RecordsView,
};

#[component]
pub fn Records() -> impl IntoView {
    loaded(records, |view| whole(draw(view)))
}

fn draw(v: RecordsView) -> impl IntoView {
    let lang = v.head.lang;
    view! {
        <Top head=v.head state=None about=|t| t.about_records/>
        <main id="main" tabindex="-1">
            <p class="lead">{v.summary}</p>
            {v.filter.map(|f| filters(&f.action, lang, f.hidden, f.selects))}
            {v.empty.map(|e| view! { <Empty empty=e/> })}
            {v.table.map(|table| view! { <Table table lang/> })}
        </main>
    }
}
