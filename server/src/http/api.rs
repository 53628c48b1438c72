//! REST: the three questions of `/api/metrics`, in JSON. The answers' format is that of `domain::query`.

use axum::{
    extract::{RawQuery, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::ask::Ask;
use jiff::tz::TimeZone;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::{State, problem::Problem};

const SUMMARY: [&str; 9] = ["customer", "site", "zone", "task", "type", "days", "from", "to", "tz"];
const TREND: [&str; 12] =
    ["customer", "site", "zone", "task", "type", "model", "metric", "days", "from", "to", "step", "tz"];

pub async fn summary(Shared(s): Shared<State>, RawQuery(q): RawQuery, headers: HeaderMap) -> Result<Response, Problem> {
    let query = ask(q.as_deref(), &SUMMARY)?.summary(s.services.clock.now(), &TimeZone::UTC)?;
    reusable(&headers, &s.services.metrics.summary(&query).await?)
}

pub async fn trend(Shared(s): Shared<State>, RawQuery(q): RawQuery, headers: HeaderMap) -> Result<Response, Problem> {
    let query = ask(q.as_deref(), &TREND)?.trend(s.services.clock.now(), &TimeZone::UTC)?;
    reusable(&headers, &s.services.metrics.trend(&query).await?)
}

pub async fn comparison(
    Shared(s): Shared<State>,
    RawQuery(q): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = ask(q.as_deref(), &SUMMARY)?.comparison(s.services.clock.now(), &TimeZone::UTC)?;
    reusable(&headers, &s.services.metrics.comparison(&query).await?)
}

/// Reads a query string in which only `known` keys may stand, each once.
///
/// # Errors
/// Names the key that is unknown or given twice.
pub fn ask(query: Option<&str>, known: &[&str]) -> domain::Result<Ask> {
    let pairs = super::middleware::pairs(query.unwrap_or_default())?;
    Ask::from_pairs(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())), known)
}

/// JSON with an ETag; 304 when the caller has the same answer already.
fn reusable(headers: &HeaderMap, value: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(value)
        .map_err(|e| domain::Error::internal("the answer cannot be written").with_detail(e))?;
    let tag = format!("W/\"{:016x}\"", xxh3_64(&body));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    if known.is_some_and(|k| k.split(',').any(|t| t.trim() == tag || t.trim() == "*")) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let heads = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    Ok((heads, body).into_response())
}
