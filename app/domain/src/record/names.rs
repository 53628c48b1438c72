//! The names of a record on their way to the lake's spelling.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::text::Name;

/// Gives a name as the lake spells it, or `None` when it is spelled so already. Names that look the same can be written in
/// two ways, such as by a Mac; the tables that tell which is which belong to the server.
pub type NameNormalizer = fn(&str) -> Option<String>;

/// The names of one record on their way to the lake's spelling.
pub(super) struct NormalizedNames {
    spelling: NameNormalizer,
    /// How they were written, where that differs.
    pub(super) written: Map<String, Value>,
}

impl NormalizedNames {
    pub(super) fn new(spelling: NameNormalizer) -> Self {
        Self { spelling, written: Map::new() }
    }

    pub(super) fn stored<'t>(&mut self, field: &str, text: &'t str) -> Cow<'t, str> {
        let Some(stored) = (self.spelling)(text) else { return Cow::Borrowed(text) };
        self.written.insert(field.to_owned(), text.into());
        Cow::Owned(stored)
    }

    /// A metric outside of the catalogue; `None` when it cannot be called so.
    pub(super) fn metric(&mut self, group: &str, leaf: &str) -> Option<String> {
        let part = |text| (self.spelling)(text).map_or(Cow::Borrowed(text), Cow::Owned);
        let (stored_group, stored_leaf) = (part(group), part(leaf));
        if !custom_key_fits(&stored_group, &stored_leaf) {
            return None;
        }
        let (name, written) = (format!("{stored_group}.{stored_leaf}"), format!("{group}.{leaf}"));
        if name != written {
            self.written.insert(name.clone(), written.into());
        }
        Some(name)
    }
}

fn custom_key_fits(group: &str, leaf: &str) -> bool {
    let fits = |t: &str| Name::parse(t).is_ok() && !t.contains(['.', ',', '&', '=']);
    fits(group) && fits(leaf)
}
