//! A trend: how one metric moved, step by step.

use std::{collections::BTreeSet, sync::Arc};

use super::{CellReducer, devices_of};
use crate::{
    cells::{CellGroup, CellsQuery, Detail, Filter, MetricDetail, QueryPart, TimeBuckets},
    metric::Metric,
    ports::MetricsSnapshot,
    query::{MetricColumn, Trend, TrendPoint, TrendQuery},
};

/// Steps lie where those of other ranges lie: from the last whole one before the range begins.
fn buckets(q: &TrendQuery) -> TimeBuckets {
    TimeBuckets::every(q.step.floor(q.range.from()), q.step)
}

/// The cells that it needs.
#[must_use]
pub fn cells_query(q: &TrendQuery, column: MetricColumn) -> CellsQuery {
    let wanted = MetricDetail { devices: true, ..MetricDetail::new(column, Detail::Full) };
    CellsQuery {
        filter: Filter { scope: q.scope.clone(), models: q.model.iter().cloned().collect(), ..Filter::default() },
        parts: vec![QueryPart::over(q.range).with_buckets(buckets(q)).with_metrics([wanted])],
    }
}

/// A trend on its way.
pub struct Reducer<'a> {
    q: &'a TrendQuery,
    metric: Metric,
    view: Arc<dyn MetricsSnapshot>,
    simulated: bool,
    devices: BTreeSet<String>,
    points: Vec<TrendPoint>,
}

impl CellReducer for Reducer<'_> {
    type Answer = Trend;

    fn take(&mut self, group: CellGroup) {
        let (cells, buckets) = (&group.cells, buckets(self.q));
        let Some(values) = cells.metrics.first() else { return };
        self.simulated |= values.simulated.iter().any(|s| *s);
        self.devices.extend(devices_of(values).into_iter().map(str::to_owned));
        self.points.extend(cells.buckets.iter().enumerate().filter_map(|(row, bucket)| {
            let a = values.sums.aggregate(row)?;
            let [p50, p95, _] = a.quantiles()?;
            Some(TrendPoint {
                t: buckets.bounds(*bucket).0?,
                value: a.mean().value()?,
                n: a.mean().n,
                min: a.min?,
                max: a.max?,
                p50,
                p95,
            })
        }));
    }

    fn finish(self) -> Self::Answer {
        let q = self.q;
        Trend {
            scope: q.scope.clone(),
            metric: self.metric.key.into_owned(),
            unit: self.metric.unit.into_owned(),
            step: q.step,
            from: q.range.from(),
            to: q.range.to(),
            as_of: self.view.as_of().unwrap_or(q.range.to()),
            simulated: self.simulated,
            devices: self.devices.into_iter().collect(),
            points: self.points,
            changes: self.view.model_changes(&q.scope, &q.range),
        }
    }
}

impl<'a> Reducer<'a> {
    #[must_use]
    pub fn new(q: &'a TrendQuery, metric: Metric, view: Arc<dyn MetricsSnapshot>) -> Self {
        Self { q, metric, view, simulated: false, devices: BTreeSet::new(), points: vec![] }
    }
}
