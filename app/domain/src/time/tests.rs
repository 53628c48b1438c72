//! Moments, ranges and steps.

use super::*;
use proptest::prelude::*;

fn at(text: &str) -> Millis {
    Millis::parse(text).expect("a time")
}

#[test]
fn relative_expressions_are_read_in_the_zone() {
    let now = at("2026-06-30T12:34:56.789Z");
    let seoul = TimeZone::get("Asia/Seoul").expect("bundled");
    let read = |t: &str, tz: &TimeZone| parse_moment(t, now, tz).map(|m| m.to_string());
    assert_eq!(read("now", &TimeZone::UTC).as_deref(), Ok("2026-06-30T12:34:56.789Z"));
    assert_eq!(read("now-7d/d", &TimeZone::UTC).as_deref(), Ok("2026-06-23T00:00:00Z"));
    assert_eq!(read("now/d", &seoul).as_deref(), Ok("2026-06-29T15:00:00Z"));
    assert_eq!(read("now-1M/M", &TimeZone::UTC).as_deref(), Ok("2026-05-01T00:00:00Z"));
    assert_eq!(read("now/w", &TimeZone::UTC).as_deref(), Ok("2026-06-29T00:00:00Z"));
    assert_eq!(read("2026-06-01", &seoul).as_deref(), Ok("2026-05-31T15:00:00Z"));
    assert_eq!(read("2026-06-01T08:30", &seoul).as_deref(), Ok("2026-05-31T23:30:00Z"));
    assert_eq!(read("2026-06-01T08:30:00+09:00", &TimeZone::UTC).as_deref(), Ok("2026-05-31T23:30:00Z"));
    for text in [
        "",
        "now-",
        "now-7",
        "now-7q",
        "now/x",
        "now-7d/",
        "yesterday",
        "now-99999999999999999999d",
        "2026-13-01",
        "now-7년",
    ] {
        assert!(read(text, &TimeZone::UTC).is_err(), "{text} was read");
    }
}

#[test]
fn ranges_are_never_reversed_or_a_century() {
    let now = at("2026-06-30T00:00:00Z");
    assert!(TimeRange::new(now, now).is_err());
    assert!(TimeRange::new(now, now.plus(-1)).is_err());
    assert!(TimeRange::new(at("1926-06-30T00:00:00Z"), now).is_err());
    assert!(TimeRange::last_days(0, now).is_err() && TimeRange::last_days(36_500, now).is_err());
    let week = TimeRange::last_days(7, now).expect("a week");
    assert_eq!(week.previous().to(), week.from());
    assert_eq!(week.previous().length(), week.length());
}

#[test]
fn steps_are_read_in_both_notations() {
    for (text, shown) in [("1h", "1h"), ("PT1H", "1h"), ("P1D", "1d"), ("90m", "90m"), ("PT30S", "30s"), ("1w", "7d")] {
        assert_eq!(Step::parse(text).map(|s| s.to_string()).as_deref(), Ok(shown));
    }
    for text in ["", "1ms", "0h", "-1h", "h", "P", "PT", "1 hour", "99999999999999999h", "400d", "PT1M1X"] {
        assert!(Step::parse(text).is_err(), "{text} was read");
    }
    let day = TimeRange::last_days(1, at("2026-06-30T00:00:00Z")).expect("a day");
    assert!(Step::parse("1s").expect("a step").check(&day).is_err());
}

proptest! {
    #[test]
    fn merged_ranges_lie_apart_and_hold_the_same_moments(
        ends in prop::collection::vec((0i64..60, 1i64..20), 0..8), first in 0i64..90, length in 0i64..12,
    ) {
        let each: Vec<TimeRange> =
            ends.iter().map(|(at, n)| TimeRange::new(Millis(*at), Millis(at + n)).expect("a range")).collect();
        let all = Ranges::of(each.clone());
        prop_assert!(all.0.windows(2).all(|w| w[0].to < w[1].from), "{:?} touch", all);
        let inside = |t: i64| each.iter().any(|r| r.contains(Millis(t)));
        prop_assert!((0..90).all(|t| all.contains(Millis(t)) == inside(t)), "{:?} of {:?}", all, each);
        let (last, mut moments) = (first + length, first..=first + length);
        prop_assert_eq!(all.contains_all(Millis(first), Millis(last)), moments.clone().all(inside));
        prop_assert_eq!(all.overlaps(Millis(first), Millis(last)), moments.any(inside));
    }

    #[test]
    fn the_default_step_gives_at_most_the_wanted_points(days in 1u32..4000, points in 50i64..500) {
        let range = TimeRange::last_days(days, Millis(1_800_000_000_000)).expect("a range");
        let got = range.length() / Step::for_range(&range, points).ms();
        prop_assert!(got <= points && got * 8 >= points.min(range.length() / DAY));
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in "\\PC{0,30}") {
        let _ = parse_moment(&text, Millis(0), &TimeZone::UTC);
        let _ = parse_moment(&format!("now{text}"), Millis(1_700_000_000_000), &TimeZone::UTC);
        let _ = Step::parse(&text);
    }
}

#[test]
fn moments_outside_of_the_calendar_are_read_as_they_were_written() {
    for at in [Millis(0), Millis(1_795_788_679_384), Millis(1_795_788_679_384_755), Millis(i64::MIN), Millis(i64::MAX)]
    {
        let json = serde_json::to_string(&at).expect("JSON");
        assert_eq!(serde_json::from_str::<Millis>(&json).expect(&json), at);
    }
}

#[test]
fn in_a_sentence_a_moment_has_minutes_and_names_its_zone() {
    let at = Millis::parse("2026-03-14T14:00:59.871Z").expect("a time");
    assert_eq!(at.in_words(), "2026-03-14 14:00 UTC");
    assert!(Millis(i64::MAX).in_words().ends_with(" ms"), "outside of the calendar");
}
