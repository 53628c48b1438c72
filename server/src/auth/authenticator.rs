//! Tells callers by what they show.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use domain::{
    Error, Result,
    access::Actor,
    ports::{Clock, SessionStart},
    time::Millis,
    token::{ActiveToken, SecretHash, SessionHolder},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};
use usecases::{
    Access,
    access::{hash, is_secret, is_token},
};

use super::{
    AnonymousAccess, PresentedCredential,
    credential_cache::{CredentialCache, TokenUses},
    sentences,
};
use crate::config::{Secret, Settings};

/// A request waits for the store at most so long to know its sender.
const TIMEOUT: Duration = Duration::from_secs(2);
/// What a wrong guess costs, whoever makes it.
const WRONG: Duration = Duration::from_secs(1);
/// So many wrong guesses may wait at once; further ones are refused without being looked at. With [`WRONG`] that is ten a second. Tokens
/// are too long to be guessed: this keeps the work small that guessing makes, so whoever has the right one is let in all the same.
const GUESSES: usize = 10;

/// What became of an attempt to sign in.
#[derive(Debug)]
pub enum SignIn {
    /// The secret of the session, for the cookie, and who it is.
    In(String, Actor),
    Wrong,
    /// Too many wrong guesses at once.
    Busy,
}

/// Knows the operator's token, and named tokens and sessions as the store has them.
pub struct Authenticator {
    operator: Option<Secret>,
    /// Who somebody is that shows nothing, where there are no named tokens.
    by_settings: AnonymousAccess,
    access: Access,
    clock: Arc<dyn Clock>,
    known: RwLock<CredentialCache>,
    uses: Mutex<TokenUses>,
    guesses: Semaphore,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

impl Authenticator {
    /// Knows nobody but the operator until it has followed the store.
    #[must_use]
    pub fn new(settings: &Settings, access: Access, clock: Arc<dyn Clock>) -> Self {
        Self {
            operator: settings.serve.operator_token.clone(),
            by_settings: AnonymousAccess::of(settings),
            access,
            clock,
            known: RwLock::default(),
            uses: Mutex::default(),
            guesses: Semaphore::new(GUESSES),
        }
    }

    /// Whether somebody may sign in with the operator's token.
    #[must_use]
    pub fn has_operator_token(&self) -> bool {
        self.operator.is_some()
    }

    /// Looks whether tokens were added or revoked, or sessions ended, by whichever process, and follows.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be read.
    pub async fn follow(&self) -> Result<()> {
        let seen = self.read(|k| k.revision);
        let news = self.access.known(seen).await?;
        self.write(|k| match news {
            Some(news) => k.renew(news),
            None => k.confirm(),
        });
        Ok(())
    }

    /// Writes when tokens were used last, at most once a minute for each; with `all` whatever has not been written.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub async fn note_uses(&self, all: bool) -> Result<()> {
        let due = self.uses.lock().unwrap_or_else(PoisonError::into_inner).unwritten(all);
        self.access.note_use(&due).await?;
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).written(&due);
        Ok(())
    }

    /// Forgets what is over.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub async fn compact(&self) -> Result<()> {
        self.access.compact().await
    }

    /// Who somebody is that shows nothing. Nobody, while it is not known whether there are named tokens.
    #[must_use]
    pub fn anonymous_access(&self) -> AnonymousAccess {
        if self.read(|k| k.any || k.revision.is_none()) { AnonymousAccess::Nobody } else { self.by_settings }
    }

    /// Whose session a secret opens.
    ///
    /// # Errors
    /// `Unavailable` when that would have to be asked and the store does not answer.
    pub async fn by_session(&self, secret: &str) -> Result<Option<Actor>> {
        if !is_secret(secret) {
            return Ok(None);
        }
        let (hash, now) = (hash(secret), self.clock.now());
        let (seen, revision) = self.read(|k| (k.session(&hash).filter(|_| k.is_fresh()).cloned(), k.revision));
        let session = match seen {
            Some(session) => session,
            None => {
                let Some(session) = answered(self.access.session(&hash)).await? else { return Ok(None) };
                self.write(|k| k.insert_session(hash, session.clone(), revision));
                session
            }
        };
        if session.expires <= now {
            return Ok(None);
        }
        Ok(match session.holder {
            SessionHolder::Token(token) => Some(self.used(&token, now)),
            // Changing the operator's token ends the sessions that began with it.
            SessionHolder::Operator(proof) => {
                let same = self.prove(secret).is_some_and(|p| p.0.ct_eq(&proof.0).into());
                same.then_some(Actor::Operator)
            }
        })
    }

    /// Whose token a program shows.
    ///
    /// # Errors
    /// As [`Authenticator::by_session`].
    pub async fn by_token(&self, token: &str) -> Result<Option<Actor>> {
        if self.is_operator(token) {
            return Ok(Some(Actor::Operator));
        }
        if !is_token(token) {
            return Ok(None);
        }
        let hash = hash(token);
        let found = match self.read(|k| k.is_fresh().then(|| k.token(&hash).cloned())) {
            Some(found) => found,
            None => answered(self.access.token(&hash)).await?,
        };
        Ok(found.map(|t| self.used(&t, self.clock.now())))
    }

    /// Whether whoever showed this when an answer began is still who they were, for answers that go on and on. As long as the store does
    /// not answer, they are.
    pub async fn is_still_valid(&self, shown: &PresentedCredential, begun: AnonymousAccess) -> bool {
        match shown {
            PresentedCredential::Nothing => self.anonymous_access() == begun,
            PresentedCredential::Session(secret) => self.by_session(secret).await.map_or(true, |actor| actor.is_some()),
            PresentedCredential::Token(token) => self.by_token(token).await.map_or(true, |actor| actor.is_some()),
        }
    }

    /// Begins a session for whoever shows a token.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub async fn sign_in(&self, token: &str) -> Result<SignIn> {
        if self.is_operator(token) {
            let begun = answered(self.access.sign_in(|secret| match self.prove(secret) {
                Some(proof) => SessionStart::Operator(proof),
                // Unreachable: there is a token, since it was shown. A session of it opens nothing.
                None => SessionStart::Operator(SecretHash([0; 32])),
            }));
            return Ok(begun.await?.map_or(SignIn::Wrong, |secret| SignIn::In(secret, Actor::Operator)));
        }
        let hash = hash(token);
        let known = self.read(|k| k.token(&hash).cloned());
        let (found, _turn) = match known {
            Some(token) => (Some(token), None),
            None => {
                let Ok(turn) = self.guesses.try_acquire() else { return Ok(SignIn::Busy) };
                // It may have been added a moment ago.
                let found = if is_token(token) { answered(self.access.token(&hash)).await? } else { None };
                (found, Some(turn))
            }
        };
        if let Some(token) = found {
            let begun = answered(self.access.sign_in(|_| SessionStart::Token(token.id))).await?;
            if let Some(secret) = begun {
                return Ok(SignIn::In(secret, self.used(&token, self.clock.now())));
            }
        }
        sleep(WRONG).await;
        Ok(SignIn::Wrong)
    }

    /// Ends a session; says whose it was.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer: then it has not ended.
    pub async fn sign_out(&self, secret: &str) -> Result<Option<Actor>> {
        let actor = self.by_session(secret).await?;
        if is_secret(secret) {
            let hash = hash(secret);
            answered(self.access.sign_out(&hash)).await?;
            self.write(|k| k.forget(&hash));
        }
        Ok(actor)
    }

    fn is_operator(&self, given: &str) -> bool {
        self.operator.as_ref().is_some_and(|t| t.expose().as_bytes().ct_eq(given.as_bytes()).into())
    }

    /// What shows that a session began with the operator's token of now. Whoever reads it in the store learns nothing of the token, which
    /// somebody may have chosen: the secret is another every time, and only the browser has it.
    fn prove(&self, secret: &str) -> Option<SecretHash> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.operator.as_ref()?.expose().as_bytes()).ok()?;
        mac.update(b"gf-session:");
        mac.update(secret.as_bytes());
        Some(SecretHash(mac.finalize().into_bytes().into()))
    }

    fn used(&self, token: &ActiveToken, now: Millis) -> Actor {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).add(token.id, now);
        token.actor()
    }

    fn read<T>(&self, read: impl FnOnce(&CredentialCache) -> T) -> T {
        read(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, write: impl FnOnce(&mut CredentialCache) -> T) -> T {
        write(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The store's answer, unless it takes too long.
async fn answered<T>(asked: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(TIMEOUT, asked).await.unwrap_or_else(|_| Err(Error::unavailable(sentences::no_answer())))
}
