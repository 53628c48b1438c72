//! Writes the functions of a file of texts.

use std::fmt::Write;

use crate::text::{Text, TextPiece};

/// How the generated code names what it needs.
#[derive(Debug, Clone)]
pub struct GeneratedPaths {
    pub lang: String,
    pub sentence: String,
    /// The feature without which texts may be unused.
    pub all_used_with_feature: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    En,
    Ko,
}

/// Functions that take the language.
pub fn words(texts: &[Text], style: &GeneratedPaths) -> String {
    let mut out = String::new();
    for text in texts {
        open(&mut out, text, style, 1 + text.placeholders.len());
        let lang = &style.lang;
        let (constant, shown) = if text.placeholders.is_empty() { ("const ", "&'static str") } else { ("", "String") };
        let parameters = parameters(text, style, Some(format!("lang: {lang}")));
        let _ = writeln!(out, "pub {constant}fn {}({parameters}) -> {shown} {{", text.key);
        counts(&mut out, text);
        let (en, ko) = if text.placeholders.is_empty() {
            (literal(&text.en, Braces::Plain), literal(&text.ko, Braces::Plain))
        } else {
            (formatted(&text.en, Language::En), formatted(&text.ko, Language::Ko))
        };
        let _ =
            writeln!(out, "    match lang {{\n        {lang}::En => {en},\n        {lang}::Ko => {ko},\n    }}\n}}");
    }
    out
}

/// Functions that return a sentence in both languages.
pub fn sentences(texts: &[Text], style: &GeneratedPaths) -> String {
    let mut out = String::new();
    for text in texts {
        open(&mut out, text, style, text.placeholders.len());
        let sentence = &style.sentence;
        let _ = writeln!(out, "pub fn {}({}) -> {sentence} {{", text.key, parameters(text, style, None));
        counts(&mut out, text);
        let (en, ko) = (formatted(&text.en, Language::En), formatted(&text.ko, Language::Ko));
        let _ = writeln!(out, "    {sentence} {{ en: {en}, ko: Some({ko}) }}\n}}");
    }
    out
}

/// What stands above a function: the English text, and how unused ones are seen.
fn open(out: &mut String, text: &Text, style: &GeneratedPaths, parameters: usize) {
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "#[doc = {:?}]\n#[must_use]", text.written.replace('\n', " "));
    if let Some(feature) = &style.all_used_with_feature {
        let _ = writeln!(out, "#[cfg_attr(not(feature = {feature:?}), allow(dead_code, reason = \"others use it\"))]");
    }
    // More than clippy lets pass.
    if parameters > 7 {
        out.push_str("#[expect(clippy::too_many_arguments, reason = \"a text has the holes that it has\")]\n");
    }
}

fn parameters(text: &Text, style: &GeneratedPaths, first: Option<String>) -> String {
    let placeholder = |(name, sentence): &(String, bool)| {
        if *sentence { format!("{name}: &{}", style.sentence) } else { format!("{name}: impl std::fmt::Display") }
    };
    first.into_iter().chain(text.placeholders.iter().map(placeholder)).collect::<Vec<_>>().join(", ")
}

/// Values that decide about a word are shown once, so that the word fits what is seen.
fn counts(out: &mut String, text: &Text) {
    let counted = |name: &str| {
        text.en.iter().chain(&text.ko).any(|p| matches!(p, TextPiece::Count { placeholder, .. } if placeholder == name))
    };
    for (name, _) in text.placeholders.iter().filter(|(name, _)| counted(name)) {
        let _ = writeln!(out, "    let {name} = {name}.to_string();");
    }
}

/// An expression of type String.
fn formatted(pieces: &[TextPiece], language: Language) -> String {
    let mut values = String::new();
    for piece in pieces {
        match (piece, language) {
            (TextPiece::Plain(_), _) => {}
            (TextPiece::Hole(name), _) => {
                let _ = write!(values, ", {name}");
            }
            (TextPiece::Count { placeholder, one, more }, _) => {
                let _ = write!(values, ", if {placeholder} == \"1\" {{ {one:?} }} else {{ {more:?} }}");
            }
            (TextPiece::Sentence(name), Language::En) => {
                let _ = write!(values, ", {name}.en");
            }
            (TextPiece::Sentence(name), Language::Ko) => {
                let _ = write!(values, ", {name}.korean()");
            }
        }
    }
    if values.is_empty() {
        return format!("{}.to_owned()", literal(pieces, Braces::Plain));
    }
    format!("format!({}{values})", literal(pieces, Braces::Doubled))
}

/// How a brace of a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Braces {
    Plain,
    /// As `format!` wants them.
    Doubled,
}

/// A string literal with `{}` where a placeholder is.
fn literal(pieces: &[TextPiece], braces: Braces) -> String {
    let text: String = pieces
        .iter()
        .map(|piece| match piece {
            TextPiece::Plain(text) if braces == Braces::Doubled => text.replace('{', "{{").replace('}', "}}"),
            TextPiece::Plain(text) => text.clone(),
            _ => "{}".to_owned(),
        })
        .collect();
    format!("{text:?}")
}
