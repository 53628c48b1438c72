//! The copy as readers see it, and what of it is to be saved.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use domain::{
    error::Sentence,
    ports::{CopyChanges, KeptCopy},
    time::Millis,
    tracking::{Experiment, ExperimentId, Extremes, Lifecycle, Run, RunId, RunIndex, RunMetric, Text, TextPool},
};
use tokio::sync::watch;

use super::same::{same_experiment, same_run, same_value};

/// What part of copying failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Steps, which look for what is new.
    Step,
    /// Sweeps, which look at everything.
    Sweep,
}

/// What readers see.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub index: Arc<RunIndex>,
    pub as_of: Option<Millis>,
    pub complete: bool,
    pub version: Option<String>,
    /// Why the last probe failed.
    pub unreachable: Option<Sentence>,
    /// Why the last step, and the last part of a sweep, failed.
    pub trouble: [Option<Sentence>; 2],
}

impl Seen {
    pub fn error(&self) -> Option<&Sentence> {
        self.unreachable.as_ref().or_else(|| self.trouble.iter().flatten().next())
    }
}

/// What the writer holds.
#[derive(Debug, Default)]
struct Writer {
    texts: TextPool,
    unsaved: Unsaved,
}

/// What differs from what was saved; by id, so that it is saved as it is then.
#[derive(Debug, Default)]
pub struct Unsaved {
    runs: BTreeSet<RunId>,
    experiments: BTreeSet<ExperimentId>,
}

/// The smallest and largest values that were found in a history.
#[derive(Debug, Clone)]
pub struct FoundExtremes {
    pub run: RunId,
    /// As it was before the history was copied.
    pub metric: RunMetric,
    pub extremes: Extremes,
}

/// A metric of a run.
pub type MetricOfRun = (RunId, Text);

pub struct Current {
    seen: RwLock<Seen>,
    writer: Mutex<Writer>,
    generation: watch::Sender<u64>,
}

impl Current {
    /// `first` is the first generation; it grows with the time at which the process began, so that no two processes use the same.
    pub fn new(first: u64) -> Self {
        Self { seen: RwLock::default(), writer: Mutex::default(), generation: watch::Sender::new(first) }
    }

    pub fn seen(&self) -> Seen {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn index(&self) -> Arc<RunIndex> {
        Arc::clone(&self.seen.read().unwrap_or_else(PoisonError::into_inner).index)
    }

    pub fn generation(&self) -> u64 {
        *self.generation.borrow()
    }

    pub async fn wait_for_change(&self, seen: u64) -> u64 {
        let mut moves = self.generation.subscribe();
        // The sender is `self`: it outlives the wait.
        moves.wait_for(|now| *now != seen).await.map_or(seen, |now| *now)
    }

    /// Something that the index does not hold became known.
    pub fn moved(&self) {
        self.generation.send_modify(|g| *g += 1);
    }

    fn write(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what readers see; the generation moves when the index, the error or the completeness do.
    fn change(&self, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let before = (Arc::clone(&seen.index), seen.error().cloned(), seen.complete);
        change(&mut seen);
        let moved =
            !Arc::ptr_eq(&before.0, &seen.index) || before.1.as_ref() != seen.error() || before.2 != seen.complete;
        drop(seen);
        if moved {
            self.moved();
        }
    }

    /// Shows what was kept.
    pub fn show_kept(&self, kept: KeptCopy, complete: bool) {
        let mut writer = self.write();
        let mut index = RunIndex::default();
        index.put_experiments(kept.experiments.into_iter().map(Arc::new));
        index.put_runs(kept.runs.into_iter().map(|run| Arc::new(writer.texts.share_run(run))));
        self.change(|seen| {
            (seen.index, seen.as_of, seen.complete) = (Arc::new(index), kept.as_of, complete);
        });
    }

    pub fn reachable(&self, version: Option<String>) {
        self.change(|seen| {
            seen.unreachable = None;
            seen.version = version.or(seen.version.take());
        });
    }

    pub fn unreachable(&self, why: Sentence) {
        self.change(|seen| seen.unreachable = Some(why));
    }

    pub fn set_trouble(&self, part: Part, why: Option<Sentence>) {
        self.change(|seen| seen.trouble[usize::from(part == Part::Sweep)] = why);
    }

    pub fn set_as_of(&self, at: Millis) {
        self.change(|seen| seen.as_of = Some(at));
    }

    pub fn set_complete(&self) {
        self.change(|seen| seen.complete = true);
    }

    /// Takes over the list of all experiments. What is not in it is removed with its runs, when the list is believed so far; the runs of
    /// deleted experiments are removed too. Returns the active ones that were unknown or deleted before.
    pub fn put_experiments(&self, list: Vec<Experiment>, remove_missing: bool) -> Vec<ExperimentId> {
        let mut writer = self.write();
        let before = self.index();
        let mut index = (*before).clone();
        let listed: BTreeSet<ExperimentId> = list.iter().map(|e| e.id.clone()).collect();
        let known = |id: &ExperimentId| before.experiment(id).map(|e| &e.experiment);
        let (mut changed, mut appeared, mut gone_runs) = (vec![], vec![], vec![]);
        for experiment in list {
            let old = known(&experiment.id);
            if old.is_some_and(|old| same_experiment(old, &experiment)) {
                continue;
            }
            let was_active = old.is_some_and(|old| old.lifecycle == Lifecycle::Active);
            // The runs of a deleted one stay as they were last seen: its page goes on showing them, until MLflow sweeps it.
            if experiment.lifecycle == Lifecycle::Active && !was_active {
                appeared.push(experiment.id.clone());
            }
            writer.unsaved.experiments.insert(experiment.id.clone());
            changed.push(Arc::new(experiment));
        }
        let missing: Vec<ExperimentId> = if remove_missing {
            before.experiments().map(|e| e.experiment.id.clone()).filter(|id| !listed.contains(id)).collect()
        } else {
            vec![]
        };
        if changed.is_empty() && missing.is_empty() {
            return appeared;
        }
        for id in &missing {
            gone_runs.extend(before.experiment(id).into_iter().flat_map(|e| e.runs()).map(|r| r.id.clone()));
        }
        index.put_experiments(changed);
        index.remove_runs(&gone_runs);
        index.remove_experiments(&missing);
        writer.unsaved.runs.extend(gone_runs);
        writer.unsaved.experiments.extend(missing);
        self.change(|seen| seen.index = Arc::new(index));
        appeared
    }

    /// Takes over runs as the original has them; those that are deleted are removed. Runs that did not change cost nothing. Returns
    /// the metrics whose smallest and largest values were known and are not any more, of runs that are over.
    pub fn put_runs(&self, runs: impl IntoIterator<Item = Run>) -> Vec<MetricOfRun> {
        let mut writer = self.write();
        let before = self.index();
        let (mut changed, mut outdated) = (vec![], vec![]);
        for mut run in runs {
            let old = before.run(&run.id);
            if let Some(old) = old {
                keep_extremes(old, &mut run, &mut outdated);
                if same_run(old, &run) {
                    continue;
                }
            } else if run.lifecycle == Lifecycle::Deleted || before.experiment(&run.experiment).is_none() {
                continue;
            }
            writer.unsaved.runs.insert(run.id.clone());
            changed.push(Arc::new(writer.texts.share_run(run)));
        }
        if !changed.is_empty() {
            let mut index = (*before).clone();
            index.put_runs(changed);
            self.change(|seen| seen.index = Arc::new(index));
        }
        outdated
    }

    pub fn remove_runs(&self, ids: &[RunId]) {
        let mut writer = self.write();
        let before = self.index();
        let known: Vec<&RunId> = ids.iter().filter(|id| before.run(id).is_some()).collect();
        if known.is_empty() {
            return;
        }
        let mut index = (*before).clone();
        index.remove_runs(known.iter().copied());
        writer.unsaved.runs.extend(known.into_iter().cloned());
        self.change(|seen| seen.index = Arc::new(index));
    }

    /// Adds the smallest and largest values of histories to runs whose metric is still as it was.
    pub fn set_extremes(&self, found: Vec<FoundExtremes>) {
        let mut writer = self.write();
        let before = self.index();
        let mut changed: std::collections::BTreeMap<RunId, Run> = std::collections::BTreeMap::new();
        for FoundExtremes { run: id, metric, extremes } in found {
            let Some(known) = before.run(&id) else { continue };
            let run = changed.entry(id).or_insert_with(|| (**known).clone());
            let at = run.metrics.iter_mut().find(|m| same_value(m, &metric));
            if let Some(at) = at {
                at.extremes = Some(extremes);
            }
        }
        changed.retain(|id, run| before.run(id).is_some_and(|old| !same_run(old, run)));
        if changed.is_empty() {
            return;
        }
        writer.unsaved.runs.extend(changed.keys().cloned());
        let mut index = (*before).clone();
        index.put_runs(changed.into_values().map(Arc::new));
        self.change(|seen| seen.index = Arc::new(index));
    }

    /// Forgets texts that no run has any more.
    pub fn forget_texts(&self) {
        self.write().texts.forget_unused();
    }

    /// The changes to be saved next, of at most so many runs, as they are now; `None` when there are none.
    pub fn take_unsaved(&self, most_runs: usize) -> Option<(Unsaved, CopyChanges)> {
        let mut writer = self.write();
        let index = self.index();
        let mut taken = Unsaved { experiments: std::mem::take(&mut writer.unsaved.experiments), ..Unsaved::default() };
        while taken.runs.len() < most_runs
            && let Some(id) = writer.unsaved.runs.pop_first()
        {
            taken.runs.insert(id);
        }
        if taken.runs.is_empty() && taken.experiments.is_empty() {
            return None;
        }
        let mut changes = CopyChanges::default();
        for id in &taken.experiments {
            match index.experiment(id) {
                Some(e) => changes.experiments.push(Arc::clone(&e.experiment)),
                None => changes.removed_experiments.push(id.clone()),
            }
        }
        for id in &taken.runs {
            match index.run(id) {
                Some(run) => changes.runs.push(Arc::clone(run)),
                None => changes.removed_runs.push(id.clone()),
            }
        }
        Some((taken, changes))
    }

    /// They could not be saved.
    pub fn give_back(&self, taken: Unsaved) {
        let mut writer = self.write();
        writer.unsaved.runs.extend(taken.runs);
        writer.unsaved.experiments.extend(taken.experiments);
    }

    /// Whether there is anything to be saved.
    pub fn has_unsaved(&self) -> bool {
        let writer = self.write();
        !writer.unsaved.runs.is_empty() || !writer.unsaved.experiments.is_empty()
    }

    /// Nothing of what is shown is saved but these changes.
    pub fn all_unsaved_but(&self, saved: &CopyChanges) {
        let mut writer = self.write();
        let index = self.index();
        writer.unsaved.runs.extend(index.runs().map(|r| r.id.clone()));
        writer.unsaved.experiments.extend(index.experiments().map(|e| e.experiment.id.clone()));
        // What changed meanwhile differs from what was saved.
        for run in &saved.runs {
            if index.run(&run.id).is_some_and(|now| Arc::ptr_eq(now, run)) {
                writer.unsaved.runs.remove(&run.id);
            }
        }
        for experiment in &saved.experiments {
            if index.experiment(&experiment.id).is_some_and(|now| Arc::ptr_eq(&now.experiment, experiment)) {
                writer.unsaved.experiments.remove(&experiment.id);
            }
        }
    }
}

/// Smallest and largest values stay as long as the metric does. Those that the original itself knows count before ours.
fn keep_extremes(old: &Run, run: &mut Run, outdated: &mut Vec<MetricOfRun>) {
    for metric in run.metrics.iter_mut().filter(|m| m.extremes.is_none()) {
        let Some(before) = old.metric(&metric.key).filter(|m| m.extremes.is_some()) else { continue };
        if same_value(before, metric) {
            metric.extremes = before.extremes;
        } else if run.status.is_over() {
            outdated.push((run.id.clone(), Arc::clone(&metric.key)));
        }
    }
}
