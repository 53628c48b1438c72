//! Sending what is due, for a job. At least once: what was sent and could not be written down is sent again, under the same id.

use domain::{
    Result,
    ports::{AttemptOutcome, ClaimedDelivery},
    time::{DAY, Millis, SECOND},
    webhook::DeliveryState,
};

use super::{
    Webhooks,
    answer::{GONE, answered, took},
};

/// How long a delivery is ours, in ms: well over the ten seconds that sending takes at most. What a process that died had in its hands is sent by
/// others after this.
const LEASE: i64 = 30 * SECOND;
/// What was sent is forgotten after this, in ms.
const SENT: i64 = 30 * DAY;
/// Dead letters are forgotten after this, in ms.
const DEAD: i64 = 90 * DAY;
impl Webhooks {
    /// Takes what is due, at most so much, for [`Webhooks::deliver`].
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read or written.
    pub async fn claim(&self, most: usize) -> Result<Vec<ClaimedDelivery>> {
        let now = self.parts.clock.now();
        self.parts.outbox.claim_deliveries(now, now.plus(LEASE), most).await
    }

    /// Sends one delivery, and writes down what became of it.
    ///
    /// # Errors
    /// `Unavailable` when that cannot be written: then it is sent again when its time is over. That the receiver does not take it is none.
    pub async fn deliver(&self, claimed: &ClaimedDelivery) -> Result<()> {
        let (parts, delivery) = (&self.parts, &claimed.delivery);
        let begun = parts.clock.now();
        let sent = parts.sender.send(&claimed.url, &claimed.secret, &delivery.message, begun, &claimed.body).await;
        let at = parts.clock.now();
        let (status, error) = match sent {
            Ok(status) if took(status) => (Some(status), None),
            Ok(status) => (Some(status), Some(answered(status, true))),
            Err(e) => {
                tracing::info!(delivery = delivery.id.0, error = %e, detail = ?e.detail, "a delivery was not answered");
                (None, Some(e.message))
            }
        };
        let again = parts.retries.next(delivery.attempts + 1, at, jitter());
        let (state, due) = match (&error, again) {
            (None, _) => (DeliveryState::Sent, at),
            (Some(_), Some(due)) => (DeliveryState::Pending, due),
            (Some(_), None) => (DeliveryState::Dead, at),
        };
        let outcome = AttemptOutcome { state, at, due, status, error, gone: status == Some(GONE) };
        let written = parts.outbox.finish_delivery(claimed, &outcome).await?;
        let (id, webhook, kind) = (delivery.id.0, delivery.webhook.0, &*delivery.kind);
        let (attempt, state) = (delivery.attempts + 1, outcome.state.as_str());
        match outcome.state {
            DeliveryState::Dead => tracing::warn!(delivery = id, webhook, kind, attempt, status, "a delivery is dead"),
            _ => tracing::info!(delivery = id, webhook, kind, attempt, status, state, written, "a delivery was tried"),
        }
        Ok(())
    }

    /// Forgets what is long over.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub async fn forget(&self) -> Result<u64> {
        let now = self.parts.clock.now();
        let before = |ms: i64| Millis(now.0.saturating_sub(ms));
        self.parts.outbox.forget_deliveries(before(SENT), before(DEAD)).await
    }
}

/// From 0 to 1; the middle where the system gives no random numbers.
fn jitter() -> f64 {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_or(0.5, |()| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}
