//! Merges small files in the background. What is read and written is prepared without any lock; the lock is taken for the one
//! commit that puts the new file in the place of the old ones, and only if these are still what they were. A merge that others
//! have overtaken is dropped and costs nothing but its work. However large a day is, a step rewrites at most
//! [`crate::merge_policy::MAX_MERGED_ROWS`] rows.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    Error, Result,
    error::Sentence,
    time::{Day, Millis},
};

use crate::{
    Lake, MERGE_LOCK,
    day_identities::DayIdentityCache,
    day_writer::{DayChange, lake_path, unique_name},
    file::{self, MERGED_SUFFIX, object_name},
    index::FileIndex,
    merge::{self, MergeError, MergeOutput},
    merge_policy,
    names::MetricNames,
    objects::{BlockingObjects, Lock},
    ports::{LakeFile, ManifestCommit, NewFile},
    sentences,
    snapshot::IndexedFile,
};

/// Rows of a merged file that are looked at at once.
const ROWS: usize = 8_192;

/// Which files are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeMode {
    /// Where many have come together; not while another process merges.
    Beside,
    /// Whatever can be.
    Thorough,
}

/// Merged files that are ready to take the place of what they were made of. Dropped, they leave nothing behind.
#[derive(Debug)]
pub struct PreparedMerge {
    merges: Vec<Merge>,
    /// Rows that were held at once, at most.
    pub held: usize,
    _claim: MergeClaim,
    /// One process merges at a time.
    _lock: Lock,
}

#[derive(Debug)]
struct Merge {
    day: Day,
    inputs: Vec<IndexedFile>,
    new: NewFile,
    made: MergedObject,
}

/// A merged object that has not got its last name yet.
#[derive(Debug)]
struct MergedObject {
    objects: BlockingObjects,
    name: String,
}

impl Drop for MergedObject {
    fn drop(&mut self) {
        // Gone when it was published.
        self.objects.discard(&self.name);
    }
}

/// Files that commits of this process leave alone meanwhile.
#[derive(Debug)]
struct MergeClaim(Arc<Mutex<HashSet<i64>>>);

impl Drop for MergeClaim {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Lake {
    /// Chooses files and writes what is made of them, without keeping anybody waiting; `None` when there is nothing to merge.
    ///
    /// # Errors
    /// `Unavailable`, naming what cannot be written.
    pub async fn prepare_merge(&self, how: MergeMode) -> Result<Option<PreparedMerge>> {
        let Some(lock) = self.merge_lock(how).await? else { return Ok(None) };
        // Each round without success leaves a file out that cannot be read, or finds that others have merged it.
        for _ in 0..8 {
            self.refresh().await?;
            let chosen = self.choose(how);
            if chosen.is_empty() {
                return Ok(None);
            }
            let claim = MergeClaim(Arc::clone(&self.claimed));
            let ids = chosen.iter().flat_map(|(_, views)| views.iter().map(|v| v.file.id));
            self.claimed.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
            let (objects, names) = (self.blocking(), Arc::clone(&self.snapshot().names));
            let written = tokio::task::spawn_blocking(move || {
                let merged = chosen.into_iter().map(|(day, views)| write(&objects, day, views, &names));
                merged.collect::<std::result::Result<Vec<_>, _>>()
            })
            .await
            .map_err(|e| Error::internal(sentences::merge_broke_off()).with_detail(e))?;
            match written {
                Ok(written) => {
                    let held = written.iter().map(|w| w.1).max().unwrap_or(0);
                    let merges = written.into_iter().map(|w| w.0).collect();
                    return Ok(Some(PreparedMerge { merges, held, _claim: claim, _lock: lock }));
                }
                Err(Stop::Other(e)) => return Err(e),
                Err(Stop::ReadFailure(view)) => drop(self.check_suspects(std::slice::from_ref(&view.file)).await?),
            }
        }
        Ok(None)
    }

    /// Puts merged files in the place of those that they were made of, as far as these are still there. False when none is.
    ///
    /// # Errors
    /// `Unavailable`, naming what cannot be written; then nothing has changed.
    pub async fn commit_merge(&self, mut prepared: PreparedMerge) -> Result<bool> {
        let mut known = self.writer.lock().await;
        let _turn = self.turn("merge").await?;
        let snapshot = self.snapshot();
        let live: HashSet<i64> = snapshot.files.iter().filter(|v| v.failed.is_none()).map(|v| v.file.id).collect();
        let mut changes = Vec::new();
        for merge in &mut prepared.merges {
            if !merge.inputs.iter().all(|v| live.contains(&v.file.id)) {
                tracing::debug!(day = %merge.day, "a merge was overtaken");
                continue;
            }
            let (made, object) = (&merge.made.name, object_name(&merge.new.file.path));
            let moved = match file::check_size(self.objects.stat(made).await, merge.new.file.bytes) {
                Ok(()) => self.objects.rename(made, &object).await.map_err(|e| file::ReadFailure::refused(&e)),
                Err(e) => Err(e),
            };
            if let Err(e) = moved {
                tracing::warn!(object = %made, reason = %e.reason, "a merged file is lost");
                self.objects.discard(&object);
                continue;
            }
            let change = DayChange {
                publish: vec![merge.new.clone()],
                retire: merge.inputs.iter().map(|v| (v.file.id, v.file.path.clone())).collect(),
                ..DayChange::default()
            };
            known.apply_rewrite(merge.day, &change.retired(), change.published());
            changes.push(change);
        }
        if changes.is_empty() {
            return Ok(false);
        }
        if let Err(e) = self.publish(changes, ManifestCommit::default()).await {
            *known = DayIdentityCache::default();
            return Err(e);
        }
        Ok(true)
    }

    /// Days and their files that are merged in one step.
    fn choose(&self, how: MergeMode) -> Vec<(Day, Vec<IndexedFile>)> {
        let snapshot = self.snapshot();
        let mut days: BTreeMap<Day, Vec<&IndexedFile>> = BTreeMap::new();
        for view in snapshot.files.iter().filter(|v| v.failed.is_none()) {
            days.entry(view.file.day).or_default().push(view);
        }
        let mut room = merge_policy::MAX_MERGED_ROWS;
        let mut chosen = Vec::new();
        // The newest days are asked for most.
        for (day, views) in days.into_iter().rev() {
            let rows: Vec<u64> = views.iter().map(|v| v.file.rows).collect();
            let of_day = match how {
                MergeMode::Beside => merge_policy::files_to_merge_in_background(&rows),
                MergeMode::Thorough => merge_policy::files_to_merge_fully(&rows),
            };
            let sum: u64 = of_day.iter().map(|i| rows[*i]).sum();
            if of_day.is_empty() || sum > room {
                continue;
            }
            room -= sum;
            chosen.push((day, of_day.into_iter().map(|i| views[i].clone()).collect()));
        }
        chosen
    }

    /// The lock of merges; `None` where another process merges, and it can wait.
    async fn merge_lock(&self, how: MergeMode) -> Result<Option<Lock>> {
        let held = self.objects.lock(MERGE_LOCK, how == MergeMode::Thorough).await;
        held.map_err(|e| self.cannot_write(MERGE_LOCK, &e))
    }
}

enum Stop {
    ReadFailure(Box<IndexedFile>),
    Other(Error),
}

/// Writes one file of several of a day. Returns it with the rows that were held at once.
fn write(
    objects: &BlockingObjects,
    day: Day,
    mut inputs: Vec<IndexedFile>,
    names: &MetricNames,
) -> std::result::Result<(Merge, usize), Stop> {
    // In the order in which they came.
    inputs.sort_by_key(|v| v.file.id);

    let names_of: Vec<String> = inputs.iter().map(|v| object_name(&v.file.path)).collect();
    let path = lake_path(day, &unique_name());
    let made = MergedObject { objects: objects.clone(), name: object_name(&path).replace(".parquet", MERGED_SUFFIX) };
    let MergeOutput { bytes, rows, held } = merge::merge(objects, &names_of, &made.name).map_err(|e| match e {
        MergeError::Input(i, why) => {
            tracing::debug!(file = %inputs[i].file.path, reason = %why.reason, "cannot be merged");
            Stop::ReadFailure(Box::new(inputs[i].clone()))
        }
        MergeError::Other(e) => Stop::Other(e),
    })?;
    let files = || inputs.iter().map(|v| &v.file);
    let sum = |of: fn(&LakeFile) -> u64| files().map(of).sum::<u64>();
    let new = NewFile {
        index: index_of(&inputs, &made, names).map_err(Stop::Other)?.encode(),
        file: LakeFile {
            id: 0,
            path,
            day,
            rows,
            bytes,
            from: files().map(|f| f.from).min().unwrap_or(Millis(0)),
            to: files().map(|f| f.to).max().unwrap_or(Millis(0)),
            simulated: sum(|f| f.simulated),
            received: files().map(|f| f.received).max().unwrap_or(Millis(0)),
        },
    };
    let expected = sum(|f| f.rows);
    let merge = Merge { day, inputs, new, made };
    if rows != expected {
        return Err(Stop::Other(Error::internal(sentences::merged_rows(day, rows, expected))));
    }
    Ok((merge, held))
}

/// What the index of a merged file says: what those of its parts say. Where these miss something that was not noted when they
/// were written, or metrics over the limit then, it is read off the rows.
fn index_of(inputs: &[IndexedFile], made: &MergedObject, names: &MetricNames) -> Result<FileIndex> {
    let parts: Vec<FileIndex> = inputs.iter().map(|v| FileIndex::from(&*v.index)).collect();
    let is_whole = |p: &FileIndex| {
        p.devices.is_some() && p.values.is_some() && p.entries.iter().all(|e| e.source.is_some() && !e.beyond)
    };
    if parts.iter().all(is_whole) {
        return Ok(FileIndex::union(&parts));
    }
    let lost = |why: Sentence| file::unreadable_file_error(&made.name, &why);
    let rows = file::open_batches(&made.objects, &made.name, ROWS).map_err(|e| lost(e.reason))?;
    let parts: Result<Vec<FileIndex>> = rows
        .map(|batch| batch.and_then(|b| file::to_lake_schema(&b)).map_err(|e| lost(file::parquet_reason(e))))
        .map(|batch| Ok(FileIndex::of(&batch?, names)))
        .collect();
    Ok(FileIndex::union(&parts?))
}
