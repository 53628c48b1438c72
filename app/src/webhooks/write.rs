//! What the forms of the page do, and where that is seen.

use domain::{
    Error, Result,
    scope::clip_text,
    webhook::{DeliveryId, WebhookId},
};
use usecases::webhooks::WebhookInput;

use super::sentences;
use crate::{
    shell::{addresses, context::Services},
    ui::links,
};

/// A form as it was sent.
pub(super) struct SubmittedForm {
    /// The number of a webhook, or of a delivery.
    pub id: String,
    pub url: String,
    pub model: String,
    pub secret: String,
    /// The kinds of events that are ticked.
    pub events: Vec<String>,
}

/// Does what a form asks for, and says where it is seen that it was done.
pub(super) async fn write(services: &Services, act: &str, sent: SubmittedForm) -> Result<String> {
    let webhooks = &services.webhooks;
    let number = || {
        let id = sent.id.parse::<i64>();
        id.map_err(|_| Error::bad_input(sentences::which_webhook(clip_text(&sent.id))))
    };
    match act {
        "add" => {
            if sent.events.is_empty() {
                return Err(Error::bad_input(sentences::no_events()).at("events"));
            }
            let SubmittedForm { url, model, secret, events, .. } = sent;
            let (added, _) = webhooks.add(&WebhookInput { url, events, model, secret }).await?;
            Ok(done("added", added.webhook.id.0))
        }
        "test" => {
            let id = number()?;
            let outcome = webhooks.test(WebhookId(id)).await?;
            // A receiver that does not answer is shown as what it is: something that is not there just now.
            if outcome.delivered { Ok(done("tested", id)) } else { Err(Error::unavailable(outcome.sentence)) }
        }
        "pause" => webhooks.pause(WebhookId(number()?)).await.and_then(|()| Ok(done("paused", number()?))),
        "resume" => webhooks.resume(WebhookId(number()?)).await.and_then(|()| Ok(done("resumed", number()?))),
        "remove" => webhooks.remove(WebhookId(number()?)).await.and_then(|()| Ok(done("removed", number()?))),
        "replay" => {
            let replayed = webhooks.replay(DeliveryId(number()?)).await?;
            Ok(done("replayed", replayed.webhook.0))
        }
        other => Err(Error::bad_input(sentences::which_act(clip_text(other)))),
    }
}

fn done(what: &str, webhook: i64) -> String {
    let pairs = [("done".to_owned(), what.to_owned()), ("webhook".to_owned(), webhook.to_string())];
    links::href(addresses::WEBHOOKS, &pairs)
}
