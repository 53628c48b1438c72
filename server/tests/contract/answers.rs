//! The contract of [`MetricsStore`]: numbers worked out by hand, one behaviour a test.

use domain::{
    ErrorKind,
    model::ModelKey,
    query::{ComparisonQuery, EarlierQuantiles, MetricSelection, SeriesBuckets, SummaryQuery, TrendQuery},
    scope::Scope,
    time::{Millis, Step, TimeRange},
};
use serde_json::json;

use crate::support::{Adapter, Exports, ask, at, child, fleet, june, metric, near, range, scope};

suite!([on_the_lake = crate::support::local_lake, without_memory = crate::support::lake_without_memory] [
    the_mean_is_weighted_by_samples,
    a_mean_over_children_is_no_mean_of_means,
    the_previous_period_is_the_one_right_before,
    the_end_of_a_range_is_exclusive,
    quantiles_of_few_records_are_exact_and_unweighted,
    a_quantile_has_a_difference_of_its_own_where_asked_for,
    the_latest_value_is_of_the_newest_record,
    the_type_says_which_records_count,
    metrics_that_runs_bring_are_assumed,
    a_leaf_that_collides_keeps_its_group,
    the_course_has_a_mean_a_step_and_gaps,
    a_trend_has_only_steps_with_records,
    a_trend_of_one_model_leaves_others_out,
    a_trend_shows_when_a_zone_changed_its_model,
    models_are_compared_by_number_of_records,
    a_comparison_counts_zones_that_ran_within_the_range,
    numbers_that_touch_a_simulated_record_are_marked,
    a_metric_without_simulated_records_is_not_marked,
    unknown_names_are_not_found,
    an_unknown_model_is_not_found,
    an_unknown_metric_is_bad_input,
    an_empty_lake_answers_with_nothing,
    names_of_every_script_and_sign_are_told_apart,
]);

const TEN: &str = "2026-06-30T10:00:00Z";

async fn trend(
    a: &Adapter,
    scope: &Scope,
    model: Option<&str>,
    metric: &str,
    range: TimeRange,
    step: &str,
) -> domain::Result<domain::query::Trend> {
    let model = model.map(|m| ModelKey::parse(m).unwrap());
    let step = Step::parse(step).unwrap();
    a.metrics.trend(&TrendQuery { scope: scope.clone(), model, metric: metric.into(), range, step }).await
}

async fn comparison(a: &Adapter, scope: &Scope, range: TimeRange) -> domain::query::Comparison {
    a.metrics.comparison(&ComparisonQuery { scope: scope.clone(), range, metrics: MetricSelection::All }).await.unwrap()
}

async fn the_mean_is_weighted_by_samples(a: &Adapter) {
    a.take([
        json!({"run_id": "1", "samples": 300, "detection": {"mAP50": 0.2}}),
        json!({"run_id": "2", "detection": {"mAP50": 0.9}}),
        json!({"run_id": "3", "samples": 99, "detection": {"mAP50": 0.6}}),
        json!({"run_id": "4", "samples": 5000, "mot": {"mota": -0.5}}),
    ])
    .await;
    let s = a.summary(&fleet(), june()).await;
    let m = metric(&s.metrics, "mAP50");
    assert!(near(m.value.unwrap(), (300.0 * 0.2 + 0.9 + 99.0 * 0.6) / 400.0), "{m:?}");
    assert_eq!((m.n, m.weight), (3, 400.0));
    assert_eq!(metric(&s.metrics, "mota").value, Some(-0.5));
}

async fn a_mean_over_children_is_no_mean_of_means(a: &Adapter) {
    for (customer, zone, samples, x) in [("a", "z1", 1, 0.1), ("a", "z2", 2, 0.2), ("b", "z1", 97, 0.9)] {
        a.take([json!({"customer": customer, "zone": zone, "samples": samples, "detection": {"mAP50": x}})]).await;
    }
    let s = a.summary(&fleet(), june()).await;
    assert!(near(metric(&s.metrics, "mAP50").value.unwrap(), (0.1 + 0.4 + 97.0 * 0.9) / 100.0));
    assert!(near(metric(&child(&s, "a").metrics, "mAP50").value.unwrap(), 0.5 / 3.0));
    assert!(near(metric(&child(&s, "b").metrics, "mAP50").value.unwrap(), 0.9));
    let zones = a.summary(&scope("a/s1", "production"), june()).await;
    assert_eq!(zones.children.len(), 2);
    assert_eq!(metric(&child(&zones, "z2").metrics, "mAP50").value, Some(0.2));
}

async fn the_previous_period_is_the_one_right_before(a: &Adapter) {
    for (time, x) in
        [("08:00:00", 0.9), ("09:59:59.999", 0.5), ("10:00:00", 0.3), ("11:00:00", 0.1), ("07:59:59.999", 0.0)]
    {
        a.take([json!({"timestamp": format!("2026-06-30T{time}Z"), "detection": {"mAP50": x}})]).await;
    }
    let s = a.summary(&fleet(), range(TEN, "2026-06-30T12:00:00Z")).await;
    let m = metric(&s.metrics, "mAP50");
    assert!(near(m.value.unwrap(), 0.2) && near(m.previous.unwrap(), 0.7) && near(m.delta.unwrap(), -0.5), "{m:?}");
    assert_eq!(m.n, 2);
    let later = a.summary(&fleet(), range("2026-06-30T11:30:00Z", "2026-06-30T12:00:00Z")).await;
    let m = metric(&later.metrics, "mAP50");
    assert_eq!((m.value, m.previous, m.delta, m.n, m.p50), (None, Some(0.1), None, 0, None));
}

async fn the_end_of_a_range_is_exclusive(a: &Adapter) {
    for (time, x) in [("09:59:59.999", 0.1), ("10:00:00", 0.2), ("10:59:59.999", 0.3), ("11:00:00", 0.4)] {
        a.take([json!({"timestamp": format!("2026-06-30T{time}Z"), "detection": {"mAP50": x}})]).await;
    }
    let hour = range(TEN, "2026-06-30T11:00:00Z");
    let s = a.summary(&fleet(), hour).await;
    assert_eq!((metric(&s.metrics, "mAP50").n, metric(&s.metrics, "mAP50").value), (2, Some(0.25)));
    let t = trend(a, &fleet(), None, "mAP50", hour, "1h").await.unwrap();
    assert_eq!(t.points.iter().map(|p| (p.t, p.n)).collect::<Vec<_>>(), [(at(TEN), 2)]);
    let c = comparison(a, &fleet(), hour).await;
    assert_eq!((c.models[0].n, c.models[0].first, c.models[0].last), (2, at(TEN), at("2026-06-30T10:59:59.999Z")));
    let rows = a.metrics.export_to(&fleet(), hour, &a.folder.join("x.parquet")).await.unwrap();
    assert_eq!(rows, 2);
}

async fn quantiles_of_few_records_are_exact_and_unweighted(a: &Adapter) {
    let rows = (1..=101).map(|i| {
        json!({"run_id": format!("{i}"), "samples": if i == 1 { 1_000_000 } else { 1 }, "system": {"inference_time_ms": i}})
    });
    a.take(rows).await;
    let s = a.summary(&fleet(), june()).await;
    let m = metric(&s.metrics, "inference_time_ms");
    assert_eq!((m.p50, m.p95, m.p99), (Some(51.0), Some(96.0), Some(100.0)));
    let c = comparison(a, &fleet(), june()).await;
    let m = &c.models[0].metrics["inference_time_ms"];
    assert_eq!((m.p50, m.p95), (Some(51.0), Some(96.0)));
}

async fn a_quantile_has_a_difference_of_its_own_where_asked_for(a: &Adapter) {
    // The mean rises from 25 to 30 while the tail falls from 40 to 30.
    let row = |day: u32, i: u32, ms: u32| {
        json!({"timestamp": format!("2026-06-{day}T10:{i:02}:00Z"), "run_id": format!("{i}"),
               "system": {"inference_time_ms": ms, "fps": 1000 / ms}})
    };
    a.take((0..20).map(|i| row(28, i, if i < 10 { 10 } else { 40 }))).await;
    a.take((0..20).map(|i| row(29, i, 30))).await;
    let day = range("2026-06-29T00:00:00Z", "2026-06-30T00:00:00Z");
    let asked = SummaryQuery { earlier_quantiles: MetricSelection::latencies(), ..ask(&fleet(), day) };
    let s = a.metrics.summary(&asked).await.unwrap();
    for metrics in [&s.metrics, &child(&s, "acme").metrics] {
        let m = metric(metrics, "inference_time_ms");
        assert_eq!((m.delta, m.p95), (Some(5.0), Some(30.0)));
        assert_eq!(m.earlier_quantiles, Some(EarlierQuantiles::new([25.0, 40.0, 40.0], Some([30.0; 3]))));
        assert_eq!(metric(metrics, "fps").earlier_quantiles, None, "nobody asked for it");
    }
    assert_eq!(metric(&a.summary(&fleet(), day).await.metrics, "inference_time_ms").earlier_quantiles, None);
    let empty = SummaryQuery { range: range("2026-06-30T00:00:00Z", "2026-07-01T00:00:00Z"), earlier: day, ..asked };
    let m = metric(&a.metrics.summary(&empty).await.unwrap().metrics, "inference_time_ms").clone();
    assert_eq!(m.earlier_quantiles, Some(EarlierQuantiles::new([30.0; 3], None)), "nothing to compare with it");
}

async fn the_latest_value_is_of_the_newest_record(a: &Adapter) {
    a.take([json!({"run_id": "new", "timestamp": "2026-06-30T11:00:00Z", "detection": {"mAP50": 0.3}})]).await;
    a.take([json!({"run_id": "late arrival", "timestamp": "2026-06-30T10:00:00Z", "detection": {"mAP50": 0.9}})]).await;
    a.take([json!({"run_id": "other metric", "timestamp": "2026-06-30T11:30:00Z", "detection": {"recall": 0.9}})])
        .await;
    let latest =
        |s: &domain::query::Summary| metric(&s.metrics, "mAP50").latest.clone().map(|l| (l.value, l.timestamp));
    let s = a.summary(&fleet(), june()).await;
    assert_eq!(latest(&s), Some((0.3, at("2026-06-30T11:00:00Z"))));
    a.take([json!({"run_id": "a", "timestamp": "2026-06-30T11:00:00Z", "detection": {"mAP50": 0.4}})]).await;
    let s = a.summary(&fleet(), june()).await;
    assert_eq!(latest(&s).map(|l| l.0), Some(0.4), "of two at one moment the last arrival");
}

async fn the_type_says_which_records_count(a: &Adapter) {
    for (kind, x) in
        [(json!("production"), 0.1), (json!(null), 0.3), (json!("candidate"), 0.5), (json!("benchmark"), 0.9)]
    {
        a.take([json!({"experiment_type": kind, "detection": {"mAP50": x}})]).await;
    }
    for (kind, n, mean) in [("production", 2, 0.2), ("candidate", 1, 0.5), ("all", 4, 0.45)] {
        let scope = scope("", kind);
        let s = a.summary(&scope, june()).await;
        let m = metric(&s.metrics, "mAP50");
        assert_eq!(m.n, n, "{kind}");
        assert!(near(m.value.unwrap(), mean), "{kind}: {m:?}");
        assert_eq!(s.scope, scope);
        assert_eq!(trend(a, &scope, None, "mAP50", june(), "1d").await.unwrap().points[0].n, n, "{kind}");
        assert_eq!(comparison(a, &scope, june()).await.models[0].n, n, "{kind}");
        assert_eq!(a.metrics.export_to(&scope, june(), &a.folder.join("x.parquet")).await.unwrap(), n, "{kind}");
    }
}

async fn metrics_that_runs_bring_are_assumed(a: &Adapter) {
    a.take([
        json!({"run_id": "1", "samples": 3, "custom": {"mse": 0.03}, "train": {"val_loss": 7}}),
        json!({"run_id": "2", "custom": {"mse": 0.07, "words": "no number"}, "detection": {"mAP75": 0.5}}),
    ])
    .await;
    let s = a.summary(&fleet(), june()).await;
    let keys: Vec<&str> = s.metrics.iter().map(|m| m.metric.as_str()).collect();
    assert_eq!(keys, ["mse", "mAP75", "val_loss"]);
    let mse = metric(&s.metrics, "mse");
    assert!(mse.assumed && near(mse.value.unwrap(), 0.04), "{mse:?}");
    assert_eq!(mse.direction, domain::metric::Direction::LowerIsBetter);
    for key in ["mse", "custom.mse"] {
        let t = trend(a, &fleet(), None, key, june(), "1d").await.unwrap();
        assert_eq!((t.metric.as_str(), t.points[0].n, t.points[0].max), ("mse", 2, 0.07));
    }
}

async fn a_leaf_that_collides_keeps_its_group(a: &Adapter) {
    a.take([
        json!({"detection": {"precision": 0.9}, "custom": {"precision": 5}, "eval": {"mae": 1}, "train": {"mae": 2}}),
    ])
    .await;
    let s = a.summary(&fleet(), june()).await;
    let values: Vec<_> = s.metrics.iter().map(|m| (m.metric.as_str(), m.value.unwrap())).collect();
    assert_eq!(values, [("precision", 0.9), ("custom.precision", 5.0), ("eval.mae", 1.0), ("train.mae", 2.0)]);
    let of = async |key: &str| trend(a, &fleet(), None, key, june(), "1d").await.map(|t| t.points[0].value);
    assert_eq!(of("custom.precision").await, Ok(5.0));
    assert_eq!(of("mae").await.map_err(|e| e.kind), Err(ErrorKind::BadInput));
}

async fn the_course_has_a_mean_a_step_and_gaps(a: &Adapter) {
    for (time, samples, x) in [("09:10", 1, 0.1), ("09:50", 3, 0.5), ("11:59", 1, 0.7), ("12:00", 1, 0.9)] {
        a.take([json!({"timestamp": format!("2026-06-29T{time}:00Z"), "samples": samples, "detection": {"mAP50": x}})])
            .await;
    }
    let mut q = ask(&fleet(), june());
    let of = range("2026-06-29T08:30:00Z", "2026-06-29T12:00:00Z");
    q.course = Some(SeriesBuckets::of_steps(of, Step::parse("1h").unwrap()));
    let s = a.metrics.summary(&q).await.unwrap();
    let course = &metric(&s.metrics, "mAP50").course;
    // Steps are counted from 08:30.
    let expected = [Some(0.1), Some(0.5), None, Some(0.7)];
    assert_eq!(course.len(), expected.len());
    for (got, want) in course.iter().zip(expected) {
        assert!(got.is_some() == want.is_some() && near(got.unwrap_or(0.0), want.unwrap_or(0.0)), "{course:?}");
    }
}

async fn a_trend_has_only_steps_with_records(a: &Adapter) {
    for (time, samples, x) in
        [("09:10:00", 1, 0.1), ("09:50:00", 3, 0.5), ("09:59:59.999", 1, 0.3), ("11:00:00", 1, 0.7)]
    {
        a.take([json!({"timestamp": format!("2026-06-29T{time}Z"), "samples": samples, "detection": {"mAP50": x}})])
            .await;
    }
    let t =
        trend(a, &fleet(), None, "map50", range("2026-06-29T09:05:00Z", "2026-06-30T00:00:00Z"), "PT1H").await.unwrap();
    assert_eq!((t.metric.as_str(), t.step.to_string().as_str(), t.points.len()), ("mAP50", "1h", 2));
    let p = t.points[0];
    assert_eq!((p.t, p.n, p.min, p.max, p.p50), (at("2026-06-29T09:00:00Z"), 3, 0.1, 0.5, 0.3));
    assert!(near(p.value, (0.1 + 1.5 + 0.3) / 5.0) && near(p.p95, 0.48), "{p:?}");
    assert_eq!((t.points[1].t, t.points[1].value), (at("2026-06-29T11:00:00Z"), 0.7));
}

async fn a_trend_of_one_model_leaves_others_out(a: &Adapter) {
    for (m, v, x) in [
        (json!("yolo"), json!("1"), 0.1),
        (json!("yolo"), json!("2"), 0.3),
        (json!("rtdetr"), json!("1"), 0.9),
        (json!(null), json!(null), 1.0),
    ] {
        a.take([json!({"model_architecture": m, "model_version": v, "detection": {"mAP50": x}})]).await;
    }
    for (model, n, mean) in [(None, 4, 0.575), (Some("yolo"), 2, 0.2), (Some("yolo:2"), 1, 0.3)] {
        let t = trend(a, &fleet(), model, "mAP50", june(), "1d").await.unwrap();
        assert!(t.points[0].n == n && near(t.points[0].value, mean), "{model:?}: {:?}", t.points);
    }
}

async fn a_trend_shows_when_a_zone_changed_its_model(a: &Adapter) {
    let row = |day: u32, zone: &str, version: &str| {
        json!({"timestamp": format!("2026-06-{day}T10:20:00Z"), "zone": zone, "model_architecture": "yolo",
               "model_version": version, "detection": {"mAP50": 0.5}})
    };
    a.take([
        row(20, "z1", "1"),
        row(20, "z2", "1"),
        row(25, "z1", "2"),
        row(25, "z2", "2"),
        row(26, "z3", "2"),
        row(27, "z1", "1"),
    ])
    .await;
    let week = range("2026-06-23T00:00:00Z", "2026-06-30T00:00:00Z");
    let t = trend(a, &fleet(), None, "mAP50", week, "1d").await.unwrap();
    let [change] = t.changes.as_slice() else { panic!("one change, not {:?}", t.changes) };
    assert_eq!((change.architecture.as_str(), change.version.as_str(), change.zones), ("yolo", "2", 2));
    assert!((at("2026-06-25T10:20:00Z").0 - change.t.0).abs() < 3_600_000, "{change:?}");
    let t =
        trend(a, &fleet(), None, "mAP50", range("2026-06-26T00:00:00Z", "2026-06-30T00:00:00Z"), "1d").await.unwrap();
    assert_eq!(t.changes, vec![], "what was seen before is nothing new");
}

async fn models_are_compared_by_number_of_records(a: &Adapter) {
    let row = |run: u32, model: &str, samples: u32, x: f64| {
        json!({"run_id": format!("{run}"), "model_architecture": "yolo", "model_version": model, "samples": samples, "zone": format!("z{run}"),
               "detection": {"mAP50": x}})
    };
    a.take([row(1, "1", 1, 0.5), row(2, "2", 1, 0.1), row(3, "2", 3, 0.5), row(4, "2", 1, 0.3)]).await;
    a.take([json!({"experiment_type": "candidate", "model_architecture": "new", "system": {"fps": 50}})]).await;
    let c = comparison(a, &scope("", "all"), june()).await;
    let order: Vec<_> =
        c.models.iter().map(|m| (m.architecture.as_deref(), m.version.as_deref(), m.n, m.zones)).collect();
    assert_eq!(order, [(Some("yolo"), Some("2"), 3, 3), (Some("new"), None, 1, 1), (Some("yolo"), Some("1"), 1, 1)]);
    assert!(near(c.models[0].metrics["mAP50"].value.unwrap(), 0.38));
    assert_eq!(c.models[1].metrics.keys().collect::<Vec<_>>(), ["fps"], "only what the model has");
}

async fn a_comparison_counts_zones_that_ran_within_the_range(a: &Adapter) {
    let row = |time: &str, zone: &str| json!({"timestamp": format!("2026-06-30T{time}:00Z"), "zone": zone, "model_architecture": "yolo", "detection": {"mAP50": 0.5}});
    a.take([row("01:00", "z1"), row("11:00", "z1"), row("06:00", "z2")]).await;
    let c = comparison(a, &fleet(), range("2026-06-30T05:00:00Z", "2026-06-30T07:00:00Z")).await;
    assert_eq!((c.models[0].n, c.models[0].zones), (1, 1), "z1 ran before and after, not within");
}

async fn numbers_that_touch_a_simulated_record_are_marked(a: &Adapter) {
    a.take([json!({"customer": "real", "detection": {"mAP50": 0.5}})]).await;
    a.take([json!({"customer": "demo", "simulated": true, "detection": {"mAP50": 0.5}})]).await;
    let s = a.summary(&fleet(), june()).await;
    assert!(s.simulated && metric(&s.metrics, "mAP50").simulated);
    assert!(child(&s, "demo").simulated && metric(&child(&s, "demo").metrics, "mAP50").simulated);
    assert!(!child(&s, "real").simulated && !metric(&child(&s, "real").metrics, "mAP50").simulated);
    assert!(trend(a, &fleet(), None, "mAP50", june(), "1d").await.unwrap().simulated);
    assert!(!trend(a, &scope("real", "all"), None, "mAP50", june(), "1d").await.unwrap().simulated);
    assert!(comparison(a, &fleet(), june()).await.simulated);
    // The difference to the period before touches that period's records, too.
    let after = range("2026-06-30T11:30:00Z", "2026-06-30T12:30:00Z");
    a.take([json!({"customer": "demo", "timestamp": "2026-06-30T11:40:00Z", "detection": {"mAP50": 0.5}})]).await;
    assert!(metric(&a.summary(&scope("demo", "all"), after).await.metrics, "mAP50").simulated);
}

async fn a_metric_without_simulated_records_is_not_marked(a: &Adapter) {
    a.take([
        json!({"run_id": "1", "detection": {"mAP50": 0.5}}),
        json!({"run_id": "2", "simulated": true, "system": {"fps": 5}}),
    ])
    .await;
    let s = a.summary(&fleet(), june()).await;
    assert!(s.simulated && metric(&s.metrics, "fps").simulated);
    assert!(!metric(&s.metrics, "mAP50").simulated, "no record behind it is simulated");
}

async fn unknown_names_are_not_found(a: &Adapter) {
    a.take([json!({"detection": {"mAP50": 0.5}})]).await;
    let task = Scope::parse(None, None, None, Some("mot"), None).unwrap();
    for scope in [scope("nobody", "all"), scope("acme/s9", "all"), scope("acme/s1/z9", "all"), task] {
        let kinds = [
            a.metrics.summary(&ask(&scope, june())).await.map(drop),
            trend(a, &scope, None, "mAP50", june(), "1d").await.map(drop),
            a.metrics
                .comparison(&ComparisonQuery { scope: scope.clone(), range: june(), metrics: MetricSelection::All })
                .await
                .map(drop),
            a.metrics.export_to(&scope, june(), &a.folder.join("x.parquet")).await.map(drop),
        ];
        for got in kinds {
            assert_eq!(got.map_err(|e| e.kind), Err(ErrorKind::NotFound), "{scope:?}");
        }
    }
    assert!(!a.folder.join("x.parquet").exists());
}

async fn an_unknown_model_is_not_found(a: &Adapter) {
    a.take([json!({"model_architecture": "yolo", "model_version": "1", "detection": {"mAP50": 0.5}})]).await;
    for model in ["nothing", "yolo:9"] {
        let got = trend(a, &fleet(), Some(model), "mAP50", june(), "1d").await;
        assert_eq!(got.map_err(|e| e.kind).map(|t| t.points.len()), Err(ErrorKind::NotFound), "{model}");
    }
}

async fn an_unknown_metric_is_bad_input(a: &Adapter) {
    a.take([json!({"detection": {"mAP50": 0.5}})]).await;
    let got = trend(a, &fleet(), None, "nothing", june(), "1d").await;
    assert_eq!(got.map_err(|e| e.kind).map(|t| t.points.len()), Err(ErrorKind::BadInput));
}

async fn an_empty_lake_answers_with_nothing(a: &Adapter) {
    let s = a.summary(&fleet(), june()).await;
    assert!(s.metrics.is_empty() && s.children.is_empty() && !s.simulated);
    assert_eq!(s.health, domain::state::Health::default());
    assert!(trend(a, &fleet(), None, "mAP50", june(), "1d").await.unwrap().points.is_empty());
    assert!(comparison(a, &fleet(), june()).await.models.is_empty());
    assert_eq!(*a.metrics.directory(), domain::query::Directory::default());
    assert_eq!(a.metrics.unreadable(), vec![]);
    assert_eq!(s.to, Millis(june().to().0));
}

async fn names_of_every_script_and_sign_are_told_apart(a: &Adapter) {
    let names = ["부산-2", "site 🚀", "a%2Fb", "x'y\"z", "NULL", "x*?", "[a]", "$1;--", "Acme", "acme"];
    for (name, i) in names.iter().zip(1..) {
        a.take([json!({"customer": name, "site": name, "zone": name, "samples": i, "detection": {"mAP50": 0.01 * f64::from(i)}})]).await;
    }
    let s = a.summary(&fleet(), june()).await;
    assert_eq!(s.children.len(), names.len());
    for (name, i) in names.iter().zip(1..) {
        let own = a.summary(&scope(&format!("{name}/{name}/{name}"), "all"), june()).await;
        let want = 0.01 * f64::from(i);
        assert!(near(metric(&own.metrics, "mAP50").value.unwrap(), want), "{name}");
        assert!(near(metric(&child(&s, name).metrics, "mAP50").value.unwrap(), want), "{name}");
    }
}
