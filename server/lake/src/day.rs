//! Writes the files of one commit, day by day: new rows, corrections in place of what they correct, merges. Works on files
//! alone; publishes nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use datafusion::arrow::{
    array::{Array, AsArray, BooleanArray, RecordBatch, UInt32Array},
    compute::{concat_batches, filter_record_batch, take_record_batch},
    datatypes::TimestampMillisecondType,
};
use domain::{
    Error, Result,
    error::Sentence,
    ports::{Appended, Batch, LakeFile, NewFile},
    time::{Day, Millis},
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    file,
    identity::row_keys,
    index::FileIndex,
    known::{KnownDay, KnownDays},
    schema::{Numbered, SCHEMA, column, to_batch},
    snapshot::Snapshot,
    tiers,
};

/// Why a day could not be written.
#[derive(Debug)]
pub enum Trouble {
    /// A file of the lake cannot be read: which, and why.
    Unreadable(String, Sentence),
    Other(Error),
}

impl From<Error> for Trouble {
    fn from(e: Error) -> Self {
        Self::Other(e)
    }
}

pub type Written<T> = std::result::Result<T, Trouble>;

/// One day's part of a commit: files written but not yet published.
#[derive(Debug, Default)]
pub struct DayChange {
    pub publish: Vec<NewFile>,
    pub retire: Vec<(i64, String)>,
    /// Rows put aside because a correction takes their place.
    pub aside: Vec<PathBuf>,
    /// What became of this day's rows, by batch of the commit.
    pub appended: Vec<Appended>,
}

impl DayChange {
    pub fn retired(&self) -> Vec<&String> {
        self.retire.iter().map(|r| &r.1).collect()
    }
    pub fn published(&self) -> impl Iterator<Item = &String> {
        self.publish.iter().map(|n| &n.file.path)
    }
}

/// Writes files for one commit.
pub struct Writer<'a> {
    pub root: PathBuf,
    pub superseded: PathBuf,
    pub received: Millis,
    pub snapshot: &'a Snapshot,
}

impl Writer<'_> {
    pub fn files(&self, day: Day) -> impl Iterator<Item = &LakeFile> {
        self.snapshot.files.iter().filter(move |v| v.file.day == day && v.failed.is_none()).map(|v| &v.file)
    }

    pub fn write_days(&self, batches: &[Batch], first_seq: i64, days: &mut KnownDays) -> Written<Vec<DayChange>> {
        let mut by_day: BTreeMap<Day, Vec<Numbered<'_>>> = BTreeMap::new();
        let arrivals = batches.iter().enumerate().flat_map(|(i, b)| b.records.iter().map(move |a| (i, b, a)));
        for ((batch, b, arrival), seq) in arrivals.zip(first_seq..) {
            let numbered = Numbered { arrival, seq, batch, source: &b.source.name };
            by_day.entry(arrival.record.timestamp().day()).or_default().push(numbered);
        }
        days.forget_except(|day| by_day.contains_key(day));
        let mut changes: Vec<DayChange> = Vec::new();
        for (day, rows) in by_day {
            match self.write_day(day, &rows, batches.len(), days) {
                Ok(change) => changes.push(change),
                Err(e) => {
                    // The commit will not be: take back what was written for it so far.
                    for c in changes {
                        c.published().for_each(|p| drop(std::fs::remove_file(self.root.join(p))));
                        c.aside.iter().for_each(|p| drop(std::fs::remove_file(p)));
                    }
                    return Err(e);
                }
            }
        }
        Ok(changes)
    }

    /// Sorts arrivals of one day into new rows, duplicates and corrections, and writes what is new.
    fn write_day(&self, day: Day, rows: &[Numbered<'_>], batches: usize, days: &mut KnownDays) -> Written<DayChange> {
        let batch = to_batch(rows, self.received).map_err(arrow)?;
        let known = days.day(day);
        self.bring_up(day, known)?;
        let mut change = DayChange { appended: vec![Appended::default(); batches], ..DayChange::default() };
        // The row of this commit that counts, by identity; earlier ones of the same identity are superseded.
        let mut fresh: HashMap<u128, u32> = HashMap::new();
        let mut outdated_here: Vec<u32> = Vec::new();
        let mut outdated_before: BTreeSet<u128> = BTreeSet::new();
        for ((row, key), from) in (0u32..).zip(&row_keys(&batch)).zip(rows) {
            let appended = &mut change.appended[from.batch];
            match known.rows.insert(key.identity, key.content) {
                Some(content) if content == key.content => appended.duplicate += 1,
                None => {
                    appended.taken += 1;
                    fresh.insert(key.identity, row);
                }
                Some(_) => {
                    appended.corrected += 1;
                    match fresh.insert(key.identity, row) {
                        Some(earlier) => outdated_here.push(earlier),
                        None => drop(outdated_before.insert(key.identity)),
                    }
                }
            }
        }
        if fresh.is_empty() {
            return Ok(change);
        }
        let mut kept: Vec<u32> = fresh.into_values().collect();
        kept.sort_unstable();
        let take = |rows: Vec<u32>| take_record_batch(&batch, &UInt32Array::from(rows)).map_err(arrow);
        if !outdated_here.is_empty() {
            self.set_aside(day, &take(outdated_here)?, &mut change)?;
        }
        let new = take(kept)?;
        if outdated_before.is_empty() {
            self.add(day, new, &mut change)?;
        } else {
            self.replace(day, &outdated_before, new, &mut change)?;
        }
        let retired: Vec<String> = change.retire.iter().map(|r| r.1.clone()).collect();
        known.follow(&retired.iter().collect::<Vec<_>>(), change.published());
        Ok(change)
    }

    /// The identities of a day: remembered, or read from files that somebody else wrote meanwhile.
    fn bring_up(&self, day: Day, known: &mut KnownDay) -> Written<()> {
        let files = self.files(day).map(|f| f.path.clone()).collect();
        known.bring_up(files, |path| Ok(row_keys(&self.read(path)?)))
    }

    /// Adds rows to a day, merged with as many of its files as is cheap (see [`tiers`]).
    fn add(&self, day: Day, new: RecordBatch, change: &mut DayChange) -> Written<()> {
        let files: Vec<&LakeFile> = self.files(day).collect();
        let rows: Vec<u64> = files.iter().map(|f| f.rows).collect();
        let merged = tiers::to_merge(&rows, new.num_rows() as u64).into_iter().map(|i| files[i]);
        self.merge(day, Some(new), merged, change)
    }

    /// Rewrites the day's files that hold corrected rows, together with the new rows, without the corrected ones.
    fn replace(&self, day: Day, outdated: &BTreeSet<u128>, new: RecordBatch, change: &mut DayChange) -> Written<()> {
        let mut parts = vec![new];
        for f in self.files(day) {
            let batch = self.read(&f.path)?;
            let old: BooleanArray = row_keys(&batch).iter().map(|k| Some(outdated.contains(&k.identity))).collect();
            if old.true_count() == 0 {
                continue;
            }
            self.set_aside(day, &filter_record_batch(&batch, &old).map_err(arrow)?, change)?;
            let keep = datafusion::arrow::compute::not(&old).map_err(arrow)?;
            parts.push(filter_record_batch(&batch, &keep).map_err(arrow)?);
            change.retire.push((f.id, f.path.clone()));
        }
        let merged = concat_batches(&SCHEMA, &parts).map_err(arrow)?;
        change.publish.push(self.write_file(day, &merged)?);
        Ok(())
    }

    /// Makes one file of the given files of a day and of `new`.
    pub fn merge<'f>(
        &self,
        day: Day,
        new: Option<RecordBatch>,
        files: impl Iterator<Item = &'f LakeFile>,
        change: &mut DayChange,
    ) -> Written<()> {
        let mut parts: Vec<RecordBatch> = new.into_iter().collect();
        for f in files {
            parts.push(self.read(&f.path)?);
            change.retire.push((f.id, f.path.clone()));
        }
        let merged = concat_batches(&SCHEMA, &parts).map_err(arrow)?;
        change.publish.push(self.write_file(day, &merged)?);
        Ok(())
    }

    pub fn without_simulated(&self) -> Written<DayChange> {
        let mut change = DayChange::default();
        for f in self.snapshot.files.iter().map(|v| &v.file).filter(|f| f.simulated > 0) {
            if f.simulated < f.rows {
                let batch = self.read(&f.path)?;
                let simulated = batch.column(column("simulated")).as_boolean();
                let real: BooleanArray =
                    (0..batch.num_rows()).map(|r| Some(simulated.is_null(r) || !simulated.value(r))).collect();
                let kept = filter_record_batch(&batch, &real).map_err(arrow)?;
                change.publish.push(self.write_file(f.day, &kept)?);
            }
            change.retire.push((f.id, f.path.clone()));
        }
        Ok(change)
    }

    pub fn read(&self, path: &str) -> Written<RecordBatch> {
        file::read(&self.root.join(path)).map_err(|reason| Trouble::Unreadable(path.to_owned(), reason))
    }

    /// Keeps rows that a correction replaced, outside of the lake's own folders.
    pub fn set_aside(&self, day: Day, rows: &RecordBatch, change: &mut DayChange) -> Result<()> {
        let path = self.superseded.join(format!("{day}-{}.parquet", unique(&self.superseded)));
        file::write(&path, rows)?;
        change.aside.push(path);
        Ok(())
    }

    pub fn write_file(&self, day: Day, batch: &RecordBatch) -> Result<NewFile> {
        let batch = file::sorted(batch).map_err(arrow)?;
        let path = format!("day={day}/{}.parquet", unique(&self.root));
        let bytes = file::write(&self.root.join(&path), &batch)?;
        let times = batch.column(column("timestamp")).as_primitive::<TimestampMillisecondType>();
        let received = batch.column(column("received_at")).as_primitive::<TimestampMillisecondType>();
        let simulated = batch.column(column("simulated")).as_boolean();
        let file = LakeFile {
            id: 0,
            path,
            day,
            rows: batch.num_rows() as u64,
            bytes,
            from: Millis(times.values().iter().copied().min().unwrap_or(0)),
            to: Millis(times.values().iter().copied().max().unwrap_or(0)),
            simulated: (0..simulated.len()).filter(|r| simulated.is_valid(*r) && simulated.value(*r)).count() as u64,
            received: Millis(received.values().iter().copied().max().unwrap_or(self.received.0)),
        };
        Ok(NewFile { file, index: FileIndex::of(&batch, &self.snapshot.names).encode() })
    }
}

pub fn arrow(e: datafusion::arrow::error::ArrowError) -> Error {
    Error::internal("a batch could not be put together").with_detail(e)
}

/// A file name that nobody else uses: time, process and a counter, so that names also sort by age.
fn unique(salt: &Path) -> String {
    static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    let count = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let hash = xxh3_64(format!("{}{nanos}{}{count}", salt.display(), std::process::id()).as_bytes());
    format!("{:013}-{hash:016x}", nanos / 1_000_000)
}
