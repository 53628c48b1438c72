//! What the page of images shows, before it is written.

use std::sync::Arc;

use domain::{
    Result,
    error::Sentence,
    tracking::{Run, RunImage},
};
use usecases::tracking::RunImages;

/// So many images are on a page.
pub(super) const PAGE_IMAGES: usize = 24;
/// A run, and what is known of its images.
pub(super) struct Listed {
    pub run: Arc<Run>,
    pub images: Result<Arc<RunImages>>,
}

/// A name of images: in how many runs, and with how many steps at most.
pub(super) struct Named {
    pub name: String,
    pub runs: usize,
    pub steps: usize,
}

/// A place for an image.
pub(super) struct Pane {
    pub run: Arc<Run>,
    pub shown: std::result::Result<RunImage, Absent>,
    pub difference: Difference,
}

/// Why there is no image in its place.
pub(super) enum Absent {
    Unlisted(Sentence),
    NoSuchName,
    /// The first step that there is.
    NotYet(i64),
}

/// How an image is shown.
pub(super) enum Difference {
    /// As it is.
    None,
    /// As it is, beside others that are compared with it.
    Base,
    /// Over the image of this run; both sizes where they differ.
    From(Arc<Run>, RunImage, Option<[(u32, u32); 2]>),
    /// The sizes cannot be read.
    Unknown,
    /// There is no other image.
    NoBase,
}

/// What the page shows.
pub(super) struct Content {
    pub listed: Vec<Listed>,
    pub names: Vec<Named>,
    pub names_total: usize,
    pub name: String,
    /// All steps of the name, of all runs.
    pub steps: Vec<i64>,
    /// `None` where all steps of a single run are shown, or the image has none.
    pub step: Option<i64>,
    pub is_sheet: bool,
    pub panes: Vec<Pane>,
    pub page: usize,
    pub total: usize,
    /// Whether differences are shown.
    pub is_difference: bool,
}
