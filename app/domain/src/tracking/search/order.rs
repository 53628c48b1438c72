//! The order of runs.

use std::{cmp::Ordering, fmt, sync::Arc};

use super::{
    searched::{Hit, Searched},
    values::Bound,
};
use crate::tracking::{
    asked_sort::{AskedColumn, AskedKey},
    column::{Attribute, Column, Reading, Value},
    filter::{BareKey, Field, FilterError, columns, number_of},
    metric_name::RunMetricNames,
    run::Run,
};

/// By what runs are sorted: by the first key, equal ones by the next. Numbers come before texts, and NaN and what a run does not have
/// come last in either direction; of runs that are equal by all keys the latest start comes first, then the smaller id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sort {
    /// At least one.
    pub keys: Vec<SortKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SortKey {
    pub by: Column,
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self::by(Column::Attribute(Attribute::StartTime), true)
    }
}

impl Sort {
    #[must_use]
    pub fn by(by: Column, descending: bool) -> Self {
        Self { keys: vec![SortKey { by, descending }] }
    }

    /// The direction of a column that comes first.
    #[must_use]
    pub fn first_by(&self, column: &Column) -> Option<bool> {
        self.keys.first().filter(|key| key.by == *column).map(|key| key.descending)
    }

    /// What runs are sorted by.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.keys.iter().map(|key| &key.by)
    }

    /// With best readings said as the smallest or the largest.
    #[must_use]
    pub fn settled(&self, names: &RunMetricNames) -> Self {
        let keys = self.keys.iter().map(|k| SortKey { by: names.settled(&k.by), descending: k.descending });
        Self { keys: keys.collect() }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, SortKey { by, descending }) in self.keys.iter().enumerate() {
            let (comma, direction) = (if i > 0 { ", " } else { "" }, if *descending { "desc" } else { "asc" });
            write!(f, "{comma}{by} {direction}")?;
        }
        Ok(())
    }
}

/// An order as somebody writes it. Without keys it is the default one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedSort {
    keys: Vec<AskedKey>,
}

impl AskedSort {
    /// Reads `metrics.f1 desc, params.lr`, `-f1` or `best(val/mAP50)`.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { keys: columns::sort(text)? })
    }

    /// Puts in the place of each key without a prefix what has that key, as [`crate::tracking::filter::Filter::resolve`]
    /// does. Without a direction it is upwards,
    /// and of `best` the better first, as names tell. Also returns how each was understood.
    #[must_use]
    pub fn resolve(&self, known: impl Fn(&Field) -> bool, names: &RunMetricNames) -> (Sort, Vec<BareKey>) {
        let mut understood: Vec<BareKey> = vec![];
        let mut column = |asked: &AskedColumn| match asked {
            AskedColumn::Known(column) => column.clone(),
            AskedColumn::Bare(key) => {
                let bare = BareKey::of(key, &known);
                let column = bare.field.column().unwrap_or_else(|| Column::metric(key));
                if understood.iter().all(|u| u.key != *key) {
                    understood.push(bare);
                }
                column
            }
        };
        let resolved = |asked: &AskedKey| {
            let by = column(&asked.by);
            let best_first = match &by {
                Column::Metric(key, Reading::Best) => !names.of(key).lower_is_better(),
                _ => false,
            };
            SortKey { descending: asked.descending.unwrap_or(best_first), by }
        };
        let keys: Vec<SortKey> = self.keys.iter().map(resolved).collect();
        (if keys.is_empty() { Sort::default() } else { Sort { keys } }, understood)
    }
}

impl From<Sort> for AskedSort {
    fn from(sort: Sort) -> Self {
        let asked = |k: SortKey| AskedKey { by: AskedColumn::Known(k.by), descending: Some(k.descending) };
        Self { keys: sort.keys.into_iter().map(asked).collect() }
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
    let compare = |a: &Run, b: &Run, key: &SortKey| {
        let [x, y] = [a, b].map(|run| Rank::of_run(run, &key.by));
        x.compare(y, key.descending)
    };
    runs.sort_by(|a, b| {
        let by_keys = sort.keys.iter().map(|key| compare(a, b, key)).find(|o| o.is_ne());
        by_keys.unwrap_or_else(|| latest_first(a, b))
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
    let of_keys = |searched| sort.keys.iter().map(|key| Ranks::new(searched, &key.by)).collect();
    let columns: Vec<Vec<Ranks<'_>>> = among.iter().map(of_keys).collect();
    let mut stand_ins = 0;
    let mut ranked: Vec<(Rank<'_>, Hit)> = Vec::with_capacity(hits.len());
    for hit in hits {
        let keys = &columns[hit.experiment];
        stand_ins += usize::from(keys.iter().any(|column| column.values.stands_in(hit.run)));
        ranked.push((keys.first().map_or(Rank::Missing, |column| column.rank(hit.run)), hit));
    }
    let (first_down, later) = match sort.keys.as_slice() {
        [] => (false, sort.keys.as_slice()),
        [first, later @ ..] => (first.descending, later),
    };
    let by_later = |a: Hit, b: Hit| {
        let compare = |(i, key): (usize, &SortKey)| {
            let rank = |hit: Hit| columns[hit.experiment][i + 1].rank(hit.run);
            rank(a).compare(rank(b), key.descending)
        };
        later.iter().enumerate().map(compare).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    };
    let order = |a: &(Rank<'_>, Hit), b: &(Rank<'_>, Hit)| {
        let equal = || if ordered { a.1.cmp(&b.1) } else { latest_first(a.1.of(among), b.1.of(among)) };
        a.0.compare(b.0, first_down).then_with(|| by_later(a.1, b.1)).then_with(equal)
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
pub(super) struct Ranks<'a> {
    values: Bound<'a>,
    /// Of a parameter or tag: the numbers that its different texts read as.
    numbers: Vec<Option<f64>>,
}

impl<'a> Ranks<'a> {
    pub(super) fn new(among: &'a Searched, by: &'a Column) -> Self {
        let values = among.values(by);
        let numbers = match (by, &values) {
            (Column::Param(_) | Column::Tag(_), Bound::Kept(values)) => {
                values.distinct().iter().map(|text| number_of(text)).collect()
            }
            _ => vec![],
        };
        Self { values, numbers }
    }

    pub(super) fn value(&self, at: usize) -> Option<Value<'_>> {
        self.values.value(at)
    }

    pub(super) fn rank(&self, at: usize) -> Rank<'_> {
        let number = self.values.code(at).and_then(|code| self.numbers.get(code).copied().flatten());
        number.map_or_else(|| Rank::of(self.values.value(at)), Rank::Number)
    }
}
