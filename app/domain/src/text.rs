//! Names that people gave to customers, sites, zones, models. Stored exactly as given; never used as a path.

use std::{borrow::Cow, sync::Arc};

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

/// A text of somebody else's as it can stand in HTML and in CSV, where control characters may not: each is shown by its symbol. Tabs
/// and line ends stay what they are.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    // ASCII without a symbol needs no look at its letters.
    let plain = |b: u8| (0x20..0x7F).contains(&b) || matches!(b, b'\t' | b'\n');
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        shown.push(match c {
            '\t' | '\n' => c,
            '\r' if rest.peek() == Some(&'\n') => c,
            '\0'..='\u{1F}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(c),
            '\u{7F}' => '\u{2421}',
            // The others have no symbol, and noncharacters may stand in no HTML either.
            '\u{80}'..='\u{9F}' | '\u{FDD0}'..='\u{FDEF}' => char::REPLACEMENT_CHARACTER,
            c if u32::from(c) & 0xFFFE == 0xFFFE => char::REPLACEMENT_CHARACTER,
            c => c,
        });
    }
    Cow::Owned(shown)
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
    fn control_characters_are_shown_and_nothing_else_changes() {
        assert_eq!(visible("a\0\u{1}\u{7}\u{1b}[31m\u{7f}\u{85}\u{FFFF}"), "a␀␁␇␛[31m␡\u{FFFD}\u{FFFD}");
        for same in ["", "plain", "two\nlines\tand\r\nthree", "부산 é 🚀 \u{202E}", "␀"] {
            assert_eq!(visible(same), same);
        }
        assert_eq!(visible("10 %\r20 %\r\n"), "10 %␍20 %\r\n");
    }

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
