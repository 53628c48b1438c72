//! Models under the addresses, and with the fields, that the guide of the fleet's operation server has.

use app::ui::links::encode;
use domain::{
    Error,
    registry::{ModelVersion, RegistryModel, Stage},
};
use serde_json::{Map, Value};

use super::*;

/// All models: name, newest version, description.
pub async fn models(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    pairs(q.as_deref(), &[])?;
    let of = |m: &RegistryModel| {
        let latest = m.versions.keys().next_back();
        json!({
            "name": m.name, "latest_version": latest, "description": m.description,
            "champion": m.champion(), "challenger": m.challenger(),
        })
    };
    let models: Vec<Value> = s.models.read_index()?.models().map(|m| of(m)).collect();
    Ok(Json(json!({ "models": models })).into_response())
}

/// The versions of a model, newest first; `created_at` in ms, as MLflow has it.
pub async fn versions(ActorServices(s): ActorServices, Path(name): Path<String>, RawQuery(q): RawQuery) -> Answer {
    pairs(q.as_deref(), &[])?;
    let model = s.models.model(&composed(name))?;
    let of = |v: &ModelVersion| json!({ "version": v.version, "stage": v.stage, "run_id": v.run, "created_at": v.created.0 });
    let versions: Vec<Value> = model.versions.values().rev().map(|v| of(v)).collect();
    Ok(Json(json!({ "versions": versions })).into_response())
}

/// What the run of the newest version in a stage measured, and with which parameters; `Production` where nobody says which stage.
pub async fn metrics(ActorServices(s): ActorServices, Path(name): Path<String>, RawQuery(q): RawQuery) -> Answer {
    let pairs = pairs(q.as_deref(), &["stage"])?;
    let stage = text(&pairs, "stage").map_or(Ok(Stage::Production), Stage::parse)?;
    let model = s.models.model(&composed(name))?;
    let version = model.in_stage(stage).next().and_then(|v| model.version(v));
    let version =
        version.ok_or_else(|| Error::not_found(sentences::no_version_in_stage(&model.name, stage.as_str())))?;
    let run = version.run.as_deref().and_then(|id| s.runs.known(id));
    let run = run.ok_or_else(|| Error::not_found(sentences::run_of_version_unknown(version.version, &model.name)))?;
    // What is no number, JSON writes as null.
    let metrics: Map<String, Value> = run.metrics.iter().map(|m| (m.key.to_string(), json!(m.value))).collect();
    let params: Map<String, Value> = run.params.iter().map(|(k, v)| (k.to_string(), json!(v))).collect();
    let body = json!({
        "version": version.version, "stage": stage, "run_id": run.id, "metrics": metrics, "params": params,
        "run": format!("/api/runs/{}", encode(run.id.as_str())),
    });
    Ok(Json(body).into_response())
}
