//! Which columns a list of runs shows when nobody chose any.

use crate::metric::CATALOGUE;

use super::{
    super::{
        column::{Attribute, Column, Reading},
        filter::{FilterError, columns},
        metric_name::RunMetricNames,
        run::{Experiment, lookup},
    },
    summary::{KeyCount, RunColumns},
};

/// The tag of an experiment that names the columns of its list of runs, with commas between them:
/// `attributes.status, metrics.mAP50, best(metrics.f1), params.lr`.
pub const COLUMNS_TAG: &str = "guardianflow.columns";

/// The most metrics that are chosen, and the most parameters.
const MAX_CHOSEN: usize = 5;

impl Column {
    /// Reads a column as it is printed, such as `metrics.f1`, `best(metrics.f1)`, `params.lr` or `status`.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        columns::column(text)
    }

    /// Reads columns with commas between them. A blank text has none.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, FilterError> {
        columns::columns(text)
    }
}

/// The columns that an experiment's tag names, else status, start and duration, the metrics that most runs have (those of the
/// catalogue first), and the parameters that differ between runs.
#[must_use]
pub fn chosen_columns(experiments: &[&Experiment], present: &RunColumns, names: &RunMetricNames) -> Vec<Column> {
    if let [experiment] = experiments
        && let Some(named) = lookup(&experiment.tags, COLUMNS_TAG)
        // A tag with a mistake is as none: a list without columns helps nobody.
        && let Ok(columns) = Column::parse_list(named)
        && !columns.is_empty()
    {
        return columns;
    }
    let attributes = [Attribute::Status, Attribute::StartTime, Attribute::Duration].map(Column::Attribute);
    // What half as many runs have as the most frequent one is no exception.
    let frequent = |list: &[KeyCount]| {
        let most = list.iter().map(|k| k.runs).max().unwrap_or(0);
        list.iter().filter(|k| k.runs * 2 >= most).cloned().collect::<Vec<_>>()
    };
    let place = |k: &KeyCount| {
        let known = names.of(&k.key).catalogue;
        // Those that metrics.yaml describes come behind the built-in ones.
        known.map_or(usize::MAX, |m| CATALOGUE.iter().position(|c| c.key == m.key).unwrap_or(CATALOGUE.len()))
    };
    let mut metrics = frequent(&present.metrics);
    metrics.sort_by_cached_key(|k| (place(k), std::cmp::Reverse(k.runs), k.key.clone()));
    let mut params = frequent(&present.params);
    params.retain(|k| k.values.is_none_or(|n| n > 1));
    params.sort_by_key(|k| std::cmp::Reverse(k.runs));
    let metrics = metrics.into_iter().map(|k| Column::Metric(k.key, Reading::Last)).take(MAX_CHOSEN);
    let params = params.into_iter().map(|k| Column::Param(k.key)).take(MAX_CHOSEN);
    attributes.into_iter().chain(metrics).chain(params).collect()
}
