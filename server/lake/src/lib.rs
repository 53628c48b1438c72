//! Metric records at rest. Records become Parquet files by event day; a manifest, kept elsewhere behind a port, says which
//! files exist; questions are one pass over the rows that matter. No DataFusion or Arrow type leaves this crate.
//!
//! Architecture Invariant: readers see only files that the manifest names, so a batch is there as a whole or not at all.
//! Architecture Invariant: whoever writes holds the lock of the operating system on `lake.lock`; it dies with its process.
//! Deliberately absent: a write-ahead log. A batch is acknowledged when its files are durable and the manifest has
//! committed; many small ones share a commit (docs/adr/0005), so single records over HTTP need no log either.
#![expect(
    clippy::disallowed_methods,
    reason = "files are read and written on blocking threads, to which the ports hand over"
)]

mod day;
mod export;
mod failing;
mod file;
mod fold;
mod held;
mod identity;
mod index;
mod known;
mod maps;
mod metrics;
mod names;
mod queries;
mod reader;
mod records;
mod resident;
mod respell;
mod scan;
mod schema;
mod snapshot;
mod spelling;
mod tiers;
mod write;

use std::{
    collections::{BTreeMap, HashMap},
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use async_trait::async_trait;
use domain::{
    Error, Result,
    declared::Declared,
    error::Sentence,
    ports::{Clock, FailedFile, Manifest, MetricsStore},
    query::{
        Comparison, ComparisonQuery, Directory, FieldReport, Records, RecordsQuery, Summary, SummaryQuery, Trend,
        TrendQuery,
    },
    scope::Scope,
    time::{Day, TimeRange},
};

pub use names::CAP as METRIC_NAMES;
pub use reader::{ParquetRow, read_parquet_source};
pub use spelling::nfc;

use crate::{known::KnownDays, resident::Resident, scan::Engine, snapshot::Snapshot};

/// The lake below one folder: files in `lake/`, rows that a correction replaced in `superseded/`.
pub struct Lake {
    root: PathBuf,
    superseded: PathBuf,
    lock: PathBuf,
    manifest: Arc<dyn Manifest>,
    clock: Arc<dyn Clock>,
    engine: Engine,
    resident: Arc<Resident>,
    snapshot: RwLock<Arc<Snapshot>>,
    /// The snapshot's generation, for whoever waits for changes.
    changes: tokio::sync::watch::Sender<i64>,
    /// Scans take turns: more at once than cores would only share the cores and multiply the memory.
    scans: tokio::sync::Semaphore,
    following: tokio::sync::Mutex<()>,
    /// What people have written down about places and metrics.
    declared: Mutex<Arc<Declared>>,
    /// Files found unreadable, by path, with the reason.
    failed: Mutex<HashMap<String, Sentence>>,
    /// Within this process writers take turns here before they ask the operating system.
    writer: tokio::sync::Mutex<KnownDays>,
}

impl Lake {
    /// Opens the lake below `data`, making its folders, and reads the manifest. What a crash left behind is removed
    /// unless another process is writing just now.
    ///
    /// # Errors
    /// `Unavailable`, naming the folder that cannot be made or read.
    pub async fn open(data: &Path, manifest: Arc<dyn Manifest>, clock: Arc<dyn Clock>) -> Result<Self> {
        let root = data.join("lake");
        let superseded = data.join("superseded");
        for folder in [&root, &superseded] {
            std::fs::create_dir_all(folder).map_err(|e| file::cannot_write(folder, &e))?;
        }
        let engine = Engine::new(&root)
            .map_err(|e| Error::unavailable(format!("cannot open {}", root.display())).with_detail(e))?;
        let lake = Self {
            lock: data.join("lake.lock"),
            root,
            superseded,
            manifest,
            clock,
            engine,
            resident: Arc::new(Resident::new(resident::BUDGET)),
            snapshot: RwLock::default(),
            changes: tokio::sync::watch::Sender::new(0),
            scans: tokio::sync::Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from).max(2)),
            following: tokio::sync::Mutex::default(),
            declared: Mutex::default(),
            failed: Mutex::default(),
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

    /// The generation of what questions are answered from, whenever it moves on: at once for commits of this process,
    /// for those of others as soon as [`Lake::refresh`] has looked.
    #[must_use]
    pub fn changes(&self) -> tokio::sync::watch::Receiver<i64> {
        self.changes.subscribe()
    }

    /// Answers from now on with what people have written down about places and metrics.
    ///
    /// # Errors
    /// `Unavailable` when the manifest cannot be read; then it is so from the next commit on.
    pub async fn declare(&self, declared: Arc<Declared>) -> Result<()> {
        *self.declared.lock().unwrap_or_else(PoisonError::into_inner) = declared;
        self.renew().await
    }

    async fn renew(&self) -> Result<()> {
        // One after the other: a file that two snapshots found for themselves would have two leases.
        let _turn = self.following.lock().await;
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let renewed = self.snapshot().renewed(self.manifest.as_ref(), &self.root, &failed).await?;
        let renewed = renewed.with_declared(self.declared.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let generation = renewed.generation;
        self.resident.keep(&renewed.files.iter().map(|v| v.file.id).collect());
        let renewed = Arc::new(renewed);
        let before = std::mem::replace(&mut *self.snapshot.write().unwrap_or_else(PoisonError::into_inner), renewed);
        // Which may delete files: not while readers wait.
        drop(before);
        self.changes.send_if_modified(|told| {
            let moved = *told < generation;
            *told = generation.max(*told);
            moved
        });
        Ok(())
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Finds out why a scan failed: the manifest has moved on, or a file cannot be read. Unreadable files are noted and
    /// left out from now on.
    async fn after_failed_scan(&self, used: &Snapshot) -> Result<()> {
        if self.manifest.generation().await? != used.generation {
            return self.renew().await;
        }
        let root = self.root.clone();
        let paths: Vec<String> =
            used.files.iter().filter(|v| v.failed.is_none()).map(|v| v.file.path.clone()).collect();
        let bad = tokio::task::spawn_blocking(move || {
            paths.into_iter().filter_map(|p| file::read(&root.join(&p)).err().map(|e| (p, e))).collect::<Vec<_>>()
        })
        .await
        .map_err(|e| Error::internal("a check of files broke off").with_detail(e))?;
        for (path, reason) in &bad {
            tracing::error!(file = %path, %reason, "a lake file cannot be read and is left out");
        }
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).extend(bad);
        self.renew().await
    }

    /// Takes the writer's lock of the operating system; waits for another process.
    async fn hold(&self) -> Result<File> {
        let path = self.lock.clone();
        tokio::task::spawn_blocking(move || {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(|e| file::cannot_write(&path, &e))?;
            file.lock().map_err(|e| file::cannot_write(&path, &e))?;
            Ok(file)
        })
        .await
        .map_err(|e| Error::internal("waiting for the lake's lock broke off").with_detail(e))?
    }
}

#[async_trait]
impl MetricsStore for Lake {
    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        self.answer_summary(query).await
    }
    async fn trend(&self, query: &TrendQuery) -> Result<Trend> {
        self.answer_trend(query).await
    }
    async fn comparison(&self, query: &ComparisonQuery) -> Result<Comparison> {
        self.answer_comparison(query).await
    }
    async fn field_report(&self, query: &ComparisonQuery) -> Result<FieldReport> {
        self.answer_field_report(query).await
    }
    async fn records(&self, query: &RecordsQuery) -> Result<Records> {
        self.answer_records(query).await
    }
    async fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.snapshot().directory)
    }
    async fn generation(&self) -> i64 {
        self.snapshot().generation
    }
    async fn volume(&self) -> Vec<(Day, u64)> {
        let mut days = BTreeMap::new();
        for v in &self.snapshot().files {
            *days.entry(v.file.day).or_insert(0) += v.file.rows;
        }
        days.into_iter().collect()
    }
    async fn failed_files(&self) -> Vec<FailedFile> {
        let snapshot = self.snapshot();
        let failed = snapshot.files.iter().filter_map(|v| {
            let reason = v.failed.clone()?;
            Some(FailedFile { file: v.file.path.clone(), day: v.file.day, rows: v.file.rows, reason })
        });
        failed.collect()
    }
    async fn export(&self, scope: &Scope, range: TimeRange, to: &Path) -> Result<u64> {
        self.write_export(scope, range, to).await
    }
}
