//! What points to which version of a model at one moment, and how two moments differ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    names::{Alias, CHAMPION, Version},
    stage::Stage,
};

/// Aliases, stages and which versions there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub aliases: BTreeMap<Alias, Version>,
    /// Of versions that are in one: no stage is `None`.
    pub stages: BTreeMap<Version, Stage>,
    pub versions: VersionSet,
}

impl Standing {
    #[must_use]
    pub fn champion(&self) -> Option<Version> {
        self.aliases.get(CHAMPION).copied()
    }

    #[must_use]
    pub fn stage(&self, version: Version) -> Stage {
        self.stages.get(&version).copied().unwrap_or_default()
    }

    /// What has to happen for this to become `later`: versions that come, aliases, stages, versions that go.
    #[must_use]
    pub fn changes_to(&self, later: &Self) -> Vec<StandingChange> {
        let mut changes = vec![];
        let added = later.versions.iter().filter(|v| !self.versions.contains(*v));
        changes.extend(added.map(StandingChange::VersionAdded));
        let aliases: std::collections::BTreeSet<&Alias> = self.aliases.keys().chain(later.aliases.keys()).collect();
        for alias in aliases {
            let (from, to) = (self.aliases.get(alias).copied(), later.aliases.get(alias).copied());
            if from != to {
                changes.push(StandingChange::AliasMoved { alias: alias.clone(), from, to });
            }
        }
        let deleted: Vec<Version> = self.versions.iter().filter(|v| !later.versions.contains(*v)).collect();
        let staged: std::collections::BTreeSet<Version> =
            self.stages.keys().chain(later.stages.keys()).copied().collect();
        for version in staged.into_iter().filter(|v| !deleted.contains(v)) {
            let (from, to) = (self.stage(version), later.stage(version));
            if from != to {
                changes.push(StandingChange::StageMoved { version, from, to });
            }
        }
        changes.extend(deleted.into_iter().map(StandingChange::VersionDeleted));
        changes
    }
}

/// One difference between two standings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandingChange {
    VersionAdded(Version),
    VersionDeleted(Version),
    AliasMoved { alias: Alias, from: Option<Version>, to: Option<Version> },
    StageMoved { version: Version, from: Stage, to: Stage },
}

/// A set of versions, as the ranges that it consists of: numbers are given in order, so that few are missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSet(Vec<(Version, Version)>);

impl VersionSet {
    /// Of versions in ascending order.
    #[must_use]
    pub fn of(versions: impl IntoIterator<Item = Version>) -> Self {
        let mut ranges: Vec<(Version, Version)> = vec![];
        for version in versions {
            match ranges.last_mut() {
                Some((_, last)) if last.number().checked_add(1) == Some(version.number()) => *last = version,
                _ => ranges.push((version, version)),
            }
        }
        Self(ranges)
    }

    #[must_use]
    pub fn contains(&self, version: Version) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&version))
    }

    pub fn iter(&self) -> impl Iterator<Item = Version> {
        let numbers = self.0.iter().flat_map(|(first, last)| first.number()..=last.number());
        numbers.filter_map(|n| Version::new(n).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(n: u32) -> Version {
        Version::new(n).expect("a version")
    }

    fn standing(aliases: &[(&str, u32)], stages: &[(u32, Stage)], versions: &[u32]) -> Standing {
        Standing {
            aliases: aliases.iter().map(|(a, n)| (Alias::parse(a).expect("an alias"), v(*n))).collect(),
            stages: stages.iter().map(|(n, s)| (v(*n), *s)).collect(),
            versions: VersionSet::of(versions.iter().copied().map(v)),
        }
    }

    #[test]
    fn a_set_of_versions_is_kept_as_ranges_and_holds_the_same() {
        let set = VersionSet::of([1, 2, 3, 5, 9, 10].map(v));
        assert_eq!(set.0, [(v(1), v(3)), (v(5), v(5)), (v(9), v(10))]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 2, 3, 5, 9, 10].map(v));
        assert!(set.contains(v(2)) && !set.contains(v(4)) && !VersionSet::default().contains(v(1)));
    }

    #[test]
    fn changes_name_what_came_moved_and_went_and_nothing_twice() {
        let before =
            standing(&[("champion", 1), ("challenger", 2)], &[(1, Stage::Production), (3, Stage::Staging)], &[1, 2, 3]);
        let after =
            standing(&[("champion", 2), ("rollback", 1)], &[(1, Stage::Archived), (2, Stage::Production)], &[1, 2, 4]);
        let alias = |a: &str, from: Option<u32>, to: Option<u32>| StandingChange::AliasMoved {
            alias: Alias::parse(a).expect("an alias"),
            from: from.map(v),
            to: to.map(v),
        };
        let stage = |n, from, to| StandingChange::StageMoved { version: v(n), from, to };
        assert_eq!(
            before.changes_to(&after),
            [
                StandingChange::VersionAdded(v(4)),
                alias("challenger", Some(2), None),
                alias("champion", Some(1), Some(2)),
                alias("rollback", None, Some(1)),
                stage(1, Stage::Production, Stage::Archived),
                stage(2, Stage::None, Stage::Production),
                StandingChange::VersionDeleted(v(3)),
            ]
        );
        assert_eq!(after.changes_to(&after), []);
    }
}
