//! What holds for every request: hosts are known, addresses can be read in one way only, every answer carries the security headers.

use std::net::SocketAddr;

use app::PAGES;
use axum::{
    extract::{Request, State as Shared},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{params, scope::clip_text};

use super::{AppState, problem::Problem};

/// The host names under which this server answers: a name that leads here but is not listed is an attack
/// (DNS rebinding).
#[derive(Debug)]
pub struct Hosts {
    loopback: Vec<String>,
    listed: Vec<String>,
}

impl Hosts {
    #[must_use]
    pub fn new(listed: &[String], address: SocketAddr) -> Self {
        let port = address.port();
        let names = ["localhost", "127.0.0.1", "[::1]"];
        let mut loopback: Vec<String> = names.iter().map(|n| format!("{n}:{port}")).collect();
        if matches!(port, 80 | 443) {
            loopback.extend(names.iter().map(ToString::to_string));
        }
        if address.ip().is_loopback() {
            loopback.push(address.to_string());
        }
        let listed = listed.iter().map(|h| h.trim().to_ascii_lowercase()).filter(|h| !h.is_empty()).collect();
        Self { loopback, listed }
    }

    #[must_use]
    pub fn is_loopback(&self, host: &str) -> bool {
        self.loopback.iter().any(|h| h.eq_ignore_ascii_case(host))
    }

    #[must_use]
    pub fn knows(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let bare =
            host.rsplit_once(':').filter(|(_, port)| port.chars().all(|c| c.is_ascii_digit())).map_or(&*host, |h| h.0);
        self.is_loopback(&host) || self.listed.iter().any(|h| *h == host || *h == bare)
    }
}

/// The host that a request names: in HTTP/2 in its address, before in its header.
#[must_use]
pub fn host(request: &Request) -> Option<String> {
    let named = request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).map(str::to_owned);
    request.uri().authority().map(|a| a.as_str().to_owned()).or(named)
}

pub async fn require_known_host(Shared(state): Shared<AppState>, request: Request, next: Next) -> Response {
    if request.headers().get_all(header::HOST).iter().count() > 1 {
        return Problem::new(StatusCode::BAD_REQUEST, "the request names more than one host").into_response();
    }
    match host(&request) {
        Some(h) if state.hosts.knows(&h) => next.run(request).await,
        Some(h) => {
            let text = format!("“{}” is not a name of this server; list it in GF_HOSTS to allow it", clip_text(&h));
            Problem::new(StatusCode::MISDIRECTED_REQUEST, text).into_response()
        }
        None => Problem::new(StatusCode::BAD_REQUEST, "the request names no host").into_response(),
    }
}

/// An address that could be read in two ways, or in none, is refused before anybody reads it. Pages refuse it themselves,
/// by the same rule and with a way on.
pub async fn reject_ambiguous_uri(request: Request, next: Next) -> Response {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let page = PAGES.iter().any(|page_spec| page_spec.matches_path(path));
    match params::decode(path).and_then(|_| params::pairs(query)) {
        Err(e) if !page => Problem::from(e).into_response(),
        _ => next.run(request).await,
    }
}

/// Server functions answer our own pages only, and never with a redirect: Leptos would send whoever asks for HTML back to
/// the Referer, with the error in the address.
pub async fn own_pages_only(mut request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/sf/") {
        if request.headers().get("sec-fetch-site").is_some_and(|s| s == "cross-site" || s == "same-site") {
            return Problem::new(StatusCode::FORBIDDEN, "this address answers our own pages only").into_response();
        }
        request.headers_mut().remove(header::REFERER);
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    }
    next.run(request).await
}

/// The policy of everything that is no page; pages write their own with a nonce for their scripts.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The policy of a page.
#[must_use]
pub fn page_policy(nonce: &str, watch: bool) -> String {
    let reload = if watch { " ws://127.0.0.1:3001" } else { "" };
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         connect-src 'self'{reload}; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

pub async fn security_headers(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Names in these folders change with their content.
    let kept = if ["/pkg/", "/elements/"].iter().any(|p| path.starts_with(p)) {
        Some("public, max-age=31536000, immutable")
    } else {
        (path == "/favicon.svg").then_some("public, max-age=3600")
    };
    let mut response = next.run(request).await;
    let page = response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"text/html"));
    let ok = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let busy = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    let heads = response.headers_mut();
    let mut otherwise = |name: HeaderName, value: &'static str| {
        heads.entry(name).or_insert(HeaderValue::from_static(value));
    };
    otherwise(header::CONTENT_SECURITY_POLICY, POLICY);
    otherwise(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    otherwise(header::REFERRER_POLICY, "same-origin");
    otherwise(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    otherwise(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    otherwise(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    // A page may wait in the browser for somebody to come back to it, and is asked for again otherwise; who signed in or
    // out meanwhile sends other cookies and gets another page. What scripts and programs are answered is kept by nobody.
    let fleeting = if page { "private, no-cache" } else { "private, no-store" };
    otherwise(header::CACHE_CONTROL, kept.filter(|_| ok).unwrap_or(fleeting));
    // Whoever was given up on, or found us filling the demo, is told when to come again like everybody else.
    if busy {
        otherwise(header::RETRY_AFTER, "1");
    }
    if page {
        heads.append(header::VARY, HeaderValue::from_static("cookie, accept-language"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_with_their_port_only_on_loopback() {
        let hosts = Hosts::new(&["Metrics.example.com".into()], "127.0.0.1:3000".parse().expect("an address"));
        for good in ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "metrics.example.com", "metrics.EXAMPLE.com:443"]
        {
            assert!(hosts.knows(good), "{good}");
        }
        for bad in ["evil.example.com", "localhost:3001", "127.0.0.1", "localhost.evil.com:3000", ""] {
            assert!(!hosts.knows(bad), "{bad}");
        }
    }
}
