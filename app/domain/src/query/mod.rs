//! Queries about records and their answers. Field names of the answers are the public REST format.

mod comparison;
mod directory;
mod metrics;
mod records;
mod summary;
mod trend;
mod worst;

pub use self::{
    comparison::{Comparison, ComparisonQuery, FieldCell, FieldReport, ModelMetric, ModelSummary},
    directory::{Directory, unknown_metric},
    metrics::{LEADING_METRICS, MetricPage, MetricSelection, SelectedMetrics},
    records::{RecordRow, Records, RecordsQuery},
    summary::{
        ChangesQuery, ChildSummary, EarlierQuantiles, LatestValue, MetricChange, MetricSummary, SeriesBuckets, Summary,
        SummaryQuery,
    },
    trend::{ModelChange, Trend, TrendPoint, TrendQuery},
    worst::{WorstZone, WorstZones, WorstZonesQuery},
};
/// Where values of a metric are kept, beside the queries that name it.
pub use crate::metric::MetricColumn;
