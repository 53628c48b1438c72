//! Errors as RFC 9457 problem details, in English: for programs. Pages draw their own, and files behind pages are refused as
//! [`super::refusal`] says.

use std::any::Any;

use axum::{
    Extension,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Error, ErrorKind, error::Sentence};
use serde_json::json;

use super::{request_id::request_id, sentences};

/// An error on its way out over HTTP.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub detail: Sentence,
}

impl Problem {
    /// With a detail that programs read and no page shows.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::with_sentence(status, Sentence::only_english(detail))
    }

    #[must_use]
    pub fn with_sentence(status: StatusCode, detail: Sentence) -> Self {
        Self { status, detail }
    }
}

/// In the extensions of an answer that is a problem: its detail in all languages.
#[derive(Debug, Clone)]
pub struct ProblemSentence(pub Sentence);

impl From<Error> for Problem {
    fn from(e: Error) -> Self {
        // The span names the request, as the answer does.
        match (&e.detail, e.kind) {
            (Some(detail), _) => tracing::warn!(error = %e, %detail, "a request failed"),
            (None, ErrorKind::Internal | ErrorKind::Unavailable) => tracing::warn!(error = %e, "a request failed"),
            (None, _) => {}
        }
        Self { status: app::shell::error::http_status(e.kind), detail: e.message }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail.en,
            "request_id": request_id(),
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.status, kind, Extension(ProblemSentence(self.detail)), body.to_string()).into_response()
    }
}

/// The answer when a handler panicked. The panic itself is in the log.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let what = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = what.unwrap_or("without a message"), "a request panicked");
    Problem::with_sentence(StatusCode::INTERNAL_SERVER_ERROR, sentences::our_fault()).into_response()
}
