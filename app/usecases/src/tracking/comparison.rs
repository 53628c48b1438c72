//! Runs side by side.

use std::sync::Arc;

use domain::{
    Error, Result,
    ports::CopyStatus,
    time::Millis,
    tracking::{
        ComparedRuns, Experiment, MAX_COMPARED, MetricRow, ParamCorrelation, Run, RunMetricNames, Text, compare_runs,
        correlations,
        filter::Field,
        search::{AskedSort, Sort, sort_runs},
    },
};

use super::Tracking;
use crate::sentences;

/// Which runs are put side by side.
#[derive(Debug, Clone, Default)]
pub struct RunComparisonQuery {
    /// Ids, or beginnings of ids that only one has; 2 to [`MAX_COMPARED`].
    pub runs: Vec<String>,
    /// One of them; the first one where nobody says which.
    pub baseline: Option<String>,
    /// Of the runs; `None` for the order in which they are named.
    pub sort: Option<AskedSort>,
    /// What parameters are correlated with; by its name the leading one where nobody says which.
    pub metric: Option<String>,
}

/// Runs side by side.
#[derive(Debug, Clone)]
pub struct RunComparison {
    pub status: CopyStatus,
    pub as_of: Option<Millis>,
    pub runs: Vec<Arc<Run>>,
    /// Of each run.
    pub experiments: Vec<Arc<Experiment>>,
    /// The place of the baseline among the runs.
    pub baseline: usize,
    /// `None` for the order in which they are named.
    pub sort: Option<Sort>,
    pub rows: ComparedRuns,
    /// What parameters were correlated with; `None` where no run has a number.
    pub metric: Option<Text>,
    /// The strongest first.
    pub correlations: Vec<ParamCorrelation>,
    pub names: RunMetricNames,
}

impl RunComparison {
    /// The row of the chosen metric.
    #[must_use]
    pub fn chosen(&self) -> Option<&MetricRow> {
        let key = self.metric.as_ref()?;
        self.rows.metrics.iter().find(|m| m.key == *key)
    }
}

impl Tracking {
    /// Puts runs side by side, of one experiment or of several. A run that is named twice counts once.
    ///
    /// # Errors
    /// `BadInput` for fewer than two runs or too many, for a baseline that is none of them, and for a metric that none of them has;
    /// otherwise as [`Tracking::run`].
    pub fn compare(&self, query: &RunComparisonQuery) -> Result<RunComparison> {
        self.status()?;
        if query.runs.len() > MAX_COMPARED * 2 {
            return Err(Error::bad_input(sentences::too_many_runs(MAX_COMPARED, query.runs.len())));
        }
        let mut runs: Vec<Arc<Run>> = vec![];
        for id in &query.runs {
            let run = self.run(id)?.run;
            if !runs.iter().any(|r| r.id == run.id) {
                runs.push(run);
            }
        }
        if runs.len() < 2 {
            return Err(Error::bad_input(sentences::too_few_runs(runs.len())));
        }
        if runs.len() > MAX_COMPARED {
            return Err(Error::bad_input(sentences::too_many_runs(MAX_COMPARED, runs.len())));
        }
        let base = match &query.baseline {
            None => runs[0].id.clone(),
            Some(id) => {
                let found = runs.iter().find(|r| r.id.as_str() == id).or_else(|| {
                    let mut like = runs.iter().filter(|r| r.id.as_str().starts_with(id));
                    like.next().filter(|_| like.next().is_none())
                });
                let none = || Error::bad_input(sentences::no_such_baseline(domain::scope::clip_text(id)));
                found.ok_or_else(none)?.id.clone()
            }
        };
        let names = self.metric_names();
        let known = |field: &Field| field.column().is_some_and(|c| runs.iter().any(|run| c.value(run).is_some()));
        let sort = query.sort.as_ref().map(|sort| sort.resolve(known, &names).0);
        if let Some(sort) = &sort {
            sort_runs(&mut runs, &sort.settled(&names));
        }
        let baseline = runs.iter().position(|r| r.id == base).unwrap_or_default();
        let rows = compare_runs(&runs, baseline, &names);
        let metric = match &query.metric {
            None => leading(&rows.metrics),
            Some(wanted) => {
                let row = rows.metrics.iter().find(|m| *m.key == **wanted);
                let none = || Error::bad_input(sentences::no_run_with_metric(domain::scope::clip_text(wanted)));
                Some(row.ok_or_else(none)?.key.clone())
            }
        };
        let chosen = metric.as_ref().and_then(|key| rows.metrics.iter().find(|m| m.key == *key));
        let correlations = chosen.map(|m| correlations(&rows.params, &m.values)).unwrap_or_default();
        let catalog = self.catalog()?;
        let (index, status) = (catalog.index(), catalog.status());
        let home = |run: &Arc<Run>| index.experiment(&run.experiment).map(|e| e.experiment.clone());
        Ok(RunComparison {
            as_of: status.as_of,
            status,
            experiments: runs.iter().filter_map(home).collect(),
            runs,
            baseline,
            sort,
            rows,
            metric,
            correlations,
            names,
        })
    }
}

/// The metric that runs are judged by when nobody says which: of those of the catalogue, else of those with a direction, the one that
/// most runs have.
fn leading(metrics: &[MetricRow]) -> Option<Text> {
    let numbers = |m: &MetricRow| m.values.iter().flatten().filter(|v| !v.is_nan()).count();
    let rank = |m: &&MetricRow| {
        let place = m.name.catalogue.as_ref().and_then(|c| domain::metric::built_in(&c.key));
        let kind = match (&m.name.catalogue, m.name.is_known()) {
            (Some(_), _) => 0,
            (None, true) => 1,
            (None, false) => 2,
        };
        (kind, std::cmp::Reverse(numbers(m)), place.unwrap_or(usize::MAX))
    };
    metrics.iter().filter(|m| numbers(m) > 0).min_by_key(rank).map(|m| m.key.clone())
}
