//! Small comparisons to ask about.

use super::super::*;
use crate::{
    aggregate::WeightedMean,
    metric::{CATALOGUE, Metric, built_in},
    model::ModelKey,
    scope::{Place, Scope},
    text::Name,
    time::{DAY, Day, Millis},
};

/// The first day of every comparison here.
pub const START: i32 = 20_000;

pub fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

pub fn metric(key: &str) -> Metric {
    CATALOGUE[built_in(key).expect("a built-in metric")].clone()
}

pub fn day(n: i32) -> Millis {
    Day(START + n).start()
}

pub fn mean(w: f64, x: f64) -> WeightedMean {
    WeightedMean { n: 1, w, wx: w * x }
}

pub fn place(customer: &str, site: &str) -> Place {
    Place { customer: name(customer), site: Some(name(site)), zone: None }
}

/// Days of one side at a site: by day and metric a value; NaN stands for none.
pub fn series(side: Side, place: Place, device: Option<&str>, days: &[(i32, Vec<f64>)]) -> Series {
    let value = |x: &f64| if x.is_nan() { WeightedMean::default() } else { mean(100.0, *x) };
    let of = |(day, values): &(i32, Vec<f64>)| DaySums {
        day: Day(START + day),
        records: 100,
        hours: 0xFF_FFFF,
        values: values.iter().map(value).collect(),
    };
    Series { side, place, task: None, device: device.map(name), days: days.iter().map(of).collect() }
}

/// A question after all of its 14 days, about these metrics; the first is the primary.
pub fn question(metrics: &[&str]) -> Question {
    let model = |key: &str| ModelKey::parse(key).expect("a model");
    Question {
        registration: Registration {
            champion: model("yolov8m:1.0.0"),
            challenger: model("yolov10l:1.0.0"),
            scope: Scope::default(),
            primary: metrics[0].into(),
            start: day(0),
            horizon: day(14),
            margin: None,
            minimum_effect: None,
            share: None,
            registered_at: day(0),
            registered_by: RegisteredBy::FirstLook,
            design: None,
            claims: vec![],
            rails: GuardRails::default(),
        },
        metrics: metrics.iter().map(|k| metric(k)).collect(),
        basis: Basis::Records,
        changes: vec![],
        as_of: Millis(day(14).0 + DAY),
        looks: 3,
    }
}

/// Numbers in −1..1 that look random and are the same everywhere.
pub fn wobble(seed: u32) -> f64 {
    let mixed = (u64::from(seed) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f64 / f64::from(1 << 23) - 1.0
}

/// Both sides on `sites` sites of one customer for 14 days: the champion around `base`, the challenger `effects` beside it, by metric.
pub fn side_by_side(sites: u32, base: &[f64], effects: &[f64]) -> Vec<Series> {
    (0..sites)
        .flat_map(|s| {
            let of = |side: Side, by: &[f64]| {
                let value = |d: u32, m: usize| {
                    let scale = base[m].abs() * 0.01;
                    let site = wobble(s * 31 + m as u32) * f64::from(u32::from(side == Side::Challenger));
                    base[m] + by[m] + scale * (site + wobble(1_000 + s * 400 + d * 20 + m as u32 * 2 + side as u32))
                };
                let days: Vec<(i32, Vec<f64>)> =
                    (0..14).map(|d| (d as i32, (0..base.len()).map(|m| value(d, m)).collect())).collect();
                series(side, place("acme", &format!("site-{s:02}")), Some("orin"), &days)
            };
            [of(Side::Champion, &vec![0.0; base.len()]), of(Side::Challenger, effects)]
        })
        .collect()
}

pub fn judged(question: &Question, rows: Vec<Series>) -> Judgement {
    judge(question, &Cells::new(question.metrics.len(), rows)).expect("a judgement")
}

/// Every number of an answer is one, and every sentence stands in both languages.
pub fn is_sound(judged: &Judgement) {
    let text = serde_json::to_string(judged).expect("JSON");
    assert!(!text.contains("NaN") && !text.contains(":inf"), "{text}");
    for row in &judged.metrics {
        let numbers = [row.difference, row.low, row.high];
        assert!(numbers.iter().flatten().all(|x| x.is_finite()), "{row:?}");
    }
    for sentence in judged.notes.iter().chain([&judged.sentence]) {
        let both = format!("{} {}", sentence.en, sentence.korean());
        assert!(!both.contains("NaN") && !both.contains("inf ") && sentence.ko.is_some(), "{both}");
    }
}
