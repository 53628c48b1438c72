//! A column of text, as files give it or as memory holds it.

use std::cell::Cell;

use arrow::{
    array::{Array, ArrayRef, AsArray, Int32Array, StringArray, StringViewArray},
    datatypes::Int32Type,
};
use xxhash_rust::xxh3::xxh3_64;

/// A column of text: as files give it, or as numbers into a dictionary that has each text once, as memory holds it.
pub(super) enum TextColumn<'a> {
    Views(&'a StringViewArray),
    Interner {
        keys: &'a Int32Array,
        words: &'a StringArray,
        /// By word, what was found out about it: its hash, and its number elsewhere; 0 for what is not known yet.
        known: Vec<(Cell<u64>, Cell<u32>)>,
    },
}

impl<'a> TextColumn<'a> {
    pub(super) fn of(column: &'a ArrayRef) -> Result<Self, String> {
        if let Some(views) = column.as_string_view_opt() {
            return Ok(Self::Views(views));
        }
        let numbers = column.as_dictionary_opt::<Int32Type>();
        numbers
            .and_then(|d| {
                let words = d.values().as_string_opt()?;
                Some(Self::Interner { keys: d.keys(), words, known: vec![Default::default(); words.len()] })
            })
            .ok_or_else(|| format!("a column of {} is no text", column.data_type()))
    }

    pub(super) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Views(views) => views.is_valid(row).then(|| views.value(row)),
            Self::Interner { keys, words, .. } => keys.is_valid(row).then(|| words.value(keys.value(row) as usize)),
        }
    }

    fn hash(&self, row: usize) -> u64 {
        // No name holds a control character: absence is mistaken for none.
        let of = |text: Option<&str>| xxh3_64(text.map_or(b"\x02".as_slice(), str::as_bytes));
        match self {
            Self::Interner { keys, known, .. } if keys.is_valid(row) => {
                let known = &known[keys.value(row) as usize].0;
                if known.get() == 0 {
                    known.set(of(self.get(row)));
                }
                known.get()
            }
            _ => of(self.get(row)),
        }
    }

    /// What `find` says of the text of a row, asked once a text; 0 where there is none.
    pub(super) fn number(&self, row: usize, find: impl FnOnce(&str) -> u32) -> u32 {
        match self {
            Self::Interner { keys, words, known } if keys.is_valid(row) => {
                let word = keys.value(row) as usize;
                if known[word].1.get() == 0 {
                    known[word].1.set(find(words.value(word)));
                }
                known[word].1.get()
            }
            _ => self.get(row).map_or(0, find),
        }
    }

    /// Marks the rows that say something else than the row before.
    pub(super) fn mark_changes(&self, changes: &mut [u8], mark: u8) {
        let nulls = match self {
            Self::Interner { keys, .. } => keys.nulls(),
            Self::Views(views) => views.nulls(),
        };
        // Where no row has a text all say the same.
        if nulls.is_some_and(|n| n.null_count() == n.len()) {
            return;
        }
        match self {
            Self::Interner { keys, .. } if nulls.is_none() => {
                for (change, pair) in changes.iter_mut().skip(1).zip(keys.values().windows(2)) {
                    *change |= mark * u8::from(pair[0] != pair[1]);
                }
            }
            _ => {
                for (row, change) in changes.iter_mut().enumerate().skip(1) {
                    *change |= mark * u8::from(!self.same(row, row - 1));
                }
            }
        }
    }

    /// Whether two rows say the same.
    pub(super) fn same(&self, row: usize, other: usize) -> bool {
        match self {
            // Long texts may be equal in two views.
            Self::Views(a) => {
                (a.is_valid(row) && a.is_valid(other) && a.views()[row] == a.views()[other])
                    || self.get(row) == self.get(other)
            }
            Self::Interner { keys, .. } => {
                let valid = keys.is_valid(row);
                valid == keys.is_valid(other) && (!valid || keys.value(row) == keys.value(other))
            }
        }
    }
}

/// One number for the texts of a row, absent ones included; the same wherever it is worked out.
pub(super) fn hash<'t>(columns: impl Iterator<Item = &'t TextColumn<'t>>, row: usize) -> u64 {
    // Texts one by one first: each is hashed once, however many rows say it.
    columns.fold(0, |before, text| {
        let mut both = [0; 16];
        both[..8].copy_from_slice(&u64::to_le_bytes(before));
        both[8..].copy_from_slice(&text.hash(row).to_le_bytes());
        xxh3_64(&both)
    })
}
