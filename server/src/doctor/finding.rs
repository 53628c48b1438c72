//! What a check found.

use serde::Serialize;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    Ok,
    /// The server works; somebody should know all the same.
    Warning,
    /// The server does not start, or does not do what the settings ask for.
    Error,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// For programs; people read it with spaces.
    pub name: &'static str,
    pub state: CheckStatus,
    /// What was seen, with the thing that it was seen at.
    pub seen: String,
    /// What to do; absent when nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
}

impl Finding {
    pub(super) fn ok(name: &'static str, seen: impl Into<String>) -> Self {
        Self { name, state: CheckStatus::Ok, seen: seen.into(), cure: None }
    }
    pub(super) fn warning(name: &'static str, seen: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { name, state: CheckStatus::Warning, seen: seen.into(), cure: Some(cure.into()) }
    }
    pub(super) fn error(name: &'static str, seen: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { name, state: CheckStatus::Error, seen: seen.into(), cure: Some(cure.into()) }
    }
}
