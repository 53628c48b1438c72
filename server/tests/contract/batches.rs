//! The contract of [`RecordSink::append_all`]: several batches in one commit, each with its own counts, all or none.

use domain::ports::{AppendCounts, Batch, ReadProgress, RefusedCounts};
use serde_json::{Value, json};

use crate::support::{Adapter, arrivals, june, metric, record, scope, source};

suite!([on_the_lake = crate::support::local_lake, on_postgres = crate::support::lake_on_postgres] [
    each_batch_has_its_own_counts,
    a_batch_knows_the_batches_before_it,
    rows_say_which_source_they_came_from,
    batches_that_span_days_are_counted_whole,
    no_batches_are_no_commit,
]);

const fn counts(taken: u64, duplicate: u64, corrected: u64) -> AppendCounts {
    AppendCounts { taken, duplicate, corrected, withdrawn: 0 }
}

fn batch(name: &str, rows: impl IntoIterator<Item = Value>) -> Batch {
    let records = arrivals(rows.into_iter().map(record).collect()).into();
    Batch { source: source(name), records, ..Batch::default() }
}

fn row(run: &str, value: f64) -> Value {
    json!({"run_id": run, "detection": {"mAP50": value}})
}

async fn n(a: &Adapter) -> u64 {
    let s = a.summary(&scope("", "all"), june()).await;
    s.metrics.iter().find(|m| m.metric == "mAP50").map_or(0, |m| m.n)
}

async fn each_batch_has_its_own_counts(a: &Adapter) {
    let refused = RefusedCounts::from([("missing".to_owned(), 3)]);
    let only_refusals = Batch { source: source("c"), refused: refused.clone(), ..Batch::default() };
    let batches = vec![batch("a", [row("1", 0.1), row("2", 0.2)]), batch("b", [row("3", 0.3)]), only_refusals];
    let before = a.metrics.view().generation();
    assert_eq!(a.sink.append_all(batches).await.unwrap(), [counts(2, 0, 0), counts(1, 0, 0), counts(0, 0, 0)]);
    assert_eq!(a.metrics.view().generation(), before + 1, "one commit");
    assert_eq!(n(a).await, 3);
    let books = a.ledger.sources().await.unwrap();
    let of = |name: &str| books.iter().find(|r| r.source == source(name)).expect("a source");
    assert_eq!((of("a").taken, of("b").taken, of("c").taken), (2, 1, 0));
    assert_eq!(of("c").refused, refused);
}

async fn a_batch_knows_the_batches_before_it(a: &Adapter) {
    let batches = vec![
        batch("a", [row("1", 0.1), row("2", 0.2)]),
        batch("b", [row("1", 0.1), row("2", 0.9), row("3", 0.3)]),
        batch("a", [row("3", 0.3), row("2", 0.9)]),
    ];
    assert_eq!(a.sink.append_all(batches).await.unwrap(), [counts(2, 0, 0), counts(1, 1, 1), counts(0, 2, 0)]);
    assert_eq!(n(a).await, 3);
    let s = a.summary(&scope("", "all"), june()).await;
    assert!(crate::support::near(metric(&s.metrics, "mAP50").value.unwrap(), (0.1 + 0.9 + 0.3) / 3.0));
}

async fn rows_say_which_source_they_came_from(a: &Adapter) {
    let progress = ReadProgress { anew: true, caught_up: true, ..ReadProgress::default() };
    let one = Batch { progress, ..batch("a", [row("1", 0.1)]) };
    a.sink.append_all(vec![one, batch("b", [row("2", 0.2)])]).await.unwrap();
    let books = a.ledger.sources().await.unwrap();
    let of = |name: &str| books.iter().find(|r| r.source == source(name)).expect("a source");
    assert!(of("a").finished && !of("b").finished);
}

async fn batches_that_span_days_are_counted_whole(a: &Adapter) {
    let days = |run: &str| {
        let run = run.to_owned();
        (1..=9).map(move |d| json!({"run_id": run, "timestamp": format!("2026-06-0{d}T10:00:00Z"), "detection": {"mAP50": 0.5}}))
    };
    let batches = vec![batch("a", days("1")), batch("b", days("1").chain(days("2")))];
    assert_eq!(a.sink.append_all(batches).await.unwrap(), [counts(9, 0, 0), counts(9, 9, 0)]);
    assert_eq!(n(a).await, 18);
}

async fn no_batches_are_no_commit(a: &Adapter) {
    let before = a.metrics.view().generation();
    assert_eq!(a.sink.append_all(vec![]).await.unwrap(), vec![]);
    assert_eq!(a.metrics.view().generation(), before);
}
