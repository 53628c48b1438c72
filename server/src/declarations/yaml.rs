//! A small, strict part of YAML 1.2 with the line of everything: one document of mappings, lists and scalars of the core
//! schema. Refused are duplicate keys, tags, anchors and aliases (which could blow a small file up), and deep nesting.

use std::borrow::Cow;

use domain::{error::Sentence, scope::clip_text};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::sentences;

/// Deeper than either file needs.
const DEEPEST: usize = 16;

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// From 1.
    pub line: usize,
    pub reason: Sentence,
}

impl YamlError {
    pub fn at(line: usize, reason: Sentence) -> Self {
        Self { line, reason }
    }
}

pub type Result<T> = std::result::Result<T, YamlError>;

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub line: usize,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub line: usize,
    pub value: Node,
}

/// Reads a text; an empty one is null.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse(text: &str) -> Result<Node> {
    // Editors of some systems begin a file with this mark.
    let mut events = Events(Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text)));
    let mut whole = None;
    loop {
        let (event, line) = events.next()?;
        match event {
            Event::StreamEnd => return Ok(whole.unwrap_or(Node { line: 1, value: Value::Null })),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            _ if whole.is_some() => {
                return Err(YamlError::at(line, sentences::second_document()));
            }
            event => whole = Some(events.node(event, line, 0)?),
        }
    }
}

struct Events<'t>(Parser<'t, StrInput<'t>>);

impl<'t> Events<'t> {
    fn next(&mut self) -> Result<(Event<'t>, usize)> {
        match self.0.next_event() {
            Some(Ok((event, span))) => Ok((event, line(&span))),
            Some(Err(e)) => Err(syntax(&e)),
            None => Ok((Event::StreamEnd, 1)),
        }
    }

    fn node(&mut self, event: Event<'t>, line: usize, depth: usize) -> Result<Node> {
        if depth > DEEPEST {
            return Err(YamlError::at(line, sentences::too_deep()));
        }
        let plain = |anchor: usize, tag: bool| match (anchor, tag) {
            (0, false) => Ok(()),
            (0, true) => Err(YamlError::at(line, sentences::no_tags())),
            _ => Err(no_anchors(line)),
        };
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, tag.is_some())?;
                if style == ScalarStyle::Plain { resolve(text) } else { Value::Text(text.into_owned()) }
            }
            Event::SequenceStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break Value::List(list),
                        (event, line) => list.push(self.node(event, line, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                self.mapping(depth)?
            }
            Event::Alias(_) => return Err(no_anchors(line)),
            _ => return Err(YamlError::at(line, sentences::no_value())),
        };
        Ok(Node { line, value })
    }

    fn mapping(&mut self, depth: usize) -> Result<Value> {
        let mut entries: Vec<Entry> = Vec::new();
        // The line on which each key was given.
        let mut seen = std::collections::HashMap::new();
        loop {
            let (event, line) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Map(entries)),
                Event::Scalar(text, _, 0, None) => text.into_owned(),
                Event::Alias(_) | Event::Scalar(_, _, 1.., _) => return Err(no_anchors(line)),
                _ => return Err(YamlError::at(line, sentences::key_is_text())),
            };
            if let Some(first) = seen.insert(key.clone(), line) {
                return Err(YamlError::at(line, sentences::given_twice(clip_text(&key), first)));
            }
            let (event, value_line) = self.next()?;
            let mut value = self.node(event, value_line, depth + 1)?;
            if value.value == Value::Null {
                // What is not there has no line of its own.
                value.line = line;
            }
            entries.push(Entry { key, line, value });
        }
    }
}

fn line(span: &Span) -> usize {
    span.start.line().max(1)
}

fn no_anchors(line: usize) -> YamlError {
    YamlError::at(line, sentences::no_anchors())
}

fn syntax(e: &ScanError) -> YamlError {
    YamlError::at(e.marker().line().max(1), sentences::no_yaml(e.info()))
}

/// A plain scalar by the core schema of YAML 1.2. `yes`, `no` and dates are texts there.
fn resolve(text: Cow<'_, str>) -> Value {
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Number(f64::NAN),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let whole = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().map(|n| n as f64);
    let number = match (digits, digits.get(..2)) {
        (".inf" | ".Inf" | ".INF", _) => Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        (_, Some("0x")) => whole(&text[2..], 16),
        (_, Some("0o")) => whole(&text[2..], 8),
        _ if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && digits.bytes().any(|b| b.is_ascii_digit())
            && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-')) =>
        {
            text.parse().ok()
        }
        _ => None,
    };
    number.map_or_else(|| Value::Text(text.into_owned()), Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> (usize, String) {
        parse(text).map_err(|f| (f.line, f.reason.en)).expect_err("a fault")
    }

    #[test]
    fn scalars_are_those_of_the_core_schema() {
        let of = |text: &str| match parse(&format!("a: {text}")).expect("YAML").value {
            Value::Map(mut entries) => entries.remove(0).value.value,
            other => panic!("{other:?}"),
        };
        for text in ["", "~", "null"] {
            assert_eq!(of(text), Value::Null, "{text}");
        }
        assert_eq!((of("true"), of("False")), (Value::Bool(true), Value::Bool(false)));
        for (text, n) in [("5", 5.0), ("-0.5", -0.5), ("+1e3", 1000.0), (".5", 0.5), ("0x1F", 31.0), ("0o17", 15.0)] {
            assert_eq!(of(text), Value::Number(n), "{text}");
        }
        assert_eq!(of("-.inf"), Value::Number(f64::NEG_INFINITY));
        for text in ["yes", "no", "2026-06-01", "1.2.3", "inf", "nan", "infinity", "1_000", "30m", "e5", "0x", "."] {
            assert_eq!(of(text), Value::Text(text.into()), "{text}");
        }
        assert_eq!(of("\"5\""), Value::Text("5".into()), "what is quoted is a text");
    }

    #[test]
    fn an_empty_text_is_null() {
        for text in ["", "\n\n", "# only a comment\n", "---\n", "\u{feff}"] {
            assert_eq!(parse(text).map(|n| n.value), Ok(Value::Null), "{text:?}");
        }
    }

    #[test]
    fn what_is_refused_is_named_with_its_line() {
        assert_eq!(fault("a: 1\nb: 2\na: 3"), (3, "“a” is given twice; first on line 1".into()));
        assert_eq!(fault("x:\n  a: 1\n  a: 2").0, 3);
        assert_eq!(fault("a: 1\n---\nb: 2").0, 3);
        assert_eq!(fault("a: &x 1\nb: *x"), (1, "anchors (&) and aliases (*) are not taken here".into()));
        assert_eq!(fault("&k a: 1").1, "anchors (&) and aliases (*) are not taken here");
        assert_eq!(fault("a:\n  b: !!str 5"), (2, "tags (!) are not taken here".into()));
        assert_eq!(fault("a: 1\n[b]: 2").0, 2);
        assert_eq!(fault("a: 1\n b: 2").0, 2);
        assert!(fault("a: \"1\nb: 2\n").1.starts_with("this is not YAML: "));
        assert!(fault(&format!("a: {}", "[".repeat(100))).1.contains("nested"), "before its end is looked for");
    }

    #[test]
    fn aliases_cannot_blow_a_file_up() {
        let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
        assert_eq!(fault(bomb).0, 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_with_a_line_of_its_own(text in "[ \\n:\\-\\[\\]{}&*!#'\"a-c0-9.~|>%@,?]{0,60}") {
            if let Err(fault) = parse(&text) {
                prop_assert!(fault.line >= 1 && fault.line <= text.lines().count() + 1, "{fault:?}");
            }
        }
    }
}
