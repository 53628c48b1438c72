//! The view of the records page.

use serde::{Deserialize, Serialize};

use crate::{
    shell::top::PageHead,
    ui::{empty::EmptyView, form::FilterView, table::TableView},
};

/// `/records`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordsView {
    pub head: PageHead,
    pub filter: Option<FilterView>,
    pub empty: Option<EmptyView>,
    pub summary: String,
    pub table: Option<TableView>,
}
