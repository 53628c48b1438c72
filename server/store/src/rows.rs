//! Rows as both databases give them, and numbers as both keep them.

use domain::{
    error::Sentence,
    ports::{RefusedCounts, SourceId, SourceReport},
    time::{Day, Millis},
};
use lake::ports::LakeFile;

/// So many commits are remembered: whoever looked longer ago than that reads everything.
pub const KEPT: i64 = 1_000;

/// id, path, day, rows, bytes, from, to, simulated, received.
pub type FileRow = (i64, String, i64, i64, i64, i64, i64, i64, i64);

pub fn file(row: FileRow) -> LakeFile {
    let (id, path, day, rows, bytes, from, to, simulated, received) = row;
    LakeFile {
        id,
        path,
        day: Day(i32::try_from(day).unwrap_or(0)),
        rows: unsigned(rows),
        bytes: unsigned(bytes),
        from: Millis(from),
        to: Millis(to),
        simulated: unsigned(simulated),
        received: Millis(received),
    }
}

/// kind, name, first, last, newest, taken, duplicate, corrected, error, its Korean words, finished.
pub type SourceRow = (String, String, i64, i64, Option<i64>, i64, i64, i64, Option<String>, Option<String>, i64);

pub fn source(row: SourceRow) -> SourceReport {
    let (kind, name, first, last, newest, taken, duplicate, corrected, error, error_ko, finished) = row;
    SourceReport {
        source: SourceId { kind, name },
        first: Millis(first),
        last: Millis(last),
        newest: newest.map(Millis),
        taken: unsigned(taken),
        duplicate: unsigned(duplicate),
        corrected: unsigned(corrected),
        refused: RefusedCounts::new(),
        error: error.map(|en| Sentence { en, ko: error_ko }),
        finished: finished != 0,
    }
}

/// Databases store signed numbers; ours never come near the limit.
pub fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Text from outside: Postgres keeps no character zero.
pub fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
