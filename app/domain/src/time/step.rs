//! The width of the buckets of a trend.

use serde::{Deserialize, Serialize};

use super::{DAY, HOUR, MAX_POINTS, MIN_STEP_MS, MINUTE, Millis, SECOND, TimeRange};
use crate::{
    error::{Error, Result},
    scope::clip_text,
    sentences,
};

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
        let bad = || Error::bad_input(sentences::no_step(clip_text(text)));
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
        if ms < MIN_STEP_MS {
            return Err(Error::bad_input(sentences::step_too_fine(clip_text(text))));
        }
        if ms > 366 * DAY {
            return Err(Error::bad_input(sentences::step_too_long(clip_text(text))));
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
        if points > MAX_POINTS {
            return Err(Error::bad_input(sentences::too_many_points(self, points, MAX_POINTS)));
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
