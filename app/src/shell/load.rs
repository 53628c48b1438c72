//! Loads what a page shows and draws it: on the server before the page is sent, in the browser whenever its address, the
//! language, the time zone or the records change.

use std::future::Future;

use domain::{
    Error, ErrorKind,
    params::{QueryParams, decode, pairs},
};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use serde::{Serialize, de::DeserializeOwned};

use super::{error::PageError, error_view::error_view, json_text::JsonText, page_spec::PageSpec, prefs::Prefs, words};
#[cfg(not(feature = "ssr"))]
use crate::i18n::{bilingual, words as i18n_words};
use crate::{i18n::Lang, ui::hydration::hydrated_synchronously};

/// The query that the address asks: names from the path, the rest from the query.
fn address_query() -> Memo<Result<QueryParams, Error>> {
    let location = use_location();
    Memo::new(move |_| {
        // A request that its sender gave up may be gone before this is asked for the last time.
        let read = |part: Memo<String>| part.try_get().unwrap_or_default();
        ask_of(&read(location.pathname), &read(location.search))
    })
}

/// Reads path and query as they stand in the address: the router's own maps are decoded twice, and a name that holds a
/// percent sign would become another.
fn ask_of(path: &str, search: &str) -> Result<QueryParams, Error> {
    let mut params = QueryParams::default();
    for (key, value) in pairs(search)? {
        params.set(&key, Some(value));
    }
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    for pair in segments.chunks_exact(2) {
        let key = match pair[0] {
            "customers" => "customer",
            "sites" => "site",
            "zones" => "zone",
            _ => continue,
        };
        params.set(key, Some(decode(pair[1])?));
    }
    Ok(params)
}

/// A page that loads its view and draws it. On a change the old one stays, dimmed under a thin bar, until the new one is
/// there; nothing blanks.
pub fn loaded_page<T, F>(
    load: impl Fn(QueryParams) -> F + Copy + Send + Sync + 'static,
    draw: fn(T) -> AnyView,
) -> AnyView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<JsonText<T>, PageError>> + Send + 'static,
{
    loaded_by(address_query(), load, draw)
}

/// The same for a page whose server function reads the address itself: path and query as they stand there, as long as the path is the
/// page's.
pub fn loaded_at<T, F>(
    page: &'static PageSpec,
    load: impl Fn(String) -> F + Copy + Send + Sync + 'static,
    draw: fn(T) -> AnyView,
) -> AnyView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<JsonText<T>, PageError>> + Send + 'static,
{
    let location = use_location();
    let address = Memo::new(move |before: Option<&Result<String, Error>>| {
        let read = |part: Memo<String>| part.try_get().unwrap_or_default();
        let (path, search) = (read(location.pathname), read(location.search));
        match before {
            // The visitor has left for another page, which asks for itself.
            Some(before) if !page.matches_path(&path) => before.clone(),
            _ => Ok(format!("{path}?{}", search.trim_start_matches('?'))),
        }
    });
    loaded_by(address, load, draw)
}

fn loaded_by<Q, T, F>(
    params: Memo<Result<Q, Error>>,
    load: impl Fn(Q) -> F + Copy + Send + Sync + 'static,
    draw: fn(T) -> AnyView,
) -> AnyView
where
    Q: Clone + PartialEq + Send + Sync + 'static,
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<JsonText<T>, PageError>> + Send + 'static,
{
    let prefs = expect_context::<Prefs>();
    let refreshes = RwSignal::new(0_u32);
    // Effects run in the browser only: `app/elements/live.ts` says that there is news.
    Effect::new(move |_| {
        let news = window_event_listener_untyped("gf:refresh", move |_| refreshes.update(|n| *n += 1));
        on_cleanup(move || news.remove());
    });
    let state = Memo::new(move |_| (params.get(), prefs.lang.get(), prefs.zone.get(), refreshes.get()));
    // In the browser: what was answered last.
    let last: StoredValue<Option<(PageState<Q>, T)>> = StoredValue::new(None);
    let load = move |params: Result<Q, Error>| async move {
        match params {
            Ok(params) => load(params).await,
            Err(e) => Err(PageError::of(e)),
        }
    };
    #[cfg(feature = "ssr")]
    let load = move |(params, ..): PageState<Q>| load(params);
    #[cfg(not(feature = "ssr"))]
    let load = newest(state, last, load);
    let data = Resource::new_blocking(move || state.get(), load);
    let (pending, set_pending) = signal(false);
    let fallback = move || view! { <p class="loading">{move || words::loading(prefs.lang.get())}</p> };
    let content = move || {
        Suspend::new(async move {
            let shown = state.get_untracked();
            match data.await {
                Ok(JsonText(view)) => {
                    // The first comes with the page.
                    if cfg!(not(feature = "ssr")) && last.with_value(Option::is_none) {
                        last.set_value(Some((shown, view.clone())));
                    }
                    draw(view)
                }
                // A server that is away for a moment takes nothing from the page: it grows old, and says so.
                Err(e) => {
                    tell_failure();
                    match last.try_get_value().flatten() {
                        Some((same, view)) if e.kind == ErrorKind::Unavailable && same.0 == shown.0 => draw(view),
                        _ => error_view(e, prefs),
                    }
                }
            }
        })
    };
    // On the server nothing is ever pending, and there Leptos' effect behind it outlives requests that were given up.
    #[cfg(feature = "ssr")]
    let content = {
        let _ = set_pending;
        view! { <Transition fallback>{content}</Transition> }
    };
    #[cfg(not(feature = "ssr"))]
    let content = view! { <Transition fallback set_pending>{content}</Transition> };
    hydrated_synchronously(view! {
        <div class="page" class:pending=move || pending.get() aria-busy=move || pending.get().then_some("true")>
            <div class="progress" aria-hidden="true"></div>
            {content}
        </div>
    })
}

/// What a page is to show: of which query, in which language and time zone, and after how many refreshes.
type PageState<Q> = (Result<Q, Error>, Lang, u32, u32);

/// Loads the current state. A resource waits for the request that is under way before it makes another: here a newer state
/// cancels it, and what was then answered is not asked for again.
#[cfg(not(feature = "ssr"))]
fn newest<Q, T, F>(
    state: Memo<PageState<Q>>,
    last: StoredValue<Option<(PageState<Q>, T)>>,
    load: impl Fn(Result<Q, Error>) -> F + Copy + Send + Sync + 'static,
) -> impl Fn(PageState<Q>) -> futures::future::BoxFuture<'static, Result<JsonText<T>, PageError>>
+ Copy
+ Send
+ Sync
+ 'static
where
    Q: Clone + PartialEq + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<JsonText<T>, PageError>> + Send + 'static,
{
    use futures::{
        channel::oneshot,
        future::{Either, select},
    };

    let under_way: StoredValue<Option<(PageState<Q>, oneshot::Sender<()>)>> = StoredValue::new(None);
    Effect::new(move |_| {
        let target = state.get();
        let _ = under_way.try_update_value(|u| drop(u.take_if(|(w, _)| *w != target)));
    });
    move |_| {
        Box::pin(async move {
            loop {
                // The page may be gone, and with it whoever waited.
                let Some(target) = state.try_get_untracked() else {
                    let message = bilingual(i18n_words::error_page);
                    return Err(PageError { kind: ErrorKind::Unavailable, message, field: None, request: None });
                };
                if let Some((_, view)) = last.try_get_value().flatten().filter(|(w, _)| *w == target) {
                    return Ok(JsonText(view));
                }
                let (keep, cancelled) = oneshot::channel();
                let _ = under_way.try_set_value(Some((target.clone(), keep)));
                let request = Box::pin(load(target.0.clone()));
                let Either::Left((answer, _)) = select(request, cancelled).await else { continue };
                if let Ok(JsonText(view)) = &answer {
                    let _ = last.try_set_value(Some((target, view.clone())));
                }
                return answer;
            }
        })
    }
}

/// Says to `app/elements/live.ts` that what it asked for failed.
fn tell_failure() {
    #[cfg(target_arch = "wasm32")]
    if let Ok(event) = web_sys::Event::new("gf:failed") {
        let _ = window().dispatch_event(&event);
    }
}

#[cfg(test)]
mod tests {
    use domain::ErrorKind;

    use super::ask_of;

    #[test]
    fn an_address_is_decoded_once() {
        let path = "/customers/a%252Fb/sites/%EB%B6%80%EC%82%B0-2";
        let params = ask_of(path, "?from=now-30d&metric=a%26b&tz=Asia%2FSeoul&x=1").expect("an address");
        assert_eq!(params.customer.as_deref(), Some("a%2Fb"));
        assert_eq!(params.site.as_deref(), Some("부산-2"));
        assert_eq!((params.metric.as_deref(), params.tz.as_deref()), (Some("a&b"), Some("Asia/Seoul")));
        assert_eq!(ask_of("/", "").expect("an address").customer, None);
    }

    #[test]
    fn an_address_that_can_be_read_in_two_ways_or_in_none_is_refused_in_both_languages() {
        for (path, search) in [("/", "?days=1&days=2"), ("/trends", "?site=%ff"), ("/customers/%ff", "")] {
            let refused = ask_of(path, search).expect_err(search);
            assert_eq!(refused.kind, ErrorKind::BadInput, "{path}{search}");
            assert!(refused.message.ko.is_some(), "{path}{search}");
        }
    }
}
