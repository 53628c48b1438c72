//! The fields of a `meta.yaml` as MLflow writes it: one mapping of scalars, some of which may be mappings of scalars themselves.

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

/// Deeper than MLflow writes.
const DEEPEST: usize = 8;

/// The largest file, in bytes.
pub(crate) const LARGEST: u64 = 1 << 20;

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Null,
    /// As it stands there: numbers are texts too.
    Text(String),
    Map(Vec<(String, Value)>),
    List,
}

/// The fields of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// `None` for what is no mapping or only half written: MLflow ends a file with a line end. Anchors and aliases, with which a
    /// small file could blow up, are not taken.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        if !text.ends_with('\n') {
            return None;
        }
        let mut parser = Parser::new_from_str(text);
        loop {
            match parser.next_event()?.ok()?.0 {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::MappingStart(0, _) => break,
                _ => return None,
            }
        }
        let fields = mapping(&mut parser, 0)?;
        match parser.next_event()?.ok()?.0 {
            Event::DocumentEnd | Event::StreamEnd => Some(Self(fields)),
            _ => None,
        }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().rfind(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// A text or a number as a text; `None` where there is none or null.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether there is such a field, if only null.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub fn number(&self, key: &str) -> Option<i64> {
        self.text(key)?.parse().ok()
    }

    /// A text within a mapping.
    pub fn inner_text(&self, key: &str, inner: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Map(entries) => entries.iter().rfind(|(k, _)| k == inner).and_then(|(_, value)| match value {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            }),
            _ => None,
        }
    }
}

fn mapping<'t>(parser: &mut Parser<'t, StrInput<'t>>, depth: usize) -> Option<Vec<(String, Value)>> {
    let mut entries = Vec::new();
    loop {
        let key = match parser.next_event()?.ok()?.0 {
            Event::MappingEnd => return Some(entries),
            Event::Scalar(text, _, 0, _) => text.into_owned(),
            _ => return None,
        };
        let event = parser.next_event()?.ok()?.0;
        entries.push((key, value(parser, event, depth + 1)?));
    }
}

fn value<'t>(parser: &mut Parser<'t, StrInput<'t>>, event: Event<'t>, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    Some(match event {
        Event::Scalar(text, ScalarStyle::Plain, 0, _) if matches!(&*text, "" | "~" | "null" | "Null" | "NULL") => {
            Value::Null
        }
        Event::Scalar(text, _, 0, _) => Value::Text(text.into_owned()),
        Event::MappingStart(0, _) => Value::Map(mapping(parser, depth)?),
        Event::SequenceStart(0, _) => loop {
            match parser.next_event()?.ok()?.0 {
                Event::SequenceEnd => break Value::List,
                event => drop(value(parser, event, depth + 1)?),
            }
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_mlflow_is_read_and_half_of_one_is_not() {
        let text = "end_time: null\nrun_id: '0'\nrun_name: 'it''s: #1 \"q\"'\nstart_time: 1795782517190\nstatus: 3\n\
                    tags:\n  mlflow.data.context: training\nlist: []\nlong: \"a\\u202e\\\n  \\ b\"\n";
        let fields = Fields::parse(text.as_bytes()).expect("fields");
        assert_eq!((fields.text("run_id"), fields.text("run_name")), (Some("0"), Some("it's: #1 \"q\"")));
        assert_eq!((fields.number("start_time"), fields.number("end_time")), (Some(1_795_782_517_190), None));
        assert_eq!(fields.inner_text("tags", "mlflow.data.context"), Some("training"));
        assert_eq!(fields.text("long"), Some("a\u{202e} b"));
        for cut in ["", "run_id: a\nstatus: 1", "run_id: 'a\n", "- a\n", "a: &x 1\nb: *x\n", "a: 1\n---\nb: 2\n b: 3\n"]
        {
            let read = Fields::parse(cut.as_bytes());
            assert!(read.is_none() || cut.contains("---"), "{cut:?}: {read:?}");
        }
        assert!(Fields::parse(format!("a: {}\n", "[".repeat(100)).as_bytes()).is_none());
        assert!(Fields::parse(b"a: \xff\n").is_none());
    }
}
