//! `/records`: the rows behind a number.

use leptos::prelude::*;

use super::loaded;
use crate::{
    api::records::records,
    ui::{empty::Empty, table::Table, top::Top},
    view::RecordsView,
};

#[component]
pub fn Records() -> impl IntoView {
    loaded(records, |view| draw(view).into_any())
}

fn draw(v: RecordsView) -> impl IntoView {
    let lang = v.head.lang;
    view! {
        <Top head=v.head state=None/>
        <main id="main" tabindex="-1">
            <p class="lead">{v.summary}</p>
            {v.empty.map(|e| view! { <Empty empty=e/> })}
            {v.table.map(|table| view! { <Table table lang/> })}
        </main>
    }
}
