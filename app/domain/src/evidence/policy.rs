//! What the versions of a model are judged by where nobody says otherwise.

use serde::{Deserialize, Serialize};

use super::{rails::GuardRails, registration::DEFAULT_DAYS};

/// The policy of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelPolicy {
    pub rails: GuardRails,
    /// For how many days a comparison runs that its first look registers.
    pub days: i64,
}

impl Default for ModelPolicy {
    fn default() -> Self {
        Self { rails: GuardRails::default(), days: DEFAULT_DAYS }
    }
}
