//! `/api/models`: models, their champions and their past, for inference servers and training servers.

mod files;
pub mod guide;
pub mod json;

pub use files::{history_csv, history_json};

use std::{collections::BTreeMap, time::Duration};

use app::ui::links::encode;
use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    normalization::nfc,
    params::known_pairs,
    ports::{EventsQuery, NewVersion},
    registry::{ModelName, OutcomeKind, RequestId, Stage},
    time::{Millis, parse_moment},
    tracking::{ArtifactPath, ByteRange},
};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use usecases::models::{ApprovalOutcome, Attempt, Conflict, Performed, PromotionInput, RollbackInput};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    ActorServices,
    problem::Problem,
    runs::{is_known, needed, not_modified, send_file, text},
    sentences, views,
};

type Answer = Result<Response, Problem>;

/// The longest that somebody waits for another champion, in seconds: answers end after thirty.
const MAX_WAIT: u64 = 25;

fn pairs(q: Option<&str>, known: &[&str]) -> domain::Result<Vec<(String, String)>> {
    known_pairs(q.unwrap_or_default(), known)
}

fn composed(text: String) -> String {
    nfc(&text).unwrap_or(text)
}

/// Told apart: a key that is not there, and one that is `null`.
fn given<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(d).map(Some)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    match headers.get("idempotency-key").map(|k| k.to_str()) {
        None => Ok(None),
        Some(Ok(key)) => Ok(Some(key.to_owned())),
        Some(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "Idempotency-Key is not ASCII")),
    }
}

/// Somebody was faster: a problem with the champion that there is now.
fn conflict(conflict: &Conflict) -> Response {
    let body = json!({
        "type": "about:blank", "title": "Conflict", "status": 409, "detail": conflict.sentence.en,
        "champion": conflict.champion,
    });
    (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// An operation by what became of it: 200 when it is applied, 202 while the registry does not say, 409 when somebody outside overtook it, 502
/// when the registry refused or failed and everything is as before.
fn performed(done: &Performed, mut body: serde_json::Value) -> Response {
    let status = match done.outcome.as_ref().map(|o| o.kind) {
        Some(OutcomeKind::Applied) => StatusCode::OK,
        None => StatusCode::ACCEPTED,
        Some(OutcomeKind::Overtaken) => StatusCode::CONFLICT,
        Some(OutcomeKind::NotApplied) => StatusCode::BAD_GATEWAY,
    };
    if status.is_success() {
        return (status, Json(body)).into_response();
    }
    let title = status.canonical_reason().unwrap_or("Error");
    body["type"] = "about:blank".into();
    body["title"] = title.into();
    body["status"] = status.as_u16().into();
    body["detail"] = body["note"].clone();
    body["champion"] = json!(done.model.as_ref().and_then(|m| m.champion()));
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

fn attempted(attempt: &Attempt, evidence: Option<serde_json::Value>) -> Answer {
    match attempt {
        Attempt::Conflict(c) => Ok(conflict(c)),
        Attempt::OtherRequest => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this Idempotency-Key was used for another request; nothing was done",
        )),
        Attempt::Done(done) => {
            let mut body = json::performed(done);
            if let Some(evidence) = evidence {
                body["verdict"] = evidence["verdict"].clone();
                body["evidence"] = evidence;
            }
            Ok(performed(done, body))
        }
    }
}

/// All models.
pub async fn list(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    pairs(q.as_deref(), &[])?;
    let (index, status) = (s.models.read_index()?, s.models.status());
    let models = index.models().map(|m| json::ModelJson::of(m)).collect();
    Ok(Json(json::ModelsJson { models, as_of: status.as_of, registry: json::registry(&status) }).into_response())
}

/// One model with its versions.
pub async fn model(ActorServices(s): ActorServices, Path(name): Path<String>, RawQuery(q): RawQuery) -> Answer {
    pairs(q.as_deref(), &[])?;
    let model = s.models.model(&composed(name))?;
    let mut body = json::whole(&model);
    let status = s.models.status();
    body["as_of"] = json!(status.as_of);
    body["registry"] = json::registry(&status);
    Ok(Json(body).into_response())
}

/// The versions of a model, as the guide asks for them.
pub async fn versions(ActorServices(s): ActorServices, Path(name): Path<String>, RawQuery(q): RawQuery) -> Answer {
    pairs(q.as_deref(), &[])?;
    let model = s.models.model(&composed(name))?;
    let versions: Vec<_> = model.versions.values().rev().map(|v| json::VersionJson::of(&model, v)).collect();
    Ok(Json(json!({ "name": model.name, "versions": versions, "as_of": s.models.status().as_of })).into_response())
}

pub async fn version(
    ActorServices(s): ActorServices,
    Path((name, version)): Path<(String, String)>,
    RawQuery(q): RawQuery,
) -> Answer {
    pairs(q.as_deref(), &[])?;
    let (model, version) = s.models.version(&composed(name), &version)?;
    let mut body = json!(json::VersionJson::of(&model, &version));
    body["name"] = json!(model.name);
    body["as_of"] = json!(s.models.status().as_of);
    Ok(Json(body).into_response())
}

/// Which version is to run. With `wait` and an `If-None-Match` that still holds, the answer comes when it is another one, or after so many seconds.
pub async fn champion(
    ActorServices(s): ActorServices,
    Path(name): Path<String>,
    RawQuery(q): RawQuery,
    headers: HeaderMap,
) -> Answer {
    // By place: today every place has the fleet's.
    let pairs = pairs(q.as_deref(), &["customer", "site", "zone", "stage", "wait"])?;
    let stage = text(&pairs, "stage").map(Stage::parse).transpose()?;
    let wait = match text(&pairs, "wait") {
        None => 0,
        Some(wait) => {
            let seconds = wait.parse::<u64>().ok().filter(|s| *s <= MAX_WAIT);
            seconds.ok_or_else(|| Error::bad_input(sentences::bad_wait(MAX_WAIT)).at("wait"))?
        }
    };
    let name = composed(name);
    let reader = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or("unknown");
    let until = tokio::time::Instant::now() + Duration::from_secs(wait);
    loop {
        let answer = s.models.champion(&name, stage, Some(reader))?;
        let version = answer.version.version;
        let download = format!("/api/models/{}/versions/{version}/artifacts", encode(&name));
        let body = json::champion(&answer, &download);
        // Its age is no part of what it says.
        let said = (
            &answer.version.version,
            &answer.version.run,
            &answer.version.source,
            &answer.version.stage,
            &answer.aliases,
        );
        let etag = format!("W/\"{:016x}\"", xxh3_64(format!("{said:?} {}", answer.stale.is_some()).as_bytes()));
        if !is_known(&headers, &etag) {
            let heads = [(header::ETAG, etag), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
            return Ok((heads, Json(body)).into_response());
        }
        if tokio::time::timeout_at(until, s.models.wait_for_change(answer.generation)).await.is_err() {
            return Ok(not_modified(etag));
        }
    }
}

/// What is in a folder of a version's files.
pub async fn artifacts(
    ActorServices(s): ActorServices,
    Path((name, version)): Path<(String, String)>,
    RawQuery(q): RawQuery,
) -> Answer {
    let pairs = pairs(q.as_deref(), &["path"])?;
    let folder = ArtifactPath::parse(text(&pairs, "path").unwrap_or_default())?;
    let entries = s.models.artifacts(&composed(name), &version, &folder).await?;
    let files: Vec<_> =
        entries.iter().map(|e| json!({ "path": e.path, "is_folder": e.is_folder, "size": e.size })).collect();
    Ok(Json(json!({ "path": folder, "files": files })).into_response())
}

/// A file of a version, or the part of it that `Range` names.
pub async fn file(
    ActorServices(s): ActorServices,
    Path((name, version)): Path<(String, String)>,
    RawQuery(q): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let pairs = pairs(q.as_deref(), &["path"])?;
    let path = ArtifactPath::parse(needed(&pairs, "path")?)?;
    let range = headers.get(header::RANGE).and_then(|r| r.to_str().ok()).and_then(ByteRange::parse);
    send_file(&path, range, s.models.artifact(&composed(name), &version, &path, range).await)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewVersionBody {
    #[serde(default)]
    run_id: Option<String>,
    /// Where the files are below the artifacts of the run.
    #[serde(default)]
    path: Option<String>,
    /// Instead of run and path.
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Registers a version in our own registry.
pub async fn register(
    ActorServices(s): ActorServices,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let new: NewVersionBody = views::json(&headers, &body)?;
    let source = match (&new.source, &new.run_id) {
        (Some(source), _) => source.clone(),
        (None, Some(run)) => {
            format!("runs:/{run}/{}", new.path.as_deref().unwrap_or_default()).trim_end_matches('/').to_owned()
        }
        (None, None) => String::new(),
    };
    let new = NewVersion {
        model: ModelName::parse_new(&composed(name))?,
        run: new.run_id,
        source,
        description: new.description,
        tags: new.tags.into_iter().collect(),
        created_by: String::new(),
        at: Millis(0),
    };
    let version = s.models.register(&new).await?;
    let model = s.models.model(new.model.as_str())?;
    let mut body = json!(json::VersionJson::of(&model, &version));
    body["name"] = json!(model.name);
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengerBody {
    version: String,
    reason: String,
}

/// Names the version that is to become the champion.
pub async fn set_challenger(
    ActorServices(s): ActorServices,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let new: ChallengerBody = views::json(&headers, &body)?;
    attempted(&s.models.set_challenger(&composed(name), &new.version, &new.reason).await?, None)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromotionBody {
    version: String,
    to: String,
    /// The champion that the caller saw; `null` for none. It has to be there: two who promote at once are told apart by it.
    #[serde(default, deserialize_with = "given")]
    expected: Option<Option<String>>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    dry_run: bool,
    /// Promotes although the model's policy wants better evidence; the reason says why.
    #[serde(default, rename = "override")]
    override_policy: bool,
}

/// Promotes a version, or with `dry_run` says what that would do.
pub async fn promote(
    ActorServices(s): ActorServices,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let new: PromotionBody = views::json(&headers, &body)?;
    let name = composed(name);
    if new.dry_run {
        return Ok(Json(json::review(&s.models.review(&name, &new.version, &new.to).await?)).into_response());
    }
    let expected = new.expected.ok_or_else(|| Error::bad_input(sentences::expected_missing()).at("expected"))?;
    let input = PromotionInput {
        version: new.version,
        to: new.to,
        expected,
        reason: new.reason,
        override_policy: new.override_policy,
        key: idempotency_key(&headers)?,
    };
    let attempt = s.models.promote(&name, &input).await?;
    let evidence = match &attempt {
        Attempt::Done(done) => s.models.evidence_of(done.id).await?,
        _ => None,
    };
    attempted(&attempt, Some(json::evidence(evidence.as_ref())))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackBody {
    #[serde(default, deserialize_with = "given")]
    expected: Option<Option<String>>,
    /// Where the caller was told that it leads.
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    reason: String,
}

/// Makes the champion before the champion again.
pub async fn roll_back(
    ActorServices(s): ActorServices,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let new: RollbackBody = views::json(&headers, &body)?;
    let expected = new.expected.ok_or_else(|| Error::bad_input(sentences::expected_missing()).at("expected"))?;
    let input = RollbackInput { expected, version: new.version, reason: new.reason, key: idempotency_key(&headers)? };
    attempted(&s.models.roll_back(&composed(name), &input).await?, None)
}

/// What happened to a model, oldest first.
pub async fn history(ActorServices(s): ActorServices, Path(name): Path<String>, RawQuery(q): RawQuery) -> Answer {
    let pairs = pairs(q.as_deref(), &["from", "to", "at", "after", "limit"])?;
    let name = ModelName::parse(&composed(name))?;
    let now = s.clock.now();
    let moment = |key: &'static str| {
        text(&pairs, key).map(|t| parse_moment(t, now, &TimeZone::UTC).map_err(|e| e.at(key))).transpose()
    };
    if let Some(at) = moment("at")? {
        let standing = s.models.standing_at(&name, at).await?;
        let known = standing.as_ref().map(json::standing);
        return Ok(Json(json!({ "name": name, "at": at, "live": known })).into_response());
    }
    let events = s.models.events(&events_query(Some(name.clone()), &pairs, moment("from")?, moment("to")?)?).await?;
    let events: Vec<_> = events.iter().map(json::event).collect();
    Ok(Json(json!({ "name": name, "events": events })).into_response())
}

fn events_query(
    model: Option<ModelName>,
    pairs: &[(String, String)],
    from: Option<Millis>,
    to: Option<Millis>,
) -> domain::Result<EventsQuery> {
    let whole = |key: &'static str| {
        let read = |t: &str| t.parse::<u32>().map_err(|_| Error::bad_input(sentences::no_whole_number(key)).at(key));
        text(pairs, key).map(read).transpose()
    };
    Ok(EventsQuery {
        model,
        from,
        to,
        after: whole("after")?.map_or(0, i64::from),
        most: whole("limit")?.map(|n| n as usize),
        only_moves: false,
    })
}

/// What happened to all models, oldest first.
pub async fn log(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    let pairs = pairs(q.as_deref(), &["from", "to", "after", "limit"])?;
    let now = s.clock.now();
    let moment = |key: &'static str| {
        text(&pairs, key).map(|t| parse_moment(t, now, &TimeZone::UTC).map_err(|e| e.at(key))).transpose()
    };
    let events = s.models.events(&events_query(None, &pairs, moment("from")?, moment("to")?)?).await?;
    Ok(Json(json!({ "events": events.iter().map(json::event).collect::<Vec<_>>() })).into_response())
}

/// Whether the log is as it was written.
pub async fn verify(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    pairs(q.as_deref(), &[])?;
    Ok(Json(json::chain(&s.models.verify().await?)).into_response())
}

/// Requests of a model, newest first.
pub async fn requests(ActorServices(s): ActorServices, Path(name): Path<String>, RawQuery(q): RawQuery) -> Answer {
    pairs(q.as_deref(), &[])?;
    let name = ModelName::parse(&composed(name))?;
    let all = s.models.requests(Some(&name)).await?;
    Ok(Json(json!({ "requests": all.iter().map(json::request).collect::<Vec<_>>() })).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestBody {
    version: String,
    to: String,
    #[serde(default, deserialize_with = "given")]
    expected: Option<Option<String>>,
    #[serde(default)]
    reason: String,
}

/// Asks for a promotion.
pub async fn ask(ActorServices(s): ActorServices, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Answer {
    let new: RequestBody = views::json(&headers, &body)?;
    let expected = new.expected.ok_or_else(|| Error::bad_input(sentences::expected_missing()).at("expected"))?;
    let input =
        PromotionInput { version: new.version, to: new.to, expected, reason: new.reason, ..PromotionInput::default() };
    let kept = s.models.request(&composed(name), &input).await?;
    Ok((StatusCode::CREATED, Json(json::request(&kept))).into_response())
}

fn request_id(text: &str) -> domain::Result<RequestId> {
    text.parse().map(RequestId).map_err(|_| Error::not_found(sentences::no_such_request()))
}

/// One request, with what is known now.
pub async fn request(ActorServices(s): ActorServices, Path(id): Path<String>, RawQuery(q): RawQuery) -> Answer {
    pairs(q.as_deref(), &[])?;
    let review = s.models.review_request(request_id(&id)?).await?;
    let mut body = json::request(&review.kept);
    body["evidence_now"] = json::evidence(review.evidence.as_ref());
    body["evidence_changed"] = review.changed.into();
    Ok(Json(body).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    #[serde(default)]
    comment: String,
}

/// Approves a request: what was asked for is promoted.
pub async fn approve(
    ActorServices(s): ActorServices,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let new: DecisionBody = views::json(&headers, &body)?;
    match s.models.approve(request_id(&id)?, &new.comment).await? {
        ApprovalOutcome::Conflict(c) => Ok(conflict(&c)),
        ApprovalOutcome::Promoted(done) => Ok(performed(&done, json::performed(&done))),
    }
}

/// Rejects a request; its asker takes it back.
pub async fn reject(
    ActorServices(s): ActorServices,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let new: DecisionBody = views::json(&headers, &body)?;
    let kept = s.models.reject(request_id(&id)?, &new.comment).await?;
    Ok(Json(json::request(&kept)).into_response())
}
