//! The HTTP side: pages, server functions, REST, files. Layers that hold for everything are in `middleware`.

pub mod access;
pub mod api;
pub mod csv;
pub mod declarations;
mod error_page;
pub mod events;
pub mod evidence;
pub mod export;
pub mod files;
pub mod forms;
pub mod health;
pub mod middleware;
pub mod models;
pub mod pages;
pub mod problem;
pub mod records;
pub mod request_id;
pub mod routes;
pub mod runs;
mod words {
    include!(concat!(env!("OUT_DIR"), "/http/words.rs"));
}
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/http/sentences.rs"));
}
mod normalization;
pub mod pick;
pub mod signin;
pub mod start_page;
mod state;
pub mod views;
pub mod webhooks;

use std::time::Duration;

use axum::{
    Router,
    http::StatusCode,
    middleware::from_fn_with_state,
    routing::{delete, get, patch, post, put},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, CompressionLevel},
    csrf::CsrfLayer,
    timeout::TimeoutLayer,
};

use self::forms::MAX_BODY;
pub use self::state::{ActorServices, AppState, RequestActor, SeenViews};

/// No answer takes longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The whole application. Read from the bottom: the last layer is met first.
pub fn router(state: AppState) -> Router {
    let rest = Router::new()
        .route("/api/metrics/summary", get(api::summary))
        .route("/api/metrics/trend", get(api::trend))
        .route("/api/metrics/comparison", get(api::comparison))
        .route("/api/metrics/worst", get(api::worst_zones))
        .route("/api/metrics/records", get(api::records))
        .route("/api/metrics/catalogue", get(declarations::catalogue))
        .route("/api/places", get(declarations::places))
        .route("/api/palette", get(api::palette))
        .route("/api/palette/runs", get(api::palette_runs))
        .route("/export/compare.svg", get(export::compare_svg))
        .route("/export/heat.svg", get(export::heatmap_svg))
        .route("/export/volume.svg", get(export::volume_svg))
        .route("/export/compare.csv", get(export::compare))
        .route("/export/compare_sites.csv", get(export::compare_sites))
        .route("/export/records.csv", get(export::records))
        .route("/api/events", get(events::events))
        .route("/export/children.csv", get(export::children))
        .route("/export/metrics.csv", get(export::metrics))
        .route("/export/models.csv", get(export::models))
        .route("/export/worst_zones.csv", get(export::worst_zones))
        .route("/export/trend.csv", get(export::trend_csv))
        .route("/export/trend.svg", get(export::trend_svg))
        .route("/export/sources.csv", get(export::sources))
        .route("/export/volume.csv", get(export::volume_csv))
        .route("/api/experiments", get(runs::experiments))
        .route("/api/runs/search", get(runs::search))
        .route("/api/runs/best", get(runs::best))
        .route("/api/runs/compare", get(runs::compare))
        .route("/api/runs/pick", get(pick::of_runs))
        .route("/api/pick", get(pick::fleet))
        .route("/api/runs/{id}", get(runs::run))
        .route("/api/runs/{id}/history", get(runs::history))
        .route("/api/runs/{id}/artifacts", get(runs::list))
        .route("/api/runs/{id}/artifacts/file", get(runs::file))
        .route("/api/runs/{id}/thumbnail", get(runs::thumbnail))
        .route("/export/runs.csv", get(runs::csv))
        .route("/export/runs.json", get(runs::json_file))
        .route("/export/runs.parquet", get(runs::parquet))
        .route("/export/model_history.csv", get(models::history_csv))
        .route("/export/model_history.json", get(models::history_json))
        .route("/api/evidence", get(evidence::evidence))
        .route("/api/evidence/registrations", get(evidence::registrations).post(evidence::register))
        .route("/api/evidence/registrations/{id}", get(evidence::registration))
        .route("/api/evidence/plan", get(evidence::plan))
        .route("/api/evidence/policy", get(evidence::policy).put(evidence::set_policy))
        .route("/api/changes", get(evidence::changes))
        .route("/api/models", get(models::list))
        .route("/api/models/{name}", get(models::model))
        .route("/api/models/{name}/champion", get(models::champion))
        .route("/api/models/{name}/history", get(models::history))
        .route("/api/models/{name}/versions", get(models::versions).post(models::register))
        .route("/api/models/{name}/versions/{version}", get(models::version))
        .route("/api/models/{name}/versions/{version}/artifacts", get(models::artifacts))
        .route("/api/models/{name}/versions/{version}/artifacts/file", get(models::file))
        .route("/api/models/{name}/challenger", post(models::set_challenger))
        .route("/api/models/{name}/promotions", post(models::promote))
        .route("/api/models/{name}/rollback", post(models::roll_back))
        .route("/api/models/{name}/requests", get(models::requests).post(models::ask))
        .route("/api/requests/{id}", get(models::request))
        .route("/api/requests/{id}/approve", post(models::approve))
        .route("/api/requests/{id}/reject", post(models::reject))
        .route("/api/audit", get(models::log))
        .route("/api/audit/verify", get(models::verify))
        .route("/mlflow/models", get(models::guide::models))
        .route("/mlflow/models/{name}/versions", get(models::guide::versions))
        .route("/mlflow/models/{name}/metrics", get(models::guide::metrics))
        .route("/api/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/api/webhooks/{id}", delete(webhooks::remove))
        .route("/api/webhooks/{id}/pause", post(webhooks::pause))
        .route("/api/webhooks/{id}/resume", post(webhooks::resume))
        .route("/api/webhooks/{id}/test", post(webhooks::test))
        .route("/api/webhooks/deliveries", get(webhooks::deliveries))
        .route("/api/webhooks/deliveries/{id}/replay", post(webhooks::replay))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/api/views", get(views::list).post(views::create))
        .route("/api/views/{id}", patch(views::change).delete(views::delete))
        .route("/api/start-page", put(views::set_start).delete(views::unset_start))
        .route("/signin", get(signin::sign_in_form).post(signin::sign_in))
        .route("/signout", post(signin::sign_out))
        .route("/preferences", post(pages::preferences));
    // Records come in larger bodies than anything else, and watch their size themselves.
    let records = Router::new()
        .route("/api/metrics/records", post(records::take))
        .layer(axum::extract::DefaultBodyLimit::disable());
    pages::with_pages(rest, &state)
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .layer(tower_http::limit::RequestBodyLimitLayer::new(MAX_BODY))
        .merge(records)
        .layer(from_fn_with_state(state.clone(), forms::handle_form_post))
        .layer(from_fn_with_state(state.clone(), start_page::start_page))
        .layer(from_fn_with_state(state.clone(), pages::reject_dot_segments))
        .layer(from_fn_with_state(state.clone(), access::require_access))
        .layer(axum::middleware::from_fn(normalization::normalize_uri))
        .layer(axum::middleware::from_fn(middleware::reject_ambiguous_uri))
        .layer(axum::middleware::from_fn(middleware::own_pages_only))
        .layer(CsrfLayer::new())
        .layer(from_fn_with_state(state.clone(), middleware::require_known_host))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(state.clone(), error_page::as_error_page))
        .layer(axum::middleware::from_fn(middleware::security_headers))
        // Files are compressed ahead of time and as small as can be; what is made for a request should be on its way.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(axum::middleware::from_fn(request_id::with_request_id))
        .with_state(state)
}
