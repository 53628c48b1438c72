//! Searching runs: filter, order, page, facets and groups, over experiments in memory.

mod chosen;
mod groups;
mod order;
mod summary;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::{
    chosen::{COLUMNS_TAG, chosen_columns},
    groups::{GroupMetric, MAX_GROUPS, RunGroup, group_runs},
    order::Sort,
    summary::{
        ExperimentSummary, Facet, FacetValue, KeyCount, MAX_FACET_VALUES, MAX_FACETS, PARENT_TAG, RunColumns, Searched,
    },
};
use super::{
    filter::{Filter, Matcher},
    run::Run,
};

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

/// Answers a search.
#[must_use]
pub fn search(among: &[Searched], query: &Search<'_>) -> Found {
    let matcher = Matcher::new(query.filter);
    let mut counts = query.facets.then(|| summary::FacetCounts::new(among));
    let mut hits: Vec<&Arc<Run>> = vec![];
    for (e, searched) in among.iter().enumerate() {
        for (i, run) in searched.experiment.runs().iter().enumerate() {
            if matcher.matches(run) {
                hits.push(run);
                if let Some(counts) = &mut counts {
                    counts.count(e, i);
                }
            }
        }
    }
    let total = hits.len();
    let facets = counts.map(summary::FacetCounts::facets).unwrap_or_default();
    let (rows, stand_ins) = order::page(hits, query.sort, among.len() == 1, query.skip, query.limit);
    Found { total, rows, facets, stand_ins }
}

/// The runs that pass a filter, in no order.
pub fn matching<'a>(among: &'a [Searched], filter: &'a Filter) -> impl Iterator<Item = &'a Arc<Run>> {
    let matcher = Matcher::new(filter);
    among.iter().flat_map(|s| s.experiment.runs()).filter(move |run| matcher.matches(run))
}
