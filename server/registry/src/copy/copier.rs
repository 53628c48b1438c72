//! Copies what is new, step by step. Between two steps, `sweep` looks at everything.

use std::{collections::HashSet, sync::Arc, time::Duration};

use domain::{
    Error, ErrorKind, Result,
    error::Sentence,
    ports::{Clock, CopyChanges, RunSelection, TrackingCopies},
    time::Millis,
    tracking::{ExperimentId, Lifecycle, Run, RunId},
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    current::{Current, MetricOfRun, Part},
    original::Original,
    pace::{Backoff, with_jitter},
    sentences,
    sweep::{Sweep, SweepPlan},
};

/// How often it is looked for what is new.
const STEP_INTERVAL: Duration = Duration::from_secs(5);
/// Clocks of those who write runs differ from ours by no more than this, or the next sweep finds their runs.
const CLOCK_SKEW: i64 = 5 * 60 * 1_000;
/// How long a part of a list may take. A sweep's parts are large.
const STEP_DEADLINE: Duration = Duration::from_secs(15);
/// Runs asked for at once.
const STEP_PAGE: usize = 500;
/// More pages than any list has: an original that always says there is one more is not followed for ever.
const MOST_PAGES: usize = 20_000;
/// So many runs that are not listed as running any more are asked for in one step.
const MOST_VANISHED: usize = 20;
/// A list without any experiment is believed when it came so many times in a row: a proxy that is badly set answers so too.
const BELIEVE_EMPTY: u32 = 3;
/// The longest pause after steps that failed.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// Runs saved in one transaction: it keeps other writers waiting.
const SAVED_AT_ONCE: usize = 2_000;
const SAVE_DEADLINE: Duration = Duration::from_secs(30);
/// How often the age of the copy is saved while nothing changes.
const SAVE_AGE: Duration = Duration::from_secs(60);

/// How far copying has come; kept with the copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Whether a sweep was ever finished.
    pub complete: bool,
}

/// What copying needs.
#[derive(Clone)]
pub struct Tools {
    pub original: Arc<Original>,
    pub current: Arc<Current>,
    pub copies: Arc<dyn TrackingCopies>,
    pub clock: Arc<dyn Clock>,
}

pub struct Copier {
    tools: Tools,
    sweeps: SweepPlan,
    next_step: Instant,
    steps: Backoff,
    sweep_backoff: Backoff,
    /// Steps in a row whose list of experiments was empty.
    empty_lists: u32,
    saved: Instant,
    saved_progress: Progress,
    /// Metrics whose smallest and largest values are to be found anew.
    pub outdated: Vec<MetricOfRun>,
}

impl Copier {
    /// Begins where the copy was left: see [`load`].
    pub fn new(tools: Tools) -> Self {
        let now = Instant::now();
        let complete = tools.current.seen().complete;
        Self {
            sweeps: SweepPlan::new(complete),
            tools,
            next_step: now,
            steps: Backoff::up_to(LONGEST_BACKOFF),
            sweep_backoff: Backoff::up_to(LONGEST_BACKOFF),
            empty_lists: 0,
            saved: now,
            saved_progress: Progress { complete },
            outdated: vec![],
        }
    }

    /// Does what is due next, or waits for it. Waits as long as the original is away.
    pub async fn next(&mut self) {
        self.tools.original.health.wait_until_closed().await;
        let now = Instant::now();
        if now >= self.next_step {
            let done = self.step().await;
            self.next_step = Instant::now() + self.steps_pause(&done);
            self.tools.current.set_trouble(Part::Step, trouble(&done));
        } else if self.sweeps.is_due(now) && self.tools.current.seen().as_of.is_some() {
            let done = self.sweep_page().await;
            let pause = pause(&mut self.sweep_backoff, &done, Duration::ZERO);
            self.sweeps.not_before(Instant::now() + pause);
            self.tools.current.set_trouble(Part::Sweep, trouble(&done));
        } else {
            sleep_until(self.next_step.min(self.sweeps.next_at())).await;
            return;
        }
        self.save().await;
    }

    fn steps_pause(&mut self, done: &Result<()>) -> Duration {
        pause(&mut self.steps, done, with_jitter(STEP_INTERVAL))
    }

    /// Copies what is new: experiments, running runs, and those that started or ended since the last step.
    ///
    /// # Errors
    /// Those of the original; what was read by then is kept.
    pub async fn step(&mut self) -> Result<()> {
        let now = self.tools.clock.now();
        let seen = self.tools.current.seen();
        let running: HashSet<RunId> = seen.index.runs().filter(|r| !r.status.is_over()).map(|r| r.id.clone()).collect();
        let experiments = self.experiments().await?;
        let since = Millis(seen.as_of.unwrap_or(now).0.min(now.0) - CLOCK_SKEW);
        let mut listed: HashSet<RunId> = HashSet::new();
        for which in [RunSelection::Running, RunSelection::StartedAfter(since), RunSelection::EndedAfter(since)] {
            let mut page: Option<String> = None;
            for _ in 0..MOST_PAGES {
                let (original, before) = (&self.tools.original, page.take());
                let part = original.store.runs(&experiments, &which, STEP_PAGE, before.as_deref());
                let part = original.within(STEP_DEADLINE, part).await?;
                listed.extend(part.runs.iter().map(|r| r.id.clone()));
                self.put(part.runs);
                if part.next.is_none() || part.next == before {
                    break;
                }
                page = part.next;
            }
        }
        // Neither running nor ended a moment ago: they ended by another clock, or were deleted.
        let mut vanished: Vec<RunId> = running.difference(&listed).cloned().collect();
        vanished.sort();
        for id in vanished.into_iter().take(MOST_VANISHED) {
            self.look_again(&id).await?;
        }
        self.tools.current.set_as_of(now);
        Ok(())
    }

    /// The active experiments, after taking over the list of all.
    async fn experiments(&mut self) -> Result<Vec<ExperimentId>> {
        let Tools { original, current, .. } = &self.tools;
        let list = original.within(STEP_DEADLINE, original.store.experiments()).await?;
        self.empty_lists = if list.is_empty() { self.empty_lists + 1 } else { 0 };
        let believed = !list.is_empty() || self.empty_lists >= BELIEVE_EMPTY;
        let active = list.iter().filter(|e| e.lifecycle == Lifecycle::Active).map(|e| e.id.clone()).collect();
        let appeared = current.put_experiments(list, believed);
        self.sweeps.also(appeared);
        Ok(active)
    }

    fn put(&mut self, runs: Vec<Run>) {
        let outdated = self.tools.current.put_runs(runs);
        self.outdated.extend(outdated);
    }

    /// Asks for one run; removes it when it is gone. Returns whether it is.
    async fn look_again(&mut self, id: &RunId) -> Result<bool> {
        let Tools { original, current, .. } = self.tools.clone();
        let gone = match original.within(STEP_DEADLINE, original.store.run(id)).await {
            Ok(run) if run.lifecycle == Lifecycle::Active => {
                self.put(vec![run]);
                false
            }
            Ok(_) => true,
            Err(e) if e.kind == ErrorKind::NotFound => true,
            Err(e) => return Err(e),
        };
        if gone {
            current.remove_runs(std::slice::from_ref(id));
        }
        Ok(gone)
    }

    /// Looks at every run once, without a pause, and tells `progress` how many there are.
    ///
    /// # Errors
    /// Those of the original; what was read by then is kept.
    pub async fn sweep_everything(&mut self, progress: &mut (dyn FnMut(usize) + Send)) -> Result<()> {
        self.sweeps.make_whole();
        loop {
            self.sweep_page().await?;
            progress(self.tools.current.index().runs().len());
            self.save().await;
            if !self.sweeps.is_under_way() {
                return Ok(());
            }
        }
    }

    /// One question of the sweep that is under way, or that begins.
    ///
    /// # Errors
    /// Those of the original; the sweep goes on where it was.
    pub async fn sweep_page(&mut self) -> Result<()> {
        let current = Arc::clone(&self.tools.current);
        let mut sweep = match self.sweeps.take() {
            Some(sweep) => sweep,
            None => Sweep::of(self.sweeps.begin(&current.index()), &current.index(), Instant::now()),
        };
        let done = self.advance(&mut sweep).await;
        match done {
            Ok(true) => {
                if sweep.finish(&current) {
                    current.set_complete();
                    current.forget_texts();
                }
                self.sweeps.finished(&sweep, Instant::now());
                Ok(())
            }
            Ok(false) => {
                self.sweeps.put_back(sweep);
                Ok(())
            }
            Err(e) => {
                sweep.smaller_pages();
                self.sweeps.put_back(sweep);
                Err(e)
            }
        }
    }

    /// Asks the next question of a sweep. Returns whether it was the last one.
    async fn advance(&mut self, sweep: &mut Sweep) -> Result<bool> {
        if let Some(id) = sweep.to_confirm().cloned() {
            let gone = self.look_again(&id).await?;
            sweep.confirmed(gone);
            return Ok(sweep.to_confirm().is_none());
        }
        if sweep.experiments.is_empty() {
            return Ok(sweep.read_all(&self.tools.current.index()));
        }
        let began = Instant::now();
        let original = &self.tools.original;
        let page = original.store.runs(&sweep.experiments, &RunSelection::All, sweep.page_size(), sweep.page());
        let page = original.within(Sweep::DEADLINE, page).await?;
        let ids: Vec<RunId> = page.runs.iter().map(|r| r.id.clone()).collect();
        self.put(page.runs);
        if sweep.read(ids, page.next, began.elapsed()) {
            return Ok(sweep.read_all(&self.tools.current.index()));
        }
        Ok(false)
    }

    /// Saves what changed. What cannot be saved is saved later.
    pub async fn save(&mut self) {
        let Tools { original, current, copies, .. } = &self.tools;
        let source = original.store.address();
        loop {
            let seen = current.seen();
            let Some(as_of) = seen.as_of else { return };
            let taken = current.take_unsaved(SAVED_AT_ONCE);
            // A restart must not take a part for the whole.
            let progress = Progress { complete: seen.complete && !current.has_unsaved() };
            let (taken, changes) = match taken {
                Some((taken, changes)) => (Some(taken), changes),
                None if self.saved.elapsed() >= SAVE_AGE || progress != self.saved_progress => {
                    (None, CopyChanges::default())
                }
                None => return,
            };
            let changes = CopyChanges { progress: progress.text(), as_of, ..changes };
            let saved = timeout(SAVE_DEADLINE, copies.save_copy(source, &changes)).await;
            let problem = match saved {
                Ok(Ok(true)) => None,
                // Another copier had the place meanwhile: what was saved before is gone.
                Ok(Ok(false)) => {
                    current.all_unsaved_but(&changes);
                    None
                }
                Ok(Err(e)) => Some(e.detail.unwrap_or(e.message.en)),
                Err(_) => Some("it took too long".to_owned()),
            };
            if let Some(problem) = problem {
                tracing::warn!(%problem, "the copy of experiments and runs is not saved; trying again with the next changes");
                if let Some(taken) = taken {
                    current.give_back(taken);
                }
                return;
            }
            (self.saved, self.saved_progress) = (Instant::now(), progress);
        }
    }
}

impl Progress {
    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Shows the copy that was kept. Returns whether there was one.
///
/// # Errors
/// `Unavailable` when it cannot be read.
pub async fn load(tools: &Tools) -> Result<bool> {
    let kept = tools.copies.load_copy(tools.original.store.address()).await?;
    if kept.as_of.is_none() {
        return Ok(false);
    }
    let progress: Progress = serde_json::from_str(&kept.progress).unwrap_or_default();
    // Of 50,000 runs it takes a second, beside the runtime.
    let current = Arc::clone(&tools.current);
    let shown = tokio::task::spawn_blocking(move || current.show_kept(kept, progress.complete)).await;
    shown.map_err(|e| Error::internal(sentences::not_shown()).with_detail(e))?;
    Ok(true)
}

fn trouble(done: &Result<()>) -> Option<Sentence> {
    done.as_ref().err().map(|e| e.message.clone())
}

/// How long to wait after a question: `well` when it was answered.
fn pause(backoff: &mut Backoff, done: &Result<()>, well: Duration) -> Duration {
    match done {
        Ok(()) => {
            backoff.worked();
            well
        }
        Err(e) => {
            tracing::debug!(error = %e, detail = ?e.detail, "the copy of experiments and runs");
            backoff.failed()
        }
    }
}
