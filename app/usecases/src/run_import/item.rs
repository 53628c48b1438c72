//! What is remembered of a run that was imported.

use domain::record::RecordIdentity;
use serde::{Deserialize, Serialize};

/// How a run was when it was looked at last, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemState {
    /// Fingerprint of the run and of the mapping: the same again needs no work.
    pub seen: String,
    /// Fingerprint of the run alone.
    #[serde(default)]
    pub run: String,
    /// What that was before, the newest first: an older copy of the run is known by it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub earlier: Vec<String>,
    /// Since when the run is known to be as it is, in milliseconds UTC.
    #[serde(default)]
    pub since: i64,
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

/// So many earlier states of a run are remembered.
const EARLIER: usize = 4;

impl ItemState {
    /// What is remembered of a run that had these states before it came to this one.
    pub fn earlier_than(run: &str, known: Option<&Self>) -> Vec<String> {
        let before = known.into_iter().flat_map(|k| std::iter::once(&k.run).chain(&k.earlier));
        before.filter(|state| !state.is_empty() && *state != run).take(EARLIER).cloned().collect()
    }

    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub fn of_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
