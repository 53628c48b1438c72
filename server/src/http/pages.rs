//! Pages and the files that they need: wires the app into the router and gives it its context.

use std::{net::SocketAddr, path::PathBuf};

use app::{App, api, i18n::Lang, shell, ui::prefs::Theme};
use axum::{
    Extension, Form, Router,
    extract::{Request as HttpRequest, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header, request},
    response::{IntoResponse, Response},
};
use domain::access::Actor;
use jiff::tz::TimeZone;
use leptos::{
    config::{LeptosOptions, get_configuration},
    prelude::{provide_context, use_context},
};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list, render_app_to_stream_with_context};
use serde::Deserialize;
use tower_http::services::{ServeDir, ServeFile};

use super::{State, middleware::page_policy};

/// Where site files are: beside the binary, unless cargo-leptos says otherwise.
#[must_use]
pub fn leptos_options(address: SocketAddr) -> LeptosOptions {
    if std::env::var_os("LEPTOS_SITE_ROOT").is_some()
        && let Ok(mut found) = get_configuration(None)
    {
        found.leptos_options.site_addr = address;
        return found.leptos_options;
    }
    let beside = std::env::current_exe().ok().and_then(|e| e.parent().map(PathBuf::from)).unwrap_or_default();
    LeptosOptions::builder()
        .output_name("guardianflow")
        .site_root(beside.join("site").to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(address)
        .hash_files(beside.join("hash.txt").exists())
        .build()
}

/// The address of the style sheet, whose name changes with its content.
#[must_use]
pub fn stylesheet(options: &LeptosOptions) -> String {
    let plain = format!("/pkg/{}.css", options.output_name);
    if !options.hash_files {
        return plain;
    }
    let beside = std::env::current_exe().ok().and_then(|e| e.parent().map(|p| p.join("hash.txt")));
    let hashes = beside.and_then(|p| std::fs::read_to_string(p).ok()).unwrap_or_default();
    let css = hashes.lines().find_map(|l| l.strip_prefix("css:")).map(str::trim);
    css.map_or(plain, |hash| format!("/pkg/{}.{hash}.css", options.output_name))
}

/// The style sheet itself, to stand in pages: a file would be asked for only when the page has come. `None` for builds that
/// are watched, where it is loaded anew on its own.
#[must_use]
pub fn style(options: &LeptosOptions) -> Option<String> {
    let file = stylesheet(options);
    let path = PathBuf::from(&*options.site_root).join(file.trim_start_matches('/'));
    options.hash_files.then(|| std::fs::read_to_string(path).ok())?
}

/// The address of the elements' script, whose name changes with its content; `None` where it was not built.
#[must_use]
pub fn elements(options: &LeptosOptions) -> Option<String> {
    let entry = PathBuf::from(&*options.site_root).join("elements").join("entry.txt");
    Some(format!("/elements/{}", std::fs::read_to_string(entry).ok()?.trim()))
}

/// Adds pages, server functions, files, and the page for everything else.
pub fn with_pages(router: Router<State>, state: &State) -> Router<State> {
    let root = PathBuf::from(&*state.leptos.site_root);
    let files = |path: PathBuf| ServeDir::new(path).precompressed_br().precompressed_gzip();
    let file = |name: &str| ServeFile::new(root.join(name)).precompressed_br().precompressed_gzip();
    let context = {
        let state = state.clone();
        move || provide(&state)
    };
    let shell = {
        let options = state.leptos.clone();
        move || shell(options.clone())
    };
    router
        .leptos_routes_with_context(state, generate_route_list(App), context, shell)
        .nest_service("/pkg", files(root.join("pkg")))
        .nest_service("/elements", files(root.join("elements")))
        .route_service("/favicon.svg", file("favicon.svg"))
        .route_service("/icons.svg", file("icons.svg"))
        .fallback(not_found)
}

/// Gives the app what it needs for one request: services, who asks and how, and the policy of the page.
fn provide(state: &State) {
    provide_context(state.services.clone());
    let Some(parts) = use_context::<request::Parts>() else { return };
    // The gate has put it there; without it nobody is known.
    let request = parts
        .extensions
        .get::<api::Request>()
        .cloned()
        .unwrap_or_else(|| read(&parts.headers, Actor::Anonymous, false));
    provide_context(request);
    if let (Some(nonce), Some(response)) = (leptos::nonce::use_nonce(), use_context::<ResponseOptions>()) {
        let policy = page_policy(&nonce, std::env::var_os("LEPTOS_WATCH").is_some());
        if let Ok(value) = HeaderValue::from_str(&policy) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, value);
        }
    }
}

/// The page for addresses that lead nowhere; programs get a problem instead.
async fn not_found(Shared(state): Shared<State>, request: HttpRequest) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") || path.starts_with("/sf/") || path.starts_with("/export/") {
        return super::problem::Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address").into_response();
    }
    let context = {
        let state = state.clone();
        move || provide(&state)
    };
    let options = state.leptos.clone();
    let handler = render_app_to_stream_with_context(context, move || shell(options.clone()));
    let mut response = handler(request).await.into_response();
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// What a request says about its sender's language, theme and zone.
#[must_use]
pub fn read(headers: &HeaderMap, actor: Actor, signed_in: bool) -> api::Request {
    let lang = cookie(headers, "gf_lang").and_then(|c| Lang::from_code(&c));
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let zone = cookie(headers, "gf_tz").and_then(|z| TimeZone::get(&z).ok());
    api::Request {
        actor,
        lang: lang.unwrap_or_else(|| Lang::negotiate(accepted)),
        theme: cookie(headers, "gf_theme").and_then(|c| Theme::from_code(&c)).unwrap_or_default(),
        zone: zone.unwrap_or(TimeZone::UTC),
        signed_in,
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
pub async fn preferences(Extension(_): Extension<api::Request>, Form(p): Form<Preferences>) -> Response {
    let mut response = see_other(&local(p.back.as_deref()));
    let lang = p.lang.as_deref().and_then(Lang::from_code).map(|l| ("gf_lang", l.code()));
    let theme = p.theme.as_deref().and_then(Theme::from_code).map(|t| ("gf_theme", t.code()));
    if lang.is_none() && theme.is_none() {
        return super::problem::Problem::new(StatusCode::BAD_REQUEST, "say lang=en|ko or theme=system|light|dark")
            .into_response();
    }
    for (name, value) in [lang, theme].into_iter().flatten() {
        let text = format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax");
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}

/// A path of ours, or the overview: never somebody else's address.
#[must_use]
pub fn local(back: Option<&str>) -> String {
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
    use super::local;

    #[test]
    fn nobody_is_led_away() {
        assert_eq!(local(Some("/trends?metric=hota")), "/trends?metric=hota");
        for bad in ["//evil.com", "https://evil.com", "/\\evil.com", "", "javascript:alert(1)", "/a\r\nSet-Cookie: x=1"]
        {
            assert_eq!(local(Some(bad)), "/", "{bad}");
        }
    }
}
