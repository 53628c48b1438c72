//! A small fleet of known records around the present: four zones, a record every thirty minutes for three days, and a
//! challenger beside one of them. What the product answers is compared with sums over these.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use serde_json::{Value, json};

use crate::process::{Folder, Served};

pub const MINUTE: i64 = 60_000;
pub const CADENCE: i64 = 30 * MINUTE;
pub const DAY: i64 = 24 * 60 * MINUTE;
/// Records of each zone.
pub const SLOTS: i64 = 144;
/// Newest records of the first zone that have a challenger beside them.
pub const SHADOWED: i64 = 48;

/// Customer, site, zone, task, architecture of each zone.
pub const ZONES: [[&str; 5]; 4] = [
    ["acme", "seoul-01", "gate-1", "detection", "yolov8m"],
    ["acme", "seoul-01", "gate-2", "detection", "yolov8m"],
    ["acme", "busan-2", "dock-1", "detection", "rtdetr"],
    ["부산 항만", "pier 7", "crane #1", "tracking", "yolov8m"],
];

pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A moment as RFC 3339.
pub fn rfc(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).expect("a time").to_string()
}

pub fn ms(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().expect("RFC 3339").as_millisecond()
}

#[derive(Debug, Clone)]
pub struct Fleet {
    pub records: Vec<Value>,
    /// The time of the newest records.
    pub newest: i64,
}

impl Fleet {
    pub fn new() -> Self {
        Self::ending((now() - MINUTE).div_euclid(CADENCE) * CADENCE)
    }
    /// The fleet whose newest records are of this moment.
    pub fn ending(newest: i64) -> Self {
        let mut records = Vec::new();
        for slot in 0..SLOTS {
            for (zone, place) in ZONES.iter().enumerate() {
                records.push(record(newest, slot, zone as i64, place, false));
                if zone == 0 && slot < SHADOWED {
                    records.push(record(newest, slot, 0, place, true));
                }
            }
        }
        Self { records, newest }
    }
    pub fn jsonl(&self) -> String {
        jsonl(&self.records)
    }
    /// Number, weight and weighted mean of a metric (as a JSON pointer) over the records that are kept by `keep`.
    pub fn sums(&self, pointer: &str, keep: impl Fn(&Value) -> bool) -> (u64, f64, f64) {
        let mut sums = (0, 0.0, 0.0);
        for r in self.records.iter().filter(|r| keep(r)) {
            if let Some(x) = r.pointer(pointer).and_then(Value::as_f64) {
                let w = r["samples"].as_f64().unwrap_or(1.0);
                sums = (sums.0 + 1, sums.1 + w, sums.2 + w * x);
            }
        }
        (sums.0, sums.1, sums.2 / sums.1)
    }
}

pub fn jsonl(records: &[Value]) -> String {
    records.iter().map(|r| format!("{r}\n")).collect()
}

/// Whether a record is of field production and of `from <= t < to`.
pub fn counts(r: &Value, from: i64, to: i64) -> bool {
    let at = ms(r["timestamp"].as_str().expect("a time"));
    r["experiment_type"] == "production" && from <= at && at < to
}

fn record(newest: i64, slot: i64, zone: i64, place: &[&str; 5], shadow: bool) -> Value {
    let [customer, site, name, task, architecture] = *place;
    let quality = 0.5 + (slot % 10) as f64 / 100.0 + zone as f64 * 0.05 + if shadow { 0.1 } else { 0.0 };
    json!({
        "timestamp": rfc(newest - slot * CADENCE), "run_id": format!("run-{zone}"), "customer": customer, "site": site,
        "zone": name, "task": task, "model_architecture": architecture,
        "model_version": if shadow { "1.2.0" } else { "1.1.0" },
        "experiment_type": if shadow { "candidate" } else { "production" }, "samples": 1 + slot % 3,
        "detection": {"mAP50": quality, "recall": quality - 0.1},
        "system": {"inference_time_ms": 10.0 + zone as f64 + (slot % 7) as f64, "fps": 50.0},
        "custom": {"mse": 0.01 * (1 + slot % 5) as f64},
    })
}

/// One plain record with the given fields laid over it; null takes a field away.
pub fn one(at: i64, fields: Value) -> Value {
    let mut plain = json!({"timestamp": rfc(at), "customer": "acme", "site": "s1", "zone": "z1", "task": "detection",
                           "detection": {"mAP50": 0.5}});
    if let (Some(map), Value::Object(fields)) = (plain.as_object_mut(), fields) {
        map.extend(fields);
        map.retain(|_, v| !v.is_null());
    }
    plain
}

/// The fleet, taken into a folder and served.
pub struct Site {
    pub fleet: Fleet,
    pub served: Served,
    pub folder: Folder,
}

impl Site {
    pub async fn start(env: &[(&str, &str)]) -> Self {
        Self::start_in(Folder::new(), env).await
    }

    /// The same in a folder, or with a database, of one's own.
    pub async fn start_in(folder: Folder, env: &[(&str, &str)]) -> Self {
        let fleet = Fleet::new();
        let path = folder.write("in/fleet.jsonl", fleet.jsonl());
        let taken = folder.ingest(&[&path]).fine().json();
        assert_eq!(taken["taken"], fleet.records.len(), "{taken}");
        let served = Served::start(&folder, env).await;
        Self { fleet, served, folder }
    }
}

/// A text as one part of an address.
pub fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

pub fn near(a: &Value, b: f64) -> bool {
    a.as_f64().is_some_and(|a| (a - b).abs() <= 1e-9 * b.abs().max(1.0))
}

/// Equal but for the rounding of sums that were added in another order.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, x)| b.get(k).is_some_and(|y| equal(x, y)))
        }
        (Value::Number(_), Value::Number(b)) => near(a, b.as_f64().unwrap_or(f64::NAN)),
        _ => a == b,
    }
}
