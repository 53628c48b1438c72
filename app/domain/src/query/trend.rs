//! The course of one metric.

use serde::{Deserialize, Serialize};

use crate::{
    model::ModelKey,
    scope::{ModelTags, Scope},
    time::{Millis, Step, TimeRange},
};

/// How one metric moved.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendQuery {
    pub scope: Scope,
    pub model: Option<ModelKey>,
    pub metric: String,
    pub range: TimeRange,
    pub step: Step,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    pub scope: Scope,
    pub metric: String,
    pub unit: String,
    pub step: Step,
    pub from: Millis,
    pub to: Millis,
    pub as_of: Millis,
    pub simulated: bool,
    /// The devices on which the values were measured, as far as their records name one.
    pub devices: Vec<String>,
    /// Only steps with records, in order of time.
    pub points: Vec<TrendPoint>,
    /// First records of a model version in the scope within the range; at most twenty.
    pub changes: Vec<ModelChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrendPoint {
    /// The start of the step.
    pub t: Millis,
    pub value: f64,
    pub n: u64,
    pub min: f64,
    pub max: f64,
    pub p50: f64,
    pub p95: f64,
}

/// A model version that was not seen in the scope before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelChange {
    pub t: Millis,
    /// Its tags as they were first seen; empty for none.
    pub architecture: String,
    pub version: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registered_model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registered_version: Option<String>,
    /// In how many zones it appeared, until a day passed without another.
    pub zones: u32,
}

impl ModelChange {
    /// The model as people read it.
    #[must_use]
    pub fn name(&self) -> String {
        let (name, version) = match &self.registered_model {
            Some(name) => (name.as_str(), self.registered_version.as_deref()),
            None => (self.architecture.as_str(), Some(self.version.as_str())),
        };
        ModelTags { architecture: name, version }.to_string()
    }
}
