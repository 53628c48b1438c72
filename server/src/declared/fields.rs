//! The fields of a mapping, read strictly: what is not known is refused with its line, and so is what has another type.

use domain::{declared::Label, error::Sentence, say, scope::clip, text::Name};

use super::yaml::{Entry, Fault, Node, Result, Value};

/// The longest definition of a metric, in bytes.
const LONGEST: usize = 1_000;

/// The entries of a mapping, or of nothing.
pub fn entries(node: &Node) -> Result<&[Entry]> {
    match &node.value {
        Value::Map(entries) => Ok(entries),
        Value::Null => Ok(&[]),
        _ => Err(wrong(node, "a mapping (key: value)", "매핑(키: 값)")),
    }
}

/// A mapping whose keys are among `known`.
pub struct Fields<'n>(&'n [Entry]);

impl<'n> Fields<'n> {
    pub fn of(node: &'n Node, known: &[&str]) -> Result<Self> {
        let entries = entries(node)?;
        match entries.iter().find(|e| !known.contains(&&*e.key)) {
            None => Ok(Self(entries)),
            Some(e) => Err(Fault::at(
                e.line,
                say!(
                    "“{got}” is not known here; there is {known}",
                    "“{got}”: 알 수 없는 키입니다. 쓸 수 있는 키: {known}",
                    got = clip(&e.key),
                    known = known.join(", ")
                ),
            )),
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

/// The wrong type.
pub fn wrong(node: &Node, what: &str, ko: &str) -> Fault {
    let (en, korean) = match &node.value {
        Value::Null => ("nothing", "빈 값"),
        Value::Bool(_) => ("true or false", "참·거짓"),
        Value::Number(_) => ("a number", "숫자"),
        Value::Text(_) => ("a text", "텍스트"),
        Value::List(_) => ("a list", "목록"),
        Value::Map(_) => ("a mapping", "매핑"),
    };
    Fault::at(node.line, say!("here belongs {what}, not {en}", "이 자리에는 {ko}이(가) 와야 합니다. 받은 값: {korean}"))
}

pub fn text(node: &Node) -> Result<&str> {
    match &node.value {
        Value::Text(text) => Ok(text),
        // A name of digits alone, most of all.
        Value::Number(_) | Value::Bool(_) => {
            let mut fault = wrong(node, "a text", "텍스트");
            fault.reason = more(fault.reason, " (quote it: \"…\")", " (따옴표로 묶으세요: \"…\")");
            Err(fault)
        }
        _ => Err(wrong(node, "a text", "텍스트")),
    }
}

fn more(reason: Sentence, en: &str, ko: &str) -> Sentence {
    let korean = format!("{}{ko}", reason.korean());
    Sentence { en: reason.en + en, ko: Some(korean) }
}

pub fn number(node: &Node) -> Result<f64> {
    match node.value {
        Value::Number(n) if n.is_finite() => Ok(n),
        _ => Err(wrong(node, "a finite number", "유한한 숫자")),
    }
}

/// A name to show: one text for both languages, or `{en: …, ko: …}`; one that is missing is `otherwise`'s, else the other's.
pub fn label(node: &Node, otherwise: Option<&Label>) -> Result<Label> {
    both(node, otherwise, |node| {
        let text = text(node)?;
        Name::parse(text)
            .map(|n| n.to_string())
            .map_err(|e| Fault::at(node.line, say!("the text {e}", "텍스트: {why}", why = e.korean())))
    })
}

/// A sentence or two in both languages, as [`label`].
pub fn definition(node: &Node, otherwise: Option<&Label>) -> Result<Label> {
    both(node, otherwise, |node| {
        let text = text(node)?.trim();
        if text.is_empty() || text.len() > LONGEST || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Fault::at(
                node.line,
                say!(
                    "a definition has 1 to {LONGEST} bytes and no control characters",
                    "정의는 1~{LONGEST}바이트이며 제어 문자를 쓸 수 없습니다"
                ),
            ));
        }
        Ok(text.replace('\n', " "))
    })
}

fn both(node: &Node, otherwise: Option<&Label>, read: impl Fn(&Node) -> Result<String>) -> Result<Label> {
    if !matches!(node.value, Value::Map(_)) {
        let text = read(node)?;
        return Ok(Label { ko: text.clone(), en: text });
    }
    let fields = Fields::of(node, &["en", "ko"])?;
    let (en, ko) = (fields.read("en", &read)?, fields.read("ko", &read)?);
    let of = |side: fn(&Label) -> &String| otherwise.map(side).cloned();
    let shown_en = en.clone().or_else(|| of(|l| &l.en)).or_else(|| ko.clone());
    let shown_ko = ko.or_else(|| of(|l| &l.ko)).or(en);
    match (shown_en, shown_ko) {
        (Some(en), Some(ko)) => Ok(Label { en, ko }),
        _ => Err(Fault::at(node.line, say!("say en, ko or both", "en, ko 중 하나 이상을 적으세요"))),
    }
}
