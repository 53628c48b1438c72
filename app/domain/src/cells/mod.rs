//! The query type for all aggregates. A cell holds what is known of the rows of one group in one time bucket: how many
//! they are, and of each metric the sums that answers are made of. Cells merge in any order, so that cores, files and machines
//! may each make their own; summaries, trends, comparisons and heatmaps are functions over them ([`crate::reducers`]).
//!
//! Deliberately no cells: the listing of records and their export (rows, not sums), the directory of names, the places that are
//! expected, and when a model was first seen (what is known of files without reading a row). A [`crate::ports::MetricsSnapshot`] has these.

mod buckets;
mod table;

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

pub use self::{
    buckets::TimeBuckets,
    table::{
        CellGroup, Cells, DeviceNames, DistinctHashes, GroupKey, MetricSums, MetricValues, ModelNames, NameTable,
        QueryCost,
    },
};
use crate::{
    metric::MetricColumn,
    model::{ModelKey, RegistryVersions},
    scope::{Place, Scope},
    text::Name,
    time::{Day, Millis, Ranges},
};

/// What rows can be distinguished by, in the order in which keys hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    Customer,
    Site,
    Zone,
    Task,
    Model,
    Device,
}

impl Dimension {
    pub const ALL: [Self; 6] = [Self::Customer, Self::Site, Self::Zone, Self::Task, Self::Model, Self::Device];
}

/// A query: which rows, and what of them. All parts are answered in one pass over the rows that any of them looks at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CellsQuery {
    pub filter: Filter,
    pub parts: Vec<QueryPart>,
}

impl CellsQuery {
    /// The moments that any part looks at, and nothing between.
    #[must_use]
    pub fn time_ranges(&self) -> Ranges {
        Ranges::of(self.parts.iter().flat_map(|p| p.ranges.iter().copied()))
    }
}

/// Which rows count.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    pub scope: Scope,
    /// Of these models only; all when empty. A key without a version stands for every version.
    pub models: Vec<ModelKey>,
    /// Measured on one of these devices only; all when empty.
    pub devices: Vec<Name>,
    /// As it was known then: what arrived later does not count, and a row that a correction has replaced since counts as it was.
    pub known_at: Option<Millis>,
    /// Only rows that arrived at most so many ms after the end of their cell; a cell without an end takes them all.
    pub received_within: Option<i64>,
    /// Only rows of these places on these days: for queries that are to use the same days as others.
    pub on: Option<Arc<BTreeSet<(Place, Day)>>>,
    /// Which registered version a run or a pair of tags belongs to.
    pub versions: Arc<RegistryVersions>,
}

/// One part of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryPart {
    pub ranges: Ranges,
    /// Time buckets: where one cell ends and the next begins.
    pub buckets: TimeBuckets,
    /// Ascending, each once.
    pub group_by: Vec<Dimension>,
    pub metrics: Vec<MetricDetail>,
    /// What is noted of a cell's rows, whatever metrics they have.
    pub noted: TrackedSets,
}

impl QueryPart {
    /// One cell a group, over these ranges.
    #[must_use]
    pub fn over(ranges: impl Into<Ranges>) -> Self {
        Self {
            ranges: ranges.into(),
            buckets: TimeBuckets::single(),
            group_by: vec![],
            metrics: vec![],
            noted: TrackedSets::default(),
        }
    }

    #[must_use]
    pub fn with_buckets(self, buckets: TimeBuckets) -> Self {
        Self { buckets, ..self }
    }

    #[must_use]
    pub fn group_by(self, group_by: impl IntoIterator<Item = Dimension>) -> Self {
        let group_by: BTreeSet<Dimension> = group_by.into_iter().collect();
        Self { group_by: group_by.into_iter().collect(), ..self }
    }

    #[must_use]
    pub fn with_metrics(self, metrics: impl IntoIterator<Item = MetricDetail>) -> Self {
        Self { metrics: metrics.into_iter().collect(), ..self }
    }

    #[must_use]
    pub fn tracking(self, noted: TrackedSets) -> Self {
        Self { noted, ..self }
    }
}

/// What is kept of the values of one metric. Each level holds the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// n, Σw, Σwx.
    Means,
    /// Σw², Σwx²: what a variance is made of.
    Moments,
    /// Smallest, largest, and a sketch of the quantiles.
    Full,
}

/// A metric, and what of it is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricDetail {
    pub column: MetricColumn,
    pub detail: Detail,
    /// The newest value.
    pub latest: bool,
    /// The sites that reported it.
    pub sites: bool,
    /// The devices on which it was measured.
    pub devices: bool,
}

impl MetricDetail {
    #[must_use]
    pub fn new(column: MetricColumn, detail: Detail) -> Self {
        Self { column, detail, latest: false, sites: false, devices: false }
    }
}

/// Sets that a cell keeps of its rows. Each costs a look at every run of rows, so each is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackedSets {
    /// The sites and zones that reported, by hash: for counting them, also over cells.
    pub sites: bool,
    pub zones: bool,
    /// Devices by name; an empty text where a row names none.
    pub devices: bool,
    /// UTC days.
    pub days: bool,
}
