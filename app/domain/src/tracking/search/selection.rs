//! Which runs of an experiment pass a filter.

use std::sync::Arc;

use super::{
    searched::{Hit, Searched},
    values::{Bound, Values},
};
use crate::tracking::{
    column::Value,
    filter::{Expr, Filter, Pattern, Test},
    run::Run,
};

/// A filter made ready for the runs of one experiment. What it tests of columns stands in arrays; only names of runs and
/// of datasets are looked up in the runs.
pub(super) struct Selection<'a> {
    root: Option<Part<'a>>,
    runs: &'a [Arc<Run>],
}

enum Part<'a> {
    And(Vec<Part<'a>>),
    Or(Vec<Part<'a>>),
    Not(Box<Part<'a>>),
    /// Whether the texts of a column pass, and whether a run without one does.
    Texts {
        values: Arc<Values>,
        pass: Vec<bool>,
        without: bool,
    },
    Numbers(Arc<Values>, &'a Test, Pattern),
    /// What stands in the runs alone.
    Run(&'a Expr, Pattern),
}

impl<'a> Selection<'a> {
    pub(super) fn new(filter: &'a Filter, among: &'a Searched) -> Self {
        Self { root: filter.root.as_ref().map(|e| part(e, among)), runs: among.experiment.runs() }
    }

    /// Whether the run at a place passes.
    pub(super) fn passes(&self, at: usize) -> bool {
        self.root.as_ref().is_none_or(|p| p.passes(at, self.runs))
    }
}

fn part<'a>(expr: &'a Expr, among: &Searched) -> Part<'a> {
    let parts = |parts: &'a [Expr]| parts.iter().map(|p| part(p, among)).collect();
    let (field, test) = match expr {
        Expr::And(all) => return Part::And(parts(all)),
        Expr::Or(any) => return Part::Or(parts(any)),
        Expr::Not(inner) => return Part::Not(Box::new(part(inner, among))),
        Expr::Word(_) => return Part::Run(expr, Pattern::of(expr)),
        Expr::Test(field, test) => (field, test),
    };
    let Some(column) = field.column() else { return Part::Run(expr, Pattern::of(expr)) };
    let pattern = Pattern::of(expr);
    match among.values(&column) {
        Bound::Read(..) => Part::Run(expr, pattern),
        Bound::Kept(values) => match &*values {
            Values::Texts { distinct, .. } => {
                // Of each different text once, however many runs have it.
                let pass = distinct.iter().map(|t| test.passes(&pattern, Some(Value::Text(t)))).collect();
                Part::Texts { pass, without: test.passes(&pattern, None), values }
            }
            Values::Numbers { .. } | Values::Times(_) => Part::Numbers(values, test, pattern),
        },
    }
}

impl Part<'_> {
    fn passes(&self, at: usize, runs: &[Arc<Run>]) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|p| p.passes(at, runs)),
            Self::Or(parts) => parts.iter().any(|p| p.passes(at, runs)),
            Self::Not(inner) => !inner.passes(at, runs),
            Self::Texts { values, pass, without } => {
                values.code(at).and_then(|code| pass.get(code).copied()).unwrap_or(*without)
            }
            Self::Numbers(values, test, pattern) => test.passes(pattern, values.value(at)),
            Self::Run(expr, pattern) => runs.get(at).is_some_and(|run| expr.passes(pattern, run)),
        }
    }
}

/// The runs that pass a filter, by experiment and place.
pub(super) fn hits<'a>(among: &'a [Searched], filter: &'a Filter) -> impl Iterator<Item = Hit> {
    among.iter().enumerate().flat_map(move |(experiment, searched)| {
        let selection = Selection::new(filter, searched);
        let places = 0..searched.experiment.runs().len();
        places.filter(move |run| selection.passes(*run)).map(move |run| Hit { experiment, run })
    })
}
