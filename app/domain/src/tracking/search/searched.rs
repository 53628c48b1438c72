//! What is searched, and what is found in it by place.

use std::sync::Arc;

use super::{summary::ExperimentSummary, values::Bound};
use crate::tracking::{column::Column, index::IndexedExperiment, run::Run};

/// An experiment and what its runs have.
#[derive(Clone)]
pub struct Searched {
    pub experiment: Arc<IndexedExperiment>,
    pub summary: Arc<ExperimentSummary>,
}

impl Searched {
    /// A column over all runs of the experiment.
    pub(super) fn values<'a>(&'a self, column: &'a Column) -> Bound<'a> {
        let runs = self.experiment.runs();
        // The summary is of exactly these runs.
        self.summary.values.of(column, runs).map_or(Bound::Read(column, runs), Bound::Kept)
    }
}

/// A run that passes: the number of its experiment among those searched, and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub experiment: usize,
    pub run: usize,
}

impl Hit {
    pub(super) fn of(self, among: &[Searched]) -> &Arc<Run> {
        &among[self.experiment].experiment.runs()[self.run]
    }
}
