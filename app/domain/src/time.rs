//! Time as the product sees it: UTC milliseconds inside, half-open ranges, relative expressions, steps.
//! The current time and the zone are always given, never looked up.

mod step;

use jiff::{ToSpan, Unit, tz::TimeZone};
use serde::{Deserialize, Serialize};

pub use self::step::Step;
use crate::{
    error::{Error, Result},
    scope::clip_text,
    sentences,
};

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// The earliest accepted moment: 2000-01-01T00:00:00Z.
pub const MIN_TIMESTAMP: Millis = Millis(946_684_800_000);
/// How far ahead of the server's clock a record may be.
pub const MAX_CLOCK_LEAD_MS: i64 = DAY;
/// The longest range that a query may span.
pub const MAX_RANGE_MS: i64 = 11 * 366 * DAY;
/// The finest step of a trend.
pub const MIN_STEP_MS: i64 = SECOND;
/// The most points that a trend may have.
pub const MAX_POINTS: i64 = 10_000;

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
            let text = sentences::no_rfc3339(clip_text(text));
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

    /// As it stands in a sentence, where nobody knows the zone of the reader: `2026-03-14 14:00 UTC`.
    #[must_use]
    pub fn in_words(self) -> String {
        let zoned = self.zoned(&TimeZone::UTC);
        zoned.map_or_else(|_| self.to_string(), |t| t.strftime("%Y-%m-%d %H:%M UTC").to_string())
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
        // As it is printed outside of the calendar: runs may carry such moments.
        let outside = text.strip_suffix(" ms").and_then(|ms| ms.parse().ok()).map(Self);
        outside.map_or_else(|| Self::parse(&text).map_err(serde::de::Error::custom), Ok)
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

    /// Reads a day as it is printed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Millis::parse(&format!("{text}T00:00:00Z")).ok().map(Millis::day)
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

/// An interval: from `from`, up to and without `to`. Never empty.
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
        if to.0.saturating_sub(from.0) > MAX_RANGE_MS {
            return Err(Error::bad_input(sentences::range_too_long()));
        }
        Ok(Self { from, to })
    }

    /// The `days` days that end at `to`.
    ///
    /// # Errors
    /// When `days` is not between 1 and 4,015.
    pub fn last_days(days: u32, to: Millis) -> Result<Self> {
        if days == 0 || i64::from(days) * DAY > MAX_RANGE_MS {
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

/// Ranges that neither overlap nor touch, in order of time: the moments that a query with several periods looks at.
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
    pub fn contains_all(&self, first: Millis, last: Millis) -> bool {
        self.iter().any(|r| r.from <= first && last < r.to)
    }

    /// Whether any moment from `first` to `last`, both included, is in it.
    #[must_use]
    pub fn overlaps(&self, first: Millis, last: Millis) -> bool {
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
pub enum EarlierPeriod {
    /// The range of equal length right before.
    #[default]
    Previous,
    /// The same range a week earlier.
    Week,
    /// The same range 52 weeks earlier: about a year, on the same days of the week.
    Year,
}

impl EarlierPeriod {
    /// # Errors
    /// Names the three accepted words.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "previous" => Ok(Self::Previous),
            "week" => Ok(Self::Week),
            "year" => Ok(Self::Year),
            _ => Err(Error::bad_input(sentences::bad_compare(clip_text(text)))),
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
    let bad = || Error::bad_input(sentences::no_moment(clip_text(text)));
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

#[cfg(test)]
mod tests;
