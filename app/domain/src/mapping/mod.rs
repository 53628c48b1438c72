//! How what others wrote becomes records: which value of a document is which field or metric, in which unit, and what is said of
//! all of them. Read from `sources.yaml`; a run of MLflow is one kind of document, and others can join under the same rules.

mod path;
mod run;
#[cfg(test)]
mod tests;
mod unit;

use std::collections::BTreeMap;

pub use self::{
    path::{JsonPath, PathError, PathFault, PathStep},
    run::{RUN_ROOTS, RunDocument, RunParts, UnfoundRule, is_reserved_group},
    unit::{Conversion, Dimension, Unit},
};

/// All mappings of `sources.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SourceMappings {
    pub mlflow: RunMapping,
}

/// How runs of MLflow become records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RunMapping {
    /// Whether a server takes them by itself, as they come.
    pub import: bool,
    /// Names of experiments, in which `*` stands for any text; all when empty.
    pub experiments: Vec<String>,
    pub record: RecordMapping,
}

impl RunMapping {
    /// Whether the runs of an experiment are taken.
    #[must_use]
    pub fn takes(&self, experiment: &str) -> bool {
        self.experiments.is_empty() || self.experiments.iter().any(|pattern| fits(pattern, experiment))
    }
}

/// Which value of a document is what of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RecordMapping {
    /// By the name of the field: texts, and `samples` and `simulated`.
    pub fields: BTreeMap<String, FieldRule>,
    /// By `group.leaf`.
    pub metrics: BTreeMap<MetricKey, MetricRule>,
    /// Which metrics are taken under their own names that no rule of `metrics` has taken.
    pub others: OtherMetrics,
}

/// A metric of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricKey {
    pub group: String,
    pub leaf: String,
}

/// Where the value of a field is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldRule {
    pub from: Origin,
    /// What is written for a value that is found, such as the fleet's name of a site.
    pub values: BTreeMap<String, String>,
    /// What holds where nothing is found.
    pub default: Option<String>,
}

/// Where the value of a metric is: the first of these that is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetricRule(pub Vec<MetricOrigin>);

/// A value of a metric.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MetricOrigin {
    /// Where it is, and how it comes into the metric's own unit.
    Path(JsonPath, Option<Conversion>),
    /// It is the same everywhere; a number as it was written.
    Constant(String),
}

/// Where the text of a field comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The first of these that is there.
    Paths(Vec<JsonPath>),
    /// It is the same everywhere.
    Constant(String),
}

/// Metrics without a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum OtherMetrics {
    #[default]
    All,
    None,
    /// Those whose names fit one of these, in which `*` stands for any text.
    Like(Vec<String>),
}

impl OtherMetrics {
    fn takes(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Like(patterns) => patterns.iter().any(|pattern| fits(pattern, name)),
        }
    }
}

/// Whether a name fits a pattern, in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    // Without a star nothing may follow; the part behind the last star stands at the end.
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
