//! The fold against itself: wherever rows lie, and on however many cores.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]

use arrow::{
    array::{ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, TimestampMillisecondArray},
    compute::filter_record_batch,
    datatypes::Int32Type,
};
use domain::{
    aggregate::Aggregate,
    cells::{CellsQuery, Detail, Dimension, Filter, MetricDetail, QueryPart, TimeBuckets, TrackedSets},
    model::ModelKey,
    time::{MINUTE, Ranges, Step, TimeRange},
};
use proptest::prelude::*;

use super::*;

fn range(from: i64, to: i64) -> TimeRange {
    TimeRange::new(Millis(from * MINUTE), Millis(to * MINUTE)).unwrap()
}

/// Rows of (model, minute, value, simulated, minutes until they arrived), in memory's form.
type Told = (u8, i64, Option<f64>, bool, Option<i64>);

fn batch(rows: &[Told]) -> RecordBatch {
    let times = |all: Vec<Option<i64>>| {
        Arc::new(all.into_iter().collect::<TimestampMillisecondArray>().with_timezone("UTC")) as ArrayRef
    };
    let text = |all: Vec<Option<&str>>| Arc::new(all.into_iter().collect::<DictionaryArray<Int32Type>>()) as ArrayRef;
    let floats = |all: Vec<Option<f64>>| Arc::new(all.into_iter().collect::<Float64Array>()) as ArrayRef;
    let none = || text(vec![None; rows.len()]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("timestamp", times(rows.iter().map(|r| Some(r.1 * MINUTE)).collect())),
        ("received_at", times(rows.iter().map(|r| r.4.map(|late| (r.1 + late) * MINUTE)).collect())),
        ("seq", Arc::new(Int64Array::from_iter_values(0..rows.len() as i64))),
        ("samples", floats(rows.iter().map(|r| (r.1 % 3 > 0).then_some(r.1 as f64)).collect())),
        ("simulated", Arc::new(rows.iter().map(|r| Some(r.3)).collect::<BooleanArray>())),
        ("customer", text(vec![Some("c"); rows.len()])),
        ("site", text(rows.iter().map(|r| (r.1 % 2 > 0).then_some("s")).collect())),
        ("zone", none()),
        ("registered_model", none()),
        ("registered_version", none()),
        ("model_architecture", text(rows.iter().map(|r| ["a", "b", "c"].get(usize::from(r.0)).copied()).collect())),
        ("model_version", none()),
        (crate::scan::metric_column(0), floats(rows.iter().map(|r| r.2).collect())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, c)| (name, c, true))).unwrap()
}

fn wanted(detail: Detail) -> MetricDetail {
    MetricDetail { latest: true, sites: true, ..MetricDetail::new(MetricColumn::BuiltIn(0), detail) }
}

/// Parts of every kind: without and with edges, over ranges apart, by model and not, of every detail.
fn parts() -> Vec<QueryPart> {
    let step = |text| Step::parse(text).unwrap();
    vec![
        QueryPart::over(range(60, 150)).group_by([Dimension::Model]).with_metrics([wanted(Detail::Full)]),
        QueryPart::over(Ranges::of([range(20, 60), range(90, 100)]))
            .with_metrics([wanted(Detail::Means)])
            .tracking(TrackedSets { sites: true, zones: true, devices: false, days: true }),
        QueryPart::over(range(0, 200))
            .with_buckets(TimeBuckets::every(Millis(0), step("7m")))
            .group_by([Dimension::Site, Dimension::Model])
            .with_metrics([wanted(Detail::Moments)]),
        QueryPart::over(range(10, 190))
            .with_buckets(TimeBuckets::from_instants([30, 31, 140].map(|m| Millis(m * MINUTE)))),
    ]
}

fn told(fold: Fold) -> Vec<String> {
    let (words, groups, _) = fold.finish();
    let group = |g: &CellGroup| {
        let c = &g.cells;
        // Runs are cut at other places, so sums differ in their last digit.
        let round = |x: f64| (x * 1e6).round();
        let values = |m: &domain::cells::MetricValues, row: usize| {
            let spread = m.sums.moments(row).map(|s| (round(s.ww), round(s.wxx)));
            let full = m.sums.aggregate(row).map(|a: &Aggregate| (a.min, a.max, a.quantiles()));
            let mean = m.sums.mean(row);
            let latest = m.latest.as_ref().map(|l| l[row]);
            let sites = m.sites.as_ref().map(|s| &s[row]);
            format!("{} {} {spread:?} {full:?} {latest:?} {sites:?}", mean.n, round(mean.wx))
        };
        let row = |row: usize| {
            let noted = (c.sites.as_ref().map(|s| &s[row]), c.zones.as_ref().map(|s| &s[row]));
            let days = c.days.as_ref().map(|d| &d[row]);
            let values: Vec<_> = c.metrics.iter().map(|m| values(m, row)).collect();
            let times = (c.first[row], c.last[row]);
            format!("{}: {} {times:?} {} {noted:?} {days:?} {values:?}", c.buckets[row], c.rows[row], c.simulated[row])
        };
        let name = (words.name(&g.key, Dimension::Site), words.model(&g.key).map(|m| m.key.to_string()));
        format!("{} {name:?} {:?}", g.part, (0..c.len()).map(row).collect::<Vec<_>>())
    };
    groups.iter().map(group).collect()
}

proptest! {
    #[test]
    fn rows_folded_where_they_lie_are_folded_as_rows_copied_together_and_on_two_cores(
        rows in prop::collection::vec(
            (0u8..4, 0i64..200, prop::option::of(-1.0f64..1.0), any::<bool>(), prop::option::of(0i64..90)), 1..120),
        cuts in prop::collection::vec((1usize..12, 1usize..12), 1..20),
        known_at in prop::option::of(0i64..250), received_within in prop::option::of(0i64..40),
        model in prop::option::of(Just("b")),
    ) {
        let filter = Filter {
            known_at: known_at.map(|m| Millis(m * MINUTE)),
            received_within: received_within.map(|m| m * MINUTE),
            models: model.into_iter().map(|m| ModelKey::parse(m).unwrap()).collect(),
            ..Filter::default()
        };
        let plan = Arc::new(Plan::new(CellsQuery { filter, parts: parts() }));
        let mut chosen: Vec<Range<usize>> = vec![];
        let mut at = 0;
        for (skip, take) in cuts {
            let range = (at + skip).min(rows.len())..(at + skip + take).min(rows.len());
            at = range.end;
            chosen.extend((!range.is_empty()).then_some(range));
        }
        let mask: BooleanArray = (0..rows.len()).map(|i| Some(chosen.iter().any(|r| r.contains(&i)))).collect();
        let all = batch(&rows);
        let copied = filter_record_batch(&all, &mask).unwrap();
        let half = copied.num_rows() / 2;
        let fold = || Fold::new(Arc::clone(&plan));
        let (mut there, mut here, mut first, mut second) = (fold(), fold(), fold(), fold());
        there.add(&all, &chosen).unwrap();
        here.add(&copied, std::slice::from_ref(&(0..copied.num_rows()))).unwrap();
        first.add(&copied, std::slice::from_ref(&(half..copied.num_rows()))).unwrap();
        second.add(&copied, std::slice::from_ref(&(0..half))).unwrap();
        first.merge(second);
        let here = told(here);
        prop_assert_eq!(told(there), here.clone());
        prop_assert_eq!(told(first), here);
    }

    #[test]
    fn every_moment_of_a_span_has_the_same_stretches(
        ranges in prop::collection::vec((0i64..300, 1i64..200), 1..4), buckets in prop::collection::vec(0i64..600, 0..4),
        from in 0i64..300, step in prop::sample::select(vec!["1m", "7m", "1h"]), at in 0i64..600 * MINUTE,
    ) {
        let ranges = Ranges::of(ranges.into_iter().map(|(from, length)| range(from, from + length)));
        let every = TimeBuckets::every(Millis(from * MINUTE), Step::parse(step).unwrap());
        let parts = vec![
            QueryPart::over(ranges.clone()).with_buckets(every),
            QueryPart::over(range(100, 500)).with_buckets(TimeBuckets::from_instants(buckets.into_iter().map(|m| Millis(m * MINUTE)))),
            QueryPart::over(ranges),
        ];
        let plan = Plan::new(CellsQuery { filter: Filter::default(), parts });
        for grouping in &plan.groupings {
            let buckets = |at: Millis| -> Vec<Option<u32>> {
                plan.parts_of(grouping).map(|p| p.ranges.contains(at).then(|| p.buckets.bucket_of(at))).collect()
            };
            let mut span = BucketSpan::default();
            span.move_to(&plan, grouping, Millis(at));
            prop_assert_eq!(&span.buckets, &buckets(Millis(at)));
            prop_assert!(span.contains(at));
            for other in [span.from.max(0), i64::midpoint(span.from.max(0), at), at, span.to.min(601 * MINUTE) - 1] {
                prop_assert_eq!(&buckets(Millis(other)), &span.buckets, "{} and {}", at, other);
            }
        }
    }
}
