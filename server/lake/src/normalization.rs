//! Stored names in their one spelling ([`domain::spelling`]). What was written is kept in `extra`, under [`ORIGINAL_SPELLING_KEY`], and is no
//! content.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Float64Builder, MapArray, MapBuilder, RecordBatch, StringBuilder, StringViewArray,
        StringViewBuilder,
    },
    datatypes::Float64Type,
    error::ArrowError,
};
use domain::{
    normalization::nfc,
    record::{ORIGINAL_SPELLING_KEY, TEXT_FIELDS},
};
use serde_json::value::RawValue;

use crate::schema::{column_index, map_names};

/// How names of a row were written, by field.
type OriginalSpellings = BTreeMap<String, String>;
/// An object of which nothing is read but its keys: numbers keep every digit.
type Object = BTreeMap<String, Box<RawValue>>;

/// A batch in the lake's schema with all its names in their one spelling; `None` when they are so already.
pub fn normalized(batch: &RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
    let mut written: HashMap<usize, OriginalSpellings> = HashMap::new();
    let mut columns = batch.columns().to_vec();
    for field in TEXT_FIELDS {
        let i = column_index(field);
        if let Some(normalized) = respelled_texts(field, batch.column(i).as_string_view(), &mut written) {
            columns[i] = normalized;
        }
    }
    let metrics = column_index("metrics");
    if let Some(normalized) = respelled_metrics(batch.column(metrics).as_map(), &mut written)? {
        columns[metrics] = normalized;
    }
    if written.is_empty() {
        return Ok(None);
    }
    let extra = column_index("extra");
    let before = batch.column(extra).as_string_view();
    let mut after = StringViewBuilder::with_capacity(before.len());
    for row in 0..before.len() {
        let text = before.is_valid(row).then(|| before.value(row));
        match written.remove(&row) {
            Some(names) => after.append_value(with_spelling(text, &names)),
            None => after.append_option(text),
        }
    }
    columns[extra] = Arc::new(after.finish());
    RecordBatch::try_new(batch.schema(), columns).map(Some)
}

fn respelled_texts(
    field: &str,
    texts: &StringViewArray,
    written: &mut HashMap<usize, OriginalSpellings>,
) -> Option<ArrayRef> {
    let views = texts.views();
    let mut last: Option<String> = None;
    let mut found: HashMap<usize, String> = HashMap::new();
    for row in 0..texts.len() {
        // Rows lie sorted: most names are those of the row before.
        if row == 0 || views[row] != views[row - 1] {
            last = texts.is_valid(row).then(|| nfc(texts.value(row))).flatten();
        }
        if let Some(name) = last.as_ref().filter(|_| texts.is_valid(row)) {
            written.entry(row).or_default().insert(field.to_owned(), texts.value(row).to_owned());
            found.insert(row, name.clone());
        }
    }
    if found.is_empty() {
        return None;
    }
    let mut builder = StringViewBuilder::with_capacity(texts.len()).with_deduplicate_strings();
    for (row, text) in texts.iter().enumerate() {
        builder.append_option(found.get(&row).map(String::as_str).or(text));
    }
    Some(Arc::new(builder.finish()))
}

fn respelled_metrics(
    maps: &MapArray,
    written: &mut HashMap<usize, OriginalSpellings>,
) -> Result<Option<ArrayRef>, ArrowError> {
    let keys = maps.keys().as_string::<i32>();
    if keys.value_data().is_ascii() || keys.iter().flatten().all(|k| nfc(k).is_none()) {
        return Ok(None);
    }
    let values = maps.values().as_primitive::<Float64Type>();
    let offsets = maps.value_offsets();
    let mut builder = MapBuilder::new(Some(map_names()), StringBuilder::new(), Float64Builder::new());
    for row in 0..maps.len() {
        let mut metrics: BTreeMap<Cow<'_, str>, Option<f64>> = BTreeMap::new();
        let mut normalized = Vec::new();
        for i in offsets[row] as usize..offsets[row + 1] as usize {
            let value = values.is_valid(i).then(|| values.value(i));
            match nfc(keys.value(i)) {
                None => drop(metrics.insert(keys.value(i).into(), value)),
                Some(name) => normalized.push((name, keys.value(i), value)),
            }
        }
        for (name, was, value) in normalized {
            written.entry(row).or_default().insert(name.clone(), was.to_owned());
            // A row that gave a metric in both spellings keeps the one that needed no other.
            metrics.entry(name.into()).or_insert(value);
        }
        for (name, value) in &metrics {
            builder.keys().append_value(name);
            builder.values().append_option(*value);
        }
        builder.append(maps.is_valid(row))?;
    }
    Ok(Some(Arc::new(builder.finish())))
}

/// The text of `extra` with the names of a row as they were written.
fn with_spelling(extra: Option<&str>, names: &OriginalSpellings) -> String {
    let mut object: Object = extra.and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default();
    let mut all: OriginalSpellings =
        object.get(ORIGINAL_SPELLING_KEY).and_then(|known| serde_json::from_str(known.get()).ok()).unwrap_or_default();
    all.extend(names.iter().map(|(k, v)| (k.clone(), v.clone())));
    if let Ok(raw) = serde_json::value::to_raw_value(&all) {
        object.insert(ORIGINAL_SPELLING_KEY.to_owned(), raw);
    }
    serde_json::to_string(&object).unwrap_or_default()
}

/// What of the text of `extra` is content: all but how names were written.
pub fn content_without_spelling(extra: &str) -> Option<Cow<'_, str>> {
    if !extra.contains(ORIGINAL_SPELLING_KEY) {
        return Some(Cow::Borrowed(extra));
    }
    let Ok(mut object) = serde_json::from_str::<Object>(extra) else { return Some(Cow::Borrowed(extra)) };
    object.remove(ORIGINAL_SPELLING_KEY);
    if object.is_empty() { None } else { serde_json::to_string(&object).ok().map(Cow::Owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_content_keeps_every_digit_and_loses_the_spelling() {
        let extra = r#"{"a":0.1234567890123456789,"memo":{"by":"kim"}}"#;
        let names = OriginalSpellings::from([("customer".into(), "e\u{301}".into())]);
        let noted = with_spelling(Some(extra), &names);
        assert!(noted.contains("0.1234567890123456789") && noted.contains("original_spelling"), "{noted}");
        assert_eq!(content_without_spelling(&noted).as_deref(), Some(extra));
        assert_eq!(content_without_spelling(extra).as_deref(), Some(extra));
        assert_eq!(content_without_spelling(&with_spelling(None, &names)), None, "as if nothing had been there");
        let more = with_spelling(Some(&noted), &OriginalSpellings::from([("site".into(), "o\u{308}".into())]));
        assert_eq!(content_without_spelling(&more).as_deref(), Some(extra));
        assert!(more.contains("customer") && more.contains("site"));
    }
}
