//! Webhooks: who is told of what happens to models, what is on its way to them, and sending it. All who read models see that there are webhooks;
//! whoever changes models sets them.

mod answer;
mod delivery;

use std::sync::Arc;

use domain::{
    Error, Result,
    access::{Action, Actor, Object, authorize, can},
    error::Sentence,
    ports::{Clock, DeliveriesQuery, NewWebhook, WebhookOutbox, WebhookSender},
    registry::ModelName,
    webhook::{
        Delivery, DeliveryId, DeliveryState, PauseReason, RetrySchedule, Topics, Webhook, WebhookId, WebhookSecret,
        test_message,
    },
};

use crate::access::secret;

mod sentences {
    include!(concat!(env!("OUT_DIR"), "/webhooks/sentences.rs"));
}

/// So many webhooks there may be: an event is written once for each.
pub const MAX_WEBHOOKS: usize = 100;
/// The most deliveries of one answer.
pub const MAX_DELIVERIES: usize = 200;

/// Webhooks, as far as one actor may see and set them.
#[derive(Clone)]
pub struct Webhooks {
    actor: Actor,
    parts: Arc<WebhookParts>,
}

/// What [`Webhooks`] is made of.
pub struct WebhookParts {
    pub outbox: Arc<dyn WebhookOutbox>,
    pub sender: Arc<dyn WebhookSender>,
    pub clock: Arc<dyn Clock>,
    pub retries: RetrySchedule,
}

/// What somebody enters for a new webhook.
#[derive(Debug, Clone, Default)]
pub struct WebhookInput {
    pub url: String,
    /// Names of topics; none means all.
    pub events: Vec<String>,
    /// Empty for all models.
    pub model: String,
    /// Empty for one that we make.
    pub secret: String,
}

/// A webhook as whoever asks may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenWebhook {
    pub webhook: Webhook,
    /// Its address, or the host alone for those who may not set webhooks: a path may be secret.
    pub address: String,
    /// Its newest delivery.
    pub last: Option<Delivery>,
}

/// What became of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOutcome {
    pub delivered: bool,
    pub status: Option<u16>,
    pub sentence: Sentence,
}

impl Webhooks {
    /// For the operator; see [`Webhooks::for_actor`].
    #[must_use]
    pub fn new(parts: WebhookParts) -> Self {
        Self { actor: Actor::Operator, parts: Arc::new(parts) }
    }

    /// The same for somebody else.
    #[must_use]
    pub fn for_actor(&self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), parts: Arc::clone(&self.parts) }
    }

    fn may_read(&self) -> Result<()> {
        authorize(&self.actor, Action::ReadModels, Object::Any)
    }

    /// Whether the actor may add, pause, test and remove webhooks.
    #[must_use]
    pub fn may_change(&self) -> bool {
        can(&self.actor, Action::WriteModels, Object::Installation)
    }

    /// The name under which the actor sets webhooks.
    fn changes_as(&self) -> Result<&str> {
        authorize(&self.actor, Action::WriteModels, Object::Installation)?;
        self.actor.name().ok_or_else(|| Error::forbidden(sentences::nobody_sets_webhooks()))
    }

    /// All webhooks, in the order in which they were added.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not see models; `Unavailable` when they cannot be read.
    pub async fn list(&self) -> Result<Vec<SeenWebhook>> {
        self.may_read()?;
        let (webhooks, last) = (self.parts.outbox.webhooks().await?, self.parts.outbox.last_deliveries().await?);
        let whole = self.may_change();
        let seen = |webhook: Webhook| {
            let address = if whole { webhook.url.clone() } else { host(&webhook.url) };
            let last = last.iter().find(|d| d.webhook == webhook.id).cloned();
            SeenWebhook { address, last, webhook }
        };
        Ok(webhooks.into_iter().map(seen).collect())
    }

    /// One webhook.
    ///
    /// # Errors
    /// As [`Webhooks::list`]; `NotFound`.
    pub async fn one(&self, id: WebhookId) -> Result<SeenWebhook> {
        self.list().await?.into_iter().find(|w| w.webhook.id == id).ok_or_else(|| unknown(id))
    }

    /// A new secret, for a form that shows it before it is kept.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not set webhooks; `Unavailable` when there are no random numbers.
    pub fn new_secret(&self) -> Result<WebhookSecret> {
        self.changes_as()?;
        self.parts.sender.new_secret()
    }

    /// Adds a webhook. Returns it with its secret, which is not shown again.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not; `BadInput` for an address that is not asked, for events, a model or a secret that are none, and where the
    /// same is told already; `Unavailable` when it cannot be written.
    pub async fn add(&self, input: &WebhookInput) -> Result<(SeenWebhook, WebhookSecret)> {
        let actor = self.changes_as()?.to_owned();
        let url = self.parts.sender.check_url(&input.url)?;
        let topics = Topics::parse(input.events.iter().map(String::as_str))?;
        let model = match input.model.trim() {
            "" => None,
            name => Some(ModelName::parse(name).map_err(|e| e.at("model"))?),
        };
        let secret = match input.secret.trim() {
            "" => self.parts.sender.new_secret()?,
            given => self.parts.sender.check_secret(given)?,
        };
        if self.parts.outbox.webhooks().await?.len() >= MAX_WEBHOOKS {
            return Err(Error::bad_input(sentences::too_many(MAX_WEBHOOKS)));
        }
        let sealed = self.parts.sender.seal(&secret, &url).await?;
        let created = self.parts.clock.now();
        let new = NewWebhook { url, topics, model, secret: sealed, created, created_by: actor.clone() };
        let id = self.parts.outbox.add_webhook(&new).await?;
        let id = id.ok_or_else(|| Error::bad_input(sentences::webhook_exists(host(&new.url))).at("url"))?;
        tracing::info!(actor, webhook = id.0, receiver = host(&new.url), "a webhook was added");
        Ok((self.one(id).await?, secret))
    }

    /// Removes a webhook, with all that is on its way to it.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not; `NotFound`; `Unavailable` when it cannot be written.
    pub async fn remove(&self, id: WebhookId) -> Result<()> {
        let actor = self.changes_as()?;
        if !self.parts.outbox.remove_webhook(id).await? {
            return Err(unknown(id));
        }
        tracing::info!(actor, webhook = id.0, "a webhook was removed");
        Ok(())
    }

    /// Pauses a webhook: what happens meanwhile waits for it.
    ///
    /// # Errors
    /// As [`Webhooks::remove`].
    pub async fn pause(&self, id: WebhookId) -> Result<()> {
        self.set_paused(id, Some(PauseReason::Person)).await
    }

    /// Lets a webhook go on: what waits is sent.
    ///
    /// # Errors
    /// As [`Webhooks::remove`].
    pub async fn resume(&self, id: WebhookId) -> Result<()> {
        self.set_paused(id, None).await
    }

    async fn set_paused(&self, id: WebhookId, reason: Option<PauseReason>) -> Result<()> {
        let actor = self.changes_as()?;
        if !self.parts.outbox.pause_webhook(id, reason, self.parts.clock.now()).await? {
            return Err(unknown(id));
        }
        tracing::info!(actor, webhook = id.0, paused = reason.is_some(), "a webhook was paused or resumed");
        Ok(())
    }

    /// Sends a test at once, also to a webhook that is paused, and says what the receiver answered.
    ///
    /// # Errors
    /// As [`Webhooks::remove`]. That the receiver does not answer is none.
    pub async fn test(&self, id: WebhookId) -> Result<TestOutcome> {
        let actor = self.changes_as()?;
        let webhook = self.one(id).await?.webhook;
        let sealed = self.parts.outbox.webhook_secret(id).await?.ok_or_else(|| unknown(id))?;
        let (now, message) = (self.parts.clock.now(), format!("msg_test_{}", &secret()?[..32]));
        let sent = self.parts.sender.send(&webhook.url, &sealed, &message, now, &test_message(now, actor)).await;
        Ok(match sent {
            Ok(status) => TestOutcome {
                delivered: answer::took(status),
                status: Some(status),
                sentence: answer::answered(status, false),
            },
            Err(e) => {
                tracing::info!(webhook = id.0, error = %e, detail = ?e.detail, "a test was not delivered");
                TestOutcome { delivered: false, status: None, sentence: e.message }
            }
        })
    }

    /// What is or was on its way, newest first.
    ///
    /// # Errors
    /// As [`Webhooks::list`].
    pub async fn deliveries(&self, query: &DeliveriesQuery) -> Result<Vec<Delivery>> {
        self.may_read()?;
        self.parts.outbox.deliveries(&DeliveriesQuery { most: query.most.min(MAX_DELIVERIES), ..*query }).await
    }

    /// Sends a dead letter again, under the same id.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not; `NotFound`; `BadInput` for one that is not dead; `Unavailable` when it cannot be written.
    pub async fn replay(&self, id: DeliveryId) -> Result<Delivery> {
        let actor = self.changes_as()?;
        let replayed = self.parts.outbox.replay_delivery(id, self.parts.clock.now()).await?;
        let kept = self.parts.outbox.delivery(id).await?;
        let kept = kept.ok_or_else(|| Error::not_found(sentences::no_delivery(id.0)))?;
        if !replayed {
            return Err(Error::bad_input(sentences::not_dead(id.0, kept.state.as_str())));
        }
        tracing::info!(actor, delivery = id.0, webhook = kept.webhook.0, "a dead letter is sent again");
        Ok(Delivery { state: DeliveryState::Pending, ..kept })
    }
}

fn unknown(id: WebhookId) -> Error {
    Error::not_found(sentences::no_webhook(id.0))
}

/// An address without its path and what stands behind it.
fn host(url: &str) -> String {
    let begins = url.find("://").map_or(0, |at| at + 3);
    let ends = url[begins..].find(['/', '?', '#']).map_or(url.len(), |at| begins + at);
    url[..ends].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_others_see_the_host() {
        for (url, seen) in [
            ("https://hooks.example.com/services/T0/secret?x=1", "https://hooks.example.com"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("https://example.com?key=1", "https://example.com"),
        ] {
            assert_eq!(host(url), seen);
        }
    }
}
