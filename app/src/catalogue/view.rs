//! The view of the catalogue page.

use serde::{Deserialize, Serialize};

use crate::{shell::top::PageHead, ui::table::TableView};

/// `/catalogue`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CatalogueView {
    pub head: PageHead,
    pub summary: String,
    pub table: TableView,
}
