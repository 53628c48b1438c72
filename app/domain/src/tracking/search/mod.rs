//! Searching runs: filter, order, page, facets and groups, over experiments in memory.

mod chosen;
mod groups;
mod order;
mod selection;
mod summary;
#[cfg(test)]
mod tests;
mod values;

use std::sync::Arc;

pub use self::{
    chosen::{COLUMNS_TAG, chosen_columns},
    groups::{GroupMetric, MAX_GROUPS, RunGroup, group_runs},
    order::{Sort, sort_runs},
    summary::{
        ExperimentSummary, Facet, FacetValue, KeyCount, MAX_FACET_VALUES, MAX_FACETS, PARENT_TAG, RunColumns, Searched,
    },
};
use self::{selection::Selection, summary::facets_of};
use super::{filter::Filter, run::Run};

/// Which runs, in which order, and which part of them.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    /// Resolved ([`Filter::resolve`]).
    pub filter: &'a Filter,
    pub sort: &'a Sort,
    pub skip: usize,
    pub limit: usize,
    pub facets: bool,
}

/// The answer to a [`Search`].
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// How many runs pass the filter.
    pub total: usize,
    /// The asked part of them.
    pub rows: Vec<Arc<Run>>,
    /// Counts of those that pass.
    pub facets: Vec<Facet>,
    /// Of those that pass, how many were sorted by the last value for want of their history.
    pub stand_ins: usize,
}

/// A run that passes: the number of its experiment among those searched, and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    experiment: usize,
    run: usize,
}

impl Hit {
    fn of(self, among: &[Searched]) -> &Arc<Run> {
        &among[self.experiment].experiment.runs()[self.run]
    }
}

/// The runs that pass a filter, by experiment and place.
fn hits<'a>(among: &'a [Searched], filter: &'a Filter) -> impl Iterator<Item = Hit> {
    among.iter().enumerate().flat_map(move |(experiment, searched)| {
        let selection = Selection::new(filter, searched);
        let places = 0..searched.experiment.runs().len();
        places.filter(move |run| selection.passes(*run)).map(move |run| Hit { experiment, run })
    })
}

/// Answers a search.
#[must_use]
pub fn search(among: &[Searched], query: &Search<'_>) -> Found {
    let hits: Vec<Hit> = hits(among, query.filter).collect();
    let total = hits.len();
    let facets = if query.facets { facets_of(among, &hits) } else { vec![] };
    let (rows, stand_ins) = order::page(among, hits, query.sort, query.skip, query.limit);
    Found { total, rows, facets, stand_ins }
}
