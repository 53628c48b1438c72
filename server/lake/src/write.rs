//! How records get into the lake: one lock, files made durable, and one commit that publishes the lot. Whatever happens in
//! between, the lake holds whole batches or none. What is in the files is decided in `day`.

use std::{
    cell::Cell,
    collections::{BTreeSet, HashSet},
    sync::{Arc, PoisonError},
};

use async_trait::async_trait;
use domain::{
    Error, Result,
    changes::ChangeSet,
    ports::{AppendCounts, Batch, RecordSink},
    time::{Day, Millis},
};

use crate::{
    LOCK, Lake, MERGE_LOCK,
    compact::MergeMode,
    day_identities::DayIdentityCache,
    day_writer::{DayChange, DayWriter, WriteError},
    file::{self, LAKE_FOLDER, MERGED_SUFFIX, PENDING_FOLDER, SUPERSEDED_FOLDER, object_name},
    merge_policy,
    objects::BlockingObjects,
    place_generations,
    ports::{ManifestCommit, SourceDelivery},
    sentences,
    snapshot::{FileLease, Snapshot},
    superseded::PendingRows,
};

/// A note in the manifest that is written to be sure of what stands before it.
const COMMIT_PROBE_KEY: &str = "last_doubt";

/// A file published or retired by a commit whose outcome is unknown.
#[derive(Debug)]
pub struct UncertainFile {
    path: String,
    /// Of a file that was to be retired and that queries may be reading.
    lease: Option<Arc<FileLease>>,
}

#[async_trait]
impl RecordSink for Lake {
    async fn append_all(&self, batches: Vec<Batch>) -> Result<Vec<AppendCounts>> {
        if batches.is_empty() {
            return Ok(vec![]);
        }
        let mut known = self.writer.lock().await;
        let batches = Arc::new(batches);
        let mut days = self.read_ahead(&batches, std::mem::take(&mut *known)).await?;
        let _turn = self.turn("append").await?;
        self.add_names(&batches).await?;
        let first_seq = self.manifest.last_seq().await? + 1;
        let received = self.clock.now();
        let rows: usize = batches.iter().map(|b| b.records.len()).sum();
        let last_seq = first_seq + rows as i64 - 1;
        let changes = loop {
            let snapshot = self.snapshot();
            let arriving = Arc::clone(&batches);
            let writing = self.write_context();
            let (kept, written) = tokio::task::spawn_blocking(move || {
                let written = writing.writer(&snapshot, received).write_days(&arriving, first_seq, &mut days);
                (days, written)
            })
            .await
            .map_err(|e| Error::internal(sentences::batch_broke_off()).with_detail(e))?;
            match written {
                Ok(changes) => {
                    days = kept;
                    break changes;
                }
                Err(WriteError::Other(e)) => return Err(e),
                // A damaged file must not keep new records out. Each round leaves one such file out, so this ends.
                Err(WriteError::Unreadable(path, why)) => {
                    self.exclude_files([(path, why)]).await?;
                    days = DayIdentityCache::default();
                }
            }
        };
        let mut appended = vec![AppendCounts::default(); batches.len()];
        for (sum, part) in changes.iter().flat_map(|c| c.appended.iter().enumerate()).map(|(i, a)| (i, *a)) {
            appended[sum].taken += part.taken;
            appended[sum].duplicate += part.duplicate;
            appended[sum].corrected += part.corrected;
            appended[sum].withdrawn += part.withdrawn;
        }
        let deliveries = batches.iter().zip(&appended).map(|(b, appended)| SourceDelivery {
            source: b.source.clone(),
            at: received,
            appended: *appended,
            refused: b.refused.clone(),
            newest: b.records.iter().map(|a| a.record.timestamp()).max(),
            progress: b.progress.clone(),
        });
        let change =
            ManifestCommit { last_seq: Some(last_seq), deliveries: deliveries.collect(), ..ManifestCommit::default() };
        let change = ManifestCommit { touched: place_generations::change_set(&batches, &changes), ..change };
        self.publish(changes, change).await?;
        // Only now: what was read into memory is true only once it is published.
        *known = days;
        Ok(appended)
    }

    async fn compact(&self) -> Result<()> {
        // What others write meanwhile may undo a merge; one that never comes to its end is left to the next.
        let mut undone = 0;
        while let Some(prepared) = self.prepare_merge(MergeMode::Thorough).await? {
            undone += u32::from(!self.commit_merge(prepared).await?);
            if undone == 10 {
                tracing::info!("small files stay: others write to their days");
                break;
            }
        }
        Ok(())
    }

    async fn remove_simulated(&self) -> Result<u64> {
        let mut known = self.writer.lock().await;
        let _turn = self.turn("remove the demo").await?;
        let (snapshot, writing, received) = (self.snapshot(), self.write_context(), self.clock.now());
        let change = tokio::task::spawn_blocking(move || writing.writer(&snapshot, received).without_simulated())
            .await
            .map_err(|e| Error::internal(sentences::demo_broke_off()).with_detail(e))?
            .map_err(|t| match t {
                WriteError::Other(e) => e,
                WriteError::Unreadable(path, why) => file::unreadable_file_error(&path, &why.reason),
            })?;
        let removed = self.snapshot().files.iter().map(|v| v.file.simulated).sum();
        *known = DayIdentityCache::default();
        self.publish(
            vec![change],
            ManifestCommit { forget_demo: true, touched: ChangeSet::everything(), ..ManifestCommit::default() },
        )
        .await?;
        self.forget_simulated_names().await?;
        Ok(removed)
    }
}

/// What a writer needs of the lake, to take to a thread.
pub struct WriteContext {
    objects: BlockingObjects,
    claimed: HashSet<i64>,
}

impl WriteContext {
    pub fn writer(self, snapshot: &Snapshot, received: Millis) -> DayWriter<'_> {
        let Self { objects, claimed } = self;
        DayWriter { objects, received, snapshot, claimed, room: Cell::new(merge_policy::MAX_COMMIT_REWRITE_ROWS) }
    }
}

impl Lake {
    pub(crate) fn write_context(&self) -> WriteContext {
        let claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        WriteContext { objects: self.blocking(), claimed }
    }

    /// Reads what the days of these batches hold before anybody waits for it: under the lock only what came since is read.
    async fn read_ahead(&self, batches: &Arc<Vec<Batch>>, mut days: DayIdentityCache) -> Result<DayIdentityCache> {
        self.refresh().await?;
        let (snapshot, writing, received) = (self.snapshot(), self.write_context(), self.clock.now());
        let batches = Arc::clone(batches);
        tokio::task::spawn_blocking(move || {
            let arriving = batches.iter().flat_map(|b| b.records.iter()).map(|a| a.record.timestamp().day());
            let withdrawn = batches.iter().flat_map(|b| b.withdrawn.iter()).map(|w| w.timestamp().day());
            let wanted: BTreeSet<Day> = arriving.chain(withdrawn).collect();
            days.forget_except(|day| wanted.contains(day));
            let writer = writing.writer(&snapshot, received);
            for day in wanted {
                // What cannot be read is found again by the next writer, and left out.
                if writer.refresh_identities(day, days.day(day)).is_err() {
                    return DayIdentityCache::default();
                }
            }
            days
        })
        .await
        .map_err(|e| Error::internal(sentences::ahead_broke_off()).with_detail(e))
    }

    /// Commits, follows the manifest, and retires what was replaced: it is deleted when no query of this process reads
    /// it any more. Another process that still wanted it begins again.
    ///
    /// An error of the commit says nothing of whether it was: an answer may have been lost behind it. So the manifest is asked,
    /// and nothing is deleted before it has answered.
    pub(crate) async fn publish(&self, changes: Vec<DayChange>, mut change: ManifestCommit) -> Result<()> {
        let mut written = Vec::new();
        let mut retired = Vec::new();
        let mut asides = Vec::new();
        for c in changes {
            written.extend(c.published().cloned());
            asides.extend(c.superseded);
            change.publish.extend(c.publish);
            change.retire.extend(c.retire.iter().map(|r| r.0));
            retired.extend(c.retire.into_iter().map(|r| r.1));
        }
        let before = self.snapshot();
        let retired = retired.into_iter().map(|path| {
            let lease = before.files.iter().find(|v| v.file.path == path).map(|v| Arc::clone(&v.lease));
            UncertainFile { path, lease }
        });
        let retired: Vec<UncertainFile> = retired.collect();
        let with_rows = change.deliveries.iter().any(|d| d.appended != AppendCounts::default());
        let last_seq = change.last_seq.filter(|_| with_rows);
        if let Err(e) = self.manifest.commit(change).await {
            match self.was_committed(before.generation, &written, &retired, last_seq).await {
                Ok(true) => {
                    tracing::warn!(error = %e, detail = ?e.detail, "a commit reported an error and has come about")
                }
                Ok(false) => {
                    // Nobody will ever ask for them.
                    written.iter().for_each(|p| self.objects.discard(&object_name(p)));
                    asides.iter().for_each(|a| self.objects.discard(a.object()));
                    return Err(e);
                }
                Err(unknown) => {
                    tracing::error!(error = %e, unknown = %unknown, "it is not known whether a commit has come about");
                    let mut doubtful = self.doubtful.lock().unwrap_or_else(PoisonError::into_inner);
                    doubtful.extend(written.into_iter().map(|path| UncertainFile { path, lease: None }).chain(retired));
                    return Err(Error::unavailable(sentences::uncertain(&e.message)).with_detail(unknown));
                }
            }
        }
        // It is committed, whatever comes now: the job that follows the manifest tries again, and the next writer moves
        // what is left.
        if let Err(e) = self.publish_superseded(asides).await {
            tracing::warn!(error = %e, detail = ?e.detail, "rows that were replaced are put aside later");
        }
        if let Err(e) = self.renew().await {
            tracing::warn!(error = %e, detail = ?e.detail, "cannot follow the manifest after a commit");
        }
        self.retire(retired);
        Ok(())
    }

    /// Whether a commit that reported an error has come about. A write of our own first: behind it nothing is under way any more,
    /// and what lies half written in the database is overwritten or whole.
    async fn was_committed(
        &self,
        before: i64,
        written: &[String],
        retired: &[UncertainFile],
        last_seq: Option<i64>,
    ) -> Result<bool> {
        self.manifest.set_value(COMMIT_PROBE_KEY, Some(&self.clock.now().0.to_string())).await?;
        // All or none of them are named. The generation tells least: it also grows when a source fails.
        let is_named = |path: &str| {
            let path = path.to_owned();
            async move { Ok::<_, Error>(self.manifest.files().await?.iter().any(|f| f.path == path)) }
        };
        match (written.first(), retired.first(), last_seq) {
            (Some(new), ..) => is_named(new).await,
            (None, Some(old), _) => Ok(!is_named(&old.path).await?),
            (None, None, Some(last)) => Ok(self.manifest.last_seq().await? >= last),
            (None, None, None) => Ok(self.manifest.generation().await? != before),
        }
    }

    fn retire(&self, files: Vec<UncertainFile>) {
        for file in files {
            match file.lease {
                Some(lease) => lease.retire(),
                None => self.objects.discard(&object_name(&file.path)),
            }
        }
    }

    async fn publish_superseded(&self, asides: Vec<PendingRows>) -> Result<()> {
        for superseded in asides {
            superseded.publish(&*self.objects).await.map_err(|e| self.cannot_write(file::SUPERSEDED_FOLDER, &e))?;
        }
        Ok(())
    }

    /// Finishes what a crash, or a commit of unknown outcome, left incomplete. Called with the lake's lock, before anything is
    /// written: what the last commit published is still named, if it was.
    pub(crate) async fn finish_interrupted_commit(&self) -> Result<()> {
        let waiting = self.objects.list(PENDING_FOLDER).await.map_err(|e| self.cannot_write(PENDING_FOLDER, &e))?;
        let (waiting, broken) = PendingRows::parse_names(waiting.into_iter().map(|o| o.0));
        broken.iter().for_each(|o| self.objects.discard(o));
        let in_doubt = !self.doubtful.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        if waiting.is_empty() && !in_doubt {
            return Ok(());
        }
        self.manifest.set_value(COMMIT_PROBE_KEY, Some(&self.clock.now().0.to_string())).await?;
        let named: HashSet<String> = self.manifest.files().await?.into_iter().map(|f| f.path).collect();
        let (count, void): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|a| a.is_committed(&named));
        void.iter().for_each(|a| self.objects.discard(a.object()));
        self.publish_superseded(count).await?;
        let doubtful = std::mem::take(&mut *self.doubtful.lock().unwrap_or_else(PoisonError::into_inner));
        self.retire(doubtful.into_iter().filter(|d| !named.contains(&d.path)).collect());
        Ok(())
    }

    /// Removes objects that the manifest does not name: the remains of a crash. Does nothing while another process writes.
    pub(crate) async fn remove_leftovers(&self) -> Result<()> {
        let held = self.objects.lock(LOCK, false).await.map_err(|e| self.cannot_write(LOCK, &e))?;
        let Some(_lock) = held else { return Ok(()) };
        self.finish_interrupted_commit().await?;
        let named: HashSet<String> = self.manifest.files().await?.iter().map(|f| object_name(&f.path)).collect();
        let Ok(found) = self.objects.list(LAKE_FOLDER).await else { return Ok(()) };
        // A merge holds the lock of merges until its commit.
        let nobody_merges = self.objects.lock(MERGE_LOCK, false).await.ok().flatten();
        let left = |name: &String| {
            let of_day = name.strip_prefix(LAKE_FOLDER).is_some_and(|rest| rest.starts_with("/day="));
            let unnamed = name.ends_with(".parquet") && !named.contains(name);
            of_day && (unnamed || (name.ends_with(MERGED_SUFFIX) && nobody_merges.is_some()))
        };
        for name in found.into_iter().map(|o| o.0).filter(left) {
            tracing::info!(object = %name, "removing what a crash left behind");
            self.objects.discard(&name);
        }
        for folder in [LAKE_FOLDER, PENDING_FOLDER, SUPERSEDED_FOLDER] {
            self.objects.remove_leftovers(folder).await;
        }
        Ok(())
    }
}
