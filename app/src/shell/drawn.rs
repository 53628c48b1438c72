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

#[cfg(feature = "ssr")]
impl DrawnView {
    /// Much of it was written by somebody else: what may stand in no HTML is shown by symbols.
    #[must_use]
    pub fn new(mut head: PageHead, about: &str, html: &str) -> Self {
        let visible = |text: &mut String| *text = domain::text::visible(text).into_owned();
        visible(&mut head.title);
        for crumb in &mut head.crumbs {
            visible(&mut crumb.label);
            visible(&mut crumb.what);
            crumb.siblings.iter_mut().for_each(|s| visible(&mut s.label));
        }
        Self { head, about: about.to_owned(), html: domain::text::visible(html).into_owned() }
    }
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
