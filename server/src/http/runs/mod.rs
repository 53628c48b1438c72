//! `/api/experiments` and `/api/runs`: what was copied from MLflow, in JSON.

mod artifacts;
pub mod comparison;
mod file_column;
mod files;
pub mod json;
mod thumbnail;

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Path, RawQuery},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    params::{known_pairs, whole_number},
    tracking::Run,
    tracking::filter::Filter,
};
use futures::stream;
use serde::Serialize;
use serde_json::json;
use usecases::{
    Tracking,
    tracking::{EXPERIMENTS_KEYS, ExperimentsQuery, MAX_POINTS, MAX_ROWS, RUNS_KEYS, RunsAnswer, RunsParams},
};
use xxhash_rust::xxh3::xxh3_64;

pub use self::{
    artifacts::{file, list},
    comparison::compare,
    files::{csv, json_file, parquet},
    thumbnail::thumbnail,
};
use super::{ActorServices, problem::Problem, sentences};
use json::{BestJson, ExperimentRowJson, HistoryJson, RunJson, RunPageJson};

pub(super) type Answer = Result<Response, Problem>;

/// Rows of an answer where nobody says how many.
const ROWS: usize = 100;
/// Points of a history where nobody says how many.
const POINTS: usize = 1_000;
/// The longest that a history is waited for, in ms.
const MAX_WAIT: usize = 10_000;
/// Runs that are written at once; more go out piece by piece.
const PIECE: usize = 500;

/// Pairs of a query as borrowed texts.
fn texts(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

/// The text of a key that has one.
fn text<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    texts(pairs).find(|(k, text)| *k == key && !text.is_empty()).map(|(_, text)| text)
}

fn needed<'a>(pairs: &'a [(String, String)], key: &str) -> domain::Result<&'a str> {
    text(pairs, key).ok_or_else(|| Error::bad_input(sentences::key_missing(key)))
}

/// Names an answer out of the copy: nothing in it changes without the generation.
fn etag(runs: &Tracking, what: &str, query: Option<&str>) -> String {
    let key = format!("{what} {} {}", runs.generation(), query.unwrap_or_default());
    format!("W/\"{:016x}\"", xxh3_64(key.as_bytes()))
}

fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    known.is_some_and(|k| k.split(',').any(|t| t.trim() == etag || t.trim() == "*"))
}

fn not_modified(etag: String) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()
}

pub(super) fn bytes_of(value: &impl Serialize) -> domain::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::internal(sentences::our_fault()).with_detail(e))
}

fn answered(etag: String, body: impl Into<Body>) -> Response {
    let heads = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::ETAG, etag),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    (heads, body.into()).into_response()
}

/// JSON of an answer out of the copy; 304, without asking, when the caller has it.
pub(super) fn out_of_copy(
    runs: &Tracking,
    headers: &HeaderMap,
    what: &str,
    query: Option<&str>,
    body: impl FnOnce() -> domain::Result<Vec<u8>>,
) -> Answer {
    // Also for a known answer: who may not see runs is told nothing of them.
    runs.status()?;
    let etag = etag(runs, what, query);
    if is_known(headers, &etag) {
        return Ok(not_modified(etag));
    }
    Ok(answered(etag, body()?))
}

pub async fn experiments(ActorServices(s): ActorServices, RawQuery(q): RawQuery, headers: HeaderMap) -> Answer {
    let pairs = known_pairs(q.as_deref().unwrap_or_default(), &EXPERIMENTS_KEYS)?;
    let query = ExperimentsQuery::read(texts(&pairs), MAX_ROWS)?;
    out_of_copy(&s.runs, &headers, "experiments", q.as_deref(), || {
        let answer = s.runs.experiments(&query)?;
        let rows: Vec<_> = answer.rows.iter().map(ExperimentRowJson::of).collect();
        bytes_of(&json!({
            "total": answer.total, "as_of": answer.as_of, "complete": answer.status.complete, "experiments": rows,
        }))
    })
}

/// Runs of experiments: filtered, sorted, a page of them.
pub async fn search(ActorServices(s): ActorServices, RawQuery(q): RawQuery, headers: HeaderMap) -> Answer {
    // Columns and groups are for files: here every run comes whole.
    let known: Vec<&str> = RUNS_KEYS.into_iter().filter(|k| !["columns", "group", "facets"].contains(k)).collect();
    let pairs = known_pairs(q.as_deref().unwrap_or_default(), &known)?;
    let query = RunsParams::read(texts(&pairs), ROWS)?.query;
    s.runs.status()?;
    let etag = etag(&s.runs, "runs", q.as_deref());
    if is_known(&headers, &etag) {
        return Ok(not_modified(etag));
    }
    let answer = s.runs.search(&query)?;
    let head = head(&answer)?;
    Ok(answered(etag, written(head, answer.rows)))
}

/// An answer up to its first run.
fn head(answer: &RunsAnswer) -> domain::Result<Vec<u8>> {
    let mut head = json!({
        "total": answer.total, "as_of": answer.as_of, "complete": answer.complete,
        // How many were sorted by their last value for want of their history.
        "stand_ins": answer.stand_ins,
    });
    if !answer.understood.is_empty() {
        let understood = answer.understood.iter().map(|u| (u.key.to_string(), json!(u.field.to_string())));
        head["understood"] = serde_json::Value::Object(understood.collect());
    }
    let mut bytes = bytes_of(&head)?;
    // The object goes on.
    bytes.pop();
    bytes.extend_from_slice(b",\"runs\":[");
    Ok(bytes)
}

/// Head and runs: at once where there are few, else piece by piece.
fn written(head: Vec<u8>, rows: Vec<Arc<Run>>) -> Body {
    let piece = |from: usize, rows: &[Arc<Run>], out: &mut Vec<u8>| {
        for (i, run) in rows.iter().enumerate() {
            if from + i > 0 {
                out.push(b',');
            }
            // Cannot fail: every key is a text, and the output is memory.
            let _ = serde_json::to_writer(&mut *out, &RunJson::of(run));
        }
    };
    if rows.len() <= PIECE {
        let mut body = head;
        piece(0, &rows, &mut body);
        body.extend_from_slice(b"]}");
        return Body::from(body);
    }
    let total = rows.len();
    let pieces = (0..total).step_by(PIECE).map(move |from| {
        let part = rows.get(from..(from + PIECE).min(total)).unwrap_or_default();
        let mut bytes = if from == 0 { head.clone() } else { vec![] };
        piece(from, part, &mut bytes);
        if from + PIECE >= total {
            bytes.extend_from_slice(b"]}");
        }
        Ok::<_, std::convert::Infallible>(Bytes::from(bytes))
    });
    Body::from_stream(stream::iter(pieces))
}

/// A run with everything that is known of it, by its id or the beginning of it.
pub async fn run(
    ActorServices(s): ActorServices,
    Path(id): Path<String>,
    RawQuery(q): RawQuery,
    headers: HeaderMap,
) -> Answer {
    known_pairs(q.as_deref().unwrap_or_default(), &[])?;
    let answer = s.runs.run(&id)?;
    Ok(by_content(&headers, bytes_of(&RunPageJson::of(&answer))?))
}

/// The history of a metric, reduced to `points`. What was not copied yet is waited for as long as `wait` says, in ms.
pub async fn history(
    ActorServices(s): ActorServices,
    Path(id): Path<String>,
    RawQuery(q): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let pairs = known_pairs(q.as_deref().unwrap_or_default(), &["metric", "points", "wait"])?;
    let metric = needed(&pairs, "metric")?;
    let points = number(&pairs, "points", 1, MAX_POINTS)?.unwrap_or(POINTS);
    let wait = number(&pairs, "wait", 0, MAX_WAIT)?.unwrap_or(0) as u64;
    let answer = match wait {
        0 => s.runs.history(&id, metric, points)?,
        wait => s.runs.wait_for_history(&id, metric, points, wait).await?,
    };
    Ok(by_content(&headers, bytes_of(&HistoryJson::of(metric, &answer))?))
}

/// JSON that may change without the generation of the copy, such as histories: named by its content.
fn by_content(headers: &HeaderMap, body: Vec<u8>) -> Response {
    let etag = format!("W/\"{:016x}\"", xxh3_64(&body));
    if is_known(headers, &etag) { not_modified(etag) } else { answered(etag, body) }
}

/// A whole number of a query.
fn number(pairs: &[(String, String)], key: &'static str, least: usize, most: usize) -> domain::Result<Option<usize>> {
    text(pairs, key).map(|text| whole_number(key, text, least, most)).transpose()
}

/// The best run of an experiment by a metric.
pub async fn best(ActorServices(s): ActorServices, RawQuery(q): RawQuery, headers: HeaderMap) -> Answer {
    let known = ["experiment", "metric", "ascending", "filter"];
    let pairs = known_pairs(q.as_deref().unwrap_or_default(), &known)?;
    let (experiment, metric) = (needed(&pairs, "experiment")?, needed(&pairs, "metric")?);
    let ascending = text(&pairs, "ascending").map(read_bool).transpose()?;
    let filter = Filter::parse(text(&pairs, "filter").unwrap_or_default()).map_err(Error::from)?;
    out_of_copy(&s.runs, &headers, "best", q.as_deref(), || {
        let best = s.runs.best(experiment, metric, ascending, &filter)?;
        bytes_of(&BestJson::of(&best))
    })
}

fn read_bool(text: &str) -> domain::Result<bool> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => domain::params::flag("ascending", text),
    }
}
