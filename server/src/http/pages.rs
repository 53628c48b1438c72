//! Pages and the files that they need: wires the app into the router and gives it its context.

use std::path::PathBuf;

use app::{
    App, document,
    i18n::Lang,
    shell::{context::Request, refused::Refused, theme::Theme},
};
use axum::{
    Extension, Form, Router,
    extract::{Request as HttpRequest, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use domain::{access::Actor, params::decode};
use jiff::tz::TimeZone;
use leptos::{
    nonce::use_nonce,
    prelude::{provide_context, use_context},
};
use leptos_axum::{
    LeptosRoutes, ResponseOptions, generate_route_list, handle_server_fns_with_context, render_app_async_with_context,
};
use serde::Deserialize;
use tower_http::services::{ServeDir, ServeFile};

use super::{AppState, middleware::page_policy, problem::Problem, sentences};
use crate::page_paths;

/// Adds pages, server functions, files, and the page for everything else.
pub fn with_pages(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let root = PathBuf::from(&*state.leptos.site_root);
    let files = |path: PathBuf| {
        let files = ServeDir::new(path).precompressed_br().precompressed_gzip();
        Router::new().fallback_service(files).layer(middleware::from_fn(short_names))
    };
    let file = |name: &str| ServeFile::new(root.join(name)).precompressed_br().precompressed_gzip();
    let context = {
        let state = state.clone();
        move || provide(&state)
    };
    let shell = {
        let options = state.leptos.clone();
        move || document(options.clone())
    };
    // Forms that are sent to the page on which they stand: `forms` has put the function's address in its place.
    let elsewhere = page_paths::forms().into_iter().filter(|(path, f)| path != f.path);
    let router = elsewhere.fold(router, |router, (path, _)| {
        let context = context.clone();
        let handler = move |request: HttpRequest| handle_server_fns_with_context(context.clone(), request);
        router.route(&path, axum::routing::post(handler))
    });
    router
        .leptos_routes_with_context(state, generate_route_list(App), context, shell)
        .nest_service("/pkg", files(root.join("pkg")))
        .nest_service("/elements", files(root.join("elements")))
        .route_service("/favicon.svg", file("favicon.svg"))
        .fallback(not_found)
}

/// The longest name of a file in bytes, with room for `.br` and `.gz` below the 255 of file systems.
const LONGEST_FILE_NAME: usize = 250;

/// Says of a name that no file can have that there is none: the file system's error would be answered with 500.
async fn short_names(request: HttpRequest, next: Next) -> Response {
    if request.uri().path().split('/').any(|name| name.len() > LONGEST_FILE_NAME) {
        return Problem::new(StatusCode::NOT_FOUND, "there is no such file").into_response();
    }
    next.run(request).await
}

/// Gives the app what it needs for one request: services, who asks and how, and the policy of the page.
fn provide(state: &AppState) {
    let Some(parts) = use_context::<request::Parts>() else {
        provide_context(state.services_for(&Actor::Anonymous));
        return;
    };
    // The authentication layer has put it there; without it the sender is unknown.
    let request = parts
        .extensions
        .get::<Request>()
        .cloned()
        .unwrap_or_else(|| read_request(&parts.headers, Actor::Anonymous, false, String::new()));
    provide_context(state.services_for(&request.actor));
    provide_context(request);
    if let Some(refused) = parts.extensions.get::<Refused>() {
        provide_context(refused.clone());
    }
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) {
        let policy = page_policy(&nonce, std::env::var_os("LEPTOS_WATCH").is_some());
        if let Ok(value) = HeaderValue::from_str(&policy) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, value);
        }
    }
}

/// A path with a segment `.` or `..` leads nowhere: the router of pages would walk along it, and show the page where it ends. Nor does one of a file
/// with a NUL, which no system has and whose refusal would be a fault of ours.
pub async fn reject_dot_segments(state: Shared<AppState>, mut request: HttpRequest, next: Next) -> Response {
    let path = request.uri().path();
    let no_file = ["/pkg/", "/elements/"].iter().any(|at| path.starts_with(at)) && path.contains("%00");
    if !has_dot_segment(path) && !no_file {
        return next.run(request).await;
    }
    if !is_for_programs(request.uri().path()) {
        // Where no page is, and nothing to walk along.
        *request.uri_mut() = Uri::from_static("/-/-");
    }
    not_found(state, request).await
}

/// Whether a segment of a path is `.` or `..`, as it stands or encoded. URLs take a backslash for a slash.
fn has_dot_segment(path: &str) -> bool {
    let dots = |segment: &str| decode(segment).is_ok_and(|s| s == "." || s == "..");
    path.split(['/', '\\']).any(dots)
}

fn is_for_programs(path: &str) -> bool {
    ["/api/", "/sf/", "/export/"].iter().any(|p| path.starts_with(p))
}

/// The page for addresses that lead nowhere; programs get a problem instead.
async fn not_found(Shared(state): Shared<AppState>, request: HttpRequest) -> Response {
    if is_for_programs(request.uri().path()) {
        return Problem::with_sentence(StatusCode::NOT_FOUND, sentences::nothing_here()).into_response();
    }
    let mut response = rendered(&state, request).await;
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// The page of a request that no route of a page answers.
pub async fn rendered(state: &AppState, request: HttpRequest) -> Response {
    let context = {
        let state = state.clone();
        move || provide(&state)
    };
    let options = state.leptos.clone();
    let handler = render_app_async_with_context(context, move || document(options.clone()));
    handler(request).await.into_response()
}

/// What a request says about its sender's language, theme and zone.
#[must_use]
pub fn read_request(headers: &HeaderMap, actor: Actor, signed_in: bool, id: String) -> Request {
    let lang = cookie(headers, "gf_lang").and_then(|c| Lang::from_code(&c));
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let zone = cookie(headers, "gf_tz").and_then(|z| TimeZone::get(&z).ok());
    Request {
        actor,
        lang: lang.unwrap_or_else(|| Lang::negotiate(accepted)),
        theme: cookie(headers, "gf_theme").and_then(|c| Theme::from_code(&c)).unwrap_or_default(),
        zone: zone.unwrap_or(TimeZone::UTC),
        signed_in,
        id,
    }
}

/// One cookie of a request.
#[must_use]
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|h| h.to_str().ok())
        .flat_map(cookie::Cookie::split_parse)
        .flatten()
        .find(|c| c.name() == name)
        .map(|c| c.value().to_owned())
}

#[derive(Debug, Deserialize)]
pub struct Preferences {
    lang: Option<String>,
    theme: Option<String>,
    back: Option<String>,
}

/// Keeps a visitor's own choice and leads back to where they were.
pub async fn preferences(Extension(_): Extension<Request>, Form(p): Form<Preferences>) -> Response {
    let mut response = see_other(&local_path(p.back.as_deref()));
    let lang = p.lang.as_deref().and_then(Lang::from_code).map(|l| ("gf_lang", l.code()));
    let theme = p.theme.as_deref().and_then(Theme::from_code).map(|t| ("gf_theme", t.code()));
    if lang.is_none() && theme.is_none() {
        return Problem::new(StatusCode::BAD_REQUEST, "say lang=en|ko or theme=system|light|dark").into_response();
    }
    for (name, value) in [lang, theme].into_iter().flatten() {
        let text = format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax");
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}

/// A path of ours, or the overview: never a foreign address.
#[must_use]
pub fn local_path(back: Option<&str>) -> String {
    let ours = |b: &&str| {
        b.starts_with('/')
            && !b.starts_with("//")
            && !b.contains(['\\', '\r', '\n'])
            && !b.chars().any(char::is_control)
            && b.is_ascii()
    };
    back.filter(ours).unwrap_or("/").to_owned()
}

#[must_use]
pub fn see_other(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, to.to_owned())]).into_response()
}

#[cfg(test)]
mod tests {
    use super::{has_dot_segment, local_path};

    #[test]
    fn dots_are_seen_however_they_are_written() {
        for path in ["/runs/..", "/runs/%2e%2e", "/runs/%2E", "/a/.%2e/b", "/.", "/%2e.", "/runs/a\\..\\.."] {
            assert!(has_dot_segment(path), "{path}");
        }
        // A slash within a name walks nowhere.
        for path in
            ["/", "/runs/...", "/runs/a.b", "/runs/%252e%252e", "/customers/a%2F..%2Fb", "/customers/%ff", "/a//b"]
        {
            assert!(!has_dot_segment(path), "{path}");
        }
    }

    #[test]
    fn nobody_is_led_away() {
        assert_eq!(local_path(Some("/trends?metric=hota")), "/trends?metric=hota");
        for bad in ["//evil.com", "https://evil.com", "/\\evil.com", "", "javascript:alert(1)", "/a\r\nSet-Cookie: x=1"]
        {
            assert_eq!(local_path(Some(bad)), "/", "{bad}");
        }
    }
}
