//! What is known of the runs of each experiment, worked out once for each state of the copy.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use domain::tracking::{
    ExperimentId, IndexedExperiment,
    search::{ExperimentSummary, Searched},
};

/// By experiment: its last state, and what is known of it.
type Kept = HashMap<ExperimentId, (Weak<IndexedExperiment>, Arc<ExperimentSummary>)>;

/// The summary of the last state of each experiment. The state itself is held weakly: it goes when the copy has a newer one.
#[derive(Default)]
pub(super) struct Summaries(Mutex<Kept>);

impl Summaries {
    /// Two who ask at once may both work it out: the lock is not held meanwhile.
    pub(super) fn of(&self, experiment: Arc<IndexedExperiment>) -> Searched {
        let id = experiment.experiment.id.clone();
        let known = self.locked(|kept| {
            let (state, summary) = kept.get(&id)?;
            std::ptr::eq(state.as_ptr(), Arc::as_ptr(&experiment)).then(|| summary.clone())
        });
        let summary = known.unwrap_or_else(|| {
            let summary = Arc::new(ExperimentSummary::of(&experiment));
            self.locked(|kept| {
                kept.retain(|_, (state, _)| state.strong_count() > 0);
                kept.insert(id, (Arc::downgrade(&experiment), summary.clone()));
            });
            summary
        });
        Searched { experiment, summary }
    }

    fn locked<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
