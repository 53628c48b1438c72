//! A model that takes 8.5 ms on one device and 19 on another: what stands behind its latency is said, and one can be asked for.

use serde_json::{Value, json};

use crate::{
    fleet::{self, MINUTE},
    process::{Folder, Served, run, text},
};

/// Two devices in one zone, as many records of each, of the last hours.
fn folder() -> Folder {
    let folder = Folder::new();
    let row = |i: i64, device: &str, ms: f64| {
        let fields = json!({"run_id": format!("{device}-{i}"), "device": device, "model_architecture": "yolov8m",
                            "model_version": "1.1.0", "system": {"inference_time_ms": ms}});
        fleet::one(fleet::now() - (i + 5) * 10 * MINUTE, fields)
    };
    let rows: Vec<Value> = (0..12).flat_map(|i| [row(i, "orin", 8.5), row(i, "xavier", 19.0)]).collect();
    let path = folder.write("x.jsonl", fleet::jsonl(&rows));
    assert_eq!(folder.ingest(&[&path]).fine().json()["taken"], 24);
    folder
}

fn main_of(page: &str) -> &str {
    page.split_once("<main").expect("a main part").1.split_once("</main>").expect("its end").0
}

#[tokio::test]
async fn answers_name_the_devices_and_one_can_be_asked_for() {
    let folder = folder();
    let served = Served::start(&folder, &[]).await;
    let both = json!(["orin", "xavier"]);
    let s = served.json("/api/metrics/summary?days=1").await;
    let latency = |s: &Value| {
        let all = s["metrics"].as_array().expect("metrics");
        all.iter().find(|m| m["metric"] == "inference_time_ms").expect("a latency").clone()
    };
    assert_eq!((&latency(&s)["value"], &latency(&s)["devices"]), (&json!(13.75), &both));
    assert!(s["scope"]["device"].is_null());
    let s = served.json("/api/metrics/summary?days=1&device=orin").await;
    assert_eq!((&latency(&s)["value"], &s["scope"]["device"]), (&json!(8.5), &json!("orin")));
    assert!(latency(&s)["devices"].is_null());

    let t = served.json("/api/metrics/trend?metric=inference_time_ms&days=1&step=1d").await;
    assert_eq!(t["devices"], both);
    let t = served.json("/api/metrics/trend?metric=inference_time_ms&days=1&step=1d&device=xavier").await;
    assert_eq!((&t["devices"], &t["points"][0]["value"]), (&json!(["xavier"]), &json!(19.0)));

    let c = served.json("/api/metrics/comparison?days=1").await;
    assert_eq!(c["models"][0]["devices"], both);
    assert_eq!(c["models"][0]["metrics"]["inference_time_ms"]["devices"], both);
    let c = served.json("/api/metrics/comparison?days=1&device=orin").await;
    assert_eq!(c["models"][0]["metrics"]["inference_time_ms"]["value"], 8.5);
    let r = served.json("/api/metrics/records?days=1&device=orin").await;
    assert_eq!((&r["total"], &r["rows"][0]["device"]), (&json!(12), &json!("orin")));
    let (_, csv) = served.page("/export/models.csv?days=1").await;
    assert!(csv.contains("13.75") && csv.contains("orin; xavier"), "{csv}");
}

#[tokio::test]
async fn pages_say_how_many_devices_were_put_together_and_offer_each() {
    let folder = folder();
    let served = Served::start(&folder, &[]).await;
    let place = "/customers/acme/sites/s1/zones/z1";
    for path in ["/", place, "/trends?metric=inference_time_ms", "/compare", "/records"] {
        let (status, page) = served.page(path).await;
        let main = main_of(&page);
        assert_eq!(status, 200, "{path}");
        for wanted in ["<select name=\"device\"", ">orin</option>", ">xavier</option>"] {
            assert!(main.contains(wanted), "{path}: no {wanted}");
        }
        if path != "/records" {
            assert!(main.contains("2 devices"), "{path}");
        }
        let one = format!("{path}{}device=orin", if path.contains('?') { '&' } else { '?' });
        let (status, page) = served.page(&one).await;
        let main = main_of(&page);
        assert_eq!(status, 200, "{one}");
        assert!(!main.contains("2 devices"), "{one}");
        assert!(main.contains("device=orin"), "{one}: links forget the device");
        if path != "/records" {
            assert!(main.contains("8.5 ms") && !main.contains("13.8 ms"), "{one}");
        }
    }
    let (_, page) = served.page(place).await;
    let models = main_of(&page).split_once("Models in the field").expect("the table of models").1;
    let row = models.split_once("yolov8m").expect("the model").1.split_once("</tr>").expect("its end").0;
    assert!(row.contains("13.8 ms") && row.contains("2 devices"), "{row}");
    let (_, trends) = served.page("/trends?metric=inference_time_ms").await;
    assert!(main_of(&trends).contains("Measured on 2 devices put together: orin, xavier."));
    let (_, accuracy) = served.page("/trends?metric=mAP50").await;
    assert!(!main_of(&accuracy).contains("Measured on"), "an accuracy does not depend on the device");
    let korean = served.get("/trends?metric=inference_time_ms").header("Cookie", "gf_lang=ko");
    let korean = korean.send().await.expect("an answer").text().await.expect("text");
    assert!(korean.contains("장치 2종에서 측정한 값을 함께 집계했습니다: orin, xavier."));
    let (_, records) = served.page("/records?device=xavier").await;
    let table = main_of(&records).split_once("<table").expect("rows").1;
    assert!(table.contains(">xavier<") && !table.contains(">orin<"));
}

#[tokio::test]
async fn an_unknown_device_is_said_and_not_an_empty_page() {
    let folder = folder();
    let served = Served::start(&folder, &[]).await;
    for path in ["/", "/trends", "/compare", "/records", "/api/metrics/summary", "/api/metrics/comparison"] {
        let (status, body) = served.page(&format!("{path}?device=none")).await;
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("no record names the device “none”"), "{path}: {body}");
    }
    let (status, body) = served.page("/api/metrics/summary?device=%01").await;
    assert!(status == 400 && body.contains("the device name contains a control character"), "{body}");
}

#[test]
fn the_command_line_asks_for_one_device_too() {
    let folder = folder();
    let data = text(&folder.data());
    let ask = |args: &[&str]| run(&[&["metrics"], args, &["--data", &data]].concat());
    let trend = ["trend", "--metric", "inference_time_ms", "--days", "1", "--step", "1d"];
    assert!(ask(&trend).fine().stdout.contains("2 devices put together"));
    let t = ask(&[&trend[..], &["--device", "orin", "--json"]].concat()).fine().json();
    assert_eq!((&t["points"][0]["value"], &t["devices"]), (&json!(8.5), &json!(["orin"])));
    let s = ask(&["summary", "--days", "1", "--device", "xavier", "--json"]).fine().json();
    assert_eq!(s["scope"]["device"], "xavier");
    let out = text(&folder.path("x.parquet"));
    let written = ask(&["export", "--device", "orin", "--out", &out]).fine().stdout;
    assert!(written.contains("12 records"), "{written}");
    let refused = ask(&["summary", "--device", "none"]);
    assert!(refused.code != Some(0) && refused.stderr.contains("no record names the device “none”"), "{refused:?}");
}
