//! When a delivery that failed is tried again.

use super::sentences;
use crate::{
    error::{Error, Result},
    scope::clip_text,
    time::{HOUR, MINUTE, Millis, SECOND},
};

/// How long it is waited after each try that failed; after the last of them a delivery is a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule(Vec<i64>);

impl Default for RetrySchedule {
    /// Ten tries within some 28 hours, as Standard Webhooks advises.
    fn default() -> Self {
        Self(vec![
            5 * SECOND,
            30 * SECOND,
            2 * MINUTE,
            10 * MINUTE,
            30 * MINUTE,
            2 * HOUR,
            5 * HOUR,
            10 * HOUR,
            10 * HOUR,
        ])
    }
}

impl RetrySchedule {
    /// Reads milliseconds, separated by commas; nothing means the usual schedule.
    ///
    /// # Errors
    /// `BadInput`, naming what is no number.
    pub fn parse(text: &str) -> Result<Self> {
        let given: Vec<&str> = text.split(',').map(str::trim).filter(|t| !t.is_empty()).collect();
        if given.is_empty() {
            return Ok(Self::default());
        }
        let read = |t: &str| {
            let ms = t.parse().ok().filter(|ms| (0..=240 * HOUR).contains(ms));
            ms.ok_or_else(|| Error::bad_input(sentences::bad_retries(clip_text(t))))
        };
        given.into_iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// When it is tried again after so many tries, up to a fifth earlier or later so that receivers are not asked by all at once; `None`
    /// where it is not. `jitter` is from 0 to 1.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "days in ms are far below the limit"
    )]
    pub fn next(&self, attempts: u32, now: Millis, jitter: f64) -> Option<Millis> {
        let last = usize::try_from(attempts).ok()?.checked_sub(1)?;
        let wait = *self.0.get(last)? as f64 * (0.8 + 0.4 * jitter.clamp(0.0, 1.0));
        Some(now.plus(wait as i64))
    }

    /// How often a delivery is tried.
    #[must_use]
    pub fn tries(&self) -> usize {
        self.0.len() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_after_the_last_try() {
        let usual = RetrySchedule::default();
        let waits: Vec<i64> = (1..).map_while(|tried| usual.next(tried, Millis(7), 0.5)).map(|due| due.0 - 7).collect();
        assert_eq!(waits[..5], [5_000, 30_000, 120_000, 600_000, 1_800_000]);
        assert!(waits.is_sorted() && waits.len() + 1 == usual.tries(), "{waits:?}");
        let hours = waits.iter().sum::<i64>() / HOUR;
        assert_eq!((hours, usual.next(10, Millis(7), 0.5)), (27, None));
        assert_eq!(usual.next(0, Millis(7), 0.5), None, "it was not tried yet");
    }

    #[test]
    fn jitter_is_a_fifth_at_most() {
        let usual = RetrySchedule::default();
        for tried in 1..=9 {
            let at = |jitter| usual.next(tried, Millis(0), jitter).expect("a moment").0;
            let (first, middle, last) = (at(0.0), at(0.5), at(1.0));
            assert_eq!((first * 10, last * 10), (middle * 8, middle * 12));
            assert_eq!((at(-9.0), at(9.0)), (first, last));
        }
    }

    #[test]
    fn a_schedule_is_read_as_milliseconds() {
        assert_eq!(RetrySchedule::parse(" 50, 100 ,"), Ok(RetrySchedule(vec![50, 100])));
        assert_eq!(RetrySchedule::parse(""), Ok(RetrySchedule::default()));
        for text in ["5s", "-1", "1,x", "99999999999"] {
            assert!(RetrySchedule::parse(text).is_err(), "{text}");
        }
    }
}
