//! The fields of a mapping, read strictly: what is not known is refused with its line, and so is what has another type.

use domain::{declarations::LocalizedText, error::Sentence, scope::clip_text, text::Name};

use super::{
    sentences,
    yaml::{Entry, Node, Result, Value, YamlError},
};

/// The longest definition of a metric, in bytes.
const MAX_DEFINITION_BYTES: usize = 1_000;

/// The entries of a mapping, or of nothing.
pub fn entries(node: &Node) -> Result<&[Entry]> {
    match &node.value {
        Value::Map(entries) => Ok(entries),
        Value::Null => Ok(&[]),
        _ => Err(wrong_type(node, &sentences::pairs())),
    }
}

/// A mapping whose keys are among `known`.
pub struct Fields<'n>(&'n [Entry]);

impl<'n> Fields<'n> {
    pub fn of(node: &'n Node, known: &[&str]) -> Result<Self> {
        let entries = entries(node)?;
        match entries.iter().find(|e| !known.contains(&&*e.key)) {
            None => Ok(Self(entries)),
            Some(e) => Err(YamlError::at(e.line, sentences::unknown_key(clip_text(&e.key), known.join(", ")))),
        }
    }

    /// The value of a key; `None` where it is missing or null.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.0.iter().find(|e| e.key == key).map(|e| &e.value).filter(|n| n.value != Value::Null)
    }

    /// Reads the value of a key.
    pub fn read<T>(&self, key: &str, read: impl FnOnce(&'n Node) -> Result<T>) -> Result<Option<T>> {
        self.get(key).map(read).transpose()
    }
}

/// Another type than what belongs there.
pub fn wrong_type(node: &Node, what: &Sentence) -> YamlError {
    let got = match &node.value {
        Value::Null => sentences::nothing(),
        Value::Bool(_) => sentences::flag(),
        Value::Number(_) => sentences::number(),
        Value::Text(_) => sentences::text(),
        Value::List(_) => sentences::list(),
        Value::Map(_) => sentences::mapping(),
    };
    YamlError::at(node.line, sentences::wrong(what, &got))
}

pub fn text(node: &Node) -> Result<&str> {
    match &node.value {
        Value::Text(text) => Ok(text),
        // A name of digits alone, most of all.
        Value::Number(_) | Value::Bool(_) => {
            let mut fault = wrong_type(node, &sentences::text());
            fault.reason = sentences::quote_it(&fault.reason);
            Err(fault)
        }
        _ => Err(wrong_type(node, &sentences::text())),
    }
}

pub fn number(node: &Node) -> Result<f64> {
    match node.value {
        Value::Number(n) if n.is_finite() => Ok(n),
        _ => Err(wrong_type(node, &sentences::finite_number())),
    }
}

/// A name to show: one text for both languages, or `{en: …, ko: …}`; one that is missing is `otherwise`'s, else the other's.
pub fn label(node: &Node, otherwise: Option<&LocalizedText>) -> Result<LocalizedText> {
    both(node, otherwise, |node| {
        let text = text(node)?;
        Name::parse(text)
            .map(|n| n.to_string())
            .map_err(|e| YamlError::at(node.line, sentences::bad_text(&e.sentence())))
    })
}

/// A sentence or two in both languages, as [`label`].
pub fn definition(node: &Node, otherwise: Option<&LocalizedText>) -> Result<LocalizedText> {
    both(node, otherwise, |node| {
        let text = text(node)?.trim();
        if text.is_empty() || text.len() > MAX_DEFINITION_BYTES || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(YamlError::at(node.line, sentences::bad_definition(MAX_DEFINITION_BYTES)));
        }
        Ok(text.replace('\n', " "))
    })
}

fn both(
    node: &Node,
    otherwise: Option<&LocalizedText>,
    read: impl Fn(&Node) -> Result<String>,
) -> Result<LocalizedText> {
    if !matches!(node.value, Value::Map(_)) {
        let text = read(node)?;
        return Ok(LocalizedText { ko: text.clone(), en: text });
    }
    let fields = Fields::of(node, &["en", "ko"])?;
    let (en, ko) = (fields.read("en", &read)?, fields.read("ko", &read)?);
    let of = |side: fn(&LocalizedText) -> &String| otherwise.map(side).cloned();
    let shown_en = en.clone().or_else(|| of(|l| &l.en)).or_else(|| ko.clone());
    let shown_ko = ko.or_else(|| of(|l| &l.ko)).or(en);
    match (shown_en, shown_ko) {
        (Some(en), Some(ko)) => Ok(LocalizedText { en, ko }),
        _ => Err(YamlError::at(node.line, sentences::no_language())),
    }
}
