//! What a reader of files hands over, some rows at a time.

use std::path::Path;

use domain::{
    error::Sentence,
    normalization::nfc,
    ports::{Clock, ReceivedRecord, RefusedCounts},
    record::{Record, Refusal},
};

use super::refused_rows::RefusedRow;

/// A row of a table: its number from 1, and the record, or why it is refused together with the row as JSON.
pub type TableRow = (u64, std::result::Result<Record, (Refusal, String)>);

/// Reads all rows of a Parquet file, some at a time; what they are handed to says whether to go on. The error is why the file
/// cannot be read, in words; rows handed out before stay handed out.
pub type ReadTable = fn(&Path, &dyn Clock, &mut dyn FnMut(Vec<TableRow>) -> bool) -> std::result::Result<(), Sentence>;

/// What a reader hands over.
#[derive(Debug, Default)]
pub struct Chunk {
    pub arrivals: Vec<ReceivedRecord>,
    pub refused: Vec<RefusedRow>,
    /// Bytes of the input read so far.
    pub bytes: u64,
}

impl Chunk {
    #[must_use]
    pub fn rows(&self) -> usize {
        self.arrivals.len() + self.refused.len()
    }
    /// Refused rows by reason.
    #[must_use]
    pub fn refusals(&self) -> RefusedCounts {
        let mut counts = RefusedCounts::new();
        for r in &self.refused {
            *counts.entry(r.refusal.code.to_owned()).or_insert(0) += 1;
        }
        counts
    }
}

/// Parses one line. The only parser, so that all ways of ingest refuse and normalize alike.
pub(super) fn parse(line: &[u8], clock: &dyn Clock) -> std::result::Result<Record, Refusal> {
    Record::parse_line_normalized(line, clock.now(), nfc)
}
