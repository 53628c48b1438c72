//! Choosing one of several: which candidates are dominated, which keep to the limits, which of these is best, and what keeps
//! a better one out. What a candidate is (a run, a model of the fleet) is no matter here: it is its values.

mod pareto;
mod pick;
mod rank;
#[cfg(test)]
mod tests;

pub use self::{
    pareto::{Front, front},
    pick::{Binding, Limit, LimitSide, Nearest, Pick, Standing, pick},
    rank::{RankCorrelation, spearman},
};
