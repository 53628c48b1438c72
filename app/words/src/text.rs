//! Reads a file of texts: keys, languages and placeholders.

use std::collections::BTreeMap;

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPiece {
    Plain(String),
    /// The value of a placeholder.
    Hole(String),
    /// One word where the value of a placeholder shows as "1", else another.
    Count {
        placeholder: String,
        one: String,
        more: String,
    },
    /// An error's sentence.
    Sentence(String),
}

impl TextPiece {
    /// The placeholder that this piece shows, and whether it is an error's sentence.
    pub fn placeholder(&self) -> Option<(&str, bool)> {
        match self {
            Self::Plain(_) => None,
            Self::Hole(name) | Self::Count { placeholder: name, .. } => Some((name, false)),
            Self::Sentence(name) => Some((name, true)),
        }
    }
}

/// One text in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub key: String,
    /// As it stands in the file.
    pub written: String,
    pub en: Vec<TextPiece>,
    pub ko: Vec<TextPiece>,
    /// Names of placeholders in the order in which they occur in English, and whether each is an error's sentence.
    pub placeholders: Vec<(String, bool)>,
}

/// What is wrong, with the key where there is one.
type KeyError = (Option<String>, String);

/// The texts of a file by their keys.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn read(content: &str) -> Result<Vec<Text>, Vec<KeyError>> {
    // Keys that stand twice are refused here too.
    let table: toml::Table = content.parse().map_err(|e| vec![(None, no_toml(content, &e))])?;
    let mut texts = Vec::new();
    let mut wrong = Vec::new();
    for (key, value) in table {
        match text(&key, value) {
            Ok(text) => texts.push(text),
            Err(what) => wrong.push((Some(key), what)),
        }
    }
    if wrong.is_empty() { Ok(texts) } else { Err(wrong) }
}

/// Why a file is no TOML, with the line.
fn no_toml(content: &str, e: &toml::de::Error) -> String {
    let start = e.span().map_or(0, |span| span.start.min(content.len()));
    let before = content.as_bytes()[..start].iter().filter(|b| **b == b'\n').count();
    let line = content.lines().nth(before).unwrap_or_default();
    format!("line {}: {}: {}", before + 1, e.message(), line.trim())
}

fn text(key: &str, value: toml::Value) -> Result<Text, String> {
    if !is_name(key) {
        return Err("is no name of a function: lower-case letters, digits and _, and no word of Rust".into());
    }
    let toml::Value::Table(languages) = value else {
        return Err(format!("needs its languages: {key}.en and {key}.ko"));
    };
    let mut by_language = BTreeMap::new();
    for (language, value) in languages {
        match (language.as_str(), value) {
            ("en" | "ko", toml::Value::String(text)) if text.trim().is_empty() => {
                return Err(format!("is empty in {language}"));
            }
            ("en" | "ko", toml::Value::String(text)) => by_language.insert(language, text),
            ("en" | "ko", _) => return Err(format!("is no text in {language}")),
            _ => return Err(format!("has a language that is neither en nor ko: {language}")),
        };
    }
    let mut of = |language: &str| by_language.remove(language).ok_or_else(|| format!("is missing in {language}"));
    let (written, korean) = (of("en")?, of("ko")?);
    let en = pieces(&written).map_err(|e| format!("has {e} in en"))?;
    let ko = pieces(&korean).map_err(|e| format!("has {e} in ko"))?;
    let (placeholders, others) = (placeholders(&en)?, placeholders(&ko)?);
    let only = |these: &[(String, bool)], those: &[(String, bool)]| {
        these
            .iter()
            .find(|placeholder| !those.contains(placeholder))
            .map(|(name, sentence)| format!("{{{name}{}}}", if *sentence { ":sentence" } else { "" }))
    };
    if let Some(placeholder) = only(&placeholders, &others) {
        return Err(format!("has the hole {placeholder} in en and not in ko"));
    }
    if let Some(placeholder) = only(&others, &placeholders) {
        return Err(format!("has the hole {placeholder} in ko and not in en"));
    }
    Ok(Text { key: key.to_owned(), written, en, ko, placeholders })
}

/// The placeholders of a text, each once.
fn placeholders(pieces: &[TextPiece]) -> Result<Vec<(String, bool)>, String> {
    let mut found: Vec<(String, bool)> = Vec::new();
    for (name, sentence) in pieces.iter().filter_map(TextPiece::placeholder) {
        match found.iter().find(|(other, _)| other == name) {
            Some((_, other)) if *other != sentence => {
                return Err(format!("has {{{name}}} both as a value and as a sentence"));
            }
            Some(_) => {}
            None => found.push((name.to_owned(), sentence)),
        }
    }
    Ok(found)
}

/// Takes a text apart.
fn pieces(text: &str) -> Result<Vec<TextPiece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix(brace) {
            plain.push_str(brace);
            rest = behind;
        } else if brace == "}" {
            return Err("a } without its { (a brace is written }})".into());
        } else {
            let (inside, behind) = rest.split_once('}').ok_or("a { without its } (a brace is written {{)")?;
            if !plain.is_empty() {
                pieces.push(TextPiece::Plain(std::mem::take(&mut plain)));
            }
            pieces.push(placeholder(inside)?);
            rest = behind;
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(TextPiece::Plain(plain));
    }
    Ok(pieces)
}

/// What stands between the braces of a placeholder.
fn placeholder(inside: &str) -> Result<TextPiece, String> {
    let parts: Vec<&str> = inside.split('|').collect();
    let (name, piece) = match parts[..] {
        [one] => match one.split_once(':') {
            None => (one, TextPiece::Hole(one.to_owned())),
            Some((name, "sentence")) => (name, TextPiece::Sentence(name.to_owned())),
            Some(_) => return Err(format!("{{{inside}}}, where only {{name:sentence}} is known")),
        },
        [name, one, more] if !inside.contains('{') => {
            (name, TextPiece::Count { placeholder: name.to_owned(), one: one.to_owned(), more: more.to_owned() })
        }
        _ => return Err(format!("{{{inside}}}, which is neither a hole nor one with two words")),
    };
    if name == "lang" || !is_name(name) {
        return Err(format!(
            "the hole {{{inside}}}: a name is lower-case letters, digits and _, not lang, no word of Rust"
        ));
    }
    Ok(piece)
}

/// Whether this can name a function or a parameter.
fn is_name(text: &str) -> bool {
    let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    letters && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase()) && !KEYWORDS.contains(&text)
}

/// The lower-case keywords of Rust, reserved ones too.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
