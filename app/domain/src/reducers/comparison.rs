//! The models of a scope side by side: what each did, wherever it ran.

use std::sync::Arc;

use super::{CellReducer, depends_on_device, mixed};
use crate::{
    cells::{CellGroup, CellsQuery, Detail, Dimension, Filter, MetricDetail, NameTable, QueryPart, TrackedSets},
    model::ModelTagSummary,
    ports::MetricsSnapshot,
    query::{Comparison, ComparisonQuery, ModelMetric, ModelSummary, SelectedMetrics},
    text::Name,
};

/// The cells that it needs.
#[must_use]
pub fn cells_query(q: &ComparisonQuery, chosen: &SelectedMetrics) -> CellsQuery {
    let metrics = chosen.metrics.iter().map(|(_, column)| MetricDetail {
        devices: depends_on_device(column),
        ..MetricDetail::new(column.clone(), Detail::Full)
    });
    let noted = TrackedSets { zones: true, devices: true, ..TrackedSets::default() };
    CellsQuery {
        filter: Filter { scope: q.scope.clone(), ..Filter::default() },
        parts: vec![QueryPart::over(q.range).group_by([Dimension::Model]).with_metrics(metrics).tracking(noted)],
    }
}

/// A comparison on its way.
pub struct Reducer<'a> {
    q: &'a ComparisonQuery,
    chosen: SelectedMetrics,
    view: Arc<dyn MetricsSnapshot>,
    words: Arc<NameTable>,
    simulated: bool,
    models: Vec<ModelSummary>,
}

impl CellReducer for Reducer<'_> {
    type Answer = Comparison;

    fn take(&mut self, group: CellGroup) {
        let cells = &group.cells;
        self.simulated |= cells.metrics.iter().any(|v| v.simulated.iter().any(|s| *s));
        // Without edges there is one cell.
        if cells.is_empty() {
            return;
        }
        let mut summary = ModelSummary {
            n: cells.rows[0],
            zones: cells.zones.as_ref().map_or(0, |z| z[0].len() as u32),
            first: cells.first[0],
            last: cells.last[0],
            devices: cells
                .devices
                .iter()
                .flat_map(|d| d[0].iter())
                .filter(|d| !d.is_empty())
                .map(|d| d.to_string())
                .collect(),
            metrics: std::collections::BTreeMap::new(),
            ..ModelSummary::of(self.words.model(&group.key))
        };
        for ((metric, _), values) in self.chosen.metrics.iter().zip(&cells.metrics) {
            let Some(a) = values.sums.aggregate(0).filter(|a| a.mean().n > 0) else { continue };
            let q = a.quantiles();
            let shaped = ModelMetric {
                value: a.mean().value(),
                n: a.mean().n,
                p50: q.map(|q| q[0]),
                p95: q.map(|q| q[1]),
                devices: values.devices.as_ref().map_or_else(Vec::new, |d| mixed(&d[0])),
            };
            summary.metrics.insert(metric.key.to_string(), shaped);
        }
        self.models.push(summary);
    }

    fn finish(mut self) -> Self::Answer {
        self.models.sort_by(|a, b| b.n.cmp(&a.n).then_with(|| a.names().cmp(&b.names())));
        Comparison {
            scope: self.q.scope.clone(),
            from: self.q.range.from(),
            to: self.q.range.to(),
            as_of: self.view.as_of().unwrap_or(self.q.range.to()),
            simulated: self.simulated,
            models: self.models,
        }
    }
}

impl<'a> Reducer<'a> {
    #[must_use]
    pub fn new(
        q: &'a ComparisonQuery,
        chosen: SelectedMetrics,
        view: Arc<dyn MetricsSnapshot>,
        words: Arc<NameTable>,
    ) -> Self {
        Self { q, chosen, view, words, simulated: false, models: vec![] }
    }
}

/// The one name that all rows of a model have; none where they differ.
#[must_use]
pub fn single_name(names: &std::collections::BTreeSet<Option<Name>>) -> Option<&Name> {
    let mut names = names.iter();
    match (names.next(), names.next()) {
        (Some(only), None) => only.as_ref(),
        _ => None,
    }
}

impl ModelSummary {
    /// The names of a model, and nothing yet of how it did.
    fn of(seen: Option<&crate::cells::ModelNames>) -> Self {
        let empty = ModelTagSummary::default();
        let tags = seen.map_or(&empty, |s| &s.tags);
        let registered = seen.and_then(|s| s.key.registered());
        Self {
            architecture: single_name(&tags.architectures).map(ToString::to_string),
            version: single_name(&tags.versions).map(ToString::to_string),
            registered_model: registered.map(|r| r.name.to_string()),
            registered_version: registered.and_then(|r| r.version.as_ref()).map(ToString::to_string),
            links: tags.links.iter().copied().collect(),
            n: 0,
            zones: 0,
            first: crate::time::Millis(0),
            last: crate::time::Millis(0),
            devices: vec![],
            metrics: std::collections::BTreeMap::new(),
        }
    }

    /// What equals are ordered by.
    fn names(&self) -> [&Option<String>; 4] {
        [&self.architecture, &self.version, &self.registered_model, &self.registered_version]
    }
}
