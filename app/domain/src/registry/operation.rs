//! What somebody does to a model through us, and what became of it.

use serde::{Deserialize, Serialize};

use super::{
    names::{ModelName, Version},
    standing::Standing,
};
use crate::{
    error::{Error, Result, Sentence},
    scope::clip_text,
    sentences,
    time::Millis,
};

/// The number of an operation; later ones are larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationId(pub i64);

/// Where a promotion leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The stage `Staging`.
    Staging,
    /// The alias `champion` and the stage `Production` together.
    Production,
}

impl Target {
    pub const ALL: [Self; 2] = [Self::Staging, Self::Production];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Reads `staging`, `production`, and `champion`, which means production.
    ///
    /// # Errors
    /// Names the three.
    pub fn parse(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "staging" => Ok(Self::Staging),
            "production" | "champion" => Ok(Self::Production),
            _ => Err(Error::bad_input(sentences::bad_target(clip_text(text))).at("to")),
        }
    }
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    Promote(Target),
    RollBack,
    /// Names the version that is to become the champion.
    SetChallenger,
    /// Makes the stage `Production` that of the champion and of nobody else.
    Repair,
}

impl OperationKind {
    /// Whether it may move the champion.
    #[must_use]
    pub fn moves_champion(self) -> bool {
        matches!(self, Self::Promote(Target::Production) | Self::RollBack)
    }
}

/// Something that was begun. It is written down before the registry is asked for the first time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    pub model: ModelName,
    pub kind: OperationKind,
    /// The version that it is about.
    pub version: Version,
    /// What the registry said before.
    pub before: Standing,
    /// Where the alias `rollback` leads when the champion moves; `None` takes it away.
    pub rollback: Option<Version>,
    /// The name of whoever does it.
    pub actor: String,
    pub reason: String,
    pub begun: Millis,
}

impl Operation {
    /// The champion that it begins with.
    #[must_use]
    pub fn expected(&self) -> Option<Version> {
        self.before.champion()
    }
}

/// How far an operation has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Begun; whether it was applied is decided by the registry.
    Pending,
    Ended(Outcome),
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub kind: OutcomeKind,
    /// Why, where it was not applied or did not end as it should.
    pub note: Option<Sentence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    Applied,
    /// The registry is as it was before.
    NotApplied,
    /// Somebody outside moved the champion while it ran.
    Overtaken,
}

impl OutcomeKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotApplied => "not_applied",
            Self::Overtaken => "overtaken",
        }
    }
}
