//! What a question comes to, and what is refused.

use proptest::prelude::*;

use super::{super::KEYS, *};
use crate::error::ErrorKind;

const NOW: Millis = Millis(1_782_820_800_000);

fn read(pairs: &[(&str, &str)]) -> Result<MetricsQuery> {
    QueryParams::from_pairs(pairs.iter().copied(), KEYS)?.read(NOW, &TimeZone::UTC)
}

/// A key, what else has to be said, a text that is understood, and one that is refused, where there is one.
type Example = (&'static str, &'static [(&'static str, &'static str)], &'static str, Option<&'static str>);

const EXAMPLES: &[Example] = &[
    ("customer", &[], "acme", Some("a/b")),
    ("site", &[("customer", "acme")], "seoul-01", Some("..")),
    ("zone", &[("customer", "acme"), ("site", "s")], "gate-1", Some("a\\b")),
    ("task", &[], "detection", Some("a\u{0}")),
    ("type", &[], "candidate", Some("nonsense")),
    ("device", &[], "orin", Some(" orin")),
    ("model", &[], "models:/m/1", Some("yolov8m:")),
    ("run", &[], "9f0c", Some("a/b")),
    ("metric", &[], "mAP50", None),
    ("models", &[], "a:1,b", Some("a:1,:1")),
    ("baseline", &[], "a:1", Some(":")),
    ("places", &[], "all", Some("moon")),
    ("by", &[], "architecture", Some("colour")),
    ("diff", &[], "1", Some("yes")),
    ("from", &[], "now-30d", Some("yesterday")),
    ("to", &[], "2026-06-08", Some("now-7q")),
    ("days", &[], "30", Some("-1")),
    ("step", &[], "PT1H", Some("1ms")),
    ("compare", &[], "week", Some("decade")),
    ("tz", &[], "Asia/Seoul", Some("Mars/Olympus")),
    ("sort", &[], "-value", None),
    ("limit", &[], "100", Some("101")),
    ("page", &[], "2", Some("0")),
    ("metrics_page", &[], "3", Some("x")),
    ("refresh", &[], "30s", Some("1ms")),
    ("kiosk", &[], "1", Some("please")),
];

#[test]
fn every_key_changes_the_question_and_its_nonsense_is_refused_in_both_languages() {
    assert_eq!(EXAMPLES.iter().map(|e| e.0).collect::<Vec<_>>(), KEYS);
    for (key, beside, good, bad) in EXAMPLES {
        let with = |text| read(&[beside, &[(*key, text)][..]].concat());
        let (plain, asked) = (read(beside).expect("understood"), with(good).expect(good));
        assert_ne!(asked, plain, "{key}={good} says nothing");
        assert_eq!(with(""), Ok(plain), "{key}: an empty text is none");
        let Some(bad) = bad else { continue };
        let refused = with(bad).expect_err(key);
        assert_eq!(refused.kind, ErrorKind::BadInput, "{key}={bad}");
        let korean = refused.message.ko.expect(key);
        assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)), "{key}={bad}: {korean}");
    }
}

#[test]
fn keys_are_read_as_their_types() {
    let model = |text| ModelKey::parse(text).expect("a model");
    let q = read(&[
        ("models", "a:1,,b"),
        ("baseline", "a:1"),
        ("model", "m"),
        ("places", "all"),
        ("by", "architecture"),
        ("diff", "1"),
        ("kiosk", "0"),
        ("sort", "-value"),
        ("limit", "20"),
        ("page", "2"),
        ("metrics_page", "3"),
        ("refresh", "1m"),
        ("compare", "year"),
        ("step", "1h"),
        ("tz", "Asia/Seoul"),
    ]);
    let q = q.expect("a question");
    assert_eq!((q.models.clone(), q.baseline.clone()), (vec![model("a:1"), model("b")], Some(model("a:1"))));
    assert_eq!(q.model, Some(model("m")));
    assert_eq!((q.places, q.by, q.diff, q.kiosk), (PlacePairing::All, ModelGrouping::Architecture, true, false));
    assert_eq!(q.sort, Some(Sort { column: "value".into(), descending: true }));
    assert_eq!((q.limit, q.page, q.metrics_page), (20, 2, 3));
    assert_eq!(
        (q.refresh, q.refresh.seconds(), q.against),
        (RefreshInterval::Minute, Some(60), Some(EarlierPeriod::Year))
    );
    assert_eq!((q.step.map(Step::ms), q.own_zone), (Some(3_600_000), true));
    assert_eq!(q.zone.iana_name(), Some("Asia/Seoul"));
    let rows = q.records(25);
    assert_eq!((rows.skip, rows.take, rows.model), (25, 25, Some(model("m"))));
}

#[test]
fn what_is_not_said_has_one_meaning() {
    let q = read(&[]).expect("a question");
    assert_eq!((q.limit, q.page, q.metrics_page, q.own_zone), (DEFAULT_LIMIT, 1, 1, false));
    assert_eq!((q.refresh, q.places, q.by), (RefreshInterval::Auto, PlacePairing::Same, ModelGrouping::Version));
    assert_eq!((q.against, q.sort.clone(), q.models.len()), (None, None, 0));
    assert_eq!(q.summary().earlier, q.range.previous());
    assert_eq!(q.records(25).skip, 0);
}

#[test]
fn ranges_come_from_days_or_ends_but_not_both() {
    let range = |pairs: &[(&str, &str)]| read(pairs).map(|q| q.range);
    assert_eq!(range(&[]).map(|r| r.length()), Ok(7 * DAY));
    assert_eq!(range(&[("days", "30")]).map(|r| r.length()), Ok(30 * DAY));
    assert_eq!(range(&[("from", "now-2d")]).map(|r| (r.length(), r.to())), Ok((2 * DAY, NOW)));
    assert_eq!(range(&[("to", "2026-06-08"), ("tz", "Asia/Seoul")]).map(|r| r.length()), Ok(7 * DAY));
    for bad in [
        vec![("days", "7"), ("from", "now-1d")],
        vec![("days", "-1")],
        vec![("from", "now"), ("to", "now-1d")],
        vec![("from", "1900-01-01")],
    ] {
        assert!(range(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_range_that_ends_now_remembers_how_its_beginning_was_said() {
    let since = |pairs: &[(&str, &str)]| read(pairs).expect("a range").since;
    for (pairs, said) in [
        (&[][..], Some("now-7d")),
        (&[("to", "now")], Some("now-7d")),
        (&[("days", "30")], Some("now-30d")),
        (&[("from", "now-24h")], Some("now-24h")),
        (&[("from", "now-24h"), ("to", "now")], Some("now-24h")),
        (&[("from", "2026-06-01")], Some("2026-06-01")),
        (&[("to", "now-1d")], None),
        (&[("from", "now-7d"), ("to", "2026-06-29")], None),
    ] {
        assert_eq!(since(pairs).as_deref(), said, "{pairs:?}");
    }
}

#[test]
fn words_of_few_choices_refuse_others() {
    assert_eq!(read(&[]).map(|q| q.refresh.as_str()), Ok("auto"));
    for refresh in RefreshInterval::ALL {
        assert_eq!(RefreshInterval::parse(refresh.as_str()), Ok(refresh));
    }
    assert!(read(&[("refresh", "1s")]).is_err());
    assert!(read(&[("compare", "decade")]).is_err());
    assert_eq!(read(&[("kiosk", "1")]).map(|q| q.kiosk), Ok(true));
    assert!(read(&[("kiosk", "yes")]).is_err());
}

#[test]
fn a_comparison_counts_all_types_and_a_summary_production() {
    let q = read(&[]).expect("a question");
    assert_eq!(q.comparison().scope.kind, ExperimentKind::All);
    assert_eq!(
        (q.summary().scope.kind, q.records(1).scope.kind),
        (ExperimentKind::Production, ExperimentKind::Production)
    );
    assert_eq!(q.with_default_kind(ExperimentKind::All).summary().scope.kind, ExperimentKind::All);
    let named = read(&[("type", "candidate")]).expect("a question");
    assert_eq!(named.comparison().scope.kind, ExperimentKind::Candidate);
    assert_eq!(named.with_default_kind(ExperimentKind::All).scope.kind, ExperimentKind::Candidate);
    assert!(read(&[("tz", "Mars/Olympus")]).is_err());
}

#[test]
fn a_trend_needs_its_metric_and_a_step_that_fits_its_range() {
    let q = |pairs| read(pairs).expect("a question");
    assert!(q(&[]).trend().is_err() && q(&[]).worst().is_err());
    let year = q(&[("metric", "hota"), ("step", "1s"), ("days", "365")]);
    assert!(year.trend().is_err_and(|e| e.message.ko.is_some_and(|ko| ko.contains("개의 점"))));
    assert_eq!((year.summary().range, year.worst().map(|w| w.limit)), (year.range, Ok(DEFAULT_LIMIT)));
    let trend = q(&[("metric", "hota"), ("step", "6h")]).trend().expect("a trend");
    assert_eq!((&*trend.metric, trend.step.to_string()), ("hota", "6h".into()));
}

/// A text of a key: anything, or a word that some key understands.
fn word() -> impl Strategy<Value = Option<String>> {
    let known = EXAMPLES.iter().flat_map(|e| [Some(e.2), e.3]).flatten().map(str::to_owned).collect::<Vec<_>>();
    prop_oneof![3 => Just(None), 1 => "\\PC{0,20}".prop_map(Some), 1 => prop::sample::select(known).prop_map(Some)]
}

proptest! {
    #[test]
    fn no_texts_make_the_reader_panic(texts in prop::collection::vec(word(), KEYS.len()), now in 0i64..4_000_000_000_000) {
        let mut params = QueryParams::default();
        for (key, text) in KEYS.iter().zip(texts) {
            params.set(key, text);
        }
        if let Ok(q) = params.read(Millis(now), &TimeZone::UTC) {
            let _ = (q.summary(), q.trend(), q.worst(), q.comparison(), q.records(usize::MAX));
        }
    }

    #[test]
    fn no_text_of_one_key_makes_the_reader_panic(key in prop::sample::select(KEYS), text in "\\PC{0,40}") {
        let mut params = QueryParams::default();
        params.set(key, Some(text));
        let _ = params.read(NOW, &TimeZone::UTC);
    }
}
