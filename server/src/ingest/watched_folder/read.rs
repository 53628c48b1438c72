//! Reads what is new in one file that grows: whole lines from where the last read ended, and never half a line.
#![expect(clippy::disallowed_methods, reason = "files are read on blocking threads: all of this is called there")]

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::Path,
    time::{Duration, Instant},
};

use domain::ports::Clock;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    listing::{self, Entry, FileMode},
    tracked_files::TrackedFile,
};
use crate::{
    ingest::{Chunk, lines::LineReader},
    ports::FilePosition,
};

/// A file is known again by so many of its first bytes.
const FINGERPRINT_BYTES: u64 = 1_024;
/// A last line without a newline is taken when the file has been quiet for so long.
const TAKE_LAST_LINE_AFTER: Duration = Duration::from_secs(5);
/// So many bytes are read in one go, or one line.
const BYTES: u64 = 64 << 20;

/// What was found in a file, and where it leaves us.
#[derive(Debug, Default)]
pub struct NewRows {
    pub chunk: Chunk,
    pub file_position: FilePosition,
    pub anew: bool,
    /// Nothing more is there.
    pub end: bool,
    pub scanned: u64,
    pub judged: bool,
}

/// Whether there may be something to read, by what is known without opening the file.
pub fn is_due(track: &TrackedFile, now: Instant) -> bool {
    !track.is_backing_off(now) && (track.has_changed() || is_final(track, now))
}

/// Whether to look at a last line that has no newline.
fn is_final(track: &TrackedFile, now: Instant) -> bool {
    !track.judged && track.remainder() > 0 && now.duration_since(track.since) >= TAKE_LAST_LINE_AFTER
}

/// Reads up to about `room` rows; `None` when another file has taken its name just now.
///
/// # Errors
/// Why the file cannot be read.
pub fn read(track: &TrackedFile, clock: &dyn Clock, room: usize, now: Instant) -> std::io::Result<Option<NewRows>> {
    let Some(entry) = &track.entry else { return Ok(None) };
    let mut file = File::open(&entry.path)?;
    let metadata = file.metadata()?;
    if listing::identity(&metadata) != (entry.device, entry.inode) {
        return Ok(None);
    }
    let size = metadata.len();
    let quiet = is_final(track, now) && !track.has_changed() && size == entry.size;
    let mut news = NewRows {
        file_position: track.file_position.clone(),
        anew: track.anew,
        scanned: track.scanned,
        judged: track.judged,
        ..NewRows::default()
    };
    if size < news.file_position.offset + news.file_position.loose
        || !has_same_beginning(&mut file, &news.file_position)?
    {
        // Cut off, or other content: what is there now has not been read.
        news.file_position = FilePosition { offset: 0, lines: 0, loose: 0, print: 0, rejects: 0, ..news.file_position };
        (news.anew, news.scanned) = (true, 0);
    }
    let begin = news.file_position.offset;
    let printed = begin.min(FINGERPRINT_BYTES);
    if news.scanned > 0 && !quiet && !newline_after(&mut file, begin + news.scanned)? {
        news.scanned = size.saturating_sub(begin);
        news.end = true;
    } else {
        file.seek(SeekFrom::Start(begin))?;
        let mut lines = LineReader::new(BufReader::with_capacity(1 << 16, &mut file), news.file_position.lines);
        take_lines(&mut lines, clock, room, quiet, &mut news)?;
    }
    if news.file_position.offset.min(FINGERPRINT_BYTES) != printed || begin == 0 {
        news.file_position.print = print(&mut file, news.file_position.offset)?;
    }
    // A restart goes by this: what was not read to its end must look changed.
    news.file_position.size = if news.end { size } else { news.file_position.offset };
    news.file_position.changed = listing::modified_at(&metadata);
    Ok(Some(news))
}

fn take_lines<R: std::io::BufRead>(
    lines: &mut LineReader<R>,
    clock: &dyn Clock,
    room: usize,
    quiet: bool,
    news: &mut NewRows,
) -> std::io::Result<()> {
    let limit = news.file_position.offset + BYTES;
    while news.chunk.rows() < room && news.file_position.offset < limit {
        let Some(found) = lines.find()? else {
            (news.end, news.scanned) = (true, 0);
            return Ok(());
        };
        let length = found.length as u64;
        if !found.whole {
            (news.end, news.scanned) = (true, length);
            if quiet {
                news.judged = true;
                if length > news.file_position.loose && lines.is_complete(found) {
                    lines.parse_into(found, clock, &mut news.chunk);
                    news.file_position.loose = length;
                }
            }
            return Ok(());
        }
        // The newline of a line that was taken without one says nothing new.
        if news.file_position.loose != length || length == 0 {
            lines.parse_into(found, clock, &mut news.chunk);
        }
        news.file_position.loose = 0;
        news.file_position.offset += found.bytes();
        news.file_position.lines += 1;
        news.scanned = 0;
    }
    Ok(())
}

/// Whether a file begins with what was taken: its first bytes, and the newline before the position.
fn has_same_beginning(file: &mut File, file_position: &FilePosition) -> std::io::Result<bool> {
    if file_position.offset == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(file_position.offset - 1))?;
    let whole = file.read(&mut last)? == 1 && last == *b"\n";
    Ok(whole && print(file, file_position.offset)? == file_position.print)
}

/// Whether an entry of the folder is the file of a position, by its content.
pub fn is_same(entry: &Entry, file_position: &FilePosition) -> bool {
    if matches!(listing::kind(Path::new(&file_position.path)), Some(FileMode::Whole(_))) {
        return entry.size == file_position.size && fingerprint_of(&entry.path, entry.size) == file_position.print;
    }
    entry.size >= file_position.offset
        && File::open(&entry.path).and_then(|mut f| has_same_beginning(&mut f, file_position)).unwrap_or(false)
}

/// The hash of the first bytes of a file, as many as were taken but at most [`FINGERPRINT_BYTES`]; their number counts too.
fn print(file: &mut File, taken: u64) -> std::io::Result<u64> {
    let n = taken.min(FINGERPRINT_BYTES);
    let mut bytes = Vec::with_capacity(FINGERPRINT_BYTES as usize);
    file.seek(SeekFrom::Start(0))?;
    file.take(n).read_to_end(&mut bytes)?;
    Ok(if bytes.is_empty() { 0 } else { xxh3_64_with_seed(&bytes, bytes.len() as u64) })
}

/// The same of a file that is taken as a whole.
pub fn fingerprint_of(path: &Path, size: u64) -> u64 {
    File::open(path).and_then(|mut f| print(&mut f, size)).unwrap_or(0)
}

fn newline_after(file: &mut File, from: u64) -> std::io::Result<bool> {
    file.seek(SeekFrom::Start(from))?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(false),
            n if buffer[..n].contains(&b'\n') => return Ok(true),
            _ => {}
        }
    }
}
