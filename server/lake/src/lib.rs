//! Metric records at rest. Records become Parquet files by event day; a manifest, kept elsewhere behind a port, says which
//! files exist; questions are one pass over the rows that matter. No DataFusion or Arrow type leaves this crate.
//!
//! Architecture Invariant: readers see only files that the manifest names, so a batch is there as a whole or not at all.
//! Architecture Invariant: whoever writes holds the lock of the operating system on `lake.lock`; it dies with its process.
//! Deliberately absent: a write-ahead log. A batch is acknowledged when its files are durable and the manifest has
//! committed; many small ones share a commit (docs/adr/0005), so single records over HTTP need no log either.
mod aside;
mod cells;
mod compact;
mod day;
mod export;
mod failed;
mod failing;
mod file;
mod fold;
mod health;
mod held;
mod history;
mod identities;
mod identity;
mod index;
mod known;
mod maps;
mod merge;
mod metrics;
mod names;
mod narrowed;
mod objects;
pub mod ports;
mod reader;
mod records;
mod resident;
mod respell;
mod scan;
mod schema;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/sentences.rs"));
}
mod snapshot;
mod spelling;
mod tiers;
mod topics;
mod view;
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
    declared::Declared,
    ports::{Answer, Clock, MetricsStore, Output, Upkeep, View},
    query::{Records, RecordsQuery},
    scope::Scope,
    state::Transitions,
    time::TimeRange,
};

pub use compact::{How, Prepared};
pub use file::found;
pub use objects::{Blob, Folder, Lock, Objects, Stamp, Unfinished};
pub use reader::{ParquetRow, read_parquet_source};
pub use resident::BUDGET as COLUMN_CACHE_BYTES;

use crate::{
    failed::{Checks, Failure},
    health::{Kept, Watch},
    known::KnownDays,
    objects::Blocking,
    ports::Manifest,
    resident::Resident,
    scan::Engine,
    snapshot::{Renewed, Snapshot},
    write::Doubtful,
};

/// Names of locks: of whoever writes, of whoever waits for that, and of whoever merges.
const LOCK: &str = "lake.lock";
const DOOR_LOCK: &str = "door.lock";
const MERGE_LOCK: &str = "merge.lock";

/// The lake: Parquet files and what belongs to them, as objects; and a manifest that says which of them count.
pub struct Lake {
    objects: Arc<dyn Objects>,
    manifest: Arc<dyn Manifest>,
    clock: Arc<dyn Clock>,
    engine: Engine,
    resident: Arc<Resident>,
    snapshot: RwLock<Arc<Snapshot>>,
    /// The snapshot's generation, for whoever waits for changes; see [`MetricsStore::changed`].
    changes: tokio::sync::watch::Sender<i64>,
    /// The states of places, and how they changed.
    watch: Mutex<Watch>,
    /// Scans take turns: more at once than cores would only share the cores and multiply the memory.
    scans: tokio::sync::Semaphore,
    following: tokio::sync::Mutex<()>,
    /// What people have written down about places and metrics.
    declared: Mutex<Arc<Declared>>,
    /// Files found unreadable, by path.
    failed: Mutex<HashMap<String, Failure>>,
    /// Questions that failed take turns in finding out why, and share what is found.
    checks: tokio::sync::Mutex<Checks>,
    /// What files looked like the last time, by number.
    looks: Mutex<HashMap<i64, Stamp>>,
    /// Files that are being merged, by number.
    claimed: Arc<Mutex<HashSet<i64>>>,
    /// Files of commits of which nobody knows whether they were.
    doubtful: Mutex<Vec<Doubtful>>,
    /// Within this process writers take turns here before they ask the operating system.
    writer: tokio::sync::Mutex<KnownDays>,
}

impl Lake {
    /// Opens the lake of these objects, and reads the manifest. What a crash left behind is removed unless another process is
    /// writing just now.
    ///
    /// # Errors
    /// `Unavailable`, naming what cannot be read or written.
    pub async fn open(objects: Arc<dyn Objects>, manifest: Arc<dyn Manifest>, clock: Arc<dyn Clock>) -> Result<Self> {
        let store = objects.store();
        let engine = store.map(Engine::new).and_then(std::convert::identity);
        let engine = engine
            .map_err(|e| Error::unavailable(sentences::cannot_open(objects.place(file::FILES))).with_detail(e))?;
        let lake = Self {
            objects,
            manifest,
            clock,
            engine,
            resident: Arc::new(Resident::new(resident::BUDGET)),
            snapshot: RwLock::default(),
            changes: tokio::sync::watch::Sender::new(0),
            watch: Mutex::default(),
            scans: tokio::sync::Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from).max(2)),
            following: tokio::sync::Mutex::default(),
            declared: Mutex::default(),
            failed: Mutex::default(),
            checks: tokio::sync::Mutex::default(),
            looks: Mutex::default(),
            claimed: Arc::default(),
            doubtful: Mutex::default(),
            writer: tokio::sync::Mutex::default(),
        };
        lake.sweep().await?;
        lake.refresh().await?;
        if let Err(e) = lake.respell().await {
            tracing::warn!(error = %e, detail = ?e.detail, "some names stay in two spellings until the lake is opened again");
        }
        Ok(lake)
    }

    /// Holds at most so many bytes of decoded columns in memory; with none, every question reads files.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.resident = Arc::new(Resident::new(bytes));
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
        let failed = self.reasons();
        let before = self.snapshot();
        let Renewed { snapshot, found, touched } =
            before.renewed(self.manifest.as_ref(), &self.objects, &failed).await?;
        let mut renewed = snapshot.with_declared(self.declared.lock().unwrap_or_else(PoisonError::into_inner).clone());
        renewed.revision += revisions;
        renewed.follow(&before, touched.as_deref());
        self.note_failed(found, &renewed).await;
        // From here on without a pause: what is watched is what is shown.
        let now = self.clock.now();
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.has_begun() {
            renewed.kept = Kept::advanced(&before, &renewed, now);
            let changed = watch.follow(&before, &renewed, now);
            renewed.moved(&changed);
        }
        drop(watch);
        drop(before);
        self.resident.keep(&renewed.files.iter().map(|v| v.file.id).collect());
        self.show(renewed);
        Ok(())
    }

    /// Answers from a snapshot from now on, and tells whoever waits for changes.
    fn show(&self, snapshot: Snapshot) {
        let number = snapshot.number();
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

    fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The turn to write: waits for other processes, follows what they did, and finishes what they left half done.
    async fn turn(&self, what: &'static str) -> Result<Turn> {
        let turn = Turn { _lock: self.hold().await?, what, since: Instant::now() };
        self.refresh().await?;
        self.settle().await?;
        Ok(turn)
    }

    /// Takes the writer's lock of the operating system; waits for another process. Who waits stands at the door, so that one
    /// process that writes a lot does not come before those that wait already: the system's lock knows no order.
    async fn hold(&self) -> Result<Lock> {
        let _door = self.lock(DOOR_LOCK).await?;
        self.lock(LOCK).await
    }

    async fn lock(&self, name: &str) -> Result<Lock> {
        let held = self.objects.lock(name, true).await.map_err(|e| self.cannot_write(name, &e))?;
        held.ok_or_else(|| Error::internal(sentences::no_lock()))
    }

    /// The objects, for a blocking thread.
    fn blocking(&self) -> Blocking {
        Blocking::new(Arc::clone(&self.objects))
    }

    fn cannot_write(&self, name: &str, e: &std::io::Error) -> Error {
        file::cannot_write(self.objects.place(name), e)
    }
}

/// The writer's lock, held.
struct Turn {
    _lock: Lock,
    what: &'static str,
    since: Instant,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let ms = self.since.elapsed().as_millis();
        tracing::debug!(what = self.what, ms, "the lake's lock was held");
    }
}

#[async_trait]
impl MetricsStore for Lake {
    fn view(&self) -> Arc<dyn View> {
        self.snapshot()
    }
    fn told(&self) -> i64 {
        *self.changes.borrow()
    }
    async fn changed(&self, seen: i64) -> i64 {
        let mut changes = self.changes.subscribe();
        // The sender is ours: it is there for as long as somebody waits.
        let told = changes.wait_for(|told| *told != seen).await;
        told.map_or(seen, |told| *told)
    }
    fn transitions(&self, after: u64) -> Transitions {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).since(after)
    }
    async fn cells(&self, query: &CellsQuery) -> Result<Answer> {
        self.answer_cells(query).await
    }
    async fn records(&self, query: &RecordsQuery) -> Result<Records> {
        self.answer_records(query).await
    }
    async fn export(&self, scope: &Scope, range: TimeRange, to: &mut dyn Output) -> Result<u64> {
        self.write_export(scope, range, to).await
    }
}

#[async_trait]
impl Upkeep for Lake {
    async fn follow(&self) -> Result<bool> {
        self.refresh().await
    }
    async fn pass_time(&self) -> usize {
        let _turn = self.following.lock().await;
        let before = self.snapshot();
        let now = self.clock.now();
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if !watch.has_begun() {
            let mut after = Snapshot::clone(&before);
            after.kept = Kept::advanced(&Snapshot::default(), &after, now);
            watch.follow(&Snapshot::default(), &after, now);
            drop((watch, before));
            self.show(after);
            return 0;
        }
        let changed = watch.advance(&before, now);
        drop(watch);
        if !changed.is_empty() {
            let mut after = Snapshot::clone(&before);
            after.revision += 1;
            after.moved(&changed);
            drop(before);
            self.show(after);
        }
        changed.len()
    }
    async fn inspect(&self) -> Result<usize> {
        self.inspect_files().await
    }
    async fn heal(&self) -> Result<usize> {
        self.heal_files().await
    }
    async fn merge(&self) -> Result<bool> {
        match self.prepare_merge(How::Beside).await? {
            None => Ok(true),
            Some(prepared) => self.commit_merge(prepared).await,
        }
    }
    async fn declare(&self, declared: Arc<Declared>) -> Result<()> {
        *self.declared.lock().unwrap_or_else(PoisonError::into_inner) = declared;
        self.renew().await
    }
}
