//! Models and their versions, as a registry has them.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    names::{Alias, CHALLENGER, CHAMPION, ModelName, Version},
    stage::Stage,
    standing::{Standing, VersionSet},
};
use crate::time::Millis;

/// Whether a version can be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionStatus {
    #[default]
    Ready,
    /// Its files are still coming.
    Pending,
    Failed,
}

/// A version of a model. Text of others: never markup and never a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelVersion {
    pub version: Version,
    /// The run that made it, as the registry names it.
    pub run: Option<String>,
    /// Where its files are, as the registry says it: an address or `runs:/…`.
    pub source: String,
    pub stage: Stage,
    pub status: VersionStatus,
    /// Why it is pending or has failed.
    pub status_message: String,
    pub description: String,
    pub tags: BTreeMap<String, String>,
    pub created: Millis,
    pub updated: Millis,
    /// Who registered it; empty where the registry does not say.
    pub created_by: String,
}

/// A model with all of its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryModel {
    pub name: ModelName,
    pub description: String,
    pub tags: BTreeMap<String, String>,
    pub created: Millis,
    pub updated: Millis,
    pub aliases: BTreeMap<Alias, Version>,
    pub versions: BTreeMap<Version, Arc<ModelVersion>>,
}

impl RegistryModel {
    #[must_use]
    pub fn alias(&self, alias: &str) -> Option<Version> {
        self.aliases.get(alias).copied()
    }

    #[must_use]
    pub fn champion(&self) -> Option<Version> {
        self.alias(CHAMPION)
    }

    #[must_use]
    pub fn challenger(&self) -> Option<Version> {
        self.alias(CHALLENGER)
    }

    #[must_use]
    pub fn version(&self, version: Version) -> Option<&Arc<ModelVersion>> {
        self.versions.get(&version)
    }

    /// The versions of a stage, newest first.
    pub fn in_stage(&self, stage: Stage) -> impl Iterator<Item = Version> {
        self.versions.values().rev().filter(move |v| v.stage == stage).map(|v| v.version)
    }

    /// The aliases of a version.
    pub fn aliases_of(&self, version: Version) -> impl Iterator<Item = &Alias> {
        self.aliases.iter().filter(move |(_, v)| **v == version).map(|(alias, _)| alias)
    }

    /// Whether `champion` and `Production` name different versions. A model that uses only one of the two has nothing to disagree about.
    #[must_use]
    pub fn disagrees(&self) -> bool {
        let production: Vec<Version> = self.in_stage(Stage::Production).collect();
        match self.champion() {
            Some(champion) => !production.is_empty() && production != [champion],
            None => false,
        }
    }

    /// What the log keeps of it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let staged = self.versions.values().filter(|v| v.stage != Stage::None).map(|v| (v.version, v.stage));
        Standing {
            aliases: self.aliases.clone(),
            stages: staged.collect(),
            versions: VersionSet::of(self.versions.keys().copied()),
        }
    }
}
