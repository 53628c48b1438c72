//! Draws the catalogue page.

use leptos::prelude::*;

use super::{view::CatalogueView, words};
use crate::{shell::top::PageTop, ui::table::Table};

/// The page.
pub(super) fn draw(v: CatalogueView) -> impl IntoView {
    let lang = v.head.lang;
    view! {
        <PageTop head=v.head state=None about=|lang, _| words::about(lang).into()/>
        <main id="main" tabindex="-1">
            <p class="lead">{v.summary}</p>
            <Table table=v.table lang/>
        </main>
    }
}
