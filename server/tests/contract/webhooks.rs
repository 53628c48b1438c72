//! The contract of [`WebhookOutbox`]: what is told is written with its event, once for each webhook that wants it; a delivery is in one process's
//! hands at a time, comes back when that process dies, and keeps its order as long as that makes sense.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    error::Sentence,
    ports::{AttemptOutcome, BeginOutcome, ClaimedDelivery, DeliveriesQuery, NewWebhook},
    registry::{
        EventAct, ModelName, OperationId, OperationKind, Outcome, OutcomeKind, RegistryEvent, RequestId, RequestState,
        Target,
    },
    time::Millis,
    webhook::{Delivery, DeliveryId, DeliveryState, PauseReason, SealedSecret, Topics, WebhookId},
};
use futures::future::join_all;
use store::StateStore;

use crate::{
    registry_log::{event, model, operation, request},
    support::LakeDir,
};

/// An outbox, and a second handle on the same database.
pub struct Outbox {
    store: Arc<dyn StateStore>,
    other: Arc<dyn StateStore>,
    _dir: LakeDir,
}

async fn outbox(dir: LakeDir) -> Outbox {
    Outbox { store: dir.store().await, other: dir.store().await, _dir: dir }
}

async fn sqlite() -> Outbox {
    outbox(crate::support::on_sqlite().await).await
}

async fn postgres() -> Outbox {
    outbox(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    webhooks_come_back_as_they_were_added,
    the_same_is_not_told_twice,
    each_webhook_is_told_of_what_it_wants,
    what_is_not_written_is_not_told,
    a_delivery_is_claimed_once_and_comes_back_after_its_time,
    sixteen_who_claim_at_once_share_what_is_due,
    a_later_delivery_waits_for_an_earlier_one_of_its_model,
    a_delivery_that_failed_often_keeps_nobody_waiting,
    whoever_lost_a_claim_writes_nothing,
    a_paused_webhook_is_sent_nothing_until_it_goes_on,
    gone_pauses_and_keeps_what_waits,
    a_dead_letter_is_replayed_under_its_id,
    a_removed_webhook_takes_its_deliveries_along,
    deliveries_are_found_by_state_and_webhook_newest_first,
    what_is_over_is_forgotten_and_what_waits_is_not,
]);

pub fn new(url: &str, topics: &[&str], of: Option<&str>) -> NewWebhook {
    NewWebhook {
        url: url.into(),
        topics: Topics::parse(topics.iter().copied()).unwrap(),
        model: of.map(model),
        secret: SealedSecret(vec![1, 0, 255]),
        created: Millis(3),
        created_by: "김민수 'x'".into(),
    }
}

pub fn failed(at: i64, due: i64) -> AttemptOutcome {
    AttemptOutcome {
        state: DeliveryState::Pending,
        at: Millis(at),
        due: Millis(due),
        status: Some(500),
        error: Some(Sentence::named("no 'x'", "아니요\0")),
        gone: false,
    }
}

fn sent(at: i64) -> AttemptOutcome {
    AttemptOutcome { state: DeliveryState::Sent, status: Some(204), error: None, ..failed(at, at) }
}

fn dead(at: i64) -> AttemptOutcome {
    AttemptOutcome { state: DeliveryState::Dead, ..failed(at, at) }
}

fn asked(name: &str, at: i64) -> RegistryEvent {
    RegistryEvent { act: EventAct::Requested, ..event(name, at) }
}

impl Outbox {
    async fn add(&self, url: &str, topics: &[&str], of: Option<&str>) -> WebhookId {
        self.store.add_webhook(&new(url, topics, of)).await.unwrap().expect("a new webhook")
    }
    /// Something that is told as `model.promotion.requested`.
    async fn ask(&self, name: &str, at: i64) -> RequestId {
        self.store.add_request(&request(name, at), &asked(name, at)).await.unwrap()
    }
    async fn begin(&self, name: &str) -> OperationId {
        match self.store.begin_operation(&operation(name), &event(name, 5), None).await.unwrap() {
            BeginOutcome::New(id) => id,
            other => panic!("{other:?}"),
        }
    }
    async fn end(&self, id: OperationId, name: &str, kind: OperationKind, outcome: OutcomeKind) -> bool {
        let ended = RegistryEvent { act: EventAct::Ended(kind, outcome), ..event(name, 6) };
        self.store.end_operation(id, &Outcome { kind: outcome, note: None }, Millis(6), &[ended]).await.unwrap()
    }
    async fn all(&self) -> Vec<Delivery> {
        let query = DeliveriesQuery { most: 1_000, ..DeliveriesQuery::default() };
        let mut all = self.other.deliveries(&query).await.unwrap();
        all.reverse();
        all
    }
    async fn told(&self) -> Vec<(i64, String)> {
        self.all().await.into_iter().map(|d| (d.webhook.0, d.kind)).collect()
    }
    async fn claim(&self, now: i64, most: usize) -> Vec<ClaimedDelivery> {
        self.store.claim_deliveries(Millis(now), Millis(now + 30), most).await.unwrap()
    }
    async fn claimed(&self, now: i64) -> Vec<i64> {
        self.claim(now, 99).await.iter().map(|c| c.delivery.id.0).collect()
    }
    async fn finish(&self, claimed: &ClaimedDelivery, outcome: &AttemptOutcome) {
        assert!(self.other.finish_delivery(claimed, outcome).await.unwrap());
    }
    async fn kept(&self, id: DeliveryId) -> Delivery {
        self.other.delivery(id).await.unwrap().expect("a delivery")
    }
}

async fn webhooks_come_back_as_they_were_added(s: &Outbox) {
    assert_eq!(s.other.webhooks().await.unwrap(), []);
    let one = s.add("https://a.example/?'x'", &["promotion", "rollback"], Some("검출기 'x'")).await;
    let two = s.add("https://a.example/?'x'", &[], None).await;
    assert!(two > one);
    let found = s.other.webhooks().await.unwrap();
    assert_eq!(found.iter().map(|w| w.id).collect::<Vec<_>>(), [one, two]);
    assert_eq!((&*found[0].url, found[0].topics.names()), ("https://a.example/?'x'", vec!["promotion", "rollback"]));
    assert_eq!(found[0].model.as_ref().map(ModelName::as_str), Some("검출기 'x'"));
    assert_eq!((found[0].created, &*found[0].created_by, found[0].paused), (Millis(3), "김민수 'x'", None));
    assert_eq!((found[1].model.as_ref(), found[1].topics, found[1].pending), (None, Topics::EVERY, 0));
    assert_eq!(s.other.webhook_secret(one).await.unwrap(), Some(SealedSecret(vec![1, 0, 255])));
    assert_eq!(s.other.webhook_secret(WebhookId(99)).await.unwrap(), None);
}

async fn the_same_is_not_told_twice(s: &Outbox) {
    let one = new("https://a/", &["request"], None);
    let tries =
        join_all((0..16).map(|n| if n % 2 == 0 { s.store.add_webhook(&one) } else { s.other.add_webhook(&one) }));
    assert_eq!(tries.await.into_iter().filter(|added| added.as_ref().unwrap().is_some()).count(), 1);
    for other in [new("https://a/", &["approval"], None), new("https://a/", &["request"], Some("m"))] {
        assert!(s.store.add_webhook(&other).await.unwrap().is_some());
        assert!(s.store.add_webhook(&other).await.unwrap().is_none());
    }
}

async fn each_webhook_is_told_of_what_it_wants(s: &Outbox) {
    let all = s.add("https://all/", &[], None).await.0;
    let requests = s.add("https://requests/", &["request"], None).await.0;
    let decisions = s.add("https://decisions/", &["approval"], Some("a")).await.0;
    let moves = s.add("https://moves/", &["promotion", "rollback"], Some("b")).await.0;
    let (one, two) = (s.ask("a", 1).await, s.ask("a", 2).await);
    let requested = "model.promotion.requested".to_owned();
    let both = [(all, requested.clone()), (requests, requested)];
    assert_eq!(s.told().await, [&both[..], &both[..]].concat());
    let end = async |id, act, state| {
        let decided = RegistryEvent { act, ..event("a", 3) };
        assert!(s.store.end_request(id, &state, &decided).await.unwrap());
    };
    let rejected = RequestState::Rejected { by: "lee".into(), at: Millis(3), comment: "no".into() };
    end(one, EventAct::Rejected, rejected).await;
    let approved =
        RequestState::Approved { by: "lee".into(), at: Millis(3), comment: String::new(), operation: OperationId(1) };
    end(two, EventAct::Approved, approved).await;
    let told = s.told().await.split_off(4);
    let kinds: Vec<_> = told.iter().map(|(webhook, kind)| (*webhook, kind.as_str())).collect();
    let (no, yes) = ("model.promotion.rejected", "model.promotion.approved");
    assert_eq!(kinds, [(all, no), (decisions, no), (all, yes), (decisions, yes)]);
    let (promote, applied) = (OperationKind::Promote(Target::Production), OutcomeKind::Applied);
    for (name, kind, outcome) in [
        ("b", promote, applied),
        ("b", OperationKind::RollBack, applied),
        ("b", promote, OutcomeKind::NotApplied),
        ("b", promote, OutcomeKind::Overtaken),
        ("b", OperationKind::SetChallenger, applied),
        ("c", promote, applied),
    ] {
        let id = s.begin(name).await;
        assert!(s.end(id, name, kind, outcome).await);
        assert!(!s.end(id, name, kind, outcome).await, "it ends once, and is told once");
    }
    let told = s.told().await.split_off(8);
    let kinds: Vec<_> = told.iter().map(|(webhook, kind)| (*webhook, kind.as_str())).collect();
    let (up, back) = ("model.promoted", "model.rolled_back");
    assert_eq!(kinds, [(all, up), (moves, up), (all, back), (moves, back), (all, up)]);
    // One event has one id, whoever is told.
    let ids: BTreeSet<String> = s.all().await.into_iter().map(|d| d.message).collect();
    assert_eq!(ids.len(), 7);
    let claimed = s.claim(9, 1).await.remove(0);
    let body: serde_json::Value = serde_json::from_str(&claimed.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["target"]), (&"model.promotion.requested".into(), &"staging".into()));
    assert_eq!((&body["data"]["request"], &body["data"]["model"]), (&one.0.into(), &"a".into()));
    assert_eq!((claimed.url.as_str(), claimed.secret), ("https://all/", SealedSecret(vec![1, 0, 255])));
    let last: Vec<i64> = s.other.last_deliveries().await.unwrap().iter().map(|d| d.webhook.0).collect();
    assert_eq!(last, [all, requests, decisions, moves]);
    assert_eq!(s.other.webhooks().await.unwrap()[0].pending, 7);
}

async fn what_is_not_written_is_not_told(s: &Outbox) {
    s.add("https://a/", &[], None).await;
    let one = s.ask("a", 1).await;
    let decided = RegistryEvent { act: EventAct::Rejected, ..event("a", 3) };
    let state = RequestState::Rejected { by: "lee".into(), at: Millis(3), comment: "no".into() };
    let tries = (0..8).map(|_| s.store.end_request(one, &state, &decided));
    assert_eq!(join_all(tries).await.into_iter().filter(|ended| *ended.as_ref().unwrap()).count(), 1);
    assert!(!s.store.end_request(RequestId(99), &state, &decided).await.unwrap());
    assert_eq!(s.told().await.len(), 2, "the request and one rejection");
}

async fn a_delivery_is_claimed_once_and_comes_back_after_its_time(s: &Outbox) {
    s.add("https://a/", &[], None).await;
    s.ask("a", 10).await;
    assert_eq!(s.claimed(9).await, [0_i64; 0], "it is not due yet");
    let first = s.claim(10, 9).await;
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].delivery.attempts, first[0].delivery.state), (0, DeliveryState::Pending));
    assert_eq!(s.claimed(39).await, [0_i64; 0], "it is in somebody's hands");
    let second = s.claim(40, 9).await;
    assert_eq!((second.len(), &second[0].delivery.message), (1, &first[0].delivery.message), "that process died");
    assert!(!s.other.finish_delivery(&first[0], &sent(41)).await.unwrap(), "its time was over");
    s.finish(&second[0], &failed(42, 100)).await;
    let kept = s.kept(first[0].delivery.id).await;
    assert_eq!((kept.attempts, kept.due, kept.tried, kept.status), (1, Millis(100), Some(Millis(42)), Some(500)));
    assert_eq!(kept.error.unwrap().korean(), "아니요\0");
    assert_eq!(s.claimed(99).await, [0_i64; 0]);
    let third = s.claim(100, 9).await;
    assert_eq!((third[0].delivery.attempts, &third[0].body), (1, &first[0].body));
    s.finish(&third[0], &sent(101)).await;
    let kept = s.kept(first[0].delivery.id).await;
    assert_eq!((kept.state, kept.attempts, kept.status, kept.error), (DeliveryState::Sent, 2, Some(204), None));
    assert_eq!(s.claimed(i64::MAX - 99).await, [0_i64; 0]);
}

async fn sixteen_who_claim_at_once_share_what_is_due(s: &Outbox) {
    for n in 0..4 {
        s.add(&format!("https://{n}/"), &[], None).await;
    }
    for n in 0..8 {
        s.ask(&format!("m{n}"), 1).await;
    }
    let claims = (0..16).map(|n| {
        let store = if n % 2 == 0 { &s.store } else { &s.other };
        store.claim_deliveries(Millis(5), Millis(35), 5)
    });
    let mut claimed: Vec<i64> =
        join_all(claims).await.into_iter().flat_map(|c| c.unwrap()).map(|c| c.delivery.id.0).collect();
    let rest = s.claimed(5).await;
    claimed.extend(rest);
    let unique: BTreeSet<i64> = claimed.iter().copied().collect();
    assert_eq!((claimed.len(), unique.len()), (32, 32));
}

async fn a_later_delivery_waits_for_an_earlier_one_of_its_model(s: &Outbox) {
    s.add("https://a/", &[], None).await;
    s.add("https://b/", &[], None).await;
    for (name, at) in [("m", 1), ("m", 2), ("n", 3), ("m", 4)] {
        s.ask(name, at).await;
    }
    let first = s.claim(9, 99).await;
    let of = |claimed: &[ClaimedDelivery]| -> Vec<(i64, String, i64)> {
        let mut found: Vec<_> = claimed
            .iter()
            .map(|c| (c.delivery.webhook.0, c.delivery.model.to_string(), c.delivery.created.0))
            .collect();
        found.sort();
        found
    };
    let expected = [(1, "m", 1), (1, "n", 3), (2, "m", 1), (2, "n", 3)];
    assert_eq!(of(&first), expected.map(|(w, m, at)| (w, m.to_owned(), at)));
    // The receiver of the second is away; that of the first is not.
    for claimed in &first {
        let outcome = if claimed.delivery.webhook.0 == 1 { sent(10) } else { failed(10, 500) };
        s.finish(claimed, &outcome).await;
    }
    assert_eq!(of(&s.claim(11, 99).await), [(1, "m".to_owned(), 2)]);
}

async fn a_delivery_that_failed_often_keeps_nobody_waiting(s: &Outbox) {
    s.add("https://a/", &[], None).await;
    s.ask("m", 1).await;
    s.ask("m", 2).await;
    for n in 0..5 {
        let claimed = s.claim(10 + n, 99).await;
        assert_eq!(claimed.len(), 1, "{n}");
        s.finish(&claimed[0], &failed(10 + n, 11 + n)).await;
    }
    assert_eq!(s.claim(20, 99).await.len(), 2);
}

async fn whoever_lost_a_claim_writes_nothing(s: &Outbox) {
    let webhook = s.add("https://a/", &[], None).await;
    s.ask("m", 1).await;
    let claimed = s.claim(5, 9).await.remove(0);
    assert!(s.other.remove_webhook(webhook).await.unwrap());
    let gone = AttemptOutcome { gone: true, ..failed(6, 7) };
    assert!(!s.store.finish_delivery(&claimed, &gone).await.unwrap());
    let again = s.add("https://a/", &[], None).await;
    s.ask("m", 8).await;
    let first = s.claim(9, 9).await.remove(0);
    let second = s.claim(99, 9).await.remove(0);
    assert!(!s.store.finish_delivery(&first, &gone).await.unwrap());
    assert_eq!(s.other.webhooks().await.unwrap()[0].paused, None, "{again:?}");
    s.finish(&second, &sent(100)).await;
}

async fn a_paused_webhook_is_sent_nothing_until_it_goes_on(s: &Outbox) {
    let webhook = s.add("https://a/", &[], None).await;
    s.ask("m", 1).await;
    let claimed = s.claim(5, 9).await.remove(0);
    s.finish(&claimed, &failed(6, 10_000)).await;
    assert!(s.store.pause_webhook(webhook, Some(PauseReason::Person), Millis(7)).await.unwrap());
    s.ask("n", 8).await;
    assert_eq!(s.claimed(20_000).await, [0_i64; 0]);
    let found = &s.other.webhooks().await.unwrap()[0];
    assert_eq!((found.paused, found.pending), (Some(PauseReason::Person), 2));
    assert!(s.store.pause_webhook(webhook, None, Millis(30)).await.unwrap());
    assert_eq!(s.claimed(30).await.len(), 2, "what waited for its next try is due at once");
    assert!(!s.store.pause_webhook(WebhookId(99), None, Millis(30)).await.unwrap());
}

async fn gone_pauses_and_keeps_what_waits(s: &Outbox) {
    let webhook = s.add("https://a/", &[], None).await;
    s.ask("m", 1).await;
    let claimed = s.claim(5, 9).await.remove(0);
    s.finish(&claimed, &AttemptOutcome { gone: true, status: Some(410), ..failed(6, 7) }).await;
    let found = &s.other.webhooks().await.unwrap()[0];
    assert_eq!((found.paused, found.pending), (Some(PauseReason::Gone), 1));
    assert_eq!(s.claimed(99).await, [0_i64; 0]);
    assert!(s.store.pause_webhook(webhook, None, Millis(100)).await.unwrap());
    assert_eq!(s.claimed(100).await.len(), 1);
}

async fn a_dead_letter_is_replayed_under_its_id(s: &Outbox) {
    s.add("https://a/", &[], None).await;
    s.ask("m", 1).await;
    let claimed = s.claim(5, 9).await.remove(0);
    let id = claimed.delivery.id;
    assert!(!s.store.replay_delivery(id, Millis(6)).await.unwrap(), "it waits");
    s.finish(&claimed, &dead(6)).await;
    assert_eq!((s.kept(id).await.state, s.claimed(99_999).await.len()), (DeliveryState::Dead, 0));
    assert_eq!(s.other.webhooks().await.unwrap()[0].dead, 1);
    assert!(s.store.replay_delivery(id, Millis(50)).await.unwrap());
    assert!(!s.store.replay_delivery(id, Millis(50)).await.unwrap());
    let again = s.claim(50, 9).await.remove(0);
    assert_eq!((again.delivery.id, again.delivery.attempts), (id, 0));
    assert_eq!((&again.delivery.message, &again.body), (&claimed.delivery.message, &claimed.body));
    s.finish(&again, &sent(51)).await;
    assert!(!s.store.replay_delivery(id, Millis(52)).await.unwrap(), "it was sent");
    assert!(!s.store.replay_delivery(DeliveryId(99), Millis(52)).await.unwrap());
}

async fn a_removed_webhook_takes_its_deliveries_along(s: &Outbox) {
    let one = s.add("https://a/", &[], None).await;
    let two = s.add("https://b/", &[], None).await;
    s.ask("m", 1).await;
    assert!(s.store.remove_webhook(one).await.unwrap());
    assert!(!s.store.remove_webhook(one).await.unwrap());
    assert_eq!(s.told().await, [(two.0, "model.promotion.requested".to_owned())]);
    assert!(s.add("https://a/", &[], None).await > two, "a number is not given again");
}

async fn deliveries_are_found_by_state_and_webhook_newest_first(s: &Outbox) {
    let one = s.add("https://a/", &[], None).await;
    s.add("https://b/", &["rollback"], None).await;
    for at in 1..=5 {
        s.ask(&format!("m{at}"), at).await;
    }
    let claimed = s.claim(9, 3).await;
    s.finish(&claimed[0], &sent(10)).await;
    s.finish(&claimed[1], &dead(11)).await;
    let ids = async |query: DeliveriesQuery| -> Vec<i64> {
        s.other.deliveries(&query).await.unwrap().iter().map(|d| d.id.0).collect()
    };
    let query = DeliveriesQuery { most: 9, ..DeliveriesQuery::default() };
    assert_eq!(ids(query).await, [5, 4, 3, 2, 1]);
    assert_eq!(ids(DeliveriesQuery { most: 2, ..query }).await, [5, 4]);
    assert_eq!(ids(DeliveriesQuery { before: Some(DeliveryId(4)), most: 2, ..query }).await, [3, 2]);
    assert_eq!(ids(DeliveriesQuery { state: Some(DeliveryState::Pending), ..query }).await, [5, 4, 3]);
    assert_eq!(ids(DeliveriesQuery { state: Some(DeliveryState::Dead), ..query }).await, [2]);
    assert_eq!(ids(DeliveriesQuery { state: Some(DeliveryState::Sent), webhook: Some(one), ..query }).await, [1]);
    assert_eq!(ids(DeliveriesQuery { webhook: Some(WebhookId(2)), ..query }).await, [0_i64; 0]);
    assert_eq!(s.other.delivery(DeliveryId(99)).await.unwrap(), None);
}

async fn what_is_over_is_forgotten_and_what_waits_is_not(s: &Outbox) {
    s.add("https://a/", &[], None).await;
    for n in 0..4 {
        s.ask(&format!("m{n}"), 1).await;
    }
    let claimed = s.claim(9, 3).await;
    s.finish(&claimed[0], &sent(10)).await;
    s.finish(&claimed[1], &sent(20)).await;
    s.finish(&claimed[2], &dead(10)).await;
    assert_eq!(s.store.forget_deliveries(Millis(20), Millis(5)).await.unwrap(), 1);
    assert_eq!(s.all().await.len(), 3);
    assert_eq!(s.store.forget_deliveries(Millis(i64::MAX), Millis(i64::MAX)).await.unwrap(), 2);
    assert_eq!(s.all().await[0].state, DeliveryState::Pending);
}
