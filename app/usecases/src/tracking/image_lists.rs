//! Images of runs that were listed a short while ago.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    error::Sentence,
    tracking::{ImageSeries, Run, RunId},
};

use crate::coalescer::Coalescer;

/// A list is asked for again after this, sooner while its run runs.
const AGE: Duration = Duration::from_secs(60);
const AGE_RUNNING: Duration = Duration::from_secs(10);
/// So many images are remembered of all runs together.
const MOST_REMEMBERED: usize = 100_000;

/// The images of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunImages {
    /// By name.
    pub series: Vec<ImageSeries>,
    /// Images that were found and are not among them, because there are too many.
    pub left_out: usize,
    /// There are folders that were not looked into: too deep, too many, or too slow.
    pub is_partial: bool,
    /// Why a folder could not be listed.
    pub trouble: Option<Sentence>,
}

impl RunImages {
    #[must_use]
    pub fn series(&self, name: &str) -> Option<&ImageSeries> {
        self.series.iter().find(|s| s.name == name)
    }

    pub(super) fn count(&self) -> usize {
        self.series.iter().map(|s| s.images.len()).sum()
    }
}

/// Lists that were asked for, and those that are being asked for.
#[derive(Default)]
pub(super) struct ImageLists {
    known: Mutex<HashMap<RunId, (Instant, Arc<RunImages>)>>,
    pub(super) asked: Coalescer<Arc<RunImages>>,
}

impl ImageLists {
    pub(super) fn known(&self, run: &Run) -> Option<Arc<RunImages>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let age = if run.status.is_over() { AGE } else { AGE_RUNNING };
        known.get(&run.id).filter(|(at, _)| at.elapsed() < age).map(|(_, images)| images.clone())
    }

    pub(super) fn remember(&self, run: &RunId, images: &Arc<RunImages>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (at, _)| at.elapsed() < AGE);
        // One more for each run: an empty list takes memory too.
        let total: usize = known.values().map(|(_, images)| images.count() + 1).sum();
        if total + images.count() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(run.clone(), (Instant::now(), images.clone()));
    }
}
