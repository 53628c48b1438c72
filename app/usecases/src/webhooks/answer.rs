//! What the status of an answer means.

use domain::error::Sentence;

use super::sentences;

/// The receiver wants no more.
pub(super) const GONE: u16 = 410;

/// Whether a status says that the receiver has it.
pub(super) fn took(status: u16) -> bool {
    (200..300).contains(&status)
}

/// What a status means; `pauses` where a webhook is paused by [`GONE`].
pub(super) fn answered(status: u16, pauses: bool) -> Sentence {
    match status {
        GONE if pauses => sentences::gone(status),
        300..400 => sentences::redirected(status),
        _ => sentences::answered(status),
    }
}
