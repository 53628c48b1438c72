//! Writes the files of one commit, day by day: new rows, corrections in place of what they correct, merges. Works on files
//! alone; publishes nothing.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry},
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use arrow::{
    array::{Array, AsArray, BooleanArray, RecordBatch, UInt32Array},
    compute::{concat_batches, filter_record_batch, take_record_batch},
    datatypes::TimestampMillisecondType,
};
use domain::{
    Error, Result,
    changes::ChangeSet,
    ports::{AppendCounts, Batch},
    scope::Place,
    time::{Day, Millis},
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    day_identities::{DayIdentities, DayIdentityCache},
    file::{self, ReadFailure},
    identity::{identity_key, row_keys},
    index::FileIndex,
    merge_policy,
    objects::BlockingObjects,
    ports::{LakeFile, NewFile},
    schema::{SCHEMA, SequencedRecord, column_index, metrics_of, to_batch},
    sentences,
    snapshot::Snapshot,
    superseded::PendingRows,
};

/// Why a day could not be written.
#[derive(Debug)]
pub enum WriteError {
    /// A file of the lake cannot be read: which, and why.
    Unreadable(String, ReadFailure),
    Other(Error),
}

impl From<Error> for WriteError {
    fn from(e: Error) -> Self {
        Self::Other(e)
    }
}

pub type WriteResult<T> = std::result::Result<T, WriteError>;

/// One day's part of a commit: files written but not yet published.
#[derive(Debug, Default)]
pub struct DayChange {
    pub publish: Vec<NewFile>,
    pub retire: Vec<(i64, String)>,
    /// Superseded rows, moved to `superseded/` when the commit is certain.
    pub superseded: Vec<PendingRows>,
    /// What withdrawn rows were about, where there are any.
    pub withdrawn: Option<ChangeSet>,
    /// What became of this day's rows, by batch of the commit.
    pub appended: Vec<AppendCounts>,
}

impl DayChange {
    pub fn retired(&self) -> Vec<&String> {
        self.retire.iter().map(|r| &r.1).collect()
    }
    pub fn published(&self) -> impl Iterator<Item = &String> {
        self.publish.iter().map(|n| &n.file.path)
    }
    /// Takes back what was written for a commit that will not be.
    pub fn discard_written(&self, objects: &BlockingObjects) {
        self.published().for_each(|p| objects.discard(&file::object_name(p)));
        self.superseded.iter().for_each(|a| objects.discard(a.object()));
    }
}

/// What a commit withdraws: by day, identities with the batch that does so and the place of the record.
struct Withdrawals(BTreeMap<Day, HashMap<u128, (usize, Place)>>);

impl Withdrawals {
    fn of(batches: &[Batch]) -> Self {
        let mut by_day: BTreeMap<Day, HashMap<u128, (usize, Place)>> = BTreeMap::new();
        for (i, identity) in batches.iter().enumerate().flat_map(|(i, b)| b.withdrawn.iter().map(move |w| (i, w))) {
            let Some(place) = identity.place() else { continue };
            let of_day = by_day.entry(identity.timestamp().day()).or_default();
            if let Entry::Vacant(slot) = of_day.entry(identity_key(identity)) {
                slot.insert((i, place));
            }
        }
        Self(by_day)
    }
}

/// Identities of rows that count no longer.
struct Outdated<'a> {
    corrected: BTreeSet<u128>,
    withdrawn: &'a HashMap<u128, (usize, Place)>,
}

/// Writes files for one commit.
pub struct DayWriter<'a> {
    pub objects: BlockingObjects,
    pub received: Millis,
    pub snapshot: &'a Snapshot,
    /// Files that are being merged beside this commit: it leaves them alone if it can.
    pub claimed: HashSet<i64>,
    /// So many rows may be rewritten to keep files few.
    pub room: Cell<u64>,
}

impl DayWriter<'_> {
    pub fn files(&self, day: Day) -> impl Iterator<Item = &LakeFile> {
        self.snapshot.files.iter().filter(move |v| v.file.day == day && v.failed.is_none()).map(|v| &v.file)
    }

    pub fn write_days(
        &self,
        batches: &[Batch],
        first_seq: i64,
        days: &mut DayIdentityCache,
    ) -> WriteResult<Vec<DayChange>> {
        let mut by_day: BTreeMap<Day, Vec<SequencedRecord<'_>>> = BTreeMap::new();
        let arrivals = batches.iter().enumerate().flat_map(|(i, b)| b.records.iter().map(move |a| (i, b, a)));
        for ((batch, b, arrival), seq) in arrivals.zip(first_seq..) {
            let numbered = SequencedRecord { arrival, seq, batch, source: &b.source.name };
            by_day.entry(arrival.record.timestamp().day()).or_default().push(numbered);
        }
        let mut withdrawn = Withdrawals::of(batches);
        for day in withdrawn.0.keys() {
            by_day.entry(*day).or_default();
        }
        days.forget_except(|day| by_day.contains_key(day));
        let mut changes: Vec<DayChange> = Vec::new();
        for (day, rows) in by_day {
            let mut change =
                DayChange { appended: vec![AppendCounts::default(); batches.len()], ..DayChange::default() };
            let gone = withdrawn.0.remove(&day).unwrap_or_default();
            let written = self.write_day(day, &rows, gone, days.day(day), &mut change);
            changes.push(change);
            if let Err(e) = written {
                changes.iter().for_each(|c| c.discard_written(&self.objects));
                return Err(e);
            }
        }
        Ok(changes)
    }

    /// Sorts arrivals of one day into new rows, duplicates and corrections, and writes what is new. `gone` are rows to be withdrawn, but
    /// for those that arrive, by identity with the batch that withdraws them.
    fn write_day(
        &self,
        day: Day,
        rows: &[SequencedRecord<'_>],
        mut gone: HashMap<u128, (usize, Place)>,
        known: &mut DayIdentities,
        change: &mut DayChange,
    ) -> WriteResult<()> {
        let batch = to_batch(rows, self.received).map_err(arrow_error)?;
        self.refresh_identities(day, known)?;
        // The row of this commit that counts, by identity; earlier ones of the same identity are superseded.
        let mut fresh: HashMap<u128, u32> = HashMap::new();
        let mut outdated_here: Vec<u32> = Vec::new();
        let mut outdated_before: BTreeSet<u128> = BTreeSet::new();
        let keys = row_keys(&batch);
        keys.iter().for_each(|arriving| drop(gone.remove(&arriving.identity)));
        gone.retain(|identity, _| known.content(*identity).is_some());
        for ((row, key), from) in (0u32..).zip(keys).zip(rows) {
            let appended = &mut change.appended[from.batch];
            match known.insert(key) {
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
        if fresh.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let mut kept: Vec<u32> = fresh.into_values().collect();
        kept.sort_unstable();
        let take = |rows: Vec<u32>| take_record_batch(&batch, &UInt32Array::from(rows)).map_err(arrow_error);
        let name = unique_name();
        if !outdated_here.is_empty() {
            self.write_superseded(day, &name, &take(outdated_here)?, change)?;
        }
        let new = take(kept)?;
        if outdated_before.is_empty() && gone.is_empty() {
            self.add(day, &name, new, change)?;
        } else {
            let gone_rows =
                self.replace(day, &name, &Outdated { corrected: outdated_before, withdrawn: &gone }, new, change)?;
            if gone_rows > 0 {
                // Identities are only ever added: what the day holds is read again when it is needed.
                *known = DayIdentities::default();
                gone.values().for_each(|(batch, _)| change.appended[*batch].withdrawn += 1);
                return Ok(());
            }
        }
        known.apply_change(&change.retired(), change.published());
        Ok(())
    }

    /// The identities of a day: remembered, or read from files that somebody else wrote meanwhile.
    pub fn refresh_identities(&self, day: Day, known: &mut DayIdentities) -> WriteResult<()> {
        let files = self.files(day).map(|f| f.path.clone()).collect();
        known.refresh_identities(files, |path| Ok(row_keys(&self.read(path)?)))
    }

    /// Adds rows to a day, merged with as many of its files as is cheap (see [`merge_policy`]).
    fn add(&self, day: Day, name: &str, new: RecordBatch, change: &mut DayChange) -> WriteResult<()> {
        let files: Vec<&LakeFile> = self.files(day).filter(|f| !self.claimed.contains(&f.id)).collect();
        let rows: Vec<u64> = files.iter().map(|f| f.rows).collect();
        let mut parts = vec![new];
        for f in merge_policy::files_to_merge_in_commit(&rows, parts[0].num_rows() as u64, self.room.get())
            .into_iter()
            .map(|i| files[i])
        {
            self.room.set(self.room.get().saturating_sub(f.rows));
            parts.push(self.read(&f.path)?);
            change.retire.push((f.id, f.path.clone()));
        }
        change.publish.push(self.write_file(day, name, &parts)?);
        Ok(())
    }

    /// Rewrites the day's files that hold rows which count no longer, without them: small ones together with the new rows, large
    /// ones each by itself, so that one is in memory at a time. Returns how many rows were withdrawn.
    fn replace(
        &self,
        day: Day,
        name: &str,
        outdated: &Outdated<'_>,
        new: RecordBatch,
        change: &mut DayChange,
    ) -> WriteResult<usize> {
        let mut parts = vec![new];
        let mut withdrawn: Vec<RecordBatch> = vec![];
        for f in self.files(day) {
            let batch = self.read(&f.path)?;
            let keys = row_keys(&batch);
            let [old, gone]: [BooleanArray; 2] = [
                keys.iter().map(|k| Some(outdated.corrected.contains(&k.identity))).collect(),
                keys.iter().map(|k| Some(outdated.withdrawn.contains_key(&k.identity))).collect(),
            ];
            if old.true_count() + gone.true_count() == 0 {
                continue;
            }
            if old.true_count() > 0 {
                self.write_superseded(day, name, &filter_record_batch(&batch, &old).map_err(arrow_error)?, change)?;
            }
            if gone.true_count() > 0 {
                withdrawn.push(filter_record_batch(&batch, &gone).map_err(arrow_error)?);
            }
            let keep =
                arrow::compute::or(&old, &gone).and_then(|out| arrow::compute::not(&out)).map_err(arrow_error)?;
            let left = filter_record_batch(&batch, &keep).map_err(arrow_error)?;
            let gathered: usize = parts.iter().map(RecordBatch::num_rows).sum();
            if gathered + left.num_rows() <= merge_policy::MAX_COMMIT_REWRITE_ROWS as usize {
                parts.push(left);
            } else {
                change.publish.push(self.write_file(day, &unique_name(), &[left])?);
            }
            change.retire.push((f.id, f.path.clone()));
        }
        // Of a day whose last rows were withdrawn nothing is left.
        if parts.iter().any(|part| part.num_rows() > 0) {
            change.publish.push(self.write_file(day, name, &parts)?);
        }
        if withdrawn.is_empty() {
            return Ok(0);
        }
        let rows = concat_batches(&SCHEMA, &withdrawn).map_err(arrow_error)?;
        self.write_withdrawn(day, &rows, change)?;
        let mut about = ChangeSet { days: [day].into(), metrics: metrics_of(&rows), ..ChangeSet::default() };
        outdated.withdrawn.values().for_each(|(_, place)| about.add_place(place.clone()));
        change.withdrawn = Some(about);
        Ok(rows.num_rows())
    }

    /// Writes withdrawn rows beside the lake. They are valid once a file of this day is published, or, where the day has none left,
    /// once its last one is retired.
    fn write_withdrawn(&self, day: Day, rows: &RecordBatch, change: &mut DayChange) -> WriteResult<()> {
        let (path, emptied) = match (change.publish.last(), change.retire.last()) {
            (Some(new), _) => (&new.file.path, false),
            (None, Some((_, path))) => (path, true),
            // Rows that were there were in a file.
            (None, None) => return Ok(()),
        };
        let name = path.rsplit('/').next().and_then(|file| file.strip_suffix(".parquet")).unwrap_or(path);
        let pending = PendingRows::withdrawn(day, name, change.superseded.len(), self.received, emptied);
        file::write(&self.objects, pending.object(), rows)?;
        change.superseded.push(pending);
        Ok(())
    }

    /// Takes rows out of a file that could not be read for a while, where the same records have arrived meanwhile: `None` when
    /// there are none.
    pub fn without_duplicates(&self, again: &LakeFile, known: &mut DayIdentities) -> WriteResult<Option<DayChange>> {
        let mut change = DayChange::default();
        self.refresh_identities(again.day, known)?;
        let batch = self.read(&again.path)?;
        let keys = row_keys(&batch);
        let double: BooleanArray = keys.iter().map(|k| Some(known.content(k.identity).is_some())).collect();
        if double.true_count() == 0 {
            return Ok(None);
        }
        let replaced: BooleanArray =
            keys.iter().map(|k| Some(known.content(k.identity).is_some_and(|c| c != k.content))).collect();
        let left = arrow::compute::not(&double).and_then(|d| filter_record_batch(&batch, &d)).map_err(arrow_error)?;
        let name = unique_name();
        if replaced.true_count() > 0 {
            self.write_superseded(
                again.day,
                &name,
                &filter_record_batch(&batch, &replaced).map_err(arrow_error)?,
                &mut change,
            )?;
        }
        change.retire.push((again.id, again.path.clone()));
        let mut parts = vec![left];
        if parts[0].num_rows() == 0
            && let Some(other) = self.files(again.day).min_by_key(|f| f.rows)
        {
            // The commit has to publish something by which one can see later that it was.
            parts.push(self.read(&other.path)?);
            change.retire.push((other.id, other.path.clone()));
        }
        change.publish.push(self.write_file(again.day, &name, &parts)?);
        Ok(Some(change))
    }

    pub fn without_simulated(&self) -> WriteResult<DayChange> {
        let mut change = DayChange::default();
        for f in self.snapshot.files.iter().map(|v| &v.file).filter(|f| f.simulated > 0) {
            if f.simulated < f.rows {
                let batch = self.read(&f.path)?;
                let simulated = batch.column(column_index("simulated")).as_boolean();
                let real: BooleanArray =
                    (0..batch.num_rows()).map(|r| Some(simulated.is_null(r) || !simulated.value(r))).collect();
                let kept = filter_record_batch(&batch, &real).map_err(arrow_error)?;
                change.publish.push(self.write_file(f.day, &unique_name(), &[kept])?);
            }
            change.retire.push((f.id, f.path.clone()));
        }
        Ok(change)
    }

    pub fn read(&self, path: &str) -> WriteResult<RecordBatch> {
        file::read(&self.objects, &file::object_name(path))
            .map_err(|reason| WriteError::Unreadable(path.to_owned(), reason))
    }

    /// Writes rows that a correction replaces beside the lake; they are valid once the file of this name is published.
    pub fn write_superseded(&self, day: Day, name: &str, rows: &RecordBatch, change: &mut DayChange) -> Result<()> {
        let superseded = PendingRows::replaced(day, name, change.superseded.len());
        file::write(&self.objects, superseded.object(), rows)?;
        change.superseded.push(superseded);
        Ok(())
    }

    pub fn write_file(&self, day: Day, name: &str, parts: &[RecordBatch]) -> Result<NewFile> {
        let batch = concat_batches(&SCHEMA, parts).and_then(|whole| file::sort_batch(&whole)).map_err(arrow_error)?;
        let path = lake_path(day, name);
        let bytes = file::write(&self.objects, &file::object_name(&path), &batch)?;
        let times = batch.column(column_index("timestamp")).as_primitive::<TimestampMillisecondType>();
        let received = batch.column(column_index("received_at")).as_primitive::<TimestampMillisecondType>();
        let simulated = batch.column(column_index("simulated")).as_boolean();
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

/// Where a file of this name lies below the lake's folder.
pub fn lake_path(day: Day, name: &str) -> String {
    format!("day={day}/{name}.parquet")
}

pub fn arrow_error(e: arrow::error::ArrowError) -> Error {
    Error::internal(sentences::not_put_together()).with_detail(e)
}

/// A file name that nobody else uses: time, process and a counter, so that names also sort by age. Processes on several machines
/// differ by what the standard library draws for its hash maps.
#[expect(clippy::disallowed_methods, reason = "names sort by the time of this machine; nothing is told by it")]
pub fn unique_name() -> String {
    static SALT: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    let count = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let hash = xxh3_64(format!("{}{nanos}{}{count}", *SALT, std::process::id()).as_bytes());
    format!("{:013}-{hash:016x}", nanos / 1_000_000)
}
