//! The texts that people read, in English and Korean, generated from `app/locales`.

use domain::{declared::Label, error::Sentence};
use serde::{Deserialize, Serialize};

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

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
        let mut wanted: Vec<(f32, Self)> = header
            .split(',')
            .filter_map(|part| {
                let (tag, rest) = part.trim().split_once(';').unwrap_or((part.trim(), ""));
                let weight = rest.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
                Some((weight, Self::from_code(&tag.split('-').next()?.to_ascii_lowercase())?))
            })
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        wanted.first().map_or(Self::En, |w| w.1)
    }

    /// The texts of this language.
    #[must_use]
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::En => &EN,
            Self::Ko => &KO,
        }
    }

    /// A name to show, in this language.
    #[must_use]
    pub fn name(self, label: &Label) -> &str {
        match self {
            Self::En => &label.en,
            Self::Ko => &label.ko,
        }
    }

    /// A sentence in this language. One that only operators should have met, and has no other language, is not shown to
    /// others.
    #[must_use]
    pub fn says(self, sentence: Sentence) -> String {
        match self {
            Self::En => sentence.en,
            Self::Ko => sentence.ko.unwrap_or_else(|| KO.error_page.to_owned()),
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

/// One of the texts as a sentence.
#[must_use]
pub fn both(text: fn(&Texts) -> &'static str) -> Sentence {
    Sentence { en: text(&EN).to_owned(), ko: Some(text(&KO).to_owned()) }
}

/// Fills the holes of a text: `fill("{n} of {of}", &[("n", "2"), ("of", "12")])`. A hole such as `{n|record|records}` is
/// the first word when n is 1, else the second.
#[must_use]
pub fn fill(text: &str, holes: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        let value = |name: &str| holes.iter().find(|h| h.0 == name).map_or("", |h| h.1);
        out.push_str(match name.split_once('|') {
            Some((n, words)) => {
                words.split_once('|').map_or(words, |(one, more)| if value(n) == "1" { one } else { more })
            }
            None => value(name),
        });
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_s_wish_is_heard() {
        assert_eq!(Lang::negotiate("ko-KR,ko;q=0.9,en;q=0.8"), Lang::Ko);
        assert_eq!(Lang::negotiate("fr,en;q=0.5,ko;q=0.7"), Lang::Ko);
        assert_eq!(Lang::negotiate("de"), Lang::En);
        assert_eq!(Lang::negotiate("ko;q=0"), Lang::En);
        assert_eq!(Lang::negotiate(""), Lang::En);
    }

    #[test]
    fn holes_are_filled_once_and_values_are_not_read_again() {
        assert_eq!(fill("{n} of {of}", &[("n", "{of}"), ("of", "3")]), "{of} of 3");
        assert_eq!(fill("open { brace", &[]), "open { brace");
        let records = |n| fill("{n} {n|record|records}", &[("n", n)]);
        assert_eq!(["0", "1", "21"].map(records), ["0 records", "1 record", "21 records"]);
    }
}
