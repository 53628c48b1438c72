//! One scan of the watched folder: which files exist, which have new data, and which no longer change. Runs on a thread that
//! may wait for the disk; takes nothing into the lake.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use domain::{
    Result,
    error::Sentence,
    ports::{Clock, SourceId},
};

use super::{
    listing::{self, FileMode},
    read::{self, NewRows},
    tracked_files::{TrackedFiles, source},
};
use crate::ingest::{
    Input,
    refused_rows::{self, RefusedRowsFile},
    sentences,
};

/// Rows that go to the lake in one commit.
const BATCH: usize = 50_000;
/// Of a file, however many have something new, at least so many rows are read.
const MIN_ROWS_PER_FILE: usize = 1_000;
/// Bytes that are read for one commit.
const BYTES: u64 = 64 << 20;
/// A file that is taken as a whole has come to rest when it has not changed for so long.
const WHOLE_FILE_QUIET_TIME: Duration = Duration::from_secs(2);

/// Where and how to look.
#[derive(Debug, Clone)]
pub struct FolderPaths {
    pub folder: PathBuf,
    /// The folder for refused rows.
    pub rejected: PathBuf,
}

/// The result of a scan.
#[derive(Debug, Default)]
pub struct FolderScan {
    /// By the id of the file.
    pub news: Vec<(i64, NewRows)>,
    pub troubles: Vec<(SourceId, Sentence)>,
    /// There was more than goes into one commit.
    pub more: bool,
    /// How long the listing took.
    pub took: Duration,
    /// A file to take as a whole.
    pub at_rest: Option<(i64, Input)>,
    /// Why the folder could not be read; then there is nothing else.
    pub closed: Option<Sentence>,
}

/// Looks, reads what is new, and writes refused rows. `turn` says with which file to begin.
///
/// # Errors
/// `Unavailable` when refused rows cannot be written.
pub fn scan_folder(tracks: &mut TrackedFiles, at: &FolderPaths, clock: &dyn Clock, turn: usize) -> Result<FolderScan> {
    let now = Instant::now();
    let mut found = FolderScan::default();
    let listing = match listing::list(&at.folder) {
        Ok(listing) => listing,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Ok(FolderScan { closed: Some(sentences::no_folder()), ..found });
        }
        Err(e) => return Ok(FolderScan { closed: Some(Sentence::from_io(&e)), ..found }),
    };
    let refused = |path: &str| refused_rows::length(&at.rejected, &source(path));
    tracks.reconcile(listing.entries, (now, clock.now()), read::is_same, refused);
    found.took = now.elapsed();
    found.troubles = listing.troubles.into_iter().map(|(p, why)| (source(&p.display().to_string()), why)).collect();
    read_all(tracks, at, clock, turn, &mut found)?;
    found.at_rest = at_rest(tracks, now);
    Ok(found)
}

fn read_all(
    tracks: &mut TrackedFiles,
    at: &FolderPaths,
    clock: &dyn Clock,
    turn: usize,
    found: &mut FolderScan,
) -> Result<()> {
    let now = Instant::now();
    let growing = tracks.all.iter().filter(|(_, t)| t.kind == FileMode::Growing && read::is_due(t, now));
    let mut due: Vec<i64> = growing.map(|(id, _)| *id).collect();
    if due.is_empty() {
        return Ok(());
    }
    // So that one file with a past does not keep the others waiting.
    let first = turn % due.len();
    due.rotate_left(first);
    let room = (BATCH / due.len()).max(MIN_ROWS_PER_FILE);
    let (mut rows, mut bytes) = (0, 0);
    for id in due {
        let Some(track) = tracks.all.get_mut(&id) else { continue };
        if rows >= BATCH || bytes >= BYTES {
            found.more = true;
            break;
        }
        match read::read(track, clock, room, now) {
            Ok(Some(mut news)) => {
                write_refused_rows(&at.rejected, &mut news)?;
                rows += news.chunk.rows();
                bytes += news.file_position.offset.saturating_sub(track.file_position.offset);
                found.more |= !news.end;
                found.news.push((id, news));
            }
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                track.failed(now);
                found.troubles.push((track.source(), Sentence::from_io(&e)));
            }
            // Renamed or deleted just now: the next look knows.
            Ok(None) | Err(_) => {}
        }
    }
    Ok(())
}

fn write_refused_rows(rejected: &Path, news: &mut NewRows) -> Result<()> {
    let source = source(&news.file_position.path);
    let mut rejects = if news.anew {
        RefusedRowsFile::new(rejected, &source)
    } else {
        RefusedRowsFile::resume(rejected, &source, news.file_position.rejects)
    };
    rejects.write(&news.chunk.refused)?;
    if let Some(length) = rejects.sync()? {
        news.file_position.rejects = length;
    }
    Ok(())
}

fn at_rest(tracks: &TrackedFiles, now: Instant) -> Option<(i64, Input)> {
    tracks.all.iter().find_map(|(id, t)| {
        let FileMode::Whole(format) = t.kind else { return None };
        let entry = t.entry.as_ref()?;
        let rests = now.duration_since(t.since) >= WHOLE_FILE_QUIET_TIME && t.has_changed() && !t.is_backing_off(now);
        rests.then(|| (*id, Input::File { path: entry.path.clone(), format, bytes: entry.size }))
    })
}
