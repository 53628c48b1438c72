//! Answers: cells in columns, a group after the other, with names as numbers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Detail, Dimension, MetricDetail, QueryPart};
use crate::{
    aggregate::{Aggregate, Moments, NewestValue, WeightedMean},
    model::{ModelKey, ModelTagSummary},
    text::Name,
    time::{Day, Millis},
};

/// What it took to answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct QueryCost {
    /// Rows that were looked at.
    pub rows: u64,
    pub cells: u64,
    /// Sketches with at least one value.
    pub sketches: u64,
}

/// The names behind the numbers of keys. Both lists ascend, so keys sort as their names do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameTable {
    pub names: Vec<Name>,
    pub models: Vec<ModelNames>,
}

/// A model as its rows name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelNames {
    pub key: ModelKey,
    pub tags: ModelTagSummary,
}

/// By [`Dimension`]: 0 where the part does not group by it or the rows name none, else one more than the place in [`NameTable`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKey(pub [u32; 6]);

impl GroupKey {
    /// The number that stands for a dimension.
    #[must_use]
    pub fn dimension_code(&self, by: Dimension) -> u32 {
        self.0[by as usize]
    }
}

impl NameTable {
    /// The name that a key holds.
    #[must_use]
    pub fn name(&self, key: &GroupKey, by: Dimension) -> Option<&Name> {
        debug_assert!(by != Dimension::Model);
        self.names.get(key.dimension_code(by).checked_sub(1)? as usize)
    }

    #[must_use]
    pub fn model(&self, key: &GroupKey) -> Option<&ModelNames> {
        self.models.get(key.dimension_code(Dimension::Model).checked_sub(1)? as usize)
    }
}

/// The cells of one group in one part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellGroup {
    /// The place of its part in the query.
    pub part: usize,
    pub key: GroupKey,
    pub cells: Cells,
}

/// Sets of hashes, for counting what several cells have in common once.
pub type DistinctHashes = BTreeSet<u64>;

/// Cells of one group in columns, one row a bucket between edges; a bucket without rows has none. What was not asked for is
/// no column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cells {
    /// See [`super::TimeBuckets::bucket`]; ascending.
    pub buckets: Vec<u32>,
    pub rows: Vec<u64>,
    /// Oldest and newest event.
    pub first: Vec<Millis>,
    pub last: Vec<Millis>,
    /// Whether a row is simulated.
    pub simulated: Vec<bool>,
    pub sites: Option<Vec<DistinctHashes>>,
    pub zones: Option<Vec<DistinctHashes>>,
    pub devices: Option<Vec<DeviceNames>>,
    pub days: Option<Vec<BTreeSet<Day>>>,
    /// By metric of the part.
    pub metrics: Vec<MetricValues>,
}

/// Devices by name; an empty text for none.
pub type DeviceNames = BTreeSet<Box<str>>;

/// The values of one metric, a row a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricValues {
    pub sums: MetricSums,
    /// Whether a value is simulated.
    pub simulated: Vec<bool>,
    pub latest: Option<Vec<Option<NewestValue>>>,
    pub sites: Option<Vec<DistinctHashes>>,
    /// Named ones only.
    pub devices: Option<Vec<DeviceNames>>,
}

/// As much as was asked for; see [`super::Detail`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MetricSums {
    Means(Vec<WeightedMean>),
    Moments(Vec<Moments>),
    Full(Vec<Aggregate>),
}

impl Cells {
    /// No cells, with the columns that a part asks for.
    #[must_use]
    pub fn for_part(part: &QueryPart) -> Self {
        let noted = part.noted;
        let values = |w: &MetricDetail| MetricValues {
            sums: match w.detail {
                Detail::Means => MetricSums::Means(vec![]),
                Detail::Moments => MetricSums::Moments(vec![]),
                Detail::Full => MetricSums::Full(vec![]),
            },
            simulated: vec![],
            latest: w.latest.then(Vec::new),
            sites: w.sites.then(Vec::new),
            devices: w.devices.then(Vec::new),
        };
        Self {
            sites: noted.sites.then(Vec::new),
            zones: noted.zones.then(Vec::new),
            devices: noted.devices.then(Vec::new),
            days: noted.days.then(Vec::new),
            metrics: part.metrics.iter().map(values).collect(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Adds an empty cell at a row; those from there on move up.
    pub fn insert(&mut self, row: usize, bucket: u32) {
        self.buckets.insert(row, bucket);
        self.rows.insert(row, 0);
        self.first.insert(row, Millis(i64::MAX));
        self.last.insert(row, Millis(i64::MIN));
        self.simulated.insert(row, false);
        blank(&mut self.sites, row);
        blank(&mut self.zones, row);
        blank(&mut self.devices, row);
        blank(&mut self.days, row);
        for m in &mut self.metrics {
            match &mut m.sums {
                MetricSums::Means(all) => all.insert(row, WeightedMean::default()),
                MetricSums::Moments(all) => all.insert(row, Moments::default()),
                MetricSums::Full(all) => all.insert(row, Aggregate::default()),
            }
            m.simulated.insert(row, false);
            blank(&mut m.latest, row);
            blank(&mut m.sites, row);
            blank(&mut m.devices, row);
        }
    }

    /// Merges a cell of others of the same shape into one of these.
    pub fn merge_row(&mut self, row: usize, other: &Self, from: usize) {
        self.rows[row] += other.rows[from];
        self.first[row] = self.first[row].min(other.first[from]);
        self.last[row] = self.last[row].max(other.last[from]);
        self.simulated[row] |= other.simulated[from];
        unite(&mut self.sites, row, &other.sites, from);
        unite(&mut self.zones, row, &other.zones, from);
        unite(&mut self.devices, row, &other.devices, from);
        unite(&mut self.days, row, &other.days, from);
        for (ours, theirs) in self.metrics.iter_mut().zip(&other.metrics) {
            match (&mut ours.sums, &theirs.sums) {
                (MetricSums::Means(a), MetricSums::Means(b)) => a[row].merge(&b[from]),
                (MetricSums::Moments(a), MetricSums::Moments(b)) => a[row].merge(&b[from]),
                (MetricSums::Full(a), MetricSums::Full(b)) => a[row].merge(&b[from]),
                _ => debug_assert!(false, "cells of two parts were merged"),
            }
            ours.simulated[row] |= theirs.simulated[from];
            if let (Some(a), Some(b)) = (&mut ours.latest, &theirs.latest) {
                NewestValue::merge(&mut a[row], b[from]);
            }
            unite(&mut ours.sites, row, &theirs.sites, from);
            unite(&mut ours.devices, row, &theirs.devices, from);
        }
    }

    /// Merges others of the same part in, bucket by bucket.
    pub fn merge(&mut self, other: &Self) {
        let mut row = 0;
        for (from, bucket) in other.buckets.iter().enumerate() {
            row += self.buckets[row..].partition_point(|s| s < bucket);
            if self.buckets.get(row) != Some(bucket) {
                self.insert(row, *bucket);
            }
            self.merge_row(row, other, from);
        }
    }

    /// Takes some rows out, in the order given, and leaves empty ones there.
    #[must_use]
    pub fn take_rows(&mut self, rows: &[usize]) -> Self {
        fn pick<T: Default>(all: &mut [T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|r| std::mem::take(&mut all[*r])).collect()
        }
        fn pick_some<T: Default>(all: &mut Option<Vec<T>>, rows: &[usize]) -> Option<Vec<T>> {
            all.as_mut().map(|all| pick(all, rows))
        }
        Self {
            buckets: pick(&mut self.buckets, rows),
            rows: pick(&mut self.rows, rows),
            first: rows.iter().map(|r| self.first[*r]).collect(),
            last: rows.iter().map(|r| self.last[*r]).collect(),
            simulated: pick(&mut self.simulated, rows),
            sites: pick_some(&mut self.sites, rows),
            zones: pick_some(&mut self.zones, rows),
            devices: pick_some(&mut self.devices, rows),
            days: pick_some(&mut self.days, rows),
            metrics: self
                .metrics
                .iter_mut()
                .map(|m| MetricValues {
                    sums: match &mut m.sums {
                        MetricSums::Means(all) => MetricSums::Means(pick(all, rows)),
                        MetricSums::Moments(all) => MetricSums::Moments(pick(all, rows)),
                        MetricSums::Full(all) => MetricSums::Full(pick(all, rows)),
                    },
                    simulated: pick(&mut m.simulated, rows),
                    latest: pick_some(&mut m.latest, rows),
                    sites: pick_some(&mut m.sites, rows),
                    devices: pick_some(&mut m.devices, rows),
                })
                .collect(),
        }
    }

    /// How many of its sketches hold a value.
    #[must_use]
    pub fn sketches(&self) -> u64 {
        let full = |m: &MetricValues| match &m.sums {
            MetricSums::Full(all) => all.iter().filter(|a| a.mean().n > 0).count() as u64,
            MetricSums::Means(_) | MetricSums::Moments(_) => 0,
        };
        self.metrics.iter().map(full).sum()
    }
}

fn blank<T: Default>(column: &mut Option<Vec<T>>, row: usize) {
    if let Some(all) = column {
        all.insert(row, T::default());
    }
}

fn unite<T: Ord + Clone>(
    ours: &mut Option<Vec<BTreeSet<T>>>,
    row: usize,
    theirs: &Option<Vec<BTreeSet<T>>>,
    from: usize,
) {
    if let (Some(a), Some(b)) = (ours, theirs) {
        // Most often both are the same one or two.
        if !b[from].is_subset(&a[row]) {
            a[row].extend(b[from].iter().cloned());
        }
    }
}

impl MetricSums {
    #[must_use]
    pub fn mean(&self, row: usize) -> WeightedMean {
        match self {
            Self::Means(all) => all[row],
            Self::Moments(all) => all[row].mean,
            Self::Full(all) => all[row].spread.mean,
        }
    }

    #[must_use]
    pub fn moments(&self, row: usize) -> Option<&Moments> {
        match self {
            Self::Means(_) => None,
            Self::Moments(all) => all.get(row),
            Self::Full(all) => all.get(row).map(|a| &a.spread),
        }
    }

    #[must_use]
    pub fn aggregate(&self, row: usize) -> Option<&Aggregate> {
        match self {
            Self::Means(_) | Self::Moments(_) => None,
            Self::Full(all) => all.get(row),
        }
    }
}
