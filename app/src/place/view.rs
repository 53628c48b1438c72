//! The view of a place's page.

use domain::state::DataState;
use serde::{Deserialize, Serialize};

use crate::{
    shell::top::PageHead,
    ui::{
        chart::{ChartView, HeatmapView},
        empty::EmptyView,
        form::FilterView,
        state::StateView,
        table::TableView,
        tile::TileView,
    },
};

/// A place of the fleet, or the fleet: `/`, customers, sites and zones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaceView {
    pub head: PageHead,
    pub state: StateView,
    pub filter: Option<FilterView>,
    pub empty: Option<EmptyView>,
    pub attention: Option<Vec<AttentionView>>,
    pub attention_more: Option<String>,
    pub tiles: Vec<TileView>,
    pub chart: Option<ChartView>,
    pub heatmap: Option<HeatmapView>,
    pub children: Option<TableView>,
    pub metrics: Option<TableView>,
    pub models: Option<TableView>,
}

/// A site that needs attention.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttentionView {
    pub text: String,
    pub href: String,
    /// A data state, or `None` for a number that got worse.
    pub state: Option<DataState>,
}
