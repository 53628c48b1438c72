//! `POST /api/metrics/records`: takes records from programs, one JSON object a line. Answered when they are durable, with what
//! became of each; refused lines do not keep the others out. What does not fit into memory beside what is on its way already is
//! sent away, to come again.

mod body;
mod ingest_error;
mod memory_budget;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State as Shared},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    error::Sentence,
    ports::{AppendCounts, Batch, Clock, ReadProgress, SourceId},
};
use serde_json::{Value, json};
use tokio::{
    sync::Semaphore,
    task::spawn_blocking,
    time::{Instant, timeout_at},
};
use usecases::Ingestion;

use self::{
    body::{ContentEncoding, MAX_RECORDS_BODY, ParsedBody},
    ingest_error::IngestError,
    memory_budget::{MemoryBudget, MemoryReservation},
};
use super::{AppState, RequestActor, problem::Problem, request_id::request_id};
use crate::ingest::group_commit::{GroupCommitError, GroupCommitter};

/// Bodies that may be in memory at once, as they were sent, in bytes.
const MAX_BODIES_BYTES: usize = 64 << 20;
/// Records that may be in memory at once, from parsing to the end of their commit, in bytes: as many as the largest body can
/// usually hold, or two of 60,000, of which one is parsed while the other is written.
const MAX_RECORDS_BYTES: usize = 160 << 20;
/// Time limit for waiting for memory and for a parser, each; then the answer is 503 with Retry-After.
const TIMEOUT: Duration = Duration::from_secs(2);
/// A body of so many bytes is parsed at once; handing it to another thread would take longer, and each thread keeps memory.
const INLINE_PARSE_BYTES: usize = 32 << 10;

/// The way of records from programs into the lake.
#[derive(Clone)]
pub struct RecordIntake {
    bodies: MemoryBudget,
    records: MemoryBudget,
    /// Bodies are unpacked and parsed one for each core: more would share the cores and multiply the memory.
    turns: Arc<Semaphore>,
    patience: Duration,
    group: GroupCommitter,
    ingestion: Ingestion,
    clock: Arc<dyn Clock>,
}

pub async fn take(
    Shared(s): Shared<AppState>,
    RequestActor(actor): RequestActor,
    request: Request,
) -> Result<Response, IngestError> {
    s.intake.ingestion.for_actor(&actor).authorize().map_err(Problem::from)?;
    s.intake.take(request).await
}

impl RecordIntake {
    #[must_use]
    pub fn start(ingestion: Ingestion, clock: Arc<dyn Clock>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            bodies: MemoryBudget::new(MAX_BODIES_BYTES),
            records: MemoryBudget::new(MAX_RECORDS_BYTES),
            turns: Arc::new(Semaphore::new(cores)),
            patience: TIMEOUT,
            group: GroupCommitter::start(ingestion.clone()),
            ingestion,
            clock,
        }
    }

    async fn take(&self, request: Request) -> Result<Response, IngestError> {
        let (parts, body) = request.into_parts();
        let encoding = body::check_content_type(&parts.headers)?;
        let announced = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|n| n > MAX_RECORDS_BODY) {
            return Err(body::body_too_large().into());
        }
        let until = Instant::now() + self.patience;
        let mut packed =
            self.bodies.wait(announced.unwrap_or(MAX_RECORDS_BODY), until).await.ok_or(IngestError::Busy)?;
        let body = body::read_body(body, announced.unwrap_or_default()).await?;
        packed.shrink(body.len());
        let (sorted, reservation) = self.parse_body(body, encoding).await?;
        drop(packed);
        let refused_total = sorted.refused_total();
        if sorted.arrivals.is_empty() && refused_total == 0 {
            let text = "the body holds no record; send one JSON object a line";
            return Err(Problem::new(StatusCode::BAD_REQUEST, text).into());
        }
        let none_valid = sorted.arrivals.is_empty();
        let batch = Batch {
            source: SourceId { kind: "api".into(), name: "POST /api/metrics/records".into() },
            refused: sorted.refused,
            records: Arc::new(sorted.arrivals),
            progress: ReadProgress { caught_up: true, ..ReadProgress::default() },
            ..Batch::default()
        };
        // The reservation goes with the records: they stay in memory even when the sender disconnects.
        let appended = match self.group.submit(batch, reservation).await {
            Ok(appended) => appended,
            Err(GroupCommitError::Full) => return Err(IngestError::Busy),
            Err(GroupCommitError::Failed(e)) => return Err(Problem::from(e).into()),
        };
        let listed: Vec<Value> = sorted
            .listed
            .iter()
            .map(|(line, r)| json!({"line": line, "reason": r.code, "message": r.message}))
            .collect();
        Ok(answer(none_valid, appended, listed, refused_total))
    }

    /// Parses a body; returns the records and the memory reserved for them.
    async fn parse_body(
        &self,
        body: Vec<u8>,
        encoding: ContentEncoding,
    ) -> Result<(ParsedBody, MemoryReservation), IngestError> {
        let until = Instant::now() + self.patience;
        let clock = Arc::clone(&self.clock);
        if body.len() <= INLINE_PARSE_BYTES && encoding == ContentEncoding::None {
            let size = body::measure(&body, encoding)?;
            let mut reservation = self.records.wait(size.expected_memory(), until).await.ok_or(IngestError::Busy)?;
            return Ok((body::parse(&body, encoding, size, &*clock, &mut reservation)?, reservation));
        }
        let broke_off =
            |e| Problem::from(Error::internal(Sentence::only_english("reading the records broke off")).with_detail(e));
        let _turn = timeout_at(until, self.turns.acquire()).await.map_err(|_| IngestError::Busy)?;
        let counted = spawn_blocking(move || body::measure(&body, encoding).map(|size| (size, body)));
        let (size, body) = counted.await.map_err(broke_off)??;
        let mut reservation = self.records.wait(size.expected_memory(), until).await.ok_or(IngestError::Busy)?;
        let parsed = spawn_blocking(move || {
            let sorted = body::parse(&body, encoding, size, &*clock, &mut reservation)?;
            Ok((sorted, reservation))
        });
        parsed.await.map_err(broke_off)?
    }
}

fn answer(none_valid: bool, appended: AppendCounts, refused: Vec<Value>, refused_total: u64) -> Response {
    let (status, kind, body) = if none_valid {
        let body = json!({
            "type": "about:blank", "title": "Unprocessable Entity", "status": 422,
            "detail": "every line was refused; “refused” says why", "request_id": request_id(),
            "refused": refused, "refused_total": refused_total,
        });
        (StatusCode::UNPROCESSABLE_ENTITY, "application/problem+json", body)
    } else {
        let AppendCounts { taken, duplicate, corrected, .. } = appended;
        let body = json!({
            "taken": taken, "duplicate": duplicate, "corrected": corrected,
            "refused": refused, "refused_total": refused_total,
        });
        (StatusCode::OK, "application/json", body)
    };
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}
