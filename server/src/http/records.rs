//! `POST /api/metrics/records`: takes records from programs, one JSON object a line. Answered when they are durable, with what
//! became of each; refused lines do not keep the others out.

use std::{
    io::{BufRead, BufReader, Read},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::{Request, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    ports::{Appended, Batch, Clock, Progress, SourceId},
};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{State, problem::Problem, request_id::request_id};
use crate::ingest::{Chunk, group::NotTaken, lines::Lines};

/// The largest body, in bytes, packed and unpacked.
pub const MAX_RECORDS_BODY: usize = 16 << 20;
/// Bodies that may be in memory at once, in kilobytes.
pub const MOST_KILOBYTES: usize = 128 << 10;
/// A body of so many bytes is parsed at once; handing it to another thread would take longer, and each thread keeps memory.
const QUICK: usize = 32 << 10;
/// So many refused lines are listed; all are counted.
const LISTED: usize = 1_000;
const KINDS: [&str; 3] = ["application/x-ndjson", "application/jsonl", "application/json"];

/// How a body is packed.
#[derive(Debug, Clone, Copy)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

/// Why there is no other answer.
#[derive(Debug)]
pub enum Sorry {
    /// Too much at once: the same request is welcome a little later.
    Busy,
    Problem(Problem),
}

impl From<Problem> for Sorry {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Sorry {
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

pub async fn take(Shared(s): Shared<State>, request: Request) -> Result<Response, Sorry> {
    let (parts, body) = request.into_parts();
    let packing = understood(&parts.headers)?;
    let announced = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|n| n > MAX_RECORDS_BODY) {
        return Err(too_large().into());
    }
    // Room for what may come, kept until it is in the lake.
    let mut room = reserve(&s.room, announced.unwrap_or(MAX_RECORDS_BODY)).ok_or(Sorry::Busy)?;
    let body = whole(body).await?;
    let spare = room.num_permits().saturating_sub(kilobytes(body.len()));
    drop(room.split(spare));
    let clock = Arc::clone(&s.services.clock);
    let chunk = if body.len() <= QUICK && matches!(packing, Packing::None) {
        parse(&body, packing, &*clock)?
    } else {
        tokio::task::spawn_blocking(move || parse(&body, packing, &*clock))
            .await
            .map_err(|e| Problem::from(Error::internal("reading the records broke off").with_detail(e)))??
    };
    if chunk.rows() == 0 {
        let text = "the body holds no record; send one JSON object a line";
        return Err(Problem::new(StatusCode::BAD_REQUEST, text).into());
    }
    let batch = Batch {
        source: SourceId { kind: "api".into(), name: "POST /api/metrics/records".into() },
        refused: chunk.refusals(),
        records: chunk.arrivals,
        progress: Progress { caught_up: true, ..Progress::default() },
    };
    let none_valid = batch.records.is_empty();
    let appended = match s.group.take(batch).await {
        Ok(appended) => appended,
        Err(NotTaken::Full) => return Err(Sorry::Busy),
        Err(NotTaken::Failed(e)) => return Err(Problem::from(e).into()),
    };
    let listed: Vec<Value> = chunk
        .refused
        .iter()
        .take(LISTED)
        .map(|r| json!({"line": r.line, "reason": r.refusal.code, "message": r.refusal.message}))
        .collect();
    Ok(answer(none_valid, appended, listed, chunk.refused.len()))
}

fn answer(none_valid: bool, appended: Appended, refused: Vec<Value>, refused_total: usize) -> Response {
    let (status, kind, body) = if none_valid {
        let body = json!({
            "type": "about:blank", "title": "Unprocessable Entity", "status": 422,
            "detail": "every line was refused; “refused” says why", "request_id": request_id(),
            "refused": refused, "refused_total": refused_total,
        });
        (StatusCode::UNPROCESSABLE_ENTITY, "application/problem+json", body)
    } else {
        let Appended { taken, duplicate, corrected } = appended;
        let body = json!({
            "taken": taken, "duplicate": duplicate, "corrected": corrected,
            "refused": refused, "refused_total": refused_total,
        });
        (StatusCode::OK, "application/json", body)
    };
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}

/// Refuses what we do not read, before it is sent.
fn understood(headers: &HeaderMap) -> Result<Packing, Problem> {
    let unsupported = |text: String| Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().trim().to_ascii_lowercase();
    let kind = text(header::CONTENT_TYPE);
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !KINDS.contains(&kind) {
        return unsupported(format!("send one JSON object a line as {}", KINDS.join(", ")));
    }
    match &*text(header::CONTENT_ENCODING) {
        "" | "identity" => Ok(Packing::None),
        "gzip" => Ok(Packing::Gzip),
        "zstd" => Ok(Packing::Zstd),
        _ => unsupported("the body may be packed with gzip or zstd, or not at all".into()),
    }
}

fn kilobytes(bytes: usize) -> usize {
    bytes.div_ceil(1_024).max(1)
}

fn reserve(room: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let wanted = u32::try_from(kilobytes(bytes)).ok()?;
    Arc::clone(room).try_acquire_many_owned(wanted).ok()
}

fn too_large() -> Problem {
    let text = format!("the body is larger than {} MiB; send it in parts", MAX_RECORDS_BODY >> 20);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text)
}

async fn whole(body: Body) -> Result<Vec<u8>, Problem> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(part) = stream.next().await {
        let part = part.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body broke off"))?;
        if bytes.len() + part.len() > MAX_RECORDS_BODY {
            return Err(too_large());
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

fn parse(body: &[u8], packing: Packing, clock: &dyn Clock) -> Result<Chunk, Problem> {
    // One byte more than is allowed tells that there is more.
    let most = MAX_RECORDS_BODY as u64 + 1;
    match packing {
        Packing::None => sort(body, clock),
        Packing::Gzip => sort(BufReader::new(flate2::read::MultiGzDecoder::new(body).take(most)), clock),
        Packing::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(body).map_err(unreadable)?;
            // Nobody may make us hold a window larger than a body.
            decoder.window_log_max(24).map_err(unreadable)?;
            sort(BufReader::new(decoder.take(most)), clock)
        }
    }
}

fn sort(reader: impl BufRead, clock: &dyn Clock) -> Result<Chunk, Problem> {
    let mut chunk = Chunk::default();
    let mut lines = Lines::new(reader, 0);
    while let Some(found) = lines.find().map_err(unreadable)? {
        chunk.bytes += found.bytes();
        if chunk.bytes > MAX_RECORDS_BODY as u64 {
            return Err(too_large());
        }
        lines.sort(found, clock, &mut chunk);
    }
    Ok(chunk)
}

fn unreadable(e: std::io::Error) -> Problem {
    tracing::debug!(error = %e, "a body cannot be unpacked");
    Problem::new(StatusCode::BAD_REQUEST, "the body cannot be unpacked: it is damaged or packed in another way")
}
