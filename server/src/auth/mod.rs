//! Who is calling, and whether they may. Every request passes `require`; a route that is in no list is refused.
//!
//! With a token one signs in with it, wherever one is; programs send it as a bearer token. A request does not tell whether a
//! proxy passed it on: with the defaults of many, it comes from loopback, names our own address, and says nothing of its
//! sender. So nobody is believed to be at this machine once something says that others may come: see [`Unsigned`].

use std::net::SocketAddr;

use app::{
    shell::{context::Request as Visitor, words},
    ui::{icon::SPRITE, links::encode},
};
use axum::{
    Extension, Form,
    extract::{ConnectInfo, FromRequest, MatchedPath, Query, Request, State as Shared},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use domain::access::{Actor, Object, authorize};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{
    config::{Secret, Settings},
    http::{State, files, middleware::host, pages, problem::Problem, request_id::request_id, routes},
};

/// A session ends after this, in seconds.
const SESSION: i64 = 8 * 3_600;
/// The cookie of a session; its prefix makes browsers keep it to this host and to TLS.
const COOKIE: &str = "__Host-gf_session";
/// On loopback there is no TLS and the prefix cannot be used.
const LOCAL_COOKIE: &str = "gf_session";
/// Lives as long as the session, opens nothing, and can be read by scripts: a page that waited in the browser while its
/// visitor signed out sees that it is gone, and shows nothing (`app/src/start.js`).
const MARK: &str = "gf_signed_in";

/// Who somebody is that shows neither the token nor a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// There is a token: nobody, also on loopback.
    Nobody,
    /// There are names under which others call, and no token: somebody who may read.
    Viewer,
    /// Neither: the operator, when the request comes from this machine. Not for use behind a proxy.
    Local,
}

impl Unsigned {
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        if settings.serve.operator_token.is_some() {
            Self::Nobody
        } else if settings.serve.names_hosts() {
            Self::Viewer
        } else {
            Self::Local
        }
    }
}

/// Knows the operator's token and what was signed with it.
#[derive(Debug)]
pub struct Gate {
    token: Option<Secret>,
    unsigned: Unsigned,
}

impl Gate {
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self { token: settings.serve.operator_token.clone(), unsigned: Unsigned::of(settings) }
    }

    fn is_token(&self, given: &str) -> bool {
        self.token.as_ref().is_some_and(|t| t.expose().as_bytes().ct_eq(given.as_bytes()).into())
    }

    /// A session that ends at `until` (seconds since the epoch), signed with the token: changing the token ends it.
    fn seal(&self, until: i64) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.token.as_ref()?.expose().as_bytes()).ok()?;
        mac.update(format!("gf-session:{until}").as_bytes());
        let tag: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        Some(format!("{until}.{tag}"))
    }

    fn opens(&self, session: &str, now: i64) -> bool {
        let Some(until) = session.split_once('.').and_then(|(u, _)| u.parse::<i64>().ok()) else { return false };
        let fresh = until > now && until <= now + SESSION;
        fresh && self.seal(until).is_some_and(|s| s.as_bytes().ct_eq(session.as_bytes()).into())
    }
}

/// Who sent a request, where a layer of this program in front of the gate knows it: nothing that is sent can say so.
#[derive(Debug, Clone)]
pub struct Established(pub Actor);

/// Who sent the request, and whether they signed in for it.
fn identify(state: &State, request: &Request) -> (Actor, bool) {
    if let Some(Established(actor)) = request.extensions().get() {
        return (actor.clone(), false);
    }
    let headers = request.headers();
    let now = state.now().0 / 1_000;
    let session =
        [COOKIE, LOCAL_COOKIE].iter().filter_map(|n| pages::cookie(headers, n)).any(|c| state.gate.opens(&c, now));
    if session {
        return (Actor::Operator, true);
    }
    let bearer =
        headers.get(header::AUTHORIZATION).and_then(|h| h.to_str().ok()).and_then(|h| h.strip_prefix("Bearer "));
    if bearer.is_some_and(|t| state.gate.is_token(t)) {
        return (Actor::Operator, false);
    }
    match state.gate.unsigned {
        Unsigned::Nobody => return (Actor::Anonymous, false),
        Unsigned::Viewer => return (Actor::Viewer, false),
        Unsigned::Local => {}
    }
    // What a proxy adds when it is told to; without it, this is as good as it gets.
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().is_some_and(|c| c.0.ip().is_loopback());
    let named = host(request).is_some_and(|h| state.hosts.is_loopback(&h));
    let forwarded =
        ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"].iter().any(|h| headers.contains_key(*h));
    if peer && named && !forwarded { (Actor::Operator, false) } else { (Actor::Anonymous, false) }
}

/// Lets a request pass when its sender may do what its route needs.
pub async fn require(Shared(state): Shared<State>, mut request: Request, next: Next) -> Response {
    let (actor, signed_in) = identify(&state, &request);
    let visitor = pages::read(request.headers(), actor.clone(), signed_in, request_id().unwrap_or_default());
    request.extensions_mut().insert(visitor);
    let path = request.extensions().get::<MatchedPath>().map(|p| p.as_str().to_owned());
    // The page for addresses that lead nowhere says nothing, so anybody may read it.
    let Some(path) = path else { return next.run(request).await };
    let Some(action) = routes::action(request.method().as_str(), &path) else {
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method").into_response();
    };
    let Err(refused) = authorize(&actor, action, Object::Any) else { return next.run(request).await };
    if matches!(actor, Actor::Viewer | Actor::Bound(_)) {
        return Problem::from(refused).into_response();
    }
    let wants_page =
        request.headers().get(header::ACCEPT).and_then(|h| h.to_str().ok()).is_some_and(|a| a.contains("text/html"));
    if wants_page && !path.starts_with("/api/") {
        let to = request.uri().path_and_query().map_or("/", |p| p.as_str());
        return pages::see_other(&format!("/signin?back={}", encode(to)));
    }
    Problem::new(StatusCode::UNAUTHORIZED, "sign in, or send the operator's token as a bearer token").into_response()
}

#[derive(Debug, Deserialize)]
pub struct Back {
    back: Option<String>,
}

/// The sign-in page: plain, without a script.
pub async fn form(
    Shared(state): Shared<State>,
    Extension(visitor): Extension<Visitor>,
    Query(q): Query<Back>,
) -> Response {
    page(&state, &visitor, &pages::local(q.back.as_deref()), false)
}

/// The policy of the sign-in page: its style and icon, no script.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn page(state: &State, visitor: &Visitor, back: &str, wrong: bool) -> Response {
    let lang = visitor.lang;
    let back = back.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let style = files::stylesheet(&state.leptos);
    let body = if state.gate.token.is_none() {
        format!("<p>{}</p>", words::signin_off(lang))
    } else {
        let complaint = if wrong {
            format!(r#"<p class="banner bad" role="alert">{}</p>"#, words::signin_wrong(lang))
        } else {
            String::new()
        };
        format!(
            r#"<p>{}</p>{complaint}<form method="post" action="/signin"><input type="hidden" name="back" value="{back}"><label><span>{}</span><input type="password" name="token" required autofocus autocomplete="current-password"></label><button class="button primary" type="submit">{}</button></form>"#,
            words::signin_text(lang),
            words::signin_token(lang),
            words::signin_go(lang)
        )
    };
    let html = Html(format!(
        r##"<!DOCTYPE html><html lang="{}" data-theme="{}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title} · GuardianFlow</title><meta name="description" content="{about}"><link rel="icon" href="/favicon.svg"><link rel="stylesheet" href="{style}"></head><body><main id="main" class="notice signin"><svg class="icon" aria-hidden="true"><use href="#icon-shield-check"></use></svg><h1>{title}</h1>{body}</main><div hidden>{SPRITE}</div></body></html>"##,
        visitor.lang.code(),
        visitor.theme.code(),
        title = words::signin_title(lang),
        about = words::signin_text(lang)
    ));
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], html).into_response()
}

#[derive(Debug, Deserialize)]
pub struct Credentials {
    token: String,
    back: Option<String>,
}

pub async fn sign_in(
    Shared(state): Shared<State>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let named = host(&request);
    let c = match Form::<Credentials>::from_request(request, &()).await {
        Ok(Form(c)) => c,
        Err(e) => return e.into_response(),
    };
    let back = pages::local(c.back.as_deref());
    if !state.gate.is_token(c.token.trim()) {
        // A wrong guess costs a second, whoever makes it.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        tracing::warn!("a sign-in with a wrong token was refused");
        return (StatusCode::FORBIDDEN, page(&state, &visitor, &back, true)).into_response();
    }
    let until = state.now().0 / 1_000 + SESSION;
    let local = named.is_some_and(|h| state.hosts.is_loopback(&h));
    let (name, secure) = if local { (LOCAL_COOKIE, "") } else { (COOKIE, "; Secure") };
    let Some(session) = state.gate.seal(until) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut response =
        with_cookie(&back, &format!("{name}={session}; Path=/; HttpOnly; SameSite=Lax; Max-Age={SESSION}{secure}"));
    add_cookie(&mut response, &format!("{MARK}=1; Path=/; SameSite=Lax; Max-Age={SESSION}{secure}"));
    response
}

pub async fn sign_out(Extension(_): Extension<Visitor>) -> Response {
    let mut response = with_cookie("/signin", &format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure"));
    add_cookie(&mut response, &format!("{LOCAL_COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"));
    add_cookie(&mut response, &format!("{MARK}=; Path=/; SameSite=Lax; Max-Age=0"));
    // Pages that the browser keeps are forgotten as well.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    response
}

fn with_cookie(to: &str, cookie: &str) -> Response {
    let mut response = pages::see_other(to);
    add_cookie(&mut response, cookie);
    response
}

fn add_cookie(response: &mut Response, cookie: &str) {
    if let Ok(v) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(token: &str) -> Gate {
        Gate { token: token.parse().ok(), unsigned: Unsigned::Nobody }
    }

    #[test]
    fn a_session_opens_until_it_ends_and_only_with_its_token() {
        let g = gate("0123456789abcdef0123456789abcdef");
        let session = g.seal(1_000 + SESSION).expect("a token");
        assert!(g.opens(&session, 1_000) && g.opens(&session, 1_000 + SESSION - 1));
        assert!(!g.opens(&session, 1_000 + SESSION), "it has ended");
        assert!(!g.opens(&session, 0), "it would last longer than a session may");
        assert!(!gate("another-token-another-token-anoth").opens(&session, 1_000));
        for i in 0..session.len() {
            let mut bent = session.clone().into_bytes();
            bent[i] ^= 1;
            assert!(!g.opens(&String::from_utf8_lossy(&bent), 1_000), "byte {i}");
        }
    }
}
