//! Whether a run passes a filter.

use super::ast::{DatasetPart, Expr, Field, Listed, Match, Test};
use crate::tracking::{column::Value, run::Run};

/// The text of a LIKE, of an ILIKE (in small letters) or of a word (in small letters), as characters; empty for everything else.
#[derive(Debug)]
pub(in crate::tracking) struct Pattern(Vec<char>);

impl Pattern {
    pub(in crate::tracking) fn of(expr: &Expr) -> Self {
        Self(match expr {
            Expr::Test(_, Test::Text(Match::Like, text)) => text.chars().collect(),
            Expr::Test(_, Test::Text(Match::ILike, text)) | Expr::Word(text) => fold(text),
            _ => vec![],
        })
    }
}

/// Characters in small letters.
fn fold(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

impl Expr {
    /// Whether a run passes; the pattern is that of this expression.
    pub(in crate::tracking) fn passes(&self, pattern: &Pattern, run: &Run) -> bool {
        let part = |p: &Self| p.passes(&Pattern::of(p), run);
        match self {
            Self::And(parts) => parts.iter().all(part),
            Self::Or(parts) => parts.iter().any(part),
            Self::Not(inner) => !part(inner),
            Self::Word(_) => contains(&run.name, &pattern.0),
            Self::Test(field, test) => {
                let value = match field {
                    Field::Metric(key) => run.metric(key).map(|m| Value::Number(m.value)),
                    Field::Param(key) => run.param(key).map(Value::Text),
                    Field::Tag(key) => run.tag(key).map(Value::Text),
                    Field::Attribute(attribute) => attribute.value(run),
                    Field::Dataset(part) => return passes_dataset(*part, test, pattern, run),
                    // Not resolved: nobody has it.
                    Field::Bare(_) => None,
                };
                test.passes(pattern, value)
            }
        }
    }
}

fn passes_dataset(part: DatasetPart, test: &Test, pattern: &Pattern, run: &Run) -> bool {
    let mut values = run.datasets.iter().map(|d| match part {
        DatasetPart::Name => &*d.name,
        DatasetPart::Digest => &*d.digest,
        DatasetPart::Context => &*d.context,
    });
    match test {
        Test::Null(is) => run.datasets.is_empty() == *is,
        _ => values.any(|v| test.passes(pattern, Some(Value::Text(v)))),
    }
}

impl Test {
    /// Whether a value passes; the pattern is that of this test.
    pub(in crate::tracking) fn passes(&self, pattern: &Pattern, value: Option<Value<'_>>) -> bool {
        let text = |text: &str| match self {
            Self::Number(order, number) => number_of(text).is_some_and(|x| order.holds(x, *number)),
            Self::Text(Match::Equal, wanted) => **wanted == *text,
            Self::Text(Match::Unequal, wanted) => **wanted != *text,
            Self::Text(Match::Like, _) => like(&pattern.0, text, false),
            Self::Text(Match::ILike, _) => like(&pattern.0, text, true),
            Self::In(is, texts) => texts.iter().any(|t| **t == *text) == *is,
            Self::Among(is, list) => {
                let number = number_of(text);
                let same = |l: &Listed| match l {
                    Listed::Text(t) => **t == *text,
                    Listed::Number(x) => number == Some(*x),
                };
                list.iter().any(same) == *is
            }
            Self::Null(is) => !is,
        };
        // A number is no text; a key without a prefix may ask for one.
        let number = |x: f64| match self {
            Self::Number(order, number) => order.holds(x, *number),
            Self::Among(is, list) => list.contains(&Listed::Number(x)) == *is,
            Self::Null(is) => !is,
            Self::Text(..) | Self::In(..) => false,
        };
        match value {
            None => matches!(self, Self::Null(true)),
            Some(Value::Text(t)) => text(t),
            Some(Value::Status(status)) => text(status.as_str()),
            Some(Value::Number(x)) => number(x),
            Some(Value::Time(t)) => number(t.0 as f64),
        }
    }
}

/// The number that a parameter or tag is.
#[must_use]
pub fn number_of(text: &str) -> Option<f64> {
    let text = text.trim();
    // `inf`, `nan` and the like are words here.
    let plausible = text.bytes().next_back().is_some_and(|b| b.is_ascii_digit() || b == b'.');
    plausible.then(|| text.parse().ok()).flatten()
}

/// SQL's LIKE over characters; with `fold_case` the pattern is in small letters already. Takes no longer than pattern times text.
fn like(pattern: &[char], text: &str, fold_case: bool) -> bool {
    if text.is_ascii() {
        let bytes = text.as_bytes();
        let letter = |b: u8| char::from(if fold_case { b.to_ascii_lowercase() } else { b });
        return like_letters(pattern, bytes.len(), |i| bytes.get(i).copied().map(letter));
    }
    let letters: Vec<char> = if fold_case { fold(text) } else { text.chars().collect() };
    like_letters(pattern, letters.len(), |i| letters.get(i).copied())
}

fn like_letters(pattern: &[char], length: usize, letter: impl Fn(usize) -> Option<char>) -> bool {
    let (mut p, mut t) = (0, 0);
    // Behind the last `%`, and where what it stands for ends.
    let mut retry: Option<(usize, usize)> = None;
    while t < length {
        match pattern.get(p) {
            Some('%') => {
                p += 1;
                retry = Some((p, t));
            }
            Some(c) if *c == '_' || Some(*c) == letter(t) => {
                p += 1;
                t += 1;
            }
            _ => match &mut retry {
                Some((from, reached)) => {
                    *reached += 1;
                    (p, t) = (*from, *reached);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '%'))
}

/// Whether a text contains a word that is in small letters already.
fn contains(text: &str, word: &[char]) -> bool {
    if word.is_empty() {
        return true;
    }
    if text.is_ascii() && word.iter().all(char::is_ascii) {
        let same = |window: &[u8]| window.iter().zip(word).all(|(b, c)| char::from(b.to_ascii_lowercase()) == *c);
        return text.as_bytes().windows(word.len()).any(same);
    }
    fold(text).windows(word.len()).any(|w| w == word)
}
