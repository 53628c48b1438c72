//! The ports: what the domain needs from outside. Each port has one contract suite (server/tests/contract) that all adapters pass.

mod access;
#[cfg(feature = "evidence")]
mod comparisons;
#[cfg(feature = "evidence")]
mod models;
#[cfg(feature = "search")]
mod run_catalog;
mod tracking;
#[cfg(feature = "evidence")]
mod webhooks;

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::{
    cells::{CellGroup, CellsQuery, NameTable, QueryCost},
    declarations::Declarations,
    error::{Result, Sentence},
    metric::BUILT_IN_COUNT,
    model::RegistryVersions,
    query::{Directory, MetricColumn, MetricSelection, ModelChange, Records, RecordsQuery, SelectedMetrics},
    record::{Record, RecordIdentity},
    scope::Scope,
    state::{HealthReport, Transitions},
    text::Name,
    time::{Day, Millis, TimeRange},
};

pub use self::access::{
    ChangeOutcome, CreateOutcome, IdempotencyKey, IdempotencyKeys, SavedViews, SessionStart, Sessions, Tokens,
};
#[cfg(feature = "evidence")]
pub use self::comparisons::{ComparisonId, Comparisons, KeptComparison, KeptPolicy, KeptVerdict, RegisterOutcome};
#[cfg(feature = "evidence")]
pub use self::models::{
    BeginOutcome, EmbeddedModels, EventsQuery, KeptOperation, KeptRequest, ModelCatalog, ModelLock, ModelLocks,
    ModelRegistry, NewVersion, OperationKey, RawEvent, RegistryCopies, RegistryKind, RegistryLog, RegistryStatus,
};
#[cfg(feature = "search")]
pub use self::run_catalog::{CopyStatus, HistoryCopy, MadeByRun, RunCatalog};
pub use self::tracking::{
    ArtifactBody, CopyChanges, KeptCopy, RunSelection, RunsPage, TrackingCopies, TrackingKind, TrackingStore,
};
#[cfg(feature = "evidence")]
pub use self::webhooks::{AttemptOutcome, ClaimedDelivery, DeliveriesQuery, NewWebhook, WebhookOutbox, WebhookSender};

/// The clock, so that tests can hold it still.
pub trait Clock: Send + Sync {
    fn now(&self) -> Millis;
}

/// The answer to a [`CellsQuery`].
pub struct CellsAnswer {
    /// What was known when the rows were read; names, health and expectations of the same moment.
    pub view: Arc<dyn MetricsSnapshot>,
    pub words: Arc<NameTable>,
    /// By key, and of one key by part: whoever takes them in this order holds one site at a time.
    pub groups: BoxStream<'static, Result<CellGroup>>,
    pub cost: QueryCost,
}

/// Answers queries about records.
#[async_trait]
pub trait MetricsStore: Send + Sync {
    /// What is known now without reading a row. Cheap.
    fn view(&self) -> Arc<dyn MetricsSnapshot>;
    /// The generation of what queries are answered from, as subscribers were notified last. It never falls.
    fn notified_generation(&self) -> i64;
    /// Waits until [`MetricsStore::notified_generation`] is another than `seen`, and returns it: at once for commits of this process, for those of
    /// others as soon as [`Maintenance::follow`] has looked, and when a part of the records is left out or comes back. What has moved
    /// before is heard of too, so nothing is lost between two calls.
    async fn wait_for_change(&self, seen: i64) -> i64;
    /// Aggregates: one query type for all of them.
    ///
    /// # Errors
    /// `Unavailable` when the records cannot be read.
    async fn cells(&self, query: &CellsQuery) -> Result<CellsAnswer>;
    /// How places changed their state, in order: what came after the change of a number, or with 0 all that is remembered.
    /// [`MetricsSnapshot::generation_in`] moves with each.
    fn transitions(&self, after: u64) -> Transitions;
    /// The rows themselves, newest first.
    ///
    /// # Errors
    /// `NotFound` for unknown names, `BadInput` for an unknown metric, `Unavailable` when the records cannot be read.
    async fn records(&self, query: &RecordsQuery) -> Result<Records>;
    /// Writes the records of a range as Parquet that can be ingested again: all of them or none. Returns the number of rows.
    ///
    /// # Errors
    /// `Unavailable` when the output takes no more, or naming what cannot be read; what was written by then is invalid.
    async fn export(&self, scope: &Scope, range: TimeRange, to: &mut dyn RestartableWriter) -> Result<u64>;
}

/// Takes bytes one after the other, and can begin again with none.
pub trait RestartableWriter: std::io::Write + Send {
    /// Called before the first byte, and again when what was written so far does not count.
    ///
    /// # Errors
    /// When it cannot be written.
    fn begin(&mut self) -> std::io::Result<()>;
}

/// Periodic maintenance of the store. Jobs call it again and again; each call is cheap when there is
/// nothing to do.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Looks whether others have written, and follows. True when they had.
    ///
    /// # Errors
    /// `Unavailable` when that cannot be read.
    async fn follow(&self) -> Result<bool>;
    /// Lets time pass: places that brought nothing grow late and stale. Returns how many changed their state since it was looked
    /// last; subscribers are notified. The first call begins it: from then on the health of now is kept, and what
    /// is the case then is no change.
    async fn advance_clock(&self) -> usize;
    /// Looks once whether all that is kept is there and looks as it did, reading only what does not: queries may be answered from
    /// memory and do not look. Returns how many parts of the records are left out since.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be listed what is there.
    async fn inspect(&self) -> Result<usize>;
    /// Tries again what could not be read. Returns how many parts of the records are asked again from now on.
    ///
    /// # Errors
    /// `Unavailable` when what was found cannot be kept.
    async fn retry_unreadable(&self) -> Result<usize>;
    /// Merges small parts where many have come together, in the background. False when others overtook it.
    ///
    /// # Errors
    /// `Unavailable`, naming what cannot be written.
    async fn merge(&self) -> Result<bool>;
    /// Uses these declarations in all answers from now on.
    ///
    /// # Errors
    /// `Unavailable` when the records cannot be followed; then it is so from the next commit on.
    async fn declare(&self, declared: Arc<Declarations>) -> Result<()>;
    /// Uses what a registry says of the models that rows name in all answers from now on.
    ///
    /// # Errors
    /// As [`Maintenance::declare`].
    async fn link(&self, links: Arc<RegistryVersions>) -> Result<()>;
}

/// What is known of the records at one moment without reading any: names, expectations, health. It does not change; a later
/// moment has a view of its own.
pub trait MetricsSnapshot: Send + Sync {
    /// A number that changes whenever an answer could.
    fn generation(&self) -> i64;
    /// The same of answers about a scope: records elsewhere leave it as it is. The base of ETags.
    fn generation_in(&self, scope: &Scope) -> i64;
    /// The same for an actor bound to one customer: nothing outside of it is counted or named.
    fn restricted_to(self: Arc<Self>, customer: &Name) -> Arc<dyn MetricsSnapshot>;
    /// Where the sites expected to report a metric are counted, in the reports of [`MetricsSnapshot::health`]; `None` when there was no room.
    fn site_count_index(&self, column: &MetricColumn) -> Option<usize> {
        site_count_index(self.directory(), column)
    }
    /// The newest arrival.
    fn as_of(&self) -> Option<Millis>;
    /// What there is to ask about.
    fn directory(&self) -> &Arc<Directory>;
    /// The metrics that a query is about, of a scope and the ranges that it looks at.
    fn select_metrics(&self, metrics: &MetricSelection, scope: &Scope, ranges: &[TimeRange]) -> SelectedMetrics;
    /// How the places of a scope deliver at the end of a range, or now if that is before; reports are counted within the range.
    fn health(&self, scope: &Scope, range: &TimeRange, now: Millis) -> HealthReport;
    /// When the scope's records begin, on whichever device, if that is after `begin` and before `end`.
    fn since(&self, scope: &Scope, begin: Millis, end: Millis) -> Option<Millis>;
    /// Model versions that zones of the scope ran for the first time within the range; at most twenty.
    fn model_changes(&self, scope: &Scope, range: &TimeRange) -> Vec<ModelChange>;
    /// Records by day of event, in order of days.
    fn volume(&self) -> Vec<(Day, u64)>;
    /// Parts of the records that cannot be read, with the reason.
    fn unreadable(&self) -> Vec<UnreadablePart>;
}

/// Where the count of a metric stands in [`crate::state::MetricSiteCounts`]; `None` when there was no room for it.
fn site_count_index(directory: &Directory, column: &MetricColumn) -> Option<usize> {
    match column {
        MetricColumn::BuiltIn(i) => Some(*i),
        MetricColumn::Custom(name) => directory.custom.index_of(name).map(|i| i + BUILT_IN_COUNT).filter(|b| *b < 64),
    }
}

/// A part of the records that the last read could not use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadablePart {
    /// As the log names it.
    pub name: String,
    pub day: Day,
    pub rows: u64,
    pub reason: Sentence,
}

/// A job that runs in the background, as its supervisor knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobReport {
    /// For programs.
    pub name: &'static str,
    /// What it does, for people.
    pub title: Sentence,
    pub state: JobState,
    /// How often it began again.
    pub restarts: u64,
    /// What went wrong last, whether it still does or not.
    pub error: Option<Sentence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Running,
    /// It runs with an error.
    Troubled,
    /// It failed and will begin again.
    Restarting,
    /// It had nothing more to do, or was asked to stop.
    Ended,
}

/// The name under which the simulated fleet delivers.
pub const DEMO_SOURCE: &str = "simulated fleet";

/// Takes records into the lake.
#[async_trait]
pub trait RecordSink: Send + Sync {
    /// Stores several batches in one transaction: all of them or none, each with the progress of its source. The counts
    /// are each batch's own, in the order given. Repeating changes nothing. What is withdrawn goes before any record comes: a row that
    /// a batch of the same transaction brings again stays, whoever withdraws it.
    ///
    /// # Errors
    /// `Unavailable`, naming what cannot be written.
    async fn append_all(&self, batches: Vec<Batch>) -> Result<Vec<AppendCounts>>;
    /// [`RecordSink::append_all`] for a single batch.
    ///
    /// # Errors
    /// `Unavailable`, naming what cannot be written.
    async fn append(
        &self,
        source: &SourceId,
        records: Vec<ReceivedRecord>,
        refused: &RefusedCounts,
    ) -> Result<AppendCounts> {
        let records = Arc::new(records);
        let batch = Batch { source: source.clone(), records, refused: refused.clone(), ..Batch::default() };
        Ok(self.append_all(vec![batch]).await?.first().copied().unwrap_or_default())
    }
    /// Merges small parts of the same day, a bounded number of rows at a time; batches are taken meanwhile. Idempotent.
    ///
    /// # Errors
    /// `Unavailable`, naming what cannot be written.
    async fn compact(&self) -> Result<()>;
    /// Deletes all simulated records. Returns how many.
    ///
    /// # Errors
    /// `Unavailable`, naming what cannot be written.
    async fn remove_simulated(&self) -> Result<u64>;
}

/// A valid record with where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedRecord {
    pub record: Record,
    /// Line (or row) in the source, from 1; 0 where it has none.
    pub line: u64,
}

/// What one source brings to one commit.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub source: SourceId,
    /// Shared, so that a batch can be tried again without a copy of it.
    pub records: Arc<Vec<ReceivedRecord>>,
    /// Rows that the source does not vouch for any more, by their identity: they count no longer and are kept aside. One that is not
    /// there is no error.
    pub withdrawn: Arc<Vec<RecordIdentity>>,
    pub refused: RefusedCounts,
    /// How the reading of the source moves on.
    pub progress: ReadProgress,
}

/// How the reading of a source moves on with a commit.
#[derive(Debug, Clone, Default)]
pub struct ReadProgress {
    /// Read from its beginning again: what the last read refused is forgotten first.
    pub anew: bool,
    /// With this everything that there is has been read, and an earlier failure is over.
    pub caught_up: bool,
    /// Where the reading goes on, when its reader wants that remembered.
    pub position: Option<ReadPosition>,
    /// What became of single items of the source, when its reader wants that remembered.
    pub items: Vec<SourceItem>,
}

/// One of the things that a source consists of, such as a run, and what became of it, as its reader wrote it; nobody else reads that.
/// Kept in the transaction that publishes the rows; a later state takes the place of an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceItem {
    pub key: String,
    pub state: String,
}

/// What readers of sources remember of single items.
#[async_trait]
pub trait SourceItems: Send + Sync {
    /// All items of a source, in order of their keys.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn source_items(&self, source: &SourceId) -> Result<Vec<SourceItem>>;
}

/// How far the reading of a source has come, as its reader wrote it; nobody else reads it. Kept in the transaction that
/// publishes the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadPosition {
    /// Given by the reader, once for each thing that it reads; a later position takes the place of an earlier one.
    pub id: i64,
    pub state: String,
}

/// Where records came from: what somebody named, a watched folder, a program, standard input, the demo.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceId {
    /// What kind, such as `folder`, `api` or `demo`.
    pub kind: String,
    /// Its name as people know it, the same for every actor.
    pub name: String,
}

/// Refused rows by reason code.
pub type RefusedCounts = std::collections::BTreeMap<String, u64>;

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AppendCounts {
    /// New identities.
    pub taken: u64,
    /// Equal identity and equal content.
    pub duplicate: u64,
    /// Equal identity, other content: the last arrival counts now, the old row is kept aside.
    pub corrected: u64,
    /// Rows that count no longer and are kept aside.
    pub withdrawn: u64,
}

/// Small settings that outlive the process, such as when the demo began.
#[async_trait]
pub trait KeyValueStore: Send + Sync {
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn note(&self, key: &str) -> Result<Option<String>>;
    /// Notes a value, or forgets it.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be written.
    async fn set_value(&self, key: &str, value: Option<&str>) -> Result<()>;
}

/// The ledger of sources: what each delivered, when, and what was refused.
#[async_trait]
pub trait SourceLedger: Send + Sync {
    /// All sources, those with errors first, then the freshest.
    ///
    /// # Errors
    /// `Unavailable` when the ledger cannot be read.
    async fn sources(&self) -> Result<Vec<SourceReport>>;
    /// Notes that a source is about to be read from its beginning: what the last read refused is forgotten.
    ///
    /// # Errors
    /// `Unavailable` when the ledger cannot be written.
    async fn read_started(&self, source: &SourceId, at: Millis) -> Result<()>;
    /// Notes that a source could not be read at all.
    ///
    /// # Errors
    /// `Unavailable` when the ledger cannot be written.
    async fn read_failed(&self, source: &SourceId, at: Millis, reason: &Sentence) -> Result<()>;
    /// Notes that a source was read to its end.
    ///
    /// # Errors
    /// `Unavailable` when the ledger cannot be written.
    async fn read_finished(&self, source: &SourceId, at: Millis) -> Result<()>;
}

/// What is known of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    pub source: SourceId,
    pub first: Millis,
    pub last: Millis,
    /// Newest event time among its records.
    pub newest: Option<Millis>,
    /// Over all reads.
    pub taken: u64,
    pub corrected: u64,
    pub withdrawn: u64,
    /// Of the last read.
    pub duplicate: u64,
    pub refused: RefusedCounts,
    /// Why the last read failed; `None` when it did not.
    pub error: Option<Sentence>,
    /// Whether it was read to its end.
    pub finished: bool,
}

impl SourceReport {
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }
}
