//! What is fixed before anybody looks: who is compared with whom, by which metric, from when until when. The verdict is about this period, is
//! made once from records dated before its end, and stays; a registration is never edited but superseded.

use serde::{Deserialize, Serialize};

use super::{design::Design, rails::GuardRails, sentences};
use crate::{
    error::{Error, Result},
    model::ModelKey,
    scope::{ExperimentKind, Scope},
    text::Name,
    time::{DAY, Millis},
};

/// How long a comparison runs that its first look registered.
pub const DEFAULT_DAYS: i64 = 14;
/// A period is at least so long: with fewer days nothing is judged.
pub const LEAST_DAYS: i64 = 3;
/// Nobody waits longer.
pub const MOST_DAYS: i64 = 366;
/// One-sided, before the horizon and at it (Haybittle and Peto): with a look every day the two together call 2.5 % of nothing *better*.
pub const LEVEL_BEFORE: f64 = 0.0001;
pub const LEVEL_AT: f64 = 0.023;

/// Who registered a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisteredBy {
    /// A person or a program, by the name of its token.
    Actor(Name),
    /// Whoever looked first.
    FirstLook,
}

/// A registered comparison. It is kept as JSON: what a later version adds has a default, and what it does not know it passes over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    pub champion: ModelKey,
    pub challenger: ModelKey,
    /// Place, task and device. The type of records is no part of it: the champion's are production, the challenger's of any type.
    pub scope: Scope,
    /// The key of the metric that decides.
    pub primary: String,
    pub start: Millis,
    pub horizon: Millis,
    /// How much worse the primary may be, in its unit; by the rules where nobody said.
    #[serde(default)]
    pub margin: Option<f64>,
    /// The effect that the comparison was planned for, in the primary's unit.
    #[serde(default)]
    pub minimum_effect: Option<f64>,
    /// The challenger's records in relation to the champion's; by its first days where nobody said.
    #[serde(default)]
    pub share: Option<f64>,
    pub registered_at: Millis,
    pub registered_by: RegisteredBy,
    /// How the sides are set against each other; the one that fits where nobody said.
    #[serde(default)]
    pub design: Option<Design>,
    /// Keys of further metrics of which superiority is claimed together with the primary (Holm).
    #[serde(default)]
    pub claims: Vec<String>,
    /// The guard-rails in force when it was registered: who changes them later does not change what was agreed on.
    #[serde(default)]
    pub rails: GuardRails,
}

impl Registration {
    /// What a first look registers: from the challenger's first record, for so many days as the model's policy says ([`DEFAULT_DAYS`] where it says
    /// nothing; never fewer than are judged). These may be over already: then the verdict is made at once, and is that of the end of the period.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "each is one of its fields, and of its own type but two")]
    pub fn first_look(
        champion: ModelKey,
        challenger: ModelKey,
        scope: Scope,
        primary: &str,
        since: Millis,
        now: Millis,
        rails: GuardRails,
        days: i64,
    ) -> Self {
        Self {
            champion,
            challenger,
            scope: Scope { kind: ExperimentKind::All, ..scope },
            primary: primary.to_owned(),
            start: since,
            horizon: since.plus(days.clamp(LEAST_DAYS, MOST_DAYS) * DAY),
            margin: None,
            minimum_effect: None,
            share: None,
            registered_at: now,
            registered_by: RegisteredBy::FirstLook,
            design: None,
            claims: vec![],
            rails,
        }
    }

    /// Checks one that somebody makes, and that supersedes another where there is one. The type of records is taken out of its scope.
    ///
    /// # Errors
    /// `BadInput` for a model held against itself, a period that is reversed, too short, too long or over already, a margin, effect or share that is
    /// none, and a superseding registration that reaches back: it starts no earlier than its own moment.
    pub fn check(mut self, supersedes: Option<&Self>) -> Result<Self> {
        self.scope.kind = ExperimentKind::All;
        let bad = |sentence, field| Err(Error::bad_input(sentence).at(field));
        if self.champion == self.challenger {
            return bad(sentences::same_model(&self.champion), "challenger");
        }
        if self.horizon <= self.start {
            return bad(sentences::reversed(self.horizon, self.start), "horizon");
        }
        if self.horizon.0.saturating_sub(self.start.0) < LEAST_DAYS * DAY {
            return bad(sentences::too_short(LEAST_DAYS), "horizon");
        }
        if self.horizon.0.saturating_sub(self.start.0) > MOST_DAYS * DAY {
            return bad(sentences::too_long(MOST_DAYS), "horizon");
        }
        if self.horizon <= self.registered_at && self.registered_by != RegisteredBy::FirstLook {
            return bad(sentences::horizon_past(self.horizon), "horizon");
        }
        if self.margin.is_some_and(|m| !m.is_finite() || m < 0.0) {
            return bad(sentences::bad_margin(), "margin");
        }
        if self.minimum_effect.is_some_and(|e| !e.is_finite() || e <= 0.0) {
            return bad(sentences::bad_effect(), "minimum_effect");
        }
        if self.share.is_some_and(|s| !s.is_finite() || s <= 0.0) {
            return bad(sentences::bad_share(), "share");
        }
        match supersedes {
            Some(old) if !self.same_comparison(old) => bad(sentences::other_comparison(), "primary"),
            Some(_) if self.start < self.registered_at => bad(sentences::reaches_back(self.registered_at), "start"),
            _ => Ok(self),
        }
    }

    /// Whether two are about the same question, whenever each runs; whatever type of records their scopes name, and however the primary is spelt.
    #[must_use]
    pub fn same_comparison(&self, other: &Self) -> bool {
        self.champion == other.champion
            && self.challenger == other.challenger
            && Scope { kind: other.scope.kind, ..self.scope.clone() } == other.scope
            && self.primary.eq_ignore_ascii_case(&other.primary)
    }

    /// The question as a text: equal for registrations of the same one, whenever each runs.
    #[must_use]
    pub fn question(&self) -> String {
        let Scope { customer, site, zone, task, device, kind: _ } = &self.scope;
        let models = [self.champion.key(), self.challenger.key(), self.primary.to_lowercase()];
        serde_json::json!([models, customer, site, zone, task, device]).to_string()
    }

    /// Whether a verdict at a moment is provisional.
    #[must_use]
    pub fn is_provisional(&self, at: Millis) -> bool {
        at < self.horizon
    }

    /// The days until the horizon, begun ones as whole ones.
    #[must_use]
    pub fn days_left(&self, at: Millis) -> u32 {
        let left = self.horizon.0.saturating_sub(at.0).max(0);
        u32::try_from(left / DAY + i64::from(left % DAY > 0)).unwrap_or(u32::MAX)
    }

    /// The one-sided level of a verdict at a moment.
    #[must_use]
    pub fn level(&self, at: Millis) -> f64 {
        if self.is_provisional(at) { LEVEL_BEFORE } else { LEVEL_AT }
    }
}
