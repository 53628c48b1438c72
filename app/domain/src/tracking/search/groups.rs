//! Runs put together by a parameter or tag: repeats of one setting, with mean and interval.

use std::{borrow::Cow, collections::HashMap};

use super::{
    order::{Rank, Ranks},
    searched::Searched,
    selection::hits,
    values::Bound,
};
use crate::{
    student::half_width_95,
    tracking::{
        column::{Column, Value},
        filter::Filter,
        run::Text,
    },
};

/// The most groups that are given, the largest ones first chosen.
pub const MAX_GROUPS: usize = 1000;

/// Runs with the same value. Parameters and tags that read as the same number are the same.
#[derive(Debug, Clone, PartialEq)]
pub struct RunGroup {
    /// `None` for runs without one. Of several texts of one number the shortest.
    pub value: Option<Text>,
    pub runs: usize,
    /// In the order in which they were asked for.
    pub metrics: Vec<GroupMetric>,
}

/// A metric over the runs of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GroupMetric {
    /// How many runs have a finite value that is what was asked for.
    pub n: u64,
    /// How many runs have only their last value where another one was asked for: they count for nothing, or the mean would be of two
    /// different things.
    pub without_history: u64,
    /// NaN for none.
    pub mean: f64,
    /// The mean plus and minus this is the 95 % interval by Student's t; `None` for fewer than two runs.
    pub half_width: Option<f64>,
    pub min: f64,
    pub max: f64,
}

/// Mean and squares of deviations, one value after the other (Welford).
#[derive(Clone)]
struct Moments {
    n: u64,
    without_history: u64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Moments {
    const NONE: Self =
        Self { n: 0, without_history: 0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    fn add(&mut self, x: f64) {
        self.n += 1;
        let off = x - self.mean;
        self.mean += off / self.n as f64;
        self.squares += off * (x - self.mean);
        (self.min, self.max) = (self.min.min(x), self.max.max(x));
    }

    fn told(&self) -> GroupMetric {
        let without_history = self.without_history;
        if self.n == 0 {
            let nothing = f64::NAN;
            return GroupMetric { n: 0, without_history, mean: nothing, half_width: None, min: nothing, max: nothing };
        }
        let variance = if self.n > 1 { self.squares / (self.n - 1) as f64 } else { 0.0 };
        GroupMetric {
            n: self.n,
            without_history,
            mean: self.mean,
            half_width: half_width_95(self.n, variance),
            min: self.min,
            max: self.max,
        }
    }
}

/// What runs of a group have in common.
#[derive(PartialEq, Eq, Hash)]
enum Same<'a> {
    Text(Option<Cow<'a, str>>),
    /// Of a parameter or tag that reads as a number: its bits.
    Number(u64),
}

struct Gathered<'a> {
    value: Option<Cow<'a, str>>,
    runs: usize,
    moments: Vec<Moments>,
}

/// Groups of the runs that pass a filter in order of their values, numbers first, and how many were left out beyond [`MAX_GROUPS`].
#[must_use]
pub fn group_runs(among: &[Searched], filter: &Filter, by: &Column, metrics: &[Column]) -> (Vec<RunGroup>, usize) {
    let is_text = matches!(by, Column::Param(_) | Column::Tag(_));
    let by: Vec<Ranks<'_>> = among.iter().map(|searched| Ranks::new(searched, by)).collect();
    let metrics: Vec<Vec<Bound<'_>>> =
        among.iter().map(|searched| metrics.iter().map(|m| searched.values(m)).collect()).collect();
    let mut groups: HashMap<Same<'_>, Gathered<'_>> = HashMap::new();
    for hit in hits(among, filter) {
        let value = by[hit.experiment].value(hit.run).map(text_of);
        let metrics = &metrics[hit.experiment];
        let same = match by[hit.experiment].rank(hit.run) {
            // Zero has two signs.
            Rank::Number(x) if is_text => Same::Number((x + 0.0).to_bits()),
            _ => Same::Text(value.clone()),
        };
        let group = groups.entry(same).or_insert_with(|| Gathered {
            value: value.clone(),
            runs: 0,
            moments: vec![Moments::NONE; metrics.len()],
        });
        group.runs += 1;
        if is_text && group.value != value {
            let length = |text: &Option<Cow<'_, str>>| text.as_ref().map(|t| t.len());
            if (length(&value), &value) < (length(&group.value), &group.value) {
                group.value = value;
            }
        }
        for (moments, metric) in group.moments.iter_mut().zip(metrics) {
            if metric.stands_in(hit.run) {
                moments.without_history += 1;
            } else if let Some(Value::Number(x)) = metric.value(hit.run).filter(|v| is_finite(*v)) {
                moments.add(x);
            }
        }
    }
    let told = |group: Gathered<'_>| RunGroup {
        value: group.value.map(|v| Text::from(&*v)),
        runs: group.runs,
        metrics: group.moments.iter().map(Moments::told).collect(),
    };
    let mut groups: Vec<RunGroup> = groups.into_values().map(told).collect();
    groups.sort_by(|a, b| b.runs.cmp(&a.runs).then_with(|| a.value.cmp(&b.value)));
    let left_out = groups.len().saturating_sub(MAX_GROUPS);
    groups.truncate(MAX_GROUPS);
    groups.sort_by(|a, b| rank(a).compare(rank(b), false).then_with(|| a.value.cmp(&b.value)));
    (groups, left_out)
}

fn rank(group: &RunGroup) -> Rank<'_> {
    group.value.as_deref().map_or(Rank::Missing, Rank::of_text)
}

fn is_finite(value: Value<'_>) -> bool {
    // MLflow keeps infinities as the largest finite numbers: a mean of those says nothing.
    matches!(value, Value::Number(x) if x.is_finite() && x.abs() < f64::MAX)
}

fn text_of(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::Text(text) => text.into(),
        Value::Status(status) => status.as_str().into(),
        Value::Number(x) => x.to_string().into(),
        Value::Time(t) => t.to_string().into(),
    }
}
