//! Columns of files of runs.

use domain::tracking::{Column, Run, Value};

/// A column of a file.
pub enum FileColumn {
    Value(Column),
    /// `history` where the value of a metric is out of its history, `last` where the last value stands in for want of that.
    Origin(Column),
}

impl FileColumn {
    /// What a run has of it.
    #[must_use]
    pub fn value<'a>(&self, run: &'a Run) -> Option<Value<'a>> {
        match self {
            Self::Value(column) => column.value(run),
            Self::Origin(Column::Metric(key, reading)) => {
                let as_asked = run.metric(key).map(|m| reading.of(m).1)?;
                Some(Value::Text(if as_asked { "history" } else { "last" }))
            }
            Self::Origin(_) => None,
        }
    }
}
