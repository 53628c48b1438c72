//! How records get into the lake: duplicates dropped, corrections put in place of what they correct, files made durable,
//! and one commit that publishes the lot. Whatever happens in between, the lake holds whole batches or none.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use datafusion::arrow::{
    array::{Array, AsArray, BooleanArray, RecordBatch, UInt32Array},
    compute::{concat_batches, filter_record_batch, take_record_batch},
    datatypes::TimestampMillisecondType,
};
use domain::{
    Error, Result,
    ports::{Appended, Arrival, Change, Delivery, LakeFile, NewFile, RecordSink, RefusedCounts, SourceId},
    time::{Day, Millis},
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    Lake, file,
    identity::row_keys,
    index::FileIndex,
    schema::{SCHEMA, column, to_batch},
    snapshot::Snapshot,
};

/// A day with more files than this is merged when it is written to.
const MOST_FILES_A_DAY: usize = 8;
/// So many identities are remembered between batches; beyond, whole days are forgotten and read again when needed.
const REMEMBERED: usize = 2_000_000;

/// What is in which day, for as long as nobody else writes: identity to content, valid for exactly these files.
#[derive(Debug, Default)]
pub struct KnownDays {
    days: HashMap<Day, KnownDay>,
}

#[derive(Debug, Default)]
struct KnownDay {
    files: BTreeSet<String>,
    rows: HashMap<u128, u64>,
}

/// Why a day could not be written.
#[derive(Debug)]
enum Trouble {
    /// A file of the lake cannot be read: which, and why.
    Unreadable(String, String),
    Other(Error),
}

impl From<Error> for Trouble {
    fn from(e: Error) -> Self {
        Self::Other(e)
    }
}

type Written<T> = std::result::Result<T, Trouble>;

/// One day's part of a commit: files written but not yet published.
#[derive(Debug, Default)]
struct DayChange {
    publish: Vec<NewFile>,
    retire: Vec<(i64, String)>,
    /// Rows put aside because a correction takes their place.
    aside: Vec<PathBuf>,
    appended: Appended,
}

#[async_trait]
impl RecordSink for Lake {
    async fn append(&self, source: &SourceId, records: Vec<Arrival>, refused: &RefusedCounts) -> Result<Appended> {
        let mut known = self.writer.lock().await;
        let _lock = self.hold().await?;
        self.refresh().await?;
        let first_seq = self.manifest.last_seq().await? + 1;
        let received = self.clock.now();
        let newest = records.iter().map(|a| a.record.timestamp()).max();
        let last_seq = first_seq + records.len() as i64 - 1;
        let records = Arc::new(records);
        let mut days = std::mem::take(&mut *known);
        let changes = loop {
            let snapshot = self.snapshot();
            let (root, superseded, name) = (self.root.clone(), self.superseded.clone(), source.name.clone());
            let batch = Arc::clone(&records);
            let (kept, written) = tokio::task::spawn_blocking(move || {
                let writer = Writer { root, superseded, source: name, received, snapshot: &snapshot };
                let written = writer.write_days(&batch, first_seq, &mut days);
                (days, written)
            })
            .await
            .map_err(|e| Error::internal("writing a batch broke off").with_detail(e))?;
            match written {
                Ok(changes) => {
                    days = kept;
                    break changes;
                }
                Err(Trouble::Other(e)) => return Err(e),
                // A damaged file must not keep new records out. Each round leaves one such file out, so this ends.
                Err(Trouble::Unreadable(path, reason)) => {
                    self.leave_out(path, reason).await?;
                    days = KnownDays::default();
                }
            }
        };
        let appended = changes.iter().fold(Appended::default(), |sum, c| Appended {
            taken: sum.taken + c.appended.taken,
            duplicate: sum.duplicate + c.appended.duplicate,
            corrected: sum.corrected + c.appended.corrected,
        });
        let delivery = Delivery { source: source.clone(), at: received, appended, refused: refused.clone(), newest };
        self.publish(changes, Some(last_seq), Some(delivery), false).await?;
        // Only now: what was read into memory is true only once it is published.
        *known = days;
        Ok(appended)
    }

    async fn tidy(&self) -> Result<()> {
        let _known = self.writer.lock().await;
        let _lock = self.hold().await?;
        self.refresh().await?;
        let snapshot = self.snapshot();
        let days: BTreeSet<Day> = snapshot.files.iter().map(|v| v.file.day).collect();
        for day in days {
            let snapshot = self.snapshot();
            let (root, superseded, now) = (self.root.clone(), self.superseded.clone(), self.clock.now());
            let merged = tokio::task::spawn_blocking(move || {
                let writer = Writer { root, superseded, source: String::new(), received: now, snapshot: &snapshot };
                let mut change = DayChange::default();
                if writer.files(day).count() > 1 {
                    writer.merge(day, None, &mut change)?;
                }
                Ok::<_, Trouble>(change)
            })
            .await
            .map_err(|e| Error::internal("merging files broke off").with_detail(e))?;
            match merged {
                Ok(change) if change.publish.is_empty() => {}
                Ok(change) => self.publish(vec![change], None, None, false).await?,
                Err(Trouble::Unreadable(path, reason)) => self.leave_out(path, reason).await?,
                Err(Trouble::Other(e)) => return Err(e),
            }
        }
        Ok(())
    }

    async fn remove_simulated(&self) -> Result<u64> {
        let mut known = self.writer.lock().await;
        let _lock = self.hold().await?;
        self.refresh().await?;
        let snapshot = self.snapshot();
        let (root, superseded, now) = (self.root.clone(), self.superseded.clone(), self.clock.now());
        let change = tokio::task::spawn_blocking(move || {
            Writer { root, superseded, source: String::new(), received: now, snapshot: &snapshot }.without_simulated()
        })
        .await
        .map_err(|e| Error::internal("removing the demo broke off").with_detail(e))?
        .map_err(|t| match t {
            Trouble::Other(e) => e,
            Trouble::Unreadable(path, reason) => {
                Error::unavailable(format!("the lake file {path} cannot be read: {reason}"))
            }
        })?;
        let removed = self.snapshot().files.iter().map(|v| v.file.simulated).sum();
        *known = KnownDays::default();
        self.publish(vec![change], None, None, true).await?;
        Ok(removed)
    }
}

impl Lake {
    /// Notes that a file cannot be read, so that nobody asks it any more.
    async fn leave_out(&self, path: String, reason: String) -> Result<()> {
        tracing::error!(file = %path, %reason, "a lake file cannot be read and is left out");
        self.failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(path, reason);
        self.renew().await
    }

    /// Commits, follows the manifest, and deletes what was retired. A reader that still wanted a retired file begins anew.
    async fn publish(
        &self,
        changes: Vec<DayChange>,
        last_seq: Option<i64>,
        source: Option<Delivery>,
        forget_demo: bool,
    ) -> Result<()> {
        let mut change = Change { last_seq, source, forget_demo, ..Change::default() };
        let mut written = Vec::new();
        let mut retired = Vec::new();
        for c in changes {
            written.extend(c.aside);
            written.extend(c.publish.iter().map(|n| self.root.join(&n.file.path)));
            change.publish.extend(c.publish);
            change.retire.extend(c.retire.iter().map(|r| r.0));
            retired.extend(c.retire.into_iter().map(|r| self.root.join(r.1)));
        }
        if let Err(e) = self.manifest.commit(change).await {
            // Not published: nobody will ever ask for them.
            written.iter().for_each(|p| drop(std::fs::remove_file(p)));
            return Err(e);
        }
        self.renew().await?;
        retired.iter().for_each(|p| drop(std::fs::remove_file(p)));
        Ok(())
    }

    /// Removes files that the manifest does not name: the remains of a crash. Does nothing while another process writes.
    pub(crate) async fn sweep(&self) -> Result<()> {
        let lock = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.lock)
            .map_err(|e| file::cannot_write(&self.lock, &e))?;
        if lock.try_lock().is_err() {
            return Ok(());
        }
        let named: BTreeSet<PathBuf> = self.manifest.files().await?.iter().map(|f| self.root.join(&f.path)).collect();
        let Ok(days) = std::fs::read_dir(&self.root) else { return Ok(()) };
        for day in days.flatten().filter(|d| d.file_name().to_string_lossy().starts_with("day=")) {
            for found in std::fs::read_dir(day.path()).into_iter().flatten().flatten() {
                let ours = matches!(found.path().extension().and_then(|e| e.to_str()), Some("parquet" | "tmp"));
                if ours && !named.contains(&found.path()) {
                    tracing::info!(file = %found.path().display(), "removing what a crash left behind");
                    let _ = std::fs::remove_file(found.path());
                }
            }
        }
        Ok(())
    }
}

/// Writes files for one commit. Works on files alone; publishes nothing.
struct Writer<'a> {
    root: PathBuf,
    superseded: PathBuf,
    source: String,
    received: Millis,
    snapshot: &'a Snapshot,
}

impl Writer<'_> {
    fn files(&self, day: Day) -> impl Iterator<Item = &LakeFile> {
        self.snapshot.files.iter().filter(move |v| v.file.day == day && v.failed.is_none()).map(|v| &v.file)
    }

    fn write_days(&self, records: &[Arrival], first_seq: i64, days: &mut KnownDays) -> Written<Vec<DayChange>> {
        let mut by_day: BTreeMap<Day, Vec<(&Arrival, i64)>> = BTreeMap::new();
        for (a, seq) in records.iter().zip(first_seq..) {
            by_day.entry(a.record.timestamp().day()).or_default().push((a, seq));
        }
        if days.days.values().map(|d| d.rows.len()).sum::<usize>() > REMEMBERED {
            days.days.retain(|day, _| by_day.contains_key(day));
        }
        let mut changes: Vec<DayChange> = Vec::new();
        for (day, rows) in by_day {
            match self.write_day(day, &rows, days) {
                Ok(change) => changes.push(change),
                Err(e) => {
                    // The batch is not published: take back what it has written so far.
                    for c in changes {
                        c.publish.iter().for_each(|n| drop(std::fs::remove_file(self.root.join(&n.file.path))));
                        c.aside.iter().for_each(|p| drop(std::fs::remove_file(p)));
                    }
                    return Err(e);
                }
            }
        }
        Ok(changes)
    }

    /// Sorts arrivals of one day into new rows, duplicates and corrections, and writes what is new.
    fn write_day(&self, day: Day, rows: &[(&Arrival, i64)], days: &mut KnownDays) -> Written<DayChange> {
        let batch = to_batch(rows, &self.source, self.received).map_err(arrow)?;
        let known = self.known(day, days)?;
        let mut change = DayChange::default();
        let keys = row_keys(&batch);
        // The row of this batch that counts, by identity; earlier ones of the same identity are superseded.
        let mut fresh: HashMap<u128, u32> = HashMap::new();
        let mut outdated_here: Vec<u32> = Vec::new();
        let mut outdated_before: BTreeSet<u128> = BTreeSet::new();
        for (row, key) in (0u32..).zip(&keys) {
            match known.rows.insert(key.identity, key.content) {
                Some(content) if content == key.content => change.appended.duplicate += 1,
                None => {
                    change.appended.taken += 1;
                    fresh.insert(key.identity, row);
                }
                Some(_) => {
                    change.appended.corrected += 1;
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
        if !outdated_before.is_empty() {
            self.replace(day, &outdated_before, new, &mut change)?;
        } else if self.files(day).count() >= MOST_FILES_A_DAY {
            self.merge(day, Some(new), &mut change)?;
        } else {
            change.publish.push(self.write_file(day, &new)?);
        }
        let retired: BTreeSet<&String> = change.retire.iter().map(|r| &r.1).collect();
        known.files.retain(|f| !retired.contains(f));
        known.files.extend(change.publish.iter().map(|n| n.file.path.clone()));
        Ok(change)
    }

    /// The identities of a day: remembered, or read from its files when somebody else wrote meanwhile.
    fn known<'d>(&self, day: Day, days: &'d mut KnownDays) -> Written<&'d mut KnownDay> {
        let files: BTreeSet<String> = self.files(day).map(|f| f.path.clone()).collect();
        let known = days.days.entry(day).or_default();
        if known.files != files {
            known.rows.clear();
            for path in &files {
                let batch = self.read(path)?;
                known.rows.extend(row_keys(&batch).into_iter().map(|k| (k.identity, k.content)));
            }
            known.files = files;
        }
        Ok(known)
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

    /// Makes one file of all files of a day and of `new`.
    fn merge(&self, day: Day, new: Option<RecordBatch>, change: &mut DayChange) -> Written<()> {
        let mut parts: Vec<RecordBatch> = new.into_iter().collect();
        for f in self.files(day) {
            parts.push(self.read(&f.path)?);
            change.retire.push((f.id, f.path.clone()));
        }
        let merged = concat_batches(&SCHEMA, &parts).map_err(arrow)?;
        change.publish.push(self.write_file(day, &merged)?);
        Ok(())
    }

    fn without_simulated(&self) -> Written<DayChange> {
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

    fn read(&self, path: &str) -> Written<RecordBatch> {
        file::read(&self.root.join(path)).map_err(|reason| Trouble::Unreadable(path.to_owned(), reason))
    }

    /// Keeps rows that a correction replaced, outside of the lake's own folders.
    fn set_aside(&self, day: Day, rows: &RecordBatch, change: &mut DayChange) -> Result<()> {
        let path = self.superseded.join(format!("{day}-{}.parquet", unique(&self.superseded)));
        file::write(&path, rows)?;
        change.aside.push(path);
        Ok(())
    }

    fn write_file(&self, day: Day, batch: &RecordBatch) -> Result<NewFile> {
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
        Ok(NewFile { file, index: FileIndex::of(&batch).encode() })
    }
}

fn arrow(e: datafusion::arrow::error::ArrowError) -> Error {
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
