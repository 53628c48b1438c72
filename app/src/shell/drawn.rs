//! A page that the server alone draws: its content comes as HTML, and the browser's program only puts it in place. Such a page costs
//! the program next to nothing (docs/adr/0010). Links are the router's as everywhere; forms that ask by GET, selected rows and
//! keeping what somebody opened or types are `app/elements/drawn.ts`.

use std::{future::Future, pin::Pin};

use leptos::{
    html::{InnerHtmlAttribute, custom},
    prelude::*,
};
use serde::{Deserialize, Serialize};

use super::{
    error::PageError,
    json_text::JsonText,
    load::loaded_at,
    page_spec::PageSpec,
    top::{PageHead, PageTop},
};
use crate::ui::hydration::hydrated_synchronously;

/// Asks for a page by its path and query. Boxed, so that all such pages are loaded by the same code.
pub type Load = fn(String) -> Pin<Box<dyn Future<Output = Result<JsonText<DrawnView>, PageError>> + Send>>;

/// A page that `load` draws.
pub fn drawn_page(page: &'static PageSpec, load: Load) -> AnyView {
    loaded_at(page, load, draw)
}

/// What the server drew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrawnView {
    pub head: PageHead,
    /// What kind of page it is, in a sentence, for those who list pages.
    pub about: String,
    /// What stands in `<main>`.
    pub html: String,
}

/// Puts it in place.
fn draw(v: DrawnView) -> AnyView {
    let about = v.about;
    // In capitals: see `ui/chart`.
    let drawn = custom("GF-DRAWN").inner_html(v.html);
    hydrated_synchronously(view! {
        <PageTop head=v.head state=None about=move |_, _| about.clone()/>
        <main id="main" tabindex="-1">{drawn}</main>
    })
}
