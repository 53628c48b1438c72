//! Which metrics a query is about.

use crate::metric::{Aggregation, CATALOGUE, Metric, MetricColumn};

/// Metrics that a query is about: what nobody looks at need not be worked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MetricSelection {
    #[default]
    All,
    /// Those with these keys, as answers write them.
    Only(Vec<String>),
    /// What a page shows of a scope that may have thousands.
    Page(MetricPage),
}

/// Some of the metrics that a scope has, in their order: the first [`LEADING_METRICS`], and `take` of them after `skip`; beside them
/// those of `always`, whether the scope has them or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricPage {
    /// Keys, in any case.
    pub always: Vec<String>,
    pub skip: usize,
    pub take: usize,
}

/// So many of a scope's metrics are on every page of them: what it is judged by where the catalogue's are missing.
pub const LEADING_METRICS: usize = 5;

impl MetricSelection {
    pub fn only(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Only(keys.into_iter().map(Into::into).collect())
    }

    #[must_use]
    pub fn none() -> Self {
        Self::Only(vec![])
    }

    /// Those that are judged by their tail: latencies.
    #[must_use]
    pub fn latencies() -> Self {
        Self::only(CATALOGUE.iter().filter(|m| m.aggregation == Aggregation::WeightedMeanAndTail).map(|m| &*m.key))
    }

    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(keys) => keys.iter().any(|k| k == key),
            // Its place among the scope's decides as well.
            Self::Page(page) => page.always.iter().any(|k| k.eq_ignore_ascii_case(key)),
        }
    }
}

/// The metrics that a query is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SelectedMetrics {
    pub metrics: Vec<(Metric, MetricColumn)>,
    /// The keys of all that the scope has, when a page of them was asked for.
    pub present: Vec<String>,
}
