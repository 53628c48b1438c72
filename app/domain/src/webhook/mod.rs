//! Webhooks: whom to tell of what happens to models, what they are told, and when it is tried again.

mod message;
mod retries;
mod topic;

mod sentences {
    include!(concat!(env!("OUT_DIR"), "/webhook/sentences.rs"));
}

use serde::{Deserialize, Serialize};

pub use self::{
    message::{Message, MessageType, test_message},
    retries::RetrySchedule,
    topic::{Topic, Topics},
};
use crate::{
    error::{Error, Result, Sentence},
    registry::ModelName,
    scope::clip_text,
    time::Millis,
};

/// The longest address of a receiver, in bytes.
pub const MAX_URL: usize = 1_500;

/// The number of a webhook; later ones are larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WebhookId(pub i64);

/// The number of a delivery. Of one webhook, later events have larger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryId(pub i64);

/// What messages are signed with, as the receiver has it: `whsec_` and base64. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(pub String);

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret")
    }
}

/// A secret, encrypted: what is kept of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(pub Vec<u8>);

impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedSecret")
    }
}

/// Why nothing is sent to a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// Somebody paused it.
    Person,
    /// The receiver answered 410 Gone.
    Gone,
}

impl PauseReason {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Gone => "gone",
        }
    }

    /// As it is kept.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        [Self::Person, Self::Gone].into_iter().find(|r| r.as_str() == text)
    }
}

/// A receiver, and what it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    /// There may be something secret in it: operators alone see it whole.
    pub url: String,
    pub topics: Topics,
    /// `None` for all models.
    pub model: Option<ModelName>,
    pub paused: Option<PauseReason>,
    pub created: Millis,
    pub created_by: String,
    /// Deliveries that wait, and dead letters.
    pub pending: u64,
    pub dead: u64,
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Pending,
    Sent,
    /// It was tried as often as it is tried.
    Dead,
}

impl DeliveryState {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Sent, Self::Dead];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }

    /// # Errors
    /// Names the three.
    pub fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|s| s.as_str() == text);
        found.ok_or_else(|| Error::bad_input(sentences::bad_delivery_state(clip_text(text))).at("state"))
    }
}

/// A message on its way to one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub webhook: WebhookId,
    /// The `webhook-id` of the message: the same for every try.
    pub message: String,
    /// Such as `model.promoted`.
    pub kind: String,
    pub model: ModelName,
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    pub created: Millis,
    /// When it is tried next, where it waits.
    pub due: Millis,
    /// When it was tried last.
    pub tried: Option<Millis>,
    /// What the receiver answered then.
    pub status: Option<u16>,
    /// Why that try was none that counts.
    pub error: Option<Sentence>,
}
