//! One file a route: which data a page loads and how it is arranged.

mod place;
mod sources;
mod trends;

use std::future::Future;

use domain::{
    ErrorKind,
    ask::{Ask, KEYS},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    hooks::{use_params_map, use_query_map},
    params::ParamsMap,
};
use serde::{Serialize, de::DeserializeOwned};

pub use place::Place;
pub use sources::Sources;
pub use trends::Trends;

use crate::{
    api::PageError,
    ui::{icon::Icon, prefs::Prefs},
};

/// The question that the address asks: names from the path, the rest from the query.
fn asked() -> Memo<Ask> {
    let (params, query) = (use_params_map(), use_query_map());
    Memo::new(move |_| {
        let mut ask = Ask::default();
        let mut read = |map: &ParamsMap| {
            for key in KEYS {
                if let Some(value) = map.get(key) {
                    ask.set(key, Some(value));
                }
            }
        };
        query.with(&mut read);
        params.with(&mut read);
        ask
    })
}

/// A page that loads its view and draws it. On a change the old one stays, dimmed under a thin bar, until the new one is
/// there; nothing blanks.
fn loaded<T, F>(load: impl Fn(Ask) -> F + Copy + Send + Sync + 'static, draw: fn(T) -> AnyView) -> AnyView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<T, PageError>> + Send + 'static,
{
    let ask = asked();
    let prefs = expect_context::<Prefs>();
    let data =
        Resource::new_blocking(move || (ask.get(), prefs.lang.get(), prefs.zone.get()), move |(ask, _, _)| load(ask));
    let (pending, set_pending) = signal(false);
    view! {
        <div class="page" class:pending=move || pending.get() aria-busy=move || pending.get().then_some("true")>
            <div class="progress" aria-hidden="true"></div>
            <Transition
                fallback=move || view! { <p class="loading">{move || prefs.lang.get().texts().loading}</p> }
                set_pending
            >
                {move || Suspend::new(async move {
                    match data.await {
                        Ok(view) => draw(view),
                        Err(e) => failure(e, prefs),
                    }
                })}
            </Transition>
        </div>
    }
    .into_any()
}

/// What went wrong, and a way on.
fn failure(e: PageError, prefs: Prefs) -> AnyView {
    let t = prefs.lang.get_untracked().texts();
    let title = match e.kind {
        ErrorKind::BadInput => t.error_bad_title,
        ErrorKind::NotFound => t.error_not_found_title,
        ErrorKind::Forbidden => t.error_forbidden_title,
        ErrorKind::Unavailable | ErrorKind::Internal => t.error_title,
    };
    let (href, label) = if e.kind == ErrorKind::Forbidden { ("/signin", t.signin_go) } else { ("/", t.error_back) };
    view! {
        <Title text=title/>
        <main id="main" class="notice">
            <Icon name="circle-alert"/>
            <h1>{title}</h1>
            <p>{e.message}</p>
            <a class="button" href=href>{label}</a>
        </main>
    }
    .into_any()
}

/// An address without a page.
#[component]
pub fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::api::answer_with(ErrorKind::NotFound);
    let prefs = expect_context::<Prefs>();
    let message = prefs.lang.get_untracked().texts().error_not_found.to_owned();
    failure(PageError { kind: ErrorKind::NotFound, message }, prefs)
}
