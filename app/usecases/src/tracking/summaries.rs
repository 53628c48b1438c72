//! What is known of the runs of each experiment, worked out once for each state of the copy.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use domain::tracking::{
    ExperimentId, IndexedExperiment,
    search::{ExperimentSummary, RunPlaces, Searched},
};

/// What is known of the last state of each experiment. Places are apart: a list of experiments needs nothing else, and they are found
/// in a small part of the time.
#[derive(Default)]
pub(super) struct Summaries {
    summaries: Kept<ExperimentSummary>,
    places: Kept<RunPlaces>,
}

impl Summaries {
    pub(super) fn of(&self, experiment: Arc<IndexedExperiment>) -> Searched {
        let summary = self.summaries.of(&experiment, ExperimentSummary::of);
        Searched { experiment, summary }
    }

    pub(super) fn places(&self, experiment: &Arc<IndexedExperiment>) -> Arc<RunPlaces> {
        self.places.of(experiment, RunPlaces::of)
    }
}

/// The last state of an experiment, and what follows from it. The state itself is held weakly: it goes when the copy has a newer one.
type Known<T> = (Weak<IndexedExperiment>, Arc<T>);

/// What is known of each experiment.
struct Kept<T>(Mutex<HashMap<ExperimentId, Known<T>>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Kept<T> {
    /// Two who ask at once may both work it out: the lock is not held meanwhile.
    fn of(&self, experiment: &Arc<IndexedExperiment>, work_out: impl FnOnce(&IndexedExperiment) -> T) -> Arc<T> {
        let id = &experiment.experiment.id;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.get(id).filter(|(state, _)| std::ptr::eq(state.as_ptr(), Arc::as_ptr(experiment)));
        if let Some((_, known)) = known {
            return known.clone();
        }
        drop(kept);
        let found = Arc::new(work_out(experiment));
        kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (state, _)| state.strong_count() > 0);
        kept.insert(id.clone(), (Arc::downgrade(experiment), found.clone()));
        found
    }
}
