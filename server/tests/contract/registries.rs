//! Registries of models for tests, each with the way of others into it: direct calls of an MLflow, and a second handle on our own database.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use domain::{
    ports::{EmbeddedModels, ModelRegistry, NewVersion},
    registry::{Alias, ModelName, ModelVersion, RegistryModel, Stage, Version},
    time::Millis,
};
use registry::{
    embedded::{EmbeddedRegistry, FolderId},
    mlflow::{MlflowOptions, MlflowServer},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{mlflow::MlflowProcess, postgres::Database, support::LakeDir};

/// Shared by all tests of this process: each takes names of its own. They are others than those of experiments, whose tests count runs.
static MLFLOW_ON_SQLITE: LazyLock<MlflowProcess> = LazyLock::new(|| MlflowProcess::start(None, None, &[]));
static MLFLOW_ON_POSTGRES: LazyLock<MlflowProcess> =
    LazyLock::new(|| MlflowProcess::start(Some(Database::new()), None, &[]));

/// A registry, and the way of others into it.
pub struct Registry {
    pub port: Arc<dyn ModelRegistry>,
    pub others: Others,
}

/// Whoever changes a registry past the port.
#[derive(Clone)]
pub enum Others {
    Mlflow { address: &'static str, client: reqwest::Client },
    Embedded { models: Arc<dyn EmbeddedModels>, dir: Arc<LakeDir> },
}

async fn mlflow(server: &'static LazyLock<MlflowProcess>) -> Registry {
    let server = tokio::task::spawn_blocking(|| LazyLock::force(server)).await.unwrap();
    let options = MlflowOptions { uri: server.address.clone(), ..MlflowOptions::default() };
    let port = Arc::new(MlflowServer::new(options).unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Registry { port, others: Others::Mlflow { address: &server.address, client } }
}

pub async fn mlflow_on_sqlite() -> Registry {
    mlflow(&MLFLOW_ON_SQLITE).await
}

pub async fn mlflow_on_postgres() -> Registry {
    mlflow(&MLFLOW_ON_POSTGRES).await
}

async fn embedded(dir: LakeDir) -> Registry {
    let port = EmbeddedRegistry::new(dir.store().await, dir.clock.clone(), &folder(&dir), None);
    Registry { port: Arc::new(port), others: Others::Embedded { models: dir.store().await, dir: Arc::new(dir) } }
}

pub async fn embedded_on_sqlite() -> Registry {
    embedded(crate::support::on_sqlite().await).await
}

pub async fn embedded_on_postgres() -> Registry {
    embedded(crate::support::on_postgres().await).await
}

fn folder(dir: &LakeDir) -> PathBuf {
    dir.path().join("models")
}

/// How a model stands: what a promotion moves, and what people wrote.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Stands {
    pub aliases: BTreeMap<String, u32>,
    /// Stage, description and tags by version.
    pub versions: BTreeMap<u32, (String, String, BTreeMap<String, String>)>,
}

impl Stands {
    pub fn of(model: &RegistryModel) -> Self {
        let aliases = model.aliases.iter().map(|(a, v)| (a.to_string(), v.number())).collect();
        let version =
            |v: &ModelVersion| (v.version.number(), (v.stage.to_string(), v.description.clone(), v.tags.clone()));
        Self { aliases, versions: model.versions.values().map(|v| version(v)).collect() }
    }
}

pub fn v(number: u32) -> Version {
    Version::new(number).unwrap()
}

pub fn alias(text: &str) -> Alias {
    Alias::parse(text).unwrap()
}

/// A model that no other test has.
pub fn fresh(text: &str) -> ModelName {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    ModelName::parse_new(&format!("{text} {}", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap()
}

/// A version with files at an address.
pub fn new(model: &ModelName) -> NewVersion {
    NewVersion {
        model: model.clone(),
        run: None,
        source: "s3://models/m".into(),
        description: String::new(),
        tags: vec![],
        created_by: String::new(),
        at: Millis(1),
    }
}

fn map(pairs: &Value, key: &str, value: &str) -> BTreeMap<String, String> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    pairs.as_array().into_iter().flatten().map(|p| (text(&p[key]), text(&p[value]))).collect()
}

impl Others {
    /// A call of MLflow: its status and what it says.
    async fn call(&self, method: Method, call: &str, query: &[(&str, &str)], body: Option<Value>) -> (u16, Value) {
        let Self::Mlflow { address, client } = self else { panic!("there is no MLflow") };
        let url = url::Url::parse_with_params(&format!("{address}/api/2.0/mlflow/{call}"), query).unwrap();
        let mut request = client.request(method, url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or_else(|_| json!({ "text": text })))
    }

    /// A change in MLflow that has to be made.
    async fn made(&self, method: Method, call: &str, body: Value) -> Value {
        let (status, said) = self.call(method, call, &[], Some(body.clone())).await;
        assert_eq!(status, 200, "{call} {body}: {said}");
        said
    }

    /// Whether MLflow takes a name for a new model; `None` of a registry that is none.
    pub async fn mlflow_takes_model(&self, name: &str) -> Option<bool> {
        let Self::Mlflow { .. } = self else { return None };
        let body = json!({ "name": name });
        let (status, said) = self.call(Method::POST, "registered-models/create", &[], Some(body)).await;
        // The other tests of the table may have made it.
        Some(status == 200 || said["error_code"] == "RESOURCE_ALREADY_EXISTS")
    }

    /// Whether MLflow takes a name for an alias of the first version of a model; `None` of a registry that is none.
    pub async fn mlflow_takes_alias(&self, model: &ModelName, alias: &str) -> Option<bool> {
        let Self::Mlflow { .. } = self else { return None };
        let body = json!({"name": model, "alias": alias, "version": "1"});
        Some(self.call(Method::POST, "registered-models/alias", &[], Some(body)).await.0 == 200)
    }

    pub async fn add(&self, new: &NewVersion) -> Version {
        match self {
            Self::Embedded { models, .. } => models.add_version(new).await.unwrap().version,
            Self::Mlflow { .. } => {
                let body = json!({ "name": new.model });
                self.call(Method::POST, "registered-models/create", &[], Some(body)).await;
                let tags: Vec<Value> = new.tags.iter().map(|(k, v)| json!({"key": k, "value": v})).collect();
                let body = json!({
                    "name": new.model, "source": new.source, "run_id": new.run, "description": new.description,
                    "tags": tags,
                });
                let made = self.made(Method::POST, "model-versions/create", body).await;
                Version::parse(made["model_version"]["version"].as_str().unwrap()).unwrap()
            }
        }
    }

    /// Versions 1 to `count` of a model that was not there.
    pub async fn fill(&self, model: &ModelName, count: u32) {
        for number in 1..=count {
            assert_eq!(self.add(&new(model)).await, v(number));
        }
    }

    pub async fn delete_version(&self, model: &ModelName, version: Version) {
        match self {
            Self::Embedded { models, .. } => models.delete_version(model, version).await.unwrap(),
            Self::Mlflow { .. } => {
                let body = json!({"name": model, "version": version});
                self.made(Method::DELETE, "model-versions/delete", body).await;
            }
        }
    }

    pub async fn point(&self, model: &ModelName, alias: &Alias, version: Option<Version>) {
        match self {
            Self::Embedded { models, .. } => models.point_alias(model, alias, version).await.unwrap(),
            Self::Mlflow { .. } => {
                let method = if version.is_some() { Method::POST } else { Method::DELETE };
                let body = json!({"name": model, "alias": alias, "version": version});
                self.made(method, "registered-models/alias", body).await;
            }
        }
    }

    pub async fn stage(&self, model: &ModelName, version: Version, stage: Stage) {
        match self {
            Self::Embedded { models, .. } => models.move_to_stage(model, version, stage, Millis(9)).await.unwrap(),
            Self::Mlflow { .. } => {
                let body =
                    json!({"name": model, "version": version, "stage": stage, "archive_existing_versions": false});
                self.made(Method::POST, "model-versions/transition-stage", body).await;
            }
        }
    }

    pub async fn tag(&self, model: &ModelName, version: Version, key: &str, value: &str) {
        match self {
            Self::Embedded { models, .. } => models.tag_version(model, version, key, value).await.unwrap(),
            Self::Mlflow { .. } => {
                let body = json!({"name": model, "version": version, "key": key, "value": value});
                self.made(Method::POST, "model-versions/set-tag", body).await;
            }
        }
    }

    /// How a model stands by what others read.
    pub async fn stands(&self, model: &ModelName) -> Stands {
        if let Self::Embedded { models, .. } = self {
            return Stands::of(&models.one_model(model).await.unwrap());
        }
        let (_, head) = self.call(Method::GET, "registered-models/get", &[("name", model.as_str())], None).await;
        let aliases = map(&head["registered_model"]["aliases"], "alias", "version");
        let mut stands = Stands {
            aliases: aliases.into_iter().map(|(a, v)| (a, v.parse().unwrap())).collect(),
            ..Stands::default()
        };
        // Without a filter, so that no quotes are in the way.
        let (_, found) = self.call(Method::GET, "model-versions/search", &[("max_results", "10000")], None).await;
        for version in found["model_versions"].as_array().into_iter().flatten() {
            if version["name"] == json!(model) {
                let text = |key: &str| version[key].as_str().unwrap_or_default().to_owned();
                let said = (text("current_stage"), text("description"), map(&version["tags"], "key", "value"));
                stands.versions.insert(text("version").parse().unwrap(), said);
            }
        }
        stands
    }

    /// Run and source of a version with these files.
    pub async fn keep_files(&self, files: &[(&str, &[u8])]) -> (Option<String>, String) {
        match self {
            Self::Embedded { dir, .. } => {
                let id = FolderId::random().unwrap();
                for (path, content) in files {
                    let path = id.path(&folder(dir)).join(path);
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, content).unwrap();
                }
                (None, id.source())
            }
            Self::Mlflow { address, client } => {
                let body = json!({"experiment_id": "0", "start_time": 1, "run_name": "files"});
                let run = self.made(Method::POST, "runs/create", body).await["run"]["info"].clone();
                let at = run["artifact_uri"].as_str().unwrap();
                let place = at.strip_prefix("mlflow-artifacts:/").unwrap();
                for (path, content) in files {
                    let mut url = url::Url::parse(address).unwrap();
                    url.path_segments_mut()
                        .unwrap()
                        .extend(["api", "2.0", "mlflow-artifacts", "artifacts"])
                        .extend(place.split('/'))
                        .push("model")
                        .extend(path.split('/'));
                    assert_eq!(client.put(url).body(content.to_vec()).send().await.unwrap().status(), 200);
                }
                (Some(run["run_id"].as_str().unwrap().into()), format!("{at}/model"))
            }
        }
    }
}
