//! What each zone of the simulated fleet reports: one record every thirty minutes, staggered.

use std::f64::consts::TAU;

use domain::{
    ports::ReceivedRecord,
    record::Record,
    time::{DAY, HOUR, MINUTE, Millis},
};
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    fleet::{DRIFTING_SITE, Fleet, LOW_LIGHT_SITE, Model, RTDETR_R50_NEXT, Task, YOLOV10L, Zone},
    noise::{noise, normal, round},
};

const CADENCE: i64 = 30 * MINUTE;
/// The fleet's time zone is Korea's, which decides when it is night.
const UTC_OFFSET: i64 = 9 * HOUR;

/// All records with `from <= timestamp < to`, in order of time.
pub fn records_between(fleet: &Fleet, epoch: Millis, from: Millis, to: Millis, now: Millis) -> Vec<ReceivedRecord> {
    let mut arrivals: Vec<ReceivedRecord> = Vec::new();
    for zone in &fleet.zones {
        // Staggered over the half hour, and to the second, so that minutes differ between zones but not between slots.
        let offset = (noise(&[zone.number, 1]) * CADENCE as f64) as i64 / 1_000 * 1_000;
        let mut slot = (from.0 - offset).div_euclid(CADENCE) - 1;
        loop {
            let at = Millis(slot * CADENCE + offset);
            if at >= to {
                break;
            }
            if at >= from {
                let t = at.0 - epoch.0;
                for (model, shadow) in [(zone.champion(t), false), (zone.challenger(t), true)] {
                    if let Some(record) = model.and_then(|m| record(zone, &m, shadow, at, t, slot as u64, now)) {
                        arrivals.push(ReceivedRecord { record, line: 0 });
                    }
                }
            }
            slot += 1;
        }
    }
    arrivals.sort_by_key(|a| a.record.timestamp());
    for (line, a) in (1..).zip(&mut arrivals) {
        a.line = line;
    }
    arrivals
}

fn record(zone: &Zone, model: &Model, shadow: bool, at: Millis, t: i64, slot: u64, now: Millis) -> Option<Record> {
    let salt = xxh3_64(model.version.as_bytes()) ^ u64::from(shadow);
    let jitter = |what: u64, sd: f64| sd * normal(&[zone.number, slot, salt, what]);
    // The scene is the same for champion and challenger: weather, crowding and light differ by day and hour, not by model.
    let day = at.0.div_euclid(DAY) as u64;
    let within = at.0.rem_euclid(DAY) as f64 / DAY as f64;
    let weather = {
        let of = |d: u64| normal(&[zone.number / 5, d, 7]);
        0.010 * (of(day) * (1.0 - within) + of(day + 1) * within)
    };
    let local_hour = (at.0 + UTC_OFFSET).rem_euclid(DAY) as f64 / HOUR as f64;
    let night = !(7.0..19.0).contains(&local_hour);
    let light = 0.012 * ((local_hour - 13.0) / 24.0 * TAU).cos();
    let scene = weather + light + 0.012 * normal(&[zone.number, slot, 9]) - zone.hardness;
    let dark_loss = if zone.site == LOW_LIGHT_SITE && night && *model == YOLOV10L { 0.19 } else { 0.0 };
    // The other challenger does better at some sites and worse at others: twelve of them do not tell which it is in sum.
    let suits = if *model == RTDETR_R50_NEXT { 0.02 * normal(&[zone.number / 5, 31]) } else { 0.0 };
    let quality = model.ap + scene - dark_loss + suits;
    let ratio = |x: f64| round(x.clamp(0.0, 1.0), 4);

    let creep = if zone.site == DRIFTING_SITE { 1.0 + 0.005 * (t as f64 / DAY as f64 + 45.0).max(0.0) } else { 1.0 };
    let busy = 1.0 + 0.06 * ((local_hour - 15.0) / 24.0 * TAU).cos();
    // Pre- and post-processing on the device add to the published time of the network.
    let latency = round((model.latency * 1.35 + 2.2) * zone.device_factor * creep * busy * jitter(20, 0.05).exp(), 3);

    let mut body = Map::new();
    let mut put = |key: &str, value: Value| drop(body.insert(key.to_owned(), value));
    put("timestamp", json!(at.to_string()));
    // The run that made the model version, which every place reports that runs it.
    put("run_id", json!(model.run_id()));
    put("experiment_name", json!(format!("{}-field", zone.task.as_str())));
    put("run_name", json!(format!("{}-{}-{}-{}", model.architecture, model.version, zone.site, zone.name)));
    put("customer", json!(zone.customer));
    put("site", json!(zone.site));
    put("zone", json!(zone.name));
    put("task", json!(zone.task.as_str()));
    put("experiment_type", json!(if shadow { "candidate" } else { "production" }));
    put("experiment_design", json!(if shadow { "shadow" } else { "baseline" }));
    put("model_architecture", json!(model.architecture));
    put("model_version", json!(model.version));
    put("device", json!(zone.device));
    put("simulated", json!(true));
    let frames = 900.0 * (0.6 + 0.4 * noise(&[zone.number, slot, 11]));
    put("samples", json!(frames.round()));
    // A field scene has few classes and fixed cameras: higher than COCO by a constant.
    let map95 = quality + 0.06 + jitter(1, 0.010);
    let map50 = 0.36 + 0.86 * (quality + 0.06) + jitter(2, 0.012);
    if zone.task == Task::Counting {
        put(
            "detection",
            json!({"precision": ratio(map50 + 0.05 + jitter(3, 0.012)), "recall": ratio(map50 - 0.02 + jitter(4, 0.012))}),
        );
    } else {
        put(
            "detection",
            json!({"mAP50": ratio(map50), "mAP50_95": ratio(map95), "precision": ratio(map50 + 0.05 + jitter(3, 0.012)), "recall": ratio(map50 - 0.02 + jitter(4, 0.012))}),
        );
    }
    if zone.task == Task::Tracking {
        put(
            "mot",
            json!({"mota": ratio(map50 - 0.10 + jitter(5, 0.02)), "idf1": ratio(map50 - 0.06 + jitter(6, 0.02)), "hota": ratio(map50 - 0.15 + jitter(7, 0.016))}),
        );
    }
    put(
        "system",
        json!({
            "inference_time_ms": latency, "fps": round(1_000.0 / latency, 2),
            "gpu_util": round((38.0 + 1.9 * latency / zone.device_factor + 9.0 * (busy - 1.0) / 0.06 + jitter(8, 5.0)).clamp(3.0, 99.0), 1),
            "gpu_mem_mb": round(model.gpu_mem_mb + jitter(9, 40.0), 0),
            "cpu_util": round((34.0 + jitter(10, 6.0)).clamp(2.0, 99.0), 1),
        }),
    );
    if shadow {
        let champion = zone.champion(t)?;
        put(
            "comparison",
            json!({"accuracy_drop": round(champion.ap - model.ap + jitter(12, 0.008), 4), "speedup_ratio": round(champion.latency / model.latency * jitter(13, 0.04).exp(), 3)}),
        );
    }
    Record::parse(body, now).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Millis = Millis(1_795_000_000_000);

    fn days(from: i64, to: i64) -> Vec<ReceivedRecord> {
        records_between(&Fleet::new(), EPOCH, EPOCH.plus(from * DAY), EPOCH.plus(to * DAY), EPOCH)
    }

    fn mean(arrivals: &[ReceivedRecord], keep: impl Fn(&Record) -> bool, metric: usize) -> f64 {
        let values: Vec<f64> =
            arrivals.iter().filter(|a| keep(&a.record)).filter_map(|a| a.record.built_in()[metric]).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn text(r: &Record, field: usize) -> &str {
        r.texts()[field].as_ref().map_or("", |n| n.as_str())
    }

    #[test]
    fn the_same_moment_gives_the_same_records_however_it_is_cut() {
        let whole = days(-2, 0);
        let mut parts = days(-2, -1);
        parts.extend(days(-1, 0));
        assert_eq!(whole.len(), parts.len());
        assert!(whole.iter().zip(&parts).all(|(a, b)| a.record == b.record));
        assert!(whole.iter().all(|a| a.record.simulated()));
        // 125 zones every 30 minutes, and 24 sites' challengers.
        assert!((6_000..12_000).contains(&(whole.len() / 2)), "{}", whole.len());
    }

    #[test]
    fn the_stories_are_in_the_numbers() {
        use domain::record::{ARCHITECTURE_FIELD, EXPERIMENT_TYPE_FIELD, SITE_FIELD};
        let (before, after) = (days(-6, -4), days(-3, -1));
        let dark =
            |r: &Record| text(r, SITE_FIELD) == LOW_LIGHT_SITE && text(r, ARCHITECTURE_FIELD).starts_with("yolo");
        assert!(mean(&before, dark, 0) - mean(&after, dark, 0) > 0.04, "the dark site got worse");
        let creeping = |r: &Record| text(r, SITE_FIELD) == DRIFTING_SITE;
        assert!(mean(&after, creeping, 7) > 1.15 * mean(&days(-60, -58), creeping, 7), "latency crept up");
        let shadow = |version: &'static str, kind: &'static str| {
            move |r: &Record| {
                text(r, EXPERIMENT_TYPE_FIELD) == kind && text(r, domain::record::MODEL_VERSION_FIELD) == version
            }
        };
        let better = mean(&after, shadow("1.2.0", "candidate"), 0)
            - mean(&after, |r| text(r, ARCHITECTURE_FIELD) == "yolov10m" && shadow("1.1.0", "production")(r), 0);
        assert!(better > 0.008, "the challenger is better: {better}");
        assert!(
            days(-1, 0)
                .iter()
                .filter(|a| text(&a.record, SITE_FIELD) == "Daegu-3")
                .all(|a| a.record.timestamp() < EPOCH.plus(-9 * HOUR))
        );
    }
}
