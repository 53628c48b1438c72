//! Time as the product sees it: UTC milliseconds inside, half-open ranges, relative expressions, steps.
//! The current time and the zone are always given, never looked up.

use jiff::{ToSpan, Unit, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    scope::clip,
    sentences,
};

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// The earliest accepted moment: 2000-01-01T00:00:00Z.
pub const EARLIEST: Millis = Millis(946_684_800_000);
/// How far ahead of the server's clock a record may be.
pub const LEAD: i64 = DAY;
/// The longest range that a question may span.
pub const LONGEST: i64 = 11 * 366 * DAY;
/// The finest step of a trend.
pub const FINEST: i64 = SECOND;
/// The most points that a trend may have.
pub const MOST_POINTS: i64 = 10_000;

/// A moment: milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    /// Parses RFC 3339 with any offset. What is finer than a millisecond is cut off.
    ///
    /// # Errors
    /// When the text is no such moment.
    pub fn parse(text: &str) -> Result<Self> {
        text.parse::<jiff::Timestamp>().map(|t| Self(t.as_millisecond())).map_err(|e| {
            let text = sentences::no_rfc3339(clip(text));
            Error::bad_input(text).with_detail(e)
        })
    }

    /// The day of the moment in UTC, as days since the epoch.
    #[must_use]
    pub fn day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(DAY)).unwrap_or(i32::MAX))
    }

    #[must_use]
    pub fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    fn zoned(self, tz: &TimeZone) -> Result<jiff::Zoned> {
        jiff::Timestamp::from_millisecond(self.0).map(|t| t.to_zoned(tz.clone())).map_err(|e| {
            let text = sentences::outside_calendar();
            Error::bad_input(text).with_detail(e)
        })
    }
}

impl std::fmt::Display for Millis {
    /// RFC 3339 in UTC with milliseconds when there are any.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl Serialize for Millis {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A day of the UTC calendar, as days since 1970-01-01. The unit in which the lake keeps its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub i32);

impl Day {
    #[must_use]
    pub fn start(self) -> Millis {
        Millis(i64::from(self.0) * DAY)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::civil::date(1970, 1, 1).checked_add(self.0.days()) {
            Ok(d) => write!(f, "{d}"),
            Err(_) => write!(f, "day {}", self.0),
        }
    }
}

/// A stretch of time: from `from`, up to and without `to`. Never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeRange {
    from: Millis,
    to: Millis,
}

/// A number of days that makes no range, as an error.
pub(crate) fn bad_days() -> Error {
    Error::bad_input(sentences::bad_days())
}

impl TimeRange {
    /// # Errors
    /// A range that is reversed, empty or longer than eleven years.
    pub fn new(from: Millis, to: Millis) -> Result<Self> {
        if from >= to {
            return Err(Error::bad_input(sentences::reversed(from, to)));
        }
        if to.0.saturating_sub(from.0) > LONGEST {
            return Err(Error::bad_input(sentences::range_too_long()));
        }
        Ok(Self { from, to })
    }

    /// The `days` days that end at `to`.
    ///
    /// # Errors
    /// When `days` is not between 1 and 4,015.
    pub fn last_days(days: u32, to: Millis) -> Result<Self> {
        if days == 0 || i64::from(days) * DAY > LONGEST {
            return Err(bad_days());
        }
        Self::new(to.plus(-i64::from(days) * DAY), to)
    }

    #[must_use]
    pub fn from(&self) -> Millis {
        self.from
    }
    #[must_use]
    pub fn to(&self) -> Millis {
        self.to
    }
    /// Length in milliseconds.
    #[must_use]
    pub fn length(&self) -> i64 {
        self.to.0 - self.from.0
    }
    #[must_use]
    pub fn contains(&self, t: Millis) -> bool {
        self.from <= t && t < self.to
    }
    /// The range of equal length right before this one.
    #[must_use]
    pub fn previous(&self) -> Self {
        Self { from: self.from.plus(-self.length()), to: self.from }
    }
    /// The range moved by `ms`.
    #[must_use]
    pub fn shifted(&self, ms: i64) -> Self {
        Self { from: self.from.plus(ms), to: self.to.plus(ms) }
    }
}

/// Ranges that neither overlap nor touch, in order of time: the moments that a question with several periods looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranges(Vec<TimeRange>);

impl Ranges {
    /// The moments of any of these.
    #[must_use]
    pub fn of(ranges: impl IntoIterator<Item = TimeRange>) -> Self {
        let mut sorted: Vec<TimeRange> = ranges.into_iter().collect();
        sorted.sort_unstable_by_key(|r| r.from);
        let mut merged: Vec<TimeRange> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match merged.last_mut() {
                Some(last) if range.from <= last.to => last.to = last.to.max(range.to),
                _ => merged.push(range),
            }
        }
        Self(merged)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, TimeRange> {
        self.0.iter()
    }

    #[must_use]
    pub fn contains(&self, t: Millis) -> bool {
        self.iter().any(|r| r.contains(t))
    }

    /// Whether all moments from `first` to `last`, both included, are in it.
    #[must_use]
    pub fn hold(&self, first: Millis, last: Millis) -> bool {
        self.iter().any(|r| r.from <= first && last < r.to)
    }

    /// Whether any moment from `first` to `last`, both included, is in it.
    #[must_use]
    pub fn meet(&self, first: Millis, last: Millis) -> bool {
        self.iter().any(|r| last >= r.from && first < r.to)
    }
}

impl From<TimeRange> for Ranges {
    fn from(range: TimeRange) -> Self {
        Self(vec![range])
    }
}

/// Which earlier period a range is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Against {
    /// The range of equal length right before.
    #[default]
    Previous,
    /// The same range a week earlier.
    Week,
    /// The same range 52 weeks earlier: about a year, on the same days of the week.
    Year,
}

impl Against {
    /// # Errors
    /// Names the three accepted words.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "previous" => Ok(Self::Previous),
            "week" => Ok(Self::Week),
            "year" => Ok(Self::Year),
            _ => Err(Error::bad_input(sentences::bad_compare(clip(text)))),
        }
    }

    /// How far back, in ms.
    #[must_use]
    pub fn shift(self, range: &TimeRange) -> i64 {
        match self {
            Self::Previous => range.length(),
            Self::Week => 7 * DAY,
            Self::Year => 364 * DAY,
        }
    }

    /// The earlier period of a range.
    #[must_use]
    pub fn of(self, range: &TimeRange) -> TimeRange {
        range.shifted(-self.shift(range))
    }
}

/// Reads one end of a range: `now`, `now-7d`, `now-7d/d`, an RFC 3339 time, or a date.
///
/// Units are `s m h d w M y`; `/unit` goes back to the start of that unit in `tz` (weeks begin on Monday).
///
/// # Errors
/// When the text is none of these.
pub fn parse_moment(text: &str, now: Millis, tz: &TimeZone) -> Result<Millis> {
    let bad = || Error::bad_input(sentences::no_moment(clip(text)));
    let Some(mut rest) = text.strip_prefix("now") else {
        if let Ok(date) = text.parse::<jiff::civil::Date>()
            && text.len() <= 10
        {
            return date.to_zoned(tz.clone()).map(|z| Millis(z.timestamp().as_millisecond())).map_err(|_| bad());
        }
        // What a browser's datetime-local field sends has no zone: it means the zone of the page.
        if let Ok(civil) = text.parse::<jiff::civil::DateTime>()
            && !text.ends_with(['Z', 'z'])
            && text.parse::<jiff::Timestamp>().is_err()
        {
            return civil.to_zoned(tz.clone()).map(|z| Millis(z.timestamp().as_millisecond())).map_err(|_| bad());
        }
        return Millis::parse(text).map_err(|_| bad());
    };
    let mut at = now.zoned(tz)?;
    while let Some(sign @ ('+' | '-')) = rest.chars().next() {
        let digits: String = rest[1..].chars().take_while(char::is_ascii_digit).collect();
        let n: i64 = digits.parse().ok().filter(|n| *n <= 100_000).ok_or_else(bad)?;
        let n = if sign == '-' { -n } else { n };
        rest = &rest[1 + digits.len()..];
        let unit = rest.chars().next().ok_or_else(bad)?;
        let span = match unit {
            's' => n.seconds(),
            'm' => n.minutes(),
            'h' => n.hours(),
            'd' => n.days(),
            'w' => n.weeks(),
            'M' => n.months(),
            'y' => jiff::Span::new().try_years(n).map_err(|_| bad())?,
            _ => return Err(bad()),
        };
        rest = &rest[unit.len_utf8()..];
        at = at.checked_add(span).map_err(|_| bad())?;
    }
    if let Some(unit) = rest.strip_prefix('/') {
        at = start_of(&at, unit).ok_or_else(bad)?;
        rest = "";
    }
    if rest.is_empty() { Ok(Millis(at.timestamp().as_millisecond())) } else { Err(bad()) }
}

fn start_of(at: &jiff::Zoned, unit: &str) -> Option<jiff::Zoned> {
    let floor = |unit: Unit| at.round(jiff::ZonedRound::new().smallest(unit).mode(jiff::RoundMode::Trunc)).ok();
    match unit {
        "m" => floor(Unit::Minute),
        "h" => floor(Unit::Hour),
        "d" => at.start_of_day().ok(),
        "w" => {
            let monday = i64::from(at.weekday().to_monday_zero_offset());
            at.checked_sub(monday.days()).ok()?.start_of_day().ok()
        }
        "M" => at.first_of_month().ok()?.start_of_day().ok(),
        "y" => at.first_of_year().ok()?.start_of_day().ok(),
        _ => None,
    }
}

/// The width of one bucket of a trend, in milliseconds. Buckets lie on whole multiples since the epoch (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(i64);

impl Step {
    const NICE: [i64; 21] = [
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        3 * HOUR,
        4 * HOUR,
        6 * HOUR,
        8 * HOUR,
        12 * HOUR,
        DAY,
        2 * DAY,
        4 * DAY,
        7 * DAY,
        14 * DAY,
        28 * DAY,
        56 * DAY,
        112 * DAY,
    ];

    /// Parses `30s`, `15m`, `1h`, `1d`, `1w` or an ISO 8601 duration such as `PT1H` or `P1D`.
    ///
    /// # Errors
    /// When the text is neither, or the step is finer than a second or longer than 366 days.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::bad_input(sentences::no_step(clip(text)));
        let ms = if text.starts_with(['P', 'p']) {
            let span: jiff::Span = text.parse().map_err(|_| bad())?;
            let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| bad())?;
            i64::try_from(length.as_millis()).map_err(|_| bad())?
        } else {
            let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let n: i64 = text[..digits].parse().map_err(|_| bad())?;
            let unit = match &text[digits..] {
                "ms" => 1,
                "s" => SECOND,
                "m" | "min" => MINUTE,
                "h" => HOUR,
                "d" => DAY,
                "w" => 7 * DAY,
                _ => return Err(bad()),
            };
            n.checked_mul(unit).ok_or_else(bad)?
        };
        if ms < FINEST {
            return Err(Error::bad_input(sentences::step_too_fine(clip(text))));
        }
        if ms > 366 * DAY {
            return Err(Error::bad_input(sentences::step_too_long(clip(text))));
        }
        Ok(Self(ms))
    }

    /// The round step that cuts the range into about `points` buckets, and never finer than a minute.
    #[must_use]
    pub fn for_range(range: &TimeRange, points: i64) -> Self {
        let ideal = range.length() / points.max(1);
        Self(*Self::NICE.iter().find(|s| **s >= ideal).unwrap_or(&(112 * DAY)))
    }

    /// Refuses a step that would cut the range into more buckets than anybody can use.
    ///
    /// # Errors
    /// Names the numbers.
    pub fn check(self, range: &TimeRange) -> Result<Self> {
        let points = range.length() / self.0;
        if points > MOST_POINTS {
            return Err(Error::bad_input(sentences::too_many_points(self, points, MOST_POINTS)));
        }
        Ok(self)
    }

    #[must_use]
    pub fn ms(self) -> i64 {
        self.0
    }
    /// The start of the bucket that holds `t`.
    #[must_use]
    pub fn floor(self, t: Millis) -> Millis {
        Millis(t.0.div_euclid(self.0) * self.0)
    }
}

impl Serialize for Step {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (unit, name) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")] {
            if self.0 % unit == 0 {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}ms", self.0)
    }
}

#[cfg(test)]
mod tests {
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
        for (text, shown) in
            [("1h", "1h"), ("PT1H", "1h"), ("P1D", "1d"), ("90m", "90m"), ("PT30S", "30s"), ("1w", "7d")]
        {
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
            prop_assert_eq!(all.hold(Millis(first), Millis(last)), moments.clone().all(inside));
            prop_assert_eq!(all.meet(Millis(first), Millis(last)), moments.any(inside));
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
}
