//! The ports of webhooks: the outbox, which is written in the transaction of the event that it tells of, and the way to receivers.

use async_trait::async_trait;

use crate::{
    error::{Result, Sentence},
    registry::ModelName,
    time::Millis,
    webhook::{
        Delivery, DeliveryId, DeliveryState, PauseReason, SealedSecret, Topics, Webhook, WebhookId, WebhookSecret,
    },
};

/// What a new webhook is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    pub url: String,
    pub topics: Topics,
    pub model: Option<ModelName>,
    pub secret: SealedSecret,
    pub created: Millis,
    pub created_by: String,
}

/// Which deliveries are asked for. Newest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveriesQuery {
    pub webhook: Option<WebhookId>,
    pub state: Option<DeliveryState>,
    /// Before this number: the next page.
    pub before: Option<DeliveryId>,
    pub most: usize,
}

/// A delivery that is ours to send until its lease is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    pub delivery: Delivery,
    pub url: String,
    pub secret: SealedSecret,
    pub body: String,
    /// Names this claim: when somebody else has it by now, nothing is written.
    pub lease: String,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptOutcome {
    pub state: DeliveryState,
    pub at: Millis,
    /// When it is tried again, where it is.
    pub due: Millis,
    pub status: Option<u16>,
    pub error: Option<Sentence>,
    /// The receiver wants no more: its webhook is paused.
    pub gone: bool,
}

/// Webhooks and what is on its way to them. Deliveries are written by [`super::RegistryLog`], in the transaction of their event.
#[async_trait]
pub trait WebhookOutbox: Send + Sync {
    /// Keeps a webhook; `None` when there is one with the same address, events and model.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn add_webhook(&self, new: &NewWebhook) -> Result<Option<WebhookId>>;
    /// All webhooks, in the order in which they were added.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn webhooks(&self) -> Result<Vec<Webhook>>;
    /// The secret of a webhook.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn webhook_secret(&self, id: WebhookId) -> Result<Option<SealedSecret>>;
    /// Deletes a webhook with all that is on its way to it. False when there is none.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn remove_webhook(&self, id: WebhookId) -> Result<bool>;
    /// Pauses a webhook, or with `None` lets it go on: what waits is then due at once. False when there is none.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn pause_webhook(&self, id: WebhookId, reason: Option<PauseReason>, at: Millis) -> Result<bool>;
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn deliveries(&self, query: &DeliveriesQuery) -> Result<Vec<Delivery>>;
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>>;
    /// The newest delivery of each webhook.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn last_deliveries(&self) -> Result<Vec<Delivery>>;
    /// Takes deliveries that are due and that nobody has, at most so many, until `until`: then others may take them. Of one webhook and model an
    /// earlier delivery comes first, unless it was tried in vain several times.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read or written.
    async fn claim_deliveries(&self, now: Millis, until: Millis, most: usize) -> Result<Vec<ClaimedDelivery>>;
    /// Writes down what became of a try. False when somebody else has the delivery by now, or it is gone.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn finish_delivery(&self, claimed: &ClaimedDelivery, outcome: &AttemptOutcome) -> Result<bool>;
    /// Makes a dead letter due again, as if it had not been tried. False when it is none.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn replay_delivery(&self, id: DeliveryId, at: Millis) -> Result<bool>;
    /// Forgets what was sent before one moment, and dead letters of before another.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn forget_deliveries(&self, sent_before: Millis, dead_before: Millis) -> Result<u64>;
}

/// The way to receivers, with the key that secrets are kept under.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Reads the address of a receiver, and returns it in its one spelling.
    ///
    /// # Errors
    /// `BadInput`, saying why it is not asked.
    fn check_url(&self, url: &str) -> Result<String>;
    /// A secret that somebody gave.
    ///
    /// # Errors
    /// `BadInput` for what is none.
    fn check_secret(&self, text: &str) -> Result<WebhookSecret>;
    /// A new secret.
    ///
    /// # Errors
    /// `Unavailable` when the operating system gives no random numbers.
    fn new_secret(&self) -> Result<WebhookSecret>;
    /// Encrypts a secret for the webhook of an address.
    ///
    /// # Errors
    /// `Unavailable` when the key cannot be read or made.
    async fn seal(&self, secret: &WebhookSecret, url: &str) -> Result<SealedSecret>;
    /// Sends a message and returns the status of the answer.
    ///
    /// # Errors
    /// `Unavailable`, saying why there is no answer.
    async fn send(&self, url: &str, secret: &SealedSecret, message: &str, at: Millis, body: &str) -> Result<u16>;
}
