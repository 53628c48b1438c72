//! What is remembered of tokens and sessions, so that a request does not have to ask the store.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use domain::{
    time::{MINUTE, Millis},
    token::{ActiveToken, SecretHash, Session},
};
use subtle::ConstantTimeEq;

/// So long what is remembered is believed without having heard of the store: whoever is signed in reads on through a short failure, and
/// nobody who was revoked does so for longer.
const BELIEVED: Duration = Duration::from_secs(60);
/// So many sessions are remembered; then all are asked for again.
const MOST_SESSIONS: usize = 10_000;
/// The use of a token is written at most so often, in ms.
const NOTE: i64 = MINUTE;

/// Live tokens, and the sessions that were seen, as of one revision of the store.
#[derive(Debug, Default)]
pub struct CredentialCache {
    /// `None` before the store was first asked.
    pub revision: Option<i64>,
    /// Whether there ever was a named token.
    pub any: bool,
    tokens: HashMap<SecretHash, ActiveToken>,
    sessions: HashMap<SecretHash, Session>,
    heard: Option<Instant>,
}

impl CredentialCache {
    /// The store was asked and said nothing new.
    pub fn confirm(&mut self) {
        self.heard = Some(Instant::now());
    }

    /// Somebody may do more or less than before: sessions are asked for again.
    pub fn renew(&mut self, known: usecases::access::CredentialSnapshot) {
        self.revision = Some(known.revision);
        self.any = known.any;
        self.tokens = known.tokens.into_iter().map(|t| (t.hash, t)).collect();
        self.sessions.clear();
        self.confirm();
    }

    /// Whether what is remembered is to be believed.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.heard.is_some_and(|heard| heard.elapsed() < BELIEVED)
    }

    /// The live token of a hash. Whoever measures how long looking it up takes learns of the hash of what they sent, and could not
    /// make another with it; the comparison of the whole takes the same time for every hash.
    #[must_use]
    pub fn token(&self, hash: &SecretHash) -> Option<&ActiveToken> {
        self.tokens.get(hash).filter(|t| t.hash.0.ct_eq(&hash.0).into())
    }

    #[must_use]
    pub fn session(&self, hash: &SecretHash) -> Option<&Session> {
        self.sessions.get(hash)
    }

    /// Remembers a session that was asked for at a revision: not when something has changed since.
    pub fn insert_session(&mut self, hash: SecretHash, session: Session, at: Option<i64>) {
        if self.revision != at {
            return;
        }
        if self.sessions.len() >= MOST_SESSIONS {
            self.sessions.clear();
        }
        self.sessions.insert(hash, session);
    }

    pub fn forget(&mut self, hash: &SecretHash) {
        self.sessions.remove(hash);
    }
}

/// When tokens, by number, were used last, and what of it was written.
#[derive(Debug, Default)]
pub struct TokenUses(HashMap<i64, Use>);

#[derive(Debug)]
struct Use {
    at: Millis,
    written: Option<Millis>,
}

impl TokenUses {
    pub fn add(&mut self, token: i64, at: Millis) {
        self.0.entry(token).and_modify(|u| u.at = at).or_insert(Use { at, written: None });
    }

    /// What is to be written: the first use of a token at once, later ones a minute after the one before, and with `all` whatever has not
    /// been written yet.
    #[must_use]
    pub fn unwritten(&self, all: bool) -> Vec<(i64, Millis)> {
        let due = |u: &Use| u.written.is_none_or(|w| if all { u.at > w } else { u.at >= w.plus(NOTE) });
        self.0.iter().filter(|(_, u)| due(u)).map(|(id, u)| (*id, u.at)).collect()
    }

    pub fn written(&mut self, uses: &[(i64, Millis)]) {
        for (id, at) in uses {
            if let Some(u) = self.0.get_mut(id) {
                u.written = Some(*at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        access::Role,
        token::{SessionHolder, TokenName},
    };

    use super::*;

    fn token(id: i64, hash: SecretHash) -> ActiveToken {
        ActiveToken { id, name: TokenName::parse("kim").expect("a name"), role: Role::Viewer, hash }
    }

    fn known(revision: i64, tokens: Vec<ActiveToken>) -> usecases::access::CredentialSnapshot {
        usecases::access::CredentialSnapshot { revision, any: true, tokens }
    }

    #[test]
    fn a_session_that_was_read_before_a_change_is_not_remembered_after_it() {
        let (hash, other) = (SecretHash([1; 32]), SecretHash([2; 32]));
        let session = Session { holder: SessionHolder::Operator(other), expires: Millis(9) };
        let mut all = CredentialCache::default();
        all.renew(known(7, vec![token(1, hash)]));
        assert!(all.is_fresh() && all.token(&hash).is_some() && all.token(&other).is_none());
        all.insert_session(hash, session.clone(), Some(7));
        assert_eq!(all.session(&hash), Some(&session));
        all.renew(known(8, vec![]));
        assert!(all.session(&hash).is_none() && all.token(&hash).is_none(), "forgotten with the change");
        all.insert_session(hash, session, Some(7));
        assert!(all.session(&hash).is_none(), "it may have ended with the change");
    }

    #[test]
    fn nothing_is_believed_before_the_store_was_asked() {
        assert!(!CredentialCache::default().is_fresh());
    }

    #[test]
    fn uses_are_written_once_a_minute_and_at_the_end() {
        let mut uses = TokenUses::default();
        uses.add(1, Millis(1_000));
        assert_eq!(uses.unwritten(false), [(1, Millis(1_000))]);
        uses.written(&[(1, Millis(1_000))]);
        assert!(uses.unwritten(true).is_empty());
        uses.add(1, Millis(60_999));
        assert!(uses.unwritten(false).is_empty());
        assert_eq!(uses.unwritten(true), [(1, Millis(60_999))]);
        uses.add(1, Millis(61_000));
        assert_eq!(uses.unwritten(false), [(1, Millis(61_000))]);
    }
}
