//! Four to six round values on an axis.

use jiff::{ToSpan, tz::TimeZone};

use crate::time::{DAY, HOUR, MINUTE, Millis, TimeRange};

/// Round values that enclose `low..=high`, about `want` of them, and the digits after the point that they need.
/// Equal, reversed or non-finite ends give an axis around them all the same.
#[must_use]
pub fn value_ticks(low: f64, high: f64, want: usize) -> (Vec<f64>, u8) {
    let (mut low, mut high) =
        if low.is_finite() && high.is_finite() { (low.min(high), low.max(high)) } else { (0.0, 1.0) };
    let least = low.abs().max(high.abs()).max(1e-6) * 1e-4;
    if high - low < least {
        let pad = (low.abs() * 0.05).max(least * 10.0);
        (low, high) = (low - pad, high + pad);
    }
    let rough = (high - low) / want.max(2) as f64;
    let magnitude = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 2.5, 5.0, 10.0].iter().map(|m| m * magnitude).find(|s| *s >= rough).unwrap_or(10.0 * magnitude);
    let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
    let mut digits = 0u8;
    while digits < 9
        && ((step * 10f64.powi(digits.into())).round() / 10f64.powi(digits.into()) - step).abs() > step * 1e-6
    {
        digits += 1;
    }
    ((first..=last).map(|k| k as f64 * step).collect(), digits)
}

/// Round moments within the range, at most `most` of them, on the calendar of `tz`.
#[must_use]
pub fn time_ticks(range: &TimeRange, tz: &TimeZone, most: usize) -> Vec<Millis> {
    const STEPS: [i64; 17] = [
        MINUTE,
        5 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        3 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
        2 * DAY,
        5 * DAY,
        7 * DAY,
        15 * DAY,
        30 * DAY,
        91 * DAY,
        182 * DAY,
        366 * DAY,
    ];
    let most = most.max(1) as i64;
    let step = *STEPS.iter().find(|s| range.length() / **s <= most).unwrap_or(&(3 * 366 * DAY));
    let Ok(start) = jiff::Timestamp::from_millisecond(range.from().0) else { return vec![] };
    let Ok(midnight) = start.to_zoned(tz.clone()).start_of_day() else { return vec![] };
    let mut ticks = Vec::new();
    for k in 0..2_000i64 {
        // Whole days follow the calendar, also over changes of the clock.
        let span = if step >= DAY { (k * (step / DAY)).days() } else { (k * (step / MINUTE)).minutes() };
        let Ok(at) = midnight.checked_add(span) else { break };
        let at = Millis(at.timestamp().as_millisecond());
        if at >= range.to() {
            break;
        }
        if at >= range.from() {
            ticks.push(at);
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(value_ticks(0.0, 1.0, 5).0.len(), 6);
        let (ticks, digits) = value_ticks(0.713, 0.768, 5);
        assert_eq!(digits, 2);
        assert!(ticks.len() >= 4 && ticks[0] <= 0.713 && *ticks.last().expect("ticks") >= 0.768);
    }

    #[test]
    fn a_flat_line_and_nonsense_still_have_an_axis() {
        for (low, high) in [(0.5, 0.5), (0.0, 0.0), (f64::NAN, 1.0), (f64::INFINITY, f64::NEG_INFINITY), (-3.0, -3.0)] {
            let (ticks, _) = value_ticks(low, high, 5);
            assert!(ticks.len() >= 2 && ticks.iter().all(|t| t.is_finite()), "{low} {high}: {ticks:?}");
        }
    }

    #[test]
    fn days_begin_at_midnight_of_the_zone() {
        let seoul = TimeZone::get("Asia/Seoul").expect("bundled");
        let week = TimeRange::last_days(7, Millis::parse("2026-06-30T12:00:00Z").expect("a time")).expect("a week");
        let ticks = time_ticks(&week, &seoul, 8);
        assert_eq!(ticks.len(), 7);
        assert!(ticks.iter().all(|t| t.0.rem_euclid(DAY) == 15 * HOUR));
    }

    proptest! {
        #[test]
        fn ticks_enclose_the_values(low in -1e9f64..1e9, spread in 0f64..1e6, want in 3usize..7) {
            let (ticks, _) = value_ticks(low, low + spread, want);
            prop_assert!(ticks.len() >= 2 && ticks.len() <= 2 * want + 3);
            prop_assert!(ticks[0] <= low + 1e-6 && *ticks.last().unwrap_or(&f64::NAN) >= low + spread - 1e-6);
        }
    }
}
