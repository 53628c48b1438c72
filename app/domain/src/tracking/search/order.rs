//! The order of runs.

use std::{cmp::Ordering, fmt, sync::Arc};

use crate::tracking::{
    column::{Attribute, Column, Reading, Value},
    filter::{FilterError, Place, columns, number_of},
    metric_name::RunMetricName,
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
    /// first; a blank text is the default order.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let (by, descending) = columns::sort(text)?;
        let best_first = || match &by {
            Column::Metric(key, Reading::Best) => !RunMetricName::of(key).lower_is_better(),
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

/// A part of runs in order, and how many were sorted by a value that stands in for another. `ordered` says that they come in the
/// default order already.
pub(super) fn page(
    hits: Vec<&Arc<Run>>,
    sort: &Sort,
    ordered: bool,
    skip: usize,
    limit: usize,
) -> (Vec<Arc<Run>>, usize) {
    if ordered && *sort == Sort::default() {
        return (hits.into_iter().skip(skip).take(limit).cloned().collect(), 0);
    }
    let place = Place::default();
    let mut stand_ins = 0;
    let mut ranked: Vec<(Rank<'_>, &Arc<Run>)> = Vec::with_capacity(hits.len());
    for run in hits {
        let (rank, exact) = rank(run, &sort.by, &place);
        stand_ins += usize::from(!exact);
        ranked.push((rank, run));
    }
    let order = |a: &(Rank<'_>, &Arc<Run>), b: &(Rank<'_>, &Arc<Run>)| {
        a.0.compare(b.0, sort.descending).then_with(|| latest_first(a.1, b.1))
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
    (ranked.into_iter().skip(skip).map(|(_, run)| run.clone()).collect(), stand_ins)
}

/// What a run is sorted by, and whether it is what was asked for.
fn rank<'a>(run: &'a Run, by: &Column, place: &Place) -> (Rank<'a>, bool) {
    match by {
        Column::Attribute(a) => (Rank::of(a.value(run)), true),
        Column::Metric(key, reading) => match place.metric(run, key).map(|m| reading.of(m)) {
            Some((value, exact)) => (Rank::of(Some(Value::Number(value))), exact),
            None => (Rank::Missing, true),
        },
        Column::Param(key) => (place.text(&run.params, key).map_or(Rank::Missing, |t| Rank::of_text(t)), true),
        Column::Tag(key) => (place.text(&run.tags, key).map_or(Rank::Missing, |t| Rank::of_text(t)), true),
    }
}
