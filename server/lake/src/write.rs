//! How records get into the lake: one lock, files made durable, and one commit that publishes the lot. Whatever happens in
//! between, the lake holds whole batches or none. What is in the files is decided in `day`.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use async_trait::async_trait;
use domain::{
    Error, Result,
    error::Sentence,
    ports::{Appended, Batch, Change, Delivery, RecordSink},
    time::Day,
};

use crate::{
    Lake,
    day::{DayChange, Trouble, Writer},
    file,
    known::KnownDays,
};

#[async_trait]
impl RecordSink for Lake {
    async fn append_all(&self, batches: Vec<Batch>) -> Result<Vec<Appended>> {
        if batches.is_empty() {
            return Ok(vec![]);
        }
        let mut known = self.writer.lock().await;
        let _lock = self.hold().await?;
        self.refresh().await?;
        self.learn_names(&batches).await?;
        let first_seq = self.manifest.last_seq().await? + 1;
        let received = self.clock.now();
        let rows: usize = batches.iter().map(|b| b.records.len()).sum();
        let last_seq = first_seq + rows as i64 - 1;
        let batches = Arc::new(batches);
        let mut days = std::mem::take(&mut *known);
        let changes = loop {
            let snapshot = self.snapshot();
            let (root, superseded) = (self.root.clone(), self.superseded.clone());
            let arriving = Arc::clone(&batches);
            let (kept, written) = tokio::task::spawn_blocking(move || {
                let writer = Writer { root, superseded, received, snapshot: &snapshot };
                let written = writer.write_days(&arriving, first_seq, &mut days);
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
        let mut appended = vec![Appended::default(); batches.len()];
        for (sum, part) in changes.iter().flat_map(|c| c.appended.iter().enumerate()).map(|(i, a)| (i, *a)) {
            appended[sum].taken += part.taken;
            appended[sum].duplicate += part.duplicate;
            appended[sum].corrected += part.corrected;
        }
        let deliveries = batches.iter().zip(&appended).map(|(b, appended)| Delivery {
            source: b.source.clone(),
            at: received,
            appended: *appended,
            refused: b.refused.clone(),
            newest: b.records.iter().map(|a| a.record.timestamp()).max(),
            progress: b.progress.clone(),
        });
        let change = Change { last_seq: Some(last_seq), deliveries: deliveries.collect(), ..Change::default() };
        self.publish(changes, change).await?;
        // Only now: what was read into memory is true only once it is published.
        *known = days;
        Ok(appended)
    }

    async fn tidy(&self) -> Result<()> {
        let mut known = self.writer.lock().await;
        let _lock = self.hold().await?;
        self.refresh().await?;
        let snapshot = self.snapshot();
        let days: BTreeSet<Day> = snapshot.files.iter().map(|v| v.file.day).collect();
        for day in days {
            let snapshot = self.snapshot();
            let (root, superseded, received) = (self.root.clone(), self.superseded.clone(), self.clock.now());
            let merged = tokio::task::spawn_blocking(move || {
                let writer = Writer { root, superseded, received, snapshot: &snapshot };
                let mut change = DayChange::default();
                if writer.files(day).count() > 1 {
                    writer.merge(day, None, writer.files(day), &mut change)?;
                }
                Ok::<_, Trouble>(change)
            })
            .await
            .map_err(|e| Error::internal("merging files broke off").with_detail(e))?;
            match merged {
                Ok(change) if change.publish.is_empty() => {}
                Ok(change) => {
                    known.rewritten(day, &change.retired(), change.published());
                    if let Err(e) = self.publish(vec![change], Change::default()).await {
                        *known = KnownDays::default();
                        return Err(e);
                    }
                }
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
        let (root, superseded, received) = (self.root.clone(), self.superseded.clone(), self.clock.now());
        let change = tokio::task::spawn_blocking(move || {
            Writer { root, superseded, received, snapshot: &snapshot }.without_simulated()
        })
        .await
        .map_err(|e| Error::internal("removing the demo broke off").with_detail(e))?
        .map_err(|t| match t {
            Trouble::Other(e) => e,
            Trouble::Unreadable(path, reason) => file::lost(&path, &reason),
        })?;
        let removed = self.snapshot().files.iter().map(|v| v.file.simulated).sum();
        *known = KnownDays::default();
        self.publish(vec![change], Change { forget_demo: true, ..Change::default() }).await?;
        self.forget_simulated_names().await?;
        Ok(removed)
    }
}

impl Lake {
    /// Notes that a file cannot be read, so that nobody asks it any more.
    pub(crate) async fn leave_out(&self, path: String, reason: Sentence) -> Result<()> {
        tracing::error!(file = %path, %reason, "a lake file cannot be read and is left out");
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(path, reason);
        self.renew().await
    }

    /// Commits, follows the manifest, and retires what was replaced: it is deleted when no question of this process reads
    /// it any more. Another process that still wanted it begins anew.
    pub(crate) async fn publish(&self, changes: Vec<DayChange>, mut change: Change) -> Result<()> {
        let mut written = Vec::new();
        let mut retired = Vec::new();
        for c in changes {
            written.extend(c.published().map(|p| self.root.join(p)));
            written.extend(c.aside);
            change.publish.extend(c.publish);
            change.retire.extend(c.retire.iter().map(|r| r.0));
            retired.extend(c.retire.into_iter().map(|r| r.1));
        }
        let before = self.snapshot();
        if let Err(e) = self.manifest.commit(change).await {
            // Not published: nobody will ever ask for them.
            written.iter().for_each(|p| drop(std::fs::remove_file(p)));
            return Err(e);
        }
        // It is committed, whatever comes now: the job that follows the manifest tries again.
        if let Err(e) = self.renew().await {
            tracing::warn!(error = %e, detail = ?e.detail, "cannot follow the manifest after a commit");
        }
        for path in retired {
            match before.files.iter().find(|v| v.file.path == path) {
                Some(view) => view.lease.retire(),
                None => drop(std::fs::remove_file(self.root.join(path))),
            }
        }
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
