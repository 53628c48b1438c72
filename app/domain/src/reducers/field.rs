//! How each model did in each zone: what [`crate::compare`] works on.

use std::sync::Arc;

use super::CellReducer;
use crate::{
    cells::{
        CellGroup, Cells, CellsQuery, Detail, Dimension, Filter, MetricDetail, MetricSums, NameTable, QueryPart,
        TrackedSets,
    },
    ports::MetricsSnapshot,
    query::{ComparisonQuery, FieldCell, FieldReport, SelectedMetrics},
    scope::Place,
};

/// The cells that it needs.
#[must_use]
pub fn cells_query(q: &ComparisonQuery, chosen: &SelectedMetrics) -> CellsQuery {
    let metrics = chosen.metrics.iter().map(|(_, column)| MetricDetail::new(column.clone(), Detail::Full));
    let noted = TrackedSets { devices: true, days: true, ..TrackedSets::default() };
    let by = [Dimension::Customer, Dimension::Site, Dimension::Zone, Dimension::Model];
    CellsQuery {
        filter: Filter { scope: q.scope.clone(), ..Filter::default() },
        parts: vec![QueryPart::over(q.range).group_by(by).with_metrics(metrics).tracking(noted)],
    }
}

/// A report on its way.
pub struct Reducer {
    words: Arc<NameTable>,
    report: FieldReport,
}

impl CellReducer for Reducer {
    type Answer = FieldReport;

    fn take(&mut self, group: CellGroup) {
        let CellGroup { key, cells, .. } = group;
        self.report.simulated |= cells.metrics.iter().any(|v| v.simulated.iter().any(|s| *s));
        let name = |by| self.words.name(&key, by).cloned();
        let Some(customer) = name(Dimension::Customer).filter(|_| !cells.is_empty()) else { return };
        let Cells { rows, first, last, devices, days, metrics, .. } = cells;
        // Without edges there is one cell.
        let only = |sums: MetricSums| match sums {
            MetricSums::Full(all) => all.into_iter().next().unwrap_or_default(),
            MetricSums::Means(_) | MetricSums::Moments(_) => Default::default(),
        };
        self.report.cells.push(FieldCell {
            place: Place { customer, site: name(Dimension::Site), zone: name(Dimension::Zone) },
            model: self.words.model(&key).map(|m| m.key.clone()),
            n: rows[0],
            first: first[0],
            last: last[0],
            days: days.into_iter().flatten().next().unwrap_or_default(),
            devices: devices.into_iter().flatten().next().unwrap_or_default(),
            values: metrics.into_iter().map(|v| only(v.sums)).collect(),
        });
    }

    fn finish(self) -> Self::Answer {
        self.report
    }
}

impl Reducer {
    #[must_use]
    pub fn new(
        q: &ComparisonQuery,
        chosen: SelectedMetrics,
        view: &dyn MetricsSnapshot,
        words: Arc<NameTable>,
    ) -> Self {
        let report = FieldReport {
            as_of: view.as_of().unwrap_or(q.range.to()),
            simulated: false,
            metrics: chosen.metrics.into_iter().map(|m| m.0).collect(),
            present: chosen.present,
            cells: vec![],
        };
        Self { words, report }
    }
}
