//! The five data states as product.md defines them ("Honest numbers"), with the present moment given by the test.

use domain::{
    query::{Summary, SummaryQuery},
    scope::Scope,
    state::DataState,
    time::{HOUR, MINUTE, Millis, TimeRange},
};
use serde_json::{Value, json};

use crate::support::{Adapter, ask, at, child, fleet, june, metric, range, scope};

suite!([on_the_lake = crate::support::local_lake] [
    a_place_grows_late_and_stale_by_its_own_cadence,
    with_little_history_a_place_is_expected_once_a_day,
    the_cadence_is_read_from_the_last_fourteen_days,
    a_place_unseen_for_thirty_days_is_not_expected,
    a_scope_without_history_expects_nothing,
    a_scope_takes_the_gravest_state_of_its_places,
    the_age_is_taken_at_the_end_of_a_past_range,
    the_age_is_taken_at_now_when_the_range_goes_on,
    the_minute_before_the_end_of_a_range_counts,
    states_look_only_at_records_that_count,
    a_metric_that_fell_silent_is_stale_by_itself,
]);

/// What a source that cannot be read does to the places that it delivered.
mod sources {
    use domain::{
        ports::{RecordSink, RefusedCounts, SourceId},
        state::DataState,
    };
    use lake::Lake;
    use serde_json::json;

    use crate::support::{Asked, LakeDir, arrivals, ask, at, child, june, record, scope};

    fn watched(name: &str) -> SourceId {
        SourceId { kind: "folder".into(), name: name.into() }
    }

    async fn bring(lake: &Lake, source: &SourceId, zone: &str, time: &str) {
        let row = json!({"timestamp": format!("2026-06-30T{time}Z"), "zone": zone, "detection": {"mAP50": 0.5}});
        lake.append(source, arrivals(vec![record(row)]), &RefusedCounts::new()).await.expect("a batch");
    }

    async fn in_error(lake: &Lake) -> Vec<&'static str> {
        lake.refresh().await.expect("a manifest");
        let s = lake.summary(&ask(&scope("acme/s1", "production"), june())).await.expect("a summary");
        let failed: Vec<&str> = ["a", "b", "c"]
            .into_iter()
            .filter(|z| s.children.iter().any(|c| c.scope.zone.as_ref().is_some_and(|n| n.as_str() == *z)))
            .filter(|z| child(&s, z).health.state == DataState::SourceError)
            .collect();
        assert_eq!(s.health.failed as usize, failed.len());
        failed
    }

    #[tokio::test]
    async fn a_place_is_in_error_while_the_source_of_its_newest_record_fails() {
        let dir = LakeDir::new();
        let store = dir.store().await;
        let lake = dir.open_on(store.clone()).await;
        let (one, two) = (watched("/in/one.gz"), watched("/in/two.gz"));
        for (source, zone, time) in
            [(&one, "a", "10:00:00"), (&one, "b", "10:00:00"), (&two, "b", "10:30:00"), (&two, "c", "10:00:00")]
        {
            bring(&lake, source, zone, time).await;
        }
        assert_eq!(in_error(&lake).await, [""; 0]);
        store
            .read_failed(&one, at("2026-06-30T11:00:00Z"), &domain::error::Sentence::only_english("it is damaged"))
            .await
            .unwrap();
        assert_eq!(in_error(&lake).await, ["a"], "the newest record of b came from another source");
        // Merging files changes nothing, nor does a restart.
        lake.compact().await.unwrap();
        assert_eq!(in_error(&lake).await, ["a"]);
        assert_eq!(in_error(&dir.open().await).await, ["a"]);
        // While it is read again nobody knows better; then it heals, although no record arrives.
        store.read_started(&one, at("2026-06-30T11:10:00Z")).await.unwrap();
        assert_eq!(in_error(&lake).await, ["a"]);
        store.read_finished(&one, at("2026-06-30T11:11:00Z")).await.unwrap();
        assert_eq!(in_error(&lake).await, [""; 0]);
        // A newer record from elsewhere takes a place out of it.
        store
            .read_failed(&two, at("2026-06-30T11:30:00Z"), &domain::error::Sentence::only_english("it is damaged"))
            .await
            .unwrap();
        assert_eq!(in_error(&lake).await, ["b", "c"]);
        bring(&lake, &one, "b", "10:40:00").await;
        assert_eq!(in_error(&lake).await, ["c"]);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_read_is_an_error_of_all_that_came_from_it() {
        let dir = LakeDir::new();
        let store = dir.store().await;
        let lake = dir.open_on(store.clone()).await;
        bring(&lake, &watched("/mnt/metrics/a.jsonl"), "a", "10:00:00").await;
        bring(&lake, &watched("/mnt/metrics/deep/b.jsonl"), "b", "10:00:00").await;
        bring(&lake, &SourceId { kind: "api".into(), name: "POST /api/metrics/records".into() }, "c", "10:00:00").await;
        let folder = watched("/mnt/metrics");
        store
            .read_failed(
                &folder,
                at("2026-06-30T11:00:00Z"),
                &domain::error::Sentence::only_english("the folder does not exist"),
            )
            .await
            .unwrap();
        assert_eq!(in_error(&lake).await, ["a", "b"]);
        store.read_finished(&folder, at("2026-06-30T11:30:00Z")).await.unwrap();
        assert_eq!(in_error(&lake).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_question_about_a_time_before_the_failure_knows_nothing_of_it() {
        let dir = LakeDir::new();
        let store = dir.store().await;
        let lake = dir.open_on(store.clone()).await;
        let one = watched("/in/one.gz");
        bring(&lake, &one, "a", "08:00:00").await;
        store
            .read_failed(&one, at("2026-06-30T11:00:00Z"), &domain::error::Sentence::only_english("it is damaged"))
            .await
            .unwrap();
        lake.refresh().await.unwrap();
        for (to, expected) in [("10:59:59", DataState::Ok), ("11:00:00", DataState::SourceError)] {
            let range = crate::support::range("2026-06-30T00:00:00Z", &format!("2026-06-30T{to}Z"));
            let s = lake.summary(&ask(&scope("", "production"), range)).await.unwrap();
            assert_eq!(s.health.state, expected, "at {to}");
        }
    }
}

/// Changes of state, as those hear of them who follow a lake.
mod changes {
    use domain::{
        ports::{Maintenance, MetricsStore},
        scope::Scope,
        state::DataState::{self, Late, NoDataExpected, Ok, Stale},
        time::{MINUTE, Millis},
    };
    use lake::Lake;
    use serde_json::json;

    use super::every;
    use crate::support::{Asked, LakeDir, ask, at, june, scope, take};

    fn told(lake: &Lake) -> Vec<(String, DataState, DataState, Millis)> {
        let change = |t: domain::state::Transition| {
            (t.place.zone.map(|z| z.to_string()).unwrap_or_default(), t.from, t.to, t.when)
        };
        lake.transitions(0).changes.into_iter().map(change).collect()
    }

    #[tokio::test]
    async fn a_place_grows_late_by_the_clock_alone_and_only_its_own_pages_are_told() {
        let dir = LakeDir::new();
        let (writer, reader) = (dir.open().await, dir.open().await);
        for lake in [&writer, &reader] {
            assert_eq!(lake.advance_clock().await, 0, "which begins it");
        }
        take(&writer, every(30, "z1", "2026-06-29T00:00:00Z", "2026-06-30T11:30:00Z")).await;
        take(&writer, [json!({"customer": "other", "timestamp": "2026-06-30T11:30:00Z", "detection": {"mAP50": 0.5}})])
            .await;
        reader.refresh().await.unwrap();
        let own = scope("acme/s1/z1", "production");
        let others = scope("other", "production");
        let now = at(crate::support::NOW);
        for lake in [&writer, &reader] {
            let began = vec![("z1".to_owned(), NoDataExpected, Ok, now), ("z1".to_owned(), NoDataExpected, Ok, now)];
            assert_eq!(told(lake), began, "in this process and in another");
            let numbers = |lake: &Lake| [&own, &others].map(|scope| lake.view().generation_in(scope));
            let seen = lake.notified_generation();
            let before = numbers(lake);
            dir.clock.set("2026-06-30T12:59:59.999Z");
            assert_eq!((lake.advance_clock().await, numbers(lake)), (0, before));
            dir.clock.set("2026-06-30T13:05:00Z");
            assert_eq!(lake.advance_clock().await, 1);
            assert_eq!(
                told(lake)[2..],
                [("z1".to_owned(), Ok, Late, at("2026-06-30T13:00:00Z"))],
                "to the millisecond"
            );
            assert_eq!((lake.advance_clock().await, lake.notified_generation() > seen), (0, true));
            let after = numbers(lake);
            assert!(after[0] > before[0] && after[1] == before[1], "{before:?} {after:?}");
            // Changes of several places are told in the order in which they came about.
            dir.clock.set("2026-07-01T00:00:00Z");
            assert_eq!(lake.advance_clock().await, 1);
            let stale = at("2026-06-30T11:30:00Z").plus(300 * MINUTE + 1);
            assert_eq!(told(lake)[3..], [("z1".to_owned(), Late, Stale, stale)]);
            dir.clock.set(crate::support::NOW);
            lake.advance_clock().await;
            assert_eq!(told(lake).last().map(|t| t.2), Some(Ok), "the clock was set back");
            let whole = lake.summary(&ask(&Scope::default(), june())).await.unwrap();
            assert_eq!(whole.health.state, Ok);
        }
    }

    #[tokio::test]
    async fn a_place_that_grew_late_before_another_ones_commit_is_told_with_it() {
        let dir = LakeDir::new();
        let lake = dir.open().await;
        lake.advance_clock().await;
        take(&lake, every(30, "z1", "2026-06-29T00:00:00Z", "2026-06-30T11:30:00Z")).await;
        let other = |t: &str| json!({"customer": "other", "timestamp": t, "detection": {"mAP50": 0.5}});
        take(&lake, [other("2026-06-30T11:30:00Z")]).await;
        let own = scope("acme/s1/z1", "production");
        let before = lake.view().generation_in(&own);
        dir.clock.set("2026-06-30T13:05:00Z");
        // Nobody has looked at the clock since.
        take(&lake, [other("2026-06-30T13:00:00Z")]).await;
        assert_eq!(told(&lake)[2..], [("z1".to_owned(), Ok, Late, at("2026-06-30T13:00:00Z"))]);
        assert!(lake.view().generation_in(&own) > before, "whoever shows it asks again");
        assert_eq!(lake.advance_clock().await, 0);
    }

    #[tokio::test]
    async fn what_comes_late_or_goes_adds_changes_and_rewrites_none() {
        let dir = LakeDir::new();
        let lake = dir.open().await;
        lake.advance_clock().await;
        let demo = |minute: i64| {
            let t = at("2026-06-30T08:00:00Z").plus(10 * minute * MINUTE).to_string();
            json!({"zone": "z1", "timestamp": t, "simulated": true, "run_id": "demo", "detection": {"mAP50": 0.5}})
        };
        take(&lake, (0..23).map(demo)).await;
        assert_eq!(told(&lake).len(), 1);
        dir.clock.set("2026-06-30T14:00:00Z");
        lake.advance_clock().await;
        let before = told(&lake);
        let states: Vec<DataState> = before.iter().map(|t| t.2).collect();
        assert_eq!(states, [Ok, Late, Stale]);
        // Measured at 13:55, and again a record of half past eleven.
        for (run, t) in [("r", "2026-06-30T13:55:00Z"), ("late", "2026-06-30T11:31:00Z")] {
            take(&lake, [json!({"timestamp": t, "run_id": run, "detection": {"mAP50": 0.5}})]).await;
        }
        assert_eq!(told(&lake)[..3], before);
        assert_eq!(told(&lake)[3..], [("z1".to_owned(), Stale, Ok, at("2026-06-30T14:00:00Z"))]);
        domain::ports::RecordSink::remove_simulated(&lake).await.unwrap();
        assert_eq!(told(&lake)[..3], before);
        // A lake that is opened now begins with what is the case.
        let anew = dir.open().await;
        anew.advance_clock().await;
        assert_eq!(told(&anew), []);
        let state = async |lake: &Lake| lake.summary(&ask(&Scope::default(), june())).await.unwrap().health;
        assert_eq!(state(&anew).await, state(&lake).await);
    }
}

/// Records of one zone every `minutes` minutes from one moment to another, the last one included.
fn every(minutes: i64, zone: &str, from: &str, to: &str) -> Vec<Value> {
    let (from, to) = (at(from).0, at(to).0);
    (0..=(to - from) / (minutes * MINUTE))
        .map(|i| json!({"timestamp": Millis(from + i * minutes * MINUTE).to_string(), "zone": zone, "detection": {"mAP50": 0.5}}))
        .collect()
}

async fn asked_at(a: &Adapter, scope: &Scope, range: TimeRange, now: Millis) -> Summary {
    a.metrics.summary(&SummaryQuery { now, ..ask(scope, range) }).await.expect("a summary")
}

/// A range that goes on beyond every moment of these tests.
fn open_ended() -> TimeRange {
    range("2026-06-01T00:00:00Z", "2026-12-31T00:00:00Z")
}

async fn state_after(a: &Adapter, last: &str, age: i64) -> DataState {
    asked_at(a, &fleet(), open_ended(), at(last).plus(age)).await.health.state
}

const LAST: &str = "2026-06-29T23:30:00Z";

async fn a_place_grows_late_and_stale_by_its_own_cadence(a: &Adapter) {
    a.take(every(30, "z1", "2026-06-29T00:00:00Z", LAST)).await;
    let limits = [
        (0, DataState::Ok),
        (90 * MINUTE - 1, DataState::Ok),
        (90 * MINUTE, DataState::Late),
        (5 * HOUR, DataState::Late),
        (5 * HOUR + 1, DataState::Stale),
    ];
    for (age, expected) in limits {
        // One millisecond more: a record at the very moment asked about is not before it.
        if age == 0 {
            assert_eq!(state_after(a, LAST, 1).await, expected);
        } else {
            assert_eq!(state_after(a, LAST, age).await, expected, "{age} ms after the last record");
        }
    }
}

async fn with_little_history_a_place_is_expected_once_a_day(a: &Adapter) {
    a.take(every(1, "z1", "2026-06-29T23:28:00Z", LAST)).await;
    assert_eq!(state_after(a, LAST, 72 * HOUR - 1).await, DataState::Ok);
    assert_eq!(state_after(a, LAST, 72 * HOUR).await, DataState::Late);
    assert_eq!(state_after(a, LAST, 96 * HOUR).await, DataState::Late);
    assert_eq!(state_after(a, LAST, 96 * HOUR + 1).await, DataState::Stale);
}

async fn the_cadence_is_read_from_the_last_fourteen_days(a: &Adapter) {
    // Every minute long ago, then every four hours: min(10 cadences, 24 h) is 24 h.
    a.take(every(1, "z1", "2026-06-10T00:00:00Z", "2026-06-10T03:00:00Z")).await;
    a.take(every(240, "z1", "2026-06-28T00:00:00Z", "2026-06-29T20:00:00Z")).await;
    let last = "2026-06-29T20:00:00Z";
    assert_eq!(state_after(a, last, 12 * HOUR - 1).await, DataState::Ok);
    assert_eq!(state_after(a, last, 24 * HOUR).await, DataState::Late);
    assert_eq!(state_after(a, last, 24 * HOUR + 1).await, DataState::Stale);
}

async fn a_place_unseen_for_thirty_days_is_not_expected(a: &Adapter) {
    a.take([json!({"timestamp": "2026-06-01T00:00:00Z", "site": "gone", "detection": {"mAP50": 0.5}})]).await;
    a.take([json!({"timestamp": "2026-06-29T00:00:00Z", "site": "here", "detection": {"mAP50": 0.5}})]).await;
    let before = asked_at(a, &fleet(), open_ended(), at("2026-06-30T23:59:59Z")).await.health;
    assert_eq!((before.places, before.stale, before.sites_expected), (2, 1, 2));
    let after = asked_at(a, &fleet(), open_ended(), at("2026-07-01T00:00:00.001Z")).await.health;
    assert_eq!((after.places, after.stale, after.sites_expected, after.state), (1, 0, 1, DataState::Ok));
}

async fn a_scope_without_history_expects_nothing(a: &Adapter) {
    a.take([json!({"timestamp": "2026-03-01T00:00:00Z", "detection": {"mAP50": 0.5}})]).await;
    let year = range("2026-01-01T00:00:00Z", "2026-06-30T12:00:00Z");
    let s = a.summary(&fleet(), year).await;
    assert_eq!((s.health.state, s.health.places), (DataState::NoDataExpected, 0));
    assert_eq!((metric(&s.metrics, "mAP50").n, metric(&s.metrics, "mAP50").state), (1, DataState::NoDataExpected));
    let before = asked_at(a, &fleet(), open_ended(), at("2026-02-01T00:00:00Z")).await;
    assert_eq!(before.health.newest, None);
}

async fn a_scope_takes_the_gravest_state_of_its_places(a: &Adapter) {
    a.take(every(30, "fine", "2026-06-30T00:00:00Z", "2026-06-30T11:30:00Z")).await;
    a.take(every(30, "late", "2026-06-30T00:00:00Z", "2026-06-30T09:30:00Z")).await;
    a.take(every(30, "late too", "2026-06-30T00:00:00Z", "2026-06-30T10:00:00Z")).await;
    let site = a.summary(&scope("acme/s1", "production"), june()).await;
    assert_eq!((site.health.state, site.health.places, site.health.late), (DataState::Late, 3, 2));
    assert_eq!(site.health.newest, Some(at("2026-06-30T11:30:00Z")));
    assert_eq!(child(&site, "fine").health.state, DataState::Ok);
    assert_eq!(child(&site, "late").health.state, DataState::Late);
    assert_eq!(child(&site, "late").health.newest, Some(at("2026-06-30T09:30:00Z")));
    a.take(every(30, "stale", "2026-06-29T00:00:00Z", "2026-06-29T06:00:00Z")).await;
    let s = a.summary(&fleet(), june()).await;
    assert_eq!((s.health.state, s.health.late, s.health.stale), (DataState::Stale, 2, 1));
    assert_eq!(metric(&s.metrics, "mAP50").state, DataState::Stale);
    assert_eq!(child(&s, "acme").health.state, DataState::Stale);
}

async fn the_age_is_taken_at_the_end_of_a_past_range(a: &Adapter) {
    a.take(every(30, "z1", "2026-06-28T00:00:00Z", "2026-06-28T12:00:00Z")).await;
    a.take(every(30, "z1", "2026-06-30T00:00:00Z", "2026-06-30T11:30:00Z")).await;
    let on = |end: &str| range("2026-06-28T00:00:00Z", end);
    for (end, expected) in [
        ("2026-06-28T13:00:00Z", DataState::Ok),
        ("2026-06-28T14:00:00Z", DataState::Late),
        ("2026-06-29T00:00:00Z", DataState::Stale),
        ("2026-06-30T12:00:00Z", DataState::Ok),
    ] {
        assert_eq!(a.summary(&fleet(), on(end)).await.health.state, expected, "at {end}");
    }
    // In the middle of a day that goes on: later records of that day are unknown yet.
    let s = a.summary(&fleet(), range("2026-06-28T00:00:00Z", "2026-06-28T06:10:00Z")).await;
    assert_eq!((s.health.state, s.health.newest), (DataState::Ok, Some(at("2026-06-28T06:00:00Z"))));
}

async fn the_age_is_taken_at_now_when_the_range_goes_on(a: &Adapter) {
    a.take(every(30, "z1", "2026-06-30T00:00:00Z", "2026-06-30T11:30:00Z")).await;
    let s = a.summary(&fleet(), open_ended()).await;
    assert_eq!(s.health.state, DataState::Ok, "at noon, not at the end of the year");
    // A device whose clock is ahead has not reported yet.
    a.take(every(30, "z1", "2026-06-30T20:00:00Z", "2026-06-30T20:00:00Z")).await;
    let s = a.summary(&fleet(), open_ended()).await;
    assert_eq!(s.health.newest, Some(at("2026-06-30T11:30:00Z")));
}

async fn the_minute_before_the_end_of_a_range_counts(a: &Adapter) {
    a.take(every(1, "z1", "2026-06-29T10:00:00Z", "2026-06-29T12:00:00Z")).await;
    let s = a.summary(&fleet(), range("2026-06-29T10:59:00Z", "2026-06-29T11:00:00Z")).await;
    assert_eq!(metric(&s.metrics, "mAP50").n, 1);
    assert_eq!(s.health.newest, Some(at("2026-06-29T10:59:00Z")));
    assert_eq!((s.health.sites_reporting, s.health.sites_expected), (1, 1));
}

async fn states_look_only_at_records_that_count(a: &Adapter) {
    a.take(every(30, "z1", "2026-06-29T00:00:00Z", "2026-06-29T12:00:00Z")).await;
    let shadow = every(30, "z1", "2026-06-29T00:15:00Z", "2026-06-30T11:45:00Z").into_iter().map(|mut r| {
        r["experiment_type"] = json!("candidate");
        r
    });
    a.take(shadow).await;
    let of = async |kind: &str| a.summary(&scope("", kind), june()).await.health.state;
    assert_eq!(of("production").await, DataState::Stale);
    assert_eq!(of("candidate").await, DataState::Ok);
    assert_eq!(of("all").await, DataState::Ok);
}

async fn a_metric_that_fell_silent_is_stale_by_itself(a: &Adapter) {
    a.take(every(30, "z1", "2026-06-30T00:00:00Z", "2026-06-30T11:30:00Z")).await;
    a.take([json!({"timestamp": "2026-06-30T07:00:00Z", "run_id": "x", "system": {"fps": 5}})]).await;
    let s = a.summary(&fleet(), range("2026-06-30T09:00:00Z", "2026-06-30T12:00:00Z")).await;
    assert_eq!(metric(&s.metrics, "mAP50").state, DataState::Ok);
    assert_eq!((metric(&s.metrics, "fps").value, metric(&s.metrics, "fps").state), (None, DataState::Stale));
}
