//! One look at the watched folder: what is there, what of it is new, and which file has come to rest. Runs on a thread that
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
    listing::{self, Kind},
    read::{self, News},
    track::{Tracks, source},
};
use crate::ingest::{
    Input,
    rejects::{self, Rejects},
    sentences,
};

/// Rows that go to the lake in one commit.
const BATCH: usize = 50_000;
/// Of a file, however many have something new, at least so many rows are read.
const ROOM: usize = 1_000;
/// Bytes that are read for one commit.
const BYTES: u64 = 64 << 20;
/// A file that is taken as a whole has come to rest when it has not changed for so long.
const REST: Duration = Duration::from_secs(2);

/// Where and how to look.
#[derive(Debug, Clone)]
pub struct Where {
    pub folder: PathBuf,
    /// The folder for refused rows.
    pub rejected: PathBuf,
}

/// What a look has found.
#[derive(Debug, Default)]
pub struct Look {
    /// By the id of the file.
    pub news: Vec<(i64, News)>,
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

/// Looks, reads what is new, and puts aside what is refused. `turn` says with which file to begin.
///
/// # Errors
/// `Unavailable` when refused rows cannot be put aside.
pub fn look(tracks: &mut Tracks, at: &Where, clock: &dyn Clock, turn: usize) -> Result<Look> {
    let now = Instant::now();
    let mut found = Look::default();
    let listing = match listing::list(&at.folder) {
        Ok(listing) => listing,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Look { closed: Some(sentences::no_folder()), ..found });
        }
        Err(e) => return Ok(Look { closed: Some(Sentence::why(&e)), ..found }),
    };
    let refused = |path: &str| rejects::length(&at.rejected, &source(path));
    tracks.meet(listing.entries, (now, clock.now()), read::is_same, refused);
    found.took = now.elapsed();
    found.troubles = listing.troubles.into_iter().map(|(p, why)| (source(&p.display().to_string()), why)).collect();
    read_all(tracks, at, clock, turn, &mut found)?;
    found.at_rest = at_rest(tracks, now);
    Ok(found)
}

fn read_all(tracks: &mut Tracks, at: &Where, clock: &dyn Clock, turn: usize, found: &mut Look) -> Result<()> {
    let now = Instant::now();
    let growing = tracks.all.iter().filter(|(_, t)| t.kind == Kind::Growing && read::is_due(t, now));
    let mut due: Vec<i64> = growing.map(|(id, _)| *id).collect();
    if due.is_empty() {
        return Ok(());
    }
    // So that one file with a past does not keep the others waiting.
    let first = turn % due.len();
    due.rotate_left(first);
    let room = (BATCH / due.len()).max(ROOM);
    let (mut rows, mut bytes) = (0, 0);
    for id in due {
        let Some(track) = tracks.all.get_mut(&id) else { continue };
        if rows >= BATCH || bytes >= BYTES {
            found.more = true;
            break;
        }
        match read::read(track, clock, room, now) {
            Ok(Some(mut news)) => {
                put_aside(&at.rejected, &mut news)?;
                rows += news.chunk.rows();
                bytes += news.tail.offset.saturating_sub(track.tail.offset);
                found.more |= !news.end;
                found.news.push((id, news));
            }
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                track.failed(now);
                found.troubles.push((track.source(), Sentence::why(&e)));
            }
            // Renamed or deleted just now: the next look knows.
            Ok(None) | Err(_) => {}
        }
    }
    Ok(())
}

fn put_aside(rejected: &Path, news: &mut News) -> Result<()> {
    let source = source(&news.tail.path);
    let mut rejects =
        if news.anew { Rejects::new(rejected, &source) } else { Rejects::resume(rejected, &source, news.tail.rejects) };
    rejects.write(&news.chunk.refused)?;
    if let Some(length) = rejects.settle()? {
        news.tail.rejects = length;
    }
    Ok(())
}

fn at_rest(tracks: &Tracks, now: Instant) -> Option<(i64, Input)> {
    tracks.all.iter().find_map(|(id, t)| {
        let Kind::Whole(format) = t.kind else { return None };
        let entry = t.entry.as_ref()?;
        let rests = now.duration_since(t.since) >= REST && t.has_changed() && !t.waits(now);
        rests.then(|| (*id, Input::File { path: entry.path.clone(), format, bytes: entry.size }))
    })
}
