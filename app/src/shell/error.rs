//! The error that a page reads: a kind, a sentence, and the request to quote. What only the log may read stays behind.

use domain::{Error, ErrorKind, error::Sentence};
use leptos::server_fn::{
    Bytes, Decodes,
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

use super::sentences;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageError {
    pub kind: ErrorKind,
    pub message: Sentence,
    /// The field of a form that it is about.
    pub field: Option<String>,
    /// The request that failed, as the server's log names it; `None` when none reached the server.
    pub request: Option<String>,
}

impl PageError {
    /// What a page may know of an error. On the server the log keeps the rest, and the answer gets its status.
    #[must_use]
    pub fn of(e: domain::Error) -> Self {
        #[cfg(feature = "ssr")]
        {
            refuse(e)
        }
        #[cfg(not(feature = "ssr"))]
        Self { kind: e.kind, message: e.message, field: e.field.map(str::to_owned), request: None }
    }
}

impl std::fmt::Display for PageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message.en)
    }
}

impl std::error::Error for PageError {}

impl FromServerFnError for PageError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr as E;
        let garbage =
            matches!(value, E::Args(_) | E::MissingArg(_) | E::Deserialization(_) | E::UnsupportedRequestMethod(_));
        let error = if cfg!(not(feature = "ssr")) {
            // What the framework says in a browser is never the visitor's fault: no answer came, or none of ours, such as
            // a proxy's, or that of a server that gave up.
            Error::unavailable(sentences::unreachable())
        } else if garbage {
            // Leptos 0.8 would answer 500: the status is ours to say.
            Error::bad_input(sentences::unreadable())
        } else {
            Error::internal(sentences::no_answer())
        };
        Self::of(if cfg!(feature = "ssr") { error.with_detail(value) } else { error })
    }

    fn de(data: Bytes) -> Self {
        // Another layer of the server than the function's may have refused: with a problem (RFC 9457), or with nothing.
        match JsonEncoding::decode(data.clone()) {
            Ok(error) => error,
            Err(e) => match serde_json::from_slice::<Problem>(&data) {
                Ok(Problem { status: 401 | 403, request_id }) => {
                    Self { kind: ErrorKind::Forbidden, message: sentences::sign_in(), field: None, request: request_id }
                }
                _ => Self::from_server_fn_error(ServerFnErrorErr::Deserialization(e.to_string())),
            },
        }
    }
}

#[derive(Deserialize)]
struct Problem {
    status: u16,
    request_id: Option<String>,
}

/// Where an error leaves for a page: the page reads its sentence and the request's id, the log its detail
/// beside that id, and the answer gets the status of its kind.
#[cfg(feature = "ssr")]
fn refuse(e: Error) -> PageError {
    let id = leptos::prelude::use_context::<super::context::Request>().map(|r| r.id);
    let detail = e.detail.as_deref().unwrap_or_default();
    request_span(id.as_deref().unwrap_or_default()).in_scope(|| match e.kind {
        ErrorKind::Internal => tracing::error!(error = %e, detail, "a page failed"),
        ErrorKind::Unavailable => tracing::warn!(error = %e, detail, "a page failed"),
        // The visitor's own; they are told all that there is to say.
        ErrorKind::BadInput | ErrorKind::NotFound | ErrorKind::Forbidden => {
            tracing::debug!(error = %e, detail, "a page has no answer");
        }
    });
    set_status(e.kind);
    PageError { kind: e.kind, message: e.message, field: e.field.map(str::to_owned), request: id }
}

/// What names the request in the log. Leptos loads what a page shows in a task of its own, where the request's span is not.
#[cfg(feature = "ssr")]
pub(super) fn request_span(id: &str) -> tracing::Span {
    let span = tracing::Span::current();
    if span.is_none() { tracing::error_span!("request", %id) } else { span }
}

/// Sets the status of the answer in hand; without one (a test) nothing.
#[cfg(feature = "ssr")]
pub(crate) fn set_status(kind: ErrorKind) {
    if let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http_status(kind));
    }
}

/// The HTTP status of a kind of error; the one place where it is decided.
#[cfg(feature = "ssr")]
#[must_use]
pub fn http_status(kind: ErrorKind) -> axum::http::StatusCode {
    use axum::http::StatusCode;
    match kind {
        ErrorKind::BadInput => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
