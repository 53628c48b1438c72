//! REST: the queries of `/api/metrics`, in JSON. The answers' format is that of `domain::query`.

use app::{
    PAGES,
    i18n::Lang,
    shell::{
        context::{Request, Services},
        palette,
    },
};
use axum::{
    Extension,
    extract::RawQuery,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    error::Sentence,
    params::QueryParams,
    scope::Scope,
    time::{Millis, TimeRange},
};
use jiff::tz::TimeZone;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::{ActorServices, problem::Problem};

pub(super) const SUMMARY: [&str; 10] =
    ["customer", "site", "zone", "task", "type", "device", "days", "from", "to", "tz"];
const TREND: [&str; 13] =
    ["customer", "site", "zone", "task", "type", "device", "model", "metric", "days", "from", "to", "step", "tz"];

const WORST: [&str; 13] =
    ["customer", "site", "zone", "task", "type", "device", "model", "metric", "days", "from", "to", "tz", "limit"];

const RECORDS: [&str; 14] = [
    "customer", "site", "zone", "task", "type", "device", "model", "run", "metric", "days", "from", "to", "tz", "page",
];

pub(super) type Answer = Result<Response, Problem>;

pub async fn summary(ActorServices(s): ActorServices, RawQuery(q): RawQuery, headers: HeaderMap) -> Answer {
    let now = s.clock.now();
    let query = read_params(q.as_deref(), &SUMMARY)?.read(now, &TimeZone::UTC)?.summary();
    let etag = etag(
        &s,
        "summary",
        &format!("{:?} {:?} {}", query.scope, query.range, query.children),
        (&query.scope, query.range),
        now,
    )?;
    json_with_etag(&headers, etag, s.metrics.summary(&query)).await
}

pub async fn trend(ActorServices(s): ActorServices, RawQuery(q): RawQuery, headers: HeaderMap) -> Answer {
    let now = s.clock.now();
    let query = read_params(q.as_deref(), &TREND)?.read(now, &TimeZone::UTC)?.trend()?;
    let etag = etag(&s, "trend", &format!("{query:?}"), (&query.scope, query.range), now)?;
    json_with_etag(&headers, etag, s.metrics.trend(&query)).await
}

pub async fn comparison(ActorServices(s): ActorServices, RawQuery(q): RawQuery, headers: HeaderMap) -> Answer {
    let now = s.clock.now();
    let query = read_params(q.as_deref(), &SUMMARY)?.read(now, &TimeZone::UTC)?.comparison();
    let etag = etag(&s, "comparison", &format!("{query:?}"), (&query.scope, query.range), now)?;
    json_with_etag(&headers, etag, s.metrics.comparison(&query)).await
}

/// Where one metric is worst, by zone and device.
pub async fn worst_zones(ActorServices(s): ActorServices, RawQuery(q): RawQuery, headers: HeaderMap) -> Answer {
    let now = s.clock.now();
    let query = read_params(q.as_deref(), &WORST)?.read(now, &TimeZone::UTC)?.worst()?;
    let etag = etag(&s, "worst", &format!("{query:?}"), (&query.scope, query.range), now)?;
    json_with_etag(&headers, etag, s.metrics.worst(&query)).await
}

/// Rows of an answer.
const ROWS: usize = 100;

/// The rows behind a number, newest first, a hundred a page.
pub async fn records(ActorServices(s): ActorServices, RawQuery(q): RawQuery, headers: HeaderMap) -> Answer {
    let now = s.clock.now();
    let query = read_params(q.as_deref(), &RECORDS)?.read(now, &TimeZone::UTC)?.records(ROWS);
    let etag = etag(&s, "records", &format!("{query:?}"), (&query.scope, query.range), now)?;
    json_with_etag(&headers, etag, s.metrics.records(&query)).await
}

/// What the palette offers, in the visitor's language.
pub async fn palette(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let pairs = domain::params::pairs(q.as_deref().unwrap_or_default())?;
    let lang = pairs.iter().find(|p| p.0 == "lang").and_then(|p| Lang::from_code(&p.1));
    let directory = s.metrics.directory();
    Ok(axum::Json(palette::palette(&directory, lang.unwrap_or(r.lang), PAGES)).into_response())
}

/// Models, experiments and runs by what was typed into the palette.
pub async fn palette_runs(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let pairs = domain::params::known_pairs(q.as_deref().unwrap_or_default(), &["text"])?;
    let text = pairs.first().map_or("", |p| &p.1);
    Ok(axum::Json(palette::found(&s.runs, &s.models, text, r.lang)?).into_response())
}

/// Reads a query string in which only `known` keys may stand, each once.
///
/// # Errors
/// Names the key that is unknown or given twice.
pub fn read_params(query: Option<&str>, known: &[&str]) -> domain::Result<QueryParams> {
    let pairs = domain::params::pairs(query.unwrap_or_default())?;
    QueryParams::from_pairs(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())), known)
}

/// Names an answer by what it depends on: the query, what has come to its scope, what was written down about places and
/// metrics, who asks where it matters, and the present moment when the range is not over yet. Not by its digits: sums over
/// several cores differ in the last one.
///
/// # Errors
/// What the asker may not see, also when they name an answer that others got.
fn etag(
    s: &Services,
    what: &str,
    query: &str,
    (scope, range): (&Scope, TimeRange),
    now: Millis,
) -> domain::Result<String> {
    let metrics = &s.metrics;
    metrics.authorize(scope)?;
    let present = if range.to() >= now { now.0 } else { 0 };
    let view = metrics.view();
    let (records, directory) = (view.generation_in(scope), view.directory());
    let (declared, links) = (directory.declared.revision(), directory.links.revision());
    let failed = view.unreadable().len();
    let key = format!("{what} {query} {records} {declared} {links} {failed} {present} {:?}", metrics.customer());
    Ok(format!("W/\"{:016x}\"", xxh3_64(key.as_bytes())))
}

/// JSON with an ETag; 304, without asking, when the caller has the same answer already.
async fn json_with_etag<T: Serialize>(
    headers: &HeaderMap,
    etag: String,
    answer: impl Future<Output = domain::Result<T>>,
) -> Answer {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    if known.is_some_and(|k| k.split(',').any(|t| t.trim() == etag || t.trim() == "*")) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let body = serde_json::to_vec(&answer.await?)
        .map_err(|e| domain::Error::internal(Sentence::only_english("the answer cannot be written")).with_detail(e))?;
    let heads = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::ETAG, etag),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    Ok((heads, body).into_response())
}
