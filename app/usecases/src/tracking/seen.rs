//! Which runs were shown last, and when they were known to be there: so that a link to a run that was deleted since says so.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    time::Millis,
    tracking::{Run, RunId},
};

/// The most runs that are remembered.
const MAX_SEEN: usize = 20_000;
/// A longer list is no page that somebody clicks in.
const MAX_PAGE: usize = 1_000;

#[derive(Default)]
pub(super) struct SeenRuns(Mutex<HashMap<RunId, Millis>>);

impl SeenRuns {
    pub(super) fn note(&self, runs: &[Arc<Run>], as_of: Option<Millis>) {
        let Some(at) = as_of.filter(|_| runs.len() <= MAX_PAGE) else { return };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() + runs.len() > MAX_SEEN {
            seen.clear();
        }
        for run in runs {
            match seen.get_mut(&run.id) {
                Some(last) => *last = at.max(*last),
                None => drop(seen.insert(run.id.clone(), at)),
            }
        }
    }

    /// The last moment at which a run was known to be there.
    pub(super) fn last(&self, id: &RunId) -> Option<Millis> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
}
