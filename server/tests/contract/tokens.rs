//! The contract of [`Tokens`]: a live name is one token's, what is revoked opens nothing and takes its sessions along, and whoever
//! follows hears of every change.

use std::sync::Arc;

use domain::{
    access::Role,
    ports::{SessionStart, Sessions, Tokens},
    time::Millis,
    token::{SecretHash, TokenName},
};

use crate::support::LakeDir;

/// Tokens, their sessions, and a second handle on the same store.
pub struct Store {
    tokens: Arc<dyn Tokens>,
    sessions: Arc<dyn Sessions>,
    other: Arc<dyn Tokens>,
    _keep: LakeDir,
}

async fn store(dir: LakeDir) -> Store {
    let store = dir.store().await;
    Store { tokens: store.clone(), sessions: store, other: dir.store().await, _keep: dir }
}

async fn sqlite() -> Store {
    store(crate::support::on_sqlite().await).await
}

async fn postgres() -> Store {
    store(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    a_token_is_found_by_its_hash_and_listed_without_it,
    a_live_name_is_one_token_s_whoever_comes_first,
    a_revoked_token_opens_nothing_and_its_name_is_free,
    revoking_ends_the_sessions_of_that_token_alone,
    the_revision_moves_with_every_change_and_with_nothing_else,
    the_last_use_never_goes_back,
]);

fn name(text: &str) -> TokenName {
    TokenName::parse(text).unwrap()
}

fn hash(n: u8) -> SecretHash {
    SecretHash([n; 32])
}

impl Store {
    async fn add(&self, text: &str, role: Role, n: u8) -> i64 {
        assert!(self.tokens.add(&name(text), role, &hash(n), Millis(i64::from(n))).await.unwrap());
        self.tokens.find(&hash(n)).await.unwrap().expect("a live token").id
    }
}

async fn a_token_is_found_by_its_hash_and_listed_without_it(s: &Store) {
    assert!(s.tokens.list().await.unwrap().is_empty() && s.tokens.live().await.unwrap().is_empty());
    s.add("kim", Role::Viewer, 1).await;
    s.add("김민수 'x';--", Role::Operator, 2).await;
    let found = s.other.find(&hash(2)).await.unwrap().expect("also by another handle");
    assert_eq!((found.name, found.role, found.hash), (name("김민수 'x';--"), Role::Operator, hash(2)));
    assert_eq!(s.tokens.find(&hash(3)).await.unwrap(), None);
    let listed = s.tokens.list().await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|t| (t.name, t.role, t.created, t.last_use, t.revoked)).collect();
    let expected = [("kim", Role::Viewer, 1), ("김민수 'x';--", Role::Operator, 2)]
        .map(|(n, r, at)| (name(n), r, Millis(at), None, None));
    assert_eq!(listed, expected);
    let mut live: Vec<_> = s.tokens.live().await.unwrap().into_iter().map(|t| t.hash.0[0]).collect();
    live.sort_unstable();
    assert_eq!(live, [1, 2]);
}

async fn a_live_name_is_one_token_s_whoever_comes_first(s: &Store) {
    let tries = (1..=8).map(|n| {
        let store = if n % 2 == 0 { &s.tokens } else { &s.other };
        async move { store.add(&name("kim"), Role::Viewer, &hash(n), Millis(1)).await.unwrap() }
    });
    let added = futures::future::join_all(tries).await;
    assert_eq!(added.iter().filter(|a| **a).count(), 1, "{added:?}");
    assert_eq!(s.tokens.list().await.unwrap().len(), 1);
    assert!(s.tokens.add(&name("Kim"), Role::Viewer, &hash(9), Millis(1)).await.unwrap(), "another name");
}

async fn a_revoked_token_opens_nothing_and_its_name_is_free(s: &Store) {
    s.add("kim", Role::Viewer, 1).await;
    assert!(!s.tokens.revoke(&name("lee"), Millis(5)).await.unwrap());
    assert!(s.other.revoke(&name("kim"), Millis(5)).await.unwrap());
    assert!(!s.tokens.revoke(&name("kim"), Millis(6)).await.unwrap(), "it is revoked already");
    assert_eq!(s.tokens.find(&hash(1)).await.unwrap(), None);
    assert!(s.tokens.live().await.unwrap().is_empty());
    s.add("kim", Role::Operator, 2).await;
    let listed: Vec<_> = s.tokens.list().await.unwrap().into_iter().map(|t| (t.role, t.revoked)).collect();
    assert_eq!(listed, [(Role::Viewer, Some(Millis(5))), (Role::Operator, None)], "it stays in the list");
}

async fn revoking_ends_the_sessions_of_that_token_alone(s: &Store) {
    let (kim, lee) = (s.add("kim", Role::Viewer, 1).await, s.add("lee", Role::Viewer, 2).await);
    for (n, of) in
        [(11, SessionStart::Token(kim)), (12, SessionStart::Token(lee)), (13, SessionStart::Operator(hash(99)))]
    {
        assert!(s.sessions.begin(&hash(n), &of, Millis(1), Millis(100)).await.unwrap());
    }
    s.tokens.revoke(&name("kim"), Millis(5)).await.unwrap();
    let mut open = vec![];
    for n in [11, 12, 13] {
        open.push(s.sessions.session(&hash(n), Millis(6)).await.unwrap().is_some());
    }
    assert_eq!(open, [false, true, true]);
    let begun = s.sessions.begin(&hash(14), &SessionStart::Token(kim), Millis(6), Millis(100)).await.unwrap();
    assert!(!begun, "a revoked token begins none");
    assert!(s.sessions.session(&hash(14), Millis(7)).await.unwrap().is_none());
    s.add("kim", Role::Viewer, 3).await;
    assert!(s.sessions.session(&hash(11), Millis(6)).await.unwrap().is_none(), "the name alone opens nothing");
}

async fn the_revision_moves_with_every_change_and_with_nothing_else(s: &Store) {
    let mut before = s.other.revision().await.unwrap();
    let mut moved = async || {
        let now = s.other.revision().await.unwrap();
        std::mem::replace(&mut before, now) != now
    };
    let kim = s.add("kim", Role::Viewer, 1).await;
    assert!(moved().await, "a token was added");
    s.tokens.add(&name("kim"), Role::Viewer, &hash(2), Millis(1)).await.unwrap();
    s.tokens.revoke(&name("lee"), Millis(1)).await.unwrap();
    s.tokens.note_use(&[(kim, Millis(4))]).await.unwrap();
    s.sessions.begin(&hash(11), &SessionStart::Token(kim), Millis(1), Millis(100)).await.unwrap();
    s.sessions.end(&hash(12)).await.unwrap();
    s.sessions.forget_expired(Millis(1)).await.unwrap();
    assert!(!moved().await, "nobody may do more or less than before");
    s.sessions.end(&hash(11)).await.unwrap();
    assert!(moved().await, "a session has ended");
    s.tokens.revoke(&name("kim"), Millis(5)).await.unwrap();
    assert!(moved().await, "a token was revoked");
}

async fn the_last_use_never_goes_back(s: &Store) {
    let (kim, lee) = (s.add("kim", Role::Viewer, 1).await, s.add("lee", Role::Viewer, 2).await);
    s.tokens.note_use(&[(kim, Millis(50)), (lee, Millis(60))]).await.unwrap();
    s.other.note_use(&[(kim, Millis(40)), (lee, Millis(70)), (4711, Millis(1))]).await.unwrap();
    s.tokens.note_use(&[]).await.unwrap();
    let used: Vec<_> = s.tokens.list().await.unwrap().into_iter().map(|t| t.last_use).collect();
    assert_eq!(used, [Some(Millis(50)), Some(Millis(70))]);
}
