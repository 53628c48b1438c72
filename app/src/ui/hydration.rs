//! A view that is hydrated synchronously. Leptos can also hydrate a view asynchronously, for code that is still being loaded; no
//! code is loaded late here, and without that second half the browser's program is a sixth smaller.

use leptos::{
    attr::{Attribute, any_attribute::AnyAttribute},
    prelude::*,
    tachys::{
        hydration::Cursor,
        ssr::StreamBuilder,
        view::{Position, PositionState, add_attr::AddAnyAttr},
    },
};

/// The view with its type erased, without the code that would hydrate it asynchronously.
pub fn hydrated_synchronously(view: impl IntoView + 'static) -> AnyView {
    HydratedSynchronously(view).into_any()
}

/// Forwards everything to the view but `hydrate_async`: the default of the trait calls `hydrate`.
struct HydratedSynchronously<V>(V);

impl<V: Render> Render for HydratedSynchronously<V> {
    type State = V::State;

    fn build(self) -> Self::State {
        self.0.build()
    }
    fn rebuild(self, state: &mut Self::State) {
        self.0.rebuild(state);
    }
}

impl<V: RenderHtml> AddAnyAttr for HydratedSynchronously<V> {
    type Output<A: Attribute> = HydratedSynchronously<V::Output<A>>;

    fn add_any_attr<A: Attribute>(self, attr: A) -> Self::Output<A>
    where
        Self::Output<A>: RenderHtml,
    {
        HydratedSynchronously(self.0.add_any_attr(attr))
    }
}

impl<V: RenderHtml> RenderHtml for HydratedSynchronously<V> {
    type AsyncOutput = V::AsyncOutput;
    type Owned = HydratedSynchronously<V::Owned>;

    const MIN_LENGTH: usize = V::MIN_LENGTH;
    const EXISTS: bool = V::EXISTS;

    fn dry_resolve(&mut self) {
        self.0.dry_resolve();
    }

    async fn resolve(self) -> Self::AsyncOutput {
        self.0.resolve().await
    }

    fn html_len(&self) -> usize {
        self.0.html_len()
    }

    fn to_html_with_buf(
        self,
        buf: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.0.to_html_with_buf(buf, position, escape, mark_branches, extra_attrs);
    }

    fn to_html_async_with_buf<const OUT_OF_ORDER: bool>(
        self,
        buf: &mut StreamBuilder,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.0.to_html_async_with_buf::<OUT_OF_ORDER>(buf, position, escape, mark_branches, extra_attrs);
    }

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Self::State {
        self.0.hydrate::<FROM_SERVER>(cursor, position)
    }

    fn into_owned(self) -> Self::Owned {
        HydratedSynchronously(self.0.into_owned())
    }
}
