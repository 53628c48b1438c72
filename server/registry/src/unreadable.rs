//! A source that cannot be opened: everything else is served all the same, and whoever asks is told why.

use async_trait::async_trait;
use domain::{
    Error, Result,
    ports::{ArtifactBody, RunSelection, RunsPage, TrackingKind, TrackingStore},
    tracking::{
        ArtifactEntry, ArtifactPath, ByteRange, Experiment, ExperimentId, LoggedModel, MadeVersion, MetricPoint, Run,
        RunId,
    },
};

/// Answers everything with the error.
pub struct UnreadableStore {
    pub kind: TrackingKind,
    pub address: String,
    pub error: Error,
}

impl UnreadableStore {
    fn refuse<T>(&self) -> Result<T> {
        Err(self.error.clone())
    }
}

#[async_trait]
impl TrackingStore for UnreadableStore {
    fn kind(&self) -> TrackingKind {
        self.kind
    }
    fn address(&self) -> &str {
        &self.address
    }
    async fn probe(&self) -> Result<Option<String>> {
        self.refuse()
    }
    async fn experiments(&self) -> Result<Vec<Experiment>> {
        self.refuse()
    }
    async fn runs(&self, _: &[ExperimentId], _: &RunSelection, _: usize, _: Option<&str>) -> Result<RunsPage> {
        self.refuse()
    }
    async fn run(&self, _: &RunId) -> Result<Run> {
        self.refuse()
    }
    async fn history(&self, _: &RunId, _: &str) -> Result<Vec<MetricPoint>> {
        self.refuse()
    }
    async fn artifacts(&self, _: &RunId, _: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        self.refuse()
    }
    async fn artifact(&self, _: &RunId, _: &ArtifactPath, _: Option<ByteRange>) -> Result<ArtifactBody> {
        self.refuse()
    }
    async fn logged_models(&self, _: &ExperimentId, _: &RunId) -> Result<Vec<LoggedModel>> {
        self.refuse()
    }
    async fn model_versions(&self, _: &RunId) -> Result<Vec<MadeVersion>> {
        self.refuse()
    }
}
