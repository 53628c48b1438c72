//! A write that was refused, on its way to the page that shows its form again.

use super::error::PageError;

/// A write that a form sent without a script and that was refused, for the page at its path, which shows the form again.
#[derive(Debug, Clone)]
pub struct Refused {
    pub path: String,
    pub error: PageError,
    /// What was sent.
    pub fields: Vec<(String, String)>,
}
