//! What the versions of a model are judged by where nobody says otherwise.

use serde::{Deserialize, Serialize};

use super::{judgement::Verdict, rails::GuardRails, registration::DEFAULT_DAYS, sentences};
use crate::{
    error::{Error, Result},
    scope::clip_text,
};

/// How long a request can be approved where nobody says otherwise, in days.
pub const DEFAULT_REQUEST_DAYS: i64 = 7;

/// The policy of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelPolicy {
    pub rails: GuardRails,
    /// For how many days a comparison runs that its first look registers.
    pub days: i64,
    /// What evidence means for a promotion to production.
    pub promotion: PromotionRule,
    /// Where a promotion needs somebody else's approval.
    pub approval: Vec<Target>,
    /// How long a request can be approved, in days.
    pub request_days: i64,
}

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

/// What evidence means for a promotion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromotionRule {
    /// It advises.
    #[default]
    Advise,
    /// It has to speak for the promotion, or somebody says why it need not.
    Require,
    /// Where it speaks against the promotion, a second person has to approve it.
    Second,
}

impl PromotionRule {
    pub const ALL: [Self; 3] = [Self::Advise, Self::Require, Self::Second];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Advise => "advise",
            Self::Require => "require",
            Self::Second => "second",
        }
    }
}

impl ModelPolicy {
    /// Whether nobody promotes to `target` without somebody else's approval.
    #[must_use]
    pub fn needs_approval(&self, target: Target) -> bool {
        self.approval.contains(&target)
    }

    /// Whether whoever approves a promotion has to be another person than whoever asked for it.
    #[must_use]
    pub fn needs_second(&self, target: Target, verdict: Option<Verdict>) -> bool {
        let opposed = matches!(verdict, Some(Verdict::Worse | Verdict::Unhealthy));
        self.needs_approval(target) || (self.promotion == PromotionRule::Second && opposed)
    }
}

impl Default for ModelPolicy {
    fn default() -> Self {
        Self {
            rails: GuardRails::default(),
            days: DEFAULT_DAYS,
            promotion: PromotionRule::Advise,
            approval: vec![],
            request_days: DEFAULT_REQUEST_DAYS,
        }
    }
}
