//! Answers over cells that were made here, row by row: no lake, no files.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::prelude::*;

use super::{CellReducer, comparison, field, summary, trend, worst};
use crate::{
    aggregate::{NewestValue, WeightedMean},
    cells::{CellGroup, Cells, CellsQuery, Dimension, GroupKey, MetricSums, ModelNames, NameTable},
    metric::CATALOGUE,
    model::{ModelKey, ModelLink, ModelTagSummary},
    ports::{MetricsSnapshot, UnreadablePart},
    query::{
        Comparison, ComparisonQuery, Directory, FieldReport, MetricColumn, MetricSelection, ModelChange,
        SelectedMetrics, SeriesBuckets, Summary, SummaryQuery, Trend, TrendQuery, WorstZones, WorstZonesQuery,
    },
    scope::{Model, Scope},
    state::{Health, HealthReport},
    text::Name,
    time::{Day, HOUR, Millis, Step, TimeRange},
};

/// A record of latency.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub hour: i64,
    pub customer: &'static str,
    pub site: &'static str,
    pub zone: &'static str,
    pub model: &'static str,
    pub device: &'static str,
    pub value: f64,
    pub samples: u32,
    pub simulated: bool,
}

pub(super) const PLAIN: Row = Row {
    hour: 0,
    customer: "a",
    site: "s",
    zone: "z",
    model: "yolo:1",
    device: "orin",
    value: 10.0,
    samples: 1,
    simulated: false,
};

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn latency() -> usize {
    CATALOGUE.iter().position(|m| m.key == "inference_time_ms").expect("a metric")
}

pub(super) fn hours(from: i64, to: i64) -> TimeRange {
    TimeRange::new(Millis(from * HOUR), Millis(to * HOUR)).expect("a range")
}

fn text_of(row: &Row, by: Dimension) -> &'static str {
    match by {
        Dimension::Customer => row.customer,
        Dimension::Site => row.site,
        Dimension::Zone => row.zone,
        Dimension::Task => "detection",
        Dimension::Model => row.model,
        Dimension::Device => row.device,
    }
}

/// The cells of rows, each made by itself and merged.
pub(super) fn cells_of(rows: &[Row], query: &CellsQuery) -> (Arc<NameTable>, Vec<CellGroup>) {
    let texts: BTreeSet<&str> = rows.iter().flat_map(|r| Dimension::ALL.map(|by| text_of(r, by))).collect();
    let texts: Vec<&str> = texts.into_iter().filter(|t| !t.contains(':')).collect();
    let models: Vec<&str> = rows.iter().map(|r| r.model).collect::<BTreeSet<_>>().into_iter().collect();
    let mut groups: BTreeMap<(GroupKey, usize), Cells> = BTreeMap::new();
    let hash = |text: String| text.bytes().fold(7u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b)));
    for (seq, row) in rows.iter().enumerate() {
        let at = Millis(row.hour * HOUR);
        let fits = |asked: &Option<Name>, have: &str| asked.as_ref().is_none_or(|a| a.as_str() == have);
        let (filter, model) = (&query.filter, ModelKey::parse(row.model).expect("a model"));
        if !fits(&filter.scope.customer, row.customer)
            || !fits(&filter.scope.site, row.site)
            || !(filter.models.is_empty() || filter.models.iter().any(|m| m.contains(&model)))
        {
            continue;
        }
        for (number, part) in query.parts.iter().enumerate().filter(|(_, p)| p.ranges.contains(at)) {
            let mut key = GroupKey::default();
            for by in &part.group_by {
                let text = text_of(row, *by);
                let place = if *by == Dimension::Model { &models } else { &texts }.iter().position(|t| *t == text);
                key.0[*by as usize] = place.expect("a text of the rows") as u32 + 1;
            }
            let mut one = Cells::for_part(part);
            one.insert(0, part.buckets.bucket_of(at));
            (one.rows[0], one.first[0], one.last[0], one.simulated[0]) = (1, at, at, row.simulated);
            let (site, zone) =
                (hash([row.customer, row.site].join("/")), hash([row.customer, row.site, row.zone].join("/")));
            one.sites.iter_mut().for_each(|s| s[0] = [site].into());
            one.zones.iter_mut().for_each(|z| z[0] = [zone].into());
            one.devices.iter_mut().for_each(|d| d[0] = [row.device.into()].into());
            one.days.iter_mut().for_each(|d| d[0] = [at.day()].into());
            for (values, _) in one.metrics.iter_mut().zip(&part.metrics) {
                let w = f64::from(row.samples);
                match &mut values.sums {
                    MetricSums::Means(m) => m[0] = WeightedMean { n: 1, w, wx: w * row.value },
                    MetricSums::Moments(s) => s[0].add(row.value, w),
                    MetricSums::Full(a) => a[0].add(row.value, w),
                }
                values.simulated[0] = row.simulated;
                values
                    .latest
                    .iter_mut()
                    .for_each(|l| l[0] = Some(NewestValue { at, seq: seq as i64, value: row.value }));
                values.sites.iter_mut().for_each(|s| s[0] = [site].into());
                values.devices.iter_mut().for_each(|d| d[0] = [row.device.into()].into());
            }
            groups.entry((key, number)).or_insert_with(|| Cells::for_part(part)).merge(&one);
        }
    }
    let seen = |text: &&str| {
        let model = Model::parse(text).expect("a model");
        let tags = ModelTagSummary {
            architectures: [Some(model.architecture.clone())].into(),
            versions: [model.version.clone()].into(),
            links: [ModelLink::Architecture].into(),
        };
        ModelNames { key: model.into(), tags }
    };
    let words = NameTable { names: texts.iter().map(|t| name(t)).collect(), models: models.iter().map(seen).collect() };
    (Arc::new(words), groups.into_iter().map(|((key, part), cells)| CellGroup { part, key, cells }).collect())
}

/// A moment of which nothing is known but who is expected.
#[derive(Default)]
struct Still {
    directory: Arc<Directory>,
    expected: Vec<&'static str>,
}

impl MetricsSnapshot for Still {
    fn generation(&self) -> i64 {
        1
    }
    fn generation_in(&self, _: &Scope) -> i64 {
        1
    }
    fn restricted_to(self: Arc<Self>, _: &Name) -> Arc<dyn MetricsSnapshot> {
        self
    }
    fn as_of(&self) -> Option<Millis> {
        None
    }
    fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }
    fn select_metrics(&self, _: &MetricSelection, _: &Scope, _: &[TimeRange]) -> SelectedMetrics {
        chosen()
    }
    fn health(&self, _: &Scope, _: &TimeRange, _: Millis) -> HealthReport {
        let children = self.expected.iter().map(|n| (name(n), (Health::default(), [0; 64]))).collect();
        HealthReport { whole: Health::default(), expected: [0; 64], children, sites: BTreeMap::new() }
    }
    fn since(&self, _: &Scope, _: Millis, _: Millis) -> Option<Millis> {
        None
    }
    fn model_changes(&self, _: &Scope, _: &TimeRange) -> Vec<ModelChange> {
        vec![]
    }
    fn volume(&self) -> Vec<(Day, u64)> {
        vec![]
    }
    fn unreadable(&self) -> Vec<UnreadablePart> {
        vec![]
    }
}

pub(super) fn chosen() -> SelectedMetrics {
    SelectedMetrics { metrics: vec![(CATALOGUE[latency()].clone(), MetricColumn::BuiltIn(latency()))], present: vec![] }
}

pub(super) fn summary_of(rows: &[Row], q: &SummaryQuery, expected: &[&'static str]) -> Summary {
    let (words, groups) = cells_of(rows, &summary::cells_query(q, &chosen()));
    let view = Arc::new(Still { expected: expected.to_vec(), ..Still::default() });
    let mut reducer = summary::Reducer::new(q, chosen(), view, words);
    groups.into_iter().for_each(|g| reducer.take(g));
    reducer.finish()
}

pub(super) fn asked(scope: &str, range: TimeRange) -> SummaryQuery {
    SummaryQuery {
        scope: Scope::parse(Some(scope).filter(|s| !s.is_empty()), None, None, None, Some("all")).expect("a scope"),
        range,
        earlier: range.previous(),
        children: true,
        sites: false,
        metrics: MetricSelection::All,
        earlier_quantiles: MetricSelection::All,
        course: None,
        changes: false,
        now: range.to(),
    }
}

fn trend_of(rows: &[Row], q: &TrendQuery) -> Trend {
    let (_, groups) = cells_of(rows, &trend::cells_query(q, MetricColumn::BuiltIn(latency())));
    let mut reducer = trend::Reducer::new(q, CATALOGUE[latency()].clone(), Arc::new(Still::default()));
    groups.into_iter().for_each(|g| reducer.take(g));
    reducer.finish()
}

fn comparison_of(rows: &[Row], q: &ComparisonQuery) -> Comparison {
    let (words, groups) = cells_of(rows, &comparison::cells_query(q, &chosen()));
    let mut reducer = comparison::Reducer::new(q, chosen(), Arc::new(Still::default()), words);
    groups.into_iter().for_each(|g| reducer.take(g));
    reducer.finish()
}

fn report_of(rows: &[Row], q: &ComparisonQuery) -> FieldReport {
    let (words, groups) = cells_of(rows, &field::cells_query(q, &chosen()));
    let mut reducer = field::Reducer::new(q, chosen(), &Still::default(), words);
    groups.into_iter().for_each(|g| reducer.take(g));
    reducer.finish()
}

fn worst_of(rows: &[Row], q: &WorstZonesQuery) -> WorstZones {
    let (words, groups) = cells_of(rows, &worst::cells_query(q, MetricColumn::BuiltIn(latency())));
    let mut reducer = worst::Reducer::new(q, CATALOGUE[latency()].clone(), &Still::default(), words);
    groups.into_iter().for_each(|g| reducer.take(g));
    reducer.finish()
}

fn all(range: TimeRange) -> ComparisonQuery {
    ComparisonQuery { scope: asked("", range).scope, range, metrics: MetricSelection::All }
}

pub(super) fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (
        0i64..48,
        prop::sample::select(vec![("a", "s"), ("a", "t"), ("b", "s")]),
        prop::sample::select(vec!["y", "z"]),
        prop::sample::select(vec!["yolo:1", "yolo:2", "detr:1"]),
        prop::sample::select(vec!["orin", "xavier"]),
        1u32..1000,
        1u32..9,
        any::<bool>(),
    )
        .prop_map(|(hour, (customer, site), zone, model, device, value, samples, simulated)| Row {
            hour,
            customer,
            site,
            zone,
            model,
            device,
            value: f64::from(value) / 10.0,
            samples,
            simulated,
        });
    prop::collection::vec(row, 1..80)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

fn mean<'r>(rows: impl Iterator<Item = &'r Row> + Clone) -> Option<f64> {
    let w: f64 = rows.clone().map(|r| f64::from(r.samples)).sum();
    (w > 0.0).then(|| rows.map(|r| f64::from(r.samples) * r.value).sum::<f64>() / w)
}

fn same(a: Option<f64>, b: Option<f64>) -> bool {
    a.is_some() == b.is_some() && a.zip(b).is_none_or(|(a, b)| near(a, b))
}

proptest! {
    #[test]
    fn a_summary_is_the_mean_of_its_rows_and_so_is_each_child_however_they_are_grouped(rows in rows(), sites in any::<bool>()) {
        let q = SummaryQuery { sites, ..asked("", hours(24, 48)) };
        let got = summary_of(&rows, &q, &[]);
        let within = |r: &&Row, range: &TimeRange| range.contains(Millis(r.hour * HOUR));
        let check = |metrics: &[crate::query::MetricSummary], of: &dyn Fn(&&Row) -> bool| {
            let now = rows.iter().filter(|r| of(r) && within(r, &q.range));
            let before = rows.iter().filter(|r| of(r) && within(r, &q.earlier));
            let m = metrics.first();
            let devices: BTreeSet<&str> = now.clone().map(|r| r.device).collect();
            let named = if devices.len() > 1 { devices.len() } else { 0 };
            m.map_or(0, |m| m.n) == now.clone().count() as u64
                && same(m.and_then(|m| m.value), mean(now.clone()))
                && same(m.and_then(|m| m.previous), mean(before.clone()))
                && m.map_or(0, |m| m.devices.len()) == named
                && m.is_none_or(|m| m.simulated == now.chain(before).any(|r| r.simulated))
        };
        prop_assert!(check(&got.metrics, &|_| true));
        let customers: BTreeSet<&str> = rows.iter().map(|r| r.customer).collect();
        prop_assert_eq!(got.children.len(), customers.len());
        for child in &got.children {
            let customer = child.scope.customer.as_ref().expect("a customer").as_str();
            prop_assert!(check(&child.metrics, &|r| r.customer == customer), "{}", customer);
        }
        let places: BTreeSet<_> = rows.iter().map(|r| (r.customer, r.site)).collect();
        prop_assert_eq!(got.sites.len(), if sites { places.len() } else { 0 });
        for site in &got.sites {
            let (c, s) = (site.scope.customer.as_ref().expect("a name"), site.scope.site.as_ref().expect("a name"));
            prop_assert!(check(&site.metrics, &|r| r.customer == c.as_str() && r.site == s.as_str()));
        }
    }

    #[test]
    fn the_points_of_a_trend_are_the_means_of_its_steps(rows in rows(), step in prop::sample::select(vec!["1h", "5h", "1d"])) {
        let step = Step::parse(step).expect("a step");
        let model = Some(ModelKey::parse("yolo").expect("a model"));
        let q = TrendQuery { scope: asked("", hours(7, 40)).scope, model, metric: "inference_time_ms".into(), range: hours(7, 40), step };
        let got = trend_of(&rows, &q);
        let mut want: BTreeMap<Millis, Vec<&Row>> = BTreeMap::new();
        for row in rows.iter().filter(|r| r.model.starts_with("yolo") && q.range.contains(Millis(r.hour * HOUR))) {
            want.entry(step.floor(Millis(row.hour * HOUR))).or_default().push(row);
        }
        prop_assert_eq!(got.points.iter().map(|p| p.t).collect::<Vec<_>>(), want.keys().copied().collect::<Vec<_>>());
        for (point, rows) in got.points.iter().zip(want.values()) {
            prop_assert!(same(Some(point.value), mean(rows.iter().copied())) && point.n == rows.len() as u64);
        }
    }

    #[test]
    fn a_comparison_and_a_report_hold_every_row_once(rows in rows()) {
        let q = all(hours(0, 48));
        let (c, r) = (comparison_of(&rows, &q), report_of(&rows, &q));
        prop_assert_eq!(c.models.iter().map(|m| m.n).sum::<u64>(), rows.len() as u64);
        prop_assert_eq!(r.cells.iter().map(|m| m.n).sum::<u64>(), rows.len() as u64);
        prop_assert!(c.models.windows(2).all(|w| w[0].n >= w[1].n), "most records first");
        for m in &c.models {
            let key = m.key().expect("a model");
            let cells = || r.cells.iter().filter(|c| c.model.as_ref() == Some(&key));
            prop_assert_eq!(cells().count(), m.zones as usize, "{}", key);
            let mut merged = crate::aggregate::Aggregate::default();
            cells().for_each(|c| merged.merge(&c.values[0]));
            prop_assert!(same(merged.mean().value(), m.metrics["inference_time_ms"].value));
        }
    }

    #[test]
    fn the_worst_zones_come_first_and_each_zone_and_device_once(rows in rows(), limit in 1usize..9) {
        let q = WorstZonesQuery { scope: asked("", hours(0, 48)).scope, metric: "inference_time_ms".into(), range: hours(0, 48), model: None, limit };
        let got = worst_of(&rows, &q);
        let places: BTreeSet<_> = rows.iter().map(|r| (r.customer, r.site, r.zone, r.device)).collect();
        prop_assert_eq!((got.rows.len(), got.of), (places.len().min(limit), places.len()));
        prop_assert!(got.rows.windows(2).all(|w| w[0].tail >= w[1].tail), "the longest first");
        for row in &got.rows {
            let fits = |r: &&Row| {
                let place = [Some(r.customer), Some(r.site), Some(r.zone)];
                place == [Some(row.place.customer.as_str()), row.place.site.as_ref().map(Name::as_str), row.place.zone.as_ref().map(Name::as_str)]
                    && row.device.as_ref().map(Name::as_str) == Some(r.device)
            };
            prop_assert_eq!(row.n, rows.iter().filter(fits).count() as u64);
            prop_assert!(same(Some(row.value), mean(rows.iter().filter(fits))));
        }
    }
}

#[test]
fn a_child_of_which_only_the_course_has_rows_is_none_and_one_that_is_expected_and_silent_is_one() {
    let rows = [Row { hour: 47, ..PLAIN }, Row { hour: 2, customer: "b", ..PLAIN }];
    let course = Some(SeriesBuckets::of_steps(hours(0, 48), Step::parse("12h").expect("a step")));
    let q = SummaryQuery { course, ..asked("", hours(46, 48)) };
    let got = summary_of(&rows, &q, &["c"]);
    let names: Vec<_> = got.children.iter().map(|c| c.scope.customer.as_ref().map(ToString::to_string)).collect();
    assert_eq!(names, [Some("a".to_owned()), Some("c".to_owned())]);
    assert_eq!(got.metrics[0].course, [Some(10.0), None, None, Some(10.0)], "the whole has its course");
    assert!(got.children[1].metrics.is_empty());
}

#[test]
fn a_metric_that_is_silent_in_the_range_is_told_with_what_it_was_before() {
    let got = summary_of(&[Row { hour: 1, value: 7.0, ..PLAIN }], &asked("", hours(24, 48)), &[]);
    let m = &got.metrics[0];
    assert_eq!((m.value, m.previous, m.delta, m.n), (None, Some(7.0), None, 0));
    assert_eq!(m.earlier_quantiles.map(|q| (q.previous_p95, q.delta_p95)), Some((7.0, None)));
}

#[test]
fn of_a_higher_is_better_metric_the_low_values_are_the_worst() {
    let quality = || (CATALOGUE[0].clone(), MetricColumn::BuiltIn(0));
    let q = WorstZonesQuery {
        scope: asked("", hours(0, 48)).scope,
        metric: quality().0.key.to_string(),
        range: hours(0, 48),
        model: None,
        limit: 9,
    };
    let rows =
        [Row { value: 0.9, ..PLAIN }, Row { zone: "y", value: 0.4, ..PLAIN }, Row { zone: "x", value: 0.6, ..PLAIN }];
    let (words, groups) = cells_of(&rows, &worst::cells_query(&q, quality().1));
    let mut reducer = worst::Reducer::new(&q, quality().0, &Still::default(), words);
    groups.into_iter().for_each(|g| reducer.take(g));
    let got = reducer.finish();
    assert_eq!(got.quantile, 0.05);
    assert_eq!(got.rows.iter().map(|r| r.tail).collect::<Vec<_>>(), [0.4, 0.6, 0.9]);
}
