//! Names that people gave to customers, sites, zones, models. Stored exactly as given; never used as a path.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{error::Sentence, sentences};

/// The longest name, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 256;

/// A name that is safe to store, to show and to put (percent-encoded) into one segment of a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidName {
    Empty,
    TooLong,
    Control,
    /// No address could lead to it.
    Unaddressable,
    Blank,
}

impl InvalidName {
    /// What is said of the name: in English behind it, in Korean as a sentence of its own.
    #[must_use]
    pub fn sentence(self) -> Sentence {
        match self {
            Self::Empty => sentences::name_empty(),
            Self::TooLong => sentences::name_too_long(MAX_NAME_BYTES),
            Self::Control => sentences::name_control(),
            Self::Unaddressable => sentences::name_unaddressable(),
            Self::Blank => sentences::name_blank(),
        }
    }
}

impl std::fmt::Display for InvalidName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.sentence().fmt(f)
    }
}

impl std::error::Error for InvalidName {}

impl Name {
    /// Parses a new name.
    ///
    /// Letters of every script and emoji are welcome. Refused are control characters and the invisible marks that reorder
    /// text: they make one name look like another.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let name = Self::parse_stored(text)?;
        // The marks of direction that names were once stored with.
        if text.contains(['\u{061C}', '\u{200E}', '\u{200F}']) { Err(InvalidName::Control) } else { Ok(name) }
    }

    /// Reads a name that is stored, or that is asked for and may be stored: what was a name once stays one, although
    /// nothing new may be called so.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse_stored(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.len() > MAX_NAME_BYTES {
            return Err(InvalidName::TooLong);
        }
        if text.chars().any(|c| c.is_control() || reorders(c)) {
            return Err(InvalidName::Control);
        }
        if text.trim() != text {
            return Err(InvalidName::Blank);
        }
        Ok(Self(text.into()))
    }

    /// Parses the name of a place, which stands in the path of an address. Slashes and the two dot segments are refused
    /// too: browsers and proxies resolve those before we would see them.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse_place(text: &str) -> Result<Self, InvalidName> {
        addressable(text).and_then(Self::parse)
    }

    /// The same of a place that is stored or asked for; see [`Name::parse_stored`].
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse_stored_place(text: &str) -> Result<Self, InvalidName> {
        addressable(text).and_then(Self::parse_stored)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn addressable(text: &str) -> Result<&str, InvalidName> {
    if text == "." || text == ".." || text.contains(['/', '\\']) { Err(InvalidName::Unaddressable) } else { Ok(text) }
}

/// Bidirectional overrides and isolates, line and paragraph separators, the byte order mark.
fn reorders(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::parse_stored(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_script_are_kept_exactly() {
        for text in ["acme", "부산-2", "موقع-١", "site 🚀", "Zürich HB", "a%2Fb", "x?y#z&w=1"] {
            assert_eq!(Name::parse(text).map(|n| n.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn places_that_no_address_could_lead_to_are_refused() {
        for text in [".", "..", "../etc", "a/b", "a\\b"] {
            assert_eq!(Name::parse_place(text), Err(InvalidName::Unaddressable), "{text:?}");
        }
        assert!(Name::parse("/Users/kim/detection").is_ok(), "an experiment may be called so");
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for text in ["", "a\u{0}b", "line\nbreak", "\u{202E}evil", " x", "x "] {
            assert!(Name::parse(text).is_err() && Name::parse_place(text).is_err(), "{text:?} was taken");
        }
        assert_eq!(Name::parse(&"x".repeat(257)), Err(InvalidName::TooLong));
    }

    #[test]
    fn marks_of_direction_are_refused_and_names_stored_with_them_can_be_read_and_asked_for() {
        for mark in ['\u{061C}', '\u{200E}', '\u{200F}'] {
            let text = format!("gate{mark}-1");
            assert_eq!(Name::parse(&text), Err(InvalidName::Control), "{mark:?}");
            assert_eq!(Name::parse_place(&text), Err(InvalidName::Control), "{mark:?}");
            assert_eq!(Name::parse_stored(&text).as_ref().map(Name::as_str), Ok(&*text), "{mark:?}");
            assert_eq!(Name::parse_stored_place(&text).as_ref().map(Name::as_str), Ok(&*text), "{mark:?}");
        }
        for text in ["", "a\u{0}b", "\u{202E}evil", "\u{2066}x", " x"] {
            assert!(Name::parse_stored(text).is_err(), "{text:?} never was a name");
        }
        assert_eq!(Name::parse_stored_place("a/b"), Err(InvalidName::Unaddressable));
    }
}
