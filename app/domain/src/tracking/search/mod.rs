//! Searching runs: filter, order, page, facets and groups, over experiments in memory.

mod chosen;
mod facets;
mod groups;
mod order;
mod places;
mod searched;
mod selection;
mod summary;
#[cfg(test)]
mod tests;
mod values;

use std::sync::Arc;

pub use self::{
    chosen::{COLUMNS_TAG, chosen_columns},
    facets::{Facet, FacetValue},
    groups::{GroupMetric, MAX_GROUPS, RunGroup, group_runs},
    order::{AskedSort, Sort, SortKey, sort_runs},
    places::{MAX_RUN_PLACES, PLACE_LEVELS, PLACE_TAGS, RunPlace, RunPlaces},
    searched::Searched,
    summary::{ExperimentSummary, KeyCount, MAX_FACET_VALUES, MAX_FACETS, PARENT_TAG, RunColumns},
};
use self::{facets::facets_of, searched::Hit, selection::hits};
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

/// Answers a search.
#[must_use]
pub fn search(among: &[Searched], query: &Search<'_>) -> Found {
    let hits: Vec<Hit> = hits(among, query.filter).collect();
    let total = hits.len();
    let facets = if query.facets { facets_of(among, &hits) } else { vec![] };
    let (rows, stand_ins) = order::page(among, hits, query.sort, query.skip, query.limit);
    Found { total, rows, facets, stand_ins }
}
