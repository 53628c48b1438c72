//! What people have written down about places: who is expected, how often, and who is not any more.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    declarations::{Declarations, LocalizedText, PlaceDeclaration},
    metric::{Direction, Metric},
    ports::Maintenance,
    query::{Summary, SummaryQuery},
    scope::Place,
    state::DataState,
    text::Name,
    time::{DAY, HOUR, MINUTE, Millis},
};
use lake::Lake;
use serde_json::{Value, json};

use crate::support::{Asked, LakeDir, ask, at, child, fleet, june, metric, range, scope, take};

/// A lake that was told what people have written down.
struct Told {
    lake: Lake,
    _dir: LakeDir,
}

async fn told(places: &[(&str, PlaceDeclaration)]) -> Told {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let told = Told { lake, _dir: dir };
    told.says(places).await;
    told
}

impl Told {
    async fn says(&self, places: &[(&str, PlaceDeclaration)]) {
        let places = places.iter().map(|(p, f)| (place(p), f.clone())).collect();
        self.lake.declare(Arc::new(Declarations::new(places, vec![], 1))).await.expect("a lake");
    }
    async fn take(&self, records: impl IntoIterator<Item = Value>) {
        take(&self.lake, records).await;
    }
    async fn asked(&self, place: &str, now: Millis) -> Summary {
        let open = range("2026-06-01T00:00:00Z", "2026-12-31T00:00:00Z");
        let query = SummaryQuery { now, ..ask(&scope(place, "production"), open) };
        self.lake.summary(&query).await.expect("a summary")
    }
}

fn place(text: &str) -> Place {
    let mut parts = text.split('/').map(|t| Name::parse(t).expect("a name"));
    Place { customer: parts.next().expect("a customer"), site: parts.next(), zone: parts.next() }
}

fn plain() -> PlaceDeclaration {
    PlaceDeclaration::default()
}

fn every(ms: i64) -> PlaceDeclaration {
    PlaceDeclaration { cadence: Some(ms), ..plain() }
}

fn retired(since: &str) -> PlaceDeclaration {
    PlaceDeclaration { retired: Some(at(since)), ..plain() }
}

fn row(time: &str, customer: &str, site: &str, zone: &str) -> Value {
    json!({"timestamp": format!("2026-{time}Z"), "customer": customer, "site": site, "zone": zone,
           "detection": {"mAP50": 0.5}})
}

#[tokio::test]
async fn a_named_place_that_never_reported_is_expected() {
    let t = told(&[("a", plain()), ("a/s1", plain()), ("a/s9/z9", plain()), ("b", plain())]).await;
    t.take([row("06-30T11:00:00", "a", "s1", "z1")]).await;
    let whole = t.asked("", at("2026-06-30T12:00:00Z")).await;
    let h = &whole.health;
    assert_eq!((h.state, h.places, h.stale), (DataState::Stale, 3, 2), "{h:?}");
    assert_eq!((h.sites_expected, h.sites_reporting), (3, 1), "1 of 3 sites reported");
    let of_a = &child(&whole, "a").health;
    assert_eq!((of_a.places, of_a.stale, of_a.sites_expected, of_a.sites_reporting), (2, 1, 2, 1));
    let b = &child(&whole, "b").health;
    assert_eq!((b.state, b.newest, b.sites_expected), (DataState::Stale, None, 1));
    // Each of them has its page.
    let a = t.asked("a", at("2026-06-30T12:00:00Z")).await;
    assert_eq!(child(&a, "s9").health.state, DataState::Stale);
    assert_eq!(child(&a, "s1").health.state, DataState::Ok);
    let site = t.asked("a/s9", at("2026-06-30T12:00:00Z")).await;
    assert_eq!(child(&site, "z9").health.sites_expected, 1);
    assert_eq!(t.asked("a/s9/z9", at("2026-06-30T12:00:00Z")).await.health.places, 1);
    assert_eq!(t.asked("b", at("2026-06-30T12:00:00Z")).await.health.state, DataState::Stale);
}

#[tokio::test]
async fn a_named_site_is_met_by_any_of_its_zones() {
    let t = told(&[("a/s1", plain())]).await;
    let before = t.asked("a", at("2026-06-30T12:00:00Z")).await.health;
    assert_eq!((before.places, before.sites_expected, before.stale), (1, 1, 1));
    t.take([row("06-30T11:00:00", "a", "s1", "z1"), row("06-30T11:00:00", "a", "s1", "z2")]).await;
    let after = t.asked("a", at("2026-06-30T12:00:00Z")).await.health;
    assert_eq!((after.places, after.sites_expected, after.sites_reporting, after.stale), (2, 1, 1, 0));
}

#[tokio::test]
async fn two_missing_zones_of_a_site_are_one_site() {
    let t = told(&[("a/s1/z1", plain()), ("a/s1/z2", plain()), ("a/s2/z1", plain())]).await;
    t.take([row("06-30T11:00:00", "a", "s2", "z9")]).await;
    let whole = t.asked("", at("2026-06-30T12:00:00Z")).await;
    assert_eq!((whole.health.places, whole.health.sites_expected, whole.health.sites_reporting), (4, 2, 1));
    let site = t.asked("a/s1", at("2026-06-30T12:00:00Z")).await;
    assert_eq!((site.health.places, site.health.sites_expected), (2, 1));
    for zone in ["z1", "z2"] {
        assert_eq!(child(&site, zone).health.sites_expected, 1, "{zone}");
    }
}

#[tokio::test]
async fn a_named_place_is_not_forgotten_after_thirty_days() {
    let t = told(&[("a/s1", plain()), ("a/s2", every(30 * DAY))]).await;
    t.take(["s1", "s2", "s3"].map(|s| row("06-01T00:00:00", "a", s, "z1"))).await;
    t.take([row("05-20T00:00:00", "a", "s1", "z2")]).await;
    let late = at("2026-07-20T00:00:00Z");
    let whole = t.asked("a", late).await;
    assert_eq!((whole.health.places, whole.health.sites_expected), (2, 2), "nobody named the third");
    let of = |site: &str| (child(&whole, site).health.state, child(&whole, site).health.newest);
    assert_eq!(of("s1"), (DataState::Stale, Some(at("2026-06-01T00:00:00Z"))));
    assert_eq!(of("s2"), (DataState::Ok, Some(at("2026-06-01T00:00:00Z"))), "once a month is what was said");
    // It reported within the range asked about, long as that is.
    assert_eq!(whole.health.sites_reporting, 2);
    let week = range("2026-07-13T00:00:00Z", "2026-07-20T00:00:00Z");
    let query = SummaryQuery { now: late, ..ask(&scope("a", "production"), week) };
    let week = t.lake.summary(&query).await.expect("a summary");
    assert_eq!((week.health.sites_expected, week.health.sites_reporting), (2, 0));
    assert_eq!(child(&week, "s1").health.newest, Some(at("2026-06-01T00:00:00Z")), "looked up further back");
}

#[tokio::test]
async fn a_retired_place_is_not_expected_from_then_on() {
    let t = told(&[("a/s1", plain()), ("a/s2", retired("2026-06-20T00:00:00Z"))]).await;
    t.take([row("06-30T11:00:00", "a", "s1", "z1"), row("06-19T00:00:00", "a", "s2", "z1")]).await;
    let whole = t.asked("a", at("2026-06-30T12:00:00Z")).await;
    assert_eq!((whole.health.state, whole.health.places, whole.health.sites_expected), (DataState::Ok, 1, 1));
    let gone = &child(&whole, "s2").health;
    assert_eq!((gone.state, gone.places, gone.sites_expected), (DataState::NoDataExpected, 0, 0));
    assert_eq!(gone.newest, Some(at("2026-06-19T00:00:00Z")));
    assert_eq!(t.asked("a/s2", at("2026-06-30T12:00:00Z")).await.health.state, DataState::NoDataExpected);
    // Before, it was.
    let before =
        t.lake.summary(&ask(&scope("a", "production"), range("2026-06-01T00:00:00Z", "2026-06-19T12:00:00Z"))).await;
    let before = before.expect("a summary");
    assert_eq!(child(&before, "s2").health.state, DataState::Ok);
    assert_eq!((before.health.places, before.health.stale), (2, 1), "the other had not come by then");
    // A retired place that nobody ever heard of is not expected either.
    t.says(&[("a/s1", plain()), ("x", retired("2000-01-01T00:00:00Z"))]).await;
    assert_eq!(t.asked("", at("2026-06-30T12:00:00Z")).await.health.places, 2);
}

#[tokio::test]
async fn the_cadence_that_was_said_counts_instead_of_the_median() {
    let minutes = |n: i64| at("2026-06-30T00:00:00Z").plus(n * 30 * MINUTE).to_string();
    let t = told(&[("a/s1", every(6 * HOUR))]).await;
    t.take(
        (0..20).map(|n| json!({"timestamp": minutes(n), "customer": "a", "site": "s1", "detection": {"mAP50": 0.5}})),
    )
    .await;
    let last = at("2026-06-30T00:00:00Z").plus(19 * 30 * MINUTE);
    let state = async |age: i64| t.asked("a", last.plus(age)).await.health.state;
    assert_eq!(state(18 * HOUR - 1).await, DataState::Ok);
    assert_eq!(state(18 * HOUR).await, DataState::Late);
    assert_eq!(state(24 * HOUR + 1).await, DataState::Stale);
    t.says(&[]).await;
    assert_eq!(state(18 * HOUR - 1).await, DataState::Stale, "by the median of half an hour");
}

#[tokio::test]
async fn a_question_about_one_task_or_candidates_expects_what_it_saw() {
    let t = told(&[("a/s1", plain()), ("a/s9", plain())]).await;
    t.take([row("06-30T11:00:00", "a", "s1", "z1")]).await;
    let of = async |kind: &str| t.lake.summary(&ask(&scope("a", kind), june())).await.expect("a summary").health.places;
    assert_eq!((of("production").await, of("all").await, of("candidate").await), (2, 2, 0));
    let task = domain::scope::Scope { task: Name::parse("detection").ok(), ..scope("a", "production") };
    assert_eq!(t.lake.summary(&ask(&task, june())).await.expect("a summary").health.places, 1);
}

#[tokio::test]
async fn named_places_are_known_and_commits_do_not_forget_them() {
    let label = LocalizedText { en: "Nine".into(), ko: "구".into() };
    let t = told(&[("a/s9", PlaceDeclaration { label: Some(label), ..plain() })]).await;
    for day in 1..4 {
        t.take([row(&format!("06-0{day}T00:00:00"), "a", "s1", "z1")]).await;
        let d = t.lake.directory();
        assert_eq!(d.places, [place("a/s1/z1"), place("a/s9")]);
        assert_eq!(d.declared.label(&scope("a/s9", "all")).map(|l| &*l.en), Some("Nine"));
    }
    t.take([row("06-05T00:00:00", "a", "s9", "z1")]).await;
    assert_eq!(t.lake.directory().places, [place("a/s1/z1"), place("a/s9/z1")], "each once");
    t.says(&[]).await;
    assert_eq!(t.lake.directory().places.len(), 2);
    assert!(t.lake.directory().check(&scope("x", "all")).is_err());
}

#[tokio::test]
async fn a_described_metric_is_answered_as_described() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    take(&lake, [json!({"custom": {"lanes": 3}, "detection": {"mAP50": 0.5}})]).await;
    let s = lake.summary(&ask(&fleet(), june())).await.expect("a summary");
    let m = metric(&s.metrics, "lanes");
    assert_eq!((m.direction, m.assumed, &*m.unit), (Direction::Neither, true, ""));
    let lanes = Metric {
        direction: Direction::HigherIsBetter,
        unit: "lanes".into(),
        assumed: false,
        ..Metric::uncatalogued("lanes")
    };
    lake.declare(Arc::new(Declarations::new(BTreeMap::new(), vec![lanes], 7))).await.expect("a lake");
    let s = lake.summary(&ask(&fleet(), june())).await.expect("a summary");
    let m = metric(&s.metrics, "lanes");
    assert_eq!((m.direction, m.assumed, &*m.unit, m.value), (Direction::HigherIsBetter, false, "lanes", Some(3.0)));
    assert_eq!(lake.directory().declared.revision(), 7);
}
