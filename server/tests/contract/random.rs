//! Random records, batches and questions: what an adapter answers is what the plain reference answers, before and after
//! files are merged and the demo is removed.

use std::collections::BTreeMap;

use domain::{
    query::{Comparison, ComparisonQuery, MetricSummary, Metrics, ModelSummary, Summary, SummaryQuery, TrendQuery},
    scope::{Model, Scope},
    time::{HOUR, Millis, Step, TimeRange},
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};

use crate::{
    reference::{Content, METRICS, Numbers, Reference, Row, by_step, numbers, within},
    support::{Adapter, ask, at, lake_with_little_memory, lake_without_memory, local_lake, near},
};

/// The random records lie in the three days from here.
const BEGIN: &str = "2026-06-27T00:00:00Z";
const SPAN: i64 = 72 * HOUR;

#[derive(Debug, Clone)]
struct Question {
    scope: Scope,
    range: TimeRange,
    step: Step,
    model: Option<Model>,
    metric: usize,
}

#[derive(Debug, Clone)]
struct Case {
    batches: Vec<Vec<Row>>,
    questions: Vec<Question>,
}

fn moment() -> impl Strategy<Value = Millis> {
    // A coarse grid, so that identities meet and ranges end exactly on records, and any millisecond.
    prop_oneof![3 => (0i64..24).prop_map(|i| i * 3 * HOUR), 1 => 0..SPAN].prop_map(|ms| at(BEGIN).plus(ms))
}

fn row() -> impl Strategy<Value = Row> {
    let place = select(vec![
        ("a", Some("s1"), Some("z1")),
        ("a", Some("s1"), Some("z2")),
        ("a", Some("s2"), None),
        ("b", None, None),
    ]);
    let model = select(vec![None, Some(("yolo", Some("1"))), Some(("yolo", Some("2"))), Some(("detr", None))]);
    let value = || prop::option::weighted(0.7, 0u16..=1000);
    let content = (prop::option::of(1u32..500), prop::bool::weighted(0.2), [value(), value(), value()])
        .prop_filter("a record has a metric", |(_, _, values)| values.iter().any(Option::is_some))
        .prop_map(|(samples, simulated, values)| Content { samples, simulated, values });
    let kind = select(vec![None, Some("production"), Some("candidate"), Some("benchmark")]);
    (moment(), place, select(vec!["detection", "tracking"]), kind, model, select(vec![None, Some("orin")]), content)
        .prop_map(|(at, (customer, site, zone), task, kind, model, device, content)| Row {
            at,
            customer,
            site,
            zone,
            task,
            kind,
            model,
            device,
            content,
        })
}

fn question() -> impl Strategy<Value = Question> {
    let place = select(vec![
        (None, None, None),
        (Some("a"), None, None),
        (Some("a"), Some("s1"), None),
        (Some("a"), Some("s1"), Some("z2")),
        (Some("b"), None, None),
    ]);
    let task = prop_oneof![3 => Just(None), 1 => Just(Some("tracking"))];
    let model = select(vec![None, Some("yolo"), Some("yolo:2"), Some("detr")]);
    let ends = (moment(), moment()).prop_filter_map("a range", |(a, b)| TimeRange::new(a.min(b), a.max(b)).ok());
    (
        place,
        task,
        select(vec!["production", "candidate", "all"]),
        ends,
        select(vec!["17m", "1h", "5h", "1d"]),
        model,
        0..METRICS.len(),
    )
        .prop_map(|((customer, site, zone), task, kind, range, step, model, metric)| Question {
            scope: Scope::parse(customer, site, zone, task, Some(kind)).expect("a scope"),
            range,
            step: Step::parse(step).expect("a step"),
            model: model.map(|m| Model::parse(m).expect("a model")),
            metric,
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

fn check_metrics(got: &[MetricSummary], rows: &[&Row], range: &TimeRange) -> Result<(), TestCaseError> {
    let (now, before) = (within(rows, range), within(rows, &range.previous()));
    for (i, key) in METRICS.iter().enumerate() {
        let (want, previous) = (numbers(&now, i), numbers(&before, i).map(|p| p.mean));
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
        prop_assert_eq!(
            m.latest.as_ref().map(|l| (l.timestamp, l.value)),
            want.map(|w| w.latest),
            "the latest {}",
            key
        );
    }
    Ok(())
}

async fn check_summary(a: &Adapter, r: &Reference, q: &Question) -> Result<(), TestCaseError> {
    let asked = SummaryQuery { course: Some((q.range, q.step)), ..ask(&q.scope, q.range) };
    let got = a.metrics.summary(&asked).await.expect("a summary");
    let one = SummaryQuery { metrics: Metrics::only([METRICS[q.metric]]), ..asked };
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
    check_metrics(&got.metrics, &rows, &q.range)?;
    let current = within(&rows, &q.range);
    let touched = current.iter().chain(&within(&rows, &q.range.previous())).any(|r| r.content.simulated);
    prop_assert_eq!(got.simulated, touched);
    let mut names: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        let name = match (&q.scope.customer, &q.scope.site, &q.scope.zone) {
            (None, ..) => Some(row.customer),
            (_, None, _) => row.site,
            (_, _, None) => row.zone,
            _ => None,
        };
        if let Some(name) = name {
            names.entry(name).or_default().push(row);
        }
    }
    for (name, rows) in names {
        let Some(child) =
            got.children.iter().find(|c| c.scope == q.scope.child(domain::text::Name::parse(name).expect("a name")))
        else {
            prop_assert!(within(&rows, &q.range).is_empty(), "the child {} is missing", name);
            continue;
        };
        check_metrics(&child.metrics, &rows, &q.range)?;
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

async fn check_trend(a: &Adapter, r: &Reference, q: &Question) -> Result<(), TestCaseError> {
    let asked = TrendQuery {
        scope: q.scope.clone(),
        model: q.model.clone(),
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

async fn check_comparison(a: &Adapter, r: &Reference, q: &Question) -> Result<(), TestCaseError> {
    let all = ComparisonQuery { scope: q.scope.clone(), range: q.range, metrics: Metrics::All };
    let got = a.metrics.comparison(&all).await.expect("a comparison");
    let one = ComparisonQuery { metrics: Metrics::only([METRICS[q.metric]]), ..all };
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
        for (i, key) in METRICS.iter().enumerate() {
            let (got, want) = (m.metrics.get(*key), numbers(rows, i));
            prop_assert_eq!(got.map(|g| g.n), want.as_ref().map(|w| w.n));
            same!(got.and_then(|g| g.value), want.as_ref().map(|w| w.mean), "the mean of {key}");
            same!(got.and_then(|g| g.p95), want.as_ref().map(|w| w.p95), "p95 of {key}");
        }
    }
    Ok(())
}

/// Names that no record has are refused, and rightly so: such questions are left out.
fn answerable(r: &Reference, q: &Question) -> bool {
    let all = r.rows(&Scope { kind: domain::scope::Kind::All, ..Scope::default() });
    let place = Scope { task: None, kind: domain::scope::Kind::All, ..q.scope.clone() };
    all.iter().any(|r| r.lies_in(&place))
        && q.scope.task.as_ref().is_none_or(|t| all.iter().any(|r| r.task == t.as_str()))
        && q.model.as_ref().is_none_or(|m| all.iter().any(|r| r.is_of(m)))
        && all.iter().any(|r| r.value(q.metric).is_some())
}

async fn check_all(a: &Adapter, r: &Reference, questions: &[Question]) -> Result<(), TestCaseError> {
    for q in questions.iter().filter(|q| answerable(r, q)) {
        let told = |e: TestCaseError| TestCaseError::fail(format!("{e}\nasked: {q:?}"));
        check_summary(a, r, q).await.map_err(told)?;
        check_trend(a, r, q).await.map_err(told)?;
        check_comparison(a, r, q).await.map_err(told)?;
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
    a.sink.tidy().await.expect("tidied");
    check_all(a, &reference, &case.questions[..1]).await?;
    prop_assert_eq!(a.sink.remove_simulated().await.expect("removed"), reference.remove_simulated());
    check_all(a, &reference, &case.questions[1..2]).await
}

/// What fails is kept in server/tests/proptest-regressions, to be committed and tried first ever after.
fn config() -> Config {
    Config { cases: 12, max_shrink_iters: 40, source_file: Some(file!()), ..Config::default() }
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
