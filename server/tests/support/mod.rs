//! What tests of the server share: a clock that stands still, a lake in a folder of its own, and records built from JSON.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use domain::{
    ports::{
        AppendCounts, Clock, Maintenance, MetricsStore, ReceivedRecord, RecordSink, RefusedCounts, SourceId,
        SourceLedger, UnreadablePart,
    },
    query::{
        ChildSummary, Comparison, ComparisonQuery, Directory, FieldReport, MetricSelection, MetricSummary, Summary,
        SummaryQuery, Trend, TrendQuery,
    },
    record::Record,
    scope::Scope,
    time::{Millis, TimeRange},
};
use lake::{FolderObjects, Lake};
use serde_json::{Map, Value};
use server::atomic_file::AtomicFile;
use store::{Location, PostgresServer, StateStore};
use tempfile::TempDir;

use crate::postgres::Database;

/// The moment at which the clock of every test begins.
pub const NOW: &str = "2026-06-30T12:00:00Z";

/// A clock that moves only when it is told to.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    pub fn at(text: &str) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(at(text).0)))
    }
    pub fn set(&self, text: &str) {
        self.0.store(at(text).0, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst))
    }
}

/// A folder with a lake and its database, deleted at the end. Each `open` is what another process would have.
#[derive(Debug)]
pub struct LakeDir {
    dir: TempDir,
    pub clock: Arc<FixedClock>,
    /// Where the state is; `None` means SQLite in the folder.
    pub postgres: Option<Database>,
}

/// A folder with its state in SQLite.
pub async fn on_sqlite() -> LakeDir {
    LakeDir::new()
}

/// A folder with its state in Postgres.
pub async fn on_postgres() -> LakeDir {
    LakeDir { postgres: Some(Database::new()), ..LakeDir::new() }
}

impl LakeDir {
    pub fn new() -> Self {
        let dir = TempDir::with_prefix("gf-contract-").expect("a folder");
        Self { dir, clock: FixedClock::at(NOW), postgres: None }
    }
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
    pub fn location(&self) -> Location {
        match &self.postgres {
            Some(database) => Location::Postgres(PostgresServer::parse(&database.url(), None).expect("a URL").into()),
            None => Location::Sqlite(self.path().join("guardianflow.db")),
        }
    }
    pub async fn store(&self) -> Arc<dyn StateStore> {
        store::open(&self.location()).await.expect("a database")
    }
    pub async fn open(&self) -> Lake {
        self.open_on(self.store().await).await
    }
    pub async fn open_on(&self, manifest: Arc<dyn lake::ports::Manifest>) -> Lake {
        Lake::open(Arc::new(FolderObjects::at(self.path())), manifest, self.clock.clone()).await.expect("a lake")
    }
    /// The Parquet files of one day, or of all days, sorted.
    pub fn files(&self, day: Option<&str>) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = entries(&self.path().join("lake"))
            .into_iter()
            .filter(|d| d.is_dir() && day.is_none_or(|day| d.ends_with(format!("day={day}"))))
            .flat_map(|d| entries(&d))
            .filter(|f| f.extension().is_some_and(|e| e == "parquet"))
            .collect();
        found.sort();
        found
    }
    /// The rows that corrections replaced, as records.
    pub fn superseded(&self) -> Vec<Record> {
        entries(&self.path().join("superseded")).iter().flat_map(|f| read_back(f)).collect()
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().map(|e| e.expect("an entry").path()).collect()
}

/// The records of a Parquet file, none of them refused.
pub fn read_back(path: &Path) -> Vec<Record> {
    let mut records = Vec::new();
    let take = |rows: Vec<lake::ParquetRow>| {
        records.extend(rows.into_iter().map(|r| r.record.expect("a row that is a record")));
        true
    };
    lake::read_parquet_source(path, || at(NOW), take).expect("a readable file");
    records
}

/// The ports that take records and answer questions, on one adapter.
pub struct Adapter {
    pub sink: Arc<dyn RecordSink>,
    pub metrics: Arc<usecases::Metrics>,
    /// What the questions are put to.
    pub store: Arc<dyn MetricsStore>,
    pub ledger: Arc<dyn SourceLedger>,
    pub clock: Arc<FixedClock>,
    /// A folder for files of the test.
    pub folder: PathBuf,
    /// What has to live as long as the adapter.
    pub keep: Box<dyn std::any::Any + Send + Sync>,
}

/// The adapter that is a lake in a folder and a SQLite file.
pub async fn local_lake() -> Adapter {
    lake_on(LakeDir::new(), |lake| lake).await
}

/// The same with the state in Postgres.
pub async fn lake_on_postgres() -> Adapter {
    lake_on(on_postgres().await, |lake| lake).await
}

/// The same without memory for columns: every question reads files.
pub async fn lake_without_memory() -> Adapter {
    lake_on(LakeDir::new(), |lake| lake.with_memory(0)).await
}

/// The same with so little memory that files make room for one another.
pub async fn lake_with_little_memory() -> Adapter {
    lake_on(LakeDir::new(), |lake| lake.with_memory(20_000)).await
}

async fn lake_on(dir: LakeDir, with: impl Fn(Lake) -> Lake) -> Adapter {
    let store = dir.store().await;
    let lake = Arc::new(with(dir.open_on(store.clone()).await));
    // As a server does, which keeps the health of now; lakes that tests open for themselves read it off the indexes.
    lake.advance_clock().await;
    let folder = dir.path().to_owned();
    let metrics = Arc::new(usecases::Metrics::new(lake.clone()));
    let clock = dir.clock.clone();
    Adapter { sink: lake.clone(), metrics, store: lake, ledger: store, clock, folder, keep: Box::new(dir) }
}

impl Adapter {
    /// Takes records, each given as the fields that differ from [`record`]'s.
    pub async fn take(&self, records: impl IntoIterator<Item = Value>) -> AppendCounts {
        take(self.sink.as_ref(), records).await
    }
    pub async fn summary(&self, scope: &Scope, range: TimeRange) -> Summary {
        self.metrics.summary(&ask(scope, range)).await.expect("a summary")
    }
}

/// What a store answers at once, for tests that hold a lake of their own.
pub trait Asked {
    fn questions(&self) -> usecases::QueryRunner<'_>;
    fn directory(&self) -> Arc<Directory>;
    fn generation(&self) -> i64;
    fn unreadable(&self) -> Vec<UnreadablePart>;
    async fn summary(&self, query: &SummaryQuery) -> domain::Result<Summary> {
        self.questions().summary(query).await
    }
    async fn trend(&self, query: &TrendQuery) -> domain::Result<Trend> {
        self.questions().trend(query).await
    }
    async fn comparison(&self, query: &ComparisonQuery) -> domain::Result<Comparison> {
        self.questions().comparison(query).await
    }
    async fn field_report(&self, query: &ComparisonQuery) -> domain::Result<FieldReport> {
        self.questions().field_report(query).await
    }
}

impl Asked for Lake {
    fn questions(&self) -> usecases::QueryRunner<'_> {
        usecases::QueryRunner::new(self)
    }
    fn directory(&self) -> Arc<Directory> {
        Arc::clone(self.view().directory())
    }
    fn generation(&self) -> i64 {
        self.view().generation()
    }
    fn unreadable(&self) -> Vec<UnreadablePart> {
        self.view().unreadable()
    }
}

/// Exports as the command line does.
pub trait Exports {
    async fn export_to(&self, scope: &Scope, range: TimeRange, path: &Path) -> domain::Result<u64>;
}

impl Exports for usecases::Metrics {
    async fn export_to(&self, scope: &Scope, range: TimeRange, path: &Path) -> domain::Result<u64> {
        let mut out = AtomicFile::at(path);
        let written = self.export(scope, range, &mut out).await;
        out.finish(written)
    }
}

impl Exports for Lake {
    async fn export_to(&self, scope: &Scope, range: TimeRange, path: &Path) -> domain::Result<u64> {
        let mut out = AtomicFile::at(path);
        let written = self.export(scope, range, &mut out).await;
        out.finish(written)
    }
}

/// A question for a scope and its children, asked at [`NOW`].
pub fn ask(scope: &Scope, range: TimeRange) -> SummaryQuery {
    SummaryQuery {
        scope: scope.clone(),
        range,
        earlier: range.previous(),
        children: true,
        sites: false,
        metrics: MetricSelection::All,
        earlier_quantiles: MetricSelection::none(),
        course: None,
        changes: false,
        now: at(NOW),
    }
}

pub async fn take(sink: &dyn RecordSink, records: impl IntoIterator<Item = Value>) -> AppendCounts {
    let records = records.into_iter().map(record).collect();
    sink.append(&source("test.jsonl"), arrivals(records), &RefusedCounts::new()).await.expect("a batch that is taken")
}

pub fn source(name: &str) -> SourceId {
    SourceId { kind: "file".into(), name: name.into() }
}

pub fn arrivals(records: Vec<Record>) -> Vec<ReceivedRecord> {
    records.into_iter().zip(1..).map(|(record, line)| ReceivedRecord { record, line }).collect()
}

/// A record with the given fields laid over those of a plain one; null takes a field away.
pub fn record(fields: Value) -> Record {
    let plain = r#"{"timestamp":"2026-06-30T11:00:00Z","run_id":"r1","customer":"acme","site":"s1","zone":"z1",
                    "task":"detection"}"#;
    let mut map: Map<String, Value> = serde_json::from_str(plain).expect("an object");
    let Value::Object(fields) = fields else { panic!("fields of a record are an object") };
    map.extend(fields);
    Record::parse(map, at(NOW)).expect("a valid record")
}

pub fn at(text: &str) -> Millis {
    Millis::parse(text).expect("a time")
}

pub fn range(from: &str, to: &str) -> TimeRange {
    TimeRange::new(at(from), at(to)).expect("a range")
}

/// June 2026: holds nearly every record of the tests.
pub fn june() -> TimeRange {
    range("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z")
}

/// A scope from `customer/site/zone` (any part may be missing) and a type.
pub fn scope(place: &str, kind: &str) -> Scope {
    let mut parts = place.split('/').filter(|p| !p.is_empty());
    Scope::parse(parts.next(), parts.next(), parts.next(), None, Some(kind)).expect("a scope")
}

pub fn fleet() -> Scope {
    scope("", "production")
}

/// One metric of an answer.
pub fn metric<'a>(metrics: &'a [MetricSummary], key: &str) -> &'a MetricSummary {
    metrics.iter().find(|m| m.metric == key).unwrap_or_else(|| panic!("no {key} among {metrics:?}"))
}

/// One child of an answer, by the name of its deepest place.
pub fn child<'a>(summary: &'a Summary, name: &str) -> &'a ChildSummary {
    let is = |c: &&ChildSummary| {
        let deepest = c.scope.zone.as_ref().or(c.scope.site.as_ref()).or(c.scope.customer.as_ref());
        deepest.is_some_and(|n| n.as_str() == name)
    };
    summary.children.iter().find(is).unwrap_or_else(|| panic!("no child {name} in {summary:?}"))
}

/// Equal but for the rounding of sums that were added in another order.
pub fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}
