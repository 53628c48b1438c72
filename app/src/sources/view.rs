//! The view of the sources page.

use serde::{Deserialize, Serialize};

use crate::{
    shell::top::PageHead,
    ui::{chart::ChartView, empty::EmptyView, table::TableView},
};

/// `/sources`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourcesView {
    pub head: PageHead,
    pub empty: Option<EmptyView>,
    pub summary: String,
    /// What runs beside requests and is in trouble.
    pub jobs: Option<TableView>,
    pub failed: Option<TableView>,
    /// The files in which people have written down names and expectations.
    pub written: Option<TableView>,
    /// Metrics that are in their records and nowhere else.
    pub beyond: Option<TableView>,
    pub sources: Option<TableView>,
    pub volume: Option<ChartView>,
}
