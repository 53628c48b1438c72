//! `/api/webhooks`: who is told of what happens to models, and what is on its way to them.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    error::Sentence,
    normalization::nfc,
    params::known_pairs,
    ports::DeliveriesQuery,
    registry::ModelName,
    scope::clip_text,
    time::Millis,
    webhook::{Delivery, DeliveryId, DeliveryState, PauseReason, WebhookId},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use usecases::webhooks::{MAX_DELIVERIES, SeenWebhook, TestOutcome, WebhookInput};

use super::{ActorServices, problem::Problem, runs::text, sentences, views};

type Answer = Result<Response, Problem>;

/// A webhook as programs see it.
#[derive(Debug, Serialize)]
pub struct WebhookRow {
    pub id: WebhookId,
    /// The host alone for whoever may not set webhooks.
    pub url: String,
    pub events: Vec<&'static str>,
    /// `null` for all models.
    pub model: Option<ModelName>,
    /// Why nothing is sent: `person` or `gone`.
    pub paused: Option<PauseReason>,
    pub created: Millis,
    pub created_by: String,
    /// Deliveries that wait, and dead letters.
    pub pending: u64,
    pub dead: u64,
    pub last_delivery: Option<DeliveryRow>,
}

/// A delivery as programs see it.
#[derive(Debug, Serialize)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub webhook: WebhookId,
    /// The `webhook-id`.
    pub message: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub model: ModelName,
    pub state: DeliveryState,
    pub attempts: u32,
    pub created: Millis,
    /// When it is tried next, while it waits.
    pub due: Option<Millis>,
    pub tried: Option<Millis>,
    pub status: Option<u16>,
    pub error: Option<String>,
}

impl WebhookRow {
    #[must_use]
    pub fn of(seen: SeenWebhook) -> Self {
        let SeenWebhook { webhook, address, last } = seen;
        Self {
            id: webhook.id,
            url: address,
            events: webhook.topics.names(),
            model: webhook.model,
            paused: webhook.paused,
            created: webhook.created,
            created_by: webhook.created_by,
            pending: webhook.pending,
            dead: webhook.dead,
            last_delivery: last.map(DeliveryRow::of),
        }
    }
}

impl DeliveryRow {
    #[must_use]
    pub fn of(delivery: Delivery) -> Self {
        Self {
            due: (delivery.state == DeliveryState::Pending).then_some(delivery.due),
            id: delivery.id,
            webhook: delivery.webhook,
            message: delivery.message,
            kind: delivery.kind,
            model: delivery.model,
            state: delivery.state,
            attempts: delivery.attempts,
            created: delivery.created,
            tried: delivery.tried,
            status: delivery.status,
            error: delivery.error.map(|e: Sentence| e.en),
        }
    }
}

/// What became of a test, as programs see it.
#[must_use]
pub fn tested(outcome: &TestOutcome) -> serde_json::Value {
    json!({ "delivered": outcome.delivered, "status": outcome.status, "detail": outcome.sentence.en })
}

fn webhook_id(text: &str) -> Result<WebhookId, Problem> {
    let id = text.parse().map(WebhookId);
    id.map_err(|_| Error::not_found(sentences::no_such_webhook(clip_text(text))).into())
}

fn delivery_id(text: &str) -> Result<DeliveryId, Problem> {
    let id = text.parse().map(DeliveryId);
    id.map_err(|_| Error::not_found(sentences::no_such_delivery(clip_text(text))).into())
}

/// All webhooks.
pub async fn list(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    known_pairs(q.as_deref().unwrap_or_default(), &[])?;
    let rows: Vec<_> = s.webhooks.list().await?.into_iter().map(WebhookRow::of).collect();
    Ok(Json(json!({ "webhooks": rows })).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    url: String,
    /// All where it is missing.
    #[serde(default)]
    events: Vec<String>,
    /// All models where it is missing.
    #[serde(default)]
    model: Option<String>,
    /// Made by us where it is missing.
    #[serde(default)]
    secret: Option<String>,
}

/// Adds a webhook. The answer has its secret, which is not shown again.
pub async fn create(ActorServices(s): ActorServices, headers: HeaderMap, body: Bytes) -> Answer {
    let new: Create = views::json(&headers, &body)?;
    let model = new.model.unwrap_or_default();
    let input = WebhookInput {
        url: new.url,
        events: new.events,
        model: nfc(&model).unwrap_or(model),
        secret: new.secret.unwrap_or_default(),
    };
    let (seen, secret) = s.webhooks.add(&input).await?;
    let mut row = json!(WebhookRow::of(seen));
    row["secret"] = secret.0.into();
    Ok((StatusCode::CREATED, Json(row)).into_response())
}

pub async fn remove(ActorServices(s): ActorServices, Path(id): Path<String>) -> Answer {
    s.webhooks.remove(webhook_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub async fn pause(ActorServices(s): ActorServices, Path(id): Path<String>) -> Answer {
    let id = webhook_id(&id)?;
    s.webhooks.pause(id).await?;
    Ok(Json(WebhookRow::of(s.webhooks.one(id).await?)).into_response())
}

pub async fn resume(ActorServices(s): ActorServices, Path(id): Path<String>) -> Answer {
    let id = webhook_id(&id)?;
    s.webhooks.resume(id).await?;
    Ok(Json(WebhookRow::of(s.webhooks.one(id).await?)).into_response())
}

/// Sends a test at once, and says what the receiver answered.
pub async fn test(ActorServices(s): ActorServices, Path(id): Path<String>) -> Answer {
    Ok(Json(tested(&s.webhooks.test(webhook_id(&id)?).await?)).into_response())
}

/// What is or was on its way, newest first; `next` leads to the page behind.
pub async fn deliveries(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    let pairs = known_pairs(q.as_deref().unwrap_or_default(), &["state", "webhook", "before", "limit"])?;
    let whole = |key: &'static str| {
        let read = |t: &str| t.parse::<u32>().map_err(|_| Error::bad_input(sentences::no_whole_number(key)).at(key));
        text(&pairs, key).map(read).transpose()
    };
    let query = DeliveriesQuery {
        webhook: whole("webhook")?.map(|id| WebhookId(id.into())),
        state: text(&pairs, "state").map(DeliveryState::parse).transpose()?,
        before: whole("before")?.map(|id| DeliveryId(id.into())),
        most: whole("limit")?.map_or(MAX_DELIVERIES, |n| (n as usize).clamp(1, MAX_DELIVERIES)),
    };
    let rows: Vec<_> = s.webhooks.deliveries(&query).await?.into_iter().map(DeliveryRow::of).collect();
    let next = rows.last().filter(|_| rows.len() == query.most).map(|last| last.id);
    Ok(Json(json!({ "deliveries": rows, "next": next })).into_response())
}

/// Sends a dead letter again.
pub async fn replay(ActorServices(s): ActorServices, Path(id): Path<String>) -> Answer {
    let replayed = s.webhooks.replay(delivery_id(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(DeliveryRow::of(replayed))).into_response())
}
