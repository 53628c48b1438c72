//! A column of text, as files give it or as memory holds it.

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, BooleanBufferBuilder, Int32Array, StringArray, StringViewArray},
    datatypes::Int32Type,
};

/// A column of text: as files give it, or as numbers into a dictionary, as memory holds it.
pub(super) enum Text<'a> {
    Views(&'a StringViewArray),
    Numbers { keys: &'a Int32Array, words: &'a StringArray },
}

impl<'a> Text<'a> {
    pub(super) fn of(column: &'a ArrayRef) -> Result<Self, String> {
        if let Some(views) = column.as_string_view_opt() {
            return Ok(Self::Views(views));
        }
        let numbers = column.as_dictionary_opt::<Int32Type>();
        numbers
            .and_then(|d| Some(Self::Numbers { keys: d.keys(), words: d.values().as_string_opt()? }))
            .ok_or_else(|| format!("a column of {} is no text", column.data_type()))
    }

    pub(super) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Views(views) => views.is_valid(row).then(|| views.value(row)),
            Self::Numbers { keys, words } => keys.is_valid(row).then(|| words.value(keys.value(row) as usize)),
        }
    }

    /// Marks the rows that say something else than the row before.
    pub(super) fn mark_changes(&self, changes: &mut BooleanBufferBuilder) {
        let (numbers, nulls) = match self {
            Self::Numbers { keys, .. } => (Some(keys.values()), keys.nulls()),
            Self::Views(views) => (None, views.nulls()),
        };
        // Where no row has a text all say the same.
        if nulls.is_some_and(|n| n.null_count() == n.len()) {
            return;
        }
        // Most often the numbers say it.
        let alike = |row: usize| {
            numbers.is_some_and(|n| n[row] == n[row - 1])
                && nulls.is_none_or(|n| n.is_valid(row) == n.is_valid(row - 1))
        };
        for row in 1..changes.len() {
            if !alike(row) && !self.same(row, row - 1) {
                changes.set_bit(row, true);
            }
        }
    }

    /// Whether two rows say the same.
    pub(super) fn same(&self, row: usize, other: usize) -> bool {
        let alike = match self {
            Self::Views(a) => a.is_valid(row) && a.is_valid(other) && a.views()[row] == a.views()[other],
            Self::Numbers { keys, .. } => {
                keys.is_valid(row) && keys.is_valid(other) && keys.value(row) == keys.value(other)
            }
        };
        // Equal texts may have two numbers, and long ones two views.
        alike || self.get(row) == self.get(other)
    }
}

/// One number for the texts of a row, absent ones included.
pub(super) fn hash<'t>(columns: impl Iterator<Item = &'t Text<'t>>, row: usize) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for c in columns {
        let text = c.get(row);
        hasher.update(text.unwrap_or_default().as_bytes());
        // No name holds a control character: it cannot be mistaken for one's end.
        hasher.update(if text.is_some() { b"\x01" } else { b"\x02" });
    }
    hasher.digest()
}
