//! Coverage and names: which sites are behind a number, which children a scope has, and what the directory knows.

use domain::{
    query::{ChildSummary, Directory, Summary, SummaryQuery},
    time::{EarlierPeriod, TimeRange},
};
use serde_json::{Value, json};

use crate::support::{Adapter, ask, at, child, fleet, june, metric, range, scope};

suite!([on_the_lake = crate::support::local_lake, without_memory = crate::support::lake_without_memory] [
    coverage_counts_sites_not_zones,
    a_customer_without_sites_counts_as_one,
    coverage_of_a_metric_counts_sites_that_reported_it,
    coverage_of_a_part_of_a_day_counts_only_that_part,
    a_silent_site_is_expected_but_not_reporting,
    a_child_that_is_expected_is_listed_without_numbers,
    records_between_two_periods_make_no_child,
    records_above_the_children_belong_to_the_scope_alone,
    the_directory_names_what_was_seen,
    the_directory_forgets_what_was_removed,
    the_answer_repeats_its_question,
    every_site_of_the_fleet_is_answered_when_asked_for,
    the_volume_counts_records_by_day_of_event,
]);

fn row(time: &str, customer: &str, site: Value, zone: Value, metrics: Value) -> Value {
    let mut r = json!({"timestamp": format!("2026-06-{time}Z"), "customer": customer, "site": site, "zone": zone});
    if let (Some(r), Value::Object(m)) = (r.as_object_mut(), metrics) {
        r.extend(m);
    }
    r
}

fn map50() -> Value {
    json!({"detection": {"mAP50": 0.5}})
}

fn hours(from: u32, to: u32) -> TimeRange {
    range(&format!("2026-06-30T{from:02}:00:00Z"), &format!("2026-06-30T{to:02}:00:00Z"))
}

async fn coverage_counts_sites_not_zones(a: &Adapter) {
    for (c, s, z) in [("a", "s1", "z1"), ("a", "s1", "z2"), ("a", "s2", "z1"), ("b", "s1", "z1")] {
        a.take([row("30T10:00:00", c, json!(s), json!(z), map50())]).await;
    }
    let whole = a.summary(&fleet(), june()).await;
    assert_eq!((whole.health.places, whole.health.sites_expected, whole.health.sites_reporting), (4, 3, 3));
    let m = metric(&whole.metrics, "mAP50");
    assert_eq!((m.sites_expected, m.sites_reporting), (3, 3));
    let of_a = child(&whole, "a");
    assert_eq!((of_a.health.places, of_a.health.sites_expected), (3, 2));
    let site = a.summary(&scope("a/s1", "all"), june()).await;
    assert_eq!((site.health.places, site.health.sites_expected), (2, 1));
    assert_eq!(child(&site, "z1").health.sites_expected, 1);
}

async fn a_customer_without_sites_counts_as_one(a: &Adapter) {
    a.take([row("30T10:00:00", "lone", json!(null), json!(null), map50())]).await;
    a.take([row("30T10:00:00", "a", json!("s1"), json!("z1"), map50())]).await;
    let s = a.summary(&fleet(), june()).await;
    assert_eq!((s.health.sites_expected, s.health.sites_reporting), (2, 2));
    assert_eq!(child(&s, "lone").health.sites_expected, 1);
    assert!(a.summary(&scope("lone", "all"), june()).await.children.is_empty());
}

async fn coverage_of_a_metric_counts_sites_that_reported_it(a: &Adapter) {
    a.take([
        row("30T10:00:00", "a", json!("s1"), json!("z1"), json!({"detection": {"mAP50": 0.5}, "custom": {"mse": 1}})),
        row("30T10:00:00", "a", json!("s2"), json!("z1"), json!({"system": {"fps": 5}})),
        row("29T10:00:00", "a", json!("s3"), json!("z1"), map50()),
    ])
    .await;
    let s = a.summary(&fleet(), range("2026-06-30T00:00:00Z", "2026-07-01T00:00:00Z")).await;
    let coverage = |key: &str| (metric(&s.metrics, key).sites_reporting, metric(&s.metrics, key).sites_expected);
    assert_eq!(coverage("mAP50"), (1, 2));
    assert_eq!(coverage("fps"), (1, 1));
    assert_eq!(coverage("mse").0, 1, "one site reported it; not every site that reported anything");
    assert_eq!((s.health.sites_reporting, s.health.sites_expected), (2, 3));
}

async fn coverage_of_a_part_of_a_day_counts_only_that_part(a: &Adapter) {
    // s2 reported mAP50 in the morning and only FPS within the range.
    a.take([
        row("30T10:00:00", "a", json!("s1"), json!("z1"), map50()),
        row("30T01:00:00", "a", json!("s2"), json!("z1"), map50()),
        row("30T10:00:00", "a", json!("s2"), json!("z1"), json!({"system": {"fps": 5}})),
        row("30T01:00:00", "a", json!("s3"), json!("z1"), map50()),
    ])
    .await;
    let s = a.summary(&fleet(), hours(9, 11)).await;
    assert_eq!((s.health.sites_reporting, s.health.sites_expected), (2, 3));
    let m = metric(&s.metrics, "mAP50");
    assert_eq!((m.n, m.sites_reporting, m.sites_expected), (1, 1, 3));
}

async fn a_silent_site_is_expected_but_not_reporting(a: &Adapter) {
    for (time, site) in [("28T10:00:00", "s1"), ("30T10:00:00", "s2"), ("30T10:30:00", "s3")] {
        a.take([row(time, "a", json!(site), json!("z1"), map50())]).await;
    }
    let s = a.summary(&fleet(), hours(10, 12)).await;
    assert_eq!((s.health.sites_reporting, s.health.sites_expected), (2, 3));
    let m = metric(&s.metrics, "mAP50");
    assert_eq!((m.sites_reporting, m.sites_expected), (2, 3));
}

async fn a_child_that_is_expected_is_listed_without_numbers(a: &Adapter) {
    a.take([row("20T10:00:00", "silent", json!("s1"), json!("z1"), map50())]).await;
    a.take([row("30T10:00:00", "loud", json!("s1"), json!("z1"), map50())]).await;
    let s = a.summary(&fleet(), hours(9, 12)).await;
    assert_eq!(s.children.len(), 2);
    let silent = child(&s, "silent");
    assert!(silent.metrics.iter().all(|m| m.n == 0));
    assert_eq!((silent.health.sites_reporting, silent.health.sites_expected), (0, 1));
    assert_eq!(silent.health.newest, Some(at("2026-06-20T10:00:00Z")));
}

async fn records_between_two_periods_make_no_child(a: &Adapter) {
    let at = |time: &str, customer: &str| json!({"timestamp": time, "customer": customer, "detection": {"mAP50": 0.5}});
    a.take([
        at("2026-06-30T10:00:00Z", "now"),
        at("2026-01-15T10:00:00Z", "between"),
        at("2025-07-01T10:00:00Z", "a year ago"),
    ])
    .await;
    let week = TimeRange::last_days(7, crate::support::at("2026-07-01T00:00:00Z")).unwrap();
    let asked = SummaryQuery { earlier: EarlierPeriod::Year.of(&week), sites: true, ..ask(&fleet(), week) };
    let s = a.metrics.summary(&asked).await.unwrap();
    let names = |all: &[ChildSummary]| -> Vec<String> {
        all.iter().map(|c| c.scope.customer.as_ref().map(ToString::to_string).unwrap_or_default()).collect()
    };
    assert_eq!(names(&s.children), ["a year ago", "now"]);
    assert_eq!(names(&s.sites), ["a year ago", "now"]);
    assert_eq!(metric(&child(&s, "a year ago").metrics, "mAP50").previous, Some(0.5));
}

async fn records_above_the_children_belong_to_the_scope_alone(a: &Adapter) {
    a.take([
        row("30T10:00:00", "a", json!(null), json!(null), json!({"detection": {"mAP50": 0.1}})),
        row("30T10:00:00", "a", json!("s1"), json!(null), json!({"detection": {"mAP50": 0.3}})),
        row("30T10:00:00", "a", json!("s1"), json!("z1"), json!({"detection": {"mAP50": 0.5}})),
    ])
    .await;
    let count = async |place: &str| {
        let s = a.summary(&scope(place, "all"), june()).await;
        (metric(&s.metrics, "mAP50").n, s.children.len())
    };
    assert_eq!(count("a").await, (3, 1));
    assert_eq!(count("a/s1").await, (2, 1));
    assert_eq!(count("a/s1/z1").await, (1, 0));
}

async fn the_directory_names_what_was_seen(a: &Adapter) {
    a.take([
        json!({"timestamp": "2026-06-29T10:00:00Z", "zone": "z2", "model_architecture": "yolo", "detection": {"mAP50": 0.5}}),
        json!({"site": null, "zone": null, "customer": "b", "task": "mot", "custom": {"mse": 1}, "mot": {"mota": 0.1}}),
        json!({"model_architecture": "yolo", "model_version": "1", "simulated": true, "system": {"fps": 1}}),
    ])
    .await;
    let d = a.metrics.directory();
    let places: Vec<String> = d
        .places
        .iter()
        .map(|p| {
            [Some(&p.customer), p.site.as_ref(), p.zone.as_ref()]
                .into_iter()
                .flatten()
                .map(AsRef::<str>::as_ref)
                .collect::<Vec<_>>()
                .join("/")
        })
        .collect();
    assert_eq!(places, ["acme/s1/z1", "acme/s1/z2", "b"]);
    assert_eq!(d.tasks.iter().map(ToString::to_string).collect::<Vec<_>>(), ["detection", "mot"]);
    assert_eq!(d.models.iter().map(domain::model::ModelKey::key).collect::<Vec<_>>(), ["yolo", "yolo:1"]);
    assert_eq!(
        (d.custom.as_slice(), d.built_in.as_slice()),
        (["custom.mse".to_owned()].as_slice(), [0, 4, 8].as_slice())
    );
    assert_eq!((d.records, d.simulated), (3, 1));
    assert_eq!((d.oldest, d.newest), (Some(at("2026-06-29T10:00:00Z")), Some(at("2026-06-30T11:00:00Z"))));
}

async fn the_directory_forgets_what_was_removed(a: &Adapter) {
    a.take([json!({"customer": "demo", "simulated": true, "task": "t", "device": "orin", "custom": {"mse": 1}})]).await;
    a.sink.remove_simulated().await.unwrap();
    assert_eq!(*a.metrics.directory(), Directory::default());
}

async fn the_answer_repeats_its_question(a: &Adapter) {
    a.take([json!({"detection": {"mAP50": 0.5}})]).await;
    let asked = scope("acme/s1", "all");
    let s = a.summary(&asked, hours(10, 12)).await;
    assert_eq!((s.scope, s.from, s.to), (asked, at("2026-06-30T10:00:00Z"), at("2026-06-30T12:00:00Z")));
    assert_eq!(s.as_of, at("2026-06-30T12:00:00Z"), "when the newest arrival was, by the injected clock");
    a.clock.set("2026-06-30T15:00:00Z");
    a.take([json!({"run_id": "2", "detection": {"mAP50": 0.5}})]).await;
    assert_eq!(a.summary(&fleet(), hours(10, 12)).await.as_of, at("2026-06-30T15:00:00Z"));
}

async fn every_site_of_the_fleet_is_answered_when_asked_for(a: &Adapter) {
    for (time, c, s, x) in [
        ("30T10:00:00", "a", json!("s1"), 0.1),
        ("30T10:30:00", "a", json!("s2"), 0.2),
        ("30T10:30:00", "b", json!("s1"), 0.3),
        ("30T10:30:00", "lone", json!(null), 0.4),
        ("20T10:00:00", "a", json!("silent"), 0.5),
    ] {
        a.take([row(time, c, s, json!(null), json!({"detection": {"mAP50": x}}))]).await;
    }
    let asked = SummaryQuery { sites: true, ..ask(&fleet(), hours(10, 12)) };
    let got = a.metrics.summary(&asked).await.unwrap();
    let name = |c: &ChildSummary| {
        [&c.scope.customer, &c.scope.site].into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join("/")
    };
    let sites: Vec<_> =
        got.sites.iter().map(|c| (name(c), c.metrics.iter().find(|m| m.n > 0).and_then(|m| m.value))).collect();
    let expected =
        [("a/s1", Some(0.1)), ("a/s2", Some(0.2)), ("a/silent", None), ("b/s1", Some(0.3)), ("lone", Some(0.4))];
    assert_eq!(sites, expected.map(|(n, x)| (n.to_owned(), x)), "those that are expected but silent, too");
    assert!(got.sites.iter().all(|c| (c.health.sites_expected, c.health.places) == (1, 1)), "{:?}", got.sites);
    let reporting = got.sites.iter().filter(|c| c.metrics.iter().any(|m| m.sites_reporting == 1)).count();
    assert_eq!(reporting, 4, "a number of one site is covered by that site");
    let without = a.metrics.summary(&SummaryQuery { sites: false, ..asked }).await.unwrap();
    assert_eq!(without, Summary { sites: vec![], ..got }, "asking for sites changes nothing else");
}

async fn the_volume_counts_records_by_day_of_event(a: &Adapter) {
    let at = |time: &str, zone: &str| row(time, "a", json!("s1"), json!(zone), map50());
    a.take([at("29T00:00:00", "z1"), at("29T23:59:59.999", "z1"), at("27T10:00:00", "z1")]).await;
    a.take([at("29T00:00:00", "z2"), at("29T00:00:00", "z1")]).await;
    let volume: Vec<(String, u64)> = a.metrics.volume().into_iter().map(|(d, n)| (d.to_string(), n)).collect();
    assert_eq!(volume, [("2026-06-27".to_owned(), 1), ("2026-06-29".to_owned(), 3)]);
}
