//! Models as programs see them. Versions are texts, as MLflow writes them.

use std::collections::BTreeMap;

use domain::{
    ports::{KeptRequest, RegistryKind, RegistryStatus},
    registry::{
        Alias, EventAct, EventActor, KeptEvidence, LoggedEvent, ModelName, ModelVersion, OperationKind, OutcomeKind,
        RegistryModel, RequestState, Stage, Standing, Target, Version, VersionStatus,
    },
    time::Millis,
};
use serde::Serialize;
use serde_json::{Value, json};
use usecases::models::{ChainReport, ChampionAnswer, Performed, PromotionReview, Reader};

/// What keeps the models, and how old our copy of it is.
#[must_use]
pub fn registry(status: &RegistryStatus) -> Value {
    let kind = match status.kind {
        RegistryKind::Mlflow => "mlflow",
        RegistryKind::Embedded => "embedded",
    };
    json!({ "kind": kind, "address": status.address, "error": status.error.as_ref().map(|e| &e.en) })
}

/// All models. Written as they are: a thousand of them in a tree of values would take longer than all else.
#[derive(Serialize)]
pub struct ModelsJson<'a> {
    pub models: Vec<ModelJson<'a>>,
    pub as_of: Option<Millis>,
    pub registry: Value,
}

/// A model in a list.
#[derive(Serialize)]
pub struct ModelJson<'a> {
    pub name: &'a ModelName,
    pub champion: Option<Version>,
    pub challenger: Option<Version>,
    pub rollback: Option<Version>,
    pub aliases: &'a BTreeMap<Alias, Version>,
    /// Versions by stage, newest first; those in none are left out.
    pub stages: BTreeMap<&'static str, Vec<Version>>,
    /// Whether `champion` and `Production` name different versions.
    pub disagrees: bool,
    pub versions: usize,
    pub latest: Option<Version>,
    pub description: &'a str,
    pub tags: &'a BTreeMap<String, String>,
    pub created: Millis,
    pub updated: Millis,
}

impl<'a> ModelJson<'a> {
    #[must_use]
    pub fn of(model: &'a RegistryModel) -> Self {
        let stages = [Stage::Staging, Stage::Production, Stage::Archived].into_iter();
        let stages = stages.map(|stage| (stage.as_str(), model.in_stage(stage).collect::<Vec<_>>()));
        Self {
            name: &model.name,
            champion: model.champion(),
            challenger: model.challenger(),
            rollback: model.alias(domain::registry::ROLLBACK),
            aliases: &model.aliases,
            stages: stages.filter(|(_, versions)| !versions.is_empty()).collect(),
            disagrees: model.disagrees(),
            versions: model.versions.len(),
            latest: model.versions.keys().next_back().copied(),
            description: &model.description,
            tags: &model.tags,
            created: model.created,
            updated: model.updated,
        }
    }
}

/// A version.
#[derive(Serialize)]
pub struct VersionJson<'a> {
    pub version: Version,
    pub stage: Stage,
    pub aliases: Vec<&'a Alias>,
    pub run_id: Option<&'a str>,
    pub source: &'a str,
    pub status: VersionStatus,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub status_message: &'a str,
    pub description: &'a str,
    pub tags: &'a BTreeMap<String, String>,
    pub created: Millis,
    pub updated: Millis,
    pub created_by: &'a str,
}

impl<'a> VersionJson<'a> {
    #[must_use]
    pub fn of(model: &'a RegistryModel, version: &'a ModelVersion) -> Self {
        Self {
            version: version.version,
            stage: version.stage,
            aliases: model.aliases_of(version.version).collect(),
            run_id: version.run.as_deref(),
            source: &version.source,
            status: version.status,
            status_message: &version.status_message,
            description: &version.description,
            tags: &version.tags,
            created: version.created,
            updated: version.updated,
            created_by: &version.created_by,
        }
    }
}

/// A model with its versions, newest first.
#[must_use]
pub fn whole(model: &RegistryModel) -> Value {
    let versions: Vec<_> = model.versions.values().rev().map(|v| VersionJson::of(model, v)).collect();
    let mut body = json!(ModelJson::of(model));
    body["versions"] = json!(versions);
    body
}

/// What an inference server reads.
#[must_use]
pub fn champion(answer: &ChampionAnswer, download: &str) -> Value {
    let version = &answer.version;
    json!({
        "name": answer.model.name,
        "version": version.version,
        "run_id": version.run,
        "stage": version.stage,
        "aliases": answer.aliases,
        "artifact_uri": version.source,
        "download": download,
        "tags": version.tags,
        "as_of": answer.as_of,
        "stale": answer.stale.as_ref().map(|why| &why.en),
    })
}

fn kind(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Promote(Target::Staging) => "promote_to_staging",
        OperationKind::Promote(Target::Production) => "promote_to_production",
        OperationKind::RollBack => "roll_back",
        OperationKind::SetChallenger => "set_challenger",
        OperationKind::Repair => "repair",
    }
}

/// What was known of a challenger.
#[must_use]
pub fn evidence(evidence: Option<&KeptEvidence>) -> Value {
    match evidence {
        None => Value::Null,
        Some(e) => json!({
            "verdict": e.verdict,
            "sentence": e.sentence.en,
            "at": e.at,
            "judgement": e.judgement.as_ref().map(domain::evidence::Judgement::answer),
        }),
    }
}

/// An operation and what became of it: `applied`, `not_applied`, `overtaken`, or `pending` while the registry does not say.
#[must_use]
pub fn performed(done: &Performed) -> Value {
    let state = done.outcome.as_ref().map_or("pending", |o| o.kind.as_str());
    json!({
        "operation": done.id,
        "what": kind(done.operation.kind),
        "outcome": state,
        "note": done.outcome.as_ref().and_then(|o| o.note.as_ref()).map(|n| &n.en),
        "name": done.operation.model,
        "version": done.operation.version,
        "previous": done.operation.expected(),
        "reason": done.operation.reason,
        "actor": done.operation.actor,
        "at": done.operation.begun,
        "again": done.again,
        "model": done.model.as_ref().map(|m| ModelJson::of(m)),
    })
}

/// What a promotion would do.
#[must_use]
pub fn review(review: &PromotionReview) -> Value {
    json!({
        "dry_run": true,
        "name": review.model.name,
        "version": review.version,
        "to": review.to,
        "champion": review.model.champion(),
        "verdict": review.evidence.as_ref().map(|e| e.verdict),
        "evidence": evidence(review.evidence.as_ref()),
        "policy": review.policy.promotion,
        "blocked": review.blocked.as_ref().map(|s| &s.en),
        "needs_approval": review.needs_approval,
        "warnings": review.warnings.iter().map(|s| &s.en).collect::<Vec<_>>(),
        "readers": review.readers.iter().map(reader).collect::<Vec<_>>(),
    })
}

fn reader(reader: &Reader) -> Value {
    json!({
        "name": reader.name, "version": reader.version.to_string(), "last": reader.last, "times": reader.times,
    })
}

/// A line of the log.
#[must_use]
pub fn event(logged: &LoggedEvent) -> Value {
    let e = &logged.event;
    let (what, outcome) = match &e.act {
        EventAct::FirstSeen => ("first_seen", None),
        EventAct::ChangedOutside => ("changed_outside", None),
        EventAct::Registered => ("registered", None),
        EventAct::Begun(k) => (kind(*k), Some("begun")),
        EventAct::Ended(k, outcome) => (kind(*k), Some(OutcomeKind::as_str(*outcome))),
        EventAct::Requested => ("requested", None),
        EventAct::Approved => ("approved", None),
        EventAct::Rejected => ("rejected", None),
        EventAct::Withdrawn => ("withdrawn", None),
        EventAct::Expired => ("expired", None),
        EventAct::Described => ("described", None),
    };
    let (actor, outside) = match &e.actor {
        EventActor::Named(name) => (Some(name.as_str()), false),
        EventActor::Outside => (None, true),
        EventActor::System => (None, false),
    };
    json!({
        "number": logged.number,
        "at": e.at,
        "name": e.model,
        "what": what,
        "outcome": outcome,
        "actor": actor,
        "outside": outside,
        "version": e.version,
        "reason": e.reason,
        "operation": e.operation,
        "request": e.request,
        "before": e.before.as_ref().map(standing),
        "after": e.after.as_ref().map(standing),
        "evidence": evidence(e.evidence.as_deref()),
        "note": e.note.as_ref().map(|n| &n.en),
        "hash": logged.hash.iter().map(|b| format!("{b:02x}")).collect::<String>(),
    })
}

/// How a model stood.
#[must_use]
pub fn standing(standing: &Standing) -> Value {
    json!({
        "champion": standing.champion(),
        "aliases": standing.aliases,
        "stages": standing.stages.iter().map(|(v, s)| (v.to_string(), *s)).collect::<BTreeMap<_, _>>(),
        "versions": standing.versions.iter().collect::<Vec<_>>(),
    })
}

/// A request.
#[must_use]
pub fn request(kept: &KeptRequest) -> Value {
    let r = &kept.request;
    let (state, by, at, comment) = match &kept.state {
        RequestState::Open => ("open", None, None, None),
        RequestState::Approved { by, at, comment, .. } => ("approved", Some(by), Some(*at), Some(comment)),
        RequestState::Rejected { by, at, comment } => ("rejected", Some(by), Some(*at), Some(comment)),
        RequestState::Withdrawn { at } => ("withdrawn", None, Some(*at), None),
        RequestState::Expired => ("expired", None, Some(r.expires), None),
    };
    json!({
        "id": kept.id, "name": r.model, "version": r.version, "to": r.to, "expected": r.expected,
        "asked_by": r.asked_by, "reason": r.reason, "asked": r.asked, "expires": r.expires,
        "evidence": evidence(r.evidence.as_ref()),
        "state": state, "decided_by": by, "decided": at, "comment": comment,
    })
}

/// What was found in the log.
#[must_use]
pub fn chain(report: &ChainReport) -> Value {
    json!({
        "right": report.right, "head": report.head,
        "broken": report.broken.as_ref().map(|b| json!({ "number": b.number, "why": b.why.as_str() })),
    })
}
