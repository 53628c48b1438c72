//! Whether runs pass a filter.

use std::cell::Cell;

use super::ast::{DatasetPart, Expr, Field, Filter, Match, Test};
use crate::tracking::{
    column::{Attribute, Value},
    run::{Run, RunMetric, Text},
};

/// A filter made ready for many runs. It remembers at which place of a run's metrics, parameters and tags a key was last found: in
/// one experiment that is nearly always the same.
pub struct Matcher<'a> {
    root: Option<Node<'a>>,
}

enum Node<'a> {
    And(Vec<Node<'a>>),
    Or(Vec<Node<'a>>),
    Not(Box<Node<'a>>),
    Test { field: &'a Field, test: &'a Test, place: Place, pattern: Vec<char> },
    Word(Vec<char>),
}

/// Where a key was found last.
#[derive(Debug, Default)]
pub(in crate::tracking) struct Place(Cell<usize>);

impl Place {
    /// The metric of a key.
    pub fn metric<'r>(&self, run: &'r Run, key: &str) -> Option<&'r RunMetric> {
        self.find(&run.metrics, key, |m| &m.key)
    }

    /// The value of a key among parameters or tags.
    pub fn text<'r>(&self, pairs: &'r [(Text, Text)], key: &str) -> Option<&'r Text> {
        self.find(pairs, key, |p| &p.0).map(|p| &p.1)
    }

    fn find<'r, T>(&self, items: &'r [T], key: &str, of: impl Fn(&T) -> &Text) -> Option<&'r T> {
        if let Some(item) = items.get(self.0.get()).filter(|i| **of(i) == *key) {
            return Some(item);
        }
        let at = items.binary_search_by(|i| (**of(i)).cmp(key)).ok()?;
        self.0.set(at);
        items.get(at)
    }
}

impl<'a> Matcher<'a> {
    #[must_use]
    pub fn new(filter: &'a Filter) -> Self {
        Self { root: filter.root.as_ref().map(node) }
    }

    #[must_use]
    pub fn matches(&self, run: &Run) -> bool {
        self.root.as_ref().is_none_or(|n| n.holds(run))
    }
}

fn node(expr: &Expr) -> Node<'_> {
    match expr {
        Expr::And(parts) => Node::And(parts.iter().map(node).collect()),
        Expr::Or(parts) => Node::Or(parts.iter().map(node).collect()),
        Expr::Not(inner) => Node::Not(Box::new(node(inner))),
        Expr::Test(field, test) => {
            let pattern = match test {
                Test::Text(Match::Like, text) => text.chars().collect(),
                Test::Text(Match::ILike, text) => fold(text),
                _ => vec![],
            };
            Node::Test { field, test, place: Place::default(), pattern }
        }
        Expr::Word(word) => Node::Word(fold(word)),
    }
}

/// Characters in small letters.
fn fold(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

impl Node<'_> {
    fn holds(&self, run: &Run) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|p| p.holds(run)),
            Self::Or(parts) => parts.iter().any(|p| p.holds(run)),
            Self::Not(inner) => !inner.holds(run),
            Self::Word(word) => contains(&run.name, word),
            Self::Test { field, test, place, pattern } => {
                let text = |value: Option<&str>| passes_text(test, pattern, value);
                match field {
                    Field::Metric(key) => passes_number(test, place.metric(run, key).map(|m| m.value)),
                    Field::Param(key) => text(place.text(&run.params, key).map(|t| &**t)),
                    Field::Tag(key) => text(place.text(&run.tags, key).map(|t| &**t)),
                    Field::Attribute(a) => passes_attribute(*a, test, pattern, run),
                    Field::Dataset(part) => passes_dataset(*part, test, pattern, run),
                    // Not resolved: nobody has it.
                    Field::Bare(_) => matches!(test, Test::Null(true)),
                }
            }
        }
    }
}

fn passes_attribute(attribute: Attribute, test: &Test, pattern: &[char], run: &Run) -> bool {
    match attribute.value(run) {
        Some(Value::Text(text)) => passes_text(test, pattern, Some(text)),
        Some(Value::Status(status)) => passes_text(test, pattern, Some(status.as_str())),
        Some(Value::Number(x)) => passes_number(test, Some(x)),
        Some(Value::Time(t)) => passes_number(test, Some(t.0 as f64)),
        None => matches!(test, Test::Null(true)),
    }
}

fn passes_dataset(part: DatasetPart, test: &Test, pattern: &[char], run: &Run) -> bool {
    let mut values = run.datasets.iter().map(|d| match part {
        DatasetPart::Name => &*d.name,
        DatasetPart::Digest => &*d.digest,
        DatasetPart::Context => &*d.context,
    });
    match test {
        Test::Null(is) => run.datasets.is_empty() == *is,
        _ => values.any(|v| passes_text(test, pattern, Some(v))),
    }
}

fn passes_number(test: &Test, value: Option<f64>) -> bool {
    match (test, value) {
        (Test::Null(is), value) => value.is_none() == *is,
        (Test::Number(order, number), Some(value)) => order.holds(value, *number),
        // A metric has no text; a key without a prefix may ask for one.
        _ => false,
    }
}

fn passes_text(test: &Test, pattern: &[char], value: Option<&str>) -> bool {
    match (test, value) {
        (Test::Null(is), value) => value.is_none() == *is,
        (_, None) => false,
        (Test::Number(order, number), Some(text)) => number_of(text).is_some_and(|x| order.holds(x, *number)),
        (Test::Text(Match::Equal, wanted), Some(text)) => **wanted == *text,
        (Test::Text(Match::Unequal, wanted), Some(text)) => **wanted != *text,
        (Test::Text(Match::Like, _), Some(text)) => like(pattern, text, false),
        (Test::Text(Match::ILike, _), Some(text)) => like(pattern, text, true),
        (Test::In(is, texts), Some(text)) => texts.iter().any(|t| **t == *text) == *is,
    }
}

/// The number that a parameter or tag is.
pub(in crate::tracking) fn number_of(text: &str) -> Option<f64> {
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
