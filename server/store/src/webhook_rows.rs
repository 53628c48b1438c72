//! Rows of webhooks and their deliveries as both databases give them.

use domain::{
    Error, Result,
    ports::ClaimedDelivery,
    registry::ModelName,
    time::Millis,
    webhook::{Delivery, DeliveryId, DeliveryState, PauseReason, SealedSecret, Topics, Webhook, WebhookId},
};

use crate::sentences;

/// id, url, events, model, paused, created, by whom, pending, dead.
pub type WebhookRow = (i64, String, i64, Option<String>, Option<String>, i64, String, i64, i64);

fn webhook(row: WebhookRow) -> Result<Webhook> {
    let (id, url, events, model, paused, created, created_by, pending, dead) = row;
    let unreadable = |why: &str| Error::internal(sentences::no_stored_webhook(id)).with_detail(why);
    Ok(Webhook {
        id: WebhookId(id),
        url,
        topics: Topics::of_bits(events).ok_or_else(|| unreadable("events"))?,
        model: model.map(|m| ModelName::parse(&m).map_err(|_| unreadable("model"))).transpose()?,
        paused: paused.map(|p| PauseReason::of(&p).ok_or_else(|| unreadable("paused"))).transpose()?,
        created: Millis(created),
        created_by,
        pending: count(pending),
        dead: count(dead),
    })
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

/// Those that can be read. One that cannot does not hide the others.
pub fn webhooks(rows: Vec<WebhookRow>) -> Vec<Webhook> {
    readable(rows, webhook)
}

/// id, webhook, message, kind, model, state, attempts, created, due, tried, status, error.
pub type DeliveryRow =
    (i64, i64, String, String, String, String, i64, i64, i64, Option<i64>, Option<i64>, Option<String>);

pub fn delivery(row: DeliveryRow) -> Result<Delivery> {
    let (id, webhook, message, kind, model, state, attempts, created, due, tried, status, error) = row;
    let unreadable = |why: String| Error::internal(sentences::no_stored_delivery(id)).with_detail(why);
    Ok(Delivery {
        id: DeliveryId(id),
        webhook: WebhookId(webhook),
        message,
        kind,
        model: ModelName::parse(&model).map_err(|e| unreadable(e.to_string()))?,
        state: DeliveryState::parse(&state).map_err(|e| unreadable(e.to_string()))?,
        attempts: u32::try_from(attempts).map_err(|e| unreadable(e.to_string()))?,
        created: Millis(created),
        due: Millis(due),
        tried: tried.map(Millis),
        status: status.and_then(|s| u16::try_from(s).ok()),
        error: error.map(|e| serde_json::from_str(&e).map_err(|e| unreadable(e.to_string()))).transpose()?,
    })
}

/// As with webhooks.
pub fn deliveries(rows: Vec<DeliveryRow>) -> Vec<Delivery> {
    readable(rows, delivery)
}

/// As [`DeliveryRow`], with the address, the secret and the body.
pub type ClaimedRow = (
    i64,
    i64,
    String,
    String,
    String,
    String,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Option<String>,
    String,
    Vec<u8>,
    String,
);

/// As with webhooks: one that cannot be read is taken and not sent.
pub fn claimed(rows: Vec<ClaimedRow>, lease: &str) -> Vec<ClaimedDelivery> {
    readable(rows, |(a, b, c, d, e, f, g, h, i, j, k, l, url, secret, body)| {
        Ok(ClaimedDelivery {
            delivery: delivery((a, b, c, d, e, f, g, h, i, j, k, l))?,
            url,
            secret: SealedSecret(secret),
            body,
            lease: lease.to_owned(),
        })
    })
}

fn readable<R, T>(rows: Vec<R>, read: impl Fn(R) -> Result<T>) -> Vec<T> {
    let left_out = |e: &Error| {
        tracing::warn!(error = %e, detail = ?e.detail, "something about webhooks is left out");
    };
    rows.into_iter().filter_map(|row| read(row).inspect_err(left_out).ok()).collect()
}
