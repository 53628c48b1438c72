//! Which model, which run: the best under limits, what binds, and which others nothing dominates.

mod answer;
mod fleet;
mod runs;
#[cfg(test)]
mod tests;

use domain::{Error, Result, choice::LimitSide, scope::clip_text};

pub use self::{
    answer::{PickAnswer, PickCandidate, PickMeasure, PickedValue, told_bound},
    fleet::{DevicePick, FleetPick, FleetPickQuery},
    runs::{RunPick, RunPickQuery},
};
use crate::sentences;

/// The most limits.
pub const MAX_LIMITS: usize = 12;

/// A limit as somebody writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitQuery {
    pub metric: String,
    pub side: LimitSide,
    pub bound: Bound,
}

/// Where a limit lies, in the metric's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    Value(f64),
    /// So much from the baseline's value.
    FromBaseline(f64),
}

impl LimitQuery {
    /// Reads `inference_time_ms<=30`, `mAP50>=0.8` or, beside the baseline, `mAP50>=base-0.01`.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::bad_input(sentences::bad_limit(clip_text(text)));
        let (metric, side, rest) = [
            ("<=", LimitSide::AtMost),
            ("≤", LimitSide::AtMost),
            (">=", LimitSide::AtLeast),
            ("≥", LimitSide::AtLeast),
        ]
        .into_iter()
        // A metric may have such signs in its name: the last one counts.
        .filter_map(|(sign, side)| text.rsplit_once(sign).map(|(metric, rest)| (metric.trim(), side, rest.trim())))
        .max_by_key(|(metric, ..)| metric.len())
        .ok_or_else(bad)?;
        let number = |text: &str| text.parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(bad);
        let bound = match rest.strip_prefix("base") {
            Some("") => Bound::FromBaseline(0.0),
            Some(offset) if offset.starts_with(['+', '-']) => Bound::FromBaseline(number(offset)?),
            Some(_) => return Err(bad()),
            None => Bound::Value(number(rest)?),
        };
        if metric.is_empty() {
            return Err(bad());
        }
        Ok(Self { metric: metric.to_owned(), side, bound })
    }
}

/// As [`LimitQuery::parse`] reads it.
impl std::fmt::Display for LimitQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = match self.side {
            LimitSide::AtMost => "<=",
            LimitSide::AtLeast => ">=",
        };
        match self.bound {
            Bound::Value(v) => write!(f, "{}{sign}{v}", self.metric),
            Bound::FromBaseline(0.0) => write!(f, "{}{sign}base", self.metric),
            Bound::FromBaseline(v) => write!(f, "{}{sign}base{v:+}", self.metric),
        }
    }
}

fn check_count(limits: &[LimitQuery]) -> Result<()> {
    if limits.len() > MAX_LIMITS {
        return Err(Error::bad_input(sentences::too_many_limits(MAX_LIMITS, limits.len())));
    }
    Ok(())
}
