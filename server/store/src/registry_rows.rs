//! Rows of the registry of models as both databases give them.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    Error, Result,
    ports::{KeptOperation, KeptRequest},
    registry::{
        Alias, LoggedEvent, ModelName, ModelVersion, OperationId, OperationState, RegistryModel, RequestId, Stage,
        Version,
    },
    time::Millis,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::sentences;

/// number, event, hash.
pub type EventRow = (i64, String, Vec<u8>);

fn event((number, body, hash): EventRow) -> Result<LoggedEvent> {
    let unreadable = |e: String| Error::internal(sentences::no_stored_event(number)).with_detail(e);
    Ok(LoggedEvent {
        number,
        event: serde_json::from_str(&body).map_err(|e| unreadable(e.to_string()))?,
        hash: hash.try_into().map_err(|h: Vec<u8>| unreadable(format!("a hash of {} bytes", h.len())))?,
    })
}

/// Those that can be read. One that cannot does not hide the others.
pub fn events(rows: Vec<EventRow>) -> Vec<LoggedEvent> {
    readable(rows, event)
}

/// id, operation, outcome, ended.
pub type OperationRow = (i64, String, Option<String>, Option<i64>);

pub fn operation((id, body, outcome, ended): OperationRow) -> Result<KeptOperation> {
    let unreadable = |e: serde_json::Error| Error::internal(sentences::no_stored_operation(id)).with_detail(e);
    let state = match outcome {
        None => OperationState::Pending,
        Some(outcome) => OperationState::Ended(serde_json::from_str(&outcome).map_err(unreadable)?),
    };
    Ok(KeptOperation {
        id: OperationId(id),
        operation: serde_json::from_str(&body).map_err(unreadable)?,
        state,
        ended: ended.map(Millis),
    })
}

/// As with events.
pub fn operations(rows: Vec<OperationRow>) -> Vec<KeptOperation> {
    readable(rows, operation)
}

/// id, request, state.
pub type RequestRow = (i64, String, String);

pub fn request((id, body, state): RequestRow) -> Result<KeptRequest> {
    let unreadable = |e: serde_json::Error| Error::internal(sentences::no_stored_request(id)).with_detail(e);
    Ok(KeptRequest {
        id: RequestId(id),
        request: serde_json::from_str(&body).map_err(unreadable)?,
        state: serde_json::from_str(&state).map_err(unreadable)?,
    })
}

/// As with events.
pub fn requests(rows: Vec<RequestRow>) -> Vec<KeptRequest> {
    readable(rows, request)
}

fn readable<R, T>(rows: Vec<R>, read: fn(R) -> Result<T>) -> Vec<T> {
    let left_out = |e: &Error| {
        tracing::warn!(error = %e, detail = ?e.detail, "something in the log of the model registry is left out");
    };
    rows.into_iter().filter_map(|row| read(row).inspect_err(left_out).ok()).collect()
}

/// name, description, tags, created, updated.
pub type ModelRow = (String, String, String, i64, i64);
/// model, version, run, source, stage, status, its message, description, tags, created, updated, by whom.
pub type VersionRow = (String, i64, Option<String>, String, String, String, String, String, String, i64, i64, String);
/// model, alias, version.
pub type AliasRow = (String, String, i64);

/// Models with their versions and aliases, by name. A row that cannot be read fails all: what is left out here would be taken for deleted.
pub fn models(models: Vec<ModelRow>, versions: Vec<VersionRow>, aliases: Vec<AliasRow>) -> Result<Vec<RegistryModel>> {
    let mut found = BTreeMap::new();
    for row in models {
        found.insert(row.0.clone(), model(row)?);
    }
    for row in versions {
        if let Some(model) = found.get_mut(&row.0) {
            let version = model_version(row)?;
            model.versions.insert(version.version, Arc::new(version));
        }
    }
    for (model, alias, number) in aliases {
        if let Some(found) = found.get_mut(&model) {
            let alias = Alias::parse(&alias).map_err(|e| unreadable_model(&model, e))?;
            found.aliases.insert(alias, version_number(&model, number)?);
        }
    }
    Ok(found.into_values().collect())
}

fn model((name, description, tags, created, updated): ModelRow) -> Result<RegistryModel> {
    Ok(RegistryModel {
        name: ModelName::parse(&name).map_err(|e| unreadable_model(&name, e))?,
        description,
        tags: serde_json::from_str(&tags).map_err(|e| unreadable_model(&name, e))?,
        created: Millis(created),
        updated: Millis(updated),
        aliases: BTreeMap::new(),
        versions: BTreeMap::new(),
    })
}

fn model_version(row: VersionRow) -> Result<ModelVersion> {
    let (model, version, run, source, stage, status, status_message, description, tags, created, updated, created_by) =
        row;
    Ok(ModelVersion {
        version: version_number(&model, version)?,
        run,
        source,
        stage: Stage::parse(&stage).map_err(|e| unreadable_model(&model, e))?,
        status: of_word(status).map_err(|e| unreadable_model(&model, e))?,
        status_message,
        description,
        tags: serde_json::from_str(&tags).map_err(|e| unreadable_model(&model, e))?,
        created: Millis(created),
        updated: Millis(updated),
        created_by,
    })
}

/// The number of a version of a model.
pub fn version_number(model: &str, number: i64) -> Result<Version> {
    let version = u32::try_from(number).map_err(|e| unreadable_model(model, e))?;
    Version::new(version).map_err(|e| unreadable_model(model, e))
}

/// What is stored of a model was changed by other hands.
pub fn unreadable_model(model: &str, why: impl ToString) -> Error {
    Error::internal(sentences::no_stored_model(model)).with_detail(why)
}

/// A thing that is one word in JSON, as that word.
pub fn word(thing: &impl Serialize) -> String {
    match serde_json::to_value(thing) {
        Ok(Value::String(word)) => word,
        other => unreachable!("no word: {other:?}"),
    }
}

fn of_word<T: DeserializeOwned>(word: String) -> serde_json::Result<T> {
    serde_json::from_value(Value::String(word))
}
