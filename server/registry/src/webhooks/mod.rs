//! The way of webhooks: messages are signed as Standard Webhooks has it and sent through [`EnteredEgress`]; what they are signed with is kept
//! encrypted, under a key in the data folder.

mod key;

mod sentences {
    include!(concat!(env!("OUT_DIR"), "/webhooks/sentences.rs"));
}

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{
    Error, Result,
    error::Sentence,
    ports::WebhookSender,
    scope::clip_text,
    time::{Millis, SECOND},
    webhook::{MAX_URL, SealedSecret, WebhookSecret},
};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use self::key::KeyFile;
use crate::egress::{AllowedReceivers, EnteredEgress, Failure, Refusal};

/// What every secret begins with.
const PREFIX: &str = "whsec_";
/// The bytes of a secret that we make.
const SECRET_BYTES: usize = 32;

/// Sends to receivers that people entered.
pub struct SignedSender {
    allowed: AllowedReceivers,
    /// Made when it is first needed: most commands send nothing, and certificates take a while to read.
    egress: Mutex<Option<EnteredEgress>>,
    key: KeyFile,
}

impl SignedSender {
    /// With the key in this data folder.
    #[must_use]
    pub fn new(allowed: AllowedReceivers, data: &Path) -> Self {
        Self { allowed, egress: Mutex::default(), key: KeyFile::in_folder(data) }
    }

    fn egress(&self) -> Result<EnteredEgress> {
        let mut made = self.egress.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(egress) = &*made {
            return Ok(egress.clone());
        }
        let egress = EnteredEgress::new(self.allowed.clone())
            .map_err(|e| Error::internal(sentences::no_client()).with_detail(e))?;
        *made = Some(egress.clone());
        Ok(egress)
    }
}

/// Why an address is not asked.
fn refused(refusal: Refusal, url: &str) -> Sentence {
    match refusal {
        Refusal::NoUrl => sentences::no_url(clip_text(url)),
        Refusal::Credentials => sentences::credentials(),
        Refusal::NoHttps => sentences::no_https(),
        Refusal::OtherPort => sentences::other_port(),
        Refusal::Inside => sentences::inside(),
    }
}

fn unanswered(failure: &Failure, url: &str) -> Sentence {
    match failure {
        Failure::Refused(refusal) => refused(*refusal, url),
        Failure::UnknownName(_) => sentences::unknown_name(),
        Failure::NobodyListens => sentences::nobody_listens(),
        Failure::ConnectTimedOut => sentences::connect_timed_out(),
        Failure::TimedOut(_) => sentences::timed_out(),
        Failure::Tls(_) => sentences::tls(),
        Failure::TooLarge(most) => sentences::too_large(most),
        Failure::Lost(_) | Failure::CutOff(_) | Failure::Other(_) => sentences::lost(),
    }
}

/// The headers of a message: its id, the moment of the try in seconds, and the signature over both and the body.
fn signed(secret: &WebhookSecret, message: &str, at: Millis, body: &str) -> Result<HeaderMap> {
    let broken = || Error::internal(sentences::secret_damaged());
    let seconds = at.0.div_euclid(SECOND);
    let webhook = standardwebhooks::Webhook::new(&secret.0).map_err(|_| broken())?;
    let signature = webhook.sign(message, seconds, body.as_bytes()).map_err(|_| broken())?;
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| broken());
    Ok(HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static(standardwebhooks::HEADER_WEBHOOK_ID), value(message)?),
        (HeaderName::from_static(standardwebhooks::HEADER_WEBHOOK_TIMESTAMP), value(&seconds.to_string())?),
        (HeaderName::from_static(standardwebhooks::HEADER_WEBHOOK_SIGNATURE), value(&signature)?),
    ]))
}

#[async_trait]
impl WebhookSender for SignedSender {
    fn check_url(&self, url: &str) -> Result<String> {
        let checked = self.egress()?.check(url.trim()).map_err(|failure| match failure {
            Failure::Refused(refusal) => Error::bad_input(refused(refusal, url)).at("url"),
            other => Error::internal(sentences::no_client()).with_detail(other),
        })?;
        // What stands behind # is never sent.
        let mut checked = checked;
        checked.set_fragment(None);
        if checked.as_str().len() > MAX_URL {
            return Err(Error::bad_input(sentences::long_url(MAX_URL)).at("url"));
        }
        Ok(checked.into())
    }

    fn check_secret(&self, text: &str) -> Result<WebhookSecret> {
        let text = text.trim();
        let bytes = text.strip_prefix(PREFIX).and_then(|base64| STANDARD.decode(base64).ok());
        match bytes {
            Some(bytes) if (24..=64).contains(&bytes.len()) => Ok(WebhookSecret(text.to_owned())),
            _ => Err(Error::bad_input(sentences::bad_secret()).at("secret")),
        }
    }

    fn new_secret(&self) -> Result<WebhookSecret> {
        let mut bytes = [0_u8; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|e| Error::unavailable(sentences::no_random()).with_detail(e))?;
        Ok(WebhookSecret(format!("{PREFIX}{}", STANDARD.encode(bytes))))
    }

    async fn seal(&self, secret: &WebhookSecret, url: &str) -> Result<SealedSecret> {
        self.key.seal(secret, url).await
    }

    async fn send(&self, url: &str, secret: &SealedSecret, message: &str, at: Millis, body: &str) -> Result<u16> {
        let headers = signed(&self.key.open(secret, url).await?, message, at, body)?;
        let answer = self.egress()?.post(url, headers, body.to_owned()).await;
        answer.map(|status| status.as_u16()).map_err(|e| Error::unavailable(unanswered(&e, url)).with_detail(e))
    }
}

#[cfg(test)]
mod tests;
