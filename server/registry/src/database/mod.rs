//! Reads an SQLite database as MLflow writes it (`mlflow.db`), and never writes into it. Every call opens the file anew, so one that was
//! replaced is seen, and every statement ends before the next: MLflow waits for us as long as one statement takes.

mod connection;
mod rows;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use domain::{
    error::{Error, Result},
    ports::{ArtifactBody, RunSelection, RunsPage, TrackingKind, TrackingStore},
    scope::clip_text,
    tracking::{
        ArtifactEntry, ArtifactPath, ByteRange, Experiment, ExperimentId, LoggedModel, MadeVersion, MetricPoint, Run,
        RunId,
    },
};

use self::connection::Connection;
use crate::local::{
    artifacts::{RunArtifacts, proxied_path},
    blocking, is_sqlite, sentences,
};

/// The most runs of a page: a statement about more would keep MLflow waiting.
const MOST_RUNS: usize = 1_000;

/// An SQLite database as MLflow writes it.
pub struct DatabaseStore {
    path: PathBuf,
    address: String,
}

impl DatabaseStore {
    /// A file that is not there yet is read when it comes.
    ///
    /// # Errors
    /// `Unavailable` when it is there and no database of SQLite.
    #[expect(clippy::disallowed_methods, reason = "one look, before the server serves anybody")]
    pub fn open(path: &Path) -> Result<Self> {
        if std::fs::metadata(path).is_ok_and(|seen| seen.len() > 0) && !is_sqlite(path) {
            return Err(Error::unavailable(sentences::not_a_database(path.display())));
        }
        Ok(Self { path: path.to_owned(), address: path.display().to_string() })
    }

    async fn connect(&self) -> Result<Connection> {
        Connection::open(&self.path).await
    }

    /// The artifacts of a run, as far as they lie below the folder of the database.
    async fn files<T: Send + 'static>(
        &self,
        run: &RunId,
        work: impl FnOnce(&RunArtifacts) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let run = self.run(run).await?;
        let root = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        blocking(move || {
            let uri = &*run.artifact_uri;
            let own = [run.experiment.as_str(), run.id.as_str(), "artifacts"].join("/");
            // The whole was moved: where MLflow puts artifacts beside a database unless it is told otherwise.
            let moved = uri.ends_with(&format!("/mlruns/{own}")).then(|| Path::new("mlruns").join(&own));
            let guesses: Vec<PathBuf> = moved.into_iter().chain(proxied_path(uri)).collect();
            work(&RunArtifacts::find(&root, uri, &guesses)?)
        })
        .await
    }
}

#[async_trait]
impl TrackingStore for DatabaseStore {
    fn kind(&self) -> TrackingKind {
        TrackingKind::Database
    }

    fn address(&self) -> &str {
        &self.address
    }

    /// The database says which migrations it has seen, not which MLflow made it.
    async fn probe(&self) -> Result<Option<String>> {
        self.connect().await?.done(Ok(None)).await
    }

    async fn experiments(&self) -> Result<Vec<Experiment>> {
        let mut db = self.connect().await?;
        let answer = db.experiments().await;
        db.done(answer).await
    }

    async fn runs(
        &self,
        experiments: &[ExperimentId],
        which: &RunSelection,
        most: usize,
        page: Option<&str>,
    ) -> Result<RunsPage> {
        let most = most.clamp(1, MOST_RUNS);
        let mut db = self.connect().await?;
        let answer = db.runs(experiments, which, most, page.unwrap_or_default()).await;
        let (runs, next) = db.done(answer).await?;
        Ok(RunsPage { runs, next })
    }

    async fn run(&self, id: &RunId) -> Result<Run> {
        let mut db = self.connect().await?;
        let answer = db.run(id).await;
        let run = db.done(answer).await?;
        run.ok_or_else(|| Error::not_found(sentences::no_run(clip_text(id.as_str()))))
    }

    async fn history(&self, run: &RunId, metric: &str) -> Result<Vec<MetricPoint>> {
        let mut db = self.connect().await?;
        let answer = db.history(run, metric).await;
        db.done(answer).await
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
        let mut db = self.connect().await?;
        let answer = db.logged_models(experiment, run).await;
        db.done(answer).await
    }

    async fn model_versions(&self, run: &RunId) -> Result<Vec<MadeVersion>> {
        let mut db = self.connect().await?;
        let answer = db.model_versions(run).await;
        db.done(answer).await
    }
}

#[cfg(test)]
mod tests;
