//! Webhooks and the outbox of what they are told. Compiled once a database: `super` is its module.

use async_trait::async_trait;
use domain::{
    Error, Result,
    ports::{AttemptOutcome, ClaimedDelivery, DeliveriesQuery, NewWebhook, WebhookOutbox},
    registry::RegistryEvent,
    time::Millis,
    webhook::{Delivery, DeliveryId, Message, PauseReason, SealedSecret, Webhook, WebhookId},
};
use sqlx::Transaction;

use super::{Db, Store, cannot};
use crate::{
    error::Operation,
    random,
    rows::kept_json,
    sentences, sql,
    webhook_rows::{self as rows, ClaimedRow, DeliveryRow, WebhookRow},
};

/// After so many tries in vain a delivery keeps later ones of its webhook and model waiting no longer: it may be this one that the receiver
/// cannot take.
const KEEPS_ORDER: i64 = 5;

fn unread(e: sqlx::Error) -> Error {
    cannot(Operation::ReadWebhooks, &e)
}

fn unwritten(e: sqlx::Error) -> Error {
    cannot(Operation::WriteWebhooks, &e)
}

/// Puts a message into the outbox of each webhook that wants it.
pub(super) async fn add_deliveries(
    tx: &mut Transaction<'_, Db>,
    event: &RegistryEvent,
    message: &Message,
) -> sqlx::Result<()> {
    sqlx::query(sql::ADD_DELIVERIES)
        .bind(&message.id)
        .bind(event.model.as_str())
        .bind(message.kind.as_str())
        .bind(&message.body)
        .bind(event.at.0)
        .bind(i64::from(message.kind.topic().bit()))
        .execute(&mut **tx)
        .await
        .map(drop)
}

#[async_trait]
impl WebhookOutbox for Store {
    async fn add_webhook(&self, new: &NewWebhook) -> Result<Option<WebhookId>> {
        let id: Option<i64> = sqlx::query_scalar(sql::ADD_WEBHOOK)
            .bind(&new.url)
            .bind(i64::from(new.topics.bits()))
            .bind(new.model.as_ref().map(|m| m.as_str()))
            .bind(&new.secret.0)
            .bind(new.created.0)
            .bind(&new.created_by)
            .fetch_optional(&self.pool)
            .await
            .map_err(unwritten)?;
        Ok(id.map(WebhookId))
    }

    async fn webhooks(&self) -> Result<Vec<Webhook>> {
        let found: Vec<WebhookRow> = sqlx::query_as(sql::WEBHOOKS).fetch_all(&self.pool).await.map_err(unread)?;
        Ok(rows::webhooks(found))
    }

    async fn webhook_secret(&self, id: WebhookId) -> Result<Option<SealedSecret>> {
        let found: Option<Vec<u8>> =
            sqlx::query_scalar(sql::WEBHOOK_SECRET).bind(id.0).fetch_optional(&self.pool).await.map_err(unread)?;
        Ok(found.map(SealedSecret))
    }

    async fn remove_webhook(&self, id: WebhookId) -> Result<bool> {
        // No event is being written meanwhile, which would find it and then miss it.
        let (mut tx, _) = self.begin_registry_write().await.map_err(unwritten)?;
        let gone = sqlx::query(sql::REMOVE_WEBHOOK).bind(id.0).execute(&mut *tx).await.map_err(unwritten)?;
        tx.commit().await.map_err(unwritten)?;
        Ok(gone.rows_affected() > 0)
    }

    async fn pause_webhook(&self, id: WebhookId, reason: Option<PauseReason>, at: Millis) -> Result<bool> {
        let mut tx = self.pool.begin().await.map_err(unwritten)?;
        let paused = sqlx::query(sql::PAUSE_WEBHOOK)
            .bind(id.0)
            .bind(reason.map(PauseReason::as_str))
            .execute(&mut *tx)
            .await
            .map_err(unwritten)?;
        if paused.rows_affected() == 0 {
            return Ok(false);
        }
        if reason.is_none() {
            sqlx::query(sql::MAKE_DUE).bind(id.0).bind(at.0).execute(&mut *tx).await.map_err(unwritten)?;
        }
        tx.commit().await.map_err(unwritten)?;
        Ok(true)
    }

    async fn deliveries(&self, query: &DeliveriesQuery) -> Result<Vec<Delivery>> {
        let found: Vec<DeliveryRow> = sqlx::query_as(sql::DELIVERIES)
            .bind(query.webhook.map_or(0, |w| w.0))
            .bind(query.state.map_or("", |s| s.as_str()))
            .bind(query.before.map_or(i64::MAX, |d| d.0))
            .bind(i64::try_from(query.most).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(unread)?;
        Ok(rows::deliveries(found))
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>> {
        let found: Option<DeliveryRow> =
            sqlx::query_as(sql::DELIVERY).bind(id.0).fetch_optional(&self.pool).await.map_err(unread)?;
        found.map(rows::delivery).transpose()
    }

    async fn last_deliveries(&self) -> Result<Vec<Delivery>> {
        let found: Vec<DeliveryRow> =
            sqlx::query_as(sql::LAST_DELIVERIES).fetch_all(&self.pool).await.map_err(unread)?;
        Ok(rows::deliveries(found))
    }

    async fn claim_deliveries(&self, now: Millis, until: Millis, most: usize) -> Result<Vec<ClaimedDelivery>> {
        let due: i64 = sqlx::query_scalar(sql::ANY_DUE)
            .bind(now.0)
            .bind(KEEPS_ORDER)
            .fetch_one(&self.pool)
            .await
            .map_err(unread)?;
        if due == 0 {
            return Ok(vec![]);
        }
        let lease = random::id()?;
        let claimed = sqlx::query(sql::CLAIM_DELIVERIES)
            .bind(now.0)
            .bind(&lease)
            .bind(until.0)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .bind(KEEPS_ORDER)
            .execute(&self.pool)
            .await
            .map_err(unwritten)?;
        if claimed.rows_affected() == 0 {
            return Ok(vec![]);
        }
        let found: Vec<ClaimedRow> =
            sqlx::query_as(sql::CLAIMED_DELIVERIES).bind(&lease).fetch_all(&self.pool).await.map_err(unread)?;
        Ok(rows::claimed(found, &lease))
    }

    async fn finish_delivery(&self, claimed: &ClaimedDelivery, outcome: &AttemptOutcome) -> Result<bool> {
        let id = claimed.delivery.id;
        let error = outcome.error.as_ref().map(kept_json).transpose();
        let error = error.map_err(|e| Error::internal(sentences::no_stored_delivery(id.0)).with_detail(e))?;
        let mut tx = self.pool.begin().await.map_err(unwritten)?;
        // First, in the order in which a webhook is paused and resumed: no two wait for each other.
        if outcome.gone {
            sqlx::query(sql::PAUSE_WEBHOOK)
                .bind(claimed.delivery.webhook.0)
                .bind(PauseReason::Gone.as_str())
                .execute(&mut *tx)
                .await
                .map_err(unwritten)?;
        }
        let finished = sqlx::query(sql::FINISH_DELIVERY)
            .bind(id.0)
            .bind(&claimed.lease)
            .bind(outcome.state.as_str())
            .bind(outcome.due.0)
            .bind(outcome.at.0)
            .bind(outcome.status.map(i64::from))
            .bind(error)
            .execute(&mut *tx)
            .await
            .map_err(unwritten)?;
        if finished.rows_affected() == 0 {
            return Ok(false);
        }
        tx.commit().await.map_err(unwritten)?;
        Ok(true)
    }

    async fn replay_delivery(&self, id: DeliveryId, at: Millis) -> Result<bool> {
        let replayed =
            sqlx::query(sql::REPLAY_DELIVERY).bind(id.0).bind(at.0).execute(&self.pool).await.map_err(unwritten)?;
        Ok(replayed.rows_affected() > 0)
    }

    async fn forget_deliveries(&self, sent_before: Millis, dead_before: Millis) -> Result<u64> {
        let forgotten = sqlx::query(sql::FORGET_DELIVERIES)
            .bind(sent_before.0)
            .bind(dead_before.0)
            .execute(&self.pool)
            .await
            .map_err(unwritten)?;
        Ok(forgotten.rows_affected())
    }
}
