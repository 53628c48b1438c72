//! What people ask, as cells: which cells a query needs, and what an answer makes of them. Pure functions: groups come in the
//! order of their keys, each is taken in once and let go of.

#[cfg(feature = "evidence")]
pub mod changed;
pub mod comparison;
#[cfg(feature = "evidence")]
pub mod deltas;
#[cfg(feature = "evidence")]
pub mod evidence;
pub mod field;
pub mod summary;
pub mod trend;
pub mod worst;

#[cfg(all(test, feature = "evidence"))]
mod deltas_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::{
    cells::{CellGroup, DeviceNames, MetricValues},
    metric::CATALOGUE,
    query::MetricColumn,
};

/// An answer on its way.
pub trait CellReducer {
    type Answer;
    /// Takes a group in. Groups come in the order of their keys, and of one key by part.
    fn take(&mut self, group: CellGroup);
    fn finish(self) -> Self::Answer;
}

/// Whether numbers of this metric depend on the device: then answers say on which they were measured.
fn depends_on_device(column: &MetricColumn) -> bool {
    matches!(column, MetricColumn::BuiltIn(i) if CATALOGUE[*i].depends_on_device())
}

/// The devices whose numbers were put together; none where it was one.
fn mixed(devices: &DeviceNames) -> Vec<String> {
    if devices.len() > 1 { devices.iter().map(ToString::to_string).collect() } else { vec![] }
}

/// The devices of a metric over some of its cells.
fn devices_of(values: &MetricValues) -> BTreeSet<&str> {
    values.devices.iter().flatten().flatten().map(|d| &**d).collect()
}
