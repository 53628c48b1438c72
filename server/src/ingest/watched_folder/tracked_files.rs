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

use super::listing::{Entry, FileMode, kind};
use crate::ports::FilePosition;

/// A scan of a folder is not atomic: a file that is being renamed may be missed. Only after this it counts as gone.
const GONE_AFTER: Duration = Duration::from_secs(5);
/// So long the position in a file that is gone is kept, in milliseconds.
const KEEP_POSITION_MS: i64 = DAY;

/// Whether an entry is the file of a position.
type Fits<'a> = dyn Fn(&Entry, &FilePosition) -> bool + 'a;

/// A file that we know.
#[derive(Debug, Clone)]
pub struct TrackedFile {
    /// As it is, or will be with the next commit, in the store.
    pub file_position: FilePosition,
    pub kind: FileMode,
    /// How the file is now; `None` when it was not seen.
    pub entry: Option<Entry>,
    /// When the file was last seen to change.
    pub since: Instant,
    /// The next delivery is of a read from the beginning.
    pub anew: bool,
    /// The position has changed since it was stored.
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

impl TrackedFile {
    fn new(file_position: FilePosition, kind: FileMode, now: Instant) -> Self {
        Self {
            file_position,
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
        source(&self.file_position.path)
    }

    /// Whether the file has changed since it was read last.
    pub fn has_changed(&self) -> bool {
        self.entry
            .as_ref()
            .is_some_and(|e| (e.size, e.changed) != (self.file_position.size, self.file_position.changed))
    }

    /// Bytes of a last line without a newline that were not taken.
    pub fn remainder(&self) -> u64 {
        self.file_position.size.saturating_sub(self.file_position.offset + self.file_position.loose)
    }

    /// Whether to leave it alone because of an earlier failure.
    pub fn is_backing_off(&self, now: Instant) -> bool {
        self.retry.is_some_and(|at| at > now)
    }

    /// Leaves the file alone for a while: half a minute at most when it grows, some minutes when it is taken as a whole.
    pub fn failed(&mut self, now: Instant) {
        self.failures += 1;
        let most = if self.kind == FileMode::Growing { 6 } else { 10 };
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
pub struct TrackedFiles {
    pub all: BTreeMap<i64, TrackedFile>,
    /// What is to be forgotten in the store.
    pub forget: Vec<i64>,
    last: i64,
}

impl TrackedFiles {
    pub fn new(file_positions: Vec<FilePosition>, now: Instant) -> Self {
        let last = file_positions.iter().map(|t| t.id).max().unwrap_or(0);
        let all = file_positions.into_iter().map(|file_position| {
            let kind = kind(Path::new(&file_position.path)).unwrap_or(FileMode::Growing);
            (file_position.id, TrackedFile::new(file_position, kind, now))
        });
        Self { all: all.collect(), forget: vec![], last }
    }

    /// Brings what we know together with what is there. `same` says whether a file begins with what was taken of one that
    /// we know; `refused` how much is in the file of a path's refused rows.
    pub fn reconcile(
        &mut self,
        entries: Vec<Entry>,
        (now, clock): (Instant, Millis),
        same: impl Fn(&Entry, &FilePosition) -> bool,
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
                let file_position = &self.all[&id].file_position;
                let candidates = by_inode.get(&file_position.inode).into_iter().flatten();
                let found = candidates.copied().find(|i| free.get(i).is_some_and(|e| fits(e, file_position)));
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
                if name(&entry) != track.file_position.path {
                    left_names.insert(std::mem::replace(&mut track.file_position.path, name(&entry)));
                    track.file_position.rejects = refused(&track.file_position.path);
                    track.unsaved = true;
                }
                track.update(entry, now);
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
        self.mark_missing(&unmet, now, clock);
    }

    fn begin(
        &mut self,
        entry: Entry,
        kind: FileMode,
        path: String,
        anew: bool,
        now: Instant,
        refused: impl Fn(&str) -> u64,
    ) {
        self.last += 1;
        let rejects = if anew { 0 } else { refused(&path) };
        let file_position = FilePosition {
            id: self.last,
            path,
            device: entry.device,
            inode: entry.inode,
            rejects,
            ..FilePosition::default()
        };
        let track = TrackedFile { entry: Some(entry), anew, ..TrackedFile::new(file_position, kind, now) };
        self.all.insert(self.last, track);
    }

    /// Files that were not seen: gone when they stay away, forgotten after a day, or at once when another has their name.
    fn mark_missing(&mut self, unmet: &BTreeSet<i64>, now: Instant, clock: Millis) {
        let names: BTreeSet<String> =
            self.all.iter().filter(|(id, _)| !unmet.contains(id)).map(|(_, t)| t.file_position.path.clone()).collect();
        for id in unmet {
            let Some(track) = self.all.get_mut(id) else { continue };
            track.entry = None;
            let absent = *track.absent.get_or_insert(now);
            if now.duration_since(absent) < GONE_AFTER {
                continue;
            }
            if track.file_position.gone.is_none() {
                track.file_position.gone = Some(clock);
                track.unsaved = true;
            }
            let over = track.file_position.gone.is_some_and(|gone| clock.0 - gone.0 > KEEP_POSITION_MS);
            if over || names.contains(&track.file_position.path) {
                self.all.remove(id);
                self.forget.push(*id);
            }
        }
    }
}

impl TrackedFile {
    fn update(&mut self, entry: Entry, now: Instant) {
        self.absent = None;
        if self.file_position.gone.take().is_some()
            || (self.file_position.device, self.file_position.inode) != numbers(&entry)
        {
            (self.file_position.device, self.file_position.inode) = numbers(&entry);
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
    fn look(tracks: &mut TrackedFiles, entries: Vec<Entry>, now: Instant, other: &[u64]) -> Vec<(i64, String, bool)> {
        let same = |e: &Entry, t: &FilePosition| e.inode == t.inode && !other.contains(&e.inode);
        tracks.reconcile(entries, (now, Millis(0)), same, |_| 7);
        let seen = tracks.all.iter().filter(|(_, t)| t.entry.is_some());
        seen.map(|(id, t)| (*id, t.file_position.path.clone(), t.anew)).collect()
    }

    #[test]
    fn a_file_stays_the_same_under_another_name_and_on_another_device() {
        let (mut tracks, now) = (TrackedFiles::default(), Instant::now());
        let a = |id, path: &str, anew| (id, path.to_owned(), anew);
        assert_eq!(look(&mut tracks, vec![entry("a.jsonl", 1, 5)], now, &[]), [a(1, "a.jsonl", true)]);
        // Rotated: the file is followed to a name that is none of ours, and the source goes on with the new one.
        let rotated = vec![entry("a.jsonl", 1, 6), entry("a.jsonl.1", 1, 5)];
        assert_eq!(look(&mut tracks, rotated, now, &[]), [a(1, "a.jsonl.1", true), a(2, "a.jsonl", false)]);
        assert_eq!(tracks.all[&2].file_position.rejects, 7, "its refusals go on too");
        // The folder is mounted again.
        let mounted = vec![entry("a.jsonl", 9, 6), entry("a.jsonl.1", 9, 5)];
        assert_eq!(look(&mut tracks, mounted, now, &[]).len(), 2);
        assert!(tracks.all.values().all(|t| t.unsaved && t.file_position.device == 9), "{tracks:?}");
    }

    #[test]
    fn a_number_that_is_used_again_is_another_file() {
        let (mut tracks, now) = (TrackedFiles::default(), Instant::now());
        look(&mut tracks, vec![entry("a.jsonl", 1, 5)], now, &[]);
        let seen = look(&mut tracks, vec![entry("b.jsonl", 1, 5)], now, &[5]);
        assert_eq!(seen, [(2, "b.jsonl".to_owned(), true)]);
    }

    #[test]
    fn a_second_name_of_a_file_is_not_a_second_file() {
        let (mut tracks, now) = (TrackedFiles::default(), Instant::now());
        let both = || vec![entry("a.jsonl", 1, 5), entry("b.jsonl", 1, 5)];
        assert_eq!(look(&mut tracks, both(), now, &[]).len(), 1);
        assert_eq!(look(&mut tracks, both(), now, &[]).len(), 1);
    }

    #[test]
    fn what_is_gone_is_kept_for_a_day_and_what_was_replaced_for_a_moment() {
        let (mut tracks, now) = (TrackedFiles::default(), Instant::now());
        look(&mut tracks, vec![entry("a.jsonl", 1, 5), entry("b.jsonl", 1, 6)], now, &[]);
        // Missed by one look, as a rename in the middle of it may do.
        look(&mut tracks, vec![entry("b.jsonl", 1, 7)], now, &[]);
        assert_eq!(tracks.all.len(), 3);
        let later = now + GONE_AFTER;
        look(&mut tracks, vec![entry("b.jsonl", 1, 7)], later, &[]);
        assert_eq!((tracks.forget.clone(), tracks.all.len()), (vec![2], 2), "another file has the name of the second");
        assert_eq!(tracks.all[&1].file_position.gone, Some(Millis(0)));
        tracks.reconcile(vec![], (later, Millis(KEEP_POSITION_MS)), |_, _| true, |_| 0);
        assert!(tracks.all.contains_key(&1));
        tracks.reconcile(vec![], (later, Millis(KEEP_POSITION_MS + 1)), |_, _| true, |_| 0);
        assert!(!tracks.all.contains_key(&1) && tracks.forget.contains(&1));
    }
}
