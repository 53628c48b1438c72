//! Time buckets: where one cell ends and the next begins.

use std::sync::Arc;

use crate::time::{Millis, Step};

/// Instants that cut time into buckets, numbered from 0. Before the first edge and behind the last there is a bucket as well,
/// without a beginning or an end, so that every moment lies in exactly one. The caller chooses the instants: local midnights, a
/// range's own beginning, steps of a second. Those on the UTC grid of 15 minutes can be answered from sums made ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeBuckets(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Ascending, each once.
    At(Arc<[Millis]>),
    /// At `from` and every `step` ms after it; the bucket before `from` has the number 0.
    Every { from: Millis, step: i64 },
}

impl TimeBuckets {
    /// All time is one bucket.
    #[must_use]
    pub fn single() -> Self {
        Self(Kind::At(Arc::from([])))
    }

    /// At these instants, in any order.
    #[must_use]
    pub fn from_instants(instants: impl IntoIterator<Item = Millis>) -> Self {
        let mut instants: Vec<Millis> = instants.into_iter().collect();
        instants.sort_unstable();
        instants.dedup();
        Self(Kind::At(instants.into()))
    }

    /// At `from` and every step after it.
    #[must_use]
    pub fn every(from: Millis, step: Step) -> Self {
        Self(Kind::Every { from, step: step.ms() })
    }

    /// The number of the bucket in which a moment lies. Beyond what a number holds, the last one.
    #[must_use]
    pub fn bucket_of(&self, at: Millis) -> u32 {
        let number = match &self.0 {
            Kind::At(instants) => instants.partition_point(|e| *e <= at) as i64,
            Kind::Every { from, step } => (at.0.saturating_sub(from.0).div_euclid(*step) + 1).max(0),
        };
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// The bucket in which a moment lies, and its bounds.
    #[must_use]
    pub fn bucket_and_bounds(&self, at: Millis) -> (u32, (Option<Millis>, Option<Millis>)) {
        if let Kind::Every { from, step } = &self.0 {
            let before = at.0.saturating_sub(from.0).div_euclid(*step);
            if let (0.., Ok(number)) = (before, u32::try_from(before.saturating_add(1)))
                && let Some(begin) = before.checked_mul(*step).and_then(|ms| ms.checked_add(from.0))
            {
                return (number, (Some(Millis(begin)), Some(Millis(begin.saturating_add(*step)))));
            }
        }
        let bucket = self.bucket_of(at);
        (bucket, self.bounds(bucket))
    }

    /// The length of the shortest bucket between two edges, in ms; `None` where there are not two.
    #[must_use]
    pub fn shortest_ms(&self) -> Option<i64> {
        match &self.0 {
            Kind::At(instants) => instants.windows(2).map(|w| w[1].0 - w[0].0).min(),
            Kind::Every { step, .. } => Some(*step),
        }
    }

    /// Start (inclusive) and end (exclusive) of a bucket; `None` where it has no beginning or no end.
    #[must_use]
    pub fn bounds(&self, bucket: u32) -> (Option<Millis>, Option<Millis>) {
        let before = bucket.checked_sub(1);
        match &self.0 {
            Kind::At(instants) => {
                let at = |i: u32| instants.get(i as usize).copied();
                (before.and_then(at), at(bucket))
            }
            Kind::Every { from, step } => {
                let at = |i: u32| Millis(from.0.saturating_add(i64::from(i).saturating_mul(*step)));
                (before.map(at), Some(at(bucket)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn buckets() -> impl Strategy<Value = TimeBuckets> {
        let at = prop::collection::vec(0i64..5_000, 0..8)
            .prop_map(|at| TimeBuckets::from_instants(at.into_iter().map(Millis)));
        let every = (0i64..5_000, 1i64..4)
            .prop_map(|(from, s)| TimeBuckets::every(Millis(from), Step::parse(&format!("{s}s")).expect("a step")));
        prop_oneof![at, every]
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_one_stretch_and_stretches_follow_each_other(buckets in buckets(), at in -9_000i64..19_000) {
            let at = Millis(at);
            let bucket = buckets.bucket_of(at);
            let (from, to) = buckets.bounds(bucket);
            prop_assert_eq!(buckets.bucket_and_bounds(at), (bucket, (from, to)));
            prop_assert!(from.is_none_or(|f| f <= at) && to.is_none_or(|t| at < t));
            if let Some(to) = to {
                prop_assert_eq!(buckets.bucket_of(to), bucket + 1);
                prop_assert_eq!(buckets.bounds(bucket + 1).0, Some(to));
            }
            prop_assert_eq!(from.is_none(), bucket == 0);
        }
    }

    #[test]
    fn without_edges_all_time_is_one_stretch() {
        assert_eq!((TimeBuckets::single().bucket_of(Millis(-5)), TimeBuckets::single().bounds(0)), (0, (None, None)));
    }
}
