//! Random records, batches and questions: what an adapter answers is what the plain reference answers, before and after
//! files are merged and the demo is removed.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    query::{
        Comparison, ComparisonQuery, MetricSelection, MetricSummary, ModelSummary, SeriesBuckets, Summary,
        SummaryQuery, TrendQuery,
    },
    scope::{Model, Scope},
    state::EXPECTED_WITHIN_MS,
    time::{DAY, HOUR, Millis, Step, TimeRange},
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};

use crate::{
    reference::{Content, METRICS, Numbers, Reference, Row, by_step, numbers, within},
    soak,
    support::{Adapter, NOW, ask, at, lake_with_little_memory, lake_without_memory, local_lake, near},
};

/// The random records lie in the three days from here, and in the same days so long before.
const BEGIN: &str = "2026-06-27T00:00:00Z";
const SPAN: i64 = 72 * HOUR;
const LONG_AGO: [i64; 2] = [40 * DAY, 80 * DAY];

#[derive(Debug, Clone)]
struct MetricsQuery {
    scope: Scope,
    range: TimeRange,
    earlier: TimeRange,
    step: Step,
    model: Option<Model>,
    metric: usize,
}

#[derive(Debug, Clone)]
struct Case {
    batches: Vec<Vec<Row>>,
    questions: Vec<MetricsQuery>,
}

pub fn moment() -> impl Strategy<Value = Millis> {
    // A coarse grid, so that identities meet and ranges end exactly on records, and any millisecond.
    prop_oneof![3 => (0i64..24).prop_map(|i| i * 3 * HOUR), 1 => 0..SPAN].prop_map(|ms| at(BEGIN).plus(ms))
}

pub fn row() -> impl Strategy<Value = Row> {
    let place = select(vec![
        ("a", Some("s1"), Some("z1")),
        ("a", Some("s1"), Some("z2")),
        ("a", Some("s2"), None),
        ("b", None, None),
    ]);
    let model = select(vec![None, Some(("yolo", Some("1"))), Some(("yolo", Some("2"))), Some(("detr", None))]);
    let device = select(vec![None, Some("orin"), Some("xavier")]);
    let value = || prop::option::weighted(0.7, 0u16..=1000);
    let content = (prop::option::of(1u32..500), prop::bool::weighted(0.2), [value(), value(), value()])
        .prop_filter("a record has a metric", |(_, _, values)| values.iter().any(Option::is_some))
        .prop_map(|(samples, simulated, values)| Content { samples, simulated, values });
    let kind = select(vec![None, Some("production"), Some("candidate"), Some("benchmark")]);
    let when = (moment(), select(vec![0, 0, 0, LONG_AGO[0], LONG_AGO[1]])).prop_map(|(at, ago)| at.plus(-ago));
    (when, place, select(vec!["detection", "tracking"]), kind, model, device, content).prop_map(
        |(at, (customer, site, zone), task, kind, model, device, content)| Row {
            at,
            customer,
            site,
            zone,
            task,
            kind,
            model,
            device,
            content,
        },
    )
}

fn question() -> impl Strategy<Value = MetricsQuery> {
    let place = select(vec![
        (None, None, None),
        (Some("a"), None, None),
        (Some("a"), Some("s1"), None),
        (Some("a"), Some("s1"), Some("z2")),
        (Some("b"), None, None),
    ]);
    let task = prop_oneof![3 => Just(None), 1 => Just(Some("tracking"))];
    let model = select(vec![None, Some("yolo"), Some("yolo:2"), Some("detr")]);
    let device = select(vec![None, None, Some("orin"), Some("xavier")]);
    let ends = (moment(), moment()).prop_filter_map("a range", |(a, b)| TimeRange::new(a.min(b), a.max(b)).ok());
    // How far back the earlier period lies: right before, hours before, overlapping, and months before with records between.
    let back: Vec<fn(i64) -> i64> = vec![|n| n, |n| n + 7 * HOUR, |n| n / 2 + 1, |_| LONG_AGO[0], |_| LONG_AGO[1]];
    let periods = (ends, select(back)).prop_map(|(range, back)| (range, range.shifted(-back(range.length()))));
    (
        place,
        task,
        select(vec!["production", "candidate", "all"]),
        device,
        periods,
        select(vec!["17m", "1h", "5h", "1d"]),
        model,
        0..METRICS.len(),
    )
        .prop_map(|((customer, site, zone), task, kind, device, (range, earlier), step, model, metric)| {
            MetricsQuery {
                scope: Scope::parse(customer, site, zone, task, Some(kind))
                    .and_then(|s| s.with_device(device))
                    .expect("a scope"),
                range,
                earlier,
                step: Step::parse(step).expect("a step"),
                model: model.map(|m| Model::parse(m).expect("a model")),
                metric,
            }
        })
}

fn case() -> impl Strategy<Value = Case> {
    let batches = prop::collection::vec(prop::collection::vec(row(), 1..25), 1..8).prop_flat_map(|batches| {
        // Some records come again, in another batch.
        let all: Vec<Row> = batches.iter().flatten().cloned().collect();
        (Just(batches), prop::sample::subsequence(all.clone(), 0..=all.len().min(9)))
    });
    (batches, prop::collection::vec(question(), 4)).prop_map(|((mut batches, again), questions)| {
        batches.push(again);
        Case { batches, questions }
    })
}

macro_rules! same {
    ($got:expr, $want:expr, $($what:tt)+) => { prop_assert!(close($got, $want), "{}: {:?} instead of {:?}", format!($($what)+), $got, $want) };
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => near(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn check_metrics(got: &[MetricSummary], rows: &[&Row], q: &MetricsQuery) -> Result<(), TestCaseError> {
    let (now, before) = (within(rows, &q.range), within(rows, &q.earlier));
    for (i, key) in METRICS.iter().enumerate() {
        let (want, before) = (numbers(&now, i), numbers(&before, i));
        let previous = before.as_ref().map(|p| p.mean);
        let Some(m) = got.iter().find(|m| m.metric == *key) else {
            prop_assert!(want.is_none() && previous.is_none(), "{key} is missing");
            continue;
        };
        let of = |f: fn(&Numbers) -> f64| want.as_ref().map(f);
        prop_assert_eq!(m.n, want.as_ref().map_or(0, |w| w.n));
        same!(Some(m.weight), of(|w| w.weight).or(Some(0.0)), "the weight of {key}");
        same!(m.value, of(|w| w.mean), "the mean of {key}");
        same!(m.previous, previous, "the previous mean of {key}");
        same!(m.delta, of(|w| w.mean).zip(previous).map(|(v, p)| v - p), "the change of {key}");
        same!(m.p50, of(|w| w.p50), "p50 of {key}");
        same!(m.p95, of(|w| w.p95), "p95 of {key}");
        same!(m.p99, of(|w| w.p99), "p99 of {key}");
        let wanted = before.filter(|_| i == 1);
        prop_assert_eq!(m.earlier_quantiles.is_some(), wanted.is_some(), "quantiles of what was not asked for");
        if let (Some(q), Some(before)) = (&m.earlier_quantiles, wanted) {
            let then = [(q.previous_p50, before.p50), (q.previous_p95, before.p95), (q.previous_p99, before.p99)];
            then.iter().try_for_each(|(got, want)| {
                same!(Some(*got), Some(*want), "an earlier quantile of {key}");
                Ok(())
            })?;
            same!(q.delta_p50, of(|w| w.p50).map(|p| p - before.p50), "how p50 of {key} differs");
            same!(q.delta_p95, of(|w| w.p95).map(|p| p - before.p95), "how p95 of {key} differs");
            same!(q.delta_p99, of(|w| w.p99).map(|p| p - before.p99), "how p99 of {key} differs");
        }
        prop_assert_eq!(
            m.latest.as_ref().map(|l| (l.timestamp, l.value)),
            want.map(|w| w.latest),
            "the latest {}",
            key
        );
    }
    Ok(())
}

async fn check_summary(a: &Adapter, r: &Reference, q: &MetricsQuery) -> Result<(), TestCaseError> {
    let asked = SummaryQuery {
        earlier: q.earlier,
        earlier_quantiles: MetricSelection::only([METRICS[1]]),
        course: Some(SeriesBuckets::of_steps(q.range, q.step)),
        ..ask(&q.scope, q.range)
    };
    let got = a.metrics.summary(&asked).await.expect("a summary");
    let one = SummaryQuery { metrics: MetricSelection::only([METRICS[q.metric]]), ..asked };
    let one = a.metrics.summary(&one).await.expect("a summary");
    prop_assert_eq!(&one.health, &got.health);
    prop_assert_eq!(one.children.len(), got.children.len());
    let places =
        |s: &Summary| [s.metrics.clone()].into_iter().chain(s.children.iter().map(|c| c.metrics.clone())).collect();
    let (of_one, of_all): (Vec<_>, Vec<_>) = (places(&one), places(&got));
    for (one, all) in of_one.iter().zip(&of_all) {
        let all: Vec<_> = all.iter().filter(|m| m.metric == METRICS[q.metric]).collect();
        let told = |m: &MetricSummary| (m.metric.clone(), m.n, m.latest.as_ref().map(|l| l.timestamp), m.state, m.p95);
        prop_assert_eq!(
            one.iter().map(told).collect::<Vec<_>>(),
            all.iter().map(|m| told(m)).collect::<Vec<_>>(),
            "asked for one metric, an answer leaves out the others and nothing else"
        );
        for (one, all) in one.iter().zip(all) {
            same!(one.value, all.value, "the mean of {}", one.metric);
            same!(one.previous, all.previous, "the earlier mean of {}", one.metric);
        }
    }
    let rows = r.rows(&q.scope);
    check_metrics(&got.metrics, &rows, q)?;
    let current = within(&rows, &q.range);
    let touched = current.iter().chain(&within(&rows, &q.earlier)).any(|r| r.content.simulated);
    prop_assert_eq!(got.simulated, touched);
    let mut names: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    // Children are places; which are expected does not depend on the device.
    let of_all_devices = r.rows(&Scope { device: None, ..q.scope.clone() });
    let begun = of_all_devices.iter().map(|r| r.at).min();
    let told = begun.filter(|t| q.earlier.from() < *t && *t < q.range.to());
    prop_assert_eq!(got.since, told, "when the records begin, where that is after the earlier period's beginning");
    for row in &of_all_devices {
        let name = match (&q.scope.customer, &q.scope.site, &q.scope.zone) {
            (None, ..) => Some(row.customer),
            (_, None, _) => row.site,
            (_, _, None) => row.zone,
            _ => None,
        };
        if let Some(name) = name {
            names.entry(name).or_default().push(*row);
        }
    }
    for (name, all) in names {
        let rows: Vec<&Row> = all.iter().copied().filter(|r| r.lies_in(&q.scope)).collect();
        let Some(child) =
            got.children.iter().find(|c| c.scope == q.scope.child(domain::text::Name::parse(name).expect("a name")))
        else {
            let of_either = within(&rows, &q.range).len() + within(&rows, &q.earlier).len();
            prop_assert_eq!(of_either, 0, "the child {} is missing", name);
            continue;
        };
        check_metrics(&child.metrics, &rows, q)?;
        let end = q.range.to().min(at(NOW));
        let expected = end.plus(-EXPECTED_WITHIN_MS)..end;
        let counts = |r: &&Row| q.range.contains(r.at) || q.earlier.contains(r.at) || expected.contains(&r.at);
        prop_assert!(all.iter().any(counts), "the child {} had no record in either period and none was expected", name);
    }
    // The steps of a course are counted from the range's own beginning.
    let mut steps: std::collections::BTreeMap<i64, Vec<_>> = std::collections::BTreeMap::new();
    for r in &current {
        steps.entry((r.at.0 - q.range.from().0) / q.step.ms()).or_default().push(*r);
    }
    for m in &got.metrics {
        let i = METRICS.iter().position(|k| *k == m.metric).expect("a metric of ours");
        for (bucket, value) in (0i64..).zip(&m.course) {
            let want = steps.get(&bucket).and_then(|rows| numbers(rows, i)).map(|w| w.mean);
            same!(*value, want, "step {bucket} of the course of {}", m.metric);
        }
    }
    Ok(())
}

async fn check_trend(a: &Adapter, r: &Reference, q: &MetricsQuery) -> Result<(), TestCaseError> {
    let asked = TrendQuery {
        scope: q.scope.clone(),
        model: q.model.clone().map(Into::into),
        metric: METRICS[q.metric].into(),
        range: q.range,
        step: q.step,
    };
    let got = a.metrics.trend(&asked).await.expect("a trend");
    let rows: Vec<&Row> =
        r.rows(&q.scope).into_iter().filter(|r| q.model.as_ref().is_none_or(|m| r.is_of(m))).collect();
    let want: Vec<(Millis, Numbers)> = by_step(&within(&rows, &q.range), q.step)
        .into_iter()
        .filter_map(|(t, rows)| Some((t, numbers(&rows, q.metric)?)))
        .collect();
    let measured = within(&rows, &q.range).into_iter().filter(|r| r.value(q.metric).is_some());
    prop_assert_eq!(got.devices.iter().map(String::as_str).collect::<BTreeSet<_>>(), named(measured));
    prop_assert_eq!(
        got.points.iter().map(|p| (p.t, p.n)).collect::<Vec<_>>(),
        want.iter().map(|(t, w)| (*t, w.n)).collect::<Vec<_>>()
    );
    for (p, (t, w)) in got.points.iter().zip(&want) {
        for (got, want) in [(p.value, w.mean), (p.min, w.min), (p.max, w.max), (p.p50, w.p50), (p.p95, w.p95)] {
            same!(Some(got), Some(want), "the point at {t}");
        }
    }
    Ok(())
}

async fn check_comparison(a: &Adapter, r: &Reference, q: &MetricsQuery) -> Result<(), TestCaseError> {
    let all = ComparisonQuery { scope: q.scope.clone(), range: q.range, metrics: MetricSelection::All };
    let got = a.metrics.comparison(&all).await.expect("a comparison");
    let one = ComparisonQuery { metrics: MetricSelection::only([METRICS[q.metric]]), ..all };
    let one = a.metrics.comparison(&one).await.expect("a comparison");
    let told = |c: &Comparison| -> Vec<_> {
        let of = |m: &ModelSummary| m.metrics.get(METRICS[q.metric]).map(|x| (x.n, x.p95));
        c.models.iter().map(|m| (m.architecture.clone(), m.version.clone(), m.n, m.zones, of(m))).collect()
    };
    prop_assert_eq!(told(&one), told(&got), "asked for one metric, an answer leaves out the others and nothing else");
    prop_assert!(one.models.iter().all(|m| m.metrics.keys().all(|key| key == METRICS[q.metric])));
    let mut models: BTreeMap<(Option<&str>, Option<&str>), Vec<&Row>> = BTreeMap::new();
    for row in within(&r.rows(&q.scope), &q.range) {
        models.entry((row.model.map(|m| m.0), row.model.and_then(|m| m.1))).or_default().push(row);
    }
    prop_assert_eq!(got.models.len(), models.len());
    prop_assert!(got.models.windows(2).all(|w| w[0].n >= w[1].n), "most records first");
    for m in &got.models {
        let Some(rows) = models.get(&(m.architecture.as_deref(), m.version.as_deref())) else {
            return Err(TestCaseError::fail(format!("no record is of {:?}", m.architecture)));
        };
        let times = || rows.iter().map(|r| r.at);
        prop_assert_eq!((m.n, Some(m.first), Some(m.last)), (rows.len() as u64, times().min(), times().max()));
        prop_assert_eq!(m.devices.iter().map(String::as_str).collect::<BTreeSet<_>>(), named(rows.iter().copied()));
        for (i, key) in METRICS.iter().enumerate() {
            let (got, want) = (m.metrics.get(*key), numbers(rows, i));
            // Of our metrics only the latency depends on the device.
            let on = named(rows.iter().copied().filter(|r| i == 1 && r.value(i).is_some()));
            let said: BTreeSet<&str> = got.iter().flat_map(|g| &g.devices).map(String::as_str).collect();
            prop_assert_eq!(said, if on.len() > 1 { on } else { BTreeSet::new() });
            prop_assert_eq!(got.map(|g| g.n), want.as_ref().map(|w| w.n));
            same!(got.and_then(|g| g.value), want.as_ref().map(|w| w.mean), "the mean of {key}");
            same!(got.and_then(|g| g.p95), want.as_ref().map(|w| w.p95), "p95 of {key}");
        }
    }
    Ok(())
}

/// The devices that rows name.
fn named<'r>(rows: impl Iterator<Item = &'r Row>) -> BTreeSet<&'r str> {
    rows.filter_map(|r| r.device).collect()
}

async fn check_report(a: &Adapter, r: &Reference, q: &MetricsQuery) -> Result<(), TestCaseError> {
    let all = ComparisonQuery { scope: q.scope.clone(), range: q.range, metrics: MetricSelection::All };
    let got = a.metrics.field_report(&all).await.expect("a report");
    let mut cells: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
    for row in within(&r.rows(&q.scope), &q.range) {
        cells.entry((Some(row.customer), row.site, row.zone, row.model_key())).or_default().push(row);
    }
    prop_assert_eq!(got.cells.len(), cells.len());
    for c in &got.cells {
        let part = |n: &Option<domain::text::Name>| n.as_ref().map(ToString::to_string);
        let (site, zone) = (part(&c.place.site), part(&c.place.zone));
        let model = c.model.as_ref().map(domain::model::ModelKey::key);
        let rows = cells.get(&(Some(c.place.customer.as_str()), site.as_deref(), zone.as_deref(), model));
        let Some(rows) = rows else { return Err(TestCaseError::fail(format!("no record is of {c:?}"))) };
        prop_assert_eq!(c.n, rows.len() as u64);
        prop_assert_eq!(&c.days, &rows.iter().map(|r| r.at.day()).collect::<BTreeSet<_>>());
        let devices: BTreeSet<Box<str>> = rows.iter().map(|r| r.device.unwrap_or_default().into()).collect();
        prop_assert_eq!(&c.devices, &devices);
    }
    Ok(())
}

/// Names that no record has are refused, and rightly so: such questions are left out.
fn answerable(r: &Reference, q: &MetricsQuery) -> bool {
    let all = r.rows(&Scope { kind: domain::scope::ExperimentKind::All, ..Scope::default() });
    let place = Scope { task: None, device: None, kind: domain::scope::ExperimentKind::All, ..q.scope.clone() };
    all.iter().any(|r| r.lies_in(&place))
        && q.scope.task.as_ref().is_none_or(|t| all.iter().any(|r| r.task == t.as_str()))
        && q.scope.device.as_ref().is_none_or(|d| all.iter().any(|r| r.device == Some(d.as_str())))
        && q.model.as_ref().is_none_or(|m| all.iter().any(|r| r.is_of(m)))
        && all.iter().any(|r| r.value(q.metric).is_some())
}

async fn check_all(a: &Adapter, r: &Reference, questions: &[MetricsQuery]) -> Result<(), TestCaseError> {
    let directory = a.metrics.directory();
    let known: BTreeSet<&str> = directory.devices.keys().map(|d| d.as_str()).collect();
    let all = Scope { kind: domain::scope::ExperimentKind::All, ..Scope::default() };
    prop_assert_eq!(known, named(r.rows(&all).into_iter()));
    for q in questions.iter().filter(|q| answerable(r, q)) {
        let told = |e: TestCaseError| TestCaseError::fail(format!("{e}\nasked: {q:?}"));
        check_summary(a, r, q).await.map_err(told)?;
        check_trend(a, r, q).await.map_err(told)?;
        check_comparison(a, r, q).await.map_err(told)?;
        check_report(a, r, q).await.map_err(told)?;
    }
    Ok(())
}

async fn play(a: &Adapter, case: &Case) -> Result<(), TestCaseError> {
    let mut reference = Reference::default();
    for batch in &case.batches {
        let got = a.take(batch.iter().map(Row::json)).await;
        prop_assert_eq!(got, reference.take(batch));
    }
    check_all(a, &reference, &case.questions).await?;
    a.sink.compact().await.expect("tidied");
    check_all(a, &reference, &case.questions[..1]).await?;
    prop_assert_eq!(a.sink.remove_simulated().await.expect("removed"), reference.remove_simulated());
    check_all(a, &reference, &case.questions[1..2]).await
}

/// What fails is kept in server/tests/proptest-regressions, to be committed and tried first ever after.
fn config() -> Config {
    Config { cases: 12 * soak::times(), max_shrink_iters: 40, source_file: Some(file!()), ..Config::default() }
}

fn run<F: Future<Output = Adapter>>(open: impl Fn() -> F) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    TestRunner::new(config())
        .run(&case(), |case| runtime.block_on(async { play(&open().await, &case).await }))
        .unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn a_case_that_fails_is_kept() {
    let kept = config();
    assert!(kept.failure_persistence.is_some() && kept.source_file.is_some());
}

#[test]
fn random_answers_agree_with_the_reference_on_the_lake() {
    run(local_lake);
}

#[test]
fn random_answers_agree_with_the_reference_without_memory() {
    run(lake_without_memory);
}

#[test]
fn random_answers_agree_with_the_reference_with_little_memory() {
    run(lake_with_little_memory);
}
