//! Why records that were sent are not taken.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::http::problem::Problem;

/// Why there is no other answer.
#[derive(Debug)]
pub enum IngestError {
    /// Too much at once: the same request is welcome a little later.
    Busy,
    Problem(Problem),
}

impl From<Problem> for IngestError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for IngestError {
    fn into_response(self) -> Response {
        let text = "too many records arrive at once; send them again soon";
        match self {
            Self::Busy => {
                ([(header::RETRY_AFTER, "1")], Problem::new(StatusCode::SERVICE_UNAVAILABLE, text)).into_response()
            }
            Self::Problem(problem) => problem.into_response(),
        }
    }
}
