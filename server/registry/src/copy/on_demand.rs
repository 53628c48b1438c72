//! What is copied when somebody asks for it: histories of metrics, and what runs made. Bounded caches, filled by a queue.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    Result,
    error::Sentence,
    ports::{HistoryCopy, MadeByRun},
    time::Millis,
    tracking::{ExperimentId, Extremes, MetricPoint, Run, RunId, RunMetric, Text},
};
use moka::{policy::EvictionPolicy, sync::Cache};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

use super::{copier::Tools, current::FoundExtremes, pace::Backoff, same::same_value};

/// Memory for histories, in bytes: about 10 million points.
const HISTORY_BYTES: u64 = 256 << 20;
/// Runs whose products are remembered.
const MADE_ENTRIES: u64 = 10_000;
/// A history is copied anew when it is asked for, its run runs, and the copy is older than this or than five times what copying took.
const HISTORY_AGE: Duration = Duration::from_secs(5);
/// The same of what a run made.
const MADE_AGE: Duration = Duration::from_secs(60);
/// What could not be copied is tried again when it is asked for after this.
const FAILED_AGE: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(30);
/// What waits to be copied; more is not taken.
const MOST_WANTED: usize = 5_000;
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// What is to be copied.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wanted {
    History(RunId, Text),
    Made(ExperimentId, RunId),
}

#[derive(Debug)]
struct CopiedHistory {
    points: Arc<Vec<MetricPoint>>,
    as_of: Millis,
    copied: Instant,
    took: Duration,
    /// The run's metric before the history was read, and whether the run was over.
    metric: Option<RunMetric>,
    over: bool,
}

impl CopiedHistory {
    /// Whether it holds all that the run has.
    fn is_whole(&self, run: &Run, metric: Option<&RunMetric>) -> bool {
        let same = match (&self.metric, metric) {
            (Some(a), Some(b)) => same_value(a, b),
            (None, None) => true,
            _ => false,
        };
        self.over && run.status.is_over() && same
    }

    fn is_fresh(&self) -> bool {
        self.copied.elapsed() < HISTORY_AGE.max(self.took * 5)
    }
}

#[derive(Debug)]
struct CopiedMade {
    made: Arc<MadeByRun>,
    copied: Instant,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Wanted>,
    /// Waiting or being copied.
    taken: HashSet<Wanted>,
}

pub struct OnDemand {
    tools: Tools,
    histories: Cache<(RunId, Text), Arc<CopiedHistory>>,
    made: Cache<RunId, Arc<CopiedMade>>,
    failed: Cache<Wanted, (Sentence, Instant)>,
    queue: Mutex<Queue>,
    added: Notify,
    /// Counts what was copied or failed.
    done: watch::Sender<u64>,
    found: Mutex<Vec<FoundExtremes>>,
    pub found_some: Notify,
    /// After failures one question at a time is asked, with a pause before it.
    turn: tokio::sync::Mutex<(Backoff, Option<Instant>)>,
}

impl OnDemand {
    pub fn new(tools: Tools) -> Self {
        let bytes = |points: usize| u32::try_from(points * size_of::<MetricPoint>() + 256).unwrap_or(u32::MAX);
        Self {
            tools,
            histories: Cache::builder()
                .max_capacity(HISTORY_BYTES)
                .weigher(move |_, copied: &Arc<CopiedHistory>| bytes(copied.points.len()))
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            made: Cache::builder().max_capacity(MADE_ENTRIES).eviction_policy(EvictionPolicy::lru()).build(),
            failed: Cache::builder().max_capacity(MADE_ENTRIES).eviction_policy(EvictionPolicy::lru()).build(),
            queue: Mutex::default(),
            added: Notify::new(),
            done: watch::Sender::new(0),
            found: Mutex::default(),
            found_some: Notify::new(),
            turn: tokio::sync::Mutex::new((Backoff::up_to(LONGEST_BACKOFF), None)),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues it unless it is queued already; in front when somebody waits for it. Returns whether it is new.
    fn want(&self, wanted: Wanted, in_front: bool) -> bool {
        if self.failed.get(&wanted).is_some_and(|(_, at)| at.elapsed() < FAILED_AGE) {
            return false;
        }
        let mut queue = self.queue();
        if queue.taken.len() >= MOST_WANTED || !queue.taken.insert(wanted.clone()) {
            return false;
        }
        self.failed.invalidate(&wanted);
        if in_front {
            queue.waiting.push_front(wanted);
        } else {
            queue.waiting.push_back(wanted);
        }
        drop(queue);
        self.added.notify_one();
        true
    }

    /// The copied history; queues what is not there or is old.
    pub fn history(&self, run: &Run, metric: &str) -> HistoryCopy {
        self.look(run, metric, true).0
    }

    /// Queues a history unless it is there. Returns whether it was queued.
    pub fn queue_history(&self, run: &Run, metric: &str) -> bool {
        self.look(run, metric, false).1
    }

    fn look(&self, run: &Run, metric: &str, in_front: bool) -> (HistoryCopy, bool) {
        let key = (run.id.clone(), Text::from(metric));
        let copied = self.histories.get(&key);
        let whole = copied.as_ref().is_some_and(|c| c.is_whole(run, run.metric(metric)));
        let wanted = Wanted::History(key.0, key.1);
        let fresh = whole || copied.as_ref().is_some_and(|c| c.is_fresh());
        let queued = !fresh && self.want(wanted.clone(), in_front);
        let error = self.failed.get(&wanted).map(|(why, _)| why).or_else(|| {
            // What waits for an original that is away may wait long.
            let away = !fresh && self.tools.original.health.is_open();
            self.tools.current.seen().unreachable.filter(|_| away)
        });
        let copy = HistoryCopy {
            points: copied.as_ref().map(|c| Arc::clone(&c.points)),
            complete: whole,
            as_of: copied.as_ref().map(|c| c.as_of),
            error,
        };
        (copy, queued)
    }

    /// Waits until the history was copied, or could not be, or the original is away.
    pub async fn wait_for_history(&self, run: &Run, metric: &str) -> HistoryCopy {
        let mut done = self.done.subscribe();
        loop {
            done.borrow_and_update();
            let copy = self.history(run, metric);
            let waits = self.queue().taken.contains(&Wanted::History(run.id.clone(), Text::from(metric)));
            if !waits || copy.error.is_some() {
                return copy;
            }
            tokio::select! {
                _ = done.changed() => {}
                () = self.tools.original.health.wait_until_open() => {}
            }
        }
    }

    /// What a run made, as far as it was copied; queues what is not there or is old.
    pub fn made_by(&self, experiment: &ExperimentId, run: &RunId) -> Option<Arc<MadeByRun>> {
        let copied = self.made.get(run);
        if copied.as_ref().is_none_or(|c| c.copied.elapsed() >= MADE_AGE) {
            self.want(Wanted::Made(experiment.clone(), run.clone()), true);
        }
        copied.map(|c| Arc::clone(&c.made))
    }

    /// What a run made, as far as it was copied.
    pub fn known_products(&self, run: &RunId) -> Option<Arc<MadeByRun>> {
        self.made.get(run).map(|c| Arc::clone(&c.made))
    }

    /// Copies what is queued, for ever. Several of these may run.
    pub async fn work(&self) {
        loop {
            self.tools.original.health.wait_until_closed().await;
            let next = self.queue().waiting.pop_front();
            match next {
                Some(wanted) => self.copy_in_turn(wanted).await,
                None => self.added.notified().await,
            }
        }
    }

    /// Copies one thing, for those who wait while nobody works.
    pub async fn copy_now(&self, run: &Run, metric: &str) {
        let wanted = Wanted::History(run.id.clone(), Text::from(metric));
        self.queue().waiting.retain(|w| *w != wanted);
        self.copy(&wanted).await;
        self.copied(&wanted);
    }

    async fn copy_in_turn(&self, wanted: Wanted) {
        let taken = Taken { on_demand: self, wanted };
        let failing = {
            let turn = self.turn.lock().await;
            turn.0.is_failing()
        };
        if failing {
            let mut turn = self.turn.lock().await;
            if let Some(at) = turn.1 {
                sleep_until(at).await;
            }
            let done = self.copy(&taken.wanted).await;
            Self::note(&mut turn, done);
        } else {
            let done = self.copy(&taken.wanted).await;
            Self::note(&mut *self.turn.lock().await, done);
        }
    }

    fn note(turn: &mut (Backoff, Option<Instant>), worked: bool) {
        if worked {
            turn.0.worked();
            turn.1 = None;
        } else {
            turn.1 = Some(Instant::now() + turn.0.failed());
        }
    }

    /// Returns whether it worked.
    async fn copy(&self, wanted: &Wanted) -> bool {
        let (done, first) = match wanted {
            Wanted::History(run, metric) => self.copy_history(run, metric).await,
            Wanted::Made(experiment, run) => self.copy_made(experiment, run).await,
        };
        match done {
            Ok(()) => {
                self.failed.invalidate(wanted);
                if first {
                    self.tools.current.moved();
                }
                true
            }
            Err(e) => {
                tracing::debug!(?wanted, error = %e, detail = ?e.detail, "not copied");
                self.failed.insert(wanted.clone(), (e.message, Instant::now()));
                false
            }
        }
    }

    fn copied(&self, wanted: &Wanted) {
        self.queue().taken.remove(wanted);
        self.done.send_modify(|n| *n += 1);
    }

    /// Also returns whether there was none before.
    async fn copy_history(&self, id: &RunId, metric: &Text) -> (Result<()>, bool) {
        let (original, current) = (&self.tools.original, &self.tools.current);
        let index = current.index();
        let run = index.run(id);
        let before = run.and_then(|r| r.metric(metric)).cloned();
        let over = run.is_some_and(|r| r.status.is_over());
        let (as_of, began) = (self.tools.clock.now(), Instant::now());
        let points = match original.within(DEADLINE, original.store.history(id, metric)).await {
            Ok(points) => Arc::new(points),
            Err(e) => return (Err(e), false),
        };
        if let Some((metric, extremes)) = before.clone().zip(extremes(&points)) {
            let found = FoundExtremes { run: id.clone(), metric, extremes };
            self.found.lock().unwrap_or_else(PoisonError::into_inner).push(found);
            self.found_some.notify_one();
        }
        let key = (id.clone(), Arc::clone(metric));
        let first = !self.histories.contains_key(&key);
        let copied = Instant::now();
        let copied = CopiedHistory { points, as_of, copied, took: began.elapsed(), metric: before, over };
        self.histories.insert(key, Arc::new(copied));
        (Ok(()), first)
    }

    async fn copy_made(&self, experiment: &ExperimentId, run: &RunId) -> (Result<()>, bool) {
        let original = &self.tools.original;
        let both = async {
            Ok(MadeByRun {
                logged_models: original.store.logged_models(experiment, run).await?,
                versions: original.store.model_versions(run).await?,
            })
        };
        match original.within(DEADLINE, both).await {
            Ok(made) => {
                let first = !self.made.contains_key(run);
                self.made.insert(run.clone(), Arc::new(CopiedMade { made: Arc::new(made), copied: Instant::now() }));
                (Ok(()), first)
            }
            Err(e) => (Err(e), false),
        }
    }

    /// The extremes that were found since they were taken last.
    pub fn take_found(&self) -> Vec<FoundExtremes> {
        std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Metrics of runs that are over whose extremes were known once: copied again behind all others.
    pub fn renew(&self, outdated: Vec<(RunId, Text)>) {
        for (run, metric) in outdated {
            self.want(Wanted::History(run, metric), false);
        }
    }
}

/// What is being copied is free to be wanted again, also when copying is given up.
struct Taken<'a> {
    on_demand: &'a OnDemand,
    wanted: Wanted,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.on_demand.copied(&self.wanted);
    }
}

/// NaN is neither small nor large. `None` where there is nothing else.
fn extremes(points: &[MetricPoint]) -> Option<Extremes> {
    let values = points.iter().map(|p| p.value).filter(|v| !v.is_nan());
    let (min, max) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), v| (f64::min(min, v), f64::max(max, v)));
    (min <= max).then_some(Extremes { min, max, points: points.len() as u64 })
}
