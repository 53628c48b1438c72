//! How names are spelled: in Unicode's normalization form C, in which a letter and its accent are one, and a Hangul syllable
//! is one. Some systems write them apart; it looks the same, and would be another place. Behind a feature: nothing that runs
//! in the browser needs Unicode's tables.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A name in its one spelling; `None` when it is spelled so already.
#[must_use]
pub fn nfc(text: &str) -> Option<String> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return None;
    }
    let composed: String = text.nfc().collect();
    (composed != text).then_some(composed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_that_were_written_apart_are_put_together() {
        let hangul: String = "부산-2".nfd().collect();
        assert_eq!(nfc(&hangul).as_deref(), Some("부산-2"));
        assert_eq!(nfc("Zu\u{308}rich").as_deref(), Some("Zürich"));
        for text in ["acme", "부산-2", "Zürich", "موقع-١", "site 🚀", "x\u{338}"] {
            assert_eq!(nfc(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_spelling_is_the_same_for_all_ways_to_write_and_settled_at_once(text in "\\PC{0,12}") {
            let spelled = |t: &str| nfc(t).unwrap_or_else(|| t.to_owned());
            let apart: String = text.nfd().collect();
            prop_assert_eq!(spelled(&apart), spelled(&text));
            prop_assert_eq!(nfc(&spelled(&text)), None);
        }
    }
}
