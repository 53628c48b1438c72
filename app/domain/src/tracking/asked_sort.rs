//! Orders as somebody writes them: what is read of them, before it is known what runs have.

use super::{column::Column, run::Text};

/// The most keys of an order.
pub const MAX_SORT_KEYS: usize = 8;

/// A key of an order as somebody writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tracking) struct AskedKey {
    pub by: AskedColumn,
    /// `None` where that is not said.
    pub descending: Option<bool>,
}

/// What such a key names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tracking) enum AskedColumn {
    Known(Column),
    /// A key without a prefix: what it is depends on what runs have.
    Bare(Text),
}
