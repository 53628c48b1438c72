//! A change between two periods, as [`crate::evidence`] finds it: what of it is the same places doing otherwise, what is mix, and whether it is
//! more than noise.

use serde::{Deserialize, Serialize};

/// Over what the interval of a change is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeltaOver {
    Customers(usize),
    Sites(usize),
    Zones(usize),
    /// So many days in both periods, with this correlation of neighbours.
    Days {
        days: usize,
        correlation: f64,
    },
    TooFew,
}

/// A change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// The difference of the pooled means, after − before.
    pub change: Option<f64>,
    /// The change at the same places; `None` where no place reported in both.
    pub same: Option<f64>,
    /// What of the change is owed to where records came from.
    pub mix: Option<f64>,
    /// The 95 % interval of `same`.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Two-sided, that so much is noise.
    pub p: Option<f64>,
    pub over: DeltaOver,
    /// The pooled mean before: what shares of a value are taken of.
    pub before: Option<f64>,
}

/// How a change is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    Better,
    Worse,
    /// Certain and large, of a metric that neither more nor less is better of.
    Neutral,
    /// Grey: inside its noise, or too small to matter.
    WithinNoise,
    TooFew,
}

impl Colour {
    /// As files and REST write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Neutral => "neutral",
            Self::WithinNoise => "within_noise",
            Self::TooFew => "too_few",
        }
    }
}
