//! Which file of the folder is which that we know, whatever it is called now. Decides nothing about content but by `same`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    time::{Duration, Instant},
};

use domain::{
    ports::SourceId,
    time::{DAY, Millis},
};

use super::listing::{Entry, Kind, kind};
use crate::startup::Tail;

/// A look at a folder is not of one moment: a file that is being renamed may be missed. Only after this it counts as gone.
const MISSED: Duration = Duration::from_secs(5);
/// So long the position in a file that is gone is kept, in milliseconds.
const KEPT: i64 = DAY;

/// Whether an entry is the file of a tail.
type Fits<'a> = dyn Fn(&Entry, &Tail) -> bool + 'a;

/// A file that we know.
#[derive(Debug, Clone)]
pub struct Track {
    /// As it is, or will be with the next commit, in the store.
    pub tail: Tail,
    pub kind: Kind,
    /// How the file is now; `None` when it was not seen.
    pub entry: Option<Entry>,
    /// When the file was last seen to change.
    pub since: Instant,
    /// The next delivery is of a read from the beginning.
    pub anew: bool,
    /// The store does not know the tail as it is here.
    pub unsaved: bool,
    /// Bytes behind the position in which there is no newline.
    pub scanned: u64,
    /// Whether the last line without a newline was looked at since the file changed.
    pub judged: bool,
    /// Reading failed so often in a row, and when to try again.
    pub failures: u32,
    pub retry: Option<Instant>,
    absent: Option<Instant>,
}

impl Track {
    fn new(tail: Tail, kind: Kind, now: Instant) -> Self {
        Self {
            tail,
            kind,
            entry: None,
            since: now,
            anew: false,
            unsaved: false,
            scanned: 0,
            judged: false,
            failures: 0,
            retry: None,
            absent: None,
        }
    }

    pub fn source(&self) -> SourceId {
        source(&self.tail.path)
    }

    /// Whether the file has changed since it was read last.
    pub fn has_changed(&self) -> bool {
        self.entry.as_ref().is_some_and(|e| (e.size, e.changed) != (self.tail.size, self.tail.changed))
    }

    /// Bytes of a last line without a newline that were not taken.
    pub fn remainder(&self) -> u64 {
        self.tail.size.saturating_sub(self.tail.offset + self.tail.loose)
    }

    /// Whether to leave it alone because of an earlier failure.
    pub fn waits(&self, now: Instant) -> bool {
        self.retry.is_some_and(|at| at > now)
    }

    /// Leaves the file alone for a while: half a minute at most when it grows, some minutes when it is taken as a whole.
    pub fn failed(&mut self, now: Instant) {
        self.failures += 1;
        let most = if self.kind == Kind::Growing { 6 } else { 10 };
        self.retry = Some(now + Duration::from_secs(1 << self.failures.min(most)) / 2);
    }

    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.retry = None;
    }
}

/// The source that a file of the folder, or the folder itself, is.
pub fn source(path: &str) -> SourceId {
    SourceId { kind: "folder".into(), name: path.to_owned() }
}

/// All files that we know, by id.
#[derive(Debug, Default)]
pub struct Tracks {
    pub all: BTreeMap<i64, Track>,
    /// What is to be forgotten in the store.
    pub forget: Vec<i64>,
    last: i64,
}

impl Tracks {
    pub fn new(tails: Vec<Tail>, now: Instant) -> Self {
        let last = tails.iter().map(|t| t.id).max().unwrap_or(0);
        let all = tails.into_iter().map(|tail| {
            let kind = kind(Path::new(&tail.path)).unwrap_or(Kind::Growing);
            (tail.id, Track::new(tail, kind, now))
        });
        Self { all: all.collect(), forget: vec![], last }
    }

    /// Brings what we know together with what is there. `same` says whether a file begins with what was taken of one that
    /// we know; `refused` how much is in the file of a path's refused rows.
    pub fn meet(
        &mut self,
        entries: Vec<Entry>,
        (now, clock): (Instant, Millis),
        same: impl Fn(&Entry, &Tail) -> bool,
        refused: impl Fn(&str) -> u64,
    ) {
        let mut by_inode: HashMap<u64, Vec<usize>> = HashMap::new();
        for (i, e) in entries.iter().enumerate() {
            by_inode.entry(e.inode).or_default().push(i);
        }
        let mut free: BTreeMap<usize, Entry> = entries.into_iter().enumerate().collect();
        let mut unmet: BTreeSet<i64> = self.all.keys().copied().collect();
        let mut met = Vec::new();
        let mut left_names = BTreeSet::new();
        let passes: [&Fits; 3] = [
            &|e, t| e.device == t.device && name(e) == t.path,
            &|e, t| e.device == t.device && e.inode != 0 && same(e, t),
            // A folder that was mounted again has another device.
            &|e, t| name(e) == t.path && same(e, t),
        ];
        for fits in passes {
            for id in unmet.clone() {
                let tail = &self.all[&id].tail;
                let candidates = by_inode.get(&tail.inode).into_iter().flatten();
                let found = candidates.copied().find(|i| free.get(i).is_some_and(|e| fits(e, tail)));
                if let Some(entry) = found.and_then(|i| free.remove(&i)) {
                    unmet.remove(&id);
                    met.push((id, entry));
                }
            }
        }
        let mut held = BTreeSet::new();
        for (id, entry) in met {
            held.insert(numbers(&entry));
            if let Some(track) = self.all.get_mut(&id) {
                if name(&entry) != track.tail.path {
                    left_names.insert(std::mem::replace(&mut track.tail.path, name(&entry)));
                    track.tail.rejects = refused(&track.tail.path);
                    track.unsaved = true;
                }
                track.see(entry, now);
            }
        }
        for entry in free.into_values() {
            let Some(kind) = entry.kind else { continue };
            // A second name of a file that has its place already.
            if entry.inode != 0 && !held.insert(numbers(&entry)) {
                continue;
            }
            let path = name(&entry);
            // Where the file before it was rotated away, the source goes on; else it begins.
            let rotated = left_names.contains(&path);
            self.begin(entry, kind, path, !rotated, now, &refused);
        }
        self.lose(&unmet, now, clock);
    }

    fn begin(
        &mut self,
        entry: Entry,
        kind: Kind,
        path: String,
        anew: bool,
        now: Instant,
        refused: impl Fn(&str) -> u64,
    ) {
        self.last += 1;
        let rejects = if anew { 0 } else { refused(&path) };
        let tail = Tail { id: self.last, path, device: entry.device, inode: entry.inode, rejects, ..Tail::default() };
        let track = Track { entry: Some(entry), anew, ..Track::new(tail, kind, now) };
        self.all.insert(self.last, track);
    }

    /// Files that were not seen: gone when they stay away, forgotten after a day, or at once when another has their name.
    fn lose(&mut self, unmet: &BTreeSet<i64>, now: Instant, clock: Millis) {
        let names: BTreeSet<String> =
            self.all.iter().filter(|(id, _)| !unmet.contains(id)).map(|(_, t)| t.tail.path.clone()).collect();
        for id in unmet {
            let Some(track) = self.all.get_mut(id) else { continue };
            track.entry = None;
            let absent = *track.absent.get_or_insert(now);
            if now.duration_since(absent) < MISSED {
                continue;
            }
            if track.tail.gone.is_none() {
                track.tail.gone = Some(clock);
                track.unsaved = true;
            }
            let over = track.tail.gone.is_some_and(|gone| clock.0 - gone.0 > KEPT);
            if over || names.contains(&track.tail.path) {
                self.all.remove(id);
                self.forget.push(*id);
            }
        }
    }
}

impl Track {
    fn see(&mut self, entry: Entry, now: Instant) {
        self.absent = None;
        if self.tail.gone.take().is_some() || (self.tail.device, self.tail.inode) != numbers(&entry) {
            (self.tail.device, self.tail.inode) = numbers(&entry);
            self.unsaved = true;
        }
        if self.entry.as_ref().is_none_or(|e| (e.size, e.changed) != (entry.size, entry.changed)) {
            (self.since, self.judged, self.retry) = (now, false, None);
        }
        self.entry = Some(entry);
    }
}

fn numbers(entry: &Entry) -> (u64, u64) {
    (entry.device, entry.inode)
}

fn name(entry: &Entry) -> String {
    entry.path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, device: u64, inode: u64) -> Entry {
        let path = std::path::PathBuf::from(path);
        Entry { kind: kind(&path), path, device, inode, size: 10, changed: Millis(1) }
    }

    /// A look in which files have the content that their inode says, but for those named.
    fn look(tracks: &mut Tracks, entries: Vec<Entry>, now: Instant, other: &[u64]) -> Vec<(i64, String, bool)> {
        let same = |e: &Entry, t: &Tail| e.inode == t.inode && !other.contains(&e.inode);
        tracks.meet(entries, (now, Millis(0)), same, |_| 7);
        let seen = tracks.all.iter().filter(|(_, t)| t.entry.is_some());
        seen.map(|(id, t)| (*id, t.tail.path.clone(), t.anew)).collect()
    }

    #[test]
    fn a_file_stays_the_same_under_another_name_and_on_another_device() {
        let (mut tracks, now) = (Tracks::default(), Instant::now());
        let a = |id, path: &str, anew| (id, path.to_owned(), anew);
        assert_eq!(look(&mut tracks, vec![entry("a.jsonl", 1, 5)], now, &[]), [a(1, "a.jsonl", true)]);
        // Rotated: the file is followed to a name that is none of ours, and the source goes on with the new one.
        let rotated = vec![entry("a.jsonl", 1, 6), entry("a.jsonl.1", 1, 5)];
        assert_eq!(look(&mut tracks, rotated, now, &[]), [a(1, "a.jsonl.1", true), a(2, "a.jsonl", false)]);
        assert_eq!(tracks.all[&2].tail.rejects, 7, "its refusals go on too");
        // The folder is mounted again.
        let mounted = vec![entry("a.jsonl", 9, 6), entry("a.jsonl.1", 9, 5)];
        assert_eq!(look(&mut tracks, mounted, now, &[]).len(), 2);
        assert!(tracks.all.values().all(|t| t.unsaved && t.tail.device == 9), "{tracks:?}");
    }

    #[test]
    fn a_number_that_is_used_again_is_another_file() {
        let (mut tracks, now) = (Tracks::default(), Instant::now());
        look(&mut tracks, vec![entry("a.jsonl", 1, 5)], now, &[]);
        let seen = look(&mut tracks, vec![entry("b.jsonl", 1, 5)], now, &[5]);
        assert_eq!(seen, [(2, "b.jsonl".to_owned(), true)]);
    }

    #[test]
    fn a_second_name_of_a_file_is_not_a_second_file() {
        let (mut tracks, now) = (Tracks::default(), Instant::now());
        let both = || vec![entry("a.jsonl", 1, 5), entry("b.jsonl", 1, 5)];
        assert_eq!(look(&mut tracks, both(), now, &[]).len(), 1);
        assert_eq!(look(&mut tracks, both(), now, &[]).len(), 1);
    }

    #[test]
    fn what_is_gone_is_kept_for_a_day_and_what_was_replaced_for_a_moment() {
        let (mut tracks, now) = (Tracks::default(), Instant::now());
        look(&mut tracks, vec![entry("a.jsonl", 1, 5), entry("b.jsonl", 1, 6)], now, &[]);
        // Missed by one look, as a rename in the middle of it may do.
        look(&mut tracks, vec![entry("b.jsonl", 1, 7)], now, &[]);
        assert_eq!(tracks.all.len(), 3);
        let later = now + MISSED;
        look(&mut tracks, vec![entry("b.jsonl", 1, 7)], later, &[]);
        assert_eq!((tracks.forget.clone(), tracks.all.len()), (vec![2], 2), "another file has the name of the second");
        assert_eq!(tracks.all[&1].tail.gone, Some(Millis(0)));
        tracks.meet(vec![], (later, Millis(KEPT)), |_, _| true, |_| 0);
        assert!(tracks.all.contains_key(&1));
        tracks.meet(vec![], (later, Millis(KEPT + 1)), |_, _| true, |_| 0);
        assert!(!tracks.all.contains_key(&1) && tracks.forget.contains(&1));
    }
}
