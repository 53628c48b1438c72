//! From a body to records: unpacked twice. The first time only counts, so that the second time has the memory that it needs
//! before it begins; what a body unpacks to is never in memory as a whole.

use std::io::{BufRead, BufReader, Read};

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use domain::{
    ports::{Clock, ReceivedRecord, RefusedCounts},
    record::Refusal,
};
use futures::StreamExt;

use super::{
    ingest_error::IngestError,
    memory_budget::{MemoryReservation, OverBudget},
};
use crate::{http::problem::Problem, ingest::lines::LineReader};

/// The largest body, in bytes, packed and unpacked.
pub const MAX_RECORDS_BODY: usize = 16 << 20;

/// So many refused lines are listed; all are counted.
const MAX_LISTED_REFUSALS: usize = 1_000;
/// No record is written in fewer bytes.
const MIN_RECORD_BYTES: usize = 60;
/// What the names of a usual record take beside their letters.
const TYPICAL_NAME_BYTES: usize = 320;
/// The reservation of a body is checked again after so many records.
const RESERVE_EVERY_RECORDS: usize = 256;
const KINDS: [&str; 3] = ["application/x-ndjson", "application/jsonl", "application/json"];

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentEncoding {
    None,
    Gzip,
    Zstd,
}

/// What a body holds, as far as it can be told without understanding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodySize {
    pub bytes: usize,
    pub lines: usize,
}

impl BodySize {
    /// The memory that its records usually take. Those that take more ask for more as they are read.
    #[must_use]
    pub fn expected_memory(self) -> usize {
        self.records() * (size_of::<ReceivedRecord>() + TYPICAL_NAME_BYTES) + self.bytes
    }
    /// So many records at most.
    fn records(self) -> usize {
        self.lines.min(self.bytes / MIN_RECORD_BYTES)
    }
}

/// What the lines of a body came to.
#[derive(Debug, Default)]
pub struct ParsedBody {
    pub arrivals: Vec<ReceivedRecord>,
    /// The first of the refused lines; nobody reads more of them.
    pub listed: Vec<(u64, Refusal)>,
    pub refused: RefusedCounts,
}

impl ParsedBody {
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// Refuses what we do not read, before it is sent.
///
/// # Errors
/// 415 with what may be sent.
pub fn check_content_type(headers: &HeaderMap) -> Result<ContentEncoding, Problem> {
    let unsupported = |text: String| Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().trim().to_ascii_lowercase();
    let kind = text(header::CONTENT_TYPE);
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !KINDS.contains(&kind) {
        return unsupported(format!("send one JSON object a line as {}", KINDS.join(", ")));
    }
    match &*text(header::CONTENT_ENCODING) {
        "" | "identity" => Ok(ContentEncoding::None),
        "gzip" => Ok(ContentEncoding::Gzip),
        "zstd" => Ok(ContentEncoding::Zstd),
        _ => unsupported("the body may be packed with gzip or zstd, or not at all".into()),
    }
}

pub fn body_too_large() -> Problem {
    let text = format!("the body is larger than {} MiB; send it in parts", MAX_RECORDS_BODY >> 20);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text)
}

/// The body as it was sent, `announced` bytes of it.
///
/// # Errors
/// 400 when it breaks off, 413 when it is too large.
pub async fn read_body(body: Body, announced: usize) -> Result<Vec<u8>, Problem> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::with_capacity(announced);
    while let Some(part) = stream.next().await {
        let part = part.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body broke off"))?;
        if bytes.len() + part.len() > MAX_RECORDS_BODY {
            return Err(body_too_large());
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// Looks at what a body unpacks to, but for one byte more than is allowed: that there is more is enough.
fn decompress<T>(
    body: &[u8],
    encoding: ContentEncoding,
    look: impl FnOnce(&mut dyn BufRead) -> Result<T, IngestError>,
) -> Result<T, IngestError> {
    let most = MAX_RECORDS_BODY as u64 + 1;
    match encoding {
        ContentEncoding::None => look(&mut &*body),
        ContentEncoding::Gzip => look(&mut BufReader::new(flate2::read::MultiGzDecoder::new(body).take(most))),
        ContentEncoding::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(body).map_err(|e| unreadable(&e))?;
            // Nobody may make us hold a window larger than a body.
            decoder.window_log_max(24).map_err(|e| unreadable(&e))?;
            look(&mut BufReader::new(decoder.take(most)))
        }
    }
}

/// Counts what is in a body, and takes no memory for it.
///
/// # Errors
/// 400 when it cannot be unpacked, 413 when there is too much in it.
pub fn measure(body: &[u8], encoding: ContentEncoding) -> Result<BodySize, IngestError> {
    decompress(body, encoding, |reader| {
        let mut size = BodySize { bytes: 0, lines: 1 };
        loop {
            let part = reader.fill_buf().map_err(|e| unreadable(&e))?;
            if part.is_empty() {
                return Ok(size);
            }
            let n = part.len();
            size.lines += part.iter().filter(|b| **b == b'\n').count();
            size.bytes += n;
            if size.bytes > MAX_RECORDS_BODY {
                return Err(body_too_large().into());
            }
            reader.consume(n);
        }
    })
}

/// Sorts the lines of a body into records and refused ones. `reservation` is what may be taken for them, and afterwards what they take.
///
/// # Errors
/// As `count`; busy or 413 when its records need more memory than usual and there is no more.
pub fn parse(
    body: &[u8],
    encoding: ContentEncoding,
    size: BodySize,
    clock: &dyn Clock,
    reservation: &mut MemoryReservation,
) -> Result<ParsedBody, IngestError> {
    decompress(body, encoding, |reader| {
        let mut sorted = ParsedBody::default();
        let mut lines = LineReader::new(reader, 0);
        let (mut taken, mut slots) = (0, 0);
        while let Some(found) = lines.find().map_err(|e| unreadable(&e))? {
            match lines.parse(found, clock) {
                None => {}
                Some(Ok(record)) => {
                    if sorted.arrivals.is_empty() {
                        // No more than what it had room for; a vector that doubles would take thrice that for a moment.
                        sorted.arrivals.reserve_exact(size.records().max(1));
                    }
                    taken += record.memory_bytes();
                    sorted.arrivals.push(ReceivedRecord { record, line: lines.number });
                    slots = sorted.arrivals.capacity() * size_of::<ReceivedRecord>();
                    if sorted.arrivals.len().is_multiple_of(RESERVE_EVERY_RECORDS) {
                        reservation.grow(slots + taken).map_err(over_budget)?;
                    }
                }
                Some(Err(refusal)) => {
                    *sorted.refused.entry(refusal.code.to_owned()).or_insert(0) += 1;
                    if sorted.listed.len() < MAX_LISTED_REFUSALS {
                        sorted.listed.push((lines.number, refusal));
                    }
                }
            }
        }
        reservation.grow(slots + taken).map_err(over_budget)?;
        reservation.shrink(slots + taken);
        Ok(sorted)
    })
}

fn over_budget(why: OverBudget) -> IngestError {
    match why {
        OverBudget::Now => IngestError::Busy,
        OverBudget::Ever => {
            let text = "the records of this body take more memory than there is for arriving ones; send it in parts";
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text).into()
        }
    }
}

fn unreadable(e: &std::io::Error) -> IngestError {
    tracing::debug!(error = %e, "a body cannot be unpacked");
    let text = "the body cannot be unpacked: it is damaged or packed in another way";
    Problem::new(StatusCode::BAD_REQUEST, text).into()
}
