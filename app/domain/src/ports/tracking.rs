//! The ports of experiments and runs: where they are, and where our copy of them is kept.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;

use crate::{
    error::Result,
    time::Millis,
    tracking::{
        ArtifactEntry, ArtifactPath, ByteRange, Experiment, ExperimentId, LoggedModel, MadeVersion, MetricPoint, Run,
        RunId,
    },
};

/// What kind of place experiments and runs are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackingKind {
    /// An MLflow tracking server.
    Server,
    /// A folder as MLflow's file store writes it (`mlruns`).
    Folder,
    /// An SQLite database as MLflow writes it (`mlflow.db`).
    Database,
}

/// Which runs a reader wants, over all experiments or a few. Deleted ones are never among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunSelection {
    All,
    /// Those that are running or scheduled.
    Running,
    /// Those that started after a moment.
    StartedAfter(Millis),
    /// Those that ended after a moment.
    EndedAfter(Millis),
}

/// A part of a list of runs.
#[derive(Debug, Clone, Default)]
pub struct RunsPage {
    pub runs: Vec<Run>,
    /// Asks for the next part; `None` when there is none. Only the adapter that made it reads it. Rows may come twice, or not at
    /// all, where others write meanwhile.
    pub next: Option<String>,
}

/// A file of a run, or a part of it, as it comes.
pub struct ArtifactBody {
    /// Of the whole file, in bytes, where it is known.
    pub size: Option<u64>,
    /// First byte and one behind the last, when a part was asked for and is what comes.
    pub range: Option<(u64, u64)>,
    pub bytes: BoxStream<'static, Result<Vec<u8>>>,
}

/// Where experiments and runs are: an MLflow server, a folder or a database file. Reads only. Every call ends in bounded time
/// (but for the bytes of an artifact, of which each piece does).
///
/// Errors say in a sentence what is wrong and what cures it: `Unavailable` when it does not answer, answers nonsense or refuses us,
/// `NotFound` for a run or a file that is not there.
#[async_trait]
pub trait TrackingStore: Send + Sync {
    fn kind(&self) -> TrackingKind;
    /// Where it is, as it may be shown: no password.
    fn address(&self) -> &str;
    /// Whether it answers a real question, and the version that it says it has.
    ///
    /// # Errors
    /// As the trait says.
    async fn probe(&self) -> Result<Option<String>>;
    /// All experiments, deleted ones too.
    ///
    /// # Errors
    /// As the trait says.
    async fn experiments(&self) -> Result<Vec<Experiment>>;
    /// A part of the runs of `experiments`; the first one without `page`. `most` is at least 1.
    ///
    /// # Errors
    /// As the trait says.
    async fn runs(
        &self,
        experiments: &[ExperimentId],
        which: &RunSelection,
        most: usize,
        page: Option<&str>,
    ) -> Result<RunsPage>;
    /// One run, also a deleted one.
    ///
    /// # Errors
    /// As the trait says; `NotFound` when there is none.
    async fn run(&self, id: &RunId) -> Result<Run>;
    /// The whole history of a metric of a run, in the order in which it was logged: by timestamp and step. Empty for a run or metric
    /// that is not there.
    ///
    /// # Errors
    /// As the trait says.
    async fn history(&self, run: &RunId, metric: &str) -> Result<Vec<MetricPoint>>;
    /// What is in a folder of a run's artifacts, by path. Another folder than the root is `NotFound` when it is not there or is a file.
    ///
    /// # Errors
    /// As the trait says.
    async fn artifacts(&self, run: &RunId, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>>;
    /// A file of a run. A range that begins behind its end is `BadInput`.
    ///
    /// # Errors
    /// As the trait says.
    async fn artifact(&self, run: &RunId, file: &ArtifactPath, range: Option<ByteRange>) -> Result<ArtifactBody>;
    /// The models that a run logged; empty where the store knows none.
    ///
    /// # Errors
    /// As the trait says.
    async fn logged_models(&self, experiment: &ExperimentId, run: &RunId) -> Result<Vec<LoggedModel>>;
    /// The versions of registered models that were made from a run; empty where the store has no registry.
    ///
    /// # Errors
    /// As the trait says.
    async fn model_versions(&self, run: &RunId) -> Result<Vec<MadeVersion>>;
}

/// What a step of copying changed, to be kept in one transaction.
#[derive(Debug, Clone, Default)]
pub struct CopyChanges {
    /// New ones and changed ones.
    pub experiments: Vec<Arc<Experiment>>,
    pub removed_experiments: Vec<ExperimentId>,
    /// New ones and changed ones.
    pub runs: Vec<Arc<Run>>,
    pub removed_runs: Vec<RunId>,
    /// How far copying has come; text that only the copier reads.
    pub progress: String,
    /// The moment of which the copy is true from now on.
    pub as_of: Millis,
}

/// What was kept of a source.
#[derive(Debug, Clone, Default)]
pub struct KeptCopy {
    pub experiments: Vec<Experiment>,
    pub runs: Vec<Run>,
    pub progress: String,
    pub as_of: Option<Millis>,
}

/// Keeps our copies of experiments and runs, so that a restart shows them at once. `source` is the address of a [`TrackingStore`]:
/// another address is another copy.
#[async_trait]
pub trait TrackingCopies: Send + Sync {
    /// What is kept of a source; nothing of one that was never copied. What cannot be read any more is left out.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn load_copy(&self, source: &str) -> Result<KeptCopy>;
    /// Keeps changes, and forgets copies of other sources. Returns whether there was a copy of this source: otherwise it consists of
    /// these changes alone now, because it is new or because a copy of another source had taken its place.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn save_copy(&self, source: &str, changes: &CopyChanges) -> Result<bool>;
}
