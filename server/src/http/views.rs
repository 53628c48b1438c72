//! `/api/views` and `/api/start-page`: saved views over HTTP.

use axum::{
    Json,
    body::Bytes,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    normalization::nfc,
    ports::CreateOutcome,
    saved_view::{SavedView, ViewId, ViewLink, ViewName},
    scope::clip_text,
    time::Millis,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{SeenViews, problem::Problem};

type Answer = Result<Response, Problem>;

/// A view as programs see it.
#[derive(Debug, Serialize)]
pub struct ViewRow {
    pub id: ViewId,
    pub name: ViewName,
    /// The address of a page, without a host.
    pub link: ViewLink,
    pub shared: bool,
    pub owner: String,
    /// Whether whoever asks may change and delete it.
    pub editable: bool,
    pub created: Millis,
    pub changed: Millis,
}

#[derive(Debug, Serialize)]
pub struct ViewList {
    /// By name.
    pub views: Vec<ViewRow>,
    /// The view that whoever asks starts with.
    pub start_page: Option<ViewId>,
}

/// All views that an actor may see.
///
/// # Errors
/// As [`usecases::Views::list`].
pub async fn views_of(views: &usecases::Views) -> domain::Result<ViewList> {
    let list = views.list().await?;
    Ok(ViewList { views: list.views.into_iter().map(|v| row(views, v)).collect(), start_page: list.start })
}

/// A view, as whoever uses `views` may see it.
#[must_use]
pub fn row(views: &usecases::Views, v: SavedView) -> ViewRow {
    ViewRow {
        editable: views.may_change(&v),
        id: v.id,
        name: v.name,
        link: v.link,
        shared: v.shared,
        owner: v.owner,
        created: v.created,
        changed: v.changed,
    }
}

pub async fn list(SeenViews(views): SeenViews) -> Answer {
    Ok(Json(views_of(&views).await?).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    name: String,
    link: String,
    #[serde(default)]
    shared: bool,
}

/// Keeps a view. With an `Idempotency-Key`, the same request gets the same answer for a day.
pub async fn create(SeenViews(views): SeenViews, headers: HeaderMap, body: Bytes) -> Answer {
    let new: Create = json(&headers, &body)?;
    let key = match headers.get("idempotency-key").map(|k| k.to_str()) {
        None => None,
        Some(Ok(key)) => Some(key),
        Some(Err(_)) => return Err(Problem::new(StatusCode::BAD_REQUEST, "Idempotency-Key is not ASCII")),
    };
    match views.create(&composed(new.name), &new.link, new.shared, key).await? {
        CreateOutcome::New(view) | CreateOutcome::Again(view) => {
            // As it was kept, so that the same request gets the same answer: whoever created a view may change it.
            Ok((StatusCode::CREATED, Json(ViewRow { editable: true, ..row(&views, view) })).into_response())
        }
        CreateOutcome::OtherRequest => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this Idempotency-Key was used for another request; nothing was done",
        )),
        // Errors of the use case already.
        CreateOutcome::NameTaken | CreateOutcome::TooMany => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "the view cannot be kept"))
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    name: Option<String>,
    shared: Option<bool>,
}

pub async fn change(SeenViews(views): SeenViews, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Answer {
    let id = view_id(&id)?;
    let to: Change = json(&headers, &body)?;
    if to.name.is_none() && to.shared.is_none() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "say what to change: name, shared, or both"));
    }
    let name = to.name.map(composed);
    let view = views.change(id, name.as_deref(), to.shared).await?;
    Ok(Json(row(&views, view)).into_response())
}

pub async fn delete(SeenViews(views): SeenViews, Path(id): Path<String>) -> Answer {
    views.delete(view_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    view: ViewId,
}

pub async fn set_start(SeenViews(views): SeenViews, headers: HeaderMap, body: Bytes) -> Answer {
    let start: Start = json(&headers, &body)?;
    views.set_start(Some(start.view)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub async fn unset_start(SeenViews(views): SeenViews) -> Answer {
    views.set_start(None).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A name in its one spelling.
fn composed(name: String) -> String {
    nfc(&name).unwrap_or(name)
}

fn view_id(text: &str) -> Result<ViewId, Problem> {
    let id = text.parse().map(ViewId);
    id.map_err(|_| Problem::new(StatusCode::NOT_FOUND, format!("there is no saved view {}", clip_text(text))))
}

/// The body of a request. Only what says that it is JSON is read as JSON: a form of another site cannot say so.
pub(super) fn json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|t| t.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json"));
    }
    serde_json::from_slice(body)
        .map_err(|e| Problem::new(StatusCode::BAD_REQUEST, format!("the body cannot be read: {e}")))
}
