//! Which records belong to the same model. A record names its model by tags (architecture and version), by a registered version
//! of a registry, or by the run that made it. One rule turns this into one key, equal everywhere.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    scope::{Model, clip_text},
    sentences,
    text::Name,
};

/// What counts as one model: a registered version where one is known, else the tags. A run is never one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKey {
    Tagged(Model),
    Registered(RegisteredModel),
}

/// A version of a registered model; without a version, every version of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RegisteredModel {
    pub name: Name,
    pub version: Option<Name>,
}

/// Addresses of registered models begin so, as MLflow writes them.
const SCHEME: &str = "models:/";

impl ModelKey {
    /// Parses `models:/name/version`, `models:/name`, `architecture:version` or `architecture`.
    ///
    /// # Errors
    /// Says what is wrong with a name.
    pub fn parse(text: &str) -> Result<Self> {
        let Some(rest) = text.strip_prefix(SCHEME) else { return Model::parse(text).map(Self::Tagged) };
        let (name, version) = rest.rsplit_once('/').map_or((rest, None), |(n, v)| (n, Some(v)));
        let parse = |t: &str| {
            Name::parse_stored(t).map_err(|e| Error::bad_input(sentences::bad_model(clip_text(text), &e.sentence())))
        };
        Ok(Self::Registered(RegisteredModel { name: parse(name)?, version: version.map(parse).transpose()? }))
    }

    /// As addresses and the command line write it.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Tagged(model) => model.key(),
            Self::Registered(RegisteredModel { name, version: Some(version) }) => format!("{SCHEME}{name}/{version}"),
            Self::Registered(RegisteredModel { name, version: None }) => format!("{SCHEME}{name}"),
        }
    }

    #[must_use]
    pub fn registered(&self) -> Option<&RegisteredModel> {
        match self {
            Self::Registered(r) => Some(r),
            Self::Tagged(_) => None,
        }
    }

    /// Whether rows of the model `other` are among those that this key stands for.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tagged(a), Self::Tagged(b)) => {
                a.architecture == b.architecture && (a.version.is_none() || a.version == b.version)
            }
            (Self::Registered(a), Self::Registered(b)) => {
                a.name == b.name && (a.version.is_none() || a.version == b.version)
            }
            _ => false,
        }
    }

    /// The same without its version: all that hangs together by name.
    #[must_use]
    pub fn any_version(&self) -> Self {
        match self {
            Self::Tagged(m) => Self::Tagged(Model { version: None, ..m.clone() }),
            Self::Registered(r) => Self::Registered(RegisteredModel { version: None, ..r.clone() }),
        }
    }
}

/// As people read it: name and version.
impl std::fmt::Display for ModelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tagged(model) => model.fmt(f),
            Self::Registered(RegisteredModel { name, version: Some(version) }) => write!(f, "{name} {version}"),
            Self::Registered(RegisteredModel { name, version: None }) => name.fmt(f),
        }
    }
}

impl From<Model> for ModelKey {
    fn from(model: Model) -> Self {
        Self::Tagged(model)
    }
}

/// How it is known to which model a row belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelLink {
    /// It names a registered model itself.
    Record,
    /// The registry says which version its run made.
    Run,
    /// The registry says which version its architecture and version are.
    Tags,
    /// It names an architecture, and no registry knows more.
    Architecture,
}

/// What a row says of its model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ModelFields<'a> {
    pub registered_model: Option<&'a str>,
    pub registered_version: Option<&'a str>,
    pub architecture: Option<&'a str>,
    pub version: Option<&'a str>,
    pub run_id: Option<&'a str>,
}

/// What a registry knows of runs and tags. Filled from its versions; empty where there is no registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistryVersions {
    by_run: HashMap<String, RegisteredModel>,
    by_tags: HashMap<(String, Option<String>), RegisteredModel>,
    /// All registered models, whether anything leads to their versions or not.
    models: HashSet<String>,
    /// Of all of it, in whatever order it came.
    revision: u64,
}

/// A number for a link, and another one for another link.
fn number_of(link: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    link.hash(&mut hasher);
    hasher.finish()
}

impl RegistryVersions {
    /// A registered model.
    pub fn insert_model(&mut self, name: &str) {
        if self.models.insert(name.to_owned()) {
            self.revision ^= number_of(&name);
        }
    }

    /// The version that a run made. A run that made several names none of them.
    pub fn insert_run(&mut self, run_id: &str, version: RegisteredModel) {
        self.revision ^= number_of(&(run_id, &version));
        if let Some(old) = self.by_run.insert(run_id.to_owned(), version) {
            self.revision ^= number_of(&(run_id, &old));
        }
    }

    /// The version that is tagged with an architecture and a version of it.
    pub fn insert_tags(&mut self, model: &Model, version: RegisteredModel) {
        let key = (model.architecture.to_string(), model.version.as_ref().map(ToString::to_string));
        self.revision ^= number_of(&(&key, &version));
        if let Some(old) = self.by_tags.insert(key, version) {
            let key = (model.architecture.to_string(), model.version.as_ref().map(ToString::to_string));
            self.revision ^= number_of(&(key, &old));
        }
    }

    /// Another number for other links; 0 for none.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The version that an architecture with its version is, where a registry says so.
    #[must_use]
    pub fn of_tags(&self, model: &Model) -> Option<&RegisteredModel> {
        let key = (model.architecture.to_string(), model.version.as_ref().map(ToString::to_string));
        self.by_tags.get(&key)
    }

    /// The same model by the name that its rows are counted under.
    #[must_use]
    pub fn canonical(&self, key: &ModelKey) -> ModelKey {
        match key {
            ModelKey::Tagged(model) => self.of_tags(model).cloned().map_or_else(|| key.clone(), ModelKey::Registered),
            ModelKey::Registered(_) => key.clone(),
        }
    }

    /// Whether a registry has a model, or a version to which rows may belong because of what it says.
    #[must_use]
    pub fn knows(&self, model: &RegisteredModel) -> bool {
        (model.version.is_none() && self.models.contains(model.name.as_str())) || self.links_to(model)
    }

    /// Whether rows may belong to a version because of what the registry says.
    #[must_use]
    pub fn links_to(&self, model: &RegisteredModel) -> bool {
        let fits =
            |v: &RegisteredModel| v.name == model.name && (model.version.is_none() || v.version == model.version);
        self.by_run.values().chain(self.by_tags.values()).any(fits)
    }

    /// Whether all rows of a model say so themselves. Others may say so and belong to another one all the same.
    #[must_use]
    pub fn may_be_found_by(&self, model: &ModelKey) -> bool {
        model.registered().is_none_or(|registered| !self.links_to(registered))
    }

    /// Whether runs have to be looked at.
    #[must_use]
    pub fn has_runs(&self) -> bool {
        !self.by_run.is_empty()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_run.is_empty() && self.by_tags.is_empty()
    }

    /// To which model a row belongs, and how that is known: what the record says itself comes first, then its run, then its
    /// tags. `None` for a row that says nothing of its model, or nothing that is a name.
    #[must_use]
    pub fn resolve(&self, said: &ModelFields<'_>) -> Option<(ModelKey, ModelLink)> {
        let name = |text: Option<&str>| text.and_then(|t| Name::parse_stored(t).ok());
        if let Some(model) = name(said.registered_model) {
            let key = RegisteredModel { name: model, version: name(said.registered_version) };
            return Some((ModelKey::Registered(key), ModelLink::Record));
        }
        if let Some(version) = said.run_id.and_then(|run| self.by_run.get(run)) {
            return Some((ModelKey::Registered(version.clone()), ModelLink::Run));
        }
        let architecture = said.architecture?;
        if !self.by_tags.is_empty()
            && let Some(version) = self.by_tags.get(&(architecture.to_owned(), said.version.map(str::to_owned)))
        {
            return Some((ModelKey::Registered(version.clone()), ModelLink::Tags));
        }
        let model = Model { architecture: name(Some(architecture))?, version: name(said.version) };
        Some((ModelKey::Tagged(model), ModelLink::Architecture))
    }
}

/// What rows of one model say of it, and how they were linked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelTagSummary {
    pub architectures: BTreeSet<Option<Name>>,
    pub versions: BTreeSet<Option<Name>>,
    pub links: BTreeSet<ModelLink>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).expect("a name")
    }

    fn registered(model: &str, version: &str) -> RegisteredModel {
        RegisteredModel { name: name(model), version: Some(name(version)) }
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        for text in ["yolov8m:1.1.0", "yolov8m", "models:/fleet/7", "models:/fleet", "models:/a/b/7"] {
            assert_eq!(ModelKey::parse(text).map(|k| k.key()), Ok(text.to_owned()));
        }
        assert_eq!(ModelKey::parse("models:/fleet/7").map(|k| k.to_string()), Ok("fleet 7".to_owned()));
        assert!(ModelKey::parse("models:/").is_err() && ModelKey::parse("models:/fleet/").is_err());
    }

    #[test]
    fn what_a_record_says_comes_before_its_run_and_that_before_its_tags() {
        let mut map = RegistryVersions::default();
        map.insert_run("r1", registered("fleet", "2"));
        map.insert_tags(&Model::parse("yolov8m:1.0").expect("a model"), registered("fleet", "3"));
        let all = ModelFields {
            registered_model: Some("fleet"),
            registered_version: Some("1"),
            architecture: Some("yolov8m"),
            version: Some("1.0"),
            run_id: Some("r1"),
        };
        let told = |said: ModelFields<'_>| map.resolve(&said).map(|(key, link)| (key.key(), link));
        assert_eq!(told(all), Some(("models:/fleet/1".into(), ModelLink::Record)));
        let plain = ModelFields { registered_model: None, registered_version: None, ..all };
        assert_eq!(told(plain), Some(("models:/fleet/2".into(), ModelLink::Run)));
        assert_eq!(
            told(ModelFields { run_id: Some("r2"), ..plain }),
            Some(("models:/fleet/3".into(), ModelLink::Tags))
        );
        let other = ModelFields { version: Some("1.1"), run_id: None, ..plain };
        assert_eq!(told(other), Some(("yolov8m:1.1".into(), ModelLink::Architecture)));
        assert_eq!(told(ModelFields { architecture: None, run_id: None, ..plain }), None);
        assert_eq!(
            told(ModelFields { run_id: Some("r9"), architecture: None, version: None, ..ModelFields::default() }),
            None
        );
    }

    #[test]
    fn a_key_without_a_version_holds_every_version_and_no_other_kind() {
        let key = |t: &str| ModelKey::parse(t).expect("a key");
        assert!(key("a").contains(&key("a:1")) && !key("a:1").contains(&key("a")) && !key("a").contains(&key("b:1")));
        assert!(key("models:/a").contains(&key("models:/a/1")) && !key("models:/a").contains(&key("a:1")));
        assert_eq!(key("models:/a/1").any_version(), key("models:/a"));
    }
}
