//! Evidence as it is kept with what it was shown for.

use serde::{Deserialize, Serialize};

use crate::{
    error::Sentence,
    evidence::{Judgement, Verdict},
    time::Millis,
};

/// What was known of a challenger when something was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptEvidence {
    pub verdict: Verdict,
    pub sentence: Sentence,
    /// `None` where there were no records to judge by.
    pub judgement: Option<Judgement>,
    pub at: Millis,
}
