//! What the runs of an experiment have: its columns, and values that many share. Worked out once for each state of an experiment.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{places::PLACE_TAGS, values::KeptValues};
use crate::tracking::{
    column::{Attribute, Column},
    index::IndexedExperiment,
    run::{Run, RunStatus, Text},
};

/// The tag by which a run names the run that it belongs to.
pub const PARENT_TAG: &str = "mlflow.parentRunId";

/// The most facets, the status included.
pub const MAX_FACETS: usize = 12;
/// A parameter or tag with more different values is no facet.
pub const MAX_FACET_VALUES: usize = 10;
/// A parameter or tag with a longer value is no facet, in bytes.
const MAX_FACET_TEXT: usize = 200;
/// A run of a facet without a value.
pub(super) const NO_VALUE: u8 = u8::MAX;

/// A key and how many runs have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCount {
    pub key: Text,
    pub runs: usize,
    /// Of parameters and tags, how many different values there are; `None` for more than [`MAX_FACET_VALUES`], and for metrics.
    pub values: Option<usize>,
}

/// The columns that runs have, each list by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunColumns {
    pub runs: usize,
    pub metrics: Vec<KeyCount>,
    pub params: Vec<KeyCount>,
    pub tags: Vec<KeyCount>,
}

impl RunColumns {
    #[must_use]
    pub fn has_metric(&self, key: &str) -> bool {
        has(&self.metrics, key)
    }

    #[must_use]
    pub fn has_param(&self, key: &str) -> bool {
        has(&self.params, key)
    }

    #[must_use]
    pub fn has_tag(&self, key: &str) -> bool {
        has(&self.tags, key)
    }

    /// Of several experiments.
    #[must_use]
    pub fn merged<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let mut runs = 0;
        let mut lists = [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()];
        for columns in all {
            runs += columns.runs;
            for (list, keys) in lists.iter_mut().zip([&columns.metrics, &columns.params, &columns.tags]) {
                for key in keys {
                    let merged: &mut KeyCount =
                        list.entry(key.key.clone()).or_insert(KeyCount { runs: 0, values: Some(0), ..key.clone() });
                    merged.runs += key.runs;
                    // At least so many: equal values of two experiments are one.
                    merged.values = merged.values.zip(key.values).map(|(a, b)| a.max(b));
                }
            }
        }
        let [metrics, params, tags] = lists.map(|l| l.into_values().collect());
        Self { runs, metrics, params, tags }
    }
}

fn has(list: &[KeyCount], key: &str) -> bool {
    list.binary_search_by(|k| (*k.key).cmp(key)).is_ok()
}

/// What is known of an experiment's runs.
#[derive(Debug, Default)]
pub struct ExperimentSummary {
    pub columns: Arc<RunColumns>,
    pub(super) facets: Vec<FacetCodes>,
    /// The runs below a run, by its id: their places among the runs.
    children: HashMap<Text, Vec<u32>>,
    pub(super) values: KeptValues,
}

/// The values of one column, by run.
#[derive(Debug)]
pub(super) struct FacetCodes {
    pub column: Column,
    pub values: Vec<Text>,
    /// Of each run the place of its value.
    pub codes: Vec<u8>,
}

/// How often the values of a key occur, while there are few.
struct KeyValues {
    key: Text,
    runs: usize,
    values: Option<Vec<Text>>,
}

/// Counts keys. Runs of one experiment mostly have the same keys, so a key is looked for first where the last run had it.
#[derive(Default)]
struct KeyCounter {
    by_key: HashMap<Text, usize>,
    keys: Vec<KeyValues>,
    /// Of the last run, by its place there: the number of the key.
    last: Vec<usize>,
}

impl KeyCounter {
    fn number(&mut self, place: usize, key: &Text) -> usize {
        if let Some(&number) = self.last.get(place)
            && self.keys.get(number).is_some_and(|k| Arc::ptr_eq(&k.key, key) || k.key == *key)
        {
            return number;
        }
        let next = self.keys.len();
        let number = *self.by_key.entry(key.clone()).or_insert(next);
        if number == next {
            self.keys.push(KeyValues { key: key.clone(), runs: 0, values: Some(vec![]) });
        }
        self.last.resize(self.last.len().max(place + 1), usize::MAX);
        if let Some(last) = self.last.get_mut(place) {
            *last = number;
        }
        number
    }

    fn count(&mut self, place: usize, key: &Text, value: Option<&Text>) {
        let number = self.number(place, key);
        let Some(counted) = self.keys.get_mut(number) else { return };
        counted.runs += 1;
        match (value, &mut counted.values) {
            (Some(value), Some(values)) => {
                if values.iter().any(|v| Arc::ptr_eq(v, value) || v == value) {
                    return;
                }
                if values.len() < MAX_FACET_VALUES && value.len() <= MAX_FACET_TEXT {
                    values.push(value.clone());
                } else {
                    counted.values = None;
                }
            }
            _ => counted.values = None,
        }
    }

    fn counts(&self) -> Vec<KeyCount> {
        let count =
            |k: &KeyValues| KeyCount { key: k.key.clone(), runs: k.runs, values: k.values.as_ref().map(Vec::len) };
        let mut counts: Vec<KeyCount> = self.keys.iter().map(count).collect();
        counts.sort_by(|a, b| a.key.cmp(&b.key));
        counts
    }
}

impl ExperimentSummary {
    /// Looks at all runs once.
    #[must_use]
    pub fn of(experiment: &IndexedExperiment) -> Self {
        let runs = experiment.runs();
        let [mut metrics, mut params, mut tags] = [(); 3].map(|()| KeyCounter::default());
        let mut children: HashMap<Text, Vec<u32>> = HashMap::new();
        for (at, run) in runs.iter().enumerate() {
            run.metrics.iter().enumerate().for_each(|(i, m)| metrics.count(i, &m.key, None));
            run.params.iter().enumerate().for_each(|(i, (key, value))| params.count(i, key, Some(value)));
            run.tags.iter().enumerate().for_each(|(i, (key, value))| tags.count(i, key, Some(value)));
            if let (Some(parent), Ok(at)) = (run.tag(PARENT_TAG), u32::try_from(at)) {
                match children.get_mut(parent) {
                    Some(list) => list.push(at),
                    None => drop(children.insert(parent.into(), vec![at])),
                }
            }
        }
        let columns =
            RunColumns { runs: runs.len(), metrics: metrics.counts(), params: params.counts(), tags: tags.counts() };
        let facets = facets(runs, params.keys, tags.keys);
        Self { columns: Arc::new(columns), facets, children, values: KeptValues::default() }
    }

    /// The runs below a run, latest start first.
    pub fn children<'a>(
        &'a self,
        experiment: &'a IndexedExperiment,
        parent: &str,
    ) -> impl ExactSizeIterator<Item = &'a Arc<Run>> {
        let places: &[u32] = self.children.get(parent).map_or(&[], Vec::as_slice);
        // The summary is of exactly these runs.
        places.iter().map(|at| &experiment.runs()[*at as usize])
    }
}

/// Chooses the facets of an experiment: the status, tags of places, then the parameters and tags that most runs have.
fn facets(runs: &[Arc<Run>], params: Vec<KeyValues>, tags: Vec<KeyValues>) -> Vec<FacetCodes> {
    let tells = |k: &KeyValues| {
        let values = k.values.as_ref().map_or(0, Vec::len);
        values > 1 || (values == 1 && k.runs < runs.len())
    };
    let params = params.into_iter().filter(tells).map(|k| (Column::Param(k.key.clone()), k));
    let tags = tags.into_iter().filter(tells).filter(|k| !k.key.starts_with("mlflow."));
    let tags = tags.map(|k| (Column::Tag(k.key.clone()), k));
    let mut chosen: Vec<(Column, KeyValues)> = tags.chain(params).collect();
    let rank = |c: &Column| match c {
        // Those that tell for whom a model is come first.
        Column::Tag(key) => PLACE_TAGS.iter().position(|p| **p == **key).unwrap_or(PLACE_TAGS.len()),
        _ => PLACE_TAGS.len(),
    };
    chosen.sort_by(|(a, x), (b, y)| rank(a).cmp(&rank(b)).then(y.runs.cmp(&x.runs)).then_with(|| a.key().cmp(b.key())));
    chosen.truncate(MAX_FACETS - 1);
    let status = {
        let values: Vec<Text> = RunStatus::ALL.iter().map(|s| s.as_str().into()).collect();
        let codes = runs.iter().map(|r| small(r.status.place())).collect();
        FacetCodes { column: Column::Attribute(Attribute::Status), values, codes }
    };
    let coded = chosen.into_iter().map(|(column, k)| {
        let values = k.values.unwrap_or_default();
        let code = |run: &Arc<Run>| {
            let value = match &column {
                Column::Param(key) => run.param(key),
                _ => run.tag(column.key()),
            };
            value.and_then(|v| values.iter().position(|x| **x == *v)).map_or(NO_VALUE, small)
        };
        let codes = runs.iter().map(code).collect();
        FacetCodes { column, values, codes }
    });
    std::iter::once(status).chain(coded).collect()
}

fn small(place: usize) -> u8 {
    u8::try_from(place).unwrap_or(NO_VALUE)
}
