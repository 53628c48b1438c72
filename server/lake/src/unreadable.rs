//! Files of the lake that cannot be read: found out when a query fails, left out until they can be read again. What the
//! operating system did not give (no more descriptors, no permission, a mount that is away) is tried again and again; what was
//! read and is damaged is looked at again when it has changed.

use std::{
    collections::{HashMap, HashSet},
    sync::PoisonError,
    time::{Duration, Instant},
};

use domain::{Error, Result, changes::ChangeSet, error::Sentence};

use crate::{
    Lake,
    day_writer::{DayWriter, WriteError},
    file::{self, LAKE_FOLDER, ReadFailure, object_name},
    objects::ObjectStat,
    ports::{LakeFile, ManifestCommit},
    sentences,
    snapshot::{IndexedFile, Snapshot},
};

/// A file that could not be opened is tried again after this time, then after twice as long, and so on up to [`MAX_RETRY`].
const MIN_RETRY: Duration = Duration::from_millis(250);
const MAX_RETRY: Duration = Duration::from_secs(30);
/// A query whose files are all well waits so long before it is tried again, then twice as long.
const RESCAN_PAUSE: Duration = Duration::from_millis(50);

/// When a file was read to its end the last time, by the number of the file.
pub type LastChecks = HashMap<i64, Instant>;

/// A file that is left out.
#[derive(Debug)]
pub struct UnreadableFile {
    why: ReadFailure,
    /// What the file looked like, when it is damaged.
    stat: Option<ObjectStat>,
    due: Instant,
    pause: Duration,
    /// The newest file of the lake: what came later was taken without knowing what is in this one.
    newest: i64,
}

/// What is known of several files.
enum FileVerdict {
    /// Whether one is gone or left out.
    All(bool),
    /// None is, but these were not looked at.
    But(Vec<LakeFile>),
}

impl Lake {
    /// Why each file that is left out is.
    pub(crate) fn unreadable_reasons(&self) -> HashMap<String, Sentence> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.iter().map(|(path, f)| (path.clone(), f.why.reason.clone())).collect()
    }

    /// Notes files that cannot be read, and forgets those that the manifest has forgotten.
    pub(crate) async fn record_unreadable(&self, found: Vec<(String, ReadFailure)>, snapshot: &Snapshot) {
        let mut stamped = Vec::with_capacity(found.len());
        for (path, why) in found {
            stamped.push((self.stat(&path, &why).await, path, why));
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = snapshot.files.iter().map(|v| v.file.id).max().unwrap_or(0);
        for (stat, path, why) in stamped {
            tracing::error!(file = %path, reason = %why.reason, "a lake file cannot be read and is left out");
            let newest = failed.get(&path).map_or(newest, |before| before.newest);
            failed
                .insert(path, UnreadableFile { why, stat, due: Instant::now() + MIN_RETRY, pause: MIN_RETRY, newest });
        }
        if !failed.is_empty() {
            let live: HashSet<&String> = snapshot.files.iter().map(|v| &v.file.path).collect();
            failed.retain(|path, _| live.contains(path));
        }
    }

    /// What a damaged file looks like.
    async fn stat(&self, path: &str, why: &ReadFailure) -> Option<ObjectStat> {
        if why.damaged { self.objects.stat(&object_name(path)).await.ok() } else { None }
    }

    /// Excludes files that cannot be read from all queries.
    pub(crate) async fn exclude_files(&self, files: impl IntoIterator<Item = (String, ReadFailure)>) -> Result<()> {
        self.record_unreadable(files.into_iter().collect(), &self.snapshot()).await;
        self.renew_at(1).await
    }

    /// Finds out why a scan failed: the manifest has moved on, or one of the files that it touched cannot be read; such a file is
    /// left out from now on. Where nothing is found the trouble may pass: waits a little, longer each time.
    pub(crate) async fn after_failed_scan(
        &self,
        touched: impl Iterator<Item = &IndexedFile>,
        tried: u32,
    ) -> Result<()> {
        let touched: Vec<LakeFile> = touched.map(|v| v.file.clone()).collect();
        if !self.check_suspects(&touched).await? {
            tokio::time::sleep(RESCAN_PAUSE * (1 << tried.min(6))).await;
        }
        Ok(())
    }

    /// Reads files of which one is to blame, unless somebody has done so meanwhile. True when one is gone or cannot be read.
    pub(crate) async fn check_suspects(&self, files: &[LakeFile]) -> Result<bool> {
        let failed_at = Instant::now();
        // Others wait here meanwhile, and finds it done.
        let mut checks = self.checks.lock().await;
        if let FileVerdict::All(found) = self.known_of(files, &checks, failed_at) {
            return Ok(found);
        }
        self.refresh().await?;
        let unchecked = match self.known_of(files, &checks, failed_at) {
            FileVerdict::All(found) => return Ok(found),
            FileVerdict::But(unchecked) => unchecked,
        };
        let (objects, ids) = (self.blocking(), unchecked.iter().map(|f| f.id).collect::<Vec<i64>>());
        let bad = tokio::task::spawn_blocking(move || {
            let check = |f: LakeFile| file::verify(&objects, &f).err().map(|e| (f.path, e));
            unchecked.into_iter().filter_map(check).collect::<Vec<_>>()
        })
        .await
        .map_err(|e| Error::internal(sentences::check_broke_off()).with_detail(e))?;
        let now = Instant::now();
        checks.retain(|_, at| now.duration_since(*at) < MAX_RETRY);
        checks.extend(ids.into_iter().map(|id| (id, now)));
        if bad.is_empty() {
            return Ok(false);
        }
        self.exclude_files(bad).await?;
        Ok(true)
    }

    /// What is known of files since a moment without reading them.
    fn known_of(&self, files: &[LakeFile], checks: &LastChecks, since: Instant) -> FileVerdict {
        let snapshot = self.snapshot();
        let well: HashSet<i64> = snapshot.files.iter().filter(|v| v.failed.is_none()).map(|v| v.file.id).collect();
        if files.iter().any(|f| !well.contains(&f.id)) {
            return FileVerdict::All(true);
        }
        let unchecked = files.iter().filter(|f| checks.get(&f.id).is_none_or(|at| *at < since));
        let unchecked: Vec<LakeFile> = unchecked.cloned().collect();
        if unchecked.is_empty() { FileVerdict::All(false) } else { FileVerdict::But(unchecked) }
    }

    /// See [`domain::ports::Maintenance::inspect`].
    pub(crate) async fn check_files_present(&self) -> Result<usize> {
        // First the names that count: what is written meanwhile is looked at the next time.
        let snapshot = self.snapshot();
        let listed = self.objects.list(LAKE_FOLDER).await;
        let listed: HashMap<String, ObjectStat> = listed.map_err(|e| self.cannot_list(&e))?.into_iter().collect();
        let mut looks = HashMap::with_capacity(snapshot.files.len());
        let (mut bad, mut missing, mut other) = (vec![], vec![], vec![]);
        {
            let before = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
            for file in snapshot.files.iter().filter(|v| v.failed.is_none()).map(|v| &v.file) {
                match listed.get(&object_name(&file.path)) {
                    Some(stat) if stat.bytes == file.bytes => {
                        if before.get(&file.id).is_some_and(|known| known != stat) {
                            other.push(file.clone());
                        }
                        looks.insert(file.id, *stat);
                    }
                    _ => missing.push(file.clone()),
                }
            }
        }
        // What a list does not a look at the thing itself does.
        for file in missing {
            if let Err(why) = file::check_size(self.objects.stat(&object_name(&file.path)).await, file.bytes) {
                bad.push((file.path, why));
            }
        }
        *self.looks.lock().unwrap_or_else(PoisonError::into_inner) = looks;
        other.iter().for_each(|f| self.column_cache.evict(f.id));
        let left_out = |lake: &Self| lake.snapshot().unreadable().count();
        let before = left_out(self);
        if !bad.is_empty() {
            // Unless they were replaced meanwhile, and their objects are gone with reason.
            self.refresh().await?;
            let live: HashSet<String> = self.snapshot().files.iter().map(|v| v.file.path.clone()).collect();
            bad.retain(|(path, _)| live.contains(path));
            if !bad.is_empty() {
                self.exclude_files(bad).await?;
            }
        }
        if !other.is_empty() {
            self.check_suspects(&other).await?;
        }
        Ok(left_out(self).saturating_sub(before))
    }

    fn cannot_list(&self, e: &std::io::Error) -> Error {
        let text = sentences::cannot_list(self.objects.location(LAKE_FOLDER), &Sentence::from_io(e));
        Error::unavailable(text).with_detail(e)
    }

    /// Tries files again that could not be opened, and those that were damaged and have changed since. Returns how many are
    /// asked again from now on. Cheap when none is due.
    pub(crate) async fn retry_unreadable_files(&self) -> Result<usize> {
        let now = Instant::now();
        let due: HashMap<String, Option<ObjectStat>> = {
            let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.iter().filter(|(_, f)| f.due <= now).map(|(path, f)| (path.clone(), f.stat)).collect()
        };
        if due.is_empty() {
            return Ok(0);
        }
        let snapshot = self.snapshot();
        let files: Vec<LakeFile> =
            snapshot.files.iter().filter(|v| due.contains_key(&v.file.path)).map(|v| v.file.clone()).collect();
        let objects = self.blocking();
        let checked = tokio::task::spawn_blocking(move || {
            let check = |f: LakeFile| {
                let seen = due.get(&f.path).copied().flatten();
                let same = seen.is_some() && seen == objects.stat(&object_name(&f.path)).ok();
                (!same).then(|| (file::verify(&objects, &f), f.clone())).ok_or(f)
            };
            files.into_iter().map(check).collect::<Vec<_>>()
        })
        .await
        .map_err(|e| Error::internal(sentences::check_broke_off()).with_detail(e))?;
        let mut healed = Vec::new();
        for outcome in checked {
            match outcome {
                Ok((Ok(()), f)) => healed.push(f),
                Ok((Err(why), f)) => self.schedule_retry(&f.path, Some(why)).await,
                Err(f) => self.schedule_retry(&f.path, None).await,
            }
        }
        let mut back = 0;
        for f in healed {
            match self.restore_file(&f).await {
                Ok(()) => back += 1,
                Err(e) => {
                    self.schedule_retry(&f.path, None).await;
                    tracing::warn!(file = %f.path, error = %e, "a file can be read again, and is tried again later");
                }
            }
        }
        Ok(back)
    }

    /// Tries a file again later, and notes why it cannot be read now.
    async fn schedule_retry(&self, path: &str, why: Option<ReadFailure>) {
        let stat = match &why {
            Some(why) => self.stat(path, why).await,
            None => None,
        };
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(f) = failed.get_mut(path) else { return };
        f.pause = (2 * f.pause).min(MAX_RETRY);
        f.due = Instant::now() + f.pause;
        if let Some(why) = why {
            f.stat = stat;
            f.why = why;
        }
    }

    /// A file can be read again. Records that arrived while nobody knew what is in it are the later ones: it gives up its own of
    /// the same identity before it counts.
    async fn restore_file(&self, again: &LakeFile) -> Result<()> {
        let newest = {
            let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(f) = failed.get(&again.path) else { return Ok(()) };
            f.newest
        };
        let mut known = self.writer.lock().await;
        let _turn = self.turn("take a file back").await?;
        let snapshot = self.snapshot();
        let blind = snapshot.files.iter().any(|v| v.file.day == again.day && v.file.id > newest);
        if blind && snapshot.files.iter().any(|v| v.file.id == again.id) {
            let (writing, received, file) = (self.write_context(), self.clock.now(), again.clone());
            let mut days = std::mem::take(&mut *known);
            let (kept, change) = tokio::task::spawn_blocking(move || {
                let writer: DayWriter<'_> = writing.writer(&snapshot, received);
                let change = writer.without_duplicates(&file, days.day(file.day));
                (days, change)
            })
            .await
            .map_err(|e| Error::internal(sentences::doubles_broke_off()).with_detail(e))?;
            match change {
                Ok(None) => *known = kept,
                // What is known of the day is read again: the file is part of it from now on.
                Ok(Some(change)) => {
                    // Others could read it all the time, and counted both.
                    let all = ManifestCommit { touched: ChangeSet::everything(), ..ManifestCommit::default() };
                    self.publish(vec![change], all).await?;
                }
                Err(WriteError::Other(e)) => return Err(e),
                Err(WriteError::Unreadable(path, why)) => return Err(file::unreadable_file_error(&path, &why.reason)),
            }
        }
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).remove(&again.path);
        // What was decoded before it failed may have been damage that decodes.
        self.column_cache.evict(again.id);
        tracing::info!(file = %again.path, "a lake file can be read again");
        self.renew_at(1).await
    }
}
