//! The contract of [`SavedViews`] and [`IdempotencyKeys`]: whose views are seen, what is changed only as it was seen, and writes that are sent
//! again.

use std::sync::Arc;

use domain::{
    ports::{ChangeOutcome, CreateOutcome, IdempotencyKey, IdempotencyKeys, SavedViews},
    saved_view::{NewView, SavedView, ViewId, ViewLink, ViewName},
    time::Millis,
};

use crate::support::LakeDir;

/// Views, the keys of writes, and a second handle on the same store.
pub struct Store {
    views: Arc<dyn SavedViews>,
    replays: Arc<dyn IdempotencyKeys>,
    other: Arc<dyn SavedViews>,
    _keep: LakeDir,
}

async fn store(dir: LakeDir) -> Store {
    let store = dir.store().await;
    Store { views: store.clone(), replays: store, other: dir.store().await, _keep: dir }
}

async fn sqlite() -> Store {
    store(crate::support::on_sqlite().await).await
}

async fn postgres() -> Store {
    store(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    a_view_comes_back_as_it_was_kept,
    an_owner_sees_their_own_views_and_shared_ones_by_name,
    a_name_is_taken_once_by_each_owner,
    nobody_has_more_views_than_one_may_have,
    a_view_is_changed_and_deleted_only_as_it_was_seen,
    a_start_page_is_one_s_own_or_shared_and_goes_with_its_view,
    the_same_write_is_done_once_and_answered_the_same_however_often_it_is_sent,
    a_key_that_was_used_for_another_request_does_nothing,
    keys_are_each_owner_s_own_and_forgotten_after_a_while,
    what_was_not_done_keeps_no_key,
]);

const MOST: usize = 100;

fn name(text: &str) -> ViewName {
    ViewName::parse(text).unwrap()
}

fn new(owner: &str, text: &str, shared: bool) -> NewView {
    NewView { name: name(text), link: ViewLink::stored("/trends?days=7".into()), shared, owner: owner.into() }
}

fn key(text: &str, request: u8) -> IdempotencyKey {
    IdempotencyKey { key: text.into(), request: [request; 32] }
}

impl Store {
    async fn keep(&self, owner: &str, text: &str, shared: bool) -> SavedView {
        match self.views.create(&new(owner, text, shared), None, Millis(5), MOST).await.unwrap() {
            CreateOutcome::New(view) => view,
            other => panic!("{other:?}"),
        }
    }
    async fn names(&self, owner: Option<&str>) -> Vec<String> {
        self.other.views(owner).await.unwrap().into_iter().map(|v| v.name.as_str().to_owned()).collect()
    }
}

async fn a_view_comes_back_as_it_was_kept(s: &Store) {
    let kept = s.keep("kim", "아침 점검 'x';--", true).await;
    assert_eq!((kept.created, kept.changed, kept.shared, &*kept.owner), (Millis(5), Millis(5), true, "kim"));
    assert_eq!(s.other.view(kept.id).await.unwrap().as_ref(), Some(&kept));
    assert_eq!(s.views.views(None).await.unwrap(), std::slice::from_ref(&kept));
    assert_eq!(s.views.view(ViewId(kept.id.0 + 1)).await.unwrap(), None);
    s.views.delete(&kept).await.unwrap();
    assert_ne!(s.keep("kim", "b", false).await.id, kept.id, "a number is not used again");
}

async fn an_owner_sees_their_own_views_and_shared_ones_by_name(s: &Store) {
    for (owner, text, shared) in
        [("kim", "b own", false), ("lee", "a shared", true), ("lee", "c own", false), ("Kim", "d own", false)]
    {
        s.keep(owner, text, shared).await;
    }
    assert_eq!(s.names(Some("kim")).await, ["a shared", "b own"]);
    assert_eq!(s.names(Some("lee")).await, ["a shared", "c own"]);
    assert_eq!(s.names(Some("park")).await, ["a shared"]);
    assert_eq!(s.names(None).await, ["a shared"]);
}

async fn a_name_is_taken_once_by_each_owner(s: &Store) {
    let a = s.keep("kim", "a", false).await;
    s.keep("kim", "b", true).await;
    s.keep("lee", "a", true).await;
    let again = s.views.create(&new("kim", "a", true), None, Millis(6), MOST).await.unwrap();
    assert_eq!(again, CreateOutcome::NameTaken);
    assert_eq!(s.views.change(&a, &name("b"), false, Millis(6)).await.unwrap(), ChangeOutcome::NameTaken);
    assert_eq!(s.views.change(&a, &name("a"), false, Millis(6)).await.unwrap(), ChangeOutcome::Done, "its own");
    assert_eq!(s.names(Some("kim")).await, ["a", "a", "b"]);
}

async fn nobody_has_more_views_than_one_may_have(s: &Store) {
    let names: Vec<String> = (0..8).map(|n| format!("view {n}")).collect();
    let tries = names.iter().zip(0..).map(|(text, n)| {
        let store = if n % 2 == 0 { &s.views } else { &s.other };
        async move { store.create(&new("kim", text, n % 3 == 0), None, Millis(5), 3).await.unwrap() }
    });
    let done = futures::future::join_all(tries).await;
    assert_eq!(done.iter().filter(|d| matches!(d, CreateOutcome::New(_))).count(), 3, "{done:?}");
    assert_eq!(done.iter().filter(|d| **d == CreateOutcome::TooMany).count(), 5, "{done:?}");
    assert!(matches!(s.views.create(&new("lee", "x", true), None, Millis(5), 3).await.unwrap(), CreateOutcome::New(_)));
}

async fn a_view_is_changed_and_deleted_only_as_it_was_seen(s: &Store) {
    let seen = s.keep("kim", "a", false).await;
    assert_eq!(s.views.change(&seen, &name("b"), true, Millis(9)).await.unwrap(), ChangeOutcome::Done);
    let now = s.views.view(seen.id).await.unwrap().unwrap();
    let expected = SavedView { name: name("b"), shared: true, changed: Millis(9), ..seen.clone() };
    assert_eq!(now, expected);
    // It was personal when it was seen, and is not any more.
    assert_eq!(s.other.change(&seen, &name("c"), false, Millis(10)).await.unwrap(), ChangeOutcome::Gone);
    assert_eq!(s.other.delete(&seen).await.unwrap(), ChangeOutcome::Gone);
    assert_eq!(s.other.delete(&SavedView { owner: "lee".into(), ..now.clone() }).await.unwrap(), ChangeOutcome::Gone);
    assert_eq!(s.views.view(seen.id).await.unwrap(), Some(now.clone()));
    assert_eq!(s.other.delete(&now).await.unwrap(), ChangeOutcome::Done);
    assert_eq!(s.views.delete(&now).await.unwrap(), ChangeOutcome::Gone);
    assert_eq!(s.views.view(seen.id).await.unwrap(), None);
}

async fn a_start_page_is_one_s_own_or_shared_and_goes_with_its_view(s: &Store) {
    let (own, shared, other) =
        (s.keep("kim", "own", false).await, s.keep("lee", "shared", true).await, s.keep("lee", "lee's", false).await);
    let start = async |owner: &str| s.other.start(owner).await.unwrap().map(|v| v.id);
    assert_eq!(start("kim").await, None);
    assert_eq!(s.views.set_start("kim", Some(own.id)).await.unwrap(), ChangeOutcome::Done);
    assert_eq!(s.views.set_start("lee", Some(shared.id)).await.unwrap(), ChangeOutcome::Done);
    assert_eq!((start("kim").await, start("lee").await), (Some(own.id), Some(shared.id)));
    assert_eq!(s.views.set_start("kim", Some(other.id)).await.unwrap(), ChangeOutcome::Gone, "somebody else's own");
    assert_eq!(s.views.set_start("kim", Some(ViewId(4711))).await.unwrap(), ChangeOutcome::Gone);
    assert_eq!(start("kim").await, Some(own.id), "it stays");
    assert_eq!(s.views.set_start("kim", Some(shared.id)).await.unwrap(), ChangeOutcome::Done);
    assert_eq!(s.views.change(&shared, &name("shared"), false, Millis(9)).await.unwrap(), ChangeOutcome::Done);
    assert_eq!((start("kim").await, start("lee").await), (None, Some(shared.id)), "it is lee's alone now");
    s.views.delete(&SavedView { shared: false, ..shared }).await.unwrap();
    assert_eq!(start("lee").await, None);
    s.views.set_start("kim", Some(own.id)).await.unwrap();
    assert_eq!(s.views.set_start("kim", None).await.unwrap(), ChangeOutcome::Done);
    assert_eq!(start("kim").await, None);
}

async fn the_same_write_is_done_once_and_answered_the_same_however_often_it_is_sent(s: &Store) {
    let (one, view) = (key("k", 1), new("kim", "a", true));
    let tries = (0..100).map(|n| {
        let (store, one, view) = (if n % 2 == 0 { &s.views } else { &s.other }, &one, &view);
        async move { store.create(view, Some(one), Millis(5 + n), MOST).await.unwrap() }
    });
    let done = futures::future::join_all(tries).await;
    let answers: Vec<SavedView> = done
        .iter()
        .map(|d| match d {
            CreateOutcome::New(v) | CreateOutcome::Again(v) => v.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(done.iter().filter(|d| matches!(d, CreateOutcome::New(_))).count(), 1, "it is done once");
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
    assert_eq!(s.views.views(None).await.unwrap(), answers[..1]);
    s.views.delete(&answers[0]).await.unwrap();
    let later = s.views.create(&view, Some(&one), Millis(900), MOST).await.unwrap();
    assert_eq!(later, CreateOutcome::Again(answers[0].clone()), "also when the view is gone");
    assert!(s.views.views(None).await.unwrap().is_empty());
}

async fn a_key_that_was_used_for_another_request_does_nothing(s: &Store) {
    s.views.create(&new("kim", "a", false), Some(&key("k", 1)), Millis(5), MOST).await.unwrap();
    let other = s.other.create(&new("kim", "b", false), Some(&key("k", 2)), Millis(6), MOST).await.unwrap();
    assert_eq!(other, CreateOutcome::OtherRequest);
    assert_eq!(s.names(Some("kim")).await, ["a"]);
}

async fn keys_are_each_owner_s_own_and_forgotten_after_a_while(s: &Store) {
    for (owner, at) in [("kim", 5), ("lee", 9)] {
        let done = s.views.create(&new(owner, "a", false), Some(&key("k", 1)), Millis(at), MOST).await.unwrap();
        assert!(matches!(&done, CreateOutcome::New(v) if v.owner == owner), "{done:?}");
    }
    assert_eq!(s.replays.forget_keys(Millis(5)).await.unwrap(), 0);
    assert_eq!(s.replays.forget_keys(Millis(9)).await.unwrap(), 1);
    let kim = s.views.create(&new("kim", "b", false), Some(&key("k", 2)), Millis(20), MOST).await.unwrap();
    assert!(matches!(kim, CreateOutcome::New(_)), "{kim:?}");
    let lee = s.views.create(&new("lee", "b", false), Some(&key("k", 2)), Millis(20), MOST).await.unwrap();
    assert_eq!(lee, CreateOutcome::OtherRequest);
}

async fn what_was_not_done_keeps_no_key(s: &Store) {
    let a = s.keep("kim", "a", false).await;
    let (one, view) = (key("k", 1), new("kim", "a", false));
    assert_eq!(s.views.create(&view, Some(&one), Millis(5), MOST).await.unwrap(), CreateOutcome::NameTaken);
    s.views.delete(&a).await.unwrap();
    assert!(matches!(s.views.create(&view, Some(&one), Millis(6), MOST).await.unwrap(), CreateOutcome::New(_)));
}
