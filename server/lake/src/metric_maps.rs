//! The values of metrics outside of the catalogue, which lie in a map a row. A row has few of many: they are gathered in one
//! pass for all metrics that are wanted, and kept as the rows that have them.

use std::{collections::HashMap, ops::Range};

use arrow::{
    array::{Array, AsArray, Float64Array, MapArray, RecordBatch},
    datatypes::Float64Type,
};
use domain::query::MetricColumn;

use crate::fold::column_named;

/// The rows that have a metric, ascending, and its values.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct SparseValues {
    pub rows: Vec<usize>,
    pub values: Vec<f64>,
}

impl SparseValues {
    /// The part of it that lies in a range of rows.
    pub fn within(&self, rows: &Range<usize>) -> Range<usize> {
        self.rows.partition_point(|r| *r < rows.start)..self.rows.partition_point(|r| *r < rows.end)
    }
}

/// Reads the keys of maps as they come: from memory, or from files.
fn reader<'m>(maps: &'m MapArray) -> impl Fn(usize) -> Option<&'m str> {
    let keys = maps.keys().as_string_opt::<i32>();
    let views = maps.keys().as_string_view_opt();
    move |i| keys.map(|k| k.value(i)).or_else(|| views.map(|k| k.value(i)))
}

/// For each metric that stands in the map its values in the chosen rows; nothing for the others.
///
/// # Errors
/// When the batch lacks the map.
pub fn gather(
    batch: &RecordBatch,
    metrics: &[MetricColumn],
    chosen: &[Range<usize>],
) -> Result<Vec<SparseValues>, String> {
    let named = metrics.iter().enumerate().filter_map(|(m, metric)| match metric {
        MetricColumn::Custom(name) => Some((name.as_str(), m)),
        MetricColumn::BuiltIn(_) => None,
    });
    let wanted: HashMap<&str, usize> = named.collect();
    if wanted.is_empty() {
        return Ok(vec![]);
    }
    let mut found = vec![SparseValues::default(); metrics.len()];
    let maps = column_named(batch, "metrics")?.as_map();
    let (key, values, offsets) = (reader(maps), maps.values().as_primitive::<Float64Type>(), maps.value_offsets());
    for row in chosen.iter().cloned().flatten().filter(|row| maps.is_valid(*row)) {
        for i in (offsets[row] as usize..offsets[row + 1] as usize).filter(|i| values.is_valid(*i)) {
            let Some(m) = key(i).and_then(|k| wanted.get(k)) else { continue };
            let metric = &mut found[*m];
            // Of a key that stands twice in a map the first counts.
            if metric.rows.last() != Some(&row) {
                metric.rows.push(row);
                metric.values.push(values.value(i));
            }
        }
    }
    Ok(found)
}

/// The values of one key of maps.
pub fn column(maps: &MapArray, name: &str) -> Float64Array {
    let (key, values, offsets) = (reader(maps), maps.values().as_primitive::<Float64Type>(), maps.value_offsets());
    let of_row = |row: usize| {
        let mut places = offsets[row] as usize..offsets[row + 1] as usize;
        places.find(|i| key(*i) == Some(name) && values.is_valid(*i)).map(|i| values.value(i))
    };
    (0..maps.len()).map(|row| if maps.is_valid(row) { of_row(row) } else { None }).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Builder, MapBuilder, StringBuilder};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_pass_finds_what_a_pass_a_metric_finds(
            rows in prop::collection::vec(prop::option::of(prop::collection::vec((0u8..5, prop::option::of(-9.0f64..9.0)), 0..5)), 1..40),
            from in 0usize..40, length in 0usize..40,
        ) {
            let mut maps = MapBuilder::new(None, StringBuilder::new(), Float64Builder::new());
            for row in &rows {
                for (key, value) in row.iter().flatten() {
                    maps.keys().append_value(format!("c.{key}"));
                    maps.values().append_option(*value);
                }
                maps.append(row.is_some()).unwrap();
            }
            let maps = maps.finish();
            let batch = RecordBatch::try_from_iter([("metrics", Arc::new(maps.clone()) as ArrayRef)]).unwrap();
            let custom = |k: u8| MetricColumn::Custom(format!("c.{k}"));
            let metrics = [custom(0), MetricColumn::BuiltIn(1), custom(3), custom(4), custom(9)];
            let chosen = from.min(rows.len())..(from + length).min(rows.len());
            let found = gather(&batch, &metrics, std::slice::from_ref(&chosen)).unwrap();
            for (metric, sparse) in metrics.iter().zip(found) {
                let MetricColumn::Custom(name) = metric else {
                    prop_assert_eq!(sparse, SparseValues::default());
                    continue;
                };
                let whole = column(&maps, name);
                let each: Vec<(usize, f64)> =
                    chosen.clone().filter(|r| whole.is_valid(*r)).map(|r| (r, whole.value(r))).collect();
                let half = chosen.start + chosen.len() / 2;
                prop_assert_eq!(sparse.within(&(0..half)).len(), each.iter().filter(|e| e.0 < half).count());
                prop_assert_eq!(sparse.rows.into_iter().zip(sparse.values).collect::<Vec<_>>(), each);
            }
        }
    }
}
