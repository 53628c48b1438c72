//! The port by which use cases read the copy of experiments and runs.

use std::sync::Arc;

use async_trait::async_trait;

use super::tracking::{ArtifactBody, TrackingKind};
use crate::{
    error::{Result, Sentence},
    time::Millis,
    tracking::{
        ArtifactEntry, ArtifactPath, ByteRange, ExperimentId, LoggedModel, MadeVersion, MetricPoint, Run, RunId,
        RunIndex,
    },
};

/// How the copy stands to what it is a copy of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyStatus {
    pub kind: TrackingKind,
    /// Where the original is, as it may be shown.
    pub address: String,
    /// As the original last said it.
    pub version: Option<String>,
    /// The moment of which the copy is true; `None` before anything was copied.
    pub as_of: Option<Millis>,
    /// Whether every run has been seen once. Until then totals are lower bounds.
    pub complete: bool,
    /// Why the original does not answer, with the cure; `None` while it does.
    pub error: Option<Sentence>,
    /// What the original is warned for although it answers, such as an old version.
    pub warning: Option<Sentence>,
}

/// The history of a metric, as far as it was copied.
#[derive(Debug, Clone)]
pub struct HistoryCopy {
    /// In the order in which they were logged; `None` when none was copied yet. Asking queues it.
    pub points: Option<Arc<Vec<MetricPoint>>>,
    /// Whether it holds all that the original has: the run is over and everything was copied.
    pub complete: bool,
    pub as_of: Option<Millis>,
    /// Why it could not be copied when it was last tried.
    pub error: Option<Sentence>,
}

/// The copy of experiments and runs. Nothing here waits for the original but [`RunCatalog::artifacts`], [`RunCatalog::artifact`]
/// and [`RunCatalog::wait_for_history`], each within bounded time.
#[async_trait]
pub trait RunCatalog: Send + Sync {
    /// What was copied, as it is now. It does not change; a later moment has an index of its own.
    fn index(&self) -> Arc<RunIndex>;
    fn status(&self) -> CopyStatus;
    /// Moves whenever [`RunCatalog::index`] or the error of [`RunCatalog::status`] does, and when something that was asked for was copied
    /// for the first time. No two processes of ours begin with the same number.
    fn generation(&self) -> u64;
    /// Waits until the generation is another than `seen`, and returns it.
    async fn wait_for_change(&self, seen: u64) -> u64;
    /// The copied history of a metric. What is not there, or is old while its run runs, is queued to be copied.
    fn history(&self, run: &Run, metric: &str) -> HistoryCopy;
    /// Waits until the history of a metric was copied, or could not be, or `millis` have passed.
    async fn wait_for_history(&self, run: &Run, metric: &str, millis: u64) -> HistoryCopy;
    /// Queues the histories of a metric of runs, so that their smallest and largest values become known. Returns how many were new.
    fn queue_histories(&self, runs: &[Arc<Run>], metric: &str) -> usize;
    /// What is in a folder of a run's artifacts, asked of the original.
    ///
    /// # Errors
    /// As [`super::TrackingStore`].
    async fn artifacts(&self, run: &RunId, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>>;
    /// A file of a run, asked of the original.
    ///
    /// # Errors
    /// As [`super::TrackingStore`].
    async fn artifact(&self, run: &RunId, file: &ArtifactPath, range: Option<ByteRange>) -> Result<ArtifactBody>;
    /// What a run made, as far as it was copied; asking queues it. `None` when it is not known yet.
    fn made_by(&self, experiment: &ExperimentId, run: &RunId) -> Option<Arc<MadeByRun>>;
    /// The same; asking queues nothing.
    fn known_products(&self, run: &RunId) -> Option<Arc<MadeByRun>>;
}

/// What a run made.
#[derive(Debug, Clone, Default)]
pub struct MadeByRun {
    pub logged_models: Vec<LoggedModel>,
    pub versions: Vec<MadeVersion>,
}
