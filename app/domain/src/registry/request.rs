//! Requests to promote, which somebody else approves or rejects.

use serde::{Deserialize, Serialize};

use super::{
    kept_evidence::KeptEvidence,
    names::{ModelName, Version},
    operation::OperationId,
    sentences,
};
use crate::{
    error::{Error, Result},
    evidence::Target,
    time::Millis,
};

/// The longest reason or comment, in bytes.
pub const MAX_REASON: usize = 4_000;

/// Why somebody does something: text of at least one visible character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

impl Reason {
    /// # Errors
    /// `BadInput` for an empty one, and for more than [`MAX_REASON`] bytes.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if !text.chars().any(|c| !c.is_whitespace() && !c.is_control()) {
            return Err(Error::bad_input(sentences::no_reason()).at("reason"));
        }
        if text.len() > MAX_REASON {
            return Err(Error::bad_input(sentences::long_reason(MAX_REASON)).at("reason"));
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

/// The number of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub i64);

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromotionRequest {
    pub model: ModelName,
    pub version: Version,
    pub to: Target,
    /// The champion that the asker saw.
    pub expected: Option<Version>,
    pub asked_by: String,
    pub reason: Reason,
    pub asked: Millis,
    /// From then on nobody can approve it.
    pub expires: Millis,
    /// What was known when it was asked.
    pub evidence: Option<KeptEvidence>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum RequestState {
    Open,
    Approved {
        by: String,
        at: Millis,
        comment: String,
        operation: OperationId,
    },
    Rejected {
        by: String,
        at: Millis,
        comment: String,
    },
    /// Its asker took it back.
    Withdrawn {
        at: Millis,
    },
    Expired,
}

impl RequestState {
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}
