//! The view of the trends page.

use serde::{Deserialize, Serialize};

use crate::{
    shell::top::PageHead,
    ui::{chart::ChartView, delta::DeltaView, empty::EmptyView, form::SelectView, table::TableView},
};

/// `/trends`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrendsView {
    pub head: PageHead,
    pub empty: Option<EmptyView>,
    pub selects: Vec<SelectView>,
    /// Pairs that the form keeps.
    pub hidden: Vec<(String, String)>,
    /// The change against the earlier period, with what it is compared to.
    pub change: Option<(String, DeltaView)>,
    pub chart: Option<ChartView>,
    pub worst: Option<TableView>,
    pub models: Option<TableView>,
}
