//! Liveness, readiness and the status of jobs.

use app::shell::context::Request as Visitor;
use axum::{Extension, Json, extract::State as Shared, http::StatusCode, response::IntoResponse};
use domain::access::{Action, Object, can};
use serde_json::{Value, json};

use super::AppState;

pub async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 only when pages can answer; with the demo once every customer's newest thirty days are in. A job that fails does not
/// keep pages from answering, so it is named and changes no status. What went wrong is for those who may see sources.
pub async fn readyz(Shared(s): Shared<AppState>, Extension(visitor): Extension<Visitor>) -> impl IntoResponse {
    let may_know = can(&visitor.actor, Action::ReadSources, Object::Installation);
    let job = |r: domain::ports::JobReport| {
        let mut job = json!({"name": r.name, "state": r.state, "restarts": r.restarts});
        if let (true, Some(error)) = (may_know, r.error) {
            // Of one that runs it is what went wrong before: no monitor is to be called for it.
            let key = if r.state == domain::ports::JobState::Running { "last_error" } else { "error" };
            job[key] = Value::String(error.en);
        }
        job
    };
    let ready = s.readiness.is_ready();
    let mut body = json!({"ready": ready, "jobs": s.jobs().into_iter().map(job).collect::<Vec<_>>()});
    if !ready {
        let days = s.readiness.demo_days().unwrap_or(0);
        body["detail"] = Value::String(format!("the demo fleet is being filled in: {days} days so far"));
    }
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}
