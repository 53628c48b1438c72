//! From a body to records: unpacked twice. The first time only counts, so that the second time has the memory that it needs
//! before it begins; what a body unpacks to is never in memory as a whole.

use std::io::{BufRead, BufReader, Read};

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use domain::{
    ports::{Arrival, Clock, RefusedCounts},
    record::Refusal,
};
use futures::StreamExt;

use super::{
    refused::Refused,
    room::{Held, NoRoom},
};
use crate::{http::problem::Problem, ingest::lines::Lines};

/// The largest body, in bytes, packed and unpacked.
pub const MAX_RECORDS_BODY: usize = 16 << 20;

/// So many refused lines are listed; all are counted.
const LISTED: usize = 1_000;
/// No record is written in fewer bytes.
const SHORTEST: usize = 60;
/// What the names of a usual record take beside their letters.
const NAMES: usize = 320;
/// The room of a body is looked at again after so many records.
const STEP: usize = 256;
const KINDS: [&str; 3] = ["application/x-ndjson", "application/jsonl", "application/json"];

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    None,
    Gzip,
    Zstd,
}

/// What a body holds, as far as it can be told without understanding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub bytes: usize,
    pub lines: usize,
}

impl Size {
    /// The memory that its records usually take. Those that take more ask for more as they are read.
    #[must_use]
    pub fn need(self) -> usize {
        self.records() * (size_of::<Arrival>() + NAMES) + self.bytes
    }
    /// So many records at most.
    fn records(self) -> usize {
        self.lines.min(self.bytes / SHORTEST)
    }
}

/// What the lines of a body came to.
#[derive(Debug, Default)]
pub struct Sorted {
    pub arrivals: Vec<Arrival>,
    /// The first of the refused lines; nobody reads more of them.
    pub listed: Vec<(u64, Refusal)>,
    pub refused: RefusedCounts,
}

impl Sorted {
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// Refuses what we do not read, before it is sent.
///
/// # Errors
/// 415 with what may be sent.
pub fn understood(headers: &HeaderMap) -> Result<Packing, Problem> {
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

pub fn too_large() -> Problem {
    let text = format!("the body is larger than {} MiB; send it in parts", MAX_RECORDS_BODY >> 20);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text)
}

/// The body as it was sent, `announced` bytes of it.
///
/// # Errors
/// 400 when it breaks off, 413 when it is too large.
pub async fn whole(body: Body, announced: usize) -> Result<Vec<u8>, Problem> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::with_capacity(announced);
    while let Some(part) = stream.next().await {
        let part = part.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body broke off"))?;
        if bytes.len() + part.len() > MAX_RECORDS_BODY {
            return Err(too_large());
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// Looks at what a body unpacks to, but for one byte more than is allowed: that there is more is enough.
fn unpacked<T>(
    body: &[u8],
    packing: Packing,
    look: impl FnOnce(&mut dyn BufRead) -> Result<T, Refused>,
) -> Result<T, Refused> {
    let most = MAX_RECORDS_BODY as u64 + 1;
    match packing {
        Packing::None => look(&mut &*body),
        Packing::Gzip => look(&mut BufReader::new(flate2::read::MultiGzDecoder::new(body).take(most))),
        Packing::Zstd => {
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
pub fn count(body: &[u8], packing: Packing) -> Result<Size, Refused> {
    unpacked(body, packing, |reader| {
        let mut size = Size { bytes: 0, lines: 1 };
        loop {
            let part = reader.fill_buf().map_err(|e| unreadable(&e))?;
            if part.is_empty() {
                return Ok(size);
            }
            let n = part.len();
            size.lines += part.iter().filter(|b| **b == b'\n').count();
            size.bytes += n;
            if size.bytes > MAX_RECORDS_BODY {
                return Err(too_large().into());
            }
            reader.consume(n);
        }
    })
}

/// Sorts the lines of a body into records and refused ones. `held` is what may be taken for them, and afterwards what they take.
///
/// # Errors
/// As `count`; busy or 413 when its records need more memory than usual and there is no more.
pub fn parse(body: &[u8], packing: Packing, size: Size, clock: &dyn Clock, held: &mut Held) -> Result<Sorted, Refused> {
    unpacked(body, packing, |reader| {
        let mut sorted = Sorted::default();
        let mut lines = Lines::new(reader, 0);
        let (mut taken, mut slots) = (0, 0);
        while let Some(found) = lines.find().map_err(|e| unreadable(&e))? {
            match lines.parse(found, clock) {
                None => {}
                Some(Ok(record)) => {
                    if sorted.arrivals.is_empty() {
                        // No more than what it had room for; a vector that doubles would take thrice that for a moment.
                        sorted.arrivals.reserve_exact(size.records().max(1));
                    }
                    taken += record.memory();
                    sorted.arrivals.push(Arrival { record, line: lines.number });
                    slots = sorted.arrivals.capacity() * size_of::<Arrival>();
                    if sorted.arrivals.len().is_multiple_of(STEP) {
                        held.grow(slots + taken).map_err(no_room)?;
                    }
                }
                Some(Err(refusal)) => {
                    *sorted.refused.entry(refusal.code.to_owned()).or_insert(0) += 1;
                    if sorted.listed.len() < LISTED {
                        sorted.listed.push((lines.number, refusal));
                    }
                }
            }
        }
        held.grow(slots + taken).map_err(no_room)?;
        held.shrink(slots + taken);
        Ok(sorted)
    })
}

fn no_room(why: NoRoom) -> Refused {
    match why {
        NoRoom::Now => Refused::Busy,
        NoRoom::Ever => {
            let text = "the records of this body take more memory than there is for arriving ones; send it in parts";
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text).into()
        }
    }
}

fn unreadable(e: &std::io::Error) -> Refused {
    tracing::debug!(error = %e, "a body cannot be unpacked");
    let text = "the body cannot be unpacked: it is damaged or packed in another way";
    Problem::new(StatusCode::BAD_REQUEST, text).into()
}
