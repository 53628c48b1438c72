//! The best run of an experiment under limits.

use std::sync::Arc;

use domain::{
    Error, Result,
    choice::Limit,
    metric::Metric,
    ports::CopyStatus,
    scope::clip_text,
    time::Millis,
    tracking::{Experiment, Run, RunMetricNames, filter::Filter, search::RunColumns},
};

use super::{Bound, LimitQuery, PickAnswer, PickCandidate, PickMeasure, PickedValue, check_count};
use crate::{
    Tracking, sentences,
    tracking::{MAX_ROWS, RunsQuery},
};

/// What is chosen among.
#[derive(Debug, Clone, Default)]
pub struct RunPickQuery {
    /// By name or id.
    pub experiment: String,
    pub filter: Filter,
    /// What is chosen by: the name of a metric as runs have it, or as the catalogue has it where one metric of the runs is that one. The
    /// leading one where nobody says which.
    pub best: Option<String>,
    /// What it is held against.
    pub cost: Option<String>,
    pub limits: Vec<LimitQuery>,
    /// The id of the run that limits such as `base-0.01` are counted from.
    pub baseline: Option<String>,
}

/// The chosen run, and what it was chosen among.
#[derive(Debug, Clone)]
pub struct RunPick {
    pub status: CopyStatus,
    pub as_of: Option<Millis>,
    pub experiment: Arc<Experiment>,
    /// In the order of the answer's candidates.
    pub runs: Vec<Arc<Run>>,
    /// The metrics that runs have, by key.
    pub metrics: Vec<String>,
    pub answer: PickAnswer,
}

impl Tracking {
    /// Picks a run: the best value of a metric (the last one of each run) among the runs that keep to all limits.
    ///
    /// # Errors
    /// `BadInput` for a metric that no run has, for too many limits, and for a limit beside a baseline where none is named; otherwise as
    /// [`Tracking::search`].
    pub fn pick(&self, query: &RunPickQuery) -> Result<RunPick> {
        check_count(&query.limits)?;
        let asked = RunsQuery {
            experiments: vec![query.experiment.clone()],
            filter: query.filter.clone(),
            limit: MAX_ROWS,
            ..RunsQuery::default()
        };
        let found = self.search(&asked)?;
        let experiment = self.experiment(&query.experiment)?;
        let names = &found.names;
        let best = match &query.best {
            Some(best) => measure(names, &found.columns, best)?,
            None => leading(names, &found.columns)?,
        };
        let mut measures = vec![best];
        if let Some(cost) = &query.cost {
            measures.push(measure(names, &found.columns, cost)?);
        }
        let base = match &query.baseline {
            Some(id) => Some(self.run(id)?.run),
            None => None,
        };
        let mut limits = vec![];
        for limit in &query.limits {
            let wanted = measure(names, &found.columns, &limit.metric)?;
            let at = measures.iter().position(|m| m.key == wanted.key).unwrap_or_else(|| {
                measures.push(wanted);
                measures.len() - 1
            });
            let bound = match limit.bound {
                Bound::Value(v) => v,
                Bound::FromBaseline(by) => {
                    let base = base.as_ref().ok_or_else(|| Error::bad_input(sentences::no_baseline(limit)))?;
                    let key = &measures[at].key;
                    let value = base.metric(key).map(|m| m.value).filter(|v| v.is_finite());
                    let none =
                        || Error::bad_input(sentences::baseline_without(clip_text(base.id.as_str()), clip_text(key)));
                    value.ok_or_else(none)? + by
                }
            };
            limits.push(Limit { measure: at, side: limit.side, bound });
        }
        let value = |run: &Run, m: &PickMeasure| {
            let value = run.metric(&m.key)?.value;
            let is_number = value.is_finite() && !domain::tracking::is_infinite(value);
            is_number.then_some(PickedValue { value, n: 1, sites: 0, half_width: None })
        };
        let candidate = |run: &Arc<Run>| PickCandidate {
            name: if run.name.trim().is_empty() { run.id.to_string() } else { run.name.to_string() },
            id: run.id.to_string(),
            values: measures.iter().map(|m| value(run, m)).collect(),
        };
        let candidates = found.rows.iter().map(candidate).collect();
        Ok(RunPick {
            status: found.status,
            as_of: found.as_of,
            experiment,
            metrics: found.columns.metrics.iter().map(|k| k.key.to_string()).collect(),
            answer: PickAnswer::of(measures, limits, candidates),
            runs: found.rows,
        })
    }
}

/// The metric that a text names: exactly, else the only one of the runs that is this metric of the catalogue.
fn measure(names: &RunMetricNames, columns: &RunColumns, text: &str) -> Result<PickMeasure> {
    let of = |key: &str| {
        let name = names.of(key);
        let metric = name.catalogue.clone().unwrap_or_else(|| Metric::uncatalogued(key));
        PickMeasure { key: key.to_owned(), metric, direction: name.direction }
    };
    if columns.has_metric(text) {
        return Ok(of(text));
    }
    let wanted = names.of(text).catalogue.filter(|m| m.key.eq_ignore_ascii_case(text));
    let same = |key: &str| wanted.as_ref().is_some_and(|w| names.of(key).catalogue.is_some_and(|m| m.key == w.key));
    let like: Vec<&str> = columns.metrics.iter().map(|k| &*k.key).filter(|key| same(key)).collect();
    match like.as_slice() {
        [one] => Ok(of(one)),
        [] => Err(Error::bad_input(sentences::no_run_with_metric(clip_text(text)))),
        several => {
            let some: Vec<String> = several.iter().take(3).map(|k| clip_text(k)).collect();
            Err(Error::bad_input(sentences::several_metrics(clip_text(text), some.join(", "))))
        }
    }
}

/// The metric of the catalogue that is first there and that most runs have; else the first one with a direction.
fn leading(names: &RunMetricNames, columns: &RunColumns) -> Result<PickMeasure> {
    let rank = |k: &&domain::tracking::search::KeyCount| {
        let name = names.of(&k.key);
        let place = name.catalogue.as_ref().and_then(|m| domain::metric::built_in(&m.key));
        (name.catalogue.is_none(), !name.is_known(), std::cmp::Reverse(k.runs), place)
    };
    let first = columns.metrics.iter().min_by_key(rank);
    let first = first.ok_or_else(|| Error::not_found(sentences::no_metrics()))?;
    measure(names, columns, &first.key)
}
