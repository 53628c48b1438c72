//! Devices: every answer names those behind its numbers, and a question about one counts its records alone.

use domain::{
    ErrorKind,
    query::{ComparisonQuery, MetricSelection, RecordsQuery, TrendQuery},
    scope::Scope,
    time::Step,
};
use serde_json::{Value, json};

use crate::support::{Adapter, Asked, Exports, LakeDir, ask, fleet, june, metric, scope, take};

suite!([on_the_lake = crate::support::local_lake, without_memory = crate::support::lake_without_memory] [
    numbers_of_several_devices_say_so,
    every_answer_names_its_devices,
    a_question_about_one_device_counts_its_records_alone,
    places_are_expected_whatever_the_device,
    an_unknown_device_is_not_found,
    the_directory_knows_where_devices_are,
]);

/// A record of a device and its latency.
fn row(device: Value, run: &str, ms: f64) -> Value {
    json!({"device": device, "run_id": run, "model_architecture": "yolo", "detection": {"mAP50": 0.5},
           "system": {"inference_time_ms": ms, "fps": 1000.0 / ms, "cpu_util": 5}})
}

fn on(device: &str) -> Scope {
    fleet().with_device(Some(device)).unwrap()
}

fn trend(scope: &Scope, metric: &str) -> TrendQuery {
    let step = Step::parse("1d").unwrap();
    TrendQuery { scope: scope.clone(), model: None, metric: metric.into(), range: june(), step }
}

fn comparison(scope: &Scope) -> ComparisonQuery {
    ComparisonQuery { scope: scope.clone(), range: june(), metrics: MetricSelection::All }
}

fn records(scope: &Scope) -> RecordsQuery {
    RecordsQuery { scope: scope.clone(), model: None, run: None, metric: None, range: june(), skip: 0, take: 25 }
}

async fn numbers_of_several_devices_say_so(a: &Adapter) {
    a.take([row(json!("orin"), "1", 8.5)]).await;
    assert!(metric(&a.summary(&fleet(), june()).await.metrics, "fps").devices.is_empty());
    a.take([row(json!("xavier"), "2", 19.0)]).await;
    let s = a.summary(&fleet(), june()).await;
    for key in ["fps", "inference_time_ms", "cpu_util"] {
        assert_eq!(metric(&s.metrics, key).devices, ["orin", "xavier"], "{key}");
    }
    assert!(metric(&s.metrics, "mAP50").devices.is_empty(), "an accuracy does not depend on the device");
}

async fn every_answer_names_its_devices(a: &Adapter) {
    a.take([row(json!("orin"), "1", 8.5), row(json!("xavier"), "2", 19.0), row(json!(null), "3", 9.5)]).await;
    a.take([json!({"run_id": "4", "device": "t4", "model_architecture": "yolo", "detection": {"mAP50": 0.5}})]).await;
    let t = a.metrics.trend(&trend(&fleet(), "inference_time_ms")).await.unwrap();
    assert_eq!(t.devices, ["orin", "xavier"], "t4 measured no latency");
    assert_eq!(a.metrics.trend(&trend(&fleet(), "mAP50")).await.unwrap().devices, ["orin", "t4", "xavier"]);
    let c = a.metrics.comparison(&comparison(&fleet())).await.unwrap();
    assert_eq!(c.models[0].devices, ["orin", "t4", "xavier"]);
    assert_eq!(c.models[0].metrics["inference_time_ms"].devices, ["orin", "xavier"]);
    assert!(c.models[0].metrics["mAP50"].devices.is_empty());
    let r = a.metrics.field_report(&comparison(&fleet())).await.unwrap();
    let devices: Vec<&str> = r.cells[0].devices.iter().map(|d| &**d).collect();
    assert_eq!(devices, ["", "orin", "t4", "xavier"], "one record names none");
    assert_eq!(r.cells[0].days.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2026-06-30"]);
}

async fn a_question_about_one_device_counts_its_records_alone(a: &Adapter) {
    a.take([row(json!("orin"), "1", 8.5), row(json!("xavier"), "2", 19.0), row(json!(null), "3", 30.0)]).await;
    for (device, ms) in [("orin", 8.5), ("xavier", 19.0)] {
        let scope = on(device);
        let s = a.summary(&scope, june()).await;
        let m = metric(&s.metrics, "inference_time_ms");
        assert_eq!((m.value, m.n, m.devices.len()), (Some(ms), 1, 0), "{device}");
        assert_eq!((&s.scope, metric(&s.children[0].metrics, "inference_time_ms").value), (&scope, Some(ms)));
        let t = a.metrics.trend(&trend(&scope, "inference_time_ms")).await.unwrap();
        assert_eq!((t.points[0].value, t.points[0].n, t.devices), (ms, 1, vec![device.to_owned()]));
        let c = a.metrics.comparison(&comparison(&scope)).await.unwrap();
        let of_model = &c.models[0].metrics["inference_time_ms"];
        assert_eq!((c.models[0].n, of_model.value, of_model.devices.len()), (1, Some(ms), 0));
        assert_eq!(a.metrics.field_report(&comparison(&scope)).await.unwrap().cells[0].n, 1);
        let rows = a.metrics.records(&records(&scope)).await.unwrap();
        assert_eq!((rows.total, rows.rows[0].device.as_deref()), (1, Some(device)));
        assert_eq!(a.metrics.export_to(&scope, june(), &a.folder.join("x.parquet")).await.unwrap(), 1);
    }
}

async fn places_are_expected_whatever_the_device(a: &Adapter) {
    let at = |site: &str, device: &str| json!({"site": site, "device": device, "detection": {"mAP50": 0.5}});
    a.take([at("s1", "orin"), at("s2", "xavier")]).await;
    let (all, one) = (a.summary(&fleet(), june()).await, a.summary(&on("orin"), june()).await);
    assert_eq!(one.health, all.health);
    let m = metric(&one.metrics, "mAP50");
    assert_eq!((m.n, m.sites_reporting, m.sites_expected), (1, 1, 2));
}

async fn an_unknown_device_is_not_found(a: &Adapter) {
    a.take([row(json!("orin"), "1", 8.5)]).await;
    let scope = on("none");
    let got = [
        a.metrics.summary(&ask(&scope, june())).await.map(drop),
        a.metrics.trend(&trend(&scope, "mAP50")).await.map(drop),
        a.metrics.comparison(&comparison(&scope)).await.map(drop),
        a.metrics.field_report(&comparison(&scope)).await.map(drop),
        a.metrics.records(&records(&scope)).await.map(drop),
        a.metrics.export_to(&scope, june(), &a.folder.join("x.parquet")).await.map(drop),
    ];
    for got in got {
        let told = got.map_err(|e| (e.kind, e.message.en));
        assert_eq!(told, Err((ErrorKind::NotFound, "no record names the device “none”".to_owned())));
    }
}

async fn the_directory_knows_where_devices_are(a: &Adapter) {
    let at = |zone: &str, device: &str| {
        json!({"zone": zone, "device": device, "simulated": device == "demo board",
                                               "detection": {"mAP50": 0.5}})
    };
    a.take([at("z1", "orin"), at("z1", "xavier"), at("z2", "orin"), at("z2", "demo board")]).await;
    a.take([at("z3", "t4")]).await;
    let known = async |place: &str| -> Vec<String> {
        a.metrics.directory().devices_in(&scope(place, "all")).map(ToString::to_string).collect()
    };
    assert_eq!(known("").await, ["demo board", "orin", "t4", "xavier"]);
    assert_eq!(known("acme/s1/z2").await, ["demo board", "orin"]);
    a.sink.compact().await.unwrap();
    assert_eq!(known("acme/s1/z1").await, ["orin", "xavier"], "merging files changes nothing");
    a.sink.remove_simulated().await.unwrap();
    assert_eq!(known("acme/s1/z2").await, ["orin"]);
    assert_eq!(known("acme/s1/z3").await, ["t4"]);
}

#[tokio::test]
async fn another_process_knows_the_devices_from_the_indexes() {
    let dir = LakeDir::new();
    take(&dir.open().await, [row(json!("orin"), "1", 8.5)]).await;
    let other = dir.open().await;
    let directory = other.directory();
    assert_eq!(directory.devices.keys().map(|d| d.as_str()).collect::<Vec<_>>(), ["orin"]);
    assert!(!directory.more_devices);
}
