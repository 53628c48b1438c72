//! The port, answered by MLflow's REST.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::Ordering,
    time::Instant,
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
use serde_json::json;

use super::{
    MAX_BODY, MlflowServer,
    explain::{says_missing, says_unknown_call},
    sentences,
    wire::{self, once},
};
use crate::egress::Failure;

const PAGE: usize = 500;
/// Points of a history that are asked for at once; some 3 MB.
const HISTORY_PAGE: usize = 25_000;
/// The longest history that is copied, in points.
const MAX_HISTORY: usize = 5_000_000;
/// An id that no run has: MLflow makes them at random.
const NOBODY: &str = "00000000000000000000000000000000";

/// Whether a list goes on, or goes round in circles: each part must bring something new and lead to another one.
pub(super) fn next_token(before: &str, token: String, new: usize) -> Option<Option<String>> {
    match token {
        token if token.is_empty() => Some(None),
        token if new == 0 || token == before => None,
        token => Some(Some(token)),
    }
}

impl MlflowServer {
    /// Whether it is MLflow that answered with nothing, which other programs do too: only MLflow says in its own way that it has no
    /// run of an id.
    pub(super) async fn prove(&self) -> Result<()> {
        let request = self.get("api/2.0/mlflow/runs/get", &[("run_id", NOBODY)]);
        let answer = self.send(request).await.map_err(|f| self.failed(f))?;
        match () {
            () if says_missing(&answer) => Ok(()),
            () if answer.status.is_success() => {
                Err(Error::unavailable(crate::sentences::not_an_mlflow(&self.address)).with_detail("{} for a run"))
            }
            () => Err(self.refused(&answer)),
        }
    }

    /// A part of the runs, in a smaller page where a larger one is more than we read.
    async fn search_runs(&self, query: &mut serde_json::Value, most: usize) -> Result<(Vec<Run>, String)> {
        let mut most = self.page_size(most);
        loop {
            query["max_results"] = most.into();
            let begun = Instant::now();
            let answer = match self.send(self.post("api/2.0/mlflow/runs/search", query)).await {
                Err(Failure::TooLarge(_)) if most > 1 => {
                    most /= 2;
                    self.most_runs.store(most, Ordering::Relaxed);
                    continue;
                }
                Err(failure @ Failure::TimedOut(_)) if most > 1 => {
                    // Next time.
                    self.most_runs.store(most / 2, Ordering::Relaxed);
                    return Err(self.failed(failure));
                }
                outcome => outcome.map_err(|f| self.failed(f))?,
            };
            if answer.body.len() < MAX_BODY / 4 && begun.elapsed() < self.timeouts.call / 4 {
                let _ =
                    self.most_runs.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| Some(n.saturating_mul(2)));
            }
            let page: wire::RunsPage<'_> = self.read(&answer)?;
            let runs = page.runs.into_iter().filter_map(wire::WireRun::into_domain).collect();
            return Ok((runs, page.next_page_token));
        }
    }
}

/// Where a list of runs goes on: what the last part held, and MLflow's token.
fn resume(token: &str, ids: u64) -> String {
    format!("{ids:x} {token}")
}

fn resumed(page: Option<&str>) -> (Option<u64>, &str) {
    let split = page.and_then(|p| p.split_once(' '));
    split.map_or((None, ""), |(ids, token)| (u64::from_str_radix(ids, 16).ok(), token))
}

#[async_trait]
impl TrackingStore for MlflowServer {
    fn kind(&self) -> TrackingKind {
        TrackingKind::Server
    }

    fn address(&self) -> &str {
        &self.address
    }

    async fn probe(&self) -> Result<Option<String>> {
        let query = json!({"max_results": 1, "view_type": "ALL"});
        let request = self.post("api/2.0/mlflow/experiments/search", &query);
        let answer = self.send(request).await.map_err(|f| self.failed(f))?;
        let page: wire::ExperimentsPage = self.read(&answer)?;
        if !page.experiments.into_iter().any(|e| e.into_domain().is_some()) {
            self.prove().await?;
        }
        // It has answered; a version that it does not tell is no failure.
        let answer = self.send(self.get("version", &[])).await.ok().filter(|a| a.status.is_success());
        let text = answer.and_then(|a| String::from_utf8(a.body.to_vec()).ok());
        let version = text.map(|t| t.trim().to_owned());
        let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
        Ok(version.filter(|v| (1..=32).contains(&v.len()) && v.chars().all(harmless)))
    }

    async fn experiments(&self) -> Result<Vec<Experiment>> {
        let (mut all, mut seen, mut token) = (vec![], HashSet::new(), String::new());
        loop {
            let mut query = json!({"max_results": PAGE, "view_type": "ALL"});
            if !token.is_empty() {
                query["page_token"] = token.as_str().into();
            }
            let request = self.post("api/2.0/mlflow/experiments/search", &query);
            let answer = self.send(request).await.map_err(|f| self.failed(f))?;
            let page: wire::ExperimentsPage = self.read(&answer)?;
            let mut new = Vec::with_capacity(page.experiments.len());
            for experiment in page.experiments {
                new.push(
                    experiment.into_domain().ok_or_else(|| self.nonsense("an experiment with an id that is none"))?,
                );
            }
            once(&mut new, &mut seen, |e| e.id.clone());
            let next = next_token(&token, page.next_page_token, new.len()).ok_or_else(|| self.endless())?;
            all.append(&mut new);
            match next {
                Some(next) => token = next,
                None => break,
            }
        }
        if all.is_empty() {
            self.prove().await?;
        }
        Ok(all)
    }

    async fn runs(
        &self,
        experiments: &[ExperimentId],
        which: &RunSelection,
        most: usize,
        page: Option<&str>,
    ) -> Result<RunsPage> {
        if experiments.is_empty() {
            return Ok(RunsPage::default());
        }
        let filter = match which {
            RunSelection::All => String::new(),
            // There is no OR; what is neither over nor unknown is running or scheduled.
            RunSelection::Running => {
                let over = ["FINISHED", "FAILED", "KILLED"];
                over.map(|status| format!("attributes.status != '{status}'")).join(" AND ")
            }
            RunSelection::StartedAfter(t) => format!("attributes.start_time > {}", t.0),
            RunSelection::EndedAfter(t) => format!("attributes.end_time > {}", t.0),
        };
        let (before, token) = resumed(page);
        let mut query = json!({"experiment_ids": experiments, "filter": filter, "run_view_type": "ACTIVE_ONLY"});
        if !token.is_empty() {
            query["page_token"] = token.into();
        }
        let (mut runs, next) = self.search_runs(&mut query, most).await?;
        once(&mut runs, &mut HashSet::new(), |r| r.id.clone());
        if runs.is_empty() && *which == RunSelection::All {
            // Whoever asks for all may forget what is not among them.
            self.prove().await?;
        }
        let mut ids = DefaultHasher::new();
        runs.iter().for_each(|r| r.id.hash(&mut ids));
        let ids = ids.finish();
        let new = if before == Some(ids) { 0 } else { runs.len() };
        let next = next_token(token, next, new).ok_or_else(|| self.endless())?;
        Ok(RunsPage { runs, next: next.map(|token| resume(&token, ids)) })
    }

    async fn run(&self, id: &RunId) -> Result<Run> {
        let request = self.get("api/2.0/mlflow/runs/get", &[("run_id", id.as_str())]);
        let answer = self.send(request).await.map_err(|f| self.failed(f))?;
        if says_missing(&answer) {
            return Err(Error::not_found(sentences::no_run(id)));
        }
        let one: wire::OneRun<'_> = self.read(&answer)?;
        one.run.into_domain().filter(|r| r.id == *id).ok_or_else(|| self.nonsense("another run, or none"))
    }

    async fn history(&self, run: &RunId, metric: &str) -> Result<Vec<MetricPoint>> {
        let (mut points, mut token): (Vec<MetricPoint>, _) = (vec![], String::new());
        let page_size = HISTORY_PAGE.to_string();
        loop {
            let mut query = vec![("run_id", run.as_str()), ("metric_key", metric), ("max_results", &page_size)];
            if !token.is_empty() {
                query.push(("page_token", &token));
            }
            let request = self.get("api/2.0/mlflow/metrics/get-history", &query);
            let answer = self.send(request).await.map_err(|f| self.failed(f))?;
            if says_missing(&answer) {
                return Ok(vec![]);
            }
            let page: wire::HistoryPage<'_> = self.read(&answer)?;
            let mut new = Vec::with_capacity(page.metrics.len());
            for metric in page.metrics {
                new.push(metric.into_point().ok_or_else(|| self.nonsense("a value that is no number"))?);
            }
            // Points that were logged meanwhile push others into the next part once more.
            new.drain(..overlap(&points, &new));
            let next = next_token(&token, page.next_page_token, new.len()).ok_or_else(|| self.endless())?;
            points.append(&mut new);
            match next {
                Some(_) if points.len() > MAX_HISTORY => {
                    let sentence = sentences::long_history(&self.address, MAX_HISTORY);
                    return Err(Error::unavailable(sentence));
                }
                Some(next) => token = next,
                None => break,
            }
        }
        // A server over a folder gives them as they were written.
        points.sort_by_key(|p| (p.timestamp, p.step));
        Ok(points)
    }

    async fn artifacts(&self, run: &RunId, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        self.list_artifacts(run, folder).await
    }

    async fn artifact(&self, run: &RunId, file: &ArtifactPath, range: Option<ByteRange>) -> Result<ArtifactBody> {
        self.open_artifact(run, file, range).await
    }

    async fn logged_models(&self, experiment: &ExperimentId, run: &RunId) -> Result<Vec<LoggedModel>> {
        let (mut all, mut seen, mut token) = (vec![], HashSet::new(), String::new());
        loop {
            // An id holds nothing that a filter would read otherwise.
            let filter = format!("source_run_id = '{run}'");
            let mut query = json!({"experiment_ids": [experiment], "max_results": 50, "filter": filter});
            if !token.is_empty() {
                query["page_token"] = token.as_str().into();
            }
            let request = self.post("api/2.0/mlflow/logged-models/search", &query);
            let answer = self.send(request).await.map_err(|f| self.failed(f))?;
            if says_unknown_call(&answer) || says_missing(&answer) {
                return Ok(all);
            }
            let page: wire::ModelsPage = self.read(&answer)?;
            let mut new: Vec<_> = page.models.into_iter().filter_map(|m| m.made_by(run)).collect();
            once(&mut new, &mut seen, |m| m.id.clone());
            let next = next_token(&token, page.next_page_token, new.len()).ok_or_else(|| self.endless())?;
            all.append(&mut new);
            match next {
                Some(next) => token = next,
                None => return Ok(all),
            }
        }
    }

    async fn model_versions(&self, run: &RunId) -> Result<Vec<MadeVersion>> {
        let (mut all, mut seen, mut token) = (vec![], HashSet::new(), String::new());
        let filter = format!("run_id = '{run}'");
        loop {
            let mut query = vec![("filter", filter.as_str()), ("max_results", "1000")];
            if !token.is_empty() {
                query.push(("page_token", &token));
            }
            let request = self.get("api/2.0/mlflow/model-versions/search", &query);
            let answer = self.send(request).await.map_err(|f| self.failed(f))?;
            if says_unknown_call(&answer) {
                return Ok(all);
            }
            let page: wire::VersionsPage = self.read(&answer)?;
            let mut new: Vec<_> = page.model_versions.into_iter().map(wire::WireVersion::into_domain).collect();
            once(&mut new, &mut seen, |v| (v.model.clone(), v.version.clone()));
            let next = next_token(&token, page.next_page_token, new.len()).ok_or_else(|| self.endless())?;
            all.append(&mut new);
            match next {
                Some(next) => token = next,
                None => break,
            }
        }
        all.sort();
        Ok(all)
    }
}

/// How many points at the end of `before` stand once more at the beginning of `after`.
fn overlap(before: &[MetricPoint], after: &[MetricPoint]) -> usize {
    let bits = |p: &MetricPoint| (p.timestamp, p.step, p.value.to_bits());
    let same = |n: &usize| before[before.len() - n..].iter().map(bits).eq(after[..*n].iter().map(bits));
    (1..=before.len().min(after.len())).rev().find(same).unwrap_or_default()
}
