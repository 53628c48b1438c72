//! What changed between two periods: by place, model and device the sums of each day, which [`crate::evidence::what_changed`] takes apart.

use std::sync::Arc;

use super::CellReducer;
use crate::{
    cells::{CellGroup, CellsQuery, Detail, Dimension, Filter, MetricDetail, NameTable, QueryPart, TimeBuckets},
    evidence::{ChangeCell, Period},
    metric::MetricColumn,
    query::ChangesQuery,
    scope::{Level, Place},
    time::{Step, TimeRange},
};

/// Parts of the query.
const AFTER: usize = 0;

/// The cells: of the fleet and of a customer by site, of a site by zone. Days are counted from the beginning of each period.
#[must_use]
pub fn cells_query(q: &ChangesQuery, column: &MetricColumn) -> CellsQuery {
    let mut by = vec![Dimension::Customer, Dimension::Site, Dimension::Model, Dimension::Device];
    if q.scope.level() >= Level::Site {
        by.push(Dimension::Zone);
    }
    let part = |range: TimeRange| {
        let days =
            Step::parse("1d").map_or_else(|_| TimeBuckets::single(), |day| TimeBuckets::every(range.from(), day));
        let mean = MetricDetail::new(column.clone(), Detail::Means);
        QueryPart::over(range).with_buckets(days).group_by(by.clone()).with_metrics([mean])
    };
    let filter = Filter { scope: q.scope.clone(), ..Filter::default() };
    CellsQuery { filter, parts: vec![part(q.range), part(q.earlier)] }
}

/// The cells on their way.
pub struct Reducer {
    words: Arc<NameTable>,
    buckets: Vec<TimeBuckets>,
    cells: Vec<ChangeCell>,
}

impl Reducer {
    /// Of the query that [`cells_query`] made.
    #[must_use]
    pub fn new(query: &CellsQuery, words: Arc<NameTable>) -> Self {
        Self { words, buckets: query.parts.iter().map(|p| p.buckets.clone()).collect(), cells: vec![] }
    }
}

impl CellReducer for Reducer {
    type Answer = Vec<ChangeCell>;

    fn take(&mut self, group: CellGroup) {
        let name = |by| self.words.name(&group.key, by).cloned();
        let (Some(customer), Some(buckets)) = (name(Dimension::Customer), self.buckets.get(group.part)) else { return };
        let place = Place { customer, site: name(Dimension::Site), zone: name(Dimension::Zone) };
        let (model, device) = (self.words.model(&group.key).map(|m| m.key.clone()), name(Dimension::Device));
        let Some(sums) = group.cells.metrics.first().map(|m| &m.sums) else { return };
        let cell = |(row, bucket): (usize, &u32)| {
            Some(ChangeCell {
                place: place.clone(),
                model: model.clone(),
                device: device.clone(),
                period: if group.part == AFTER { Period::After } else { Period::Before },
                day: buckets.bounds(*bucket).0?.day(),
                mean: sums.mean(row),
            })
        };
        let cells: Vec<ChangeCell> = group.cells.buckets.iter().enumerate().filter_map(cell).collect();
        self.cells.extend(cells.into_iter().filter(|c| c.mean.n > 0));
    }

    fn finish(self) -> Self::Answer {
        self.cells
    }
}
