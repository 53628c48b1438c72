//! The background copy of experiments and runs: what pages, programs and the command line are answered from. It asks the original at
//! its own pace, whoever asks us; nobody who asks us waits for the original, but for the files of a run.

mod copier;
mod current;
mod health;
mod on_demand;
mod original;
mod pace;
mod same;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/copy/sentences.rs"));
}
mod sweep;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Error, Result,
    ports::{
        ArtifactBody, Clock, CopyStatus, HistoryCopy, MadeByRun, RunCatalog, TrackingCopies, TrackingKind,
        TrackingStore,
    },
    tracking::{ArtifactEntry, ArtifactPath, ByteRange, ExperimentId, Run, RunId, RunIndex},
};
use tokio::time::{Instant, sleep, timeout, timeout_at};

pub use self::original::warning;
use self::{
    copier::{Copier, Tools, load},
    current::{Current, Part},
    health::PROBE_DEADLINE,
    on_demand::OnDemand,
    original::Original,
};
pub(crate) use self::{
    health::{Health, LATE_ANSWER, PROBE_INTERVAL},
    pace::with_jitter,
};

/// Workers that copy what was asked for. With the probe, the copier and artifacts they stay below the connections of an adapter.
const WORKERS: usize = 2;
/// How long the extremes of histories are gathered before they are shown and saved together.
const GATHER: Duration = Duration::from_millis(300);
/// How long a folder or the beginning of a file may take.
const ARTIFACT_DEADLINE: Duration = Duration::from_secs(10);
/// How long it is waited before the database is asked for the kept copy again.
const LOAD_AGAIN: Duration = Duration::from_secs(2);
/// A command takes the copy as it is when it is so fresh.
const FRESH: i64 = 10_000;

/// Copies a [`TrackingStore`]. [`BackgroundCopy::run`] does the copying as long as it is polled.
pub struct BackgroundCopy {
    tools: Tools,
    on_demand: OnDemand,
    /// Somebody copies what is queued.
    works: AtomicBool,
    loaded: AtomicBool,
}

impl BackgroundCopy {
    /// A copy of `original`, kept in `copies`. Nothing is read before [`BackgroundCopy::load_kept`], [`BackgroundCopy::run`] or
    /// [`BackgroundCopy::refresh_for_command`].
    #[must_use]
    pub fn new(original: Arc<dyn TrackingStore>, copies: Arc<dyn TrackingCopies>, clock: Arc<dyn Clock>) -> Self {
        let first = u64::try_from(clock.now().0).unwrap_or(1);
        let tools = Tools {
            original: Arc::new(Original::new(original)),
            current: Arc::new(Current::new(first)),
            copies,
            clock,
        };
        Self {
            on_demand: OnDemand::new(tools.clone()),
            tools,
            works: AtomicBool::new(false),
            loaded: AtomicBool::new(false),
        }
    }

    /// Shows the copy that was kept, once: later calls do nothing.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    pub async fn load_kept(&self) -> Result<()> {
        if !self.loaded.load(Ordering::Acquire) {
            load(&self.tools).await?;
            self.loaded.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Copies, for ever. To be run once at a time; when it is dropped it can be run again.
    pub async fn run(&self) {
        while let Err(e) = self.load_kept().await {
            tracing::warn!(error = %e, detail = ?e.detail, "the kept copy of experiments and runs cannot be read; trying again");
            sleep(LOAD_AGAIN).await;
        }
        let _works = Works::begin(&self.works);
        let workers = futures::future::join_all((0..WORKERS).map(|_| self.on_demand.work()));
        tokio::join!(Box::pin(self.probe()), Box::pin(self.copy()), Box::pin(self.show_extremes()), Box::pin(workers));
    }

    /// Asks whether the original answers, about every second.
    async fn probe(&self) {
        loop {
            let pause = match self.tools.original.health.until_probe() {
                Duration::ZERO => self.probe_once().await,
                later => later,
            };
            sleep(pause).await;
        }
    }

    /// Returns how long to wait before the next one. That there is no answer yet is said early; the answer is waited for beyond that, because an
    /// original that is slow is not away.
    async fn probe_once(&self) -> Duration {
        let Tools { original, current, .. } = &self.tools;
        let begun = Instant::now();
        let mut answer = original.store.probe();
        let (mut patience, mut said) = (original.health.patience(), None);
        loop {
            let pause = match timeout(patience, &mut answer).await {
                Ok(Ok(version)) => {
                    current.reachable(version);
                    original.health.answered(begun.elapsed());
                    return original.health.until_probe();
                }
                Ok(Err(e)) => {
                    self.away(&e);
                    return original.health.probe_failed();
                }
                Err(_) => original.health.probe_failed(),
            };
            let silent_since = *said.get_or_insert_with(|| {
                self.away(&original.silent(patience));
                Instant::now()
            });
            let left = LATE_ANSWER.saturating_sub(begun.elapsed());
            if left == Duration::ZERO {
                // The time that it was waited is a part of the pause.
                return pause.saturating_sub(silent_since.elapsed());
            }
            patience = PROBE_DEADLINE.min(left);
        }
    }

    fn away(&self, e: &Error) {
        let current = &self.tools.current;
        if current.seen().unreachable.as_ref() != Some(&e.message) {
            tracing::warn!(error = %e, detail = ?e.detail, "experiments and runs cannot be read");
        }
        current.unreachable(e.message.clone());
    }

    async fn copy(&self) {
        let mut copier = Copier::new(self.tools.clone());
        loop {
            copier.next().await;
            self.on_demand.renew(std::mem::take(&mut copier.outdated));
        }
    }

    async fn show_extremes(&self) {
        loop {
            self.on_demand.found_some.notified().await;
            sleep(GATHER).await;
            self.tools.current.set_extremes(self.on_demand.take_found());
        }
    }

    /// Brings the copy up to date for a command that answers once: loads what was kept and looks for what is new, within `deadline`. Where
    /// nothing was ever copied whole, it copies everything, however long that takes, and tells `progress` how many runs there are
    /// so far. An original that is away is no error: the status says so, and how old the copy is.
    ///
    /// # Errors
    /// `Unavailable` when the kept copy cannot be read.
    pub async fn refresh_for_command(
        &self,
        deadline: Duration,
        mut progress: impl FnMut(usize) + Send,
    ) -> Result<CopyStatus> {
        self.refresh(deadline, false, &mut progress).await
    }

    /// The same, looking at every run: so that also what was changed of runs that are over is known.
    ///
    /// # Errors
    /// As [`BackgroundCopy::refresh_for_command`].
    pub async fn sweep_for_command(
        &self,
        deadline: Duration,
        mut progress: impl FnMut(usize) + Send,
    ) -> Result<CopyStatus> {
        self.refresh(deadline, true, &mut progress).await
    }

    async fn refresh(
        &self,
        deadline: Duration,
        everything: bool,
        progress: &mut (dyn FnMut(usize) + Send),
    ) -> Result<CopyStatus> {
        self.load_kept().await?;
        let Tools { original, current, clock, .. } = &self.tools;
        let seen = current.seen();
        let now = clock.now().0;
        if !everything && seen.complete && seen.as_of.is_some_and(|at| (0..FRESH).contains(&(now - at.0))) {
            return Ok(self.status());
        }
        let until = Instant::now() + deadline;
        self.probe_once().await;
        if current.seen().unreachable.is_some() {
            return Ok(self.status());
        }
        let mut copier = Copier::new(self.tools.clone());
        let mut failed = match timeout_at(until, Box::pin(copier.step())).await {
            Ok(done) => done.err(),
            Err(_) => Some(original.silent(deadline)),
        };
        current.set_trouble(Part::Step, failed.as_ref().map(|e| e.message.clone()));
        if failed.is_none() && (everything || !current.seen().complete) {
            failed = Box::pin(copier.sweep_everything(progress)).await.err();
            current.set_trouble(Part::Sweep, failed.as_ref().map(|e| e.message.clone()));
        }
        copier.save().await;
        Ok(self.status())
    }

    /// Keeps what a command found out beside its answer: smallest and largest values of histories.
    pub async fn keep_what_was_found(&self) {
        if self.tools.current.has_unsaved() {
            Copier::new(self.tools.clone()).save().await;
        }
    }

    /// The answer to a question about files. Who asked waits no longer than until the original is known to be away.
    async fn ask_for_files<T>(&self, question: impl Future<Output = Result<T>>) -> Result<T> {
        self.check_not_away()?;
        let Tools { original, .. } = &self.tools;
        tokio::select! {
            answer = original.within(ARTIFACT_DEADLINE, question) => answer,
            () = original.health.wait_until_open() => {
                self.check_not_away()?;
                Err(original.silent(PROBE_DEADLINE))
            }
        }
    }

    /// The sentence and the cure when the original is known to be away.
    fn check_not_away(&self) -> Result<()> {
        if !self.tools.original.health.is_open() {
            return Ok(());
        }
        match self.tools.current.seen().unreachable {
            Some(why) => Err(Error::unavailable(sentences::away(&why))),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl RunCatalog for BackgroundCopy {
    fn index(&self) -> Arc<RunIndex> {
        self.tools.current.index()
    }

    fn status(&self) -> CopyStatus {
        let seen = self.tools.current.seen();
        let original = &self.tools.original;
        let store = &original.store;
        let kind: TrackingKind = store.kind();
        CopyStatus {
            kind,
            address: store.address().to_owned(),
            warning: original.health.slow().map_or_else(
                || warning(kind, seen.version.as_deref()),
                |took| Some(sentences::slow(store.address(), took.as_secs_f64().round())),
            ),
            error: seen.error().cloned(),
            version: seen.version,
            as_of: seen.as_of,
            complete: seen.complete,
        }
    }

    fn generation(&self) -> u64 {
        self.tools.current.generation()
    }

    async fn wait_for_change(&self, seen: u64) -> u64 {
        self.tools.current.wait_for_change(seen).await
    }

    fn history(&self, run: &Run, metric: &str) -> HistoryCopy {
        self.on_demand.history(run, metric)
    }

    async fn wait_for_history(&self, run: &Run, metric: &str, millis: u64) -> HistoryCopy {
        let wait = async {
            let copy = self.on_demand.history(run, metric);
            // A command has no workers.
            if !self.works.load(Ordering::Acquire) && !copy.complete {
                self.on_demand.copy_now(run, metric).await;
                self.tools.current.set_extremes(self.on_demand.take_found());
                return;
            }
            self.on_demand.wait_for_history(run, metric).await;
        };
        let _ = timeout(Duration::from_millis(millis), wait).await;
        self.on_demand.history(run, metric)
    }

    fn queue_histories(&self, runs: &[Arc<Run>], metric: &str) -> usize {
        runs.iter().filter(|run| self.on_demand.queue_history(run, metric)).count()
    }

    async fn artifacts(&self, run: &RunId, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        self.ask_for_files(self.tools.original.store.artifacts(run, folder)).await
    }

    async fn artifact(&self, run: &RunId, file: &ArtifactPath, range: Option<ByteRange>) -> Result<ArtifactBody> {
        self.ask_for_files(self.tools.original.store.artifact(run, file, range)).await
    }

    fn made_by(&self, experiment: &ExperimentId, run: &RunId) -> Option<Arc<MadeByRun>> {
        self.on_demand.made_by(experiment, run)
    }

    fn known_products(&self, run: &RunId) -> Option<Arc<MadeByRun>> {
        self.on_demand.known_products(run)
    }
}

/// Says as long as it lives that somebody copies what is queued.
struct Works<'a>(&'a AtomicBool);

impl<'a> Works<'a> {
    fn begin(works: &'a AtomicBool) -> Self {
        works.store(true, Ordering::Release);
        Self(works)
    }
}

impl Drop for Works<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
