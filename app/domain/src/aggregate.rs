//! What is kept of many values of one metric: enough for every headline number, and mergeable.
//! A mean is always Σwx/Σw with w = `samples`; there is no mean of means anywhere.

use serde::{Deserialize, Serialize};

use crate::{sketch::QuantileSketch, time::Millis};

/// The sums behind one mean: n, Σw and Σwx.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct WeightedMean {
    pub n: u64,
    pub w: f64,
    pub wx: f64,
}

impl WeightedMean {
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

/// The sums behind a mean and the variance around it: those of [`WeightedMean`], and Σw² and Σwx².
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    pub mean: WeightedMean,
    pub ww: f64,
    pub wxx: f64,
}

impl Moments {
    #[inline]
    pub fn add(&mut self, x: f64, w: f64) {
        self.mean.add(x, w);
        self.ww += w * w;
        self.wxx += w * x * x;
    }
    pub fn merge(&mut self, other: &Self) {
        self.mean.merge(&other.mean);
        self.ww += other.ww;
        self.wxx += other.wxx;
    }
}

/// Everything about the values of one metric over some records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    pub spread: Moments,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub sketch: QuantileSketch,
}

/// The value of the newest record; of two at the same moment, the one that arrived last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NewestValue {
    pub at: Millis,
    /// Arrival order.
    pub seq: i64,
    pub value: f64,
}

impl NewestValue {
    /// Keeps the newer of the two.
    pub fn merge(into: &mut Option<Self>, other: Option<Self>) {
        if let Some(o) = other
            && into.is_none_or(|l| (l.at, l.seq) < (o.at, o.seq))
        {
            *into = Some(o);
        }
    }
}

impl Aggregate {
    /// The sums of its mean.
    #[must_use]
    pub fn mean(&self) -> &WeightedMean {
        &self.spread.mean
    }

    /// Adds one finite value with its weight.
    pub fn add(&mut self, x: f64, w: f64) {
        let mut sums = Moments::default();
        sums.add(x, w);
        self.add_summed(&sums, x, std::iter::once(x));
    }

    /// Adds finite values whose sums are known already; `one` of them is any.
    #[inline]
    pub fn add_summed(&mut self, sums: &Moments, one: f64, values: impl Iterator<Item = f64>) {
        self.spread.merge(sums);
        let (mut min, mut max) = (self.min.unwrap_or(one), self.max.unwrap_or(one));
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
    }

    pub fn merge(&mut self, other: &Self) {
        self.spread.merge(&other.spread);
        self.min = [self.min, other.min].into_iter().flatten().reduce(f64::min);
        self.max = [self.max, other.max].into_iter().flatten().reduce(f64::max);
        self.sketch.merge(&other.sketch);
    }

    /// p50, p95 and p99 over records, unweighted, kept within the values seen.
    #[must_use]
    pub fn quantiles(&self) -> Option<[f64; 3]> {
        self.within([0.5, 0.95, 0.99])
    }

    /// Another quantile, in 0..=1.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.within([q]).map(|[q]| q)
    }

    fn within<const N: usize>(&self, qs: [f64; N]) -> Option<[f64; N]> {
        let (min, max) = (self.min?, self.max?);
        self.sketch.quantiles(qs).map(|qs| qs.map(|q| q.clamp(min, max)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_mean_is_weighted_by_samples() {
        let mut a = Aggregate::default();
        a.add(1.0, 1.0);
        a.add(0.0, 3.0);
        assert_eq!(a.mean().value(), Some(0.25));
        assert_eq!((a.spread.ww, a.spread.wxx), (10.0, 1.0));
        assert_eq!(Aggregate::default().mean().value(), None);
    }

    #[test]
    fn of_two_values_of_the_same_moment_the_last_arrival_is_the_latest() {
        let one = |at, seq| Some(NewestValue { at: Millis(at), seq, value: 0.5 });
        let newest = |all: [Option<NewestValue>; 3]| {
            all.into_iter().fold(None, |mut l, o| {
                NewestValue::merge(&mut l, o);
                l
            })
        };
        assert_eq!(newest([one(1, 9), one(2, 3), one(2, 2)]), one(2, 3));
        assert_eq!(newest([None, one(1, 9), None]), one(1, 9));
    }

    proptest! {
        #[test]
        fn parts_merge_to_the_whole(rows in prop::collection::vec((-2.0f64..2.0, 0.5f64..9.0), 1..200), cut in 0usize..200) {
            let cut = cut.min(rows.len());
            let collect = |rows: &[(f64, f64)]| {
                let mut a = Aggregate::default();
                rows.iter().for_each(|(x, w)| a.add(*x, *w));
                a
            };
            let whole = collect(&rows);
            // In the other order: merging does not depend on which part comes first.
            let mut parts = collect(&rows[cut..]);
            parts.merge(&collect(&rows[..cut]));
            prop_assert_eq!(parts.mean().n, whole.mean().n);
            let sums = |a: &Aggregate| [a.mean().wx, a.mean().w, a.spread.ww, a.spread.wxx];
            prop_assert!(sums(&parts).iter().zip(sums(&whole)).all(|(a, b)| (a - b).abs() < 1e-9));
            prop_assert_eq!((parts.min, parts.max), (whole.min, whole.max));
            prop_assert_eq!(parts.quantiles(), whole.quantiles());
        }
    }
}
