//! All models of a registry at one moment.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    model::RegistryModel,
    names::{ModelName, Version},
};
use crate::{model::RegistryVersions, scope::Model};

/// Tags of a version that say which model of the records it is.
const ARCHITECTURE_TAGS: [&str; 2] = ["model_architecture", "architecture"];
const VERSION_TAGS: [&str; 2] = ["model_version", "version"];

/// Models by name. It does not change; a later moment has an index of its own, which shares what did not change.
#[derive(Debug, Clone, Default)]
pub struct RegistryIndex {
    models: BTreeMap<ModelName, Arc<RegistryModel>>,
}

impl RegistryIndex {
    #[must_use]
    pub fn of(models: impl IntoIterator<Item = Arc<RegistryModel>>) -> Self {
        Self { models: models.into_iter().map(|m| (m.name.clone(), m)).collect() }
    }

    pub fn models(&self) -> impl ExactSizeIterator<Item = &Arc<RegistryModel>> {
        self.models.values()
    }

    #[must_use]
    pub fn model(&self, name: &ModelName) -> Option<&Arc<RegistryModel>> {
        self.models.get(name)
    }

    pub fn put(&mut self, model: Arc<RegistryModel>) {
        self.models.insert(model.name.clone(), model);
    }

    pub fn remove(&mut self, name: &ModelName) {
        self.models.remove(name);
    }

    /// The versions that a run made.
    pub fn made_by<'a>(&'a self, run: &'a str) -> impl Iterator<Item = (&'a ModelName, Version)> {
        let versions = self.models.values().flat_map(|m| m.versions.values().map(move |v| (m, v)));
        versions.filter(move |(_, v)| v.run.as_deref() == Some(run)).map(|(m, v)| (&m.name, v.version))
    }

    /// To which version records belong that name a run or an architecture. A run or an architecture that several versions claim names none of them.
    #[must_use]
    pub fn links(&self) -> RegistryVersions {
        let mut runs: HashMap<&str, Option<(&ModelName, Version)>> = HashMap::new();
        let mut tagged: HashMap<Model, Option<(&ModelName, Version)>> = HashMap::new();
        for model in self.models.values() {
            for version in model.versions.values() {
                let this = (&model.name, version.version);
                if let Some(run) = version.run.as_deref().filter(|run| !run.is_empty()) {
                    runs.entry(run).and_modify(|v| *v = None).or_insert(Some(this));
                }
                let tag = |keys: [&str; 2]| keys.into_iter().find_map(|key| version.tags.get(key));
                let text = match (tag(ARCHITECTURE_TAGS), tag(VERSION_TAGS)) {
                    (Some(architecture), Some(version)) => Model::parse(&format!("{architecture}:{version}")),
                    _ => continue,
                };
                if let Ok(model) = text {
                    tagged.entry(model).and_modify(|v| *v = None).or_insert(Some(this));
                }
            }
        }
        let mut links = RegistryVersions::default();
        self.models.keys().for_each(|name| links.insert_model(name.as_str()));
        for (run, version) in runs {
            if let Some((model, version)) = version {
                links.insert_run(run, model.version(version));
            }
        }
        for (tags, version) in tagged {
            if let Some((model, version)) = version {
                links.insert_tags(&tags, model.version(version));
            }
        }
        links
    }
}
