//! What somebody does to a model through us, and what became of it.

use serde::{Deserialize, Serialize};

use super::{
    names::{CHALLENGER, CHAMPION, ModelName, ROLLBACK, Version},
    stage::Stage,
    standing::{Standing, StandingChange},
};
use crate::{error::Sentence, evidence::Target, time::Millis};

/// The number of an operation; later ones are larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationId(pub i64);

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

    /// The stage that its version is in afterwards, alone.
    #[must_use]
    pub fn stage(self) -> Option<Stage> {
        match self {
            Self::Promote(Target::Production) | Self::RollBack | Self::Repair => Some(Stage::Production),
            Self::Promote(Target::Staging) => Some(Stage::Staging),
            Self::SetChallenger => None,
        }
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

    /// How the model would stand if nobody else had done anything meanwhile, where it stands as `after`: what is not in it is not for whoever began
    /// the operation to answer for.
    #[must_use]
    pub fn own_part(&self, outcome: OutcomeKind, after: &Standing) -> Standing {
        let mut own = self.before.clone();
        if outcome == OutcomeKind::NotApplied {
            return own;
        }
        for change in self.before.changes_to(after).into_iter().filter(|c| self.makes(c)) {
            match change {
                StandingChange::AliasMoved { alias, to: Some(to), .. } => drop(own.aliases.insert(alias, to)),
                StandingChange::AliasMoved { alias, to: None, .. } => drop(own.aliases.remove(&alias)),
                StandingChange::StageMoved { version, to, .. } => drop(own.stages.insert(version, to)),
                StandingChange::VersionAdded(_) | StandingChange::VersionDeleted(_) => {}
            }
        }
        own
    }

    /// Whether a change is one of those that it makes.
    fn makes(&self, change: &StandingChange) -> bool {
        let moves_champion = self.kind.moves_champion();
        match change {
            StandingChange::AliasMoved { alias, from, to } => match alias.as_str() {
                CHAMPION => moves_champion && *to == Some(self.version),
                ROLLBACK => moves_champion && *to == self.rollback,
                CHALLENGER if self.kind == OperationKind::SetChallenger => *to == Some(self.version),
                CHALLENGER => moves_champion && *from == Some(self.version) && to.is_none(),
                _ => false,
            },
            StandingChange::StageMoved { version, from, to } => self.kind.stage().is_some_and(|stage| {
                let own = *version == self.version;
                (own && *to == stage) || (!own && *from == stage && *to == Stage::Archived)
            }),
            StandingChange::VersionAdded(_) | StandingChange::VersionDeleted(_) => false,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Alias, VersionSet};

    fn v(n: u32) -> Version {
        Version::new(n).expect("a version")
    }

    fn standing(aliases: &[(&str, u32)], stages: &[(u32, Stage)], versions: u32) -> Standing {
        Standing {
            aliases: aliases.iter().map(|(a, n)| (Alias::parse(a).expect("an alias"), v(*n))).collect(),
            stages: stages.iter().map(|(n, s)| (v(*n), *s)).collect(),
            versions: VersionSet::of((1..=versions).map(v)),
        }
    }

    #[test]
    fn what_others_did_meanwhile_is_not_the_part_of_whoever_promoted() {
        let promotion = Operation {
            model: ModelName::parse("m").expect("a name"),
            kind: OperationKind::Promote(Target::Production),
            version: v(2),
            before: standing(&[("champion", 1), ("challenger", 2)], &[(1, Stage::Production)], 3),
            rollback: Some(v(1)),
            actor: "kim".into(),
            reason: "better".into(),
            begun: Millis(0),
        };
        let done = standing(&[("champion", 2), ("rollback", 1)], &[(1, Stage::Archived), (2, Stage::Production)], 3);
        assert_eq!(promotion.own_part(OutcomeKind::Applied, &done), done);
        // Somebody else registered a version, named another one and staged a third.
        let mut busy = done.clone();
        busy.aliases.insert(Alias::parse("shadow").expect("an alias"), v(3));
        busy.stages.insert(v(3), Stage::Staging);
        busy.versions = VersionSet::of((1..=4).map(v));
        assert_eq!(promotion.own_part(OutcomeKind::Applied, &busy), done);
        // Somebody else made a third version the champion: of ours there is left what nobody touched.
        let overtaken = standing(&[("champion", 3), ("challenger", 2), ("rollback", 1)], &[(1, Stage::Production)], 3);
        let left = standing(&[("champion", 1), ("challenger", 2), ("rollback", 1)], &[(1, Stage::Production)], 3);
        assert_eq!(promotion.own_part(OutcomeKind::Overtaken, &overtaken), left);
        assert_eq!(promotion.own_part(OutcomeKind::NotApplied, &overtaken), promotion.before);
    }
}
