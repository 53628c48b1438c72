//! What tests of promotions ask: MLflow itself, as a notebook does, and the real server, as programs do.

use std::{
    collections::BTreeMap,
    sync::LazyLock,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{mlflow::MlflowProcess, postgres::Database, process::Served};

/// MLflow over SQLite and over Postgres, for all tests of this binary that do not stop it.
pub static OVER_SQLITE: LazyLock<MlflowProcess> = LazyLock::new(|| MlflowProcess::start(None, None, &[]));
pub static OVER_POSTGRES: LazyLock<MlflowProcess> =
    LazyLock::new(|| MlflowProcess::start(Some(Database::new()), None, &[]));

/// Asks MLflow itself; its status and what it says.
pub async fn try_mlflow(address: &str, method: Method, call: &str, body: Option<&Value>) -> (u16, Value) {
    registry::egress::use_ring();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method, format!("{address}/api/2.0/mlflow/{call}"));
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.expect("an answer");
    let (status, text) = (answer.status().as_u16(), answer.text().await.expect("a body"));
    (status, serde_json::from_str(&text).unwrap_or_else(|_| json!({ "text": text })))
}

pub async fn ask_mlflow(address: &str, method: Method, call: &str, body: Value) -> Value {
    let (status, said) = try_mlflow(address, method, call, Some(&body)).await;
    assert_eq!(status, 200, "{call} {body}: {said}");
    said
}

/// A model with so many versions in MLflow.
pub async fn fill_mlflow(address: &str, model: &str, versions: u32) {
    ask_mlflow(address, Method::POST, "registered-models/create", json!({ "name": model })).await;
    for _ in 0..versions {
        let version = json!({"name": model, "source": "s3://models/m"});
        ask_mlflow(address, Method::POST, "model-versions/create", version).await;
    }
}

pub async fn set_alias(address: &str, model: &str, alias: &str, version: u32) {
    let body = json!({"name": model, "alias": alias, "version": version.to_string()});
    ask_mlflow(address, Method::POST, "registered-models/alias", body).await;
}

pub fn stage_body(model: &str, version: u32, stage: &str) -> Value {
    json!({"name": model, "version": version.to_string(), "stage": stage, "archive_existing_versions": false})
}

/// How a model stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stands {
    pub aliases: BTreeMap<String, String>,
    /// Without `None`.
    pub stages: BTreeMap<String, String>,
    pub versions: Vec<String>,
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Stands {
    pub async fn in_mlflow(address: &str, model: &str) -> Self {
        let (_, head) = try_mlflow(address, Method::GET, &format!("registered-models/get?name={model}"), None).await;
        let filter = format!("model-versions/search?max_results=1000&filter=name%3D%27{model}%27");
        let (_, found) = try_mlflow(address, Method::GET, &filter, None).await;
        let mut stands = Self::default();
        for alias in head["registered_model"]["aliases"].as_array().into_iter().flatten() {
            stands.aliases.insert(text(&alias["alias"]), text(&alias["version"]));
        }
        for version in found["model_versions"].as_array().into_iter().flatten() {
            stands.add(text(&version["version"]), &text(&version["current_stage"]));
        }
        stands.sorted()
    }

    /// As the log says it.
    pub fn logged(standing: &Value) -> Self {
        let map = |key: &str| -> BTreeMap<String, String> {
            standing[key].as_object().unwrap().iter().map(|(k, v)| (k.clone(), text(v))).collect()
        };
        let versions = standing["versions"].as_array().unwrap().iter().map(text).collect();
        Self { aliases: map("aliases"), stages: map("stages"), versions }.sorted()
    }

    /// As `GET /api/models/{name}` says it.
    pub fn shown(model: &Value) -> Self {
        let aliases = model["aliases"].as_object().unwrap().iter().map(|(k, v)| (k.clone(), text(v))).collect();
        let mut stands = Self { aliases, ..Self::default() };
        for version in model["versions"].as_array().unwrap() {
            stands.add(text(&version["version"]), &text(&version["stage"]));
        }
        stands.sorted()
    }

    fn add(&mut self, version: String, stage: &str) {
        if stage != "None" {
            self.stages.insert(version.clone(), stage.to_owned());
        }
        self.versions.push(version);
    }

    fn sorted(mut self) -> Self {
        self.versions.sort_by_key(|v| v.parse::<u32>().unwrap_or_default());
        self
    }

    pub fn champion(&self) -> Option<&str> {
        self.aliases.get("champion").map(String::as_str)
    }

    pub fn in_stage(&self, stage: &str) -> Vec<&str> {
        self.stages.iter().filter(|(_, s)| *s == stage).map(|(v, _)| v.as_str()).collect()
    }
}

/// A request for a promotion to production.
pub fn promotion(served: &Served, model: &str, version: &str, expected: Option<&str>) -> reqwest::RequestBuilder {
    let body = json!({"version": version, "to": "production", "expected": expected, "reason": "it is better"});
    served.post(&format!("/api/models/{model}/promotions")).json(&body)
}

pub async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    let (status, text) = (answer.status().as_u16(), answer.text().await.expect("a body"));
    (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{status}: {e} in {text}")))
}

/// Waits until the server knows a model.
pub async fn until_known(served: &Served, model: &str) {
    let begun = Instant::now();
    while served.get(&format!("/api/models/{model}")).send().await.expect("an answer").status() != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{model} is not known:\n{}", served.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub async fn history(served: &Served, model: &str) -> Vec<Value> {
    served.json(&format!("/api/models/{model}/history")).await["events"].as_array().unwrap().clone()
}

/// The log is whole: no number is missing, and the chain is right to its end.
pub async fn log_is_whole(served: &Served) -> Vec<Value> {
    let events = served.json("/api/audit").await["events"].as_array().unwrap().clone();
    for (event, number) in events.iter().zip(1..) {
        assert_eq!(event["number"], json!(number), "{event}");
    }
    let report = served.json("/api/audit/verify").await;
    assert!(report["broken"].is_null() && report["right"].as_u64() >= Some(events.len() as u64), "{report}");
    events
}

/// Each line of a model's history goes on where the one before ended; and whoever is named made only what an operation makes.
pub fn nobody_is_blamed_for_others(events: &[Value]) {
    let mut last: Option<Stands> = None;
    for event in events.iter().filter(|e| !e["after"].is_null()) {
        let after = Stands::logged(&event["after"]);
        let before = Some(&event["before"]).filter(|b| !b.is_null()).map(Stands::logged);
        if last.is_some() {
            assert_eq!(before, last, "{event}");
        }
        if let (true, Some(before)) = (event["actor"].is_string(), &before) {
            let version = event["version"].as_str().unwrap();
            assert_eq!(event["outside"], false);
            assert_eq!(before.versions, after.versions, "{event}");
            let others = |s: &Stands| {
                let mut aliases = s.aliases.clone();
                aliases.retain(|alias, _| !["champion", "rollback", "challenger"].contains(&alias.as_str()));
                aliases
            };
            assert_eq!(others(before), others(&after), "{event}");
            assert!(after.champion() == before.champion() || after.champion() == Some(version), "{event}");
            for (staged, stage) in &after.stages {
                let same = before.stages.get(staged) == Some(stage);
                assert!(same || staged == version || stage == "Archived", "{event}");
            }
        }
        last = Some(after);
    }
}
