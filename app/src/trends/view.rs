//! The view of the trends page.

use serde::{Deserialize, Serialize};

use crate::{
    shell::top::PageHead,
    ui::{chart::ChartView, empty::EmptyView, form::SelectView, table::TableView},
};

/// `/trends`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrendsView {
    pub head: PageHead,
    pub empty: Option<EmptyView>,
    pub selects: Vec<SelectView>,
    /// Pairs that the form keeps.
    pub hidden: Vec<(String, String)>,
    pub chart: Option<ChartView>,
    pub worst: Option<TableView>,
    pub models: Option<TableView>,
}
