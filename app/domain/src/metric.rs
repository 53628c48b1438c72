//! The metric catalogue: for each metric its key, labels, unit, direction, range, aggregation, precision and definition.
//! Metrics outside the catalogue join with a direction guessed from their name, and are shown as *assumed*.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

mod words {
    include!(concat!(env!("OUT_DIR"), "/words.rs"));
}

/// The language of a text of the catalogue. A metric has both: which one is shown is decided where it is shown.
#[derive(Debug, Clone, Copy)]
enum Lang {
    En,
    Ko,
}

/// How many metrics are built in; they have a column of their own in the lake.
pub const BUILT_IN_COUNT: usize = 15;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    HigherIsBetter,
    LowerIsBetter,
    Neither,
}

/// How a change is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeVerdict {
    Better,
    Worse,
    Neutral,
}

impl Direction {
    /// Reads a difference (new minus old) in the light of the direction. Zero and NaN are neutral.
    #[must_use]
    pub fn judge(self, delta: f64) -> ChangeVerdict {
        let up = match self {
            Self::Neither => return ChangeVerdict::Neutral,
            Self::HigherIsBetter => delta,
            Self::LowerIsBetter => -delta,
        };
        if up > 0.0 {
            ChangeVerdict::Better
        } else if up < 0.0 {
            ChangeVerdict::Worse
        } else {
            ChangeVerdict::Neutral
        }
    }
}

/// How the values of many records become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// Σwx/Σw with w = `samples`.
    WeightedMean,
    /// The weighted mean, and p50, p95, p99 over records beside it: a latency's tail is what hurts.
    WeightedMeanAndTail,
}

/// Everything known about one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its key in the API, in URLs and on the command line.
    pub key: Cow<'static, str>,
    /// The group in a record, the part before the underscore in a lake column.
    pub group: &'static str,
    /// The column in the lake; empty for metrics kept in the map.
    pub column: &'static str,
    pub label: Cow<'static, str>,
    pub label_ko: Cow<'static, str>,
    /// As written after a number; empty for a ratio.
    pub unit: Cow<'static, str>,
    pub direction: Direction,
    /// Accepted values, both ends included.
    pub range: (f64, f64),
    pub aggregation: Aggregation,
    /// Digits after the decimal point when shown.
    pub precision: u8,
    pub definition: Cow<'static, str>,
    pub definition_ko: Cow<'static, str>,
    /// The smallest change that matters, where `metrics.yaml` says another than the rule of [`Metric::smallest_effect`].
    pub effect: Option<SmallestEffect>,
    /// True when the direction was guessed from the name.
    pub assumed: bool,
}

/// A change that is just large enough to matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SmallestEffect {
    /// So much, in the metric's own unit.
    Size(f64),
    /// So large a part of the value: 0.02 is 2 %.
    Share(f64),
}

impl SmallestEffect {
    /// Of a value, in the metric's own unit.
    #[must_use]
    pub fn of(self, value: f64) -> f64 {
        match self {
            Self::Size(size) => size,
            Self::Share(share) => share * value.abs(),
        }
    }
}

const INF: f64 = f64::INFINITY;

macro_rules! metric {
    ($key:literal, $group:literal, $column:literal, $label:ident, $unit:literal, $dir:ident,
     $range:expr, $agg:ident, $precision:literal, $definition:ident) => {
        Metric {
            key: Cow::Borrowed($key),
            group: $group,
            column: $column,
            label: Cow::Borrowed(words::$label(Lang::En)),
            label_ko: Cow::Borrowed(words::$label(Lang::Ko)),
            unit: Cow::Borrowed($unit),
            direction: Direction::$dir,
            range: $range,
            aggregation: Aggregation::$agg,
            precision: $precision,
            definition: Cow::Borrowed(words::$definition(Lang::En)),
            definition_ko: Cow::Borrowed(words::$definition(Lang::Ko)),
            effect: None,
            assumed: false,
        }
    };
}

/// The built-in metrics, in the order of their lake columns.
pub static CATALOGUE: [Metric; BUILT_IN_COUNT] = [
    metric!("mAP50", "detection", "detection_map50", map50, "", HigherIsBetter, (0.0, 1.0), WeightedMean, 3, map50_is),
    metric!(
        "mAP50_95",
        "detection",
        "detection_map50_95",
        map50_95,
        "",
        HigherIsBetter,
        (0.0, 1.0),
        WeightedMean,
        3,
        map50_95_is
    ),
    metric!(
        "precision",
        "detection",
        "detection_precision",
        precision,
        "",
        HigherIsBetter,
        (0.0, 1.0),
        WeightedMean,
        3,
        precision_is
    ),
    metric!(
        "recall",
        "detection",
        "detection_recall",
        recall,
        "",
        HigherIsBetter,
        (0.0, 1.0),
        WeightedMean,
        3,
        recall_is
    ),
    metric!("mota", "mot", "mot_mota", mota, "", HigherIsBetter, (-INF, 1.0), WeightedMean, 3, mota_is),
    metric!("idf1", "mot", "mot_idf1", idf1, "", HigherIsBetter, (0.0, 1.0), WeightedMean, 3, idf1_is),
    metric!("hota", "mot", "mot_hota", hota, "", HigherIsBetter, (0.0, 1.0), WeightedMean, 3, hota_is),
    metric!(
        "inference_time_ms",
        "system",
        "system_inference_time_ms",
        inference_time_ms,
        "ms",
        LowerIsBetter,
        (0.0, INF),
        WeightedMeanAndTail,
        1,
        inference_time_ms_is
    ),
    metric!("fps", "system", "system_fps", fps, "fps", HigherIsBetter, (0.0, INF), WeightedMean, 1, fps_is),
    metric!(
        "gpu_util",
        "system",
        "system_gpu_util",
        gpu_util,
        "%",
        Neither,
        (0.0, 100.0),
        WeightedMean,
        0,
        gpu_util_is
    ),
    metric!(
        "gpu_mem_mb",
        "system",
        "system_gpu_mem_mb",
        gpu_mem_mb,
        "MB",
        LowerIsBetter,
        (0.0, INF),
        WeightedMean,
        0,
        gpu_mem_mb_is
    ),
    metric!(
        "cpu_util",
        "system",
        "system_cpu_util",
        cpu_util,
        "%",
        Neither,
        (0.0, 100.0),
        WeightedMean,
        0,
        cpu_util_is
    ),
    metric!(
        "accuracy_drop",
        "comparison",
        "comparison_accuracy_drop",
        accuracy_drop,
        "",
        LowerIsBetter,
        (-1.0, 1.0),
        WeightedMean,
        3,
        accuracy_drop_is
    ),
    metric!(
        "speedup_ratio",
        "comparison",
        "comparison_speedup_ratio",
        speedup_ratio,
        "×",
        HigherIsBetter,
        (0.0, INF),
        WeightedMean,
        2,
        speedup_ratio_is
    ),
    metric!(
        "compression_ratio",
        "comparison",
        "comparison_compression_ratio",
        compression_ratio,
        "×",
        HigherIsBetter,
        (0.0, INF),
        WeightedMean,
        2,
        compression_ratio_is
    ),
];

/// The place of a built-in metric in the catalogue, found by its key in any case; `-` counts as `_`.
#[must_use]
pub fn built_in(key: &str) -> Option<usize> {
    CATALOGUE.iter().position(|m| same_key(&m.key, key))
}

/// The place of a built-in metric given by group and leaf of a record.
#[must_use]
pub fn built_in_of_group(group: &str, leaf: &str) -> Option<usize> {
    CATALOGUE.iter().position(|m| m.group == group && same_key(&m.key, leaf))
}

fn same_key(ours: &str, theirs: &str) -> bool {
    ours.len() == theirs.len()
        && ours.bytes().zip(theirs.bytes()).all(|(a, b)| a.eq_ignore_ascii_case(&b) || (a == b'_' && b == b'-'))
}

impl Metric {
    /// A metric that is not in the catalogue. `key` is its leaf name, or `group.leaf` where leaves collide.
    #[must_use]
    pub fn uncatalogued(key: &str) -> Self {
        let leaf = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
        let unit = if leaf.ends_with("_ms") {
            "ms"
        } else if leaf.ends_with("_mb") {
            "MB"
        } else if leaf.ends_with("time") || leaf.ends_with("_s") || leaf.ends_with("seconds") {
            "s"
        } else {
            ""
        };
        Self {
            key: Cow::Owned(key.to_owned()),
            group: "",
            column: "",
            label: Cow::Owned(key.to_owned()),
            label_ko: Cow::Owned(key.to_owned()),
            unit: Cow::Borrowed(unit),
            direction: guess_direction(&leaf),
            range: (f64::NEG_INFINITY, INF),
            aggregation: Aggregation::WeightedMean,
            precision: 3,
            definition: Cow::Borrowed(words::assumed_is(Lang::En)),
            definition_ko: Cow::Borrowed(words::assumed_is(Lang::Ko)),
            effect: None,
            assumed: true,
        }
    }

    /// Whether `value` lies in the accepted range. NaN does not.
    #[must_use]
    pub fn accepts(&self, value: f64) -> bool {
        value.is_finite() && value >= self.range.0 && value <= self.range.1
    }

    /// The smallest change of this metric that matters: what was written down, else 0.005 for metrics in 0..1 and MOTA,
    /// 2 points for percentages, and 2 % of the value for everything else.
    #[must_use]
    pub fn smallest_effect(&self) -> SmallestEffect {
        self.effect.unwrap_or(match self.range {
            (0.0, 1.0) => SmallestEffect::Size(0.005),
            _ if self.key == "mota" => SmallestEffect::Size(0.005),
            _ if self.unit == "%" => SmallestEffect::Size(2.0),
            _ => SmallestEffect::Share(0.02),
        })
    }

    /// Whether a change from `base` is large enough to matter. Of an unknown base no share can be taken: then it is.
    #[must_use]
    pub fn exceeds_smallest_effect(&self, delta: f64, base: Option<f64>) -> bool {
        // What is as large as the smallest stays so through the rounding of a subtraction.
        delta.abs() >= self.smallest_effect().of(base.unwrap_or(0.0)) * (1.0 - 1e-9)
    }

    /// Whether numbers of different devices must not be averaged without saying so.
    #[must_use]
    pub fn depends_on_device(&self) -> bool {
        matches!(&*self.key, "inference_time_ms" | "fps" | "gpu_util" | "gpu_mem_mb" | "cpu_util")
    }
}

/// The name rule for metrics nobody configured: losses, errors and times fall, scores rise, the rest is neutral.
fn guess_direction(leaf: &str) -> Direction {
    let words = leaf.split(['_', '-', '.', ' ']).map(without_digits);
    match direction_of_words(words) {
        Direction::Neither if HIGHER.contains(&leaf) => Direction::HigherIsBetter,
        direction => direction,
    }
}

fn without_digits(word: &str) -> &str {
    word.trim_end_matches(|c: char| c.is_ascii_digit())
}

const LOWER: [&str; 45] = [
    "loss",
    "error",
    "err",
    "mse",
    "rmse",
    "mae",
    "mape",
    "time",
    "latency",
    "ms",
    "drop",
    "fppi",
    "eer",
    "switches",
    "misses",
    "wer",
    "cer",
    "perplexity",
    "fid",
    // What a model costs: its size, its memory, its arithmetic, its energy.
    "kb",
    "kib",
    "mb",
    "mib",
    "gb",
    "gib",
    "bytes",
    "memory",
    "mem",
    "vram",
    "params",
    "parameters",
    "flops",
    "gflops",
    "mflops",
    "macs",
    "gmacs",
    "cost",
    "duration",
    "energy",
    "joule",
    "joules",
    "power",
    "watt",
    "watts",
    "footprint",
];
/// Sizes of what is chosen and not of what is paid: a batch, a picture.
const SIZE_OF: [&str; 9] = ["batch", "image", "img", "input", "window", "step", "vocab", "sample", "dataset"];
const HIGHER: [&str; 14] = [
    "map",
    "ap",
    "accuracy",
    "acc",
    "precision",
    "recall",
    "f1",
    "auc",
    "iou",
    "score",
    "fps",
    "throughput",
    "r2",
    "dice",
];

/// The rule over the words of a name, in small letters. A number at the end of a word does not count, unless it is part of it (`f1`).
pub(crate) fn direction_of_words<'a>(words: impl Iterator<Item = &'a str> + Clone) -> Direction {
    let any = |list: &[&str]| words.clone().any(|w| list.contains(&w) || list.contains(&without_digits(w)));
    let size = words.clone().any(|w| w == "size") && !any(&SIZE_OF);
    // A rate such as `gb per second` is no size.
    let rate = words.clone().any(|w| w == "per" || w == "rate");
    if (any(&LOWER) || size) && !rate {
        Direction::LowerIsBetter
    } else if any(&HIGHER) {
        Direction::HigherIsBetter
    } else {
        Direction::Neither
    }
}

/// Where the values of a metric are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MetricColumn {
    /// A column of its own: the index in the catalogue.
    BuiltIn(usize),
    /// An entry of the map, by its full name `group.leaf`.
    Custom(String),
}

#[cfg(test)]
mod tests;
