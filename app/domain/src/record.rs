//! One metric record, parsed. A record that exists is valid; one bad field refuses the whole record, with a reason.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{
    metric::{CATALOGUE, built_in_of_group},
    scope::{Place, clip},
    text::Name,
    time::{EARLIEST, LEAD, Millis},
};

/// The longest line of JSON that is read, in bytes.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// The most metrics outside of the catalogue in one record.
pub const MAX_CUSTOM: usize = 256;
/// The key of [`Record::extra`] under which names stand as they were written, where the lake spells them in another way: by
/// field, or by `group.leaf` of a metric. Ours; no part of a record's content.
pub const SPELLING: &str = "original_spelling";
const GROUPS: [&str; 4] = ["detection", "mot", "system", "comparison"];

/// The text fields of a record, in the order of their lake columns.
pub const TEXT_FIELDS: [&str; 14] = [
    "run_id",
    "experiment_name",
    "run_name",
    "customer",
    "site",
    "zone",
    "task",
    "experiment_type",
    "experiment_design",
    "model_architecture",
    "model_version",
    "device",
    "registered_model",
    "registered_version",
];
/// Where the places and the task stand in [`TEXT_FIELDS`].
pub const CUSTOMER: usize = 3;
pub const SITE: usize = 4;
pub const ZONE: usize = 5;
pub const TASK: usize = 6;
pub const EXPERIMENT_TYPE: usize = 7;
pub const ARCHITECTURE: usize = 9;
pub const VERSION: usize = 10;
pub const DEVICE: usize = 11;

/// A valid metric record: product.md, "The record".
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    timestamp: Millis,
    texts: [Option<Name>; TEXT_FIELDS.len()],
    built_in: [Option<f64>; CATALOGUE.len()],
    custom: Vec<(String, f64)>,
    samples: Option<f64>,
    simulated: bool,
    extra: Map<String, Value>,
}

/// Gives a name as the lake spells it, or `None` when it is spelled so already. Names that look the same can be written in
/// two ways, such as by a Mac; the tables that tell which is which belong to the server.
pub type Spelling = fn(&str) -> Option<String>;

/// The names of one record on their way to the lake's spelling.
struct Names {
    spelling: Spelling,
    /// How they were written, where that differs.
    written: Map<String, Value>,
}

impl Names {
    fn new(spelling: Spelling) -> Self {
        Self { spelling, written: Map::new() }
    }

    fn stored<'t>(&mut self, field: &str, text: &'t str) -> Cow<'t, str> {
        let Some(stored) = (self.spelling)(text) else { return Cow::Borrowed(text) };
        self.written.insert(field.to_owned(), text.into());
        Cow::Owned(stored)
    }

    /// A metric outside of the catalogue; `None` when it cannot be called so.
    fn metric(&mut self, group: &str, leaf: &str) -> Option<String> {
        let part = |text| (self.spelling)(text).map_or(Cow::Borrowed(text), Cow::Owned);
        let (stored_group, stored_leaf) = (part(group), part(leaf));
        if !custom_key_fits(&stored_group, &stored_leaf) {
            return None;
        }
        let (name, written) = (format!("{stored_group}.{stored_leaf}"), format!("{group}.{leaf}"));
        if name != written {
            self.written.insert(name.clone(), written.into());
        }
        Some(name)
    }
}

/// Why a record was refused. `code` groups reasons for counting; the message is for the person who repairs the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    /// Every code there is.
    pub const CODES: [&str; 13] = [
        "too_long",
        "invalid_utf8",
        "invalid_json",
        "not_an_object",
        "missing",
        "wrong_type",
        "bad_name",
        "bad_time",
        "too_old",
        "future",
        "not_finite",
        "out_of_range",
        "no_metric",
    ];
}

fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    debug_assert!(Refusal::CODES.contains(&code), "{code} is listed");
    Err(Refusal { code, message: message.into() })
}

impl Record {
    /// Parses one line of JSON.
    ///
    /// # Errors
    /// A [`Refusal`], whose `code` is one of [`Refusal::CODES`].
    pub fn parse_line(line: &[u8], now: Millis) -> Result<Self, Refusal> {
        Self::parse_line_spelled(line, now, |_| None)
    }

    /// The same with its names in the lake's spelling.
    ///
    /// # Errors
    /// As [`Record::parse_line`].
    pub fn parse_line_spelled(line: &[u8], now: Millis, spelling: Spelling) -> Result<Self, Refusal> {
        if line.len() > MAX_LINE_BYTES {
            return refuse("too_long", format!("the line has {} bytes, more than {MAX_LINE_BYTES}", line.len()));
        }
        if std::str::from_utf8(line).is_err() {
            return refuse("invalid_utf8", "the line is not UTF-8");
        }
        match serde_json::from_slice(line) {
            Ok(Value::Object(map)) => Self::parse_spelled(map, now, spelling),
            Ok(_) => refuse("not_an_object", "the line is JSON, but no object"),
            Err(e) => refuse("invalid_json", format!("not JSON: {e}")),
        }
    }

    /// Parses a record given as a JSON object. Null counts as absent.
    ///
    /// # Errors
    /// As [`Record::parse_line`].
    pub fn parse(map: Map<String, Value>, now: Millis) -> Result<Self, Refusal> {
        Self::parse_spelled(map, now, |_| None)
    }

    fn parse_spelled(mut map: Map<String, Value>, now: Millis, spelling: Spelling) -> Result<Self, Refusal> {
        let mut names = Names::new(spelling);
        let timestamp = match map.remove("timestamp") {
            Some(Value::String(text)) => window(&text, now)?,
            None | Some(Value::Null) => return refuse("missing", "timestamp is missing"),
            Some(other) => return refuse("wrong_type", format!("timestamp is {}, not a text", kind(&other))),
        };
        let mut texts: [Option<Name>; TEXT_FIELDS.len()] = Default::default();
        for (i, (field, slot)) in TEXT_FIELDS.iter().zip(&mut texts).enumerate() {
            match map.remove(*field) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => match name_of(i, &names.stored(field, &text)) {
                    Ok(name) => *slot = Some(name),
                    Err(e) => return refuse("bad_name", format!("{field} {e}")),
                },
                Some(other) => return refuse("wrong_type", format!("{field} is {}, not a text", kind(&other))),
            }
        }
        for required in [CUSTOMER, TASK] {
            if texts[required].is_none() {
                return refuse("missing", format!("{} is missing", TEXT_FIELDS[required]));
            }
        }
        if texts[ZONE].is_some() && texts[SITE].is_none() {
            return refuse("missing", "zone is given without site");
        }
        let samples = match map.remove("samples") {
            None | Some(Value::Null) => None,
            Some(v) => match v.as_f64() {
                Some(s) if s.is_finite() && s > 0.0 => Some(s),
                Some(s) => return refuse("out_of_range", format!("samples is {s}, it must be finite and above 0")),
                None => return refuse("wrong_type", format!("samples is {}, not a number", kind(&v))),
            },
        };
        let simulated = match map.remove("simulated") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(b)) => b,
            Some(other) => return refuse("wrong_type", format!("simulated is {}, not true or false", kind(&other))),
        };
        let mut record = Self {
            timestamp,
            texts,
            built_in: Default::default(),
            custom: Vec::new(),
            samples,
            simulated,
            extra: Map::new(),
        };
        for (key, value) in map {
            match value {
                Value::Null => {}
                Value::Object(group) if key != SPELLING => record.take_group(&key, group, &mut names)?,
                other if GROUPS.contains(&key.as_str()) => {
                    return refuse("wrong_type", format!("{key} is {}, not an object", kind(&other)));
                }
                other => {
                    record.extra.insert(key, other);
                }
            }
        }
        record.finish(names)
    }

    fn take_group(&mut self, group: &str, leaves: Map<String, Value>, names: &mut Names) -> Result<(), Refusal> {
        let mut kept = Map::new();
        for (leaf, value) in leaves {
            if value.is_null() {
                continue;
            }
            if let Some(i) = built_in_of_group(group, &leaf) {
                let Some(x) = value.as_f64() else {
                    return refuse("wrong_type", format!("{group}.{leaf} is {}, not a number", kind(&value)));
                };
                if self.built_in[i].is_some() {
                    return refuse("wrong_type", format!("{group}.{leaf} is given twice, in two spellings"));
                }
                self.built_in[i] = Some(in_range(i, x, &format!("{group}.{leaf}"))?);
            } else if let Some((x, name)) = value.as_f64().and_then(|x| Some((x, names.metric(group, &leaf)?))) {
                self.custom.push((name, x));
            } else {
                kept.insert(leaf, value);
            }
        }
        if !kept.is_empty() {
            self.extra.insert(group.to_owned(), Value::Object(kept));
        }
        Ok(())
    }

    fn finish(mut self, names: Names) -> Result<Self, Refusal> {
        if self.built_in.iter().all(Option::is_none) && self.custom.is_empty() {
            return refuse("no_metric", "the record has no metric");
        }
        if self.custom.len() > MAX_CUSTOM {
            return refuse(
                "out_of_range",
                format!("the record has more than {MAX_CUSTOM} metrics outside of the catalogue"),
            );
        }
        if let Some((key, _)) = self.custom.iter().find(|(_, x)| !x.is_finite()) {
            return refuse("not_finite", format!("{key} is not finite"));
        }
        self.custom.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(twice) = self.custom.windows(2).find(|w| w[0].0 == w[1].0) {
            return refuse("wrong_type", format!("{} is given twice, in two spellings", clip(&twice[0].0)));
        }
        if !names.written.is_empty() {
            match self.extra.get_mut(SPELLING) {
                Some(Value::Object(known)) => known.extend(names.written),
                _ => drop(self.extra.insert(SPELLING.to_owned(), names.written.into())),
            }
        }
        Ok(self)
    }

    /// Builds a record from the values of a lake row: the way back from a table, under the same rules.
    ///
    /// # Errors
    /// As [`Record::parse_line`].
    pub fn from_columns(mut row: Columns<'_>, now: Millis, spelling: Spelling) -> Result<Self, Refusal> {
        let mut names = Names::new(spelling);
        for (name, _) in &mut row.custom {
            if let Some(stored) = spelling(name) {
                names.written.insert(stored.clone(), std::mem::replace(name, stored).into());
            }
        }
        let timestamp =
            row.timestamp.ok_or_else(|| Refusal { code: "missing", message: "timestamp is missing".into() })?;
        check_window(timestamp, now)?;
        let mut record = Self {
            timestamp,
            texts: Default::default(),
            built_in: Default::default(),
            custom: row.custom,
            samples: row.samples,
            simulated: row.simulated,
            extra: Map::new(),
        };
        for (i, ((field, text), slot)) in TEXT_FIELDS.iter().zip(row.texts).zip(&mut record.texts).enumerate() {
            if let Some(text) = text {
                match name_of(i, &names.stored(field, text)) {
                    Ok(name) => *slot = Some(name),
                    Err(e) => return refuse("bad_name", format!("{field} {e}")),
                }
            }
        }
        for required in [CUSTOMER, TASK] {
            if record.texts[required].is_none() {
                return refuse("missing", format!("{} is missing", TEXT_FIELDS[required]));
            }
        }
        if record.texts[ZONE].is_some() && record.texts[SITE].is_none() {
            return refuse("missing", "zone is given without site");
        }
        if let Some(s) = record.samples.filter(|s| !s.is_finite() || *s <= 0.0) {
            return refuse("out_of_range", format!("samples is {s}, it must be finite and above 0"));
        }
        for (i, x) in row.built_in.into_iter().enumerate() {
            if let Some(x) = x {
                record.built_in[i] = Some(in_range(i, x, CATALOGUE[i].column)?);
            }
        }
        if let Some(text) = row.extra {
            match serde_json::from_str(text) {
                Ok(Value::Object(map)) => record.extra = map,
                _ => return refuse("wrong_type", "extra is not the text of a JSON object"),
            }
        }
        record.finish(names)
    }

    #[must_use]
    pub fn timestamp(&self) -> Millis {
        self.timestamp
    }
    /// The text fields in the order of [`TEXT_FIELDS`].
    #[must_use]
    pub fn texts(&self) -> &[Option<Name>; TEXT_FIELDS.len()] {
        &self.texts
    }
    /// Where it was made; `None` only of a record that names no customer, which none does that was taken.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let text = |i: usize| self.texts[i].clone();
        Some(Place { customer: text(CUSTOMER)?, site: text(SITE), zone: text(ZONE) })
    }
    /// The built-in metrics in the order of the catalogue.
    #[must_use]
    pub fn built_in(&self) -> &[Option<f64>; CATALOGUE.len()] {
        &self.built_in
    }
    /// The other metrics as (`group.leaf`, value), sorted by name.
    #[must_use]
    pub fn custom(&self) -> &[(String, f64)] {
        &self.custom
    }
    /// The weight of the record; `None` means 1.
    #[must_use]
    pub fn samples(&self) -> Option<f64> {
        self.samples
    }
    #[must_use]
    pub fn simulated(&self) -> bool {
        self.simulated
    }
    /// About how many bytes it takes beside its own: what budgets count.
    #[must_use]
    pub fn memory(&self) -> usize {
        // A shared text has two counters in front of it.
        let names: usize = self.texts.iter().flatten().map(|n| block(2 * size_of::<usize>() + n.as_str().len())).sum();
        let custom: usize = self.custom.iter().map(|(key, _)| block(key.capacity())).sum();
        names + custom + block(self.custom.capacity() * size_of::<(String, f64)>()) + entries(&self.extra)
    }
    /// Unknown keys as JSON text; `None` when there are none.
    #[must_use]
    pub fn extra(&self) -> Option<String> {
        (!self.extra.is_empty()).then(|| Value::Object(self.extra.clone()).to_string())
    }
}

/// The values of one row of a table with the lake's columns.
#[derive(Debug, Default)]
pub struct Columns<'a> {
    pub timestamp: Option<Millis>,
    pub texts: [Option<&'a str>; TEXT_FIELDS.len()],
    pub built_in: [Option<f64>; CATALOGUE.len()],
    pub custom: Vec<(String, f64)>,
    pub samples: Option<f64>,
    pub simulated: bool,
    pub extra: Option<&'a str>,
}

/// Places stand in addresses; other names only in queries.
fn name_of(field: usize, text: &str) -> Result<Name, crate::text::BadName> {
    if matches!(field, CUSTOMER | SITE | ZONE) { Name::parse_place(text) } else { Name::parse(text) }
}

fn window(text: &str, now: Millis) -> Result<Millis, Refusal> {
    let at = match Millis::parse(text) {
        Ok(at) => at,
        // The calendar ends a little before the year 9999 does, and that day is how some people write "never".
        Err(_)
            if text.starts_with("9999-12-3")
                && text.get(..19).is_some_and(|t| t.parse::<jiff::civil::DateTime>().is_ok()) =>
        {
            return refuse("future", format!("{} lies more than 24 hours ahead of this server's clock", clip(text)));
        }
        Err(e) => return refuse("bad_time", e.message.en),
    };
    check_window(at, now)?;
    Ok(at)
}

fn check_window(at: Millis, now: Millis) -> Result<(), Refusal> {
    if at < EARLIEST {
        return refuse("too_old", format!("{at} lies before the year 2000"));
    }
    if at > now.plus(LEAD) {
        return refuse("future", format!("{at} lies more than 24 hours ahead of this server's clock"));
    }
    Ok(())
}

fn in_range(i: usize, x: f64, field: &str) -> Result<f64, Refusal> {
    let metric = &CATALOGUE[i];
    if !x.is_finite() {
        return refuse("not_finite", format!("{field} is not finite"));
    }
    if !metric.accepts(x) {
        let (low, high) = metric.range;
        return refuse("out_of_range", format!("{field} is {x}, outside of {low} to {high}"));
    }
    Ok(x)
}

fn custom_key_fits(group: &str, leaf: &str) -> bool {
    let fits = |t: &str| Name::parse(t).is_ok() && !t.contains(['.', ',', '&', '=']);
    fits(group) && fits(leaf)
}

/// What an allocator gives for so many bytes.
fn block(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes.next_multiple_of(16) }
}

/// The memory of an object's entries; its nodes are half full at worst.
fn entries(map: &Map<String, Value>) -> usize {
    let slot = 2 * (size_of::<String>() + size_of::<Value>());
    map.iter().map(|(key, value)| slot + block(key.capacity()) + inside(value)).sum()
}

/// The memory of a value beside its own place.
fn inside(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => block(text.capacity()),
        Value::Array(all) => block(all.capacity() * size_of::<Value>()) + all.iter().map(inside).sum::<usize>(),
        Value::Object(map) => entries(map),
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "true or false".into(),
        Value::Number(_) => "a number".into(),
        Value::String(s) => format!("the text “{}”", clip(s)),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const NOW: Millis = Millis(1_782_820_800_000); // 2026-06-30T12:00:00Z

    fn base() -> Value {
        json!({"timestamp":"2026-06-30T11:00:00.123Z","customer":"acme","site":"seoul-01","zone":"gate-3","task":"detection",
               "detection":{"mAP50":0.81,"mAP50_95":0.55},"system":{"inference_time_ms":18.4,"gpu_mem_mb":null}})
    }

    fn with(change: impl FnOnce(&mut Map<String, Value>)) -> Result<Record, Refusal> {
        let Value::Object(mut map) = base() else { unreachable!() };
        change(&mut map);
        Record::parse(map, NOW)
    }

    fn code(result: Result<Record, Refusal>) -> &'static str {
        result.err().map_or("taken", |r| r.code)
    }

    #[test]
    fn the_documented_record_is_taken_whole() {
        let line = r#"{"timestamp":"2026-06-30T11:00:00.123Z","run_id":"3a2f1d4b5c6e7f8a","experiment_name":"detection-w25",
 "run_name":"yolov8m-1.1.0-z12-w25","customer":"acme","site":"seoul-01","zone":"gate-3","task":"detection",
 "experiment_type":"production","experiment_design":"baseline","model_architecture":"yolov8m","model_version":"1.1.0",
 "detection":{"mAP50":0.81,"mAP50_95":0.55,"precision":0.86,"recall":0.78},"mot":{"mota":0.71,"idf1":0.74,"hota":0.66},
 "system":{"inference_time_ms":18.4,"fps":54.3,"gpu_util":61.2,"gpu_mem_mb":5210,"cpu_util":38.0},
 "comparison":{"accuracy_drop":0.012,"speedup_ratio":1.42,"compression_ratio":2.1}}"#;
        let r = Record::parse_line(line.as_bytes(), NOW).expect("valid");
        assert!(r.built_in().iter().all(Option::is_some));
        assert_eq!(r.timestamp().0 % 1000, 123);
        assert_eq!((r.custom().len(), r.extra()), (0, None));
    }

    #[test]
    fn each_fault_has_its_reason() {
        assert_eq!(code(Record::parse_line(b"{\"timestamp\":", NOW)), "invalid_json");
        assert_eq!(code(Record::parse_line(b"[1]", NOW)), "not_an_object");
        assert_eq!(code(Record::parse_line(b"\xff\xfe{}", NOW)), "invalid_utf8");
        assert_eq!(code(Record::parse_line(&vec![b' '; 10_000_000], NOW)), "too_long");
        assert_eq!(
            code(Record::parse_line(
                br#"{"timestamp":"2026-06-30T11:00:00Z","customer":"a","task":"t","detection":{"mAP50":NaN}}"#,
                NOW
            )),
            "invalid_json"
        );
        assert_eq!(
            code(with(|m| {
                m.remove("timestamp");
            })),
            "missing"
        );
        assert_eq!(
            code(with(|m| {
                m.insert("timestamp".into(), json!(1_700_000_000));
            })),
            "wrong_type"
        );
        assert_eq!(
            code(with(|m| {
                m.insert("timestamp".into(), json!("1999-12-31T23:59:59Z"));
            })),
            "too_old"
        );
        assert_eq!(
            code(with(|m| {
                m.insert("timestamp".into(), json!("2026-07-01T12:00:00.001Z"));
            })),
            "future"
        );
        assert_eq!(
            code(with(|m| {
                m.insert("customer".into(), json!(""));
            })),
            "bad_name"
        );
        assert_eq!(
            code(with(|m| {
                m.insert("customer".into(), json!("../../etc"));
            })),
            "bad_name"
        );
        assert_eq!(
            code(with(|m| {
                m.insert("customer".into(), Value::Null);
            })),
            "missing"
        );
        assert_eq!(
            code(with(|m| {
                m.insert("detection".into(), json!({"mAP50": 1.01}));
            })),
            "out_of_range"
        );
        assert_eq!(
            code(with(|m| {
                m.insert("detection".into(), json!({"mAP50": "high"}));
            })),
            "wrong_type"
        );
        assert_eq!(
            code(with(|m| {
                m.insert("detection".into(), json!(3));
            })),
            "wrong_type"
        );
        assert_eq!(
            code(with(|m| {
                m.insert("detection".into(), json!({"mAP50": 0.5, "MAP50": 0.5}));
            })),
            "wrong_type"
        );
        assert_eq!(
            code(with(|m| {
                m.insert("samples".into(), json!(0));
            })),
            "out_of_range"
        );
        assert_eq!(
            code(with(|m| {
                m.remove("detection");
                m.remove("system");
            })),
            "no_metric"
        );
        assert_eq!(
            code(with(|m| {
                m.remove("site");
            })),
            "missing"
        );
    }

    #[test]
    fn any_number_in_any_group_is_a_metric_and_unknown_keys_are_kept() {
        let r = with(|m| {
            m.insert("custom".into(), json!({"mse": 0.03, "note": "x"}));
            m.insert("detection".into(), json!({"map50": 0.8, "mAP75": 0.6}));
            m.insert("site_manager".into(), json!("Kim"));
        })
        .expect("valid");
        assert_eq!(r.custom(), [("custom.mse".to_owned(), 0.03), ("detection.mAP75".to_owned(), 0.6)]);
        assert_eq!(r.built_in()[0], Some(0.8));
        let extra: Value = serde_json::from_str(&r.extra().expect("kept")).expect("JSON");
        assert_eq!(extra, json!({"custom":{"note":"x"},"site_manager":"Kim"}));
    }

    /// As the lake would spell it, as far as these tests go: `é` is one letter.
    fn composed(text: &str) -> Option<String> {
        text.contains("e\u{301}").then(|| text.replace("e\u{301}", "é"))
    }

    #[test]
    fn names_take_the_lake_s_spelling_and_what_was_written_is_kept_beside() {
        let of = |line: Value| Record::parse_line_spelled(line.to_string().as_bytes(), NOW, composed).expect("valid");
        let mut line = base();
        line["customer"] = json!("Cafe\u{301}");
        line["run_name"] = json!("e\u{301}-1");
        line["que\u{301}"] = json!({"e\u{301}": 1, "e\u{301}t": "e\u{301}"});
        let r = of(line.clone());
        assert_eq!(r.texts()[CUSTOMER].as_ref().map(Name::as_str), Some("Café"));
        assert_eq!(r.custom(), [("qué.é".to_owned(), 1.0)]);
        let extra: Value = serde_json::from_str(&r.extra().expect("kept")).expect("JSON");
        let written = json!({"customer": "Cafe\u{301}", "run_name": "e\u{301}-1", "qué.é": "que\u{301}.e\u{301}"});
        assert_eq!(extra, json!({SPELLING: written, "que\u{301}": {"e\u{301}t": "e\u{301}"}}), "what is no name stays");
        // What comes back from an export keeps it, whatever is written there.
        line["customer"] = json!("Café");
        line[SPELLING] = json!({"customer": "Cafe\u{301}", "n": 3});
        let extra: Value = serde_json::from_str(&of(line).extra().expect("kept")).expect("JSON");
        assert_eq!(extra[SPELLING]["customer"], "Cafe\u{301}");
        assert_eq!(extra[SPELLING]["run_name"], "e\u{301}-1");
        assert_eq!(of(base()).extra(), None, "nothing is noted where nothing differs");
    }

    #[test]
    fn a_name_is_measured_as_it_is_stored_and_a_metric_in_two_spellings_is_given_twice() {
        let of = |line: Value| Record::parse_line_spelled(line.to_string().as_bytes(), NOW, composed);
        let mut line = base();
        line["customer"] = json!("e\u{301}".repeat(100));
        assert!(of(line.clone()).is_ok(), "300 bytes as written, 200 as stored");
        line["custom"] = json!({"é": 1, "e\u{301}": 2});
        assert_eq!(code(of(line)), "wrong_type");
    }

    #[test]
    fn mota_may_be_negative_and_a_broken_number_is_not_finite() {
        assert!(
            with(|m| {
                m.insert("mot".into(), json!({"mota": -3.5}));
            })
            .is_ok()
        );
        let columns = Columns {
            timestamp: Some(NOW),
            texts: {
                let mut t = [None; TEXT_FIELDS.len()];
                t[CUSTOMER] = Some("a");
                t[TASK] = Some("t");
                t
            },
            built_in: {
                let mut b = [None; CATALOGUE.len()];
                b[0] = Some(f64::NAN);
                b
            },
            ..Columns::default()
        };
        assert_eq!(code(Record::from_columns(columns, NOW, |_| None)), "not_finite");
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Record::parse_line(&bytes, NOW);
        }

        #[test]
        fn no_object_makes_the_parser_panic(key in "\\PC{0,12}", text in "\\PC{0,20}", x in any::<f64>()) {
            let _ = with(|m| { m.insert(key.clone(), json!({"a": x, "b": text})); });
            let _ = with(|m| { m.insert(key, json!(text)); });
        }
    }
}
