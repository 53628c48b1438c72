//! Columns of a batch.

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch};
use domain::query::MetricColumn;

use crate::metric_maps;

/// A column of a batch.
///
/// # Errors
/// When the batch has no such column: our own fault.
pub fn column_named<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, String> {
    batch.column_by_name(name).ok_or_else(|| format!("the column {name} is missing"))
}

/// The column in which the values of a metric are.
pub fn metric_source_column(metric: &MetricColumn) -> &'static str {
    match metric {
        MetricColumn::BuiltIn(i) => crate::scan::metric_column(*i),
        MetricColumn::Custom(_) => "metrics",
    }
}

/// The values of a metric in a batch.
///
/// # Errors
/// When the batch lacks its column.
pub fn values_of(batch: &RecordBatch, metric: &MetricColumn) -> Result<Float64Array, String> {
    let column = column_named(batch, metric_source_column(metric))?;
    Ok(match metric {
        MetricColumn::BuiltIn(_) => column.as_primitive().clone(),
        MetricColumn::Custom(name) => metric_maps::column(column.as_map(), name),
    })
}
