//! What MLflow's answers about registered models look like.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    registry::{Alias, ModelName, ModelVersion, RegistryModel, Stage, Version, VersionStatus},
    time::Millis,
};
use serde::Deserialize;

/// The tag of what MLflow keeps among the models and is none: a text for a language model.
const PROMPT: &str = "mlflow.prompt.is_prompt";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ModelsPage {
    pub registered_models: Vec<WireModel>,
    pub next_page_token: String,
}

#[derive(Debug, Deserialize)]
pub struct OneModel {
    pub registered_model: WireModel,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VersionsPage {
    pub model_versions: Vec<WireVersion>,
    pub next_page_token: String,
}

#[derive(Debug, Deserialize)]
pub struct OneVersion {
    pub model_version: WireVersion,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pair {
    key: String,
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireAlias {
    alias: String,
    version: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireModel {
    pub name: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    description: String,
    tags: Vec<Pair>,
    aliases: Vec<WireAlias>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireVersion {
    name: String,
    pub version: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    user_id: String,
    current_stage: String,
    description: String,
    source: String,
    run_id: String,
    status: String,
    status_message: String,
    tags: Vec<Pair>,
}

fn tags(pairs: Vec<Pair>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|p| (p.key, p.value)).collect()
}

impl WireModel {
    /// Without versions. `None` for a prompt, and for what has a name that no address could lead to; the log says so.
    pub fn into_domain(self) -> Option<RegistryModel> {
        if self.tags.iter().any(|t| t.key == PROMPT && t.value == "true") {
            return None;
        }
        let name = ModelName::parse(&self.name)
            .inspect_err(|e| tracing::warn!("a registered model of MLflow is left out: {e}"))
            .ok()?;
        let alias = |a: WireAlias| Some((Alias::parse(&a.alias).ok()?, Version::parse(&a.version).ok()?));
        Some(RegistryModel {
            name,
            description: self.description,
            tags: tags(self.tags),
            created: Millis(self.creation_timestamp),
            updated: Millis(self.last_updated_timestamp),
            aliases: self.aliases.into_iter().filter_map(alias).collect(),
            versions: BTreeMap::new(),
        })
    }
}

impl WireVersion {
    /// `None` for what has no name or number that could be one.
    pub fn into_domain(self) -> Option<(ModelName, ModelVersion)> {
        let (name, version) = (ModelName::parse(&self.name).ok()?, Version::parse(&self.version).ok()?);
        let status = match self.status.as_str() {
            "PENDING_REGISTRATION" => VersionStatus::Pending,
            "FAILED_REGISTRATION" => VersionStatus::Failed,
            _ => VersionStatus::Ready,
        };
        let version = ModelVersion {
            version,
            run: Some(self.run_id).filter(|run| !run.is_empty()),
            source: self.source,
            // A stage of a later MLflow is none of ours.
            stage: Stage::parse(&self.current_stage).unwrap_or_default(),
            status,
            status_message: self.status_message,
            description: self.description,
            tags: tags(self.tags),
            created: Millis(self.creation_timestamp),
            updated: Millis(self.last_updated_timestamp),
            created_by: self.user_id,
        };
        Some((name, version))
    }
}

/// Gives models their versions. A version of a model that is not there is left out: it came between two questions.
pub fn assemble(
    mut models: BTreeMap<ModelName, RegistryModel>,
    versions: impl IntoIterator<Item = (ModelName, ModelVersion)>,
) -> Vec<RegistryModel> {
    for (name, version) in versions {
        if let Some(model) = models.get_mut(&name) {
            model.versions.insert(version.version, Arc::new(version));
        }
    }
    models.into_values().collect()
}
