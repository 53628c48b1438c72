//! Whether the process lives, and whether pages can answer.

use axum::{extract::State as Shared, http::StatusCode, response::IntoResponse};

use super::State;

pub async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 only when pages can answer; with the demo once every customer's newest thirty days are in.
pub async fn readyz(Shared(s): Shared<State>) -> impl IntoResponse {
    if s.readiness.is_ready() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        let days = s.readiness.demo_days().unwrap_or(0);
        (StatusCode::SERVICE_UNAVAILABLE, format!("the demo fleet is being filled in: {days} days so far\n"))
    }
}
