//! The pages that say what went wrong.

use domain::ErrorKind;
use leptos::prelude::*;
use leptos_meta::Title;

use super::{error::PageError, prefs::Prefs};
use crate::{
    i18n::both,
    ui::{about::About, hydration::hydrated_at_once, icon::Icon},
};

/// What went wrong, and a way on.
pub(super) fn failure(e: PageError, prefs: Prefs) -> AnyView {
    let t = prefs.lang.get_untracked().texts();
    let title = match e.kind {
        ErrorKind::BadInput => t.error_bad_title,
        ErrorKind::NotFound => t.error_not_found_title,
        ErrorKind::Forbidden => t.error_forbidden_title,
        ErrorKind::Unavailable | ErrorKind::Internal => t.error_title,
    };
    let (href, label) = if e.kind == ErrorKind::Forbidden { ("/signin", t.signin_go) } else { ("/", t.error_back) };
    let says = prefs.lang.get_untracked().says(e.message);
    hydrated_at_once(view! {
        <Title text=title/>
        {About(says.clone())}
        <main id="main" tabindex="-1" class="notice">
            <Icon name="circle-alert"/>
            <h1>{title}</h1>
            <p>{says}</p>
            {e.request.map(|id| view! { <p class="quiet">{t.error_request}" "<code>{id}</code></p> })}
            <a class="button" href=href>{label}</a>
        </main>
    })
}

/// An address without a page.
#[component]
pub fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    super::error::answer_with(ErrorKind::NotFound);
    let prefs = expect_context::<Prefs>();
    let message = both(|t| t.error_not_found);
    view! { <div class="page">{failure(PageError { kind: ErrorKind::NotFound, message, request: None }, prefs)}</div> }
}
