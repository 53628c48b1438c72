//! The contract of [`RegistryLog`]: a chain of events without a gap, whoever writes; one pending operation a model; a key begins one operation;
//! a request ends once.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    ErrorKind,
    error::Sentence,
    evidence::Verdict,
    ports::{
        BeginOutcome, EventsQuery, IdempotencyKey, KeptOperation, KeptRequest, OperationKey, RawEvent, RegistryLog,
    },
    registry::{
        Alias, EventAct, EventActor, KeptEvidence, LoggedEvent, ModelName, Operation, OperationId, OperationKind,
        OperationState, Outcome, OutcomeKind, PromotionRequest, Reason, RegistryEvent, RequestId, RequestState, Stage,
        Standing, Target, Version, VersionSet, chain_input,
    },
    time::Millis,
};
use futures::future::join_all;
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use sha2::{Digest, Sha256};

use crate::{comparisons, databases::Raw, soak, support::LakeDir};

/// A log, and a second handle on the same database.
pub struct Log {
    log: Arc<dyn RegistryLog>,
    other: Arc<dyn RegistryLog>,
    dir: LakeDir,
}

async fn log(dir: LakeDir) -> Log {
    Log { log: dir.store().await, other: dir.store().await, dir }
}

async fn sqlite() -> Log {
    log(crate::support::on_sqlite().await).await
}

async fn postgres() -> Log {
    log(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    a_new_log_is_empty,
    events_come_back_as_they_were_logged,
    the_chain_is_right_and_a_changed_byte_shows,
    events_are_neither_changed_nor_deleted,
    sixteen_writers_leave_no_gap_and_no_fork,
    many_events_are_logged_at_once_or_not_at_all,
    nothing_is_added_behind_a_missing_event,
    an_operation_begins_and_ends_with_its_events,
    of_a_model_one_operation_is_pending,
    an_operation_ends_once,
    the_same_key_begins_one_operation_however_often_it_is_sent,
    a_key_that_was_used_for_another_request_begins_nothing,
    keys_are_each_owner_s_own,
    what_was_not_begun_keeps_no_key,
    events_of_a_time_are_without_its_end,
    the_last_standing_of_each_model_is_told,
    requests_come_back_newest_first,
    a_request_ends_once,
    what_cannot_be_written_leaves_nothing_behind,
    what_cannot_be_read_hides_nothing_else,
]);

pub fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

pub fn version(number: u32) -> Version {
    Version::new(number).unwrap()
}

/// A standing in which a version of three is the champion.
pub fn standing(champion: u32) -> Standing {
    Standing {
        aliases: BTreeMap::from([
            (Alias::champion(), version(champion)),
            (Alias::parse("챔피언-2").unwrap(), version(1)),
        ]),
        stages: BTreeMap::from([(version(champion), Stage::Production), (version(3), Stage::Archived)]),
        versions: VersionSet::of((1..=3).map(version)),
    }
}

/// Something that moved nothing.
pub fn event(name: &str, at: i64) -> RegistryEvent {
    RegistryEvent::new(Millis(at), model(name), EventAct::Described, EventActor::Named("김민수 'x'".into()))
}

/// Something after which a version is the champion.
pub fn moved(name: &str, at: i64, champion: u32) -> RegistryEvent {
    RegistryEvent { act: EventAct::ChangedOutside, after: Some(standing(champion)), ..event(name, at) }
}

pub fn operation(name: &str) -> Operation {
    Operation {
        model: model(name),
        kind: OperationKind::Promote(Target::Production),
        version: version(2),
        before: standing(1),
        rollback: Some(version(1)),
        actor: "lee".into(),
        reason: "더 낫습니다 \"x\"\0".into(),
        begun: Millis(5),
    }
}

fn begun(name: &str) -> RegistryEvent {
    RegistryEvent { act: EventAct::Begun(OperationKind::Promote(Target::Production)), ..event(name, 5) }
}

pub fn request(name: &str, at: i64) -> PromotionRequest {
    PromotionRequest {
        model: model(name),
        version: version(2),
        to: Target::Staging,
        expected: Some(version(1)),
        asked_by: "김민수".into(),
        reason: Reason::parse("'; DROP TABLE model; --").unwrap(),
        asked: Millis(at),
        expires: Millis(at + 100),
        evidence: Some(evidence()),
    }
}

fn evidence() -> KeptEvidence {
    KeptEvidence {
        verdict: Verdict::NotWorse,
        sentence: Sentence::named("not worse", "나쁘지 않습니다\0"),
        judgement: Some(comparisons::judgement(2)),
        at: Millis(4),
    }
}

pub fn key(owner: &str, key: &str, request: u8) -> OperationKey {
    OperationKey { owner: owner.into(), key: IdempotencyKey { key: key.into(), request: [request; 32] } }
}

fn applied() -> Outcome {
    Outcome { kind: OutcomeKind::Applied, note: None }
}

/// The number of the first event of which the log does not say what its hash says; `None` of a log that is whole.
pub fn broken(raw: &[RawEvent]) -> Option<i64> {
    let mut previous = [0; 32];
    for (event, number) in raw.iter().zip(1..) {
        let hash: [u8; 32] = Sha256::digest(chain_input(&previous, event.number, &event.body)).into();
        let Ok(said) = serde_json::from_str::<RegistryEvent>(&event.body) else { return Some(number) };
        let columns = (said.model.as_str(), said.at.0, said.after.is_some());
        if event.number != number || event.hash != hash || columns != (&event.model, event.at, event.moves) {
            return Some(number);
        }
        previous = hash;
    }
    None
}

fn new(outcome: BeginOutcome) -> OperationId {
    match outcome {
        BeginOutcome::New(id) => id,
        other => panic!("{other:?}"),
    }
}

impl Log {
    fn each(&self, n: usize) -> Arc<dyn RegistryLog> {
        if n.is_multiple_of(2) { self.log.clone() } else { self.other.clone() }
    }
    async fn raw(&self) -> Vec<RawEvent> {
        self.other.raw_events(0, usize::MAX).await.unwrap()
    }
    async fn all(&self) -> Vec<LoggedEvent> {
        self.other.events(&EventsQuery::default()).await.unwrap()
    }
    async fn numbers(&self, query: EventsQuery) -> Vec<i64> {
        self.other.events(&query).await.unwrap().iter().map(|e| e.number).collect()
    }
    async fn begin(&self, name: &str) -> OperationId {
        new(self.log.begin_operation(&operation(name), &begun(name), None).await.unwrap())
    }
    async fn kept(&self, id: OperationId) -> KeptOperation {
        self.other.operation(id).await.unwrap().unwrap()
    }
    /// The last number, when the log is whole up to it.
    async fn whole(&self) -> i64 {
        let (raw, last) = (self.raw().await, self.other.last_event().await.unwrap());
        assert_eq!((broken(&raw), raw.len() as i64), (None, last));
        last
    }
}

async fn a_new_log_is_empty(s: &Log) {
    assert_eq!(s.log.last_event().await.unwrap(), 0);
    assert_eq!((s.all().await, s.raw().await, s.log.last_standings().await.unwrap()), (vec![], vec![], vec![]));
    assert_eq!(s.log.pending_operations().await.unwrap(), []);
    assert_eq!(s.log.operation(OperationId(1)).await.unwrap(), None);
    assert_eq!(s.log.operation_of_key(&key("kim", "k", 1)).await.unwrap(), None);
    assert_eq!(s.log.requests(None, false).await.unwrap(), []);
    assert_eq!(s.log.request(RequestId(1)).await.unwrap(), None);
    s.log.log_events(&[]).await.unwrap();
    assert_eq!(s.log.last_event().await.unwrap(), 0);
}

async fn events_come_back_as_they_were_logged(s: &Log) {
    let full = RegistryEvent {
        version: Some(version(2)),
        reason: Some("더 낫습니다 'x' \"y\"\0\u{202E}".into()),
        operation: Some(OperationId(i64::MAX)),
        request: Some(RequestId(7)),
        before: Some(standing(1)),
        evidence: Some(Box::new(evidence())),
        note: Some(Sentence::named("why", "이유")),
        ..moved("검출기 'x';-- \"y\"", -3, 2)
    };
    let system = RegistryEvent { actor: EventActor::System, act: EventAct::Expired, ..event("b", i64::MAX) };
    s.log.log_events(&[full.clone(), system.clone()]).await.unwrap();
    let found = s.all().await;
    assert_eq!(found.iter().map(|e| e.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(found.iter().map(|e| &e.event).collect::<Vec<_>>(), [&full, &system]);
    let raw = s.raw().await;
    assert_eq!(raw.iter().map(|r| &r.hash[..]).collect::<Vec<_>>(), [found[0].hash, found[1].hash]);
    assert_eq!((&*raw[0].model, raw[0].at, raw[0].moves), ("검출기 'x';-- \"y\"", -3, true));
    assert_eq!((&*raw[1].model, raw[1].at, raw[1].moves), ("b", i64::MAX, false));
    assert_eq!(raw[0].body, serde_json::to_string(&full).unwrap(), "the text that is hashed");
    assert_eq!(s.log.raw_events(1, 9).await.unwrap(), raw[1..]);
    assert_eq!(s.log.raw_events(0, 1).await.unwrap(), raw[..1]);
    assert_eq!(s.whole().await, 2);
}

async fn the_chain_is_right_and_a_changed_byte_shows(s: &Log) {
    s.log.log_events(&[event("a", 1), moved("a", 2, 1)]).await.unwrap();
    s.other.log_events(&[moved("부산", 3, 2)]).await.unwrap();
    let raw = s.raw().await;
    assert_eq!(broken(&raw), None);
    for at in 0..raw.len() {
        let number = at as i64 + 1;
        for byte in 0..raw[at].body.len() {
            let mut bytes = raw[at].body.clone().into_bytes();
            bytes[byte] ^= 1;
            let Ok(body) = String::from_utf8(bytes) else { continue };
            let mut changed = raw.clone();
            changed[at].body = body;
            assert_eq!(broken(&changed), Some(number), "byte {byte}");
        }
        let changes: [fn(&mut RawEvent); 5] =
            [|e| e.hash[31] ^= 128, |e| e.model.push('x'), |e| e.at += 1, |e| e.moves = !e.moves, |e| e.number += 1];
        for change in changes {
            let mut changed = raw.clone();
            change(&mut changed[at]);
            assert_eq!(broken(&changed), Some(number));
        }
        let mut without = raw.clone();
        without.remove(at);
        // The end that is missing shows by the number of the last event.
        assert_eq!(broken(&without), (number < 3).then_some(number));
    }
    let swapped = [raw[0].clone(), raw[2].clone(), raw[1].clone()];
    assert_eq!(broken(&swapped), Some(2));
}

async fn events_are_neither_changed_nor_deleted(s: &Log) {
    s.log.log_events(&[event("a", 1), event("a", 2)]).await.unwrap();
    let mut raw = Raw::of(&s.dir).await;
    let mut statements = vec![
        "UPDATE registry_event SET body = body || ' '",
        "UPDATE registry_event SET hash = hash WHERE number = 2",
        "DELETE FROM registry_event",
        "DELETE FROM registry_event WHERE number = 2",
    ];
    if let Raw::Postgres(_) = raw {
        statements.push("TRUNCATE registry_event");
    }
    for sql in statements {
        let refused = raw.try_execute(sql).await.expect_err(sql).to_string();
        assert!(refused.contains("only ever added"), "{sql}: {refused}");
    }
    assert_eq!(s.whole().await, 2);
    s.log.log_events(&[event("a", 3)]).await.unwrap();
    assert_eq!(s.whole().await, 3);
}

async fn sixteen_writers_leave_no_gap_and_no_fork(s: &Log) {
    let writers = (0..16).map(|n| {
        let log = s.each(n);
        let name = format!("m{n:02}");
        tokio::spawn(async move {
            for batch in 0..6 {
                match batch % 3 {
                    0 => log.log_events(&[event(&name, batch)]).await.unwrap(),
                    1 => log.log_events(&[event(&name, batch), moved(&name, batch, 1)]).await.unwrap(),
                    _ => {
                        let id = new(log.begin_operation(&operation(&name), &begun(&name), None).await.unwrap());
                        let ended = RegistryEvent { operation: Some(id), ..event(&name, batch) };
                        assert!(log.end_operation(id, &applied(), Millis(batch), &[ended]).await.unwrap());
                    }
                }
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    assert_eq!(s.whole().await, 16 * 10);
    for n in 0..16 {
        let query = EventsQuery { model: Some(model(&format!("m{n:02}"))), ..EventsQuery::default() };
        let own = s.other.events(&query).await.unwrap();
        let times: Vec<i64> = own.iter().map(|e| e.event.at.0).collect();
        assert_eq!(times, [0, 1, 1, 5, 2, 3, 4, 4, 5, 5], "each one's in its order");
        assert_eq!(own[2].number, own[1].number + 1, "what is logged at once stands together");
    }
}

async fn many_events_are_logged_at_once_or_not_at_all(s: &Log) {
    let mut all: Vec<RegistryEvent> = (0..1_203).map(|n| event(&format!("m{n}"), n)).collect();
    s.log.log_events(&all).await.unwrap();
    assert_eq!(s.whole().await, 1_203);
    let mut judgement = comparisons::judgement(1);
    judgement.worse_sites[0].difference = f64::NAN;
    let unwritable = KeptEvidence { judgement: Some(judgement), ..evidence() };
    all[1_100].evidence = Some(Box::new(unwritable));
    let refused = s.log.log_events(&all).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Internal);
    assert!(refused.message.en.contains("m1100") && refused.message.ko.is_some(), "{refused:?}");
    assert_eq!(s.whole().await, 1_203);
}

async fn nothing_is_added_behind_a_missing_event(s: &Log) {
    s.log.log_events(&[event("a", 1)]).await.unwrap();
    Raw::of(&s.dir).await.execute("UPDATE registry_head SET last_event = 2").await;
    let refused = s.log.log_events(&[event("a", 2)]).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Internal);
    assert!(refused.message.en.contains("no event 2") && refused.message.ko.is_some(), "{refused:?}");
    assert!(s.log.begin_operation(&operation("a"), &begun("a"), None).await.is_err());
    assert_eq!((s.raw().await.len(), s.log.pending_operations().await.unwrap().len()), (1, 0));
}

async fn an_operation_begins_and_ends_with_its_events(s: &Log) {
    s.log.log_events(&[event("a", 1)]).await.unwrap();
    let id = s.begin("검출기").await;
    let pending = KeptOperation { id, operation: operation("검출기"), state: OperationState::Pending, ended: None };
    assert_eq!(s.kept(id).await, pending);
    assert_eq!(s.other.pending_operations().await.unwrap(), std::slice::from_ref(&pending));
    let first = s.all().await[1].event.clone();
    assert_eq!(first, RegistryEvent { operation: Some(id), ..begun("검출기") });
    let outcome = Outcome { kind: OutcomeKind::Overtaken, note: Some(Sentence::named("somebody\0", "누군가")) };
    let events = [moved("검출기", 8, 3), event("검출기", 9)];
    assert!(s.other.end_operation(id, &outcome, Millis(9), &events).await.unwrap());
    let ended = KeptOperation { state: OperationState::Ended(outcome), ended: Some(Millis(9)), ..pending };
    assert_eq!(s.kept(id).await, ended);
    assert_eq!(s.log.pending_operations().await.unwrap(), []);
    assert_eq!(s.all().await[2..].iter().map(|e| e.event.clone()).collect::<Vec<_>>(), events);
    let next = s.begin("검출기").await;
    assert!(next > id);
    // One that ends without anything to tell.
    assert!(s.log.end_operation(next, &applied(), Millis(9), &[]).await.unwrap());
    assert_eq!(s.whole().await, 5);
}

async fn of_a_model_one_operation_is_pending(s: &Log) {
    for round in 1..=2 {
        let tries = (0..16).map(|n| {
            let log = s.each(n);
            async move { log.begin_operation(&operation("a"), &begun("a"), None).await.unwrap() }
        });
        let done = join_all(tries).await;
        let there = s.log.pending_operations().await.unwrap();
        assert_eq!(there.len(), 1, "{there:?}");
        let id = there[0].id;
        assert_eq!(done.iter().filter(|d| **d == BeginOutcome::New(id)).count(), 1, "{done:?}");
        let told = BeginOutcome::Pending(Box::new(there[0].clone()));
        assert_eq!(done.iter().filter(|d| **d == told).count(), 15, "{done:?}");
        assert_eq!(s.whole().await, 2 * round - 1, "what was not begun is not logged");
        assert!(s.log.end_operation(id, &applied(), Millis(9), &[event("a", 9)]).await.unwrap());
    }
    s.begin("a").await;
    s.begin("A").await;
    assert_eq!(s.log.pending_operations().await.unwrap().len(), 2, "another model waits for nobody");
}

async fn an_operation_ends_once(s: &Log) {
    let id = s.begin("a").await;
    let tries = (0..16).map(|n| {
        let log = s.each(n);
        async move {
            let outcome = Outcome { note: Some(Sentence::named(n.to_string(), "")), ..applied() };
            log.end_operation(id, &outcome, Millis(n as i64), &[event("a", n as i64)]).await.unwrap()
        }
    });
    let done = join_all(tries).await;
    assert_eq!(done.iter().filter(|ended| **ended).count(), 1);
    let first = done.iter().position(|ended| *ended).unwrap();
    let kept = s.kept(id).await;
    assert_eq!(kept.ended, Some(Millis(first as i64)));
    let OperationState::Ended(outcome) = kept.state else { panic!("{:?}", kept.state) };
    assert_eq!(outcome.note.unwrap().en, first.to_string());
    assert_eq!((s.whole().await, s.all().await[1].event.at), (2, Millis(first as i64)));
    assert!(!s.log.end_operation(OperationId(4711), &applied(), Millis(1), &[event("a", 1)]).await.unwrap());
    assert_eq!(s.whole().await, 2);
}

async fn the_same_key_begins_one_operation_however_often_it_is_sent(s: &Log) {
    let one = key("kim", "키 'k'", 1);
    let tries = (0..32).map(|n| {
        let (log, one) = (s.each(n), one.clone());
        async move { log.begin_operation(&operation("a"), &begun("a"), Some(&one)).await.unwrap() }
    });
    let done = join_all(tries).await;
    let kept = s.log.pending_operations().await.unwrap().remove(0);
    let again = BeginOutcome::Again(Box::new(kept.clone()));
    assert_eq!(done.iter().filter(|d| **d == BeginOutcome::New(kept.id)).count(), 1, "{done:?}");
    assert_eq!(
        done.iter().filter(|d| **d == again).count(),
        31,
        "it is asked for by key before the model is looked at"
    );
    assert_eq!(s.other.operation_of_key(&one).await.unwrap(), Some(again));
    assert_eq!(s.whole().await, 1);
    assert!(s.log.end_operation(kept.id, &applied(), Millis(9), &[]).await.unwrap());
    let ended = BeginOutcome::Again(Box::new(s.kept(kept.id).await));
    let later = s.other.begin_operation(&operation("a"), &begun("a"), Some(&one)).await.unwrap();
    assert_eq!(
        (&later, s.other.operation_of_key(&one).await.unwrap()),
        (&ended, Some(ended.clone())),
        "also afterwards"
    );
    assert!(matches!(later, BeginOutcome::Again(o) if o.state == OperationState::Ended(applied())));
}

async fn a_key_that_was_used_for_another_request_begins_nothing(s: &Log) {
    let first = s.log.begin_operation(&operation("a"), &begun("a"), Some(&key("kim", "k", 1))).await.unwrap();
    for name in ["a", "b"] {
        let other = s.other.begin_operation(&operation(name), &begun(name), Some(&key("kim", "k", 2))).await.unwrap();
        assert_eq!(other, BeginOutcome::OtherRequest);
    }
    let told = s.other.operation_of_key(&key("kim", "k", 2)).await.unwrap();
    assert_eq!(told, Some(BeginOutcome::OtherRequest));
    let pending = s.log.pending_operations().await.unwrap();
    assert_eq!((pending.len(), pending[0].id, s.whole().await), (1, new(first), 1));
}

async fn keys_are_each_owner_s_own(s: &Log) {
    for (owner, name) in [("kim", "a"), ("lee", "b")] {
        new(s.log.begin_operation(&operation(name), &begun(name), Some(&key(owner, "k", 1))).await.unwrap());
    }
    assert_eq!(s.log.operation_of_key(&key("park", "k", 1)).await.unwrap(), None);
    assert_eq!(s.log.pending_operations().await.unwrap().len(), 2);
}

async fn what_was_not_begun_keeps_no_key(s: &Log) {
    let first = s.begin("a").await;
    let one = key("kim", "k", 1);
    let refused = s.log.begin_operation(&operation("a"), &begun("a"), Some(&one)).await.unwrap();
    assert!(matches!(refused, BeginOutcome::Pending(o) if o.id == first));
    assert_eq!(s.log.operation_of_key(&one).await.unwrap(), None);
    assert!(s.log.end_operation(first, &applied(), Millis(9), &[]).await.unwrap());
    new(s.log.begin_operation(&operation("a"), &begun("a"), Some(&one)).await.unwrap());
}

async fn events_of_a_time_are_without_its_end(s: &Log) {
    s.log
        .log_events(&[event("a", i64::MIN), event("a", 5), event("b", 6), event("a", 7), event("a", i64::MAX)])
        .await
        .unwrap();
    let between = |from: Option<i64>, to: Option<i64>| EventsQuery {
        from: from.map(Millis),
        to: to.map(Millis),
        ..EventsQuery::default()
    };
    assert_eq!(s.numbers(between(Some(5), Some(7))).await, [2, 3]);
    assert_eq!(s.numbers(between(None, None)).await, [1, 2, 3, 4, 5]);
    assert_eq!(s.numbers(between(Some(i64::MIN), None)).await, [1, 2, 3, 4, 5]);
    assert_eq!(s.numbers(between(None, Some(i64::MAX))).await, [1, 2, 3, 4]);
    assert_eq!(s.numbers(between(None, Some(i64::MIN))).await, Vec::<i64>::new());
    assert_eq!(s.numbers(between(Some(7), Some(5))).await, Vec::<i64>::new());
    let of_a = EventsQuery { model: Some(model("a")), ..between(Some(5), Some(8)) };
    assert_eq!(s.numbers(of_a).await, [2, 4]);
}

async fn the_last_standing_of_each_model_is_told(s: &Log) {
    for at in 0..3 {
        let all: Vec<RegistryEvent> = (0..1_000)
            .map(|n| if n == 7 { event("m7", at) } else { moved(&format!("m{n}"), at, 1 + (at as u32 % 3)) })
            .collect();
        s.log.log_events(&all).await.unwrap();
    }
    s.log.log_events(&[event("m8", 9), moved("부산", 9, 2), event("부산", 10)]).await.unwrap();
    let found = s.other.last_standings().await.unwrap();
    assert_eq!(found.len(), 1_000, "of one model nothing is known");
    assert!(found.is_sorted_by_key(|e| e.number));
    let of = |name: &str| found.iter().find(|e| e.event.model == model(name)).map(|e| (e.number, e.event.clone()));
    assert_eq!(of("m8"), Some((2_009, moved("m8", 2, 3))));
    assert_eq!(of("부산"), Some((3_002, moved("부산", 9, 2))));
    assert_eq!(of("m7"), None);
}

async fn requests_come_back_newest_first(s: &Log) {
    let asked = RegistryEvent { act: EventAct::Requested, ..event("a", 1) };
    let mut ids = vec![];
    for (name, at) in [("a", 1), ("검출기", 2), ("a", 3)] {
        ids.push(s.log.add_request(&request(name, at), &asked).await.unwrap());
    }
    assert!(ids.is_sorted());
    let open = |n: usize, name: &str| KeptRequest {
        id: ids[n],
        request: request(name, n as i64 + 1),
        state: RequestState::Open,
    };
    let (first, second, third) = (open(0, "a"), open(1, "검출기"), open(2, "a"));
    assert_eq!(s.other.request(ids[1]).await.unwrap().as_ref(), Some(&second));
    assert_eq!(s.other.requests(None, false).await.unwrap(), [third.clone(), second.clone(), first.clone()]);
    assert_eq!(s.other.requests(Some(&model("a")), true).await.unwrap(), [third.clone(), first.clone()]);
    let events: Vec<Option<RequestId>> = s.all().await.iter().map(|e| e.event.request).collect();
    assert_eq!(events, ids.iter().copied().map(Some).collect::<Vec<_>>());
    let rejected = RequestState::Rejected { by: "이".into(), at: Millis(9), comment: "no\0".into() };
    let event = RegistryEvent { act: EventAct::Rejected, request: Some(ids[2]), ..event("a", 9) };
    assert!(s.log.end_request(ids[2], &rejected, &event).await.unwrap());
    let third = KeptRequest { state: rejected, ..third };
    assert_eq!(s.other.request(ids[2]).await.unwrap().as_ref(), Some(&third));
    assert_eq!(s.other.requests(None, true).await.unwrap(), [second, first.clone()]);
    assert_eq!(s.other.requests(Some(&model("a")), true).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(s.other.requests(Some(&model("a")), false).await.unwrap(), [third, first]);
    assert_eq!(s.all().await[3].event, event);
    assert_eq!(s.whole().await, 4);
}

async fn a_request_ends_once(s: &Log) {
    let id = s.log.add_request(&request("a", 1), &event("a", 1)).await.unwrap();
    let state = |n: usize| match n % 4 {
        0 => RequestState::Approved {
            by: n.to_string(),
            at: Millis(9),
            comment: String::new(),
            operation: OperationId(1),
        },
        1 => RequestState::Rejected { by: n.to_string(), at: Millis(9), comment: String::new() },
        2 => RequestState::Withdrawn { at: Millis(n as i64) },
        _ => RequestState::Expired,
    };
    let tries = (0..16).map(|n| {
        let log = s.each(n);
        async move { log.end_request(id, &state(n), &event("a", n as i64)).await.unwrap() }
    });
    let done = join_all(tries).await;
    assert_eq!(done.iter().filter(|ended| **ended).count(), 1);
    let first = done.iter().position(|ended| *ended).unwrap();
    assert_eq!(s.other.request(id).await.unwrap().unwrap().state, state(first));
    assert_eq!((s.whole().await, s.all().await[1].event.at), (2, Millis(first as i64)));
    assert!(!s.log.end_request(RequestId(4711), &RequestState::Expired, &event("a", 1)).await.unwrap());
    assert_eq!(s.whole().await, 2);
}

async fn what_cannot_be_written_leaves_nothing_behind(s: &Log) {
    let mut judgement = comparisons::judgement(1);
    judgement.worse_sites[0].difference = f64::NAN;
    let evidence = KeptEvidence { judgement: Some(judgement), ..evidence() };
    let bad = RegistryEvent { evidence: Some(Box::new(evidence.clone())), ..event("a", 1) };
    let one = key("kim", "k", 1);
    assert!(s.log.begin_operation(&operation("a"), &bad, Some(&one)).await.is_err());
    assert!(s.log.add_request(&request("a", 1), &bad).await.is_err());
    assert!(
        s.log
            .add_request(&PromotionRequest { evidence: Some(evidence), ..request("a", 1) }, &begun("a"))
            .await
            .is_err()
    );
    assert_eq!(s.log.operation_of_key(&one).await.unwrap(), None);
    assert_eq!(
        (s.log.pending_operations().await.unwrap(), s.log.requests(None, false).await.unwrap()),
        (vec![], vec![])
    );
    assert_eq!(s.whole().await, 0);
    let (operation, request) = (s.begin("a").await, s.log.add_request(&request("a", 1), &event("a", 1)).await.unwrap());
    assert!(s.log.end_operation(operation, &applied(), Millis(9), &[event("a", 9), bad.clone()]).await.is_err());
    assert!(s.log.end_request(request, &RequestState::Expired, &bad).await.is_err());
    assert_eq!(s.kept(operation).await.state, OperationState::Pending);
    assert!(s.log.request(request).await.unwrap().unwrap().state.is_open());
    assert_eq!(s.whole().await, 2);
}

async fn what_cannot_be_read_hides_nothing_else(s: &Log) {
    let (a, b) = (s.begin("a").await, s.begin("b").await);
    let (first, second) = (
        s.log.add_request(&request("a", 1), &moved("a", 1, 1)).await.unwrap(),
        s.log.add_request(&request("b", 2), &moved("b", 2, 1)).await.unwrap(),
    );
    let mut raw = Raw::of(&s.dir).await;
    raw.execute("UPDATE registry_operation SET body = '{' WHERE model = 'a'").await;
    raw.execute("UPDATE promotion_request SET state = '\"later\"' WHERE model = 'a'").await;
    raw.execute("INSERT INTO registry_event (number, model, at_ms, moves, body, hash) SELECT 5, 'c', 3, 1, '{\"later\":1}', hash FROM registry_event WHERE number = 1").await;
    assert_eq!(s.numbers(EventsQuery::default()).await, [1, 2, 3, 4]);
    assert_eq!(s.log.last_standings().await.unwrap().len(), 2);
    assert_eq!(s.raw().await.len(), 5, "whoever checks the log sees it");
    assert_eq!(s.log.pending_operations().await.unwrap().iter().map(|o| o.id).collect::<Vec<_>>(), [b]);
    assert_eq!(s.log.requests(None, false).await.unwrap().iter().map(|r| r.id).collect::<Vec<_>>(), [second]);
    let said = [
        (s.log.operation(a).await.unwrap_err(), format!("operation {}", a.0)),
        (s.log.begin_operation(&operation("a"), &begun("a"), None).await.unwrap_err(), format!("operation {}", a.0)),
        (s.log.request(first).await.unwrap_err(), format!("request {}", first.0)),
    ];
    for (refused, words) in said {
        assert_eq!(refused.kind, ErrorKind::Internal);
        assert!(refused.message.en.contains(&words) && refused.message.ko.is_some(), "{refused:?}");
    }
}

/// Model, moment, whether it moves something.
type Logged = (usize, i64, bool);
/// Model, from, to, after, most, only moves.
type Question = (Option<usize>, Option<i64>, Option<i64>, i64, Option<usize>, bool);

const MODELS: [&str; 3] = ["a", "b", "검출기 'x'"];

fn logged() -> impl Strategy<Value = Vec<Logged>> {
    prop::collection::vec((0..MODELS.len(), 0_i64..12, any::<bool>()), 0..40)
}

fn question() -> impl Strategy<Value = Question> {
    let time = prop::option::of(-1_i64..14);
    let (of, most) = (prop::option::of(0..MODELS.len()), prop::option::of(0_usize..12));
    (of, time.clone(), time, -1_i64..42, most, any::<bool>())
}

/// What is asked for is found among everything that was logged.
async fn asked(s: &Log, all: &[Logged], questions: &[Question]) -> Result<(), TestCaseError> {
    let event = |&(name, at, moves): &Logged| if moves { moved(MODELS[name], at, 1) } else { event(MODELS[name], at) };
    let events: Vec<RegistryEvent> = all.iter().map(event).collect();
    s.log.log_events(&events).await.unwrap();
    for &(of, from, to, after, most, only_moves) in questions {
        let query = EventsQuery {
            model: of.map(|n| model(MODELS[n])),
            from: from.map(Millis),
            to: to.map(Millis),
            after,
            most,
            only_moves,
        };
        let fits = |&(&(name, at, moves), number): &(&Logged, i64)| {
            of.is_none_or(|n| n == name)
                && from.is_none_or(|from| at >= from)
                && to.is_none_or(|to| at < to)
                && number > after
                && (moves || !only_moves)
        };
        let expected: Vec<i64> =
            all.iter().zip(1..).filter(fits).map(|(_, n)| n).take(most.unwrap_or(usize::MAX)).collect();
        prop_assert_eq!(s.numbers(query.clone()).await, expected, "{:?}", query);
    }
    let mut last = BTreeMap::new();
    last.extend(all.iter().zip(1..).filter(|((.., moves), _)| *moves).map(|((name, ..), number)| (*name, number)));
    let mut last: Vec<i64> = last.into_values().collect();
    last.sort_unstable();
    let found: Vec<i64> = s.log.last_standings().await.unwrap().iter().map(|e| e.number).collect();
    prop_assert_eq!(found, last);
    Ok(())
}

fn random_questions<F: Future<Output = Log>>(open: impl Fn() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config =
        Config { cases: 8 * soak::times(), max_shrink_iters: 40, source_file: Some(file!()), ..Config::default() };
    TestRunner::new(config)
        .run(&(logged(), prop::collection::vec(question(), 60)), |(all, questions)| {
            runtime.block_on(async { asked(&open().await, &all, &questions).await })
        })
        .unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn random_questions_find_what_was_logged_on_sqlite() {
    random_questions(sqlite);
}

#[test]
fn random_questions_find_what_was_logged_on_postgres() {
    random_questions(postgres);
}
