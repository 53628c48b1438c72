//! How a scope did over a range, against an earlier one.

use serde::{Deserialize, Serialize};

use super::metrics::MetricSelection;
use crate::{
    cells::TimeBuckets,
    change::{Colour, Delta},
    error::{Error, Result},
    metric::Direction,
    scope::Scope,
    sentences,
    state::{DataState, Health},
    time::{Millis, Step, TimeRange},
};

/// How a scope did over a range, against an earlier one.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryQuery {
    pub scope: Scope,
    pub range: TimeRange,
    /// The period with which it is compared; see [`crate::time::EarlierPeriod`].
    pub earlier: TimeRange,
    /// Also answer for each child of the scope.
    pub children: bool,
    /// Of the fleet: also answer for each site.
    pub sites: bool,
    /// About which metrics.
    pub metrics: MetricSelection,
    /// Of which of these the earlier period's quantiles are given as well: they cost as much as those of the range.
    pub earlier_quantiles: MetricSelection,
    /// Also give the course of each metric.
    pub course: Option<SeriesBuckets>,
    /// Also say of each change whether it is more than noise ([`MetricChange`]).
    pub changes: bool,
    /// The present moment: ages are taken at min(`to`, now).
    pub now: Millis,
}

/// What a metric's change between two periods is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangesQuery {
    pub scope: Scope,
    /// The key of the metric.
    pub metric: String,
    pub range: TimeRange,
    pub earlier: TimeRange,
}

/// Over which range a course goes, and where it is cut.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesBuckets {
    pub range: TimeRange,
    pub buckets: TimeBuckets,
}

impl SeriesBuckets {
    /// In steps from the range's own beginning, so that none is cut off: half a day at the end would look like a change.
    #[must_use]
    pub fn of_steps(range: TimeRange, step: Step) -> Self {
        Self { range, buckets: TimeBuckets::every(range.from(), step) }
    }

    /// Cut at these instants. The first begins it, the last ends it.
    ///
    /// # Errors
    /// Fewer than two of them.
    pub fn between(instants: &[Millis]) -> Result<Self> {
        let mut sorted = instants.to_vec();
        sorted.sort_unstable();
        let ends = sorted.first().zip(sorted.last()).ok_or_else(|| Error::internal(sentences::no_instants()))?;
        Ok(Self { range: TimeRange::new(*ends.0, *ends.1)?, buckets: TimeBuckets::from_instants(sorted) })
    }

    /// The number of its first bucket.
    pub(crate) fn first(&self) -> u32 {
        self.buckets.bucket_of(self.range.from())
    }

    /// Its buckets: from when until before when each lasts, the last as long as the edges say.
    #[must_use]
    pub fn buckets(&self) -> Vec<(Millis, Millis)> {
        let last = self.buckets.bucket_of(self.range.to().plus(-1));
        let ends = |bucket: u32| {
            let (from, to) = self.buckets.bounds(bucket);
            (from.unwrap_or(self.range.from()), to.unwrap_or(self.range.to()))
        };
        (self.first()..=last).map(ends).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub scope: Scope,
    pub from: Millis,
    pub to: Millis,
    /// When the newest arrival was that the answer knows of.
    pub as_of: Millis,
    pub health: Health,
    pub simulated: bool,
    pub metrics: Vec<MetricSummary>,
    /// When the scope's records begin, where that is after the beginning of the earlier period.
    #[serde(skip)]
    pub since: Option<Millis>,
    /// Records in the range.
    #[serde(skip)]
    pub records: u64,
    /// The keys of all metrics that the scope has, in their order, when a page of them was asked for.
    #[serde(skip)]
    pub present: Vec<String>,
    pub children: Vec<ChildSummary>,
    /// Every site of the fleet, when asked for.
    #[serde(skip)]
    pub sites: Vec<ChildSummary>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChildSummary {
    pub scope: Scope,
    pub health: Health,
    pub simulated: bool,
    /// Records in the range.
    #[serde(skip)]
    pub records: u64,
    pub metrics: Vec<MetricSummary>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricSummary {
    pub metric: String,
    pub unit: String,
    pub direction: Direction,
    /// Σwx/Σw over the range.
    pub value: Option<f64>,
    /// The same over the earlier period.
    pub previous: Option<f64>,
    /// `value` minus `previous`.
    pub delta: Option<f64>,
    /// What of that is the same places doing otherwise, and whether it is more than noise; where asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change: Option<MetricChange>,
    /// Records in the range that have this metric.
    pub n: u64,
    /// Σw of these records.
    pub weight: f64,
    pub sites_reporting: u32,
    pub sites_expected: u32,
    pub latest: Option<LatestValue>,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    /// The quantiles over the earlier period, and by how much those of the range differ from them; where asked for.
    #[serde(flatten)]
    pub earlier_quantiles: Option<EarlierQuantiles>,
    pub state: DataState,
    /// The devices whose numbers were put together, where that matters and there is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub devices: Vec<String>,
    /// True when at least one record behind the number is simulated.
    pub simulated: bool,
    /// True when direction and range were guessed from the name.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub assumed: bool,
    #[serde(skip)]
    /// The mean of each bucket of the query's course; `None` where no record was.
    pub course: Vec<Option<f64>>,
}

/// A change and its colour in the table that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricChange {
    #[serde(flatten)]
    pub delta: Delta,
    pub colour: Colour,
}

/// A difference is `None` where the range has no record with the metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EarlierQuantiles {
    pub previous_p50: f64,
    pub previous_p95: f64,
    pub previous_p99: f64,
    pub delta_p50: Option<f64>,
    pub delta_p95: Option<f64>,
    pub delta_p99: Option<f64>,
}

impl EarlierQuantiles {
    /// From p50, p95 and p99 of the earlier period and of the range.
    #[must_use]
    pub fn new(before: [f64; 3], now: Option<[f64; 3]>) -> Self {
        let delta = |i: usize| now.map(|now| now[i] - before[i]);
        Self {
            previous_p50: before[0],
            previous_p95: before[1],
            previous_p99: before[2],
            delta_p50: delta(0),
            delta_p95: delta(1),
            delta_p99: delta(2),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatestValue {
    pub value: f64,
    pub timestamp: Millis,
}
