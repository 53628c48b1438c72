//! Sweeps look at all runs, page by page. They find what steps cannot: edits of runs that are over, runs with start times in the past,
//! and runs that were deleted. Rows shift between pages where others write, so a run that a sweep did not see is asked for before it
//! is removed.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use domain::tracking::{ExperimentId, Lifecycle, RunId, RunIndex};
use tokio::time::Instant;

use super::{current::Current, pace::with_jitter};

/// At most two questions a second, but for the first sweep: pages are empty as long as it is not done.
const QUESTION_INTERVAL: Duration = Duration::from_millis(500);
/// Runs asked for at once. Fewer after an answer that was too large or too slow, more again after a quick one.
const MOST_ROWS: usize = 500;
const QUICK: Duration = Duration::from_millis(1_500);
/// So many runs that were not seen are asked for one by one. Of more of them the sweep is repeated first, and then a sample is asked for.
const MOST_CONFIRMED: usize = 50;
/// A sweep takes at most a tenth of the time, and is made at least once an hour.
const REST: u32 = 10;
const SHORTEST_REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(3_600);

/// What a sweep is about.
#[derive(Debug, Clone)]
pub struct SweepScope {
    pub experiments: Vec<ExperimentId>,
    /// Whether these are all experiments.
    pub whole: bool,
}

/// A sweep that is under way.
#[derive(Debug)]
pub struct Sweep {
    pub experiments: Vec<ExperimentId>,
    whole: bool,
    began: Instant,
    /// Runs that were known when it began.
    expected: BTreeSet<RunId>,
    seen: HashSet<RunId>,
    page: Option<String>,
    pages: HashSet<String>,
    rows: usize,
    /// It is the second look, at the experiments of runs that the first one did not see.
    again: bool,
    /// What neither look has seen.
    missing: Vec<RunId>,
    /// How many of them were asked for, and how many of these were there.
    asked: usize,
    there: usize,
}

impl Sweep {
    pub const DEADLINE: Duration = Duration::from_secs(30);

    pub fn of(scope: SweepScope, index: &RunIndex, now: Instant) -> Self {
        let known = scope.experiments.iter().filter_map(|id| index.experiment(id)).flat_map(|e| e.runs());
        Self {
            expected: known.map(|r| r.id.clone()).collect(),
            experiments: scope.experiments,
            whole: scope.whole,
            began: now,
            seen: HashSet::new(),
            page: None,
            pages: HashSet::new(),
            rows: MOST_ROWS,
            again: false,
            missing: vec![],
            asked: 0,
            there: 0,
        }
    }

    pub fn page(&self) -> Option<&str> {
        self.page.as_deref()
    }

    pub fn page_size(&self) -> usize {
        self.rows
    }

    pub fn smaller_pages(&mut self) {
        self.rows = (self.rows / 2).max(1);
    }

    /// Takes note of a page. Returns whether it was the last.
    pub fn read(&mut self, ids: Vec<RunId>, next: Option<String>, took: Duration) -> bool {
        self.seen.extend(ids);
        if took < QUICK {
            self.rows = (self.rows * 2).min(MOST_ROWS);
        }
        // A page that comes twice would go round for ever.
        self.page = next.filter(|page| self.pages.insert(page.clone()));
        self.page.is_none()
    }

    /// All pages are read: finds what is missing. Returns whether the sweep is over.
    pub fn read_all(&mut self, index: &RunIndex) -> bool {
        let missing: Vec<RunId> =
            self.expected.iter().filter(|id| !self.seen.contains(*id) && index.run(id).is_some()).cloned().collect();
        if missing.len() > MOST_CONFIRMED && !self.again {
            self.again = true;
            let homes: BTreeSet<ExperimentId> =
                missing.iter().filter_map(|id| index.run(id)).map(|r| r.experiment.clone()).collect();
            self.experiments = homes.into_iter().collect();
            self.expected = missing.into_iter().collect();
            self.pages.clear();
            self.seen.clear();
            return false;
        }
        self.missing = missing;
        self.missing.is_empty()
    }

    /// A run that is to be asked for: one of a sample, or of all once one of the sample is still there.
    pub fn to_confirm(&self) -> Option<&RunId> {
        self.missing.get(self.asked).filter(|_| self.asked < MOST_CONFIRMED || self.there > 0)
    }

    /// It was asked for; it is removed where it is gone.
    pub fn confirmed(&mut self, gone: bool) {
        self.asked += 1;
        self.there += usize::from(!gone);
    }

    /// Removes what was not seen twice where the whole sample of it is gone. Returns whether all experiments were looked at.
    pub fn finish(&self, current: &Current) -> bool {
        if self.there == 0 && self.missing.len() > self.asked {
            current.remove_runs(&self.missing);
        }
        self.whole
    }
}

/// When which sweep is made.
#[derive(Debug)]
pub struct SweepPlan {
    under_way: Option<Sweep>,
    /// Nothing was ever seen whole: no time is to be lost.
    first: bool,
    next_whole: Instant,
    earliest: Instant,
    /// Experiments that appeared, whose runs may be old.
    also: BTreeSet<ExperimentId>,
}

impl SweepPlan {
    pub fn new(complete: bool) -> Self {
        let now = Instant::now();
        // After a start pages come first.
        let next_whole = if complete { now + with_jitter(SHORTEST_REST) } else { now };
        Self { under_way: None, first: !complete, next_whole, earliest: now, also: BTreeSet::new() }
    }

    /// Experiments that are to be looked at soon.
    pub fn also(&mut self, experiments: Vec<ExperimentId>) {
        // The first sweep begins after the first step, with all of them.
        if !self.first || self.under_way.is_some() {
            self.also.extend(experiments);
        }
    }

    pub fn next_at(&self) -> Instant {
        let soon = self.under_way.is_some() || !self.also.is_empty();
        if soon { self.earliest } else { self.earliest.max(self.next_whole) }
    }

    pub fn is_due(&self, now: Instant) -> bool {
        now >= self.next_at()
    }

    /// Nothing is asked before; `at` is when the last question was answered.
    pub fn not_before(&mut self, at: Instant) {
        self.earliest = if self.first { at } else { at + QUESTION_INTERVAL };
    }

    /// The next sweep is about everything.
    pub fn make_whole(&mut self) {
        (self.under_way, self.next_whole) = (None, Instant::now());
    }

    pub fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    pub fn take(&mut self) -> Option<Sweep> {
        self.under_way.take()
    }

    pub fn put_back(&mut self, sweep: Sweep) {
        self.under_way = Some(sweep);
    }

    /// What the next sweep is about.
    pub fn begin(&mut self, index: &RunIndex) -> SweepScope {
        let whole = Instant::now() >= self.next_whole;
        let also = std::mem::take(&mut self.also);
        let active = index.experiments().filter(|e| e.experiment.lifecycle == Lifecycle::Active);
        let wanted = active.map(|e| e.experiment.id.clone()).filter(|id| whole || also.contains(id));
        SweepScope { experiments: wanted.collect(), whole }
    }

    /// A sweep is over: plans the next one. The second one follows soon: while the first was made, rows may have shifted so that a run was
    /// on no page.
    pub fn finished(&mut self, sweep: &Sweep, now: Instant) {
        if sweep.whole {
            let rest = if self.first { SHORTEST_REST } else { sweep.began.elapsed().saturating_mul(REST) };
            self.next_whole = now + with_jitter(rest.clamp(SHORTEST_REST, LONGEST_REST));
            self.first = false;
        }
    }
}
