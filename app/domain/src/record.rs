//! One metric record, parsed. A record that exists is valid; one bad field refuses the whole record, with a reason.

mod identity;
mod memory;
mod names;
mod refusal;

use serde_json::{Map, Value};

pub use self::{
    identity::{IDENTITY_FIELDS, RecordIdentity},
    names::NameNormalizer,
    refusal::Refusal,
};
use self::{
    memory::{allocation_size, map_memory},
    names::NormalizedNames,
    refusal::{check_window, in_range, json_type, parse_timestamp, refuse},
};
use crate::{
    metric::{CATALOGUE, built_in_of_group},
    scope::{Place, clip_text},
    text::Name,
    time::Millis,
};

/// The longest line of JSON that is read, in bytes.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// The most metrics outside of the catalogue in one record.
pub const MAX_CUSTOM_METRICS: usize = 256;
/// The key of [`Record::extra`] under which names stand as they were written, where the lake spells them in another way: by
/// field, or by `group.leaf` of a metric. Ours; no part of a record's content.
pub const ORIGINAL_SPELLING_KEY: &str = "original_spelling";
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
pub const CUSTOMER_FIELD: usize = 3;
pub const SITE_FIELD: usize = 4;
pub const ZONE_FIELD: usize = 5;
pub const TASK_FIELD: usize = 6;
pub const EXPERIMENT_TYPE_FIELD: usize = 7;
pub const ARCHITECTURE_FIELD: usize = 9;
pub const MODEL_VERSION_FIELD: usize = 10;
pub const DEVICE_FIELD: usize = 11;

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

impl Record {
    /// Parses one line of JSON.
    ///
    /// # Errors
    /// A [`Refusal`], whose `code` is one of [`Refusal::CODES`].
    pub fn parse_line(line: &[u8], now: Millis) -> Result<Self, Refusal> {
        Self::parse_line_normalized(line, now, |_| None)
    }

    /// The same with its names in the lake's spelling.
    ///
    /// # Errors
    /// As [`Record::parse_line`].
    pub fn parse_line_normalized(line: &[u8], now: Millis, spelling: NameNormalizer) -> Result<Self, Refusal> {
        if line.len() > MAX_LINE_BYTES {
            return refuse("too_long", format!("the line has {} bytes, more than {MAX_LINE_BYTES}", line.len()));
        }
        if std::str::from_utf8(line).is_err() {
            return refuse("invalid_utf8", "the line is not UTF-8");
        }
        match serde_json::from_slice(line) {
            Ok(Value::Object(map)) => Self::parse_normalized(map, now, spelling),
            Ok(_) => refuse("not_an_object", "the line is JSON, but no object"),
            Err(e) => refuse("invalid_json", format!("not JSON: {e}")),
        }
    }

    /// Parses a record given as a JSON object. Null counts as absent.
    ///
    /// # Errors
    /// As [`Record::parse_line`].
    pub fn parse(map: Map<String, Value>, now: Millis) -> Result<Self, Refusal> {
        Self::parse_normalized(map, now, |_| None)
    }

    /// The same with its names in the lake's spelling.
    ///
    /// # Errors
    /// As [`Record::parse_line`].
    pub fn parse_normalized(
        mut map: Map<String, Value>,
        now: Millis,
        spelling: NameNormalizer,
    ) -> Result<Self, Refusal> {
        let mut names = NormalizedNames::new(spelling);
        let timestamp = match map.remove("timestamp") {
            Some(Value::String(text)) => parse_timestamp(&text, now)?,
            None | Some(Value::Null) => return refuse("missing", "timestamp is missing"),
            Some(other) => return refuse("wrong_type", format!("timestamp is {}, not a text", json_type(&other))),
        };
        let mut texts: [Option<Name>; TEXT_FIELDS.len()] = Default::default();
        for (i, (field, slot)) in TEXT_FIELDS.iter().zip(&mut texts).enumerate() {
            match map.remove(*field) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => match name_of(i, &names.stored(field, &text)) {
                    Ok(name) => *slot = Some(name),
                    Err(e) => return refuse("bad_name", format!("{field} {e}")),
                },
                Some(other) => return refuse("wrong_type", format!("{field} is {}, not a text", json_type(&other))),
            }
        }
        for required in [CUSTOMER_FIELD, TASK_FIELD] {
            if texts[required].is_none() {
                return refuse("missing", format!("{} is missing", TEXT_FIELDS[required]));
            }
        }
        if texts[ZONE_FIELD].is_some() && texts[SITE_FIELD].is_none() {
            return refuse("missing", "zone is given without site");
        }
        let samples = match map.remove("samples") {
            None | Some(Value::Null) => None,
            Some(v) => match v.as_f64() {
                Some(s) if s.is_finite() && s > 0.0 => Some(s),
                Some(s) => return refuse("out_of_range", format!("samples is {s}, it must be finite and above 0")),
                None => return refuse("wrong_type", format!("samples is {}, not a number", json_type(&v))),
            },
        };
        let simulated = match map.remove("simulated") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(b)) => b,
            Some(other) => {
                return refuse("wrong_type", format!("simulated is {}, not true or false", json_type(&other)));
            }
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
                Value::Object(group) if key != ORIGINAL_SPELLING_KEY => record.take_group(&key, group, &mut names)?,
                other if GROUPS.contains(&key.as_str()) => {
                    return refuse("wrong_type", format!("{key} is {}, not an object", json_type(&other)));
                }
                other => {
                    record.extra.insert(key, other);
                }
            }
        }
        record.finish(names)
    }

    fn take_group(
        &mut self,
        group: &str,
        leaves: Map<String, Value>,
        names: &mut NormalizedNames,
    ) -> Result<(), Refusal> {
        let mut kept = Map::new();
        for (leaf, value) in leaves {
            if value.is_null() {
                continue;
            }
            if let Some(i) = built_in_of_group(group, &leaf) {
                let Some(x) = value.as_f64() else {
                    return refuse("wrong_type", format!("{group}.{leaf} is {}, not a number", json_type(&value)));
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

    fn finish(mut self, names: NormalizedNames) -> Result<Self, Refusal> {
        if self.built_in.iter().all(Option::is_none) && self.custom.is_empty() {
            return refuse("no_metric", "the record has no metric");
        }
        if self.custom.len() > MAX_CUSTOM_METRICS {
            return refuse(
                "out_of_range",
                format!("the record has more than {MAX_CUSTOM_METRICS} metrics outside of the catalogue"),
            );
        }
        if let Some((key, _)) = self.custom.iter().find(|(_, x)| !x.is_finite()) {
            return refuse("not_finite", format!("{key} is not finite"));
        }
        self.custom.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(twice) = self.custom.windows(2).find(|w| w[0].0 == w[1].0) {
            return refuse("wrong_type", format!("{} is given twice, in two spellings", clip_text(&twice[0].0)));
        }
        if !names.written.is_empty() {
            match self.extra.get_mut(ORIGINAL_SPELLING_KEY) {
                Some(Value::Object(known)) => known.extend(names.written),
                _ => drop(self.extra.insert(ORIGINAL_SPELLING_KEY.to_owned(), names.written.into())),
            }
        }
        Ok(self)
    }

    /// Builds a record from the values of a lake row: the way back from a table, under the same rules.
    ///
    /// # Errors
    /// As [`Record::parse_line`].
    pub fn from_columns(mut row: RecordColumns<'_>, now: Millis, spelling: NameNormalizer) -> Result<Self, Refusal> {
        let mut names = NormalizedNames::new(spelling);
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
        for required in [CUSTOMER_FIELD, TASK_FIELD] {
            if record.texts[required].is_none() {
                return refuse("missing", format!("{} is missing", TEXT_FIELDS[required]));
            }
        }
        if record.texts[ZONE_FIELD].is_some() && record.texts[SITE_FIELD].is_none() {
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
        Some(Place { customer: text(CUSTOMER_FIELD)?, site: text(SITE_FIELD), zone: text(ZONE_FIELD) })
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
    pub fn memory_bytes(&self) -> usize {
        // A shared text has two counters in front of it.
        let names: usize =
            self.texts.iter().flatten().map(|n| allocation_size(2 * size_of::<usize>() + n.as_str().len())).sum();
        let custom: usize = self.custom.iter().map(|(key, _)| allocation_size(key.capacity())).sum();
        names + custom + allocation_size(self.custom.capacity() * size_of::<(String, f64)>()) + map_memory(&self.extra)
    }
    /// Unknown keys as JSON text; `None` when there are none.
    #[must_use]
    pub fn extra(&self) -> Option<String> {
        (!self.extra.is_empty()).then(|| Value::Object(self.extra.clone()).to_string())
    }
}

/// The values of one row of a table with the lake's columns.
#[derive(Debug, Default)]
pub struct RecordColumns<'a> {
    pub timestamp: Option<Millis>,
    pub texts: [Option<&'a str>; TEXT_FIELDS.len()],
    pub built_in: [Option<f64>; CATALOGUE.len()],
    pub custom: Vec<(String, f64)>,
    pub samples: Option<f64>,
    pub simulated: bool,
    pub extra: Option<&'a str>,
}

/// Places stand in addresses; other names only in queries.
fn name_of(field: usize, text: &str) -> Result<Name, crate::text::InvalidName> {
    if matches!(field, CUSTOMER_FIELD | SITE_FIELD | ZONE_FIELD) { Name::parse_place(text) } else { Name::parse(text) }
}

#[cfg(test)]
mod tests;
