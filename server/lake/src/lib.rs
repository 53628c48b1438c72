//! Metric records at rest. Records become Parquet files by event day; a manifest, kept elsewhere behind a port, says which
//! files exist; queries are one pass over the rows that matter. No DataFusion or Arrow type leaves this crate.
//!
//! Architecture Invariant: readers see only files that the manifest names, so a batch is there as a whole or not at all.
//! Architecture Invariant: a writer holds the lock of the operating system on `lake.lock`; the system releases it when the process ends.
//! Deliberately absent: a write-ahead log. A batch is acknowledged when its files are durable and the manifest has
//! committed; many small ones share a commit (docs/adr/0005), so single records over HTTP need no log either.
mod cells;
mod column_cache;
mod compact;
mod customer_snapshot;
mod day_identities;
mod day_writer;
mod export;
mod failing_sources;
mod file;
mod fold;
mod health;
mod history;
mod identities;
mod identity;
mod index;
mod loaded_index;
mod merge;
mod metric_maps;
mod metrics;
mod names;
mod normalize_stored_names;
mod objects;
mod parquet_source;
pub mod ports;
mod records;
mod scan;
mod schema;
mod superseded;
mod table_file;
mod unreadable;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/sentences.rs"));
}
mod merge_policy;
mod metrics_snapshot;
mod normalization;
mod place_generations;
mod snapshot;
mod write;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Instant,
};

use async_trait::async_trait;
use domain::{
    Error, Result,
    cells::CellsQuery,
    declarations::Declarations,
    model::RegistryVersions,
    ports::{CellsAnswer, Clock, Maintenance, MetricsSnapshot, MetricsStore, RestartableWriter},
    query::{Records, RecordsQuery},
    scope::Scope,
    state::Transitions,
    time::TimeRange,
};

pub use column_cache::DEFAULT_MEMORY_BYTES as COLUMN_CACHE_BYTES;
pub use compact::{MergeMode, PreparedMerge};
pub use file::list_lake_files;
pub use objects::{FolderObjects, Lock, ObjectReader, ObjectStat, ObjectWriter, Objects};
pub use parquet_source::{ParquetRow, read_parquet_source};
pub use table_file::{TableColumn, write_table};

use crate::{
    column_cache::ColumnCache,
    day_identities::DayIdentityCache,
    health::{HealthCache, TransitionTracker},
    objects::BlockingObjects,
    ports::Manifest,
    scan::ScanEngine,
    snapshot::{RefreshResult, Snapshot},
    unreadable::{LastChecks, UnreadableFile},
    write::UncertainFile,
};

/// Names of locks: of the writer, of those who wait for it, and of merges.
const LOCK: &str = "lake.lock";
const QUEUE_LOCK: &str = "door.lock";
const MERGE_LOCK: &str = "merge.lock";

/// The lake: Parquet files and what belongs to them, as objects; and a manifest that says which of them count.
pub struct Lake {
    objects: Arc<dyn Objects>,
    manifest: Arc<dyn Manifest>,
    clock: Arc<dyn Clock>,
    engine: ScanEngine,
    column_cache: Arc<ColumnCache>,
    snapshot: RwLock<Arc<Snapshot>>,
    /// The snapshot's generation, for subscribers; see [`MetricsStore::wait_for_change`].
    changes: tokio::sync::watch::Sender<i64>,
    /// The states of places, and how they changed.
    watch: Mutex<TransitionTracker>,
    /// Scans take turns: more at once than cores would only share the cores and multiply the memory.
    scans: tokio::sync::Semaphore,
    following: tokio::sync::Mutex<()>,
    /// The declarations of places and metrics.
    declared: Mutex<Arc<Declarations>>,
    /// To which versions of a registry rows belong.
    links: Mutex<Arc<RegistryVersions>>,
    /// Files found unreadable, by path.
    failed: Mutex<HashMap<String, UnreadableFile>>,
    /// Queries that failed take turns in finding out why, and share what is found.
    checks: tokio::sync::Mutex<LastChecks>,
    /// What files looked like the last time, by number.
    looks: Mutex<HashMap<i64, ObjectStat>>,
    /// Files that are being merged, by number.
    claimed: Arc<Mutex<HashSet<i64>>>,
    /// Files of commits whose outcome is unknown.
    doubtful: Mutex<Vec<UncertainFile>>,
    /// Within this process writers take turns here before they ask the operating system.
    writer: tokio::sync::Mutex<DayIdentityCache>,
}

impl Lake {
    /// Opens the lake of these objects, and reads the manifest. What a crash left behind is removed unless another process is
    /// writing just now.
    ///
    /// # Errors
    /// `Unavailable`, naming what cannot be read or written.
    pub async fn open(objects: Arc<dyn Objects>, manifest: Arc<dyn Manifest>, clock: Arc<dyn Clock>) -> Result<Self> {
        let store = objects.store();
        let engine = store.map(ScanEngine::new).and_then(std::convert::identity);
        let engine = engine.map_err(|e| {
            Error::unavailable(sentences::cannot_open(objects.location(file::LAKE_FOLDER))).with_detail(e)
        })?;
        let lake = Self {
            objects,
            manifest,
            clock,
            engine,
            column_cache: Arc::new(ColumnCache::new(column_cache::DEFAULT_MEMORY_BYTES)),
            snapshot: RwLock::default(),
            changes: tokio::sync::watch::Sender::new(0),
            watch: Mutex::default(),
            scans: tokio::sync::Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from).max(2)),
            following: tokio::sync::Mutex::default(),
            declared: Mutex::default(),
            links: Mutex::default(),
            failed: Mutex::default(),
            checks: tokio::sync::Mutex::default(),
            looks: Mutex::default(),
            claimed: Arc::default(),
            doubtful: Mutex::default(),
            writer: tokio::sync::Mutex::default(),
        };
        lake.remove_leftovers().await?;
        lake.refresh().await?;
        if let Err(e) = lake.normalize_stored_names().await {
            tracing::warn!(error = %e, detail = ?e.detail, "some names stay in two spellings until the lake is opened again");
        }
        Ok(lake)
    }

    /// Holds at most so many bytes of decoded columns in memory; with none, every query reads files.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.column_cache = Arc::new(ColumnCache::new(bytes));
        self
    }

    /// Looks whether the manifest has moved on, and follows. Cheap when it has not. True when it had.
    ///
    /// # Errors
    /// `Unavailable` when the manifest cannot be read.
    pub async fn refresh(&self) -> Result<bool> {
        let current = self.snapshot();
        if current.generation == self.manifest.generation().await? && current.generation != 0 {
            return Ok(false);
        }
        self.renew().await?;
        Ok(true)
    }

    async fn renew(&self) -> Result<()> {
        self.renew_at(0).await
    }

    /// Follows the manifest and takes over which files are left out. `revisions` is how often that has changed.
    async fn renew_at(&self, revisions: i64) -> Result<()> {
        // One after the other: a file that two snapshots found for themselves would have two leases.
        let _turn = self.following.lock().await;
        let failed = self.unreadable_reasons();
        let before = self.snapshot();
        let RefreshResult { snapshot, found, touched } =
            before.refreshed(self.manifest.as_ref(), &self.objects, &failed).await?;
        let mut renewed = snapshot.with_declared(self.declared.lock().unwrap_or_else(PoisonError::into_inner).clone());
        renewed = renewed.with_links(self.links.lock().unwrap_or_else(PoisonError::into_inner).clone());
        renewed.revision += revisions;
        renewed.carry_generations(&before, touched.as_deref());
        self.record_unreadable(found, &renewed).await;
        // From here on without a pause: what is watched is what is shown.
        let now = self.clock.now();
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.is_started() {
            renewed.kept = HealthCache::updated_from(&before, &renewed, now);
            let changed = watch.apply_snapshot(&before, &renewed, now);
            renewed.bump_generations(&changed);
        }
        drop(watch);
        drop(before);
        self.column_cache.retain_files(&renewed.files.iter().map(|v| v.file.id).collect());
        self.publish_snapshot(renewed);
        Ok(())
    }

    /// Answers from a snapshot from now on, and notifies subscribers.
    fn publish_snapshot(&self, snapshot: Snapshot) {
        let number = snapshot.generation_number();
        let snapshot = Arc::new(snapshot);
        let before = std::mem::replace(&mut *self.snapshot.write().unwrap_or_else(PoisonError::into_inner), snapshot);
        // Which may delete files: not while readers wait.
        drop(before);
        self.changes.send_if_modified(|told| {
            let moved = *told < number;
            *told = number.max(*told);
            moved
        });
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn engine(&self) -> &ScanEngine {
        &self.engine
    }

    /// The turn to write: waits for other processes, follows what they did, and finishes what they left half done.
    async fn turn(&self, what: &'static str) -> Result<WriteTurn> {
        let turn = WriteTurn { _lock: self.hold().await?, what, since: Instant::now() };
        self.refresh().await?;
        self.finish_interrupted_commit().await?;
        Ok(turn)
    }

    /// Takes the writer's lock of the operating system; waits for another process. Waiting processes hold the queue lock, so that one
    /// process that writes a lot does not come before those that wait already: the system's lock knows no order.
    async fn hold(&self) -> Result<Lock> {
        let _door = self.lock(QUEUE_LOCK).await?;
        self.lock(LOCK).await
    }

    async fn lock(&self, name: &str) -> Result<Lock> {
        let held = self.objects.lock(name, true).await.map_err(|e| self.cannot_write(name, &e))?;
        held.ok_or_else(|| Error::internal(sentences::no_lock()))
    }

    /// The objects, for a blocking thread.
    fn blocking(&self) -> BlockingObjects {
        BlockingObjects::new(Arc::clone(&self.objects))
    }

    fn cannot_write(&self, name: &str, e: &std::io::Error) -> Error {
        file::cannot_write(self.objects.location(name), e)
    }
}

/// The writer's lock, held.
struct WriteTurn {
    _lock: Lock,
    what: &'static str,
    since: Instant,
}

impl Drop for WriteTurn {
    fn drop(&mut self) {
        let ms = self.since.elapsed().as_millis();
        tracing::debug!(what = self.what, ms, "the lake's lock was held");
    }
}

#[async_trait]
impl MetricsStore for Lake {
    fn view(&self) -> Arc<dyn MetricsSnapshot> {
        self.snapshot()
    }
    fn notified_generation(&self) -> i64 {
        *self.changes.borrow()
    }
    async fn wait_for_change(&self, seen: i64) -> i64 {
        let mut changes = self.changes.subscribe();
        // The sender is ours: it is there for as long as somebody waits.
        let told = changes.wait_for(|told| *told != seen).await;
        told.map_or(seen, |told| *told)
    }
    fn transitions(&self, after: u64) -> Transitions {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).since(after)
    }
    async fn cells(&self, query: &CellsQuery) -> Result<CellsAnswer> {
        self.answer_cells(query).await
    }
    async fn records(&self, query: &RecordsQuery) -> Result<Records> {
        self.answer_records(query).await
    }
    async fn export(&self, scope: &Scope, range: TimeRange, to: &mut dyn RestartableWriter) -> Result<u64> {
        self.write_export(scope, range, to).await
    }
}

#[async_trait]
impl Maintenance for Lake {
    async fn follow(&self) -> Result<bool> {
        self.refresh().await
    }
    async fn advance_clock(&self) -> usize {
        let _turn = self.following.lock().await;
        let before = self.snapshot();
        let now = self.clock.now();
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if !watch.is_started() {
            let mut after = Snapshot::clone(&before);
            after.kept = HealthCache::updated_from(&Snapshot::default(), &after, now);
            watch.apply_snapshot(&Snapshot::default(), &after, now);
            drop((watch, before));
            self.publish_snapshot(after);
            return 0;
        }
        let changed = watch.advance(&before, now);
        drop(watch);
        if !changed.is_empty() {
            let mut after = Snapshot::clone(&before);
            after.revision += 1;
            after.bump_generations(&changed);
            drop(before);
            self.publish_snapshot(after);
        }
        changed.len()
    }
    async fn inspect(&self) -> Result<usize> {
        self.check_files_present().await
    }
    async fn retry_unreadable(&self) -> Result<usize> {
        self.retry_unreadable_files().await
    }
    async fn merge(&self) -> Result<bool> {
        match self.prepare_merge(MergeMode::Beside).await? {
            None => Ok(true),
            Some(prepared) => self.commit_merge(prepared).await,
        }
    }
    async fn link(&self, links: Arc<RegistryVersions>) -> Result<()> {
        {
            let mut known = self.links.lock().unwrap_or_else(PoisonError::into_inner);
            if **known == *links {
                return Ok(());
            }
            *known = links;
        }
        self.renew_at(1).await
    }
    async fn declare(&self, declared: Arc<Declarations>) -> Result<()> {
        *self.declared.lock().unwrap_or_else(PoisonError::into_inner) = declared;
        self.renew().await
    }
}
