//! The contract of [`Comparisons`]: one in force a question, looks by day, verdicts that stay, and policies that are set only as they were seen.

use std::sync::Arc;

use domain::{
    ErrorKind,
    error::Sentence,
    evidence::{
        Balance, ClusterBy, Design, Estimand, Judgement, MetricRow, ModelPolicy, Rail, Registration, SiteRow, Verdict,
    },
    model::ModelKey,
    ports::{ComparisonId, Comparisons, KeptComparison, KeptPolicy, KeptVerdict, RegisterOutcome},
    scope::Scope,
    text::Name,
    time::{DAY, Day, Millis},
};
use futures::future::join_all;
use serde_json::json;

use crate::{databases::Raw, support::LakeDir};

/// Comparisons, and a second handle on the same store.
pub struct Store {
    comparisons: Arc<dyn Comparisons>,
    other: Arc<dyn Comparisons>,
    dir: LakeDir,
}

async fn store(dir: LakeDir) -> Store {
    Store { comparisons: dir.store().await, other: dir.store().await, dir }
}

async fn sqlite() -> Store {
    store(crate::support::on_sqlite().await).await
}

async fn postgres() -> Store {
    store(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    a_comparison_comes_back_as_it_was_kept,
    one_comparison_of_a_question_is_in_force,
    of_many_at_once_one_is_kept,
    a_chain_of_superseding_ends_in_the_one_in_force,
    what_is_superseded_already_is_not_superseded_again,
    of_many_that_supersede_the_same_at_once_one_is_kept,
    nothing_supersedes_what_is_unknown_or_of_another_question,
    the_longest_names_make_a_question_too,
    looks_are_counted_once_a_day,
    the_first_verdict_stays,
    a_verdict_of_no_comparison_is_not_found,
    the_newest_comparison_comes_first,
    a_policy_comes_back_as_it_was_set,
    a_policy_is_set_only_in_place_of_the_one_that_was_seen,
    of_many_policies_at_once_one_is_set,
    what_cannot_be_read_hides_nothing_else,
]);

fn key(text: &str) -> ModelKey {
    ModelKey::parse(text).unwrap()
}

/// A comparison of two models over the whole fleet that begins so many days after the first.
pub fn registration(champion: &str, challenger: &str, day: i64) -> Registration {
    let start = Millis(1_780_000_000_000 + day * DAY);
    let fields = json!({
        "champion": key(champion), "challenger": key(challenger), "scope": Scope::default(), "primary": "mAP50",
        "start": start, "horizon": start.plus(14 * DAY), "margin": 0.0125, "minimum_effect": null, "share": 0.1,
        "registered_at": start, "registered_by": "first_look",
    });
    serde_json::from_value(fields).unwrap()
}

/// A verdict of so many days of looks.
pub fn judgement(looks: u32) -> Judgement {
    let row = |difference| MetricRow {
        metric: "mAP50".into(),
        estimand: Estimand::Site,
        difference,
        low: Some(-0.00123456789012),
        high: None,
        n_sites: 12,
        n_days: 14,
        clusters: ClusterBy::Customer,
    };
    let site = SiteRow { customer: Name::parse("부산 'x'").unwrap(), site: None, difference: -1.25e-7, n_days: 3 };
    Judgement {
        design: Design::Concurrent,
        champion: "m:1".into(),
        challenger: "m:2".into(),
        primary: "mAP50".into(),
        verdict: Verdict::NotWorse,
        provisional: false,
        looks,
        sentence: Sentence::named("not worse", "나쁘지 않습니다\0"),
        metrics: vec![row(Some(0.0100000000001)), row(None)],
        worse_sites: vec![site],
        balance: Balance { healthy: true, ..Balance::default() },
        guard_rails: vec![],
        notes: vec![Sentence::named("a \"note\"", "메모")],
        sites: vec![],
        start: Millis(1),
        horizon: Millis(2),
        as_of: Millis(i64::MAX),
    }
}

pub fn policy(model: &str, at: i64) -> KeptPolicy {
    let mut policy = ModelPolicy { days: at, ..ModelPolicy::default() };
    policy.rails = policy.rails.with(None, "recall", Rail::Margin(0.015)).with(None, "mota", Rail::Off);
    KeptPolicy { model: model.into(), policy, changed: Millis(at), changed_by: "김민수 'x'".into() }
}

impl Store {
    async fn registered(&self, registration: &Registration, supersedes: Option<ComparisonId>) -> ComparisonId {
        new(self.comparisons.register(registration, supersedes).await.unwrap())
    }

    /// The number of the one that is in force instead.
    async fn refused(&self, registration: &Registration, supersedes: Option<ComparisonId>) -> ComparisonId {
        match self.other.register(registration, supersedes).await.unwrap() {
            RegisterOutcome::InForce(other) => other.id,
            RegisterOutcome::New(id) => panic!("{id:?} was kept"),
        }
    }

    async fn kept(&self, id: ComparisonId) -> KeptComparison {
        self.other.comparison(id).await.unwrap().unwrap()
    }

    async fn in_force(&self, registration: &Registration) -> Option<ComparisonId> {
        self.other.in_force(&registration.question()).await.unwrap().map(|c| c.id)
    }

    async fn ids(&self) -> Vec<ComparisonId> {
        self.other.comparisons().await.unwrap().into_iter().map(|c| c.id).collect()
    }
}

pub fn new(outcome: RegisterOutcome) -> ComparisonId {
    match outcome {
        RegisterOutcome::New(id) => id,
        RegisterOutcome::InForce(other) => panic!("{other:?} is in force"),
    }
}

async fn a_comparison_comes_back_as_it_was_kept(s: &Store) {
    let kept = registration("models:/검출기 'x';--/1", "yolo:2", 0);
    assert_eq!(s.in_force(&kept).await, None);
    let id = s.registered(&kept, None).await;
    let expected = KeptComparison {
        id,
        registration: kept.clone(),
        supersedes: None,
        superseded_by: None,
        looks: 0,
        last_look: None,
        verdict: None,
    };
    assert_eq!(s.kept(id).await, expected);
    assert_eq!(s.other.in_force(&kept.question()).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(s.comparisons.comparisons().await.unwrap(), [expected]);
    assert_eq!(s.comparisons.comparison(ComparisonId(id.0 + 1)).await.unwrap(), None);
}

async fn one_comparison_of_a_question_is_in_force(s: &Store) {
    let first = s.registered(&registration("m:1", "m:2", 0), None).await;
    let later = registration("m:1", "m:2", 3);
    assert_eq!(s.refused(&later, None).await, first, "whenever it runs");
    let other = s.registered(&registration("m:1", "m:3", 0), None).await;
    let turned = s.registered(&registration("m:2", "m:1", 0), None).await;
    assert_eq!(s.in_force(&later).await, Some(first));
    assert_eq!(s.ids().await, [turned, other, first]);
}

async fn of_many_at_once_one_is_kept(s: &Store) {
    let all: Vec<Registration> = (0..16).map(|day| registration("m:1", "m:2", day)).collect();
    let tries = all.iter().zip(0..).map(|(registration, n)| {
        let store = if n % 2 == 0 { &s.comparisons } else { &s.other };
        async move { store.register(registration, None).await.unwrap() }
    });
    let done = join_all(tries).await;
    let there = s.other.comparisons().await.unwrap();
    assert_eq!(there.len(), 1, "{there:?}");
    let kept = done.iter().filter(|d| **d == RegisterOutcome::New(there[0].id)).count();
    let told = done.iter().filter(|d| **d == RegisterOutcome::InForce(Box::new(there[0].clone()))).count();
    assert_eq!((kept, told), (1, done.len() - 1), "{done:?}");
}

async fn a_chain_of_superseding_ends_in_the_one_in_force(s: &Store) {
    let all: Vec<Registration> = (0..3).map(|day| registration("m:1", "m:2", day)).collect();
    let mut ids = vec![s.registered(&all[0], None).await];
    for (registration, n) in all.iter().zip(0..).skip(1) {
        ids.push(s.registered(registration, Some(ids[n - 1])).await);
        assert_eq!(s.in_force(registration).await, Some(ids[n]));
    }
    assert!(ids.is_sorted(), "later numbers are larger: {ids:?}");
    for n in 0..3 {
        let kept = s.kept(ids[n]).await;
        assert_eq!(kept.registration, all[n], "it stays what it was");
        assert_eq!(kept.supersedes, n.checked_sub(1).map(|n| ids[n]));
        assert_eq!(kept.superseded_by, ids.get(n + 1).copied());
    }
    assert_eq!(s.refused(&all[0], None).await, ids[2]);
}

async fn what_is_superseded_already_is_not_superseded_again(s: &Store) {
    let first = s.registered(&registration("m:1", "m:2", 0), None).await;
    let second = s.registered(&registration("m:1", "m:2", 1), Some(first)).await;
    assert_eq!(s.refused(&registration("m:1", "m:2", 2), Some(first)).await, second);
    assert_eq!(s.ids().await, [second, first]);
}

async fn of_many_that_supersede_the_same_at_once_one_is_kept(s: &Store) {
    let first = s.registered(&registration("m:1", "m:2", 0), None).await;
    let all: Vec<Registration> = (1..17).map(|day| registration("m:1", "m:2", day)).collect();
    let tries = all.iter().zip(0..).map(|(registration, n)| {
        let store = if n % 2 == 0 { &s.comparisons } else { &s.other };
        async move { store.register(registration, Some(first)).await.unwrap() }
    });
    let done = join_all(tries).await;
    let there = s.ids().await;
    assert_eq!(there.len(), 2, "{there:?}");
    assert_eq!(done.iter().filter(|d| **d == RegisterOutcome::New(there[0])).count(), 1, "{done:?}");
    let told = |d: &&RegisterOutcome| matches!(d, RegisterOutcome::InForce(other) if other.id == there[0]);
    assert_eq!(done.iter().filter(told).count(), done.len() - 1, "{done:?}");
}

async fn nothing_supersedes_what_is_unknown_or_of_another_question(s: &Store) {
    let first = s.registered(&registration("m:1", "m:2", 0), None).await;
    let other = registration("m:1", "m:3", 0);
    for no in [first, ComparisonId(first.0 + 4_711)] {
        let refused = s.comparisons.register(&other, Some(no)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::NotFound, "{refused}");
        assert!(refused.message.en.contains(&no.0.to_string()) && refused.message.ko.is_some(), "{refused:?}");
    }
    let of_other = s.registered(&other, None).await;
    assert_eq!(s.refused(&other, Some(first)).await, of_other);
    assert_eq!(s.in_force(&registration("m:1", "m:2", 0)).await, Some(first));
    assert_eq!(s.ids().await, [of_other, first]);
}

async fn the_longest_names_make_a_question_too(s: &Store) {
    // Of letters in no order, so that no database can pack them, and of quotes, which take two bytes in a question.
    let mut state = 7_u32;
    let mut name = || {
        let letter = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let n = state >> 16;
            if n.is_multiple_of(4) { '"' } else { char::from_u32(0x30 + (n >> 2) % 0x40).unwrap() }
        };
        (0..256).map(letter).collect::<String>()
    };
    let mut model = || format!("models:/{}/{}", name(), name());
    let (champion, challenger) = (model(), model());
    let mut long = registration(&champion, &challenger, 0);
    let scope: [String; 4] = std::array::from_fn(|_| name());
    let [customer, site, zone, device] = scope.map(|text| Some(Name::parse(&text).unwrap()));
    long.scope = Scope { customer, site, zone, task: device.clone(), device, ..Scope::default() };
    // An index of Postgres takes 2,704 bytes.
    assert!(long.question().len() > 2_800);
    let id = s.registered(&long, None).await;
    assert_eq!(s.in_force(&long).await, Some(id));
    assert_eq!(s.refused(&long, None).await, id);
}

async fn looks_are_counted_once_a_day(s: &Store) {
    let id = s.registered(&registration("m:1", "m:2", 0), None).await;
    let other = s.registered(&registration("m:1", "m:3", 0), None).await;
    for day in [-1, 0, 5, 5, 0, i32::MAX] {
        s.comparisons.note_look(id, Day(day)).await.unwrap();
    }
    join_all((0..8).map(|n| if n % 2 == 0 { &s.comparisons } else { &s.other }).map(|c| c.note_look(id, Day(9))))
        .await
        .into_iter()
        .for_each(Result::unwrap);
    s.comparisons.note_look(ComparisonId(4_711), Day(5)).await.unwrap();
    let looks = |c: &KeptComparison| (c.looks, c.last_look);
    assert_eq!(looks(&s.kept(id).await), (5, Some(Day(i32::MAX))));
    assert_eq!(looks(&s.kept(other).await), (0, None));
    assert_eq!(s.other.comparisons().await.unwrap().iter().map(|c| c.looks).collect::<Vec<_>>(), [0, 5]);
}

async fn the_first_verdict_stays(s: &Store) {
    let id = s.registered(&registration("m:1", "m:2", 0), None).await;
    let other = s.registered(&registration("m:1", "m:3", 0), None).await;
    let all: Vec<Judgement> = (1..9).map(judgement).collect();
    let tries = all.iter().zip(0..).map(|(judgement, n)| {
        let store = if n % 2 == 0 { &s.comparisons } else { &s.other };
        async move { store.keep_verdict(id, judgement, Millis(n)).await.unwrap() }
    });
    let told = join_all(tries).await;
    let stays = s.kept(id).await.verdict.unwrap();
    assert!(told.iter().all(|t| *t == stays), "{told:?}");
    let n = usize::try_from(stays.made.0).unwrap();
    assert_eq!(stays, KeptVerdict { judgement: all[n].clone(), made: stays.made }, "as it was made");
    assert_eq!(s.comparisons.keep_verdict(id, &judgement(99), Millis(99)).await.unwrap(), stays);
    assert_eq!(s.kept(other).await.verdict, None);
    let next = s.registered(&registration("m:1", "m:2", 1), Some(id)).await;
    assert_eq!(s.kept(id).await.verdict, Some(stays), "also when it is superseded");
    assert_eq!(s.kept(next).await.verdict, None);
}

async fn a_verdict_of_no_comparison_is_not_found(s: &Store) {
    let refused = s.comparisons.keep_verdict(ComparisonId(4_711), &judgement(1), Millis(5)).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::NotFound, "{refused}");
    assert!(refused.message.en.contains("4711") && refused.message.ko.is_some(), "{refused:?}");
}

async fn the_newest_comparison_comes_first(s: &Store) {
    let mut ids = vec![];
    for (challenger, day) in [("m:2", 9), ("m:3", 1), ("m:4", 5)] {
        ids.insert(0, s.registered(&registration("m:1", challenger, day), None).await);
    }
    ids.insert(0, s.registered(&registration("m:1", "m:3", 2), Some(ids[1])).await);
    assert_eq!(s.ids().await, ids, "superseded ones too");
}

async fn a_policy_comes_back_as_it_was_set(s: &Store) {
    assert_eq!(s.other.policy("m").await.unwrap(), None);
    for model in ["models:/나", "m", "M"] {
        assert!(s.comparisons.set_policy(&policy(model, 5), None).await.unwrap());
        assert_eq!(s.other.policy(model).await.unwrap(), Some(policy(model, 5)));
    }
    assert_eq!(s.other.policies().await.unwrap(), ["M", "m", "models:/나"].map(|model| policy(model, 5)));
}

async fn a_policy_is_set_only_in_place_of_the_one_that_was_seen(s: &Store) {
    let set = async |at: i64, seen: Option<i64>| s.comparisons.set_policy(&policy("m", at), seen.map(Millis)).await;
    assert!(!set(5, Some(4)).await.unwrap(), "there was none to be seen");
    assert!(set(5, None).await.unwrap());
    assert!(!set(6, None).await.unwrap(), "there is one");
    assert!(!set(6, Some(4)).await.unwrap());
    assert_eq!(s.other.policy("m").await.unwrap(), Some(policy("m", 5)));
    assert!(set(6, Some(5)).await.unwrap());
    assert_eq!(s.other.policy("m").await.unwrap(), Some(policy("m", 6)));
    // A clock that stands or goes back: who saw the former one is told apart all the same.
    assert!(set(6, Some(6)).await.unwrap());
    assert!(!set(6, Some(6)).await.unwrap());
    assert!(set(3, Some(7)).await.unwrap());
    let last = s.other.policy("m").await.unwrap().unwrap();
    assert_eq!((last.policy, last.changed), (policy("m", 3).policy, Millis(8)));
}

async fn of_many_policies_at_once_one_is_set(s: &Store) {
    let mut seen = None;
    for _ in 0..2 {
        let tries = (0..16).map(|n| {
            let store = if n % 2 == 0 { &s.comparisons } else { &s.other };
            async move { store.set_policy(&policy("m", 50), seen).await.unwrap() }
        });
        let set = join_all(tries).await;
        assert_eq!(set.iter().filter(|done| **done).count(), 1, "{seen:?} {set:?}");
        seen = s.comparisons.policy("m").await.unwrap().map(|p| p.changed);
    }
}

async fn what_cannot_be_read_hides_nothing_else(s: &Store) {
    let all = ["m:2", "m:3", "m:4"].map(|challenger| registration("m:1", challenger, 0));
    let mut ids = vec![];
    for registration in &all {
        ids.push(s.registered(registration, None).await);
    }
    s.comparisons.keep_verdict(ids[2], &judgement(1), Millis(5)).await.unwrap();
    for model in ["a", "b"] {
        assert!(s.comparisons.set_policy(&policy(model, 5), None).await.unwrap());
    }
    let mut raw = Raw::of(&s.dir).await;
    raw.execute("UPDATE comparison SET body = '{\"later\":1}' WHERE id = (SELECT min(id) FROM comparison)").await;
    raw.execute("UPDATE comparison_verdict SET body = '[]'").await;
    raw.execute("UPDATE model_policy SET body = '{' WHERE model = 'a'").await;
    assert_eq!(s.ids().await, [ids[1]]);
    assert_eq!(s.other.policies().await.unwrap(), [policy("b", 5)]);
    let said = [
        (s.other.comparison(ids[0]).await.unwrap_err(), format!("comparison {} cannot", ids[0].0)),
        (s.other.in_force(&all[0].question()).await.unwrap_err(), format!("comparison {} cannot", ids[0].0)),
        (s.other.register(&all[0], None).await.unwrap_err(), format!("comparison {} cannot", ids[0].0)),
        (s.other.comparison(ids[2]).await.unwrap_err(), format!("verdict of comparison {} cannot", ids[2].0)),
        (
            s.other.keep_verdict(ids[2], &judgement(1), Millis(6)).await.unwrap_err(),
            format!("verdict of comparison {} cannot", ids[2].0),
        ),
        (s.other.policy("a").await.unwrap_err(), "what a is judged by cannot".into()),
    ];
    for (refused, words) in said {
        assert_eq!(refused.kind, ErrorKind::Internal, "{refused}");
        assert!(refused.message.en.contains(&words) && refused.message.ko.is_some(), "{refused:?}");
    }
    // It is superseded like any other.
    let next = s.registered(&registration("m:1", "m:2", 1), Some(ids[0])).await;
    assert_eq!(s.in_force(&all[0]).await, Some(next));
}
