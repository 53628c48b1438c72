//! The contract of [`Sessions`]: a session opens until it ends, for whom it began and for nobody else.

use std::sync::Arc;

use domain::{
    access::Role,
    ports::{SessionStart, Sessions, Tokens},
    time::Millis,
    token::{SecretHash, SessionHolder, TokenName},
};

use crate::support::LakeDir;

/// Sessions, the tokens that they are of, and a second handle on the same store.
pub struct Store {
    sessions: Arc<dyn Sessions>,
    tokens: Arc<dyn Tokens>,
    other: Arc<dyn Sessions>,
    _keep: LakeDir,
}

async fn store(dir: LakeDir) -> Store {
    let store = dir.store().await;
    Store { sessions: store.clone(), tokens: store, other: dir.store().await, _keep: dir }
}

async fn sqlite() -> Store {
    store(crate::support::on_sqlite().await).await
}

async fn postgres() -> Store {
    store(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    a_session_opens_for_whom_it_began_until_it_ends,
    a_session_that_was_ended_opens_nothing_on_any_handle,
    only_the_whole_hash_opens,
    what_is_over_is_forgotten_and_nothing_else,
    no_session_outlives_a_token_that_is_revoked_meanwhile,
]);

fn hash(n: u8) -> SecretHash {
    SecretHash([n; 32])
}

impl Store {
    async fn token(&self, name: &str, n: u8) -> i64 {
        let name = TokenName::parse(name).unwrap();
        assert!(self.tokens.add(&name, Role::Viewer, &hash(n), Millis(1)).await.unwrap());
        self.tokens.find(&hash(n)).await.unwrap().unwrap().id
    }
}

async fn a_session_opens_for_whom_it_began_until_it_ends(s: &Store) {
    let kim = s.token("kim", 200).await;
    s.sessions.begin(&hash(1), &SessionStart::Token(kim), Millis(10), Millis(100)).await.unwrap();
    s.sessions.begin(&hash(2), &SessionStart::Operator(hash(77)), Millis(10), Millis(200)).await.unwrap();
    let session = s.other.session(&hash(1), Millis(99)).await.unwrap().expect("it opens");
    assert_eq!(session.expires, Millis(100));
    assert!(matches!(session.holder, SessionHolder::Token(t) if t.name.as_str() == "kim" && t.role == Role::Viewer));
    assert_eq!(s.sessions.session(&hash(1), Millis(100)).await.unwrap(), None, "it has ended");
    let session = s.sessions.session(&hash(2), Millis(100)).await.unwrap().expect("it opens");
    assert_eq!(session.holder, SessionHolder::Operator(hash(77)));
    let again = s.sessions.begin(&hash(1), &SessionStart::Operator(hash(77)), Millis(10), Millis(300)).await;
    assert!(again.is_err(), "a hash is one session's");
    assert_eq!(s.sessions.session(&hash(1), Millis(100)).await.unwrap(), None);
    assert!(
        s.sessions.begin(&hash(3), &SessionStart::Token(4711), Millis(1), Millis(9)).await.is_ok_and(|begun| !begun)
    );
}

async fn a_session_that_was_ended_opens_nothing_on_any_handle(s: &Store) {
    s.sessions.begin(&hash(1), &SessionStart::Operator(hash(77)), Millis(10), Millis(100)).await.unwrap();
    assert!(s.other.end(&hash(1)).await.unwrap());
    assert!(!s.sessions.end(&hash(1)).await.unwrap(), "once is enough");
    assert_eq!(s.sessions.session(&hash(1), Millis(20)).await.unwrap(), None);
}

async fn only_the_whole_hash_opens(s: &Store) {
    s.sessions.begin(&hash(1), &SessionStart::Operator(hash(77)), Millis(10), Millis(100)).await.unwrap();
    for at in 0..32 {
        let mut bent = hash(1);
        bent.0[at] ^= 1;
        assert_eq!(s.sessions.session(&bent, Millis(20)).await.unwrap(), None, "byte {at}");
    }
}

async fn what_is_over_is_forgotten_and_nothing_else(s: &Store) {
    for (n, expires) in [(1, 50), (2, 60), (3, 61)] {
        s.sessions.begin(&hash(n), &SessionStart::Operator(hash(77)), Millis(10), Millis(expires)).await.unwrap();
    }
    assert_eq!(s.other.forget_expired(Millis(60)).await.unwrap(), 2);
    assert_eq!(s.sessions.forget_expired(Millis(60)).await.unwrap(), 0);
    assert!(s.sessions.session(&hash(3), Millis(60)).await.unwrap().is_some());
}

async fn no_session_outlives_a_token_that_is_revoked_meanwhile(s: &Store) {
    for round in 0..20_u8 {
        let name = format!("kim {round}");
        let id = s.token(&name, 200 + round).await;
        let name = TokenName::parse(&name).unwrap();
        let (of, secret) = (SessionStart::Token(id), hash(round));
        let begin = s.other.begin(&secret, &of, Millis(1), Millis(100));
        let (begun, revoked) = futures::join!(begin, s.tokens.revoke(&name, Millis(2)));
        assert!(revoked.unwrap());
        let open = s.sessions.session(&secret, Millis(3)).await.unwrap();
        assert_eq!(open, None, "round {round}, begun: {begun:?}");
    }
}
