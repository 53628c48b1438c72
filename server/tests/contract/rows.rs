//! The rows behind a number, how each model did in each zone, and the earlier period that one chooses.

use domain::{
    model::ModelKey,
    query::{ComparisonQuery, MetricSelection, Records, RecordsQuery, SummaryQuery},
    time::{EarlierPeriod, TimeRange},
    tracking::RunId,
};
use serde_json::{Value, json};

use crate::support::{Adapter, ask, at, fleet, june, metric, near, range, scope};

suite!([on_the_lake = crate::support::local_lake, without_memory = crate::support::lake_without_memory] [
    rows_come_newest_first_with_where_they_came_from,
    rows_of_a_metric_are_those_that_have_it,
    rows_of_a_run_are_those_that_name_it,
    pages_of_rows_neither_skip_nor_repeat,
    rows_are_those_of_the_scope_the_model_and_the_range,
    unknown_names_are_refused_and_deep_pages_too,
    each_model_in_each_zone_has_its_own_cell,
    a_summary_compares_with_the_period_that_was_asked_for,
]);

fn row(time: &str, fields: Value) -> Value {
    let mut r = json!({"timestamp": format!("2026-06-{time}Z"), "detection": {"mAP50": 0.5}});
    if let (Some(r), Value::Object(f)) = (r.as_object_mut(), fields) {
        r.extend(f);
    }
    r
}

fn query(range: TimeRange) -> RecordsQuery {
    RecordsQuery { scope: scope("", "all"), model: None, run: None, metric: None, range, skip: 0, take: 25 }
}

async fn records(a: &Adapter, q: RecordsQuery) -> Records {
    a.metrics.records(&q).await.expect("rows")
}

async fn rows_come_newest_first_with_where_they_came_from(a: &Adapter) {
    a.take([row("30T10:00:00", json!({})), row("30T11:00:00", json!({"zone": "z2", "samples": 7, "simulated": true}))])
        .await;
    let found = records(a, query(june())).await;
    assert_eq!((found.total, found.rows.len(), found.simulated), (2, 2, true));
    let first = &found.rows[0];
    assert_eq!((first.timestamp, first.zone.as_deref()), (at("2026-06-30T11:00:00Z"), Some("z2")));
    assert_eq!((first.source.as_deref(), first.line, first.simulated), (Some("test.jsonl"), Some(2), true));
    assert_eq!((first.samples, first.received_at), (Some(7.0), Some(at("2026-06-30T12:00:00Z"))));
    assert_eq!((&found.metrics[..], &first.values[..]), (&["mAP50".to_owned()][..], &[Some(0.5)][..]));
}

async fn rows_of_a_metric_are_those_that_have_it(a: &Adapter) {
    a.take([
        row("30T09:00:00", json!({"custom": {"mse": 0.25}})),
        row("30T10:00:00", json!({"detection": null, "system": {"fps": 5}})),
        row("30T11:00:00", json!({})),
    ])
    .await;
    for (key, times, value) in [("mse", 1, 0.25), ("fps", 1, 5.0), ("mAP50", 2, 0.5)] {
        let found = records(a, RecordsQuery { metric: Some(key.into()), ..query(june()) }).await;
        assert_eq!((found.total, found.rows.len()), (times, times as usize), "{key}");
        assert_eq!(found.rows[0].values, [Some(value)], "{key}");
    }
}

async fn rows_of_a_run_are_those_that_name_it(a: &Adapter) {
    a.take([
        row("30T09:00:00", json!({"run_id": "aa"})),
        row("30T10:00:00", json!({"run_id": "aa", "detection": null, "system": {"fps": 5}})),
        row("30T11:00:00", json!({"run_id": "aab"})),
        row("30T11:30:00", json!({})),
    ])
    .await;
    for (run, metric, times) in [("aa", None, 2), ("aa", Some("fps"), 1), ("aab", None, 1), ("a", None, 0)] {
        let run = Some(RunId::parse(run).expect("an id"));
        let found =
            records(a, RecordsQuery { run: run.clone(), metric: metric.map(Into::into), ..query(june()) }).await;
        assert_eq!((found.total, found.rows.len()), (times, times as usize), "{run:?} {metric:?}");
        assert!(found.rows.iter().all(|r| r.run_id.as_deref() == run.as_ref().map(RunId::as_str)));
    }
}

async fn pages_of_rows_neither_skip_nor_repeat(a: &Adapter) {
    // Many rows at the same moment: their order must be the same from page to page.
    a.take((0..57).map(|i| row("30T10:00:00", json!({"zone": format!("z{i:02}")})))).await;
    a.take((0..30).map(|i| row("29T10:00:00", json!({"zone": format!("z{i:02}")})))).await;
    let mut seen = Vec::new();
    for page in 0..5 {
        let found = records(a, RecordsQuery { skip: page * 20, take: 20, ..query(june()) }).await;
        assert_eq!(found.total, 87);
        seen.extend(found.rows.into_iter().map(|r| (r.timestamp, r.zone)));
    }
    assert_eq!(seen.len(), 87);
    assert!(seen.windows(2).all(|w| w[0].0 >= w[1].0), "newest first over all pages");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 87, "no row twice");
}

async fn rows_are_those_of_the_scope_the_model_and_the_range(a: &Adapter) {
    let model = |m: &str, v: &str| json!({"model_architecture": m, "model_version": v});
    a.take([
        row("30T10:00:00", model("yolo", "1")),
        row("30T10:10:00", model("yolo", "2")),
        row("30T10:20:00", json!({"experiment_type": "candidate"})),
        row("30T10:30:00", json!({"customer": "other"})),
        row("28T10:00:00", model("yolo", "1")),
    ])
    .await;
    let day = range("2026-06-30T00:00:00Z", "2026-07-01T00:00:00Z");
    let count = async |q: RecordsQuery| records(a, q).await.total;
    assert_eq!(count(query(day)).await, 4);
    assert_eq!(count(RecordsQuery { scope: fleet(), ..query(day) }).await, 3, "candidates are not production");
    assert_eq!(count(RecordsQuery { scope: scope("acme", "all"), ..query(day) }).await, 3);
    let yolo = |text: &str| Some(ModelKey::parse(text).expect("a model"));
    assert_eq!(count(RecordsQuery { model: yolo("yolo"), run: None, ..query(day) }).await, 2);
    assert_eq!(count(RecordsQuery { model: yolo("yolo:1"), run: None, ..query(june()) }).await, 2);
    let end = range("2026-06-30T10:00:00Z", "2026-06-30T10:10:00Z");
    assert_eq!(count(query(end)).await, 1, "the end of a range is not in it");
}

async fn unknown_names_are_refused_and_deep_pages_too(a: &Adapter) {
    a.take([row("30T10:00:00", json!({}))]).await;
    let refused = async |q: RecordsQuery| a.metrics.records(&q).await.expect_err("refused").message.en;
    let unknown = RecordsQuery { metric: Some("nothing".into()), ..query(june()) };
    assert!(refused(unknown).await.contains("no metric is called"));
    assert!(refused(RecordsQuery { scope: scope("nobody", "all"), ..query(june()) }).await.contains("nobody"));
    assert!(refused(RecordsQuery { skip: 1_000_000, ..query(june()) }).await.contains("narrow the range"));
    let beyond = records(a, RecordsQuery { skip: 50, ..query(june()) }).await;
    assert_eq!((beyond.total, beyond.rows.len()), (1, 0));
}

async fn each_model_in_each_zone_has_its_own_cell(a: &Adapter) {
    let run = |time: &str, zone: &str, m: Value, x: f64, w: f64| {
        row(time, json!({"zone": zone, "model_architecture": m, "samples": w, "detection": {"mAP50": x}}))
    };
    a.take([
        run("30T10:00:00", "z1", json!("a"), 0.5, 1.0),
        run("30T10:10:00", "z1", json!("a"), 0.7, 3.0),
        run("30T10:20:00", "z1", json!("b"), 0.9, 1.0),
        run("30T10:30:00", "z2", json!("a"), 0.1, 1.0),
        run("30T10:40:00", "z2", json!(null), 0.2, 1.0),
    ])
    .await;
    let report = a
        .metrics
        .field_report(&ComparisonQuery { scope: scope("", "all"), range: june(), metrics: MetricSelection::All })
        .await
        .expect("a report");
    assert_eq!(report.cells.len(), 4);
    let cell = |zone: &str, model: Option<&str>| {
        let is = |c: &&domain::query::FieldCell| {
            c.place.zone.as_ref().is_some_and(|z| z.as_str() == zone)
                && c.model.as_ref().map(ModelKey::key).as_deref() == model
        };
        report.cells.iter().find(is).expect("a cell")
    };
    let both = cell("z1", Some("a"));
    assert!(near(both.values[0].mean().value().expect("a mean"), 0.65), "weighted by samples");
    assert_eq!((both.n, both.first, both.last), (2, at("2026-06-30T10:00:00Z"), at("2026-06-30T10:10:00Z")));
    assert_eq!(cell("z2", None).n, 1);
}

async fn a_summary_compares_with_the_period_that_was_asked_for(a: &Adapter) {
    let x = |time: &str, v: f64| row(time, json!({"detection": {"mAP50": v}}));
    a.take([x("30T10:00:00", 0.9), x("29T10:00:00", 0.7), x("23T10:00:00", 0.4)]).await;
    let day = range("2026-06-30T00:00:00Z", "2026-07-01T00:00:00Z");
    for (against, before) in
        [(EarlierPeriod::Previous, Some(0.7)), (EarlierPeriod::Week, Some(0.4)), (EarlierPeriod::Year, None)]
    {
        let q = SummaryQuery { earlier: against.of(&day), ..ask(&fleet(), day) };
        let s = a.metrics.summary(&q).await.expect("a summary");
        assert_eq!(metric(&s.metrics, "mAP50").previous, before, "{against:?}");
    }
}
