//! The view of the comparison page.

use serde::{Deserialize, Serialize};

use crate::{
    shell::top::PageHead,
    ui::{chart::PictureView, empty::EmptyView, form::SelectView, menu::Choices, table::TableView},
};

/// `/compare`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompareView {
    pub head: PageHead,
    pub empty: Option<EmptyView>,
    /// One sentence: who leads.
    pub finding: String,
    /// Why places matter.
    pub explained: String,
    /// Models that can be put side by side; `more` are folded away.
    pub models: Vec<ModelChip>,
    pub more: Vec<ModelChip>,
    pub choices: Vec<Choices>,
    pub selects: Vec<SelectView>,
    pub hidden: Vec<(String, String)>,
    /// The verdict on the first challenger, as HTML.
    pub verdict: Option<String>,
    pub table: Option<TableView>,
    pub sites: Option<TableView>,
    pub pictures: Vec<PictureView>,
}

/// A model that can be put beside others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelChip {
    pub label: String,
    pub n: String,
    pub chosen: bool,
    pub baseline: bool,
    /// Link that adds or removes it; `None` for the baseline and at the maximum.
    pub toggle: Option<String>,
    pub as_baseline: Option<String>,
}
