//! The metric catalogue: for each metric its key, labels, unit, direction, range, aggregation, precision and definition.
//! Metrics outside the catalogue join with a direction guessed from their name, and are shown as *assumed*.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// How many metrics are built in; they have a column of their own in the lake.
pub const BUILT_IN: usize = 15;

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
pub enum Change {
    Better,
    Worse,
    Neutral,
}

impl Direction {
    /// Reads a difference (new minus old) in the light of the direction. Zero and NaN are neutral.
    #[must_use]
    pub fn read(self, delta: f64) -> Change {
        let up = match self {
            Self::Neither => return Change::Neutral,
            Self::HigherIsBetter => delta,
            Self::LowerIsBetter => -delta,
        };
        if up > 0.0 {
            Change::Better
        } else if up < 0.0 {
            Change::Worse
        } else {
            Change::Neutral
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
    pub effect: Option<Effect>,
    /// True when the direction was guessed from the name.
    pub assumed: bool,
}

/// A change that is just large enough to matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// So much, in the metric's own unit.
    Size(f64),
    /// So large a part of the value: 0.02 is 2 %.
    Share(f64),
}

impl Effect {
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
    ($key:literal, $group:literal, $column:literal, $label:literal / $ko:literal, $unit:literal, $dir:ident,
     $range:expr, $agg:ident, $precision:literal, $def:literal / $def_ko:literal) => {
        Metric {
            key: Cow::Borrowed($key),
            group: $group,
            column: $column,
            label: Cow::Borrowed($label),
            label_ko: Cow::Borrowed($ko),
            unit: Cow::Borrowed($unit),
            direction: Direction::$dir,
            range: $range,
            aggregation: Aggregation::$agg,
            precision: $precision,
            definition: Cow::Borrowed($def),
            definition_ko: Cow::Borrowed($def_ko),
            effect: None,
            assumed: false,
        }
    };
}

/// The built-in metrics, in the order of their lake columns.
pub static CATALOGUE: [Metric; BUILT_IN] = [
    metric!(
        "mAP50",
        "detection",
        "detection_map50",
        "mAP50" / "mAP50",
        "",
        HigherIsBetter,
        (0.0, 1.0),
        WeightedMean,
        3,
        "Mean over classes of the average precision at an intersection over union of 0.50."
            / "IoU 0.50에서 클래스별 평균 정밀도(AP)의 평균입니다."
    ),
    metric!(
        "mAP50_95",
        "detection",
        "detection_map50_95",
        "mAP50-95" / "mAP50-95",
        "",
        HigherIsBetter,
        (0.0, 1.0),
        WeightedMean,
        3,
        "Mean average precision over intersections over union from 0.50 to 0.95 in steps of 0.05 (COCO)."
            / "IoU 0.50부터 0.95까지 0.05 간격으로 구한 mAP의 평균입니다(COCO)."
    ),
    metric!(
        "precision",
        "detection",
        "detection_precision",
        "Precision" / "정밀도",
        "",
        HigherIsBetter,
        (0.0, 1.0),
        WeightedMean,
        3,
        "Share of the detections that are right." / "검출 결과 중 올바른 것의 비율입니다."
    ),
    metric!(
        "recall",
        "detection",
        "detection_recall",
        "Recall" / "재현율",
        "",
        HigherIsBetter,
        (0.0, 1.0),
        WeightedMean,
        3,
        "Share of the objects that were detected." / "실제 객체 중 검출된 것의 비율입니다."
    ),
    metric!(
        "mota",
        "mot",
        "mot_mota",
        "MOTA" / "MOTA",
        "",
        HigherIsBetter,
        (-INF, 1.0),
        WeightedMean,
        3,
        "Multiple object tracking accuracy: one minus misses, false positives and identity switches over objects; may be negative (CLEAR MOT)."
            / "다중 객체 추적 정확도: 1에서 누락·오검출·ID 전환의 비율을 뺀 값이며 음수가 될 수 있습니다(CLEAR MOT)."
    ),
    metric!(
        "idf1",
        "mot",
        "mot_idf1",
        "IDF1" / "IDF1",
        "",
        HigherIsBetter,
        (0.0, 1.0),
        WeightedMean,
        3,
        "F1 score of identities: how long the right identity is kept."
            / "ID의 F1 점수: 올바른 ID가 얼마나 유지되는지를 나타냅니다."
    ),
    metric!(
        "hota",
        "mot",
        "mot_hota",
        "HOTA" / "HOTA",
        "",
        HigherIsBetter,
        (0.0, 1.0),
        WeightedMean,
        3,
        "Higher order tracking accuracy: the geometric mean of detection and association accuracy."
            / "고차 추적 정확도: 검출 정확도와 연관 정확도의 기하 평균입니다."
    ),
    metric!(
        "inference_time_ms",
        "system",
        "system_inference_time_ms",
        "Latency" / "추론 시간",
        "ms",
        LowerIsBetter,
        (0.0, INF),
        WeightedMeanAndTail,
        1,
        "Time to process one frame on the device." / "장치에서 한 프레임을 처리하는 시간입니다."
    ),
    metric!(
        "fps",
        "system",
        "system_fps",
        "FPS" / "FPS",
        "fps",
        HigherIsBetter,
        (0.0, INF),
        WeightedMean,
        1,
        "Frames processed a second on the device." / "장치에서 초당 처리하는 프레임 수입니다."
    ),
    metric!(
        "gpu_util",
        "system",
        "system_gpu_util",
        "GPU utilisation" / "GPU 사용률",
        "%",
        Neither,
        (0.0, 100.0),
        WeightedMean,
        0,
        "Share of time in which the GPU was busy." / "GPU가 작동한 시간의 비율입니다."
    ),
    metric!(
        "gpu_mem_mb",
        "system",
        "system_gpu_mem_mb",
        "GPU memory" / "GPU 메모리",
        "MB",
        LowerIsBetter,
        (0.0, INF),
        WeightedMean,
        0,
        "GPU memory in use." / "사용 중인 GPU 메모리입니다."
    ),
    metric!(
        "cpu_util",
        "system",
        "system_cpu_util",
        "CPU" / "CPU",
        "%",
        Neither,
        (0.0, 100.0),
        WeightedMean,
        0,
        "Share of processor time in use, all cores together." / "전체 코어 기준 CPU 사용률입니다."
    ),
    metric!(
        "accuracy_drop",
        "comparison",
        "comparison_accuracy_drop",
        "Accuracy drop" / "정확도 하락",
        "",
        LowerIsBetter,
        (-1.0, 1.0),
        WeightedMean,
        3,
        "Loss of accuracy against the reference model." / "기준 모델 대비 정확도 손실입니다."
    ),
    metric!(
        "speedup_ratio",
        "comparison",
        "comparison_speedup_ratio",
        "Speed-up" / "속도 향상",
        "×",
        HigherIsBetter,
        (0.0, INF),
        WeightedMean,
        2,
        "Speed in relation to the reference model." / "기준 모델 대비 속도의 비율입니다."
    ),
    metric!(
        "compression_ratio",
        "comparison",
        "comparison_compression_ratio",
        "Compression" / "압축률",
        "×",
        HigherIsBetter,
        (0.0, INF),
        WeightedMean,
        2,
        "Size of the reference model in relation to this one." / "이 모델 대비 기준 모델의 크기입니다."
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
    pub fn assumed(key: &str) -> Self {
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
            definition: Cow::Borrowed("Brought by the records; direction assumed from the name."),
            definition_ko: Cow::Borrowed("레코드에 포함된 지표이며 방향은 이름으로 추정했습니다."),
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
    pub fn smallest_effect(&self) -> Effect {
        self.effect.unwrap_or(match self.range {
            (0.0, 1.0) => Effect::Size(0.005),
            _ if self.key == "mota" => Effect::Size(0.005),
            _ if self.unit == "%" => Effect::Size(2.0),
            _ => Effect::Share(0.02),
        })
    }

    /// Whether a change from `base` is large enough to matter. Of an unknown base no share can be taken: then it is.
    #[must_use]
    pub fn matters(&self, delta: f64, base: Option<f64>) -> bool {
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
    const LOWER: [&str; 16] = [
        "loss", "error", "err", "mse", "rmse", "mae", "mape", "time", "latency", "ms", "drop", "fppi", "eer",
        "switches", "misses", "wer",
    ];
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
    let words = || leaf.split(['_', '-', '.', ' ']).map(|w| w.trim_end_matches(|c: char| c.is_ascii_digit()));
    if words().any(|w| LOWER.contains(&w)) {
        Direction::LowerIsBetter
    } else if words().any(|w| HIGHER.contains(&w)) || HIGHER.contains(&leaf) {
        Direction::HigherIsBetter
    } else {
        Direction::Neither
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_any_case_and_with_a_dash() {
        for (text, key) in
            [("map50", "mAP50"), ("MAP50-95", "mAP50_95"), ("HOTA", "hota"), ("Inference_Time_MS", "inference_time_ms")]
        {
            assert_eq!(built_in(text).map(|i| &*CATALOGUE[i].key), Some(key));
        }
        assert_eq!(built_in("mse"), None);
    }

    #[test]
    fn directions_of_strangers_follow_the_name_rule() {
        let of = |k: &str| Metric::assumed(k).direction;
        assert_eq!(of("val_loss"), Direction::LowerIsBetter);
        assert_eq!(of("test_total_time"), Direction::LowerIsBetter);
        assert_eq!(of("custom.mse"), Direction::LowerIsBetter);
        assert_eq!(of("top1_acc"), Direction::HigherIsBetter);
        assert_eq!(of("mAP75"), Direction::HigherIsBetter);
        assert_eq!(of("epoch"), Direction::Neither);
    }

    #[test]
    fn the_smallest_change_that_matters_follows_from_range_and_unit() {
        let of = |key: &str, base: f64| built_in(key).map(|i| CATALOGUE[i].smallest_effect().of(base));
        for key in ["mAP50", "mAP50_95", "precision", "recall", "mota", "idf1", "hota"] {
            assert_eq!(of(key, 0.8), Some(0.005), "{key}");
        }
        assert_eq!((of("gpu_util", 60.0), of("cpu_util", 1.0)), (Some(2.0), Some(2.0)), "points, not per cent of them");
        assert_eq!((of("inference_time_ms", 20.0), of("fps", 50.0)), (Some(0.4), Some(1.0)));
        assert_eq!(of("accuracy_drop", -0.5), Some(0.01), "2 % of the size of a value below zero");
        let own = Metric { effect: Some(Effect::Share(0.1)), ..CATALOGUE[0].clone() };
        assert_eq!(own.smallest_effect().of(0.5), 0.05, "what was written down comes first");
    }

    #[test]
    fn a_change_as_large_as_the_smallest_matters() {
        let metric = |key: &str| built_in(key).map(|i| CATALOGUE[i].clone()).expect("built in");
        assert!(metric("mAP50").matters(0.805 - 0.8, Some(0.8)) && !metric("mAP50").matters(-0.0049, Some(0.8)));
        assert!(metric("inference_time_ms").matters(-0.4, Some(20.0)));
        assert!(!metric("inference_time_ms").matters(0.39, Some(20.0)));
        assert!(metric("inference_time_ms").matters(0.01, None), "of nothing known no share can be taken");
        assert!(!metric("gpu_util").matters(1.9, Some(60.0)) && metric("gpu_util").matters(2.0, None));
    }

    #[test]
    fn a_change_is_read_by_direction() {
        assert_eq!(Direction::HigherIsBetter.read(-0.1), Change::Worse);
        assert_eq!(Direction::LowerIsBetter.read(-3.0), Change::Better);
        assert_eq!(Direction::Neither.read(5.0), Change::Neutral);
        assert_eq!(Direction::HigherIsBetter.read(0.0), Change::Neutral);
    }

    #[test]
    fn catalogue_columns_are_group_and_lower_case_key() {
        for m in &CATALOGUE {
            assert_eq!(m.column, format!("{}_{}", m.group, m.key.to_ascii_lowercase()));
            assert!(m.range.0 < m.range.1 && m.definition.ends_with('.') && !m.definition_ko.is_empty());
        }
    }
}
