//! One side of a comparison, day by day: what [`crate::evidence`] works on. The two sides are two queries, since the champion's records are
//! production and the challenger's of any type.

use std::{collections::BTreeMap, sync::Arc};

use super::CellReducer;
use crate::{
    cells::{CellGroup, CellsQuery, Detail, Dimension, Filter, MetricDetail, NameTable, QueryPart, TimeBuckets},
    evidence::{DaySums, Registration, Series, Side},
    model::ModelKey,
    query::SelectedMetrics,
    scope::{ExperimentKind, Place, Scope},
    time::{DAY, Day, HOUR, Millis, Step, TimeRange},
};

/// Parts of the query: sums by day and cell, and the hours with records by site.
const SUMS: usize = 0;

/// The records that a look at a comparison needs: those of the registered period as far as it has come, and as long a time before, which the designs
/// with periods hold it against.
#[must_use]
pub fn time_range(registration: &Registration, as_of: Millis) -> Option<TimeRange> {
    let end = registration.horizon.min(as_of);
    let length = end.0.saturating_sub(registration.start.0).saturating_add(DAY);
    TimeRange::new(Millis(registration.start.0.saturating_sub(length)), end).ok()
}

/// The cells of one side. Which registered versions there are is left to the caller (`filter.versions`).
#[must_use]
pub fn cells_query(
    side: Side,
    model: &ModelKey,
    scope: &Scope,
    range: TimeRange,
    chosen: &SelectedMetrics,
) -> CellsQuery {
    let kind = match side {
        Side::Champion => ExperimentKind::Production,
        Side::Challenger => ExperimentKind::All,
    };
    let from = range.from().day().start();
    let buckets =
        |step| Step::parse(step).map_or_else(|_| TimeBuckets::single(), |step| TimeBuckets::every(from, step));
    let metrics = chosen.metrics.iter().map(|(_, column)| MetricDetail::new(column.clone(), Detail::Means));
    let by = [Dimension::Customer, Dimension::Site, Dimension::Zone, Dimension::Task, Dimension::Device];
    let sums = QueryPart::over(range).with_buckets(buckets("1d")).group_by(by).with_metrics(metrics);
    let hours = QueryPart::over(range).with_buckets(buckets("1h")).group_by([Dimension::Customer, Dimension::Site]);
    CellsQuery {
        filter: Filter { scope: Scope { kind, ..scope.clone() }, models: vec![model.clone()], ..Filter::default() },
        parts: vec![sums, hours],
    }
}

/// A side on its way.
pub struct Reducer {
    side: Side,
    words: Arc<NameTable>,
    buckets: [TimeBuckets; 2],
    series: Vec<Series>,
}

impl Reducer {
    /// Of the query that [`cells_query`] made.
    #[must_use]
    pub fn new(side: Side, query: &CellsQuery, words: Arc<NameTable>) -> Self {
        let of = |part: usize| query.parts.get(part).map_or_else(TimeBuckets::single, |p| p.buckets.clone());
        Self { side, words, buckets: [of(SUMS), of(SUMS + 1)], series: vec![] }
    }
}

impl CellReducer for Reducer {
    type Answer = Vec<Series>;

    fn take(&mut self, group: CellGroup) {
        let name = |by| self.words.name(&group.key, by).cloned();
        let Some(customer) = name(Dimension::Customer) else { return };
        let place = Place { customer, site: name(Dimension::Site), zone: name(Dimension::Zone) };
        let cells = &group.cells;
        let start = |row: usize| self.buckets.get(group.part).and_then(|b| b.bounds(cells.buckets[row]).0);
        let rows = (0..cells.len()).filter_map(|row| Some((row, start(row)?)));
        let days: Vec<DaySums> = if group.part == SUMS {
            let values = |row: usize| cells.metrics.iter().map(|m| m.sums.mean(row)).collect();
            let day = |(row, at): (usize, Millis)| DaySums {
                day: at.day(),
                records: cells.rows[row],
                hours: 0,
                values: values(row),
            };
            rows.map(day).collect()
        } else {
            let mut hours: BTreeMap<Day, u32> = BTreeMap::new();
            for (_, at) in rows.filter(|(row, _)| cells.rows[*row] > 0) {
                let hour = at.0.rem_euclid(DAY) / HOUR;
                *hours.entry(at.day()).or_default() |= 1 << hour;
            }
            hours.into_iter().map(|(day, hours)| DaySums { day, records: 0, hours, values: vec![] }).collect()
        };
        let (task, device) = (name(Dimension::Task), name(Dimension::Device));
        self.series.push(Series { side: self.side, place, task, device, days });
    }

    fn finish(self) -> Self::Answer {
        self.series
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        aggregate::WeightedMean,
        cells::{Cells, GroupKey, MetricSums, MetricValues},
        evidence,
        metric::{CATALOGUE, MetricColumn},
        text::Name,
    };

    #[test]
    fn cells_of_a_side_become_its_days_with_their_hours() {
        let model = ModelKey::parse("new:2").expect("a model");
        let range = TimeRange::new(Millis(20_000 * DAY + 5 * HOUR), Millis(20_002 * DAY)).expect("a range");
        let chosen =
            SelectedMetrics { metrics: vec![(CATALOGUE[0].clone(), MetricColumn::BuiltIn(0))], present: vec![] };
        let query = cells_query(Side::Challenger, &model, &Scope::default(), range, &chosen);
        assert_eq!((query.filter.scope.kind, query.parts.len()), (ExperimentKind::All, 2));
        assert_eq!(
            cells_query(Side::Champion, &model, &Scope::default(), range, &chosen).filter.scope.kind,
            ExperimentKind::Production
        );
        let name = |t: &str| Name::parse(t).expect("a name");
        let words = NameTable { names: vec![name("acme"), name("orin"), name("site")], models: vec![] };
        let mut reducer = Reducer::new(Side::Challenger, &query, Arc::new(words));
        let cells = |buckets: Vec<u32>, metrics| Cells {
            rows: vec![3; buckets.len()],
            first: vec![Millis(0); buckets.len()],
            last: vec![Millis(0); buckets.len()],
            simulated: vec![false; buckets.len()],
            buckets,
            metrics,
            ..Cells::default()
        };
        let means = vec![WeightedMean { n: 3, w: 3.0, wx: 1.5 }; 2];
        let values = MetricValues {
            sums: MetricSums::Means(means),
            simulated: vec![false; 2],
            latest: None,
            sites: None,
            devices: None,
        };
        reducer.take(CellGroup { part: 0, key: GroupKey([1, 3, 0, 0, 0, 2]), cells: cells(vec![1, 2], vec![values]) });
        reducer.take(CellGroup { part: 1, key: GroupKey([1, 3, 0, 0, 0, 0]), cells: cells(vec![6, 24, 25], vec![]) });
        let cells = evidence::Cells::new(1, reducer.finish());
        let site = cells.sites().next().expect("a site");
        assert_eq!((site.series.len(), cells.sites().count()), (2, 1));
        let days: Vec<(i32, u64, u32)> =
            site.series.iter().flat_map(|s| &s.days).map(|d| (d.day.0, d.records, d.hours)).collect();
        // The fifth and the last hour of the first day, the first of the second.
        assert_eq!(days, vec![(20_000, 0, 1 << 5 | 1 << 23), (20_001, 0, 1), (20_000, 3, 0), (20_001, 3, 0)]);
        assert_eq!(site.series[1].sum(0, &(Day(0)..Day(30_000))).value(), Some(0.5));
    }

    #[test]
    fn a_look_needs_as_long_a_time_before_as_since() {
        let model = |key: &str| ModelKey::parse(key).expect("a model");
        let start = Millis(20_000 * DAY);
        let registration =
            Registration::first_look(model("a"), model("b"), Scope::default(), "mAP50", start, start.plus(DAY));
        let range = time_range(&registration, start.plus(2 * DAY)).expect("a range");
        assert_eq!((range.from(), range.to()), (start.plus(-3 * DAY), start.plus(2 * DAY)));
        assert_eq!(time_range(&registration, start.plus(99 * DAY)).map(|r| r.to()), Some(registration.horizon));
    }
}
