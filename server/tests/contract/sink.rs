//! The contract of [`RecordSink`]: what is new, what is a duplicate, what is a correction, and what becomes of each.

use domain::ports::{AppendCounts, RefusedCounts};
use serde_json::{Value, json};

use crate::support::{Adapter, arrivals, at, fleet, june, metric, record, scope, source};

suite!([on_the_lake = crate::support::local_lake, on_postgres = crate::support::lake_on_postgres] [
    new_records_are_taken_and_counted,
    repeating_a_batch_changes_no_answer,
    a_record_twice_in_one_batch_counts_once,
    the_order_of_keys_makes_no_difference,
    the_same_moment_in_another_zone_is_the_same_record,
    a_correction_replaces_what_was_said_before,
    of_two_corrections_in_one_batch_the_last_wins,
    going_back_to_the_old_value_is_a_correction_too,
    every_identity_field_absent_differs_from_present,
    a_field_outside_of_the_identity_is_content,
    counts_and_refusals_reach_the_ledger_with_the_rows,
    a_batch_without_records_still_books_what_was_refused,
    a_batch_may_span_many_days,
    tidying_keeps_every_answer,
    tidying_twice_is_tidying_once,
    removing_the_demo_spares_real_records,
    removing_the_demo_forgets_its_source,
    removing_nothing_removes_nothing,
    every_change_moves_the_generation,
]);

const fn counts(taken: u64, duplicate: u64, corrected: u64) -> AppendCounts {
    AppendCounts { taken, duplicate, corrected, withdrawn: 0 }
}

fn map50(value: f64) -> Value {
    json!({"detection": {"mAP50": value}})
}

async fn value_and_n(a: &Adapter) -> (Option<f64>, u64) {
    let summary = a.summary(&scope("", "all"), june()).await;
    let m = metric(&summary.metrics, "mAP50");
    (m.value, m.n)
}

async fn new_records_are_taken_and_counted(a: &Adapter) {
    let batch = (0..5).map(|i| json!({"run_id": format!("r{i}"), "detection": {"mAP50": 0.5}}));
    assert_eq!(a.take(batch).await, counts(5, 0, 0));
    assert_eq!(value_and_n(a).await, (Some(0.5), 5));
    assert_eq!(a.metrics.directory().records, 5);
}

async fn repeating_a_batch_changes_no_answer(a: &Adapter) {
    let batch =
        || (0..4).map(|i| json!({"zone": format!("z{i}"), "detection": {"mAP50": 0.1 * f64::from(i)}, "x": [1]}));
    assert_eq!(a.take(batch()).await, counts(4, 0, 0));
    let before = a.summary(&fleet(), june()).await;
    a.clock.set("2026-06-30T13:00:00Z");
    assert_eq!(a.take(batch()).await, counts(0, 4, 0));
    assert_eq!(a.take(batch().chain([json!({"zone": "z9", "detection": {"mAP50": 1.0}})])).await, counts(1, 4, 0));
    assert_eq!(a.summary(&scope("acme/s1/z0", "all"), june()).await.metrics[0].n, 1);
    a.take(batch()).await;
    assert_eq!(a.metrics.directory().records, 5);
    assert_eq!(before.health.newest, a.summary(&fleet(), june()).await.health.newest);
}

async fn a_record_twice_in_one_batch_counts_once(a: &Adapter) {
    assert_eq!(a.take([map50(0.5), map50(0.5), map50(0.5)]).await, counts(1, 2, 0));
    assert_eq!(value_and_n(a).await, (Some(0.5), 1));
}

async fn the_order_of_keys_makes_no_difference(a: &Adapter) {
    let line = |text: &str| domain::record::Record::parse_line(text.as_bytes(), at("2026-06-30T12:00:00Z")).unwrap();
    let one = r#"{"timestamp":"2026-06-30T11:00:00Z","customer":"a","task":"t","c":{"x":1,"y":2},"m":{"p":true,"q":[]},"u":"1","v":"2"}"#;
    let two = r#"{"v":"2","u":"1","m":{"q":[],"p":true},"c":{"y":2,"x":1},"task":"t","customer":"a","timestamp":"2026-06-30T11:00:00Z"}"#;
    let take = |text| a.sink.append(&SOURCE, arrivals(vec![line(text)]), &NONE);
    assert_eq!(take(one).await.unwrap(), counts(1, 0, 0));
    assert_eq!(take(two).await.unwrap(), counts(0, 1, 0));
}

static NONE: RefusedCounts = RefusedCounts::new();
static SOURCE: std::sync::LazyLock<domain::ports::SourceId> = std::sync::LazyLock::new(|| source("s"));

async fn the_same_moment_in_another_zone_is_the_same_record(a: &Adapter) {
    a.take([json!({"timestamp": "2026-06-30T11:00:00.123Z", "detection": {"mAP50": 0.5}})]).await;
    let again = json!({"timestamp": "2026-06-30T20:00:00.123999+09:00", "detection": {"MAP50": 0.5}, "site": "s1", "mot": null});
    assert_eq!(a.take([again]).await, counts(0, 1, 0));
}

async fn a_correction_replaces_what_was_said_before(a: &Adapter) {
    a.take([map50(0.5), json!({"run_id": "other", "detection": {"mAP50": 0.9}})]).await;
    assert_eq!(a.take([map50(0.7)]).await, counts(0, 0, 1));
    assert_eq!(value_and_n(a).await, (Some(0.8), 2));
    // Said again, it is known; and a correction may also take a metric away.
    assert_eq!(a.take([map50(0.7)]).await, counts(0, 1, 0));
    assert_eq!(a.take([json!({"detection": {"recall": 0.6}})]).await, counts(0, 0, 1));
    assert_eq!(value_and_n(a).await, (Some(0.9), 1));
}

async fn of_two_corrections_in_one_batch_the_last_wins(a: &Adapter) {
    assert_eq!(a.take([map50(0.1), map50(0.2), map50(0.3)]).await, counts(1, 0, 2));
    assert_eq!(value_and_n(a).await, (Some(0.3), 1));
    assert_eq!(a.take([map50(0.4), map50(0.5), map50(0.5)]).await, counts(0, 1, 2));
    assert_eq!(value_and_n(a).await, (Some(0.5), 1));
}

async fn going_back_to_the_old_value_is_a_correction_too(a: &Adapter) {
    a.take([map50(0.1)]).await;
    assert_eq!(a.take([map50(0.2), map50(0.1)]).await, counts(0, 0, 2));
    assert_eq!(value_and_n(a).await, (Some(0.1), 1));
}

async fn every_identity_field_absent_differs_from_present(a: &Adapter) {
    let full = json!({
        "experiment_type": "production", "model_architecture": "m", "model_version": "1", "registered_model": "rm",
        "registered_version": "3", "device": "d", "detection": {"mAP50": 0.5},
    });
    let without = |field: &str| {
        let mut r = full.clone();
        r[field] = Value::Null;
        r
    };
    let fields = ["run_id", "zone", "model_architecture", "model_version", "registered_model", "registered_version"];
    let mut batch: Vec<Value> = fields.iter().chain(&["experiment_type", "device"]).map(|f| without(f)).collect();
    let mut nowhere = without("zone");
    nowhere["site"] = Value::Null;
    batch.extend([full.clone(), nowhere]);
    for (field, other) in
        [("customer", "c2"), ("task", "t2"), ("timestamp", "2026-06-30T11:00:00.001Z"), ("site", "s2")]
    {
        let mut r = full.clone();
        r[field] = json!(other);
        batch.push(r);
    }
    let n = batch.len() as u64;
    assert_eq!(a.take(batch.clone()).await, counts(n, 0, 0));
    assert_eq!(a.take(batch).await, counts(0, n, 0));
}

async fn a_field_outside_of_the_identity_is_content(a: &Adapter) {
    a.take([map50(0.5)]).await;
    let changes = [
        json!({"experiment_name": "e"}),
        json!({"run_name": "r"}),
        json!({"experiment_design": "baseline"}),
        json!({"samples": 7}),
        json!({"simulated": true}),
        json!({"system": {"fps": 3}}),
        json!({"custom": {"mse": 0.1}}),
        json!({"note": "hand-made"}),
        json!({"note": "hand-made", "detection": {"mAP50": 0.5, "comment": "x"}}),
    ];
    for mut change in changes {
        if change["detection"].is_null() {
            change["detection"] = json!({"mAP50": 0.5});
        }
        assert_eq!(a.take([change.clone()]).await, counts(0, 0, 1), "{change}");
    }
    assert_eq!(value_and_n(a).await, (Some(0.5), 1));
}

async fn counts_and_refusals_reach_the_ledger_with_the_rows(a: &Adapter) {
    let id = source("/data/metrics_2026-06-30.jsonl");
    let refused = RefusedCounts::from([("missing".to_owned(), 2)]);
    let batch = vec![record(map50(0.5)), record(map50(0.5)), record(map50(0.6))];
    let got = a.sink.append(&id, arrivals(batch), &refused).await.unwrap();
    assert_eq!(got, counts(1, 1, 1));
    let books = a.ledger.sources().await.unwrap();
    assert_eq!(books.len(), 1);
    assert_eq!((books[0].taken, books[0].duplicate, books[0].corrected), (1, 1, 1));
    assert_eq!((&books[0].source, &books[0].refused), (&id, &refused));
    assert_eq!(books[0].newest, Some(at("2026-06-30T11:00:00Z")));
    assert_eq!(books[0].last, at("2026-06-30T12:00:00Z"), "by the injected clock");
}

async fn a_batch_without_records_still_books_what_was_refused(a: &Adapter) {
    let refused = RefusedCounts::from([("invalid_json".to_owned(), 9)]);
    assert_eq!(a.sink.append(&SOURCE, vec![], &refused).await.unwrap(), counts(0, 0, 0));
    let books = a.ledger.sources().await.unwrap();
    assert_eq!((books[0].refused_total(), books[0].newest), (9, None));
    assert_eq!(a.take([map50(0.5)]).await, counts(1, 0, 0));
}

async fn a_batch_may_span_many_days(a: &Adapter) {
    let batch = |v: f64| {
        (1..=20).map(move |d| json!({"timestamp": format!("2026-06-{d:02}T23:59:59.999Z"), "detection": {"mAP50": v}}))
    };
    assert_eq!(a.take(batch(0.5)).await, counts(20, 0, 0));
    assert_eq!(a.take(batch(0.25).take(5)).await, counts(0, 0, 5));
    assert_eq!(value_and_n(a).await, (Some((15.0 * 0.5 + 5.0 * 0.25) / 20.0), 20));
}

async fn scattered(a: &Adapter) {
    for i in 0..6 {
        let at = |day: u32| format!("2026-06-{day}T0{i}:00:00Z");
        let real =
            json!({"timestamp": at(29), "detection": {"mAP50": 0.1 * f64::from(i)}, "custom": {"mse": 2}, "k": i});
        let demo = json!({"timestamp": at(30), "simulated": true, "zone": "z2", "detection": {"mAP50": 1.0}});
        a.take([real, demo]).await;
    }
}

async fn tidying_keeps_every_answer(a: &Adapter) {
    scattered(a).await;
    let before = a.summary(&fleet(), june()).await;
    a.sink.compact().await.unwrap();
    let after = a.summary(&fleet(), june()).await;
    assert_eq!(before.health, after.health);
    assert_eq!(before.as_of, after.as_of);
    for (b, a) in before.metrics.iter().zip(&after.metrics) {
        assert_eq!((&b.metric, b.n, b.p50, b.p99, &b.latest), (&a.metric, a.n, a.p50, a.p99, &a.latest));
        assert!(crate::support::near(b.value.unwrap(), a.value.unwrap()));
    }
    assert_eq!(
        a.take([
            json!({"timestamp": "2026-06-29T00:00:00Z", "detection": {"mAP50": 0.0}, "custom": {"mse": 2}, "k": 0})
        ])
        .await,
        counts(0, 1, 0)
    );
}

async fn tidying_twice_is_tidying_once(a: &Adapter) {
    scattered(a).await;
    a.sink.compact().await.unwrap();
    let generation = a.metrics.view().generation();
    a.sink.compact().await.unwrap();
    assert_eq!(a.metrics.view().generation(), generation, "there was nothing left to do");
}

async fn removing_the_demo_spares_real_records(a: &Adapter) {
    scattered(a).await;
    // In one file with a simulated row, and a correction that makes a simulated row real.
    a.take([json!({"timestamp": "2026-06-30T00:30:00Z", "zone": "z2", "detection": {"mAP50": 0.5}})]).await;
    a.take([json!({"timestamp": "2026-06-30T01:00:00Z", "zone": "z2", "detection": {"mAP50": 0.5}})]).await;
    a.sink.compact().await.unwrap();
    assert!(a.summary(&fleet(), june()).await.simulated);
    assert_eq!(a.sink.remove_simulated().await.unwrap(), 5);
    let left = a.summary(&fleet(), june()).await;
    assert!(!left.simulated);
    assert_eq!(metric(&left.metrics, "mAP50").n, 8);
    assert_eq!(metric(&left.metrics, "mse").n, 6);
    let directory = a.metrics.directory();
    assert_eq!((directory.records, directory.simulated), (8, 0));
    // What was removed can come again.
    assert_eq!(
        a.take([
            json!({"timestamp": "2026-06-30T00:00:00Z", "simulated": true, "zone": "z2", "detection": {"mAP50": 1.0}})
        ])
        .await,
        counts(1, 0, 0)
    );
}

async fn removing_the_demo_forgets_its_source(a: &Adapter) {
    let demo = domain::ports::SourceId { kind: "demo".into(), name: "demo".into() };
    let rows = arrivals(vec![record(json!({"simulated": true, "detection": {"mAP50": 1.0}}))]);
    a.sink.append(&demo, rows, &NONE).await.unwrap();
    a.take([json!({"run_id": "real", "detection": {"mAP50": 0.5}})]).await;
    assert_eq!(a.sink.remove_simulated().await.unwrap(), 1);
    let left: Vec<_> = a.ledger.sources().await.unwrap().into_iter().map(|r| r.source.kind).collect();
    assert_eq!(left, ["file"]);
}

async fn removing_nothing_removes_nothing(a: &Adapter) {
    assert_eq!(a.sink.remove_simulated().await.unwrap(), 0);
    a.take([map50(0.5)]).await;
    assert_eq!(a.sink.remove_simulated().await.unwrap(), 0);
    assert_eq!(value_and_n(a).await, (Some(0.5), 1));
}

async fn every_change_moves_the_generation(a: &Adapter) {
    let mut before = a.metrics.view().generation();
    for step in 0..5 {
        match step {
            0 => drop(a.take([map50(0.5)]).await),
            1 => drop(a.take([map50(0.6)]).await),
            2 => drop(a.take([json!({"run_id": "x", "simulated": true, "detection": {"mAP50": 0.5}})]).await),
            3 => a.sink.compact().await.unwrap(),
            _ => drop(a.sink.remove_simulated().await.unwrap()),
        }
        let now = a.metrics.view().generation();
        assert!(now > before, "step {step}");
        before = now;
    }
}
