//! Filters of runs, in MLflow's grammar and beyond it:
//!
//! ```text
//! metrics.f1 > 0.9 AND params.lr <= 0.001 AND (tags.site IN ('busan', 'seoul') OR NOT status = 'FAILED')
//! params.`learning rate` IS NOT NULL AND dataset.name LIKE 'coco%' AND yolo
//! ```
//!
//! A test of something that a run does not have is false, but for `IS NULL`. NaN is equal to nothing, and unequal to everything.

mod ast;
pub(super) mod columns;
mod matcher;
mod parse;
mod print;
mod sentences {
    //! What is wrong with a filter, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/tracking/filter/sentences.rs"));
}
#[cfg(test)]
mod tests;
mod trouble;

pub(super) use self::matcher::Pattern;
pub use self::{
    ast::{BareKey, DatasetPart, Expr, Field, Filter, Listed, MAX_DEPTH, MAX_FILTER, Match, Order, Test},
    matcher::number_of,
    trouble::FilterError,
};
use super::run::Run;

impl Filter {
    /// Reads a filter; a blank text wants all runs.
    ///
    /// # Errors
    /// Says what is wrong at which character, with an example that fits.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::filter(text)
    }

    /// Whether a run passes. For many runs see [`super::search`].
    #[must_use]
    pub fn matches(&self, run: &Run) -> bool {
        self.root.as_ref().is_none_or(|root| root.passes(&Pattern::of(root), run))
    }
}
