//! What a run can be filtered, sorted, grouped and shown by: a metric, a parameter, a tag or an attribute.

use std::fmt;

use super::run::{Run, RunMetric, RunStatus, Text};
use crate::time::Millis;

/// What every run has, by MLflow's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    RunId,
    RunName,
    Status,
    StartTime,
    EndTime,
    /// From start to end, in ms; ours, not MLflow's. None while the run runs.
    Duration,
    UserId,
    ArtifactUri,
    ExperimentId,
}

impl Attribute {
    pub const ALL: [Self; 9] = [
        Self::RunId,
        Self::RunName,
        Self::Status,
        Self::StartTime,
        Self::EndTime,
        Self::Duration,
        Self::UserId,
        Self::ArtifactUri,
        Self::ExperimentId,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunId => "run_id",
            Self::RunName => "run_name",
            Self::Status => "status",
            Self::StartTime => "start_time",
            Self::EndTime => "end_time",
            Self::Duration => "duration",
            Self::UserId => "user_id",
            Self::ArtifactUri => "artifact_uri",
            Self::ExperimentId => "experiment_id",
        }
    }

    /// By its name, or by one that MLflow also takes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "created" | "Created" => Some(Self::StartTime),
            "run name" | "Run name" | "Run Name" => Some(Self::RunName),
            "user" => Some(Self::UserId),
            _ => Self::ALL.into_iter().find(|a| a.as_str() == text),
        }
    }

    /// Whether its values are numbers.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Self::StartTime | Self::EndTime | Self::Duration)
    }

    #[must_use]
    pub fn value(self, run: &Run) -> Option<Value<'_>> {
        match self {
            Self::RunId => Some(Value::Text(run.id.as_str())),
            Self::RunName => Some(Value::Text(&run.name)),
            Self::Status => Some(Value::Status(run.status)),
            Self::StartTime => run.start.map(Value::Time),
            Self::EndTime => run.end.map(Value::Time),
            Self::Duration => Some(Value::Number(run.end?.0.checked_sub(run.start?.0)? as f64)),
            Self::UserId => Some(Value::Text(&run.user)),
            Self::ArtifactUri => Some(Value::Text(&run.artifact_uri)),
            Self::ExperimentId => Some(Value::Text(run.experiment.as_str())),
        }
    }
}

/// Which of the values that a metric had over a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reading {
    #[default]
    Last,
    Min,
    Max,
    /// The smallest or the largest, by the metric's direction.
    Best,
}

impl Reading {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Min => "min",
            Self::Max => "max",
            Self::Best => "best",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Last, Self::Min, Self::Max, Self::Best].into_iter().find(|r| r.as_str() == text)
    }

    /// The value, and whether it is what was asked for: without a history at hand the last value stands in. The best one is
    /// settled before ([`super::RunMetricNames::settled`]); else it is the largest.
    #[must_use]
    pub fn of(self, metric: &RunMetric) -> (f64, bool) {
        match (self, metric.extremes) {
            (Self::Last, _) => (metric.value, true),
            (Self::Min, Some(e)) => (e.min, true),
            (Self::Max | Self::Best, Some(e)) => (e.max, true),
            (_, None) => (metric.value, false),
        }
    }
}

/// Something that runs have a value of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    Attribute(Attribute),
    Metric(Text, Reading),
    Param(Text),
    Tag(Text),
}

/// A value of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Number(f64),
    Text(&'a str),
    Time(Millis),
    Status(RunStatus),
}

impl Column {
    /// The last value of a metric.
    #[must_use]
    pub fn metric(key: &str) -> Self {
        Self::Metric(key.into(), Reading::Last)
    }

    #[must_use]
    pub fn param(key: &str) -> Self {
        Self::Param(key.into())
    }

    #[must_use]
    pub fn tag(key: &str) -> Self {
        Self::Tag(key.into())
    }

    /// The metric, parameter or tag that it is about; of an attribute its name.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Attribute(a) => a.as_str(),
            Self::Metric(key, _) | Self::Param(key) | Self::Tag(key) => key,
        }
    }

    /// What a run has of it.
    #[must_use]
    pub fn value<'a>(&self, run: &'a Run) -> Option<Value<'a>> {
        match self {
            Self::Attribute(a) => a.value(run),
            Self::Metric(key, reading) => run.metric(key).map(|m| Value::Number(reading.of(m).0)),
            Self::Param(key) => run.param(key).map(Value::Text),
            Self::Tag(key) => run.tag(key).map(Value::Text),
        }
    }
}

/// As filters, sort orders and lists of columns write it: `metrics.f1`, `best(metrics.f1)`, ``params.`learning rate` ``, `attributes.status`.
impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(a) => write!(f, "attributes.{}", a.as_str()),
            Self::Metric(key, Reading::Last) => write!(f, "metrics.{}", Key(key)),
            Self::Metric(key, reading) => write!(f, "{}(metrics.{})", reading.as_str(), Key(key)),
            Self::Param(key) => write!(f, "params.{}", Key(key)),
            Self::Tag(key) => write!(f, "tags.{}", Key(key)),
        }
    }
}

/// A key as it is written: between back-ticks where it has other than plain characters; a back-tick within is written twice.
pub(super) struct Key<'a>(pub &'a str);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = !self.0.is_empty() && self.0.chars().all(is_key_char);
        if plain { f.write_str(self.0) } else { write!(f, "`{}`", self.0.replace('`', "``")) }
    }
}

/// Characters of keys and words that need no quotes.
pub(super) fn is_key_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '@' | '#' | '%' | '+')
}
