//! Quantiles of many values in little memory: exact for few values, log-spaced buckets beyond.
//!
//! Buckets are cut from the bits of the number itself: sign, exponent and the first seven bits of the mantissa. Their
//! width is at most 1/128 of the value, so a quantile is off by less than 0.8 %; like a DDSketch (Masson, Rim & Lee,
//! VLDB 2019) two sketches merge by adding counts, in any order, with the same result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Up to so many values are kept as they are.
const MAX_EXACT_VALUES: usize = 512;
/// Magnitudes below this count as zero.
const TINY: f64 = 1e-9;
const SHIFT: u32 = 52 - 7;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuantileSketch {
    Exact(Vec<f64>),
    /// Counts in a window of bucket numbers that begins at `first`; `n` is their sum.
    Buckets {
        first: i32,
        counts: Vec<u32>,
        n: u64,
    },
}

impl Default for QuantileSketch {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl QuantileSketch {
    /// Adds one finite value.
    #[inline]
    pub fn add(&mut self, x: f64) {
        match self {
            Self::Exact(values) if values.len() < MAX_EXACT_VALUES => values.push(x),
            Self::Exact(values) => {
                let values = std::mem::take(values);
                *self = Self::Buckets { first: bucket(x), counts: vec![], n: 0 };
                for v in values {
                    self.count(bucket(v), 1);
                }
                self.count(bucket(x), 1);
            }
            Self::Buckets { .. } => self.count(bucket(x), 1),
        }
    }

    /// Adds finite values.
    #[inline]
    pub fn extend(&mut self, values: impl Iterator<Item = f64>) {
        for x in values {
            // Most values fall into the window that is there.
            if let Self::Buckets { first, counts, n } = self
                && let Some(c) = usize::try_from(bucket(x).wrapping_sub(*first)).ok().and_then(|at| counts.get_mut(at))
            {
                *c = c.saturating_add(1);
                *n += 1;
            } else {
                self.add(x);
            }
        }
    }

    #[inline]
    fn count(&mut self, b: i32, times: u32) {
        let Self::Buckets { first, counts, n } = self else { return };
        *n += u64::from(times);
        let at = b.wrapping_sub(*first);
        if let Some(c) = usize::try_from(at).ok().and_then(|at| counts.get_mut(at)) {
            *c = c.saturating_add(times);
            return;
        }
        if counts.is_empty() {
            *first = b;
        }
        if b < *first {
            let grow = usize::try_from(*first - b).unwrap_or(0);
            counts.splice(0..0, std::iter::repeat_n(0, grow));
            *first = b;
        }
        let at = usize::try_from(b - *first).unwrap_or(0);
        if at >= counts.len() {
            counts.resize(at + 1, 0);
        }
        counts[at] = counts[at].saturating_add(times);
    }

    pub fn merge(&mut self, other: &Self) {
        match other {
            Self::Exact(values) => match self {
                Self::Exact(own) if own.len() + values.len() <= MAX_EXACT_VALUES => own.extend(values),
                Self::Exact(_) => values.iter().for_each(|v| self.add(*v)),
                Self::Buckets { .. } => values.iter().for_each(|v| self.count(bucket(*v), 1)),
            },
            Self::Buckets { first, counts, .. } => {
                if let Self::Exact(values) = self {
                    let values = std::mem::take(values);
                    *self = Self::Buckets { first: *first, counts: vec![], n: 0 };
                    for v in values {
                        self.count(bucket(v), 1);
                    }
                }
                for (b, c) in (*first..).zip(counts) {
                    if *c > 0 {
                        self.count(b, *c);
                    }
                }
            }
        }
    }

    #[must_use]
    pub fn n(&self) -> u64 {
        match self {
            Self::Exact(values) => values.len() as u64,
            Self::Buckets { n, .. } => *n,
        }
    }

    /// The quantiles `qs`, each in 0..=1, interpolated linearly between neighbours (type 7, SQL's `percentile_cont`).
    /// Exact up to 512 values; off by less than 0.8 % of the value beyond. `None` without values.
    #[must_use]
    pub fn quantiles<const N: usize>(&self, qs: [f64; N]) -> Option<[f64; N]> {
        match self {
            Self::Exact(values) if values.is_empty() => None,
            Self::Exact(values) => {
                let mut sorted = values.clone();
                sorted.sort_unstable_by(f64::total_cmp);
                Some(qs.map(|q| {
                    let pos = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
                    let low = pos.floor() as usize;
                    let high = (low + 1).min(sorted.len() - 1);
                    sorted[low] + (sorted[high] - sorted[low]) * (pos - pos.floor())
                }))
            }
            Self::Buckets { first, counts, n } => {
                // The value of a whole rank: its place among the values of its bucket, which lie evenly as far as we know.
                let at = |rank: u64| {
                    let mut before = 0u64;
                    for (b, c) in (*first..).zip(counts) {
                        let after = before + u64::from(*c);
                        if rank < after {
                            let (low, high) = bounds(b);
                            return low + (high - low) * ((rank - before) as f64 + 0.5) / f64::from(*c);
                        }
                        before = after;
                    }
                    bounds(*first + i32::try_from(counts.len()).unwrap_or(1) - 1).1
                };
                Some(qs.map(|q| {
                    let pos = q.clamp(0.0, 1.0) * (*n - 1) as f64;
                    let low = at(pos.floor() as u64);
                    low + (at(pos.ceil() as u64) - low) * (pos - pos.floor())
                }))
            }
        }
    }

    /// Bucket numbers and counts, to store a sketch.
    #[must_use]
    pub fn to_counts(&self) -> BTreeMap<i32, u64> {
        let mut map = BTreeMap::new();
        match self {
            Self::Exact(values) => values.iter().for_each(|v| *map.entry(bucket(*v)).or_default() += 1),
            Self::Buckets { first, counts, .. } => {
                map.extend((*first..).zip(counts).filter(|(_, c)| **c > 0).map(|(b, c)| (b, u64::from(*c))));
            }
        }
        map
    }
}

/// The number of a value's bucket; grows with the value, 0 holds zero.
#[inline]
fn bucket(x: f64) -> i32 {
    let magnitude = x.abs();
    if magnitude < TINY {
        return 0;
    }
    let b = ((magnitude.to_bits() >> SHIFT) - (TINY.to_bits() >> SHIFT)) as i32 + 1;
    if x < 0.0 { -b } else { b }
}

/// The lowest and the highest value of a bucket.
fn bounds(b: i32) -> (f64, f64) {
    if b == 0 {
        return (0.0, 0.0);
    }
    let k = u64::from(b.unsigned_abs()) - 1 + (TINY.to_bits() >> SHIFT);
    let (low, high) = (f64::from_bits(k << SHIFT), f64::from_bits((k + 1) << SHIFT));
    if b < 0 { (-high, -low) } else { (low, high) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(values: &[f64], q: f64) -> f64 {
        let mut s = values.to_vec();
        s.sort_unstable_by(f64::total_cmp);
        let pos = q * (s.len() - 1) as f64;
        let (lo, hi) = (pos.floor() as usize, pos.ceil() as usize);
        s[lo] + (s[hi] - s[lo]) * (pos - pos.floor())
    }

    #[test]
    fn few_values_are_exact() {
        let mut s = QuantileSketch::default();
        assert_eq!(s.quantiles([0.5]), None);
        [3.0, 1.0, 2.0, 10.0].into_iter().for_each(|v| s.add(v));
        assert_eq!(s.quantiles([0.0, 0.5, 1.0]), Some([1.0, 2.5, 10.0]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn many_values_are_within_one_percent(values in prop::collection::vec(0.01f64..50.0, 513..3000)) {
            let mut s = QuantileSketch::default();
            values.iter().for_each(|v| s.add(*v));
            let got = s.quantiles([0.05, 0.5, 0.95, 0.99]).expect("values");
            for (q, g) in [0.05, 0.5, 0.95, 0.99].iter().zip(got) {
                let e = exact(&values, *q);
                prop_assert!((g - e).abs() <= e * 0.01, "q{q}: {g} is not {e}");
            }
        }

        #[test]
        fn merging_equals_adding(a in prop::collection::vec(-5.0f64..5.0, 0..900), b in prop::collection::vec(-5.0f64..5.0, 0..900)) {
            let mut whole = QuantileSketch::default();
            a.iter().chain(&b).for_each(|v| whole.add(*v));
            let (mut left, mut right) = (QuantileSketch::default(), QuantileSketch::default());
            a.iter().for_each(|v| left.add(*v));
            b.iter().for_each(|v| right.add(*v));
            left.merge(&right);
            prop_assert_eq!(left.n(), whole.n());
            prop_assert_eq!(left.to_counts(), whole.to_counts());
        }

        #[test]
        fn buckets_hold_their_values_and_are_ordered(x in -1e6f64..1e6, y in -1e6f64..1e6) {
            let (lo, hi) = bounds(bucket(x));
            prop_assert!(x.abs() < TINY || (lo <= x && x <= hi));
            prop_assert!(!(x < y && bucket(x) > bucket(y)));
        }
    }
}
