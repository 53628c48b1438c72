//! What a visitor reads whose browser opened a file behind a page (`/export/…`) that cannot be had: a small page in their
//! language, with the status that a program gets. Programs get the problem, in English.

use app::shell::context::Request as Visitor;
use axum::{
    body::Body,
    extract::{Request, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use domain::{access::Actor, error::Sentence};

use super::{AppState, files, pages, problem::ProblemSentence, request_id::request_id, sentences, words};

/// The policy of this page: its style and icon, no script.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Puts the page in the place of the problem, where a browser wants a page.
pub async fn as_error_page(Shared(state): Shared<AppState>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/export/") {
        return next.run(request).await;
    }
    let visitor = wants_page(request.headers())
        .then(|| pages::read_request(request.headers(), Actor::Anonymous, false, String::new()));
    let mut response = next.run(request).await;
    // The same address answers programs and browsers.
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    let told = response.extensions().get::<ProblemSentence>().map(|told| told.0.clone());
    // Whoever was given up on has no problem to read.
    let told = told.or_else(|| (response.status() == StatusCode::SERVICE_UNAVAILABLE).then(sentences::too_slow));
    match (visitor, told) {
        (Some(visitor), Some(why)) => page(&state, &visitor, &why, response),
        _ => response,
    }
}

/// Whether a page is wanted: browsers name HTML when they open an address, programs and scripts of pages do not.
fn wants_page(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().filter_map(|h| h.to_str().ok()).any(|a| a.contains("text/html"))
}

fn page(state: &AppState, visitor: &Visitor, why: &Sentence, refused: Response) -> Response {
    let lang = visitor.lang;
    let request = request_id()
        .map_or_else(String::new, |id| format!(r#"<p class="quiet">{} <code>{id}</code></p>"#, words::request(lang)));
    let html = format!(
        r#"<!DOCTYPE html><html lang="{}" data-theme="{}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title} · GuardianFlow</title><link rel="icon" href="/favicon.svg"><link rel="stylesheet" href="{}"></head><body><main id="main" class="notice signin"><h1>{title}</h1><p>{}</p>{request}<a class="button" href="/">{}</a></main></body></html>"#,
        lang.code(),
        visitor.theme.code(),
        files::stylesheet(&state.leptos),
        escaped(lang.reason(why)),
        words::back(lang),
        title = words::no_file(lang),
    );
    let (mut head, _) = refused.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    head.headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Response::from_parts(head, Body::from(html))
}

/// A text in which nothing is markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
