//! The view of the page of saved views. Its content is HTML already ([`super::html`]): drawn by the browser's program it would weigh
//! 25 KB there. Forms stand on their own, so that they can be sent in place.

use serde::{Deserialize, Serialize};

use crate::shell::top::PageHead;

/// `/views`: the list, or one form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ViewsPage {
    pub head: PageHead,
    /// What was done just now, what the visitor starts with, and why nothing is listed.
    pub notes: String,
    /// Over and under the list.
    pub caption: String,
    pub foot: String,
    /// Each view, and the form that starts with it.
    pub rows: Vec<(String, String)>,
    /// The key of the form that saves, changes or deletes, and what it holds: the same when the page is loaded again, so that the browser
    /// does not write it again.
    pub form: Option<(String, String)>,
}
