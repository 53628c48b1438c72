//! Errors as RFC 9457 problem details, for programs; pages draw their own.

use std::any::Any;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Error, ErrorKind};
use serde_json::json;

use super::request_id::request_id;

/// An error on its way out over HTTP.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub detail: String,
}

impl Problem {
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }
}

impl From<Error> for Problem {
    fn from(e: Error) -> Self {
        // The span names the request, as the answer does.
        match (&e.detail, e.kind) {
            (Some(detail), _) => tracing::warn!(error = %e, %detail, "a request failed"),
            (None, ErrorKind::Internal | ErrorKind::Unavailable) => tracing::warn!(error = %e, "a request failed"),
            (None, _) => {}
        }
        Self { status: app::shell::error::status(e.kind), detail: e.message.en }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "request_id": request_id(),
        });
        (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}

/// The answer when a handler panicked. The panic itself is in the log.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let what = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = what.unwrap_or("without a message"), "a request panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong on our side").into_response()
}
