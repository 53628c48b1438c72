//! Every request passes here; a route that is in no list is refused.

use std::net::SocketAddr;

use app::ui::links::encode;
use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State as Shared},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{
    Result,
    access::{Action, Actor, Object, authorize, can},
};

use super::{AppState, middleware::host, pages, problem::Problem, request_id::request_id, routes, signin};
use crate::auth::{AnonymousAccess, PreAuthenticated, PresentedCredential};

/// Who sent the request, and by what it says so.
///
/// # Errors
/// `Unavailable` when it shows something of which only the store knows whose it is, and the store does not answer.
async fn identify(state: &AppState, request: &Parts, host: Option<&str>) -> Result<(Actor, PresentedCredential)> {
    if let Some(PreAuthenticated(actor)) = request.extensions.get() {
        return Ok((actor.clone(), PresentedCredential::Nothing));
    }
    let headers = &request.headers;
    for secret in signin::secrets(headers) {
        if let Some(actor) = state.authenticator.by_session(&secret).await? {
            return Ok((actor, PresentedCredential::Session(secret)));
        }
    }
    if let Some(token) = bearer(headers)
        && let Some(actor) = state.authenticator.by_token(token).await?
    {
        return Ok((actor, PresentedCredential::Token(token.to_owned())));
    }
    match state.authenticator.anonymous_access() {
        AnonymousAccess::Nobody => return Ok((Actor::Anonymous, PresentedCredential::Nothing)),
        AnonymousAccess::Viewer => return Ok((Actor::Viewer, PresentedCredential::Nothing)),
        AnonymousAccess::Local => {}
    }
    // What a proxy adds when it is told to; without it, this is as good as it gets.
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>().is_some_and(|c| c.0.ip().is_loopback());
    let named = host.is_some_and(|h| state.hosts.is_loopback(h));
    let forwarded =
        ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"].iter().any(|h| headers.contains_key(*h));
    Ok((if peer && named && !forwarded { Actor::Operator } else { Actor::Anonymous }, PresentedCredential::Nothing))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Lets a request pass when its sender may do what its route needs.
pub async fn require_access(Shared(state): Shared<AppState>, request: Request, next: Next) -> Response {
    let host = host(&request);
    let (parts, body) = request.into_parts();
    let ((actor, shown), unknown) = match identify(&state, &parts, host.as_deref()).await {
        Ok(known) => (known, None),
        Err(e) => ((Actor::Anonymous, PresentedCredential::Nothing), Some(e)),
    };
    let mut request = Request::from_parts(parts, body);
    let signed_in = matches!(shown, PresentedCredential::Session(_));
    request.extensions_mut().insert(shown);
    let visitor = pages::read_request(request.headers(), actor.clone(), signed_in, request_id().unwrap_or_default());
    request.extensions_mut().insert(visitor);
    let path = request.extensions().get::<MatchedPath>().map(|p| p.as_str().to_owned());
    // The page for addresses that lead nowhere says nothing, so anybody may read it.
    let Some(path) = path else { return next.run(request).await };
    let Some(action) = routes::action(request.method().as_str(), &path) else {
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method").into_response();
    };
    let Err(refused) = authorize(&actor, action, Object::Any) else { return next.run(request).await };
    // Not “sign in”: they may have done so.
    if let Some(e) = unknown {
        return Problem::from(e).into_response();
    }
    if can(&actor, Action::ReadMetrics, Object::Any) {
        return Problem::from(refused).into_response();
    }
    let wants_page =
        request.headers().get(header::ACCEPT).and_then(|h| h.to_str().ok()).is_some_and(|a| a.contains("text/html"));
    if wants_page && !path.starts_with("/api/") {
        let to = request.uri().path_and_query().map_or("/", |p| p.as_str());
        return pages::see_other(&format!("/signin?back={}", encode(to)));
    }
    Problem::new(StatusCode::UNAUTHORIZED, "sign in, or send a token as a bearer token").into_response()
}
