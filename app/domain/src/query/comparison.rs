//! Models side by side.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metrics::MetricSelection;
use crate::{
    metric::Metric,
    model::{ModelKey, ModelLink, RegisteredModel},
    scope::{Model, Place, Scope},
    text::Name,
    time::{Millis, TimeRange},
};

/// How the models of a scope did side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonQuery {
    pub scope: Scope,
    pub range: TimeRange,
    /// About which metrics.
    pub metrics: MetricSelection,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub scope: Scope,
    pub from: Millis,
    pub to: Millis,
    pub as_of: Millis,
    pub simulated: bool,
    /// By number of records, most first.
    pub models: Vec<ModelSummary>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// As its records say; `None` where they say nothing, or not the same.
    pub architecture: Option<String>,
    pub version: Option<String>,
    /// The version of a registry that its records belong to, where one is known.
    pub registered_model: Option<String>,
    pub registered_version: Option<String>,
    /// How it is known which model its records belong to.
    pub links: Vec<ModelLink>,
    pub n: u64,
    /// In how many zones it ran.
    pub zones: u32,
    pub first: Millis,
    pub last: Millis,
    /// The devices on which it ran, as far as its records name one.
    pub devices: Vec<String>,
    pub metrics: BTreeMap<String, ModelMetric>,
}

impl ModelSummary {
    /// The model that it is about; `None` where its records name none.
    #[must_use]
    pub fn key(&self) -> Option<ModelKey> {
        let name = |t: &Option<String>| t.as_deref().and_then(|t| Name::parse_stored(t).ok());
        if let Some(model) = name(&self.registered_model) {
            return Some(ModelKey::Registered(RegisteredModel {
                name: model,
                version: name(&self.registered_version),
            }));
        }
        Some(Model { architecture: name(&self.architecture)?, version: name(&self.version) }.into())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelMetric {
    pub value: Option<f64>,
    pub n: u64,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    /// As in [`MetricSummary`].
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub devices: Vec<String>,
}

/// How each model did in each zone: what comparisons are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldReport {
    pub as_of: Millis,
    pub simulated: bool,
    /// The metrics asked about that any row has, in order; aggregates follow it.
    pub metrics: Vec<Metric>,
    /// As [`Summary::present`].
    pub present: Vec<String>,
    pub cells: Vec<FieldCell>,
}

/// One model in one zone.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldCell {
    pub place: Place,
    /// `None` where rows name none.
    pub model: Option<ModelKey>,
    pub n: u64,
    pub first: Millis,
    pub last: Millis,
    /// UTC days with rows of the range.
    pub days: std::collections::BTreeSet<crate::time::Day>,
    /// Devices named by its rows; an empty text where a row names none.
    pub devices: std::collections::BTreeSet<Box<str>>,
    /// By [`FieldReport::metrics`].
    pub values: Vec<crate::aggregate::Aggregate>,
}
