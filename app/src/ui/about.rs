//! What a page is about, in the head of the document, for machines that list pages and for people who share them. Written
//! by the server alone: in a page that is open nobody reads it, so the browser's half has no code for it.

use leptos::{
    attr::{Attribute, any_attribute::AnyAttribute},
    prelude::*,
    tachys::{
        hydration::Cursor,
        view::{Position, PositionState, add_attr::AddAnyAttr},
    },
};

/// One sentence about the page. It takes no room in the body.
pub struct PageDescription(pub String);

impl Render for PageDescription {
    type State = ();

    fn build(self) {}
    fn rebuild(self, (): &mut ()) {}
}

impl AddAnyAttr for PageDescription {
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, _attr: A) -> Self {
        self
    }
}

impl RenderHtml for PageDescription {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;
    const EXISTS: bool = false;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(
        self,
        _buf: &mut String,
        _position: &mut Position,
        _escape: bool,
        _mark_branches: bool,
        _extra_attrs: Vec<AnyAttribute>,
    ) {
        // The element goes where leptos_meta collects what belongs into the head; in place it leaves nothing.
        #[cfg(feature = "ssr")]
        view! { <leptos_meta::Meta name="description" content=self.0/> }.to_html();
    }

    fn hydrate<const FROM_SERVER: bool>(self, _cursor: &Cursor, _position: &PositionState) {}

    fn into_owned(self) -> Self {
        self
    }
}
