//! Who may sign in: named tokens, and the sessions of those who showed one. Nothing here asks who is calling: tokens are given by
//! whoever may run commands on the data folder, and signing in is how a caller becomes known.

use std::sync::Arc;

use domain::{
    Error, Result,
    access::Role,
    ports::{Clock, IdempotencyKeys, SessionStart, Sessions, Tokens},
    time::{DAY, HOUR, Millis},
    token::{ActiveToken, SecretHash, Session, Token, TokenName},
};
use sha2::{Digest, Sha256};

use crate::sentences;

/// A session ends after this, in ms, whatever is done with it. There is no limit for an idle one: a page on a wall is idle for hours,
/// and an open page that follows records looks the same with and without somebody in front of it.
pub const SESSION: i64 = 8 * HOUR;
/// How long the answer to a write with a key is kept, in ms.
const KEYS: i64 = DAY;
/// What every token begins with, so that scanners for secrets, and people, know one when they see it.
const PREFIX: &str = "gf_";
/// Hexadecimal digits of 256 bits.
const DIGITS: usize = 64;

/// What is kept of a secret. Plain SHA-256 is right for these: a secret is 256 random bits, so there is nothing to guess that a slow
/// hash with a salt would make slower.
#[must_use]
pub fn hash(secret: &str) -> SecretHash {
    SecretHash(Sha256::digest(secret.as_bytes()).into())
}

/// Whether a text could be a token of ours: nothing else needs to be looked up.
#[must_use]
pub fn is_token(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(is_secret)
}

/// Whether a text could be the secret of a session.
#[must_use]
pub fn is_secret(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// 256 bits of the operating system.
pub(crate) fn secret() -> Result<String> {
    let mut bytes = [0; DIGITS / 2];
    getrandom::fill(&mut bytes).map_err(|e| Error::unavailable(sentences::no_random_numbers()).with_detail(e))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// All that is needed to know callers without asking again, as of one revision.
#[derive(Debug, Clone)]
pub struct CredentialSnapshot {
    pub revision: i64,
    pub tokens: Vec<ActiveToken>,
    /// Whether there ever was a named token, also one that is revoked now: revoking the last one must not open a server to those
    /// who have none.
    pub any: bool,
}

/// Named tokens and sessions.
#[derive(Clone)]
pub struct Access {
    tokens: Arc<dyn Tokens>,
    sessions: Arc<dyn Sessions>,
    replays: Arc<dyn IdempotencyKeys>,
    clock: Arc<dyn Clock>,
}

impl Access {
    #[must_use]
    pub fn new(
        tokens: Arc<dyn Tokens>,
        sessions: Arc<dyn Sessions>,
        replays: Arc<dyn IdempotencyKeys>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { tokens, sessions, replays, clock }
    }

    /// Adds a token and returns it. Nobody can find it out again.
    ///
    /// # Errors
    /// `BadInput` when a live token has the name; `Unavailable` when it cannot be written.
    pub async fn add(&self, name: &TokenName, role: Role) -> Result<String> {
        let token = format!("{PREFIX}{}", secret()?);
        if !self.tokens.add(name, role, &hash(&token), self.clock.now()).await? {
            return Err(Error::bad_input(sentences::token_exists(name)));
        }
        tracing::info!(token = %name, role = role.as_str(), "a token was added");
        Ok(token)
    }

    /// All tokens, revoked ones too, in the order in which they were added.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    pub async fn list(&self) -> Result<Vec<Token>> {
        self.tokens.list().await
    }

    /// Revokes a token and ends its sessions.
    ///
    /// # Errors
    /// `NotFound` when no live token has the name; `Unavailable` when it cannot be written.
    pub async fn revoke(&self, name: &TokenName) -> Result<()> {
        if !self.tokens.revoke(name, self.clock.now()).await? {
            return Err(Error::not_found(sentences::no_token(name)));
        }
        tracing::info!(token = %name, "a token was revoked and its sessions ended");
        Ok(())
    }

    /// What is known of callers, unless it is that of revision `seen`. What changes while it is read moves the revision on, so that
    /// it is read again.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    pub async fn known(&self, seen: Option<i64>) -> Result<Option<CredentialSnapshot>> {
        let revision = self.tokens.revision().await?;
        if seen == Some(revision) {
            return Ok(None);
        }
        let tokens = self.tokens.live().await?;
        let any = !tokens.is_empty() || !self.tokens.list().await?.is_empty();
        Ok(Some(CredentialSnapshot { revision, tokens, any }))
    }

    /// The live token of a hash.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    pub async fn token(&self, hash: &SecretHash) -> Result<Option<ActiveToken>> {
        self.tokens.find(hash).await
    }

    /// The session of a hash.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    pub async fn session(&self, hash: &SecretHash) -> Result<Option<Session>> {
        self.sessions.session(hash, self.clock.now()).await
    }

    /// Begins a session and returns its secret; `of` says for what, knowing the secret. `None` when the token was revoked
    /// meanwhile.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub async fn sign_in(&self, of: impl FnOnce(&str) -> SessionStart) -> Result<Option<String>> {
        let (secret, now) = (secret()?, self.clock.now());
        let begun = self.sessions.begin(&hash(&secret), &of(&secret), now, now.plus(SESSION)).await?;
        Ok(begun.then_some(secret))
    }

    /// Ends a session. False when there was none.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub async fn sign_out(&self, hash: &SecretHash) -> Result<bool> {
        self.sessions.end(hash).await
    }

    /// Notes when tokens, by number, were used last.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub async fn note_use(&self, uses: &[(i64, Millis)]) -> Result<()> {
        if uses.is_empty() { Ok(()) } else { self.tokens.note_use(uses).await }
    }

    /// Forgets sessions that are over, and keys of writes that are older than a day.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub async fn compact(&self) -> Result<()> {
        let now = self.clock.now();
        self.sessions.forget_expired(now).await?;
        self.replays.forget_keys(now.plus(-KEYS)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn secrets_are_long_not_given_twice_and_known_by_their_look() {
        let all: BTreeSet<String> = (0..1_000).map(|_| secret().expect("random numbers")).collect();
        assert_eq!(all.len(), 1_000);
        for secret in &all {
            assert!(is_secret(secret) && is_token(&format!("{PREFIX}{secret}")) && !is_token(secret), "{secret}");
        }
        let one = all.first().expect("a secret");
        for text in ["", "gf_", &one[1..], &one.to_uppercase(), &format!("{one}0"), &format!("gf_{one}0")] {
            assert!(!is_secret(text) || text == one, "{text}");
            assert!(!is_token(text), "{text}");
        }
    }

    #[test]
    fn the_hash_is_sha_256() {
        let hex: String = hash("abc").0.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
