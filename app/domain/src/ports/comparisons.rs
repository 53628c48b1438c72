//! The port of registered comparisons: what was registered, on which days somebody looked, the verdicts that stay, and what models are judged
//! by.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    evidence::{Judgement, ModelPolicy, Registration},
    time::{Day, Millis},
};

/// The number of a registered comparison; later ones are larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ComparisonId(pub i64);

/// A registered comparison as it is kept. The registration itself never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptComparison {
    pub id: ComparisonId,
    pub registration: Registration,
    /// The one whose place it took.
    pub supersedes: Option<ComparisonId>,
    /// The one that took its place; `None` while it is in force.
    pub superseded_by: Option<ComparisonId>,
    /// On how many UTC days somebody looked.
    pub looks: u32,
    /// The last of these days.
    pub last_look: Option<Day>,
    /// Made once, at the horizon.
    pub verdict: Option<KeptVerdict>,
}

/// A verdict that stays.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptVerdict {
    pub judgement: Judgement,
    pub made: Millis,
}

/// What became of a registration.
#[derive(Debug, Clone, PartialEq)]
pub enum RegisterOutcome {
    New(ComparisonId),
    /// Another one of the same question is in force, which it does not supersede; nothing was kept.
    InForce(Box<KeptComparison>),
}

/// The policy of a model, and who set it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptPolicy {
    /// The key of [`crate::model::ModelKey::any_version`].
    pub model: String,
    pub policy: ModelPolicy,
    pub changed: Millis,
    /// The name of the actor.
    pub changed_by: String,
}

/// Keeps comparisons. Of one question ([`Registration::question`]) at most one is in force: the newest of a chain in which each supersedes the
/// one before.
#[async_trait]
pub trait Comparisons: Send + Sync {
    /// The comparison of a question that is in force.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn in_force(&self, question: &str) -> Result<Option<KeptComparison>>;
    /// # Errors
    /// As [`Comparisons::in_force`].
    async fn comparison(&self, id: ComparisonId) -> Result<Option<KeptComparison>>;
    /// All of them, superseded ones too, newest first.
    ///
    /// # Errors
    /// As [`Comparisons::in_force`].
    async fn comparisons(&self) -> Result<Vec<KeptComparison>>;
    /// Keeps a registration, in place of the one that it supersedes. Of two at the same time one is kept, and the other is told so.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn register(&self, registration: &Registration, supersedes: Option<ComparisonId>) -> Result<RegisterOutcome>;
    /// Notes that somebody looked on a UTC day: once a day, however often. One that is unknown is no error.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn note_look(&self, id: ComparisonId, day: Day) -> Result<()>;
    /// Keeps a verdict, unless there is one already, and answers with the one that stays.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written; `NotFound` for a comparison that there is none of.
    async fn keep_verdict(&self, id: ComparisonId, judgement: &Judgement, at: Millis) -> Result<KeptVerdict>;
    /// What was set for a model; `None` where nobody set anything.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn policy(&self, model: &str) -> Result<Option<KeptPolicy>>;
    /// All that was set, by model.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn policies(&self) -> Result<Vec<KeptPolicy>>;
    /// Sets the policy of a model, in place of the one that was changed at `seen` last (`None`: of none). Answers false, and changes nothing, where
    /// another one is there.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn set_policy(&self, new: &KeptPolicy, seen: Option<Millis>) -> Result<bool>;
}
