//! How commands write numbers and ids of runs.

use domain::tracking::{Run, exact_text, is_infinite};

/// How much of an id tables show: enough to ask for the run by it.
const SHOWN_ID: usize = 12;

/// A number with six digits, as tables show it.
#[must_use]
pub(super) fn figure(x: f64) -> String {
    let size = x.abs();
    if x.is_nan() {
        "NaN".to_owned()
    } else if is_infinite(x) {
        infinity(x)
    } else if size != 0.0 && !(1e-4..1e9).contains(&size) {
        format!("{x:.4e}")
    } else if x.fract() == 0.0 {
        format!("{x:.0}")
    } else {
        format!("{x:.4}")
    }
}

/// A number with all of its digits.
#[must_use]
pub(super) fn exact(x: f64) -> String {
    if is_infinite(x) { infinity(x) } else { exact_text(x) }
}

fn infinity(x: f64) -> String {
    if x > 0.0 { "∞".to_owned() } else { "-∞".to_owned() }
}

/// The beginning of an id.
pub(super) fn short(run: &Run) -> String {
    run.id.as_str().chars().take(SHOWN_ID).collect()
}
