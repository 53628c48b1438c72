//! One side of a comparison, day by day: what [`crate::evidence`] works on. The two sides are two queries, since the champion's records are
//! production and the challenger's of any type.

use std::{collections::BTreeMap, sync::Arc};

use super::CellReducer;
use crate::{
    cells::{CellGroup, CellsQuery, Detail, Dimension, Filter, MetricDetail, NameTable, QueryPart, TimeBuckets},
    evidence::{DaySums, Registration, Series, Side, days_before},
    model::ModelKey,
    query::SelectedMetrics,
    scope::{ExperimentKind, Place, Scope},
    time::{DAY, Day, HOUR, Millis, Step, TimeRange},
};

/// The moments of which a look at a comparison needs records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    /// What the designs with periods hold the registered period against; `None` where the calendar of records does not reach so far.
    pub before: Option<TimeRange>,
    /// The registered period as far as it has come, cut at its own moments.
    pub period: TimeRange,
}

impl Ranges {
    /// Both, in order of time.
    #[must_use]
    pub fn all(&self) -> Vec<TimeRange> {
        self.before.into_iter().chain([self.period]).collect()
    }
}

/// The records that a look needs: those of the registered period as far as it has come, and as many whole UTC days before it as the period has days. `came` is
/// the challenger's first record in the scope, whenever. Where it lies before the start, which is so when a registration supersedes another,
/// the time before ends with the day on which the challenger came; what lies between belongs to neither and is not loaded. No day belongs to both.
/// `None` where the period has not begun.
#[must_use]
pub fn ranges(registration: &Registration, came: Option<Millis>, as_of: Millis) -> Option<Ranges> {
    let start = registration.start;
    let period = TimeRange::new(start, registration.horizon.min(as_of)).ok()?;
    let days = i64::from(days_before(period.to()).0) - i64::from(start.day().0);
    let end = came.map_or(start, |came| came.min(start)).day().start();
    let before = TimeRange::new(end.plus(-days.saturating_mul(DAY)), end).ok();
    Some(Ranges { before, period })
}

/// The cells of one side over any number of ranges: of each a part with the sums of each day and, where they are asked for, one with the hours
/// in which there are records. Which registered versions there are is left to the caller (`filter.versions`).
#[must_use]
pub fn cells_query(
    side: Side,
    model: &ModelKey,
    scope: &Scope,
    ranges: &[TimeRange],
    chosen: &SelectedMetrics,
    hours: bool,
) -> CellsQuery {
    let kind = match side {
        Side::Champion => ExperimentKind::Production,
        Side::Challenger => ExperimentKind::All,
    };
    let part = |range: &TimeRange, step: &str| {
        let from = range.from().day().start();
        let buckets = Step::parse(step).map_or_else(|_| TimeBuckets::single(), |step| TimeBuckets::every(from, step));
        QueryPart::over(*range).with_buckets(buckets)
    };
    let sums = ranges.iter().map(|range| {
        let metrics = chosen.metrics.iter().map(|(_, column)| MetricDetail::new(column.clone(), Detail::Means));
        let by = [Dimension::Customer, Dimension::Site, Dimension::Zone, Dimension::Task, Dimension::Device];
        part(range, "1d").group_by(by).with_metrics(metrics)
    });
    let hours = ranges.iter().filter(|_| hours).map(|range| part(range, "1h").group_by(BY_SITE));
    CellsQuery {
        filter: Filter { scope: Scope { kind, ..scope.clone() }, models: vec![model.clone()], ..Filter::default() },
        parts: sums.chain(hours).collect(),
    }
}

/// What hours are told apart by; sums are by more.
const BY_SITE: [Dimension; 2] = [Dimension::Customer, Dimension::Site];

/// A side on its way.
pub struct Reducer {
    side: Side,
    words: Arc<NameTable>,
    /// Of each part its buckets, and whether it is one of hours.
    parts: Vec<(TimeBuckets, bool)>,
    series: Vec<Series>,
}

impl Reducer {
    /// Of the query that [`cells_query`] made.
    #[must_use]
    pub fn new(side: Side, query: &CellsQuery, words: Arc<NameTable>) -> Self {
        let parts = query.parts.iter().map(|p| (p.buckets.clone(), p.group_by == BY_SITE)).collect();
        Self { side, words, parts, series: vec![] }
    }
}

impl CellReducer for Reducer {
    type Answer = Vec<Series>;

    fn take(&mut self, group: CellGroup) {
        let name = |by| self.words.name(&group.key, by).cloned();
        let Some(customer) = name(Dimension::Customer) else { return };
        let place = Place { customer, site: name(Dimension::Site), zone: name(Dimension::Zone) };
        let cells = &group.cells;
        let Some((buckets, hours)) = self.parts.get(group.part) else { return };
        let start = |row: usize| buckets.bounds(cells.buckets[row]).0;
        let rows = (0..cells.len()).filter_map(|row| Some((row, start(row)?)));
        let days: Vec<DaySums> = if !hours {
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
        evidence::{self, GuardRails},
        metric::{CATALOGUE, MetricColumn},
        text::Name,
    };

    #[test]
    fn cells_of_a_side_become_its_days_with_their_hours() {
        let model = ModelKey::parse("new:2").expect("a model");
        let range = TimeRange::new(Millis(20_000 * DAY + 5 * HOUR), Millis(20_002 * DAY)).expect("a range");
        let chosen =
            SelectedMetrics { metrics: vec![(CATALOGUE[0].clone(), MetricColumn::BuiltIn(0))], present: vec![] };
        let query = cells_query(Side::Challenger, &model, &Scope::default(), &[range], &chosen, true);
        assert_eq!((query.filter.scope.kind, query.parts.len()), (ExperimentKind::All, 2));
        assert_eq!(
            cells_query(Side::Champion, &model, &Scope::default(), &[range], &chosen, false).filter.scope.kind,
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
    fn each_range_has_its_part_and_one_of_hours_where_it_is_asked_for() {
        let model = ModelKey::parse("new:2").expect("a model");
        let day = |from: i64, to: i64| TimeRange::new(Millis(from * DAY), Millis(to * DAY)).expect("a range");
        let chosen = SelectedMetrics { metrics: vec![], present: vec![] };
        let ranges = [day(20_000, 20_002), day(20_010, 20_012)];
        let query = |hours| cells_query(Side::Champion, &model, &Scope::default(), &ranges, &chosen, hours);
        assert_eq!((query(false).parts.len(), query(true).parts.len()), (2, 4));
        let name = |t: &str| Name::parse(t).expect("a name");
        let words = NameTable { names: vec![name("acme"), name("site")], models: vec![] };
        let mut reducer = Reducer::new(Side::Champion, &query(true), Arc::new(words));
        let cells = || Cells {
            rows: vec![3],
            first: vec![Millis(0)],
            last: vec![Millis(0)],
            buckets: vec![1],
            simulated: vec![false],
            ..Cells::default()
        };
        for part in [1, 3] {
            reducer.take(CellGroup { part, key: GroupKey([1, 2, 0, 0, 0, 0]), cells: cells() });
        }
        reducer.take(CellGroup { part: 9, key: GroupKey([1, 2, 0, 0, 0, 0]), cells: cells() });
        let found = evidence::Cells::new(0, reducer.finish());
        let days: Vec<(i32, u64, u32)> =
            found.series().iter().flat_map(|s| &s.days).map(|d| (d.day.0, d.records, d.hours)).collect();
        assert_eq!(days, vec![(20_010, 3, 1)]);
    }

    #[test]
    fn a_look_needs_its_own_moments_and_as_many_days_before() {
        let model = |key: &str| ModelKey::parse(key).expect("a model");
        let of = |start: Millis| {
            let (old, new) = (model("a"), model("b"));
            Registration::first_look(old, new, Scope::default(), "mAP50", start, start, GuardRails::default(), 14)
        };
        let at = |day: i64, hour: i64| Millis(day * DAY + hour * HOUR);
        let told =
            |r: Option<Ranges>| r.map(|r| (r.before.map(|b| (b.from(), b.to())), (r.period.from(), r.period.to())));
        // From 18:00 on; two days have begun.
        let (start, registration) = (at(20_000, 18), of(at(20_000, 18)));
        let look = |came, as_of| told(ranges(&registration, came, as_of));
        let whole = |from, to| Some((at(from, 0), at(to, 0)));
        assert_eq!(look(Some(start), at(20_001, 3)), Some((whole(19_998, 20_000), (start, at(20_001, 3)))));
        assert_eq!(look(None, at(20_001, 3)), look(Some(start), at(20_001, 3)));
        // Nothing counts behind the horizon, which is no end of a day either: fifteen days have begun.
        assert_eq!(look(None, at(20_100, 0)), Some((whole(19_985, 20_000), (start, at(20_014, 18)))));
        // It superseded another: the challenger came earlier, and what lies between belongs to neither.
        assert_eq!(look(Some(at(19_990, 7)), at(20_001, 3)), Some((whole(19_988, 19_990), (start, at(20_001, 3)))));
        assert_eq!((look(None, start), look(None, at(0, 0))), (None, None));
        // Of a registration that superseded another at 18:00 and ends at 10:23 no record before or behind is asked for.
        let end = at(20_009, 10).plus(23 * 60_000);
        let superseding = Registration { horizon: end, ..registration.clone() };
        let asked = ranges(&superseding, Some(at(19_990, 7)), at(20_100, 0)).expect("ranges").all();
        let chosen = SelectedMetrics { metrics: vec![], present: vec![] };
        for side in [Side::Champion, Side::Challenger] {
            let moments = cells_query(side, &model("b"), &Scope::default(), &asked, &chosen, true).time_ranges();
            let has = |at: Millis| moments.contains(at);
            assert_eq!([has(start.plus(-1)), has(start), has(end.plus(-1)), has(end)], [false, true, true, false]);
            // The gap since it came, and the ten days before that.
            assert_eq!([has(at(19_990, 0)), has(at(19_990, 0).plus(-1))], [false, true]);
            assert_eq!([has(at(19_980, 0)), has(at(19_980, 0).plus(-1))], [true, false]);
        }
        assert_eq!(registration.horizon, at(20_014, 18));
    }
}
