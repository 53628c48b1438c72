//! Values that runs can be narrowed to, with how many of the found runs have each.

use std::collections::BTreeMap;

use super::{
    searched::{Hit, Searched},
    summary::{MAX_FACET_VALUES, MAX_FACETS, NO_VALUE},
};
use crate::tracking::{column::Column, run::Text};

/// Values of a column that runs can be narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    pub column: Column,
    /// The most frequent first, then by value. Also those that no run of the answer has: asking otherwise would bring them back.
    pub values: Vec<FacetValue>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetValue {
    pub value: Text,
    /// Of the runs that pass the filter.
    pub runs: usize,
    /// Of all.
    pub all: usize,
}

/// The facets of experiments, with counts of the runs that pass.
pub(super) fn facets_of(among: &[Searched], hits: &[Hit]) -> Vec<Facet> {
    let mut facets: Vec<(Column, BTreeMap<Text, FacetValue>)> = vec![];
    for (experiment, searched) in among.iter().enumerate() {
        let first = hits.partition_point(|hit| hit.experiment < experiment);
        let hits = &hits[first..];
        let hits = &hits[..hits.partition_point(|hit| hit.experiment == experiment)];
        for facet in &searched.summary.facets {
            let (mut passing, mut all) = ([0_usize; 256], [0_usize; 256]);
            let code = |run: usize| facet.codes.get(run).copied().unwrap_or(NO_VALUE);
            hits.iter().for_each(|hit| passing[usize::from(code(hit.run))] += 1);
            facet.codes.iter().for_each(|c| all[usize::from(*c)] += 1);
            let at = facets.iter().position(|f| f.0 == facet.column).unwrap_or_else(|| {
                facets.push((facet.column.clone(), BTreeMap::new()));
                facets.len() - 1
            });
            let Some((_, values)) = facets.get_mut(at) else { continue };
            for ((value, runs), all) in facet.values.iter().zip(passing).zip(all).filter(|(_, all)| *all > 0) {
                let none = FacetValue { value: value.clone(), runs: 0, all: 0 };
                let merged = values.entry(value.clone()).or_insert(none);
                (merged.runs, merged.all) = (merged.runs + runs, merged.all + all);
            }
        }
    }
    facets.truncate(MAX_FACETS);
    let told = |(column, values): (Column, BTreeMap<Text, FacetValue>)| {
        let mut values: Vec<FacetValue> = values.into_values().collect();
        values.sort_by(|a, b| b.runs.cmp(&a.runs).then(b.all.cmp(&a.all)).then_with(|| a.value.cmp(&b.value)));
        values.truncate(MAX_FACET_VALUES);
        Facet { column, values }
    };
    facets.into_iter().map(told).filter(|f| !f.values.is_empty()).collect()
}
