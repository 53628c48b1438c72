//! The worst zones of a scope by one metric, each device for itself: where its bad tail is longest. Not by the mean, which hides
//! the hour in which nothing worked.

use std::sync::Arc;

use crate::{
    cells::{CellGroup, CellsQuery, Detail, Dimension, Filter, MetricDetail, NameTable, QueryPart},
    metric::{Direction, Metric},
    ports::MetricsSnapshot,
    query::{MetricColumn, WorstZone, WorstZones, WorstZonesQuery},
    reducers::CellReducer,
    scope::Place,
};

/// The cells that it needs.
#[must_use]
pub fn cells_query(q: &WorstZonesQuery, column: MetricColumn) -> CellsQuery {
    let by = [Dimension::Customer, Dimension::Site, Dimension::Zone, Dimension::Device];
    CellsQuery {
        filter: Filter { scope: q.scope.clone(), models: q.model.iter().cloned().collect(), ..Filter::default() },
        parts: vec![QueryPart::over(q.range).group_by(by).with_metrics([MetricDetail::new(column, Detail::Full)])],
    }
}

/// The quantile at the end of a metric that is worse: the 95th, or the 5th where more is better.
#[must_use]
pub fn tail_quantile(direction: Direction) -> f64 {
    match direction {
        Direction::HigherIsBetter => 0.05,
        Direction::LowerIsBetter | Direction::Neither => 0.95,
    }
}

/// An answer on its way.
pub struct Reducer<'a> {
    q: &'a WorstZonesQuery,
    words: Arc<NameTable>,
    worst: WorstZones,
    higher_is_better: bool,
}

impl CellReducer for Reducer<'_> {
    type Answer = WorstZones;

    fn take(&mut self, group: CellGroup) {
        // Without edges there is one cell.
        let Some(values) = group.cells.metrics.first() else { return };
        let Some(a) = values.sums.aggregate(0) else { return };
        let tail = a.quantile(self.worst.quantile);
        let (Some(tail), Some(value), Some([p50, ..])) = (tail, a.mean().value(), a.quantiles()) else { return };
        let name = |by| self.words.name(&group.key, by).cloned();
        let Some(customer) = name(Dimension::Customer) else { return };
        self.worst.simulated |= values.simulated[0];
        self.worst.rows.push(WorstZone {
            place: Place { customer, site: name(Dimension::Site), zone: name(Dimension::Zone) },
            device: name(Dimension::Device),
            tail,
            p50,
            value,
            n: a.mean().n,
            simulated: values.simulated[0],
        });
    }

    fn finish(mut self) -> Self::Answer {
        self.worst.of = self.worst.rows.len();
        let higher_is_better = self.higher_is_better;
        // The order of keys among equals.
        self.worst.rows.sort_by(|a, b| {
            let order = b.tail.total_cmp(&a.tail);
            if higher_is_better { order.reverse() } else { order }
        });
        self.worst.rows.truncate(self.q.limit);
        self.worst
    }
}

impl<'a> Reducer<'a> {
    #[must_use]
    pub fn new(q: &'a WorstZonesQuery, metric: Metric, view: &dyn MetricsSnapshot, words: Arc<NameTable>) -> Self {
        let worst = WorstZones {
            scope: q.scope.clone(),
            from: q.range.from(),
            to: q.range.to(),
            as_of: view.as_of().unwrap_or(q.range.to()),
            quantile: tail_quantile(metric.direction),
            direction: metric.direction,
            metric: metric.key.into_owned(),
            unit: metric.unit.into_owned(),
            simulated: false,
            rows: vec![],
            of: 0,
        };
        Self { q, words, worst, higher_is_better: metric.direction == Direction::HigherIsBetter }
    }
}
