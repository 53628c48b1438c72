//! The order of runs.

use std::{cmp::Ordering, fmt, sync::Arc};

use super::{
    searched::{Hit, Searched},
    values::Bound,
};
use crate::tracking::{
    column::{Attribute, Column, Reading, Value},
    filter::{FilterError, columns, number_of},
    metric_name::RunMetricNames,
    run::Run,
};

/// By what runs are sorted. Numbers come before texts, and NaN and what a run does not have come last in either direction; of equal
/// ones the latest start comes first, then the smaller id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sort {
    pub by: Column,
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { by: Column::Attribute(Attribute::StartTime), descending: true }
    }
}

impl Sort {
    /// Reads `metrics.f1 desc`, `-metrics.f1` or `best(metrics.f1)`. Without a direction it is upwards, and of `best` the better
    /// first, as names tell; a blank text is the default order.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn parse(text: &str, names: &RunMetricNames) -> Result<Self, FilterError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let (by, descending) = columns::sort(text)?;
        let best_first = || match &by {
            Column::Metric(key, Reading::Best) => !names.of(key).lower_is_better(),
            _ => false,
        };
        Ok(Self { descending: descending.unwrap_or_else(best_first), by })
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.by, if self.descending { "desc" } else { "asc" })
    }
}

/// What a run is sorted by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rank<'a> {
    Number(f64),
    Text(&'a str),
    NotANumber,
    Missing,
}

impl<'a> Rank<'a> {
    pub(super) fn of(value: Option<Value<'a>>) -> Self {
        match value {
            None => Self::Missing,
            Some(Value::Number(x)) if x.is_nan() => Self::NotANumber,
            Some(Value::Number(x)) => Self::Number(x),
            Some(Value::Time(t)) => Self::Number(t.0 as f64),
            Some(Value::Status(status)) => Self::Text(status.as_str()),
            Some(Value::Text(text)) => Self::Text(text),
        }
    }

    /// Of a parameter or tag: a number where it reads as one.
    pub(super) fn of_text(text: &'a str) -> Self {
        number_of(text).map_or(Self::Text(text), Self::Number)
    }

    /// What a run is sorted by.
    fn of_run(run: &'a Run, by: &Column) -> Self {
        match (by, by.value(run)) {
            (Column::Param(_) | Column::Tag(_), Some(Value::Text(text))) => Self::of_text(text),
            (_, value) => Self::of(value),
        }
    }

    fn class(self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Text(_) => 1,
            Self::NotANumber => 2,
            Self::Missing => 3,
        }
    }

    pub(super) fn compare(self, other: Self, descending: bool) -> Ordering {
        let within = match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        };
        self.class().cmp(&other.class()).then(if descending { within.reverse() } else { within })
    }
}

/// The order of equal runs.
fn latest_first(a: &Run, b: &Run) -> Ordering {
    let start = |r: &Run| r.start.map_or(i64::MIN, |t| t.0);
    start(b).cmp(&start(a)).then_with(|| a.id.cmp(&b.id))
}

/// Puts a few runs in order.
pub fn sort_runs(runs: &mut [Arc<Run>], sort: &Sort) {
    runs.sort_by(|a, b| {
        let [x, y] = [a, b].map(|run| Rank::of_run(run, &sort.by));
        x.compare(y, sort.descending).then_with(|| latest_first(a, b))
    });
}

/// A part of runs in order, and how many were sorted by a value that stands in for another.
pub(super) fn page(
    among: &[Searched],
    hits: Vec<Hit>,
    sort: &Sort,
    skip: usize,
    limit: usize,
) -> (Vec<Arc<Run>>, usize) {
    // Runs of one experiment come in the default order.
    let ordered = among.len() == 1;
    if ordered && *sort == Sort::default() {
        return (hits.into_iter().skip(skip).take(limit).map(|hit| hit.of(among).clone()).collect(), 0);
    }
    let columns: Vec<Ranks<'_>> = among.iter().map(|searched| Ranks::new(searched, &sort.by)).collect();
    let mut stand_ins = 0;
    let mut ranked: Vec<(Rank<'_>, Hit)> = Vec::with_capacity(hits.len());
    for hit in hits {
        let column = &columns[hit.experiment];
        stand_ins += usize::from(column.values.stands_in(hit.run));
        ranked.push((column.rank(hit.run), hit));
    }
    let order = |a: &(Rank<'_>, Hit), b: &(Rank<'_>, Hit)| {
        let equal = || if ordered { a.1.cmp(&b.1) } else { latest_first(a.1.of(among), b.1.of(among)) };
        a.0.compare(b.0, sort.descending).then_with(equal)
    };
    let end = skip.saturating_add(limit);
    if end < ranked.len() {
        // Only what is shown needs its place.
        if let Some(last) = end.checked_sub(1) {
            ranked.select_nth_unstable_by(last, order);
        }
        ranked.truncate(end);
    }
    ranked.sort_unstable_by(order);
    (ranked.into_iter().skip(skip).map(|(_, hit)| hit.of(among).clone()).collect(), stand_ins)
}

/// What the runs of an experiment are sorted by.
struct Ranks<'a> {
    values: Bound<'a>,
    /// Of a parameter or tag: the numbers that its different texts read as.
    numbers: Vec<Option<f64>>,
}

impl<'a> Ranks<'a> {
    fn new(among: &'a Searched, by: &'a Column) -> Self {
        let values = among.values(by);
        let numbers = match (by, &values) {
            (Column::Param(_) | Column::Tag(_), Bound::Kept(values)) => {
                values.distinct().iter().map(|text| number_of(text)).collect()
            }
            _ => vec![],
        };
        Self { values, numbers }
    }

    fn rank(&self, at: usize) -> Rank<'_> {
        let number = self.values.code(at).and_then(|code| self.numbers.get(code).copied().flatten());
        number.map_or_else(|| Rank::of(self.values.value(at)), Rank::Number)
    }
}
