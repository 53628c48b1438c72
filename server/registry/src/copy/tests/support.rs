//! An original that does what a test says, where the test keeps its copy, and a clock that goes with tokio's.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Error, Result,
    ports::{
        ArtifactBody, Clock, CopyChanges, KeptCopy, RunSelection, RunsPage, TrackingCopies, TrackingKind, TrackingStore,
    },
    time::Millis,
    tracking::{
        ArtifactEntry, ArtifactPath, ByteRange, Experiment, ExperimentId, Lifecycle, LoggedModel, MadeVersion,
        MetricPoint, Run, RunId, RunMetric, RunStatus, Text,
    },
};
use tokio::time::Instant;

use super::super::sentences;

/// When tests begin.
pub const START: i64 = 1_800_000_000_000;

/// Begins at [`START`] and goes with tokio's time, which tests hold still.
pub struct TokioClock(pub Instant);

impl Clock for TokioClock {
    fn now(&self) -> Millis {
        Millis(START + i64::try_from(self.0.elapsed().as_millis()).unwrap_or(0))
    }
}

/// How the original behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// Connections are refused.
    Killed,
    /// Nothing is ever answered.
    Frozen,
    /// It answers the probe alone.
    Broken,
}

#[derive(Debug)]
pub struct Script {
    pub mood: Mood,
    pub experiments: BTreeMap<ExperimentId, Experiment>,
    pub runs: BTreeMap<RunId, Run>,
    pub histories: BTreeMap<(RunId, String), Vec<MetricPoint>>,
    /// Each question with its time.
    pub asked: Vec<(Instant, String)>,
    /// How long an answer takes.
    pub takes: Duration,
    /// Deleted when so many pages of all runs were given.
    pub delete_after_page: Option<(usize, RunId)>,
    pub pages: usize,
    /// Rows in a page, at most.
    pub rows: usize,
    /// Lists of all runs are empty, although the runs are there.
    pub lists_nothing: bool,
}

/// A tracking server in memory, with pages by offset as MLflow has them.
pub struct Original {
    script: Mutex<Script>,
    /// Clocks of all processes begin here.
    pub begun: Instant,
}

impl Original {
    pub fn new() -> Arc<Self> {
        let takes = Duration::from_millis(20);
        let script = Mutex::new(Script {
            mood: Mood::Well,
            experiments: BTreeMap::new(),
            runs: BTreeMap::new(),
            histories: BTreeMap::new(),
            asked: vec![],
            takes,
            delete_after_page: None,
            pages: 0,
            rows: usize::MAX,
            lists_nothing: false,
        });
        Arc::new(Self { script, begun: Instant::now() })
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("a script")
    }

    pub fn add_experiment(&self, id: &str, lifecycle: Lifecycle) {
        let e = experiment(id, lifecycle);
        self.script().experiments.insert(e.id.clone(), e);
    }

    pub fn add_run(&self, run: Run) {
        self.script().runs.insert(run.id.clone(), run);
    }

    pub fn change_run(&self, id: &str, change: impl FnOnce(&mut Run)) {
        change(self.script().runs.get_mut(&run_id(id)).expect("a run"));
    }

    /// How many questions whose text contains this were asked since.
    pub fn asked(&self, what: &str, since: Instant) -> usize {
        self.script().asked.iter().filter(|(at, text)| *at >= since && text.contains(what)).count()
    }

    async fn ask(&self, what: String) -> Result<()> {
        let (mood, takes) = {
            let mut script = self.script();
            script.asked.push((Instant::now(), what.clone()));
            (script.mood, script.takes)
        };
        match mood {
            Mood::Killed => return Err(away("killed")),
            Mood::Frozen => std::future::pending().await,
            Mood::Broken if what != "probe" => {
                tokio::time::sleep(takes).await;
                return Err(away("broken"));
            }
            Mood::Well | Mood::Broken => {}
        }
        tokio::time::sleep(takes).await;
        Ok(())
    }
}

pub fn away(why: &str) -> Error {
    Error::unavailable(sentences::no_answer(why, 1))
}

pub fn run_id(id: &str) -> RunId {
    RunId::parse(id).expect("an id")
}

pub fn experiment(id: &str, lifecycle: Lifecycle) -> Experiment {
    Experiment {
        id: ExperimentId::parse(id).expect("an id"),
        name: format!("experiment {id}").into(),
        lifecycle,
        artifact_location: "".into(),
        created: None,
        updated: None,
        tags: vec![],
    }
}

/// A finished run of experiment 1 with a metric that is NaN and one that is not.
pub fn run(id: &str, start: i64) -> Run {
    let metric =
        |key: &str, value| RunMetric { key: key.into(), value, step: 3, timestamp: Millis(start), extremes: None };
    Run {
        id: run_id(id),
        experiment: ExperimentId::parse("1").expect("an id"),
        name: id.into(),
        user: "u".into(),
        status: RunStatus::Finished,
        start: Some(Millis(start)),
        end: Some(Millis(start + 1_000)),
        artifact_uri: "".into(),
        lifecycle: Lifecycle::Active,
        metrics: vec![metric("loss", f64::NAN), metric("map", 0.5)],
        params: vec![("lr".into(), "0.1".into())],
        tags: vec![],
        datasets: vec![],
    }
}

pub fn point(step: i64, value: f64) -> MetricPoint {
    MetricPoint { step, timestamp: Millis(START + step), value }
}

#[async_trait]
impl TrackingStore for Original {
    fn kind(&self) -> TrackingKind {
        TrackingKind::Server
    }
    fn address(&self) -> &str {
        "http://mlflow:5000"
    }
    async fn probe(&self) -> Result<Option<String>> {
        self.ask("probe".into()).await?;
        Ok(Some("3.17.2".into()))
    }
    async fn experiments(&self) -> Result<Vec<Experiment>> {
        self.ask("experiments".into()).await?;
        Ok(self.script().experiments.values().cloned().collect())
    }
    async fn runs(
        &self,
        experiments: &[ExperimentId],
        which: &RunSelection,
        most: usize,
        page: Option<&str>,
    ) -> Result<RunsPage> {
        self.ask(format!("runs {which:?} {}", page.unwrap_or("0"))).await?;
        let mut script = self.script();
        let (most, lists_nothing) = (most.min(script.rows), script.lists_nothing);
        let asked = |run: &&Run| match which {
            RunSelection::All => !lists_nothing,
            RunSelection::Running => !run.status.is_over(),
            RunSelection::StartedAfter(t) => run.start.is_some_and(|s| s > *t),
            RunSelection::EndedAfter(t) => run.end.is_some_and(|e| e > *t),
        };
        let here = |run: &&Run| experiments.contains(&run.experiment) && run.lifecycle == Lifecycle::Active;
        let mut found: Vec<Run> = script.runs.values().filter(here).filter(asked).cloned().collect();
        found.sort_by_key(|r| (std::cmp::Reverse(r.start), r.id.clone()));
        let from: usize = page.map_or(0, |p| p.parse().expect("a page"));
        let runs: Vec<Run> = found.iter().skip(from).take(most).cloned().collect();
        let next = (from + runs.len() < found.len()).then(|| (from + runs.len()).to_string());
        if *which == RunSelection::All {
            script.pages += 1;
            let pages = script.pages;
            if let Some((_, gone)) = script.delete_after_page.take_if(|(after, _)| *after == pages) {
                script.runs.remove(&gone);
            }
        }
        Ok(RunsPage { runs, next })
    }
    async fn run(&self, id: &RunId) -> Result<Run> {
        self.ask(format!("run {id}")).await?;
        let gone = || Error::not_found(sentences::not_shown());
        self.script().runs.get(id).cloned().ok_or_else(gone)
    }
    async fn history(&self, run: &RunId, metric: &str) -> Result<Vec<MetricPoint>> {
        self.ask(format!("history {run} {metric}")).await?;
        Ok(self.script().histories.get(&(run.clone(), metric.to_owned())).cloned().unwrap_or_default())
    }
    async fn artifacts(&self, run: &RunId, _: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        self.ask(format!("artifacts {run}")).await?;
        Ok(vec![])
    }
    async fn artifact(&self, run: &RunId, _: &ArtifactPath, _: Option<ByteRange>) -> Result<ArtifactBody> {
        self.ask(format!("artifact {run}")).await?;
        Ok(ArtifactBody { size: Some(0), range: None, bytes: Box::pin(futures::stream::empty()) })
    }
    async fn logged_models(&self, _: &ExperimentId, run: &RunId) -> Result<Vec<LoggedModel>> {
        self.ask(format!("logged {run}")).await?;
        Ok(vec![])
    }
    async fn model_versions(&self, run: &RunId) -> Result<Vec<MadeVersion>> {
        self.ask(format!("versions {run}")).await?;
        Ok(vec![MadeVersion { model: "acme".into(), version: "3".into() }])
    }
}

/// Keeps a copy in memory.
#[derive(Default)]
pub struct Copies {
    kept: Mutex<KeptCopy>,
    /// Runs that were written, each time.
    pub runs_written: AtomicI64,
    pub writes: AtomicI64,
    /// The next writes fail.
    pub failing: AtomicI64,
}

#[async_trait]
impl TrackingCopies for Copies {
    async fn load_copy(&self, _: &str) -> Result<KeptCopy> {
        Ok(self.kept.lock().expect("a copy").clone())
    }
    async fn save_copy(&self, _: &str, changes: &CopyChanges) -> Result<bool> {
        if self.failing.load(Ordering::SeqCst) > 0 {
            self.failing.fetch_sub(1, Ordering::SeqCst);
            return Err(away("full"));
        }
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.runs_written.fetch_add(changes.runs.len() as i64, Ordering::SeqCst);
        let mut kept = self.kept.lock().expect("a copy");
        let there = kept.as_of.is_some();
        let changed = |id: &RunId| changes.runs.iter().any(|r| r.id == *id) || changes.removed_runs.contains(id);
        kept.runs.retain(|r| !changed(&r.id));
        kept.runs.extend(changes.runs.iter().map(|r| (**r).clone()));
        let changed = |id: &ExperimentId| {
            changes.experiments.iter().any(|e| e.id == *id) || changes.removed_experiments.contains(id)
        };
        kept.experiments.retain(|e| !changed(&e.id));
        kept.experiments.extend(changes.experiments.iter().map(|e| (**e).clone()));
        (kept.progress, kept.as_of) = (changes.progress.clone(), Some(changes.as_of));
        Ok(there)
    }
}

impl Copies {
    pub fn kept(&self) -> KeptCopy {
        self.kept.lock().expect("a copy").clone()
    }
    pub fn kept_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.kept().runs.iter().map(|r| r.id.to_string()).collect();
        ids.sort();
        ids
    }
}

pub fn text(value: &str) -> Text {
    value.into()
}
