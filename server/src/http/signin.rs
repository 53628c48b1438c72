//! Signing in and out, on a plain page without a script.

use app::{
    shell::{context::Request as Visitor, words},
    ui::icon::SPRITE,
};
use axum::{
    Extension, Form,
    extract::{FromRequest, Query, Request, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use domain::time::SECOND;
use serde::Deserialize;
use usecases::access::SESSION;

use super::{AppState, files, middleware::host, pages, sentences, start_page};
use crate::auth::{AnonymousAccess, SignIn};

/// The cookie of a session; its prefix makes browsers keep it to this host and to TLS.
const COOKIE: &str = "__Host-gf_session";
/// On loopback there is no TLS and the prefix cannot be used.
const LOCAL_COOKIE: &str = "gf_session";
/// Expires with the session, grants nothing, and can be read by scripts: a page that waited in the browser while its
/// visitor signed out sees that it is gone, and shows nothing (`app/src/start.js`).
const MARK: &str = "gf_signed_in";

/// What the cookies of sessions hold.
pub fn secrets(headers: &HeaderMap) -> Vec<String> {
    [COOKIE, LOCAL_COOKIE].iter().filter_map(|name| pages::cookie(headers, name)).collect()
}

#[derive(Debug, Deserialize)]
pub struct Back {
    back: Option<String>,
}

pub async fn sign_in_form(
    Shared(state): Shared<AppState>,
    Extension(visitor): Extension<Visitor>,
    Query(q): Query<Back>,
) -> Response {
    page(&state, &visitor, &pages::local_path(q.back.as_deref()), None)
}

/// The policy of the sign-in page: its style and icon, no script.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

fn page(state: &AppState, visitor: &Visitor, back: &str, complaint: Option<&str>) -> Response {
    let lang = visitor.lang;
    let back = escape(back);
    let style = files::stylesheet(&state.leptos);
    let body = if state.authenticator.anonymous_access() == AnonymousAccess::Nobody {
        let complaint = complaint.map(|c| format!(r#"<p class="banner bad" role="alert">{}</p>"#, escape(c)));
        format!(
            r#"<p>{}</p>{}<form method="post" action="/signin"><input type="hidden" name="back" value="{back}"><label><span>{}</span><input type="password" name="token" required autofocus autocomplete="current-password"></label><button class="button primary" type="submit">{}</button></form>"#,
            words::signin_text(lang),
            complaint.unwrap_or_default(),
            words::signin_token(lang),
            words::signin_go(lang)
        )
    } else {
        format!("<p>{}</p>", words::signin_off(lang))
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

/// The page with why nobody was let in, or out.
fn refused(state: &AppState, visitor: &Visitor, back: &str, status: StatusCode, why: &str) -> Response {
    let mut response = (status, page(state, visitor, back, Some(why))).into_response();
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[derive(Debug, Deserialize)]
pub struct Credentials {
    token: String,
    back: Option<String>,
}

pub async fn sign_in(
    Shared(state): Shared<AppState>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let named = host(&request);
    let c = match Form::<Credentials>::from_request(request, &()).await {
        Ok(Form(c)) => c,
        Err(e) => return e.into_response(),
    };
    let back = pages::local_path(c.back.as_deref());
    let (secret, actor) = match state.authenticator.sign_in(c.token.trim()).await {
        Ok(SignIn::In(secret, actor)) => (secret, actor),
        Ok(SignIn::Wrong) => {
            tracing::warn!("a sign-in with a wrong token was refused");
            return refused(&state, &visitor, &back, StatusCode::FORBIDDEN, words::signin_wrong(visitor.lang));
        }
        Ok(SignIn::Busy) => {
            tracing::warn!("too many sign-ins with wrong tokens at once: one was refused without a look");
            let why = sentences::many_wrong_tokens();
            return refused(&state, &visitor, &back, StatusCode::TOO_MANY_REQUESTS, &visitor.lang.message(why));
        }
        Err(e) => {
            tracing::warn!(error = %e, detail = e.detail.as_deref(), "a sign-in failed");
            let why = sentences::no_sign_in();
            return refused(&state, &visitor, &back, StatusCode::SERVICE_UNAVAILABLE, &visitor.lang.message(why));
        }
    };
    tracing::info!(actor = actor.name(), "signed in");
    let local = named.is_some_and(|h| state.hosts.is_loopback(&h));
    let (name, secure) = if local { (LOCAL_COOKIE, "") } else { (COOKIE, "; Secure") };
    let age = SESSION / SECOND;
    let start = if back == "/" { start_page::start_address(&state, &actor).await } else { None };
    let mut response = pages::see_other(&start.unwrap_or(back));
    add_cookie(&mut response, &format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}"));
    add_cookie(&mut response, &format!("{MARK}=1; Path=/; SameSite=Lax; Max-Age={age}{secure}"));
    response
}

/// Ends the session where it is kept, so that a copy of its cookie opens nothing either.
pub async fn sign_out(
    Shared(state): Shared<AppState>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    for secret in secrets(&headers) {
        match state.authenticator.sign_out(&secret).await {
            Ok(Some(actor)) => tracing::info!(actor = actor.name(), "signed out"),
            Ok(None) => {}
            // The cookie stays: with it, it can be tried again.
            Err(e) => {
                tracing::warn!(error = %e, detail = e.detail.as_deref(), "a session could not be ended");
                let why = sentences::no_sign_out();
                return refused(&state, &visitor, "/", StatusCode::SERVICE_UNAVAILABLE, &visitor.lang.message(why));
            }
        }
    }
    let mut response = pages::see_other("/signin");
    add_cookie(&mut response, &format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure"));
    add_cookie(&mut response, &format!("{LOCAL_COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"));
    add_cookie(&mut response, &format!("{MARK}=; Path=/; SameSite=Lax; Max-Age=0"));
    // Pages that the browser keeps are forgotten as well.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    response
}

fn add_cookie(response: &mut Response, cookie: &str) {
    if let Ok(v) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, v);
    }
}
