//! When a model was first seen in a place, through appends, merges, corrections and removals, however many of them a reader
//! missed: as a lake that is opened now would say.

use domain::{
    model::ModelKey,
    ports::RecordSink,
    query::{Trend, TrendQuery},
    time::{HOUR, Step},
};
use lake::Lake;
use serde_json::{Value, json};

use crate::support::{Asked, LakeDir, fleet, june, take};

fn row(day: u32, version: &str, more: Value) -> Value {
    let mut row = json!({"timestamp": format!("2026-06-{day:02}T10:00:00Z"), "model_architecture": "yolov8m",
                         "model_version": version, "detection": {"mAP50": 0.5}});
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
        row.extend(more);
    }
    row
}

async fn trend(lake: &Lake) -> Trend {
    let step = Step::for_range(&june(), 60);
    assert!(step.ms() >= HOUR);
    let query = TrendQuery { scope: fleet(), model: None, metric: "mAP50".into(), range: june(), step };
    lake.trend(&query).await.expect("a trend")
}

/// The changes that a lake tells, as days and versions, and its models by age.
async fn told(lake: &Lake) -> (Vec<(String, String)>, Vec<ModelKey>) {
    let changes = trend(lake).await.changes.into_iter();
    (changes.map(|c| (c.t.day().to_string(), c.version)).collect(), lake.directory().models_by_age.clone())
}

/// Follows, and says the same as a lake that knows nothing from before.
async fn follows(dir: &LakeDir, reader: &Lake) -> Vec<(String, String)> {
    reader.refresh().await.expect("a manifest");
    let anew = dir.open().await;
    let (got, expected) = (told(reader).await, told(&anew).await);
    assert_eq!(got, expected);
    got.0
}

fn day(day: &str, version: &str) -> (String, String) {
    (day.into(), version.into())
}

#[tokio::test]
async fn a_removal_and_more_growth_than_it_removed_leave_nothing_of_what_was_removed() {
    let dir = LakeDir::new();
    let (writer, reader) = (dir.open().await, dir.open().await);
    take(&writer, [row(2, "1", json!({}))]).await;
    take(&writer, [row(5, "2", json!({"simulated": true})), row(6, "3", json!({"simulated": true}))]).await;
    take(&writer, [row(20, "2", json!({}))]).await;
    assert_eq!(follows(&dir, &reader).await, [day("2026-06-05", "2"), day("2026-06-06", "3")]);
    // Two commits that the reader sees at once: in sum there are more rows than before.
    writer.remove_simulated().await.unwrap();
    take(&writer, (21..29).map(|d| row(d, "1", json!({})))).await;
    assert_eq!(follows(&dir, &reader).await, [day("2026-06-20", "2")]);
}

#[tokio::test]
async fn merges_and_corrections_in_between_change_nothing() {
    let dir = LakeDir::new();
    let (writer, reader) = (dir.open().await, dir.open().await);
    for n in 0..12 {
        let again = json!({"run_id": n.to_string()});
        take(&writer, [row(3, "1", again.clone()), row(10, "2", again)]).await;
    }
    assert_eq!(follows(&dir, &reader).await, [day("2026-06-10", "2")]);
    take(&writer, [row(10, "2", json!({"run_id": "0", "detection": {"mAP50": 0.9}}))]).await;
    writer.compact().await.unwrap();
    assert_eq!(follows(&dir, &reader).await, [day("2026-06-10", "2")]);
    take(&writer, [row(8, "2", json!({}))]).await;
    assert_eq!(follows(&dir, &reader).await, [day("2026-06-08", "2")]);
}
