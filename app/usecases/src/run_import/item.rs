//! What is remembered of a run that was imported.

use domain::record::RecordIdentity;
use serde::{Deserialize, Serialize};

/// How a run was when it was looked at last, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemState {
    /// Fingerprint of the run and of the mapping: the same again needs no work.
    pub seen: String,
    /// The record that counts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<WrittenRecord>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused: Option<WrittenRefusal>,
}

/// Which record a run has, and a fingerprint of what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenRecord {
    pub identity: RecordIdentity,
    pub content: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenRefusal {
    pub code: String,
    pub message: String,
}

impl ItemState {
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub fn of_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
