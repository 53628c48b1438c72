//! The values of a column over all runs of an experiment, side by side in memory: tens of thousands of runs are filtered and sorted
//! without looking at a single one of them.

use std::{
    cell::Cell,
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    time::Millis,
    tracking::{
        column::{Attribute, Column, Value},
        run::{Run, RunMetric, RunStatus, Text},
    },
};

/// How many columns of an experiment are kept; beyond, the one that was worked out first goes. Of 50,000 runs a column takes 200 to
/// 800 KB.
const MAX_KEPT: usize = 48;

/// The values of one column, by the place of the run in its experiment.
#[derive(Debug)]
pub(super) enum Values {
    Numbers {
        /// 0 where there is none.
        values: Vec<f64>,
        known: Vec<Known>,
    },
    Times(Vec<Option<Millis>>),
    Texts {
        /// Of each run the place of its text among the different ones, [`NO_TEXT`] without one.
        codes: Vec<u32>,
        distinct: Vec<Text>,
    },
}

/// The code of a run that has no text.
const NO_TEXT: u32 = u32::MAX;

/// Whether a run has a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    No,
    /// The last value, for want of a history.
    StandsIn,
    Yes,
}

impl Values {
    /// Looks at all runs once. `None` for attributes that are different for nearly every run and stand in the run itself: they gain
    /// nothing.
    fn of(column: &Column, runs: &[Arc<Run>]) -> Option<Self> {
        Some(match column {
            Column::Metric(key, reading) => {
                let place = Place::default();
                let read = |run: &Arc<Run>| match place.metric(run, key).map(|m| reading.of(m)) {
                    Some((value, true)) => (value, Known::Yes),
                    Some((value, false)) => (value, Known::StandsIn),
                    None => (0.0, Known::No),
                };
                let (values, known) = runs.iter().map(read).unzip();
                Self::Numbers { values, known }
            }
            Column::Param(key) => Self::texts(runs, |place, run| place.text(&run.params, key)),
            Column::Tag(key) => Self::texts(runs, |place, run| place.text(&run.tags, key)),
            Column::Attribute(attribute) => match attribute {
                Attribute::StartTime => Self::Times(runs.iter().map(|r| r.start).collect()),
                Attribute::EndTime => Self::Times(runs.iter().map(|r| r.end).collect()),
                Attribute::Duration => {
                    let read = |run: &Arc<Run>| match attribute.value(run) {
                        Some(Value::Number(ms)) => (ms, Known::Yes),
                        _ => (0.0, Known::No),
                    };
                    let (values, known) = runs.iter().map(read).unzip();
                    Self::Numbers { values, known }
                }
                Attribute::Status => {
                    let codes = runs.iter().map(|r| coded(r.status.place())).collect();
                    Self::Texts { codes, distinct: RunStatus::ALL.iter().map(|s| s.as_str().into()).collect() }
                }
                Attribute::UserId => Self::texts(runs, |_, run| Some(&run.user)),
                Attribute::RunId | Attribute::RunName | Attribute::ArtifactUri | Attribute::ExperimentId => {
                    return None;
                }
            },
        })
    }

    fn texts<'r>(runs: &'r [Arc<Run>], read: impl Fn(&Place, &'r Run) -> Option<&'r Text>) -> Self {
        let place = Place::default();
        let mut by_text: HashMap<&Text, u32> = HashMap::new();
        let mut distinct: Vec<Text> = vec![];
        let mut code = |run: &'r Arc<Run>| {
            let Some(text) = read(&place, run) else { return NO_TEXT };
            *by_text.entry(text).or_insert_with(|| {
                distinct.push(text.clone());
                coded(distinct.len() - 1)
            })
        };
        let codes = runs.iter().map(&mut code).collect();
        Self::Texts { codes, distinct }
    }

    /// What a run has.
    pub(super) fn value(&self, at: usize) -> Option<Value<'_>> {
        match self {
            Self::Numbers { values, known } => {
                let there = known.get(at).is_some_and(|k| *k != Known::No);
                there.then(|| values.get(at).copied().map(Value::Number)).flatten()
            }
            Self::Times(times) => times.get(at).copied().flatten().map(Value::Time),
            Self::Texts { distinct, .. } => self.code(at).and_then(|code| distinct.get(code)).map(|t| Value::Text(t)),
        }
    }

    /// The different texts.
    pub(super) fn distinct(&self) -> &[Text] {
        if let Self::Texts { distinct, .. } = self { distinct } else { &[] }
    }

    /// The place of a run's text among the different ones.
    pub(super) fn code(&self, at: usize) -> Option<usize> {
        let Self::Texts { codes, .. } = self else { return None };
        codes.get(at).filter(|code| **code != NO_TEXT).map(|code| *code as usize)
    }

    /// Whether a run has the last value in the place of the one that was asked for.
    fn stands_in(&self, at: usize) -> bool {
        matches!(self, Self::Numbers { known, .. } if known.get(at) == Some(&Known::StandsIn))
    }
}

fn coded(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(NO_TEXT)
}

/// Columns of one state of an experiment, worked out when they are first asked for.
#[derive(Debug, Default)]
pub(super) struct KeptValues(Mutex<VecDeque<(Column, Arc<Values>)>>);

impl KeptValues {
    /// `None` for a column that is read from the runs themselves. Two who ask at once may both work it out: the lock is not held
    /// meanwhile.
    pub(super) fn of(&self, column: &Column, runs: &[Arc<Run>]) -> Option<Arc<Values>> {
        let known = self.locked(|kept| kept.iter().find(|(c, _)| c == column).map(|(_, values)| values.clone()));
        if known.is_some() {
            return known;
        }
        let values = Arc::new(Values::of(column, runs)?);
        self.locked(|kept| {
            if kept.iter().all(|(c, _)| c != column) {
                kept.truncate(MAX_KEPT - 1);
                kept.push_front((column.clone(), values.clone()));
            }
        });
        Some(values)
    }

    fn locked<T>(&self, work: impl FnOnce(&mut VecDeque<(Column, Arc<Values>)>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A column over the runs of one experiment.
pub(super) enum Bound<'a> {
    Kept(Arc<Values>),
    Read(&'a Column, &'a [Arc<Run>]),
}

impl Bound<'_> {
    /// What the run at a place has.
    pub(super) fn value(&self, at: usize) -> Option<Value<'_>> {
        match self {
            Self::Kept(values) => values.value(at),
            Self::Read(column, runs) => runs.get(at).and_then(|run| column.value(run)),
        }
    }

    /// The place of its text among the different ones of a column that is kept.
    pub(super) fn code(&self, at: usize) -> Option<usize> {
        if let Self::Kept(values) = self { values.code(at) } else { None }
    }

    /// Whether the run at a place has the last value in the place of the one that was asked for.
    pub(super) fn stands_in(&self, at: usize) -> bool {
        matches!(self, Self::Kept(values) if values.stands_in(at))
    }
}

/// At which place of a run's metrics, parameters or tags a key was found last: in one experiment that is nearly always the same.
#[derive(Debug, Default)]
pub(super) struct Place(Cell<usize>);

impl Place {
    fn metric<'r>(&self, run: &'r Run, key: &str) -> Option<&'r RunMetric> {
        self.find(&run.metrics, key, |m| &m.key)
    }

    pub(super) fn text<'r>(&self, pairs: &'r [(Text, Text)], key: &str) -> Option<&'r Text> {
        self.find(pairs, key, |p| &p.0).map(|p| &p.1)
    }

    fn find<'r, T>(&self, items: &'r [T], key: &str, of: impl Fn(&T) -> &Text) -> Option<&'r T> {
        if let Some(item) = items.get(self.0.get()).filter(|i| **of(i) == *key) {
            return Some(item);
        }
        let at = items.binary_search_by(|i| (**of(i)).cmp(key)).ok()?;
        self.0.set(at);
        items.get(at)
    }
}
