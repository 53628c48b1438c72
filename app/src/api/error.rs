//! The error that a page reads: a kind and a sentence. What only the log may read stays behind.

use domain::{ErrorKind, error::Sentence, say};
use leptos::server_fn::{
    Bytes, Decodes,
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageError {
    pub kind: ErrorKind,
    pub message: Sentence,
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
        let (kind, message) = if cfg!(not(feature = "ssr")) {
            // What the framework says in a browser is never the visitor's fault: no answer came, or none of ours, such as
            // a proxy's, or that of a server that gave up.
            (ErrorKind::Unavailable, say!("the server cannot be reached", "서버에 연결할 수 없습니다"))
        } else if garbage {
            (ErrorKind::BadInput, say!("the request cannot be read", "요청을 읽을 수 없습니다"))
        } else {
            (ErrorKind::Internal, say!("the server could not answer", "서버가 응답하지 못했습니다"))
        };
        // Leptos 0.8 would answer 500 to garbage: the status is ours to say.
        #[cfg(feature = "ssr")]
        super::answer_with(kind);
        Self { kind, message }
    }

    fn de(data: Bytes) -> Self {
        // Another layer of the server than the function's may have refused: with a problem (RFC 9457), or with nothing.
        let problem = |d: &Bytes| serde_json::from_slice::<ProblemStatus>(d).ok().map(|p| p.status);
        match JsonEncoding::decode(data.clone()) {
            Ok(error) => error,
            Err(_) if matches!(problem(&data), Some(401 | 403)) => Self {
                kind: ErrorKind::Forbidden,
                message: say!("sign in to see this", "보려면 로그인하세요"),
            },
            Err(e) => Self::from_server_fn_error(ServerFnErrorErr::Deserialization(e.to_string())),
        }
    }
}

#[derive(Deserialize)]
struct ProblemStatus {
    status: u16,
}

impl From<domain::Error> for PageError {
    fn from(e: domain::Error) -> Self {
        #[cfg(feature = "ssr")]
        super::answer_with(e.kind);
        Self { kind: e.kind, message: e.message }
    }
}

/// The HTTP status of a kind of error; the one place where it is decided.
#[cfg(feature = "ssr")]
#[must_use]
pub fn status(kind: ErrorKind) -> axum::http::StatusCode {
    use axum::http::StatusCode;
    match kind {
        ErrorKind::BadInput => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
