//! The languages that pages speak. What they say stands in `words.toml` beside what says it.

pub(crate) mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/i18n/words.rs"));
}
use domain::{declarations::LocalizedText, error::Sentence};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    #[default]
    En,
    Ko,
}

impl Lang {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Self::En),
            "ko" => Some(Self::Ko),
            _ => None,
        }
    }

    /// The first language of an `Accept-Language` header that we speak, by its weights.
    #[must_use]
    pub fn negotiate(header: &str) -> Self {
        let mut accepted: Vec<(f32, Self)> = header
            .split(',')
            .filter_map(|part| {
                let (tag, rest) = part.trim().split_once(';').unwrap_or((part.trim(), ""));
                let weight = rest.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
                Some((weight, Self::from_code(&tag.split('-').next()?.to_ascii_lowercase())?))
            })
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        accepted.sort_by(|a, b| b.0.total_cmp(&a.0));
        accepted.first().map_or(Self::En, |w| w.1)
    }

    /// A name to show, in this language.
    #[must_use]
    pub fn name(self, label: &LocalizedText) -> &str {
        match self {
            Self::En => &label.en,
            Self::Ko => &label.ko,
        }
    }

    /// A sentence in this language. One that only operators should have met, and has no other language, is not shown to
    /// others.
    #[must_use]
    pub fn message(self, sentence: Sentence) -> String {
        match self {
            Self::En => sentence.en,
            Self::Ko => sentence.ko.unwrap_or_else(|| words::error_page(self).to_owned()),
        }
    }

    /// A reason in this language, or in English: that is more than no reason.
    #[must_use]
    pub fn reason(self, sentence: &Sentence) -> &str {
        match self {
            Self::En => &sentence.en,
            Self::Ko => sentence.korean(),
        }
    }
}

/// A text as a sentence.
#[must_use]
pub fn bilingual(text: fn(Lang) -> &'static str) -> Sentence {
    Sentence { en: text(Lang::En).to_owned(), ko: Some(text(Lang::Ko).to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_s_language_is_chosen() {
        assert_eq!(Lang::negotiate("ko-KR,ko;q=0.9,en;q=0.8"), Lang::Ko);
        assert_eq!(Lang::negotiate("fr,en;q=0.5,ko;q=0.7"), Lang::Ko);
        assert_eq!(Lang::negotiate("de"), Lang::En);
        assert_eq!(Lang::negotiate("ko;q=0"), Lang::En);
        assert_eq!(Lang::negotiate(""), Lang::En);
    }
}
