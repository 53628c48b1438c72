//! Which run has which colour in the table and in pictures.

use std::sync::Arc;

use domain::tracking::Run;
use usecases::tracking::RunComparison;

/// So many runs have a colour of their own: as many as charts have. Others are grey.
pub(super) const COLOURS: usize = 8;

/// The colours of runs: the baseline's is the first. Beyond the eighth, grey.
pub(super) fn colours(c: &RunComparison) -> Vec<u8> {
    let mut next = 1;
    let colour = |(at, _): (usize, &Arc<Run>)| {
        if at == c.baseline {
            return 1;
        }
        next += 1;
        if next <= COLOURS as u8 { next } else { 0 }
    };
    c.runs.iter().enumerate().map(colour).collect()
}
