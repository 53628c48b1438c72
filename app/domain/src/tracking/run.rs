//! What is known of an experiment and of a run.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::id::{ExperimentId, RunId};
use crate::time::Millis;

/// Text that many runs share, such as the name of a parameter.
pub type Text = Arc<str>;

/// Whether somebody deleted it. MLflow keeps what was deleted until it is swept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    #[default]
    Active,
    Deleted,
}

/// What a run says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunStatus {
    Running,
    Scheduled,
    Finished,
    Failed,
    Killed,
}

impl RunStatus {
    pub const ALL: [Self; 5] = [Self::Running, Self::Scheduled, Self::Finished, Self::Failed, Self::Killed];

    /// As MLflow writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Scheduled => "SCHEDULED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }

    /// Its place in [`RunStatus::ALL`].
    #[must_use]
    pub fn place(self) -> usize {
        self as usize
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }

    /// Whether nothing more is expected of it.
    #[must_use]
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::Scheduled)
    }
}

/// An experiment: runs that somebody wants to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experiment {
    pub id: ExperimentId,
    pub name: Text,
    pub lifecycle: Lifecycle,
    pub artifact_location: Text,
    pub created: Option<Millis>,
    pub updated: Option<Millis>,
    /// By key; each key once.
    pub tags: Vec<(Text, Text)>,
}

/// The last value of a metric of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunMetric {
    pub key: Text,
    /// NaN is a value here. MLflow keeps infinities as the largest finite numbers, [`f64::MAX`] and its negative. Written as a text: JSON's
    /// readers may miss the last digit of a number, and what is kept has to be what was read.
    #[serde(serialize_with = "number::exactly", deserialize_with = "number::deserialize")]
    pub value: f64,
    pub step: i64,
    pub timestamp: Millis,
    /// What its whole history holds, where that was at hand.
    pub extremes: Option<Extremes>,
}

/// Smallest and largest value of a history, NaN left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Extremes {
    pub min: f64,
    pub max: f64,
    /// How many points there are.
    pub points: u64,
}

/// A value of a metric as text that programs read back: all of its digits, `NaN`, and for what MLflow keeps in the place of infinities
/// `Infinity` or `-Infinity`.
#[must_use]
pub fn exact_text(x: f64) -> String {
    if x.is_nan() {
        "NaN".to_owned()
    } else if is_infinite(x) {
        if x > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else if x != 0.0 && !(1e-7..1e17).contains(&x.abs()) {
        format!("{x:e}")
    } else {
        x.to_string()
    }
}

/// Whether a value is infinite, if only because MLflow says so with the largest finite number.
#[must_use]
pub fn is_infinite(x: f64) -> bool {
    x.abs() >= f64::MAX
}

/// A dataset that a run read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInput {
    pub name: Text,
    pub digest: Text,
    /// What it was read for, such as `training`; empty where nobody said.
    pub context: Text,
    /// Where it came from, as MLflow writes it.
    pub source: Text,
}

/// A run, without the history of its metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub experiment: ExperimentId,
    pub name: Text,
    pub user: Text,
    pub status: RunStatus,
    pub start: Option<Millis>,
    pub end: Option<Millis>,
    pub artifact_uri: Text,
    pub lifecycle: Lifecycle,
    /// By key; each key once.
    pub metrics: Vec<RunMetric>,
    /// By key; each key once.
    pub params: Vec<(Text, Text)>,
    /// By key; each key once.
    pub tags: Vec<(Text, Text)>,
    pub datasets: Vec<DatasetInput>,
}

impl Run {
    #[must_use]
    pub fn metric(&self, key: &str) -> Option<&RunMetric> {
        self.metrics.binary_search_by(|m| (*m.key).cmp(key)).ok().and_then(|i| self.metrics.get(i))
    }

    #[must_use]
    pub fn param(&self, key: &str) -> Option<&str> {
        lookup(&self.params, key)
    }

    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        lookup(&self.tags, key)
    }

    /// Puts everything in the order that [`Run::metric`], [`Run::param`] and [`Run::tag`] count on, and keeps the last of equal keys.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        sort_last_wins(&mut self.metrics, |m| m.key.clone());
        sort_last_wins(&mut self.params, |p| p.0.clone());
        sort_last_wins(&mut self.tags, |t| t.0.clone());
        self
    }
}

/// The value of a key in pairs that are sorted by key.
#[must_use]
pub fn lookup<'a>(pairs: &'a [(Text, Text)], key: &str) -> Option<&'a str> {
    pairs.binary_search_by(|(k, _)| (**k).cmp(key)).ok().and_then(|i| pairs.get(i)).map(|(_, value)| &**value)
}

fn sort_last_wins<T>(items: &mut Vec<T>, key: impl Fn(&T) -> Text) {
    // Stable: of equal keys the last one given comes first.
    items.reverse();
    items.sort_by_key(&key);
    items.dedup_by_key(|item| key(item));
}

/// One point of the history of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    pub step: i64,
    pub timestamp: Millis,
    #[serde(with = "number")]
    pub value: f64,
}

/// A model that a run logged (MLflow 3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoggedModel {
    pub id: Text,
    pub name: Text,
    /// As MLflow writes it, without its prefix, such as `READY`.
    pub status: Text,
    pub kind: Text,
    pub created: Option<Millis>,
}

/// A version of a registered model that was made from a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MadeVersion {
    pub model: Text,
    pub version: Text,
}

/// Numbers with NaN and infinities, as texts where JSON has no number for them.
mod number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[cfg_attr(target_pointer_width = "64", expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature"))]
    pub fn serialize<S: Serializer>(value: &f64, s: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { s.serialize_f64(*value) } else { s.collect_str(value) }
    }

    #[cfg_attr(target_pointer_width = "64", expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature"))]
    pub fn exactly<S: Serializer>(value: &f64, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{value:e}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Number {
            Number(f64),
            Text(String),
        }
        match Number::deserialize(d)? {
            Number::Number(x) => Ok(x),
            Number::Text(t) => t.parse().map_err(|_| D::Error::custom("no number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_text_has_no_hundreds_of_digits_and_says_what_is_infinite() {
        for (x, text) in [
            (0.1 + 0.2, "0.30000000000000004"),
            (-2.0, "-2"),
            (1e-9, "1e-9"),
            (1e300, "1e300"),
            (f64::MAX, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(exact_text(x), text);
            assert!(text.parse::<f64>().is_ok_and(|y| y == x || x.is_nan() || is_infinite(x)), "{text}");
        }
    }

    #[test]
    fn of_equal_keys_the_last_counts_and_keys_are_found() {
        let text = |t: &str| Text::from(t);
        let metric =
            |key: &str, value| RunMetric { key: text(key), value, step: 0, timestamp: Millis(0), extremes: None };
        let run = Run {
            id: RunId::parse("a").expect("an id"),
            experiment: ExperimentId::parse("1").expect("an id"),
            name: text("n"),
            user: text("u"),
            status: RunStatus::Finished,
            start: None,
            end: None,
            artifact_uri: text(""),
            lifecycle: Lifecycle::Active,
            metrics: vec![metric("z", f64::NAN), metric("a", 1.0), metric("a", 2.0)],
            params: vec![(text("lr"), text("1")), (text("b"), text("2")), (text("lr"), text("3"))],
            tags: vec![],
            datasets: vec![],
        }
        .sorted();
        assert_eq!((run.metric("a").map(|m| m.value), run.param("lr"), run.tag("x")), (Some(2.0), Some("3"), None));
        let json = serde_json::to_string(&run).expect("JSON");
        let read: Run = serde_json::from_str(&json).expect("a run");
        assert!(read.metric("z").is_some_and(|m| m.value.is_nan()) && read.params == run.params, "{json}");
        // What was kept as a number is read too.
        let old = json.replace("\"2e0\"", "2.0");
        assert!(
            old != json && serde_json::from_str::<Run>(&old).is_ok_and(|r| r.metric("a") == run.metric("a")),
            "{old}"
        );
    }

    #[test]
    fn a_value_that_is_kept_has_all_of_its_digits() {
        let mut bits = 0x3fe8_1b6d_2a4c_9f01_u64;
        for _ in 0..10_000 {
            // Numbers between 0 and 1, as metrics are.
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = (bits >> 11) as f64 / (1u64 << 53) as f64;
            let metric = RunMetric { key: Text::from("a"), value, step: 0, timestamp: Millis(0), extremes: None };
            let json = serde_json::to_string(&metric).expect("JSON");
            let read: RunMetric = serde_json::from_str(&json).expect("a metric");
            assert_eq!(read.value.to_bits(), value.to_bits(), "{json}");
        }
        for value in [f64::INFINITY, f64::MAX, f64::MIN_POSITIVE, -0.0] {
            let metric = RunMetric { key: Text::from("a"), value, step: 0, timestamp: Millis(0), extremes: None };
            let read: RunMetric =
                serde_json::from_str(&serde_json::to_string(&metric).expect("JSON")).expect("a metric");
            assert_eq!(read.value.to_bits(), value.to_bits());
        }
    }
}
