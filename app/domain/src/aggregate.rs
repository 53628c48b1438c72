//! What is kept of many values of one metric: enough for every headline number, and mergeable.
//! A mean is always Σwx/Σw with w = `samples`; there is no mean of means anywhere.

use serde::{Deserialize, Serialize};

use crate::{sketch::Sketch, time::Millis};

/// The sums behind one mean: n, Σw and Σwx.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    pub n: u64,
    pub w: f64,
    pub wx: f64,
}

impl Mean {
    #[inline]
    pub fn add(&mut self, x: f64, w: f64) {
        self.n += 1;
        self.w += w;
        self.wx += w * x;
    }
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.w += other.w;
        self.wx += other.wx;
    }
    /// Σwx/Σw; `None` without records.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.n > 0 && self.w > 0.0).then(|| self.wx / self.w)
    }
}

/// Everything about the values of one metric over some records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Aggregate {
    pub mean: Mean,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// The value of the newest record; of two at the same moment, the one that arrived last.
    pub latest: Option<Latest>,
    pub sketch: Sketch,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latest {
    pub at: Millis,
    /// Arrival order.
    pub seq: i64,
    pub value: f64,
}

impl Aggregate {
    /// Adds one finite value with its weight, its moment and its arrival.
    pub fn add(&mut self, x: f64, w: f64, at: Millis, seq: i64) {
        let mut sums = Mean::default();
        sums.add(x, w);
        self.take(&sums, std::iter::once(x), Latest { at, seq, value: x });
    }

    /// Adds finite values, at least one, whose sums are known already, as is the newest of them.
    #[inline]
    pub fn take(&mut self, sums: &Mean, values: impl Iterator<Item = f64>, newest: Latest) {
        self.mean.merge(sums);
        let (mut min, mut max) = (self.min.unwrap_or(newest.value), self.max.unwrap_or(newest.value));
        self.sketch.extend(values.inspect(|x| {
            // No `f64::min`: it asks each time whether one of them is no number.
            if *x < min {
                min = *x;
            }
            if *x > max {
                max = *x;
            }
        }));
        (self.min, self.max) = (Some(min), Some(max));
        self.see(newest);
    }

    fn see(&mut self, other: Latest) {
        if self.latest.is_none_or(|l| (l.at, l.seq) < (other.at, other.seq)) {
            self.latest = Some(other);
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.mean.merge(&other.mean);
        self.min = [self.min, other.min].into_iter().flatten().reduce(f64::min);
        self.max = [self.max, other.max].into_iter().flatten().reduce(f64::max);
        if let Some(o) = other.latest {
            self.see(o);
        }
        self.sketch.merge(&other.sketch);
    }

    /// p50, p95 and p99 over records, unweighted, kept within the values seen.
    #[must_use]
    pub fn quantiles(&self) -> Option<[f64; 3]> {
        let (min, max) = (self.min?, self.max?);
        self.sketch.quantiles([0.5, 0.95, 0.99]).map(|qs| qs.map(|q| q.clamp(min, max)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_mean_is_weighted_by_samples() {
        let mut a = Aggregate::default();
        a.add(1.0, 1.0, Millis(1), 1);
        a.add(0.0, 3.0, Millis(2), 2);
        assert_eq!(a.mean.value(), Some(0.25));
        assert_eq!(a.latest.map(|l| l.value), Some(0.0));
        assert_eq!(Aggregate::default().mean.value(), None);
    }

    proptest! {
        #[test]
        fn parts_merge_to_the_whole(rows in prop::collection::vec((-2.0f64..2.0, 0.5f64..9.0, 0i64..50), 1..200), cut in 0usize..200) {
            let cut = cut.min(rows.len());
            let collect = |rows: &[(f64, f64, i64)], first: i64| {
                let mut a = Aggregate::default();
                for (i, (x, w, t)) in rows.iter().enumerate() {
                    a.add(*x, *w, Millis(*t), first + i as i64);
                }
                a
            };
            let whole = collect(&rows, 0);
            // In the other order: merging does not depend on which part comes first.
            let mut parts = collect(&rows[cut..], cut as i64);
            parts.merge(&collect(&rows[..cut], 0));
            prop_assert_eq!(parts.mean.n, whole.mean.n);
            prop_assert!((parts.mean.wx - whole.mean.wx).abs() < 1e-9);
            prop_assert_eq!((parts.min, parts.max, parts.latest), (whole.min, whole.max, whole.latest));
            prop_assert_eq!(parts.quantiles(), whole.quantiles());
        }
    }
}
