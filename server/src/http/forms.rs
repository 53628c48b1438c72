//! Writes of pages: server functions that forms send to the path of a page (`app::shell::page_spec::Function`). With a script the browser
//! reads the function's answer; without one it is led to where the answer says, or gets the page again with what was refused.

use app::shell::{error::PageError, refused::Refused};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{MatchedPath, Request, State as Shared},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{ErrorKind, params::pairs};

use super::{AppState, normalization, pages, problem::Problem};
use crate::page_paths;

/// The largest request body, in bytes, but for records.
pub const MAX_BODY: usize = 1 << 20;

/// By which Leptos tells its own client to go to `Location`.
const REDIRECT: HeaderName = HeaderName::from_static("serverfnredirect");

/// The path of the server function that a form of a page is for; `None` for other requests.
fn function_of_form(request: &Request) -> Option<&'static str> {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str)?;
    if request.method() != Method::POST || path.starts_with("/sf/") {
        return None;
    }
    page_paths::forms().into_iter().find(|form| form.0 == path).map(|form| form.1.path)
}

/// The address of a function, for a form that was sent to the page that it stands on.
fn sent_to(function: &str, uri: &Uri) -> Uri {
    if uri.path() == function { uri.clone() } else { function.parse().unwrap_or_default() }
}

pub async fn handle_form_post(Shared(state): Shared<AppState>, request: Request, next: Next) -> Response {
    let Some(function) = function_of_form(&request) else { return next.run(request).await };
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the form is too large").into_response();
    };
    let plain = accepts_html(&parts.headers);
    let mut page = parts.clone();
    parts.uri = sent_to(function, &parts.uri);
    // Names have one spelling inside.
    let text =
        std::str::from_utf8(&body).ok().map(|text| normalization::of_pairs(text).unwrap_or_else(|| text.to_owned()));
    let body = text.clone().map_or(body, Bytes::from);
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    // Leptos would send whoever asks for HTML back to the Referer, with the error in the address.
    parts.headers.remove(header::REFERER);
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let mut response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if !plain {
        return response;
    }
    if response.headers_mut().remove(REDIRECT).is_some() {
        let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("/");
        return pages::see_other(&pages::local_path(Some(to)));
    }
    let path = page.uri.path().to_owned();
    let refused = Refused {
        error: error_of(response).await,
        fields: text.and_then(|text| pairs(&text).ok()).unwrap_or_default(),
        path,
    };
    page.extensions.insert(refused);
    // What was sent is not in the address; what the page was asked with still is.
    page.method = Method::GET;
    page.headers.remove(header::CONTENT_LENGTH);
    page.headers.remove(header::CONTENT_TYPE);
    pages::rendered(&state, Request::from_parts(page, Body::empty())).await
}

/// Whether a browser sent the form by itself.
fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|h| h.to_str().ok()).is_some_and(|a| a.contains("text/html"))
}

/// What the function said.
async fn error_of(response: Response) -> PageError {
    let body = to_bytes(response.into_body(), MAX_BODY).await.unwrap_or_default();
    serde_json::from_slice(&body).unwrap_or_else(|_| PageError {
        kind: ErrorKind::Internal,
        message: super::sentences::no_write(),
        field: None,
        request: super::request_id::request_id(),
    })
}
