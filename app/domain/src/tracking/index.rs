//! Experiments and runs in memory, as lists and searches read them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{
    id::{ExperimentId, RunId},
    run::{Experiment, Lifecycle, Run, RunStatus, Text},
};
use crate::normalization::nfc;

/// An experiment with its active runs.
#[derive(Debug, Clone)]
pub struct IndexedExperiment {
    pub experiment: Arc<Experiment>,
    /// Latest start first; of equal starts by id.
    runs: Vec<Arc<Run>>,
    by_status: [usize; RunStatus::ALL.len()],
}

impl IndexedExperiment {
    fn new(experiment: Arc<Experiment>) -> Self {
        Self { experiment, runs: vec![], by_status: Default::default() }
    }

    /// Latest start first.
    #[must_use]
    pub fn runs(&self) -> &[Arc<Run>] {
        &self.runs
    }

    /// How many runs have each status, in the order of [`RunStatus::ALL`].
    #[must_use]
    pub fn by_status(&self) -> [usize; RunStatus::ALL.len()] {
        self.by_status
    }

    fn place(run: &Run) -> (std::cmp::Reverse<i64>, &RunId) {
        (std::cmp::Reverse(run.start.map_or(i64::MIN, |t| t.0)), &run.id)
    }

    fn put(&mut self, run: Arc<Run>) {
        self.by_status[run.status.place()] += 1;
        match self.runs.binary_search_by(|r| Self::place(r).cmp(&Self::place(&run))) {
            Ok(i) => {
                let old = std::mem::replace(&mut self.runs[i], run);
                self.by_status[old.status.place()] -= 1;
            }
            Err(i) => self.runs.insert(i, run),
        }
    }

    fn remove(&mut self, run: &Run) {
        if let Ok(i) = self.runs.binary_search_by(|r| Self::place(r).cmp(&Self::place(run))) {
            let old = self.runs.remove(i);
            self.by_status[old.status.place()] -= 1;
        }
    }

    /// Many at once, none of which is there.
    fn extend(&mut self, runs: Vec<Arc<Run>>) {
        runs.iter().for_each(|run| self.by_status[run.status.place()] += 1);
        self.runs.extend(runs);
        self.runs.sort_by(|a, b| Self::place(a).cmp(&Self::place(b)));
    }
}

/// Whether texts are equal but for how their letters are composed.
fn same_letters(a: &str, b: &str) -> bool {
    (!a.is_ascii() || !b.is_ascii()) && nfc(a).as_deref().unwrap_or(a) == nfc(b).as_deref().unwrap_or(b)
}

/// All experiments and active runs. A copy is cheap: what did not change is shared.
#[derive(Debug, Clone, Default)]
pub struct RunIndex {
    experiments: BTreeMap<ExperimentId, Arc<IndexedExperiment>>,
    by_id: Arc<HashMap<RunId, Arc<Run>>>,
}

impl RunIndex {
    /// All experiments, deleted ones too, by id.
    pub fn experiments(&self) -> impl ExactSizeIterator<Item = &Arc<IndexedExperiment>> {
        self.experiments.values()
    }

    #[must_use]
    pub fn experiment(&self, id: &ExperimentId) -> Option<&Arc<IndexedExperiment>> {
        self.experiments.get(id)
    }

    /// By its id or by its name. An id counts first: an experiment that is called like another one's id hides nothing, and has an id of
    /// its own. Of a deleted and an active one of the same name the active. A name that nobody has as it is written is looked for in either spelling of composed letters: file systems and keyboards differ there.
    #[must_use]
    pub fn find_experiment(&self, name_or_id: &str) -> Option<&Arc<IndexedExperiment>> {
        let first = |named: &dyn Fn(&str) -> bool| {
            let named = self.experiments().filter(|e| named(&e.experiment.name));
            named.min_by_key(|e| e.experiment.lifecycle == Lifecycle::Deleted)
        };
        let by_id = ExperimentId::parse(name_or_id).ok().and_then(|id| self.experiment(&id));
        by_id.or_else(|| first(&|name| name == name_or_id)).or_else(|| first(&|name| same_letters(name, name_or_id)))
    }

    #[must_use]
    pub fn run(&self, id: &RunId) -> Option<&Arc<Run>> {
        self.by_id.get(id)
    }

    /// All runs, in no order.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = &Arc<Run>> {
        self.by_id.values()
    }

    /// Replaces what is known of experiments by id; their runs stay.
    pub fn put_experiments(&mut self, experiments: impl IntoIterator<Item = Arc<Experiment>>) {
        for experiment in experiments {
            let entry = self.experiments.entry(experiment.id.clone());
            let entry = entry.or_insert_with(|| Arc::new(IndexedExperiment::new(experiment.clone())));
            Arc::make_mut(entry).experiment = experiment;
        }
    }

    /// Adds runs, or replaces them by id. Those that are deleted are removed, and those of an unknown experiment left out.
    pub fn put_runs(&mut self, runs: impl IntoIterator<Item = Arc<Run>>) {
        let mut by_id = (*self.by_id).clone();
        let mut new: HashMap<ExperimentId, Vec<Arc<Run>>> = HashMap::new();
        for run in runs {
            if let Some(old) = by_id.remove(&run.id) {
                self.take_out(&old);
            }
            if run.lifecycle == Lifecycle::Active && self.experiments.contains_key(&run.experiment) {
                by_id.insert(run.id.clone(), run.clone());
                new.entry(run.experiment.clone()).or_default().push(run);
            }
        }
        for (id, runs) in new {
            if let Some(home) = self.experiments.get_mut(&id).map(Arc::make_mut) {
                // Of a run that comes twice the last one counts.
                let runs: Vec<_> =
                    runs.into_iter().filter(|r| by_id.get(&r.id).is_some_and(|last| Arc::ptr_eq(last, r))).collect();
                if runs.len() * 8 > home.runs.len() {
                    home.extend(runs)
                } else {
                    runs.into_iter().for_each(|r| home.put(r))
                }
            }
        }
        self.by_id = Arc::new(by_id);
    }

    pub fn remove_runs<'a>(&mut self, ids: impl IntoIterator<Item = &'a RunId>) {
        let mut by_id = (*self.by_id).clone();
        for id in ids {
            if let Some(old) = by_id.remove(id) {
                self.take_out(&old);
            }
        }
        self.by_id = Arc::new(by_id);
    }

    /// Removes experiments with their runs.
    pub fn remove_experiments<'a>(&mut self, ids: impl IntoIterator<Item = &'a ExperimentId>) {
        let mut by_id = (*self.by_id).clone();
        for id in ids {
            for run in self.experiments.remove(id).iter().flat_map(|e| &e.runs) {
                by_id.remove(&run.id);
            }
        }
        self.by_id = Arc::new(by_id);
    }

    fn take_out(&mut self, run: &Run) {
        if let Some(home) = self.experiments.get_mut(&run.experiment) {
            Arc::make_mut(home).remove(run);
        }
    }
}

/// Texts that are kept once, however many runs have them: keys, users, values of parameters.
#[derive(Debug, Default)]
pub struct TextPool(HashSet<Text>);

impl TextPool {
    /// The kept text that is equal.
    pub fn share(&mut self, text: &Text) -> Text {
        if let Some(kept) = self.0.get(text) {
            return kept.clone();
        }
        self.0.insert(text.clone());
        text.clone()
    }

    /// A run whose texts are the kept ones.
    #[must_use]
    pub fn share_run(&mut self, mut run: Run) -> Run {
        for text in [&mut run.name, &mut run.user, &mut run.artifact_uri] {
            *text = self.share(text);
        }
        for metric in &mut run.metrics {
            metric.key = self.share(&metric.key);
        }
        for (key, value) in run.params.iter_mut().chain(&mut run.tags) {
            (*key, *value) = (self.share(key), self.share(value));
        }
        for dataset in &mut run.datasets {
            for text in [&mut dataset.name, &mut dataset.digest, &mut dataset.context, &mut dataset.source] {
                *text = self.share(text);
            }
        }
        run.metrics.shrink_to_fit();
        run.params.shrink_to_fit();
        run.tags.shrink_to_fit();
        run
    }

    /// Forgets texts that nobody has any more.
    pub fn forget_unused(&mut self) {
        self.0.retain(|text| Arc::strong_count(text) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    fn experiment(id: &str, name: &str, lifecycle: Lifecycle) -> Arc<Experiment> {
        let id = ExperimentId::parse(id).expect("an id");
        Arc::new(Experiment {
            id,
            name: name.into(),
            lifecycle,
            artifact_location: "".into(),
            created: None,
            updated: None,
            tags: vec![],
        })
    }

    fn run(id: &str, home: &str, start: i64, lifecycle: Lifecycle) -> Arc<Run> {
        Arc::new(Run {
            id: RunId::parse(id).expect("an id"),
            experiment: ExperimentId::parse(home).expect("an id"),
            name: id.into(),
            user: "".into(),
            status: RunStatus::Finished,
            start: Some(Millis(start)),
            end: None,
            artifact_uri: "".into(),
            lifecycle,
            metrics: vec![],
            params: vec![],
            tags: vec![],
            datasets: vec![],
        })
    }

    fn ids(index: &RunIndex, home: &str) -> Vec<String> {
        let id = ExperimentId::parse(home).expect("an id");
        index.experiment(&id).map(|e| e.runs().iter().map(|r| r.id.to_string()).collect()).unwrap_or_default()
    }

    #[test]
    fn runs_are_replaced_moved_and_removed_by_id_and_an_older_index_stays() {
        let mut index = RunIndex::default();
        index.put_experiments([experiment("1", "a", Lifecycle::Active), experiment("2", "b", Lifecycle::Active)]);
        index.put_runs((0..40).map(|i| run(&format!("r{i:02}"), "1", i, Lifecycle::Active)));
        let before = index.clone();
        index.put_runs([run("r03", "1", 99, Lifecycle::Active), run("r03", "2", 5, Lifecycle::Active)]);
        index.put_runs([run("r04", "1", 4, Lifecycle::Deleted), run("x", "9", 4, Lifecycle::Active)]);
        assert_eq!((ids(&index, "1").len(), ids(&index, "2")), (38, vec!["r03".to_owned()]));
        assert_eq!((ids(&before, "1").len(), ids(&before, "1")[0].as_str()), (40, "r39"));
        assert!(index.run(&RunId::parse("x").expect("an id")).is_none());
        let finished = index.experiments().map(|e| e.by_status()[RunStatus::Finished.place()]).collect::<Vec<_>>();
        assert_eq!(finished, [38, 1], "counts follow");
        index.remove_experiments([&ExperimentId::parse("1").expect("an id")]);
        assert_eq!(index.runs().len(), 1);
    }

    #[test]
    fn an_id_counts_before_a_name_and_an_active_experiment_before_a_deleted_one() {
        let mut index = RunIndex::default();
        let named = [
            ("1", "2", Lifecycle::Active),
            ("2", "x", Lifecycle::Deleted),
            ("3", "x", Lifecycle::Active),
            ("4", "부산", Lifecycle::Active),
        ];
        index.put_experiments(named.map(|(id, name, lifecycle)| experiment(id, name, lifecycle)));
        let found = |t: &str| index.find_experiment(t).map(|e| e.experiment.id.to_string());
        assert_eq!(
            (found("2"), found("x"), found("3"), found("5")),
            (Some("2".into()), Some("3".into()), Some("3".into()), None)
        );
        assert_eq!(found("\u{1107}\u{116e}\u{1109}\u{1161}\u{11ab}"), Some("4".into()), "letters in their parts");
    }
}
