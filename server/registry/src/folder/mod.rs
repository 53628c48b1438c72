//! Reads a folder as MLflow's file store writes it (`mlruns`), and never writes into it:
//!
//! ```text
//! <experiment>/meta.yaml                 tags/<key>
//! <experiment>/<run>/meta.yaml           tags/<key>  params/<key>  metrics/<key>  inputs/<id>/meta.yaml  artifacts/
//! <experiment>/datasets/<id>/meta.yaml   models/<id>/meta.yaml
//! .trash/<experiment>                    deleted experiments
//! models/<name>/version-<n>/meta.yaml    registered models
//! ```
//!
//! A key may hold `/`; then it is a path below its folder. What MLflow is writing just now is left out and read the next time.

mod layout;
mod metric_file;
mod reader;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use domain::{
    error::{Error, Result},
    ports::{ArtifactBody, RunSelection, RunsPage, TrackingKind, TrackingStore},
    tracking::{
        ArtifactEntry, ArtifactPath, ByteRange, Experiment, ExperimentId, LoggedModel, MadeVersion, MetricPoint, Run,
        RunId,
    },
};

pub(crate) use self::layout::model_status;
use self::reader::Reader;
use crate::local::{artifacts::RunArtifacts, blocking, sentences};

/// A folder as MLflow's file store writes it.
pub struct FolderStore {
    reader: Arc<Reader>,
    address: String,
}

impl FolderStore {
    /// A folder that is not there yet is read when it comes.
    ///
    /// # Errors
    /// `Unavailable` when it is a file.
    #[expect(clippy::disallowed_methods, reason = "one look, before the server serves anybody")]
    pub fn open(path: &Path) -> Result<Self> {
        if std::fs::metadata(path).is_ok_and(|seen| !seen.is_dir()) {
            return Err(Error::unavailable(sentences::not_a_folder(path.display())));
        }
        Ok(Self { address: path.display().to_string(), reader: Arc::new(Reader::of(path)) })
    }

    async fn read<T: Send + 'static>(&self, work: impl FnOnce(&Reader) -> Result<T> + Send + 'static) -> Result<T> {
        let reader = Arc::clone(&self.reader);
        blocking(move || work(&reader)).await
    }

    /// The artifacts of a run, wherever the folder stands now.
    async fn files<T: Send + 'static>(
        &self,
        run: &RunId,
        work: impl FnOnce(&RunArtifacts) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let run = run.clone();
        self.read(move |reader| {
            let (folder, meta) = reader.find(&run)?;
            // In an address, its end says whether MLflow means the folder of the run.
            let own = [meta.experiment.as_str(), run.as_str(), "artifacts"].join("/");
            let is_own = meta.artifact_uri.is_empty() || meta.artifact_uri.ends_with(&format!("/{own}"));
            let is_local = !meta.artifact_uri.contains("://") || meta.artifact_uri.starts_with("file:");
            let guesses: Vec<PathBuf> = (is_own && is_local).then(|| folder.join("artifacts")).into_iter().collect();
            work(&RunArtifacts::find(reader.root(), &meta.artifact_uri, &guesses)?)
        })
        .await
    }
}

#[async_trait]
impl TrackingStore for FolderStore {
    fn kind(&self) -> TrackingKind {
        TrackingKind::Folder
    }

    fn address(&self) -> &str {
        &self.address
    }

    /// The folder says no version.
    async fn probe(&self) -> Result<Option<String>> {
        self.read(|reader| reader.experiment_folders().map(|_| None)).await
    }

    async fn experiments(&self) -> Result<Vec<Experiment>> {
        self.read(Reader::experiments).await
    }

    async fn runs(
        &self,
        experiments: &[ExperimentId],
        which: &RunSelection,
        most: usize,
        page: Option<&str>,
    ) -> Result<RunsPage> {
        let (experiments, which, page) = (experiments.to_vec(), which.clone(), page.map(str::to_owned));
        self.read(move |reader| reader.runs(experiments, &which, most, page.as_deref())).await
    }

    async fn run(&self, id: &RunId) -> Result<Run> {
        let id = id.clone();
        self.read(move |reader| reader.run(&id)).await
    }

    async fn history(&self, run: &RunId, metric: &str) -> Result<Vec<MetricPoint>> {
        let (run, metric) = (run.clone(), metric.to_owned());
        self.read(move |reader| reader.history(&run, &metric)).await
    }

    async fn artifacts(&self, run: &RunId, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        let folder = folder.clone();
        self.files(run, move |artifacts| artifacts.list(&folder)).await
    }

    async fn artifact(&self, run: &RunId, file: &ArtifactPath, range: Option<ByteRange>) -> Result<ArtifactBody> {
        let file = file.clone();
        self.files(run, move |artifacts| artifacts.file(&file, range)).await
    }

    async fn logged_models(&self, experiment: &ExperimentId, run: &RunId) -> Result<Vec<LoggedModel>> {
        let (experiment, run) = (experiment.clone(), run.clone());
        self.read(move |reader| reader.logged_models(&experiment, &run)).await
    }

    async fn model_versions(&self, run: &RunId) -> Result<Vec<MadeVersion>> {
        let run = run.clone();
        self.read(move |reader| reader.model_versions(&run)).await
    }
}

#[cfg(test)]
mod tests;
