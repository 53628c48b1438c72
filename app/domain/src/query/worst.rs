//! Where one metric is worst.

use serde::{Deserialize, Serialize};

use crate::{
    metric::Direction,
    model::ModelKey,
    scope::{Place, Scope},
    text::Name,
    time::{Millis, TimeRange},
};

/// Where one metric is worst, by zone and device.
#[derive(Debug, Clone, PartialEq)]
pub struct WorstZonesQuery {
    pub scope: Scope,
    pub model: Option<ModelKey>,
    pub metric: String,
    pub range: TimeRange,
    /// How many rows at most.
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstZones {
    pub scope: Scope,
    pub metric: String,
    pub unit: String,
    pub direction: Direction,
    /// Which quantile `tail` is: 0.95, or 0.05 where more is better.
    pub quantile: f64,
    pub from: Millis,
    pub to: Millis,
    pub as_of: Millis,
    pub simulated: bool,
    /// Worst first.
    pub rows: Vec<WorstZone>,
    /// How many there are in all.
    pub of: usize,
}

/// A zone on one device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstZone {
    #[serde(flatten)]
    pub place: Place,
    pub device: Option<Name>,
    /// The quantile over records that [`WorstZones::quantile`] names.
    pub tail: f64,
    pub p50: f64,
    /// The mean weighted by samples.
    pub value: f64,
    /// Records.
    pub n: u64,
    pub simulated: bool,
}
