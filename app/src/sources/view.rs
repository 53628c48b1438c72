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
    /// What runs in the background and has errors.
    pub jobs: Option<TableView>,
    /// Where experiments and runs come from.
    pub tracking: Option<TableView>,
    /// Why their source cannot be read.
    pub tracking_error: Option<String>,
    pub tracking_warning: Option<String>,
    pub failed: Option<TableView>,
    /// The files of declarations.
    pub written: Option<TableView>,
    /// Metrics that are in their records and nowhere else.
    pub beyond: Option<TableView>,
    pub sources: Option<TableView>,
    pub volume: Option<ChartView>,
}
