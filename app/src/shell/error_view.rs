//! The pages that say what went wrong.

use domain::ErrorKind;
use leptos::prelude::*;
use leptos_meta::Title;

use super::{error::PageError, prefs::Prefs, words};
use crate::{
    i18n::bilingual,
    ui::{about::PageDescription, hydration::hydrated_synchronously, icon::Icon},
};

/// What went wrong, and a way on.
pub(super) fn error_view(e: PageError, prefs: Prefs) -> AnyView {
    let lang = prefs.lang.get_untracked();
    let title = match e.kind {
        ErrorKind::BadInput => words::error_bad_title(lang),
        ErrorKind::NotFound => words::error_not_found_title(lang),
        ErrorKind::Forbidden => words::error_forbidden_title(lang),
        ErrorKind::Unavailable | ErrorKind::Internal => words::error_title(lang),
    };
    let (href, label) = if e.kind == ErrorKind::Forbidden {
        ("/signin", words::signin_go(lang))
    } else {
        ("/", words::error_back(lang))
    };
    let says = prefs.lang.get_untracked().message(e.message);
    hydrated_synchronously(view! {
        <Title text=title/>
        {PageDescription(says.clone())}
        <main id="main" tabindex="-1" class="notice">
            <Icon name="circle-alert"/>
            <h1>{title}</h1>
            <p>{says}</p>
            {e.request.map(|id| view! { <p class="quiet">{words::error_request(lang)}" "<code>{id}</code></p> })}
            <a class="button" href=href>{label}</a>
        </main>
    })
}

/// An address without a page.
#[component]
pub fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    super::error::set_status(ErrorKind::NotFound);
    let prefs = expect_context::<Prefs>();
    let message = bilingual(words::error_not_found);
    view! { <div class="page">{error_view(PageError { kind: ErrorKind::NotFound, message, field: None, request: None }, prefs)}</div> }
}
