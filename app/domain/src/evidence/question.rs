//! What is asked of a comparison.

use serde::{Deserialize, Serialize};

use super::{registration::Registration, settings::SettingChange};
use crate::{metric::Metric, time::Millis};

/// What a judgement is about.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who, what and when; the design, the claims and the guard-rails are part of it.
    pub registration: Registration,
    /// The metrics of the cells, in their order; the primary is one of them.
    pub metrics: Vec<Metric>,
    /// What the records are of.
    pub basis: Basis,
    /// Settings that changed, whenever and wherever: those count that split what is compared.
    pub changes: Vec<SettingChange>,
    /// The moment of the look: later records do not count, nor those behind the horizon.
    pub as_of: Millis,
    /// How many days somebody looked, this one included.
    pub looks: u32,
}

/// What the compared values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Records of the field.
    #[default]
    Records,
    /// Metrics of runs, one each: nothing tells how they would scatter.
    RunsWithoutRepeats,
}
