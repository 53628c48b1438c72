//! The rows themselves.

use serde::{Deserialize, Serialize};

use crate::{
    model::ModelKey,
    scope::Scope,
    time::{Millis, TimeRange},
    tracking::RunId,
};

/// Which rows are behind a number: newest first, `take` of them after `skip`.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordsQuery {
    pub scope: Scope,
    pub model: Option<ModelKey>,
    /// Only rows that name this run.
    pub run: Option<RunId>,
    /// Only rows that have this metric.
    pub metric: Option<String>,
    pub range: TimeRange,
    pub skip: usize,
    pub take: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Records {
    pub scope: Scope,
    pub from: Millis,
    pub to: Millis,
    pub as_of: Millis,
    /// Rows there are, also those on other pages.
    pub total: u64,
    pub simulated: bool,
    /// The metrics whose values the rows give, in order.
    pub metrics: Vec<String>,
    pub rows: Vec<RecordRow>,
}

/// One stored row, with where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordRow {
    pub timestamp: Millis,
    pub customer: String,
    pub site: Option<String>,
    pub zone: Option<String>,
    pub task: String,
    pub experiment_type: Option<String>,
    pub architecture: Option<String>,
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registered_model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registered_version: Option<String>,
    pub device: Option<String>,
    pub run_id: Option<String>,
    pub samples: Option<f64>,
    /// By [`Records::metrics`].
    pub values: Vec<Option<f64>>,
    /// The file or interface through which it came, and the line in it.
    pub source: Option<String>,
    pub line: Option<i64>,
    pub received_at: Option<Millis>,
    pub simulated: bool,
}
