//! The lake's columns: those of `data/gen_metrics.py`, then what the lake itself adds. Additive only: a file that misses a
//! column reads as null. Files carry no Arrow schema, so that every engine sees plain text, numbers and UTC milliseconds.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanBuilder, Float64Builder, Int64Builder, MapBuilder, MapFieldNames, RecordBatch,
        StringBuilder, StringViewBuilder, TimestampMillisecondBuilder,
    },
    datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit},
    error::ArrowError,
};
use domain::{metric::CATALOGUE, ports::ReceivedRecord, record::TEXT_FIELDS, time::Millis};

/// Columns that belong to a record's identity, beside the timestamp. Absent differs from empty.
pub use domain::record::IDENTITY_FIELDS as IDENTITY_COLUMNS;
/// Columns that the lake adds on arrival; no part of a record's content.
pub const ARRIVAL_COLUMNS: [&str; 4] = ["received_at", "seq", "source", "line"];
/// By these rows are sorted inside a file. What a query groups or chooses by stands before the time: a champion and its
/// challenger take turns in time, and rows that belong together would lie one by one.
pub const SORT_COLUMNS: [&str; 9] =
    ["customer", "task", "site", "zone", "experiment_type", "model_architecture", "model_version", "timestamp", "seq"];

/// Text fields that stand before the metrics; the rest follow them.
const TEXT_BEFORE: usize = 11;

pub fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

pub fn map_names() -> MapFieldNames {
    MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() }
}

pub fn map_type() -> DataType {
    let entry =
        Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Float64, true)]);
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry), false)), false)
}

/// The schema in which the lake reads and writes. Text is `Utf8View`: cheap to compare and never copied.
pub static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8View, true);
    let mut fields = vec![Field::new("timestamp", timestamp_type(), false)];
    fields.extend(TEXT_FIELDS[..TEXT_BEFORE].iter().map(|f| text(f)));
    fields.extend(CATALOGUE.iter().map(|m| Field::new(m.column, DataType::Float64, true)));
    fields.push(Field::new("samples", DataType::Float64, true));
    fields.extend(TEXT_FIELDS[TEXT_BEFORE..].iter().map(|f| text(f)));
    fields.push(Field::new("simulated", DataType::Boolean, true));
    fields.push(Field::new("metrics", map_type(), true));
    fields.push(text("extra"));
    fields.push(Field::new("received_at", timestamp_type(), true));
    fields.push(Field::new("seq", DataType::Int64, true));
    fields.push(text("source"));
    fields.push(Field::new("line", DataType::Int64, true));
    Arc::new(Schema::new(fields))
});

/// Where a column stands.
pub fn column_index(name: &str) -> usize {
    SCHEMA.index_of(name).unwrap_or(usize::MAX)
}

/// An arrival on its way into the lake: its number in the order of all arrivals, and the batch that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct SequencedRecord<'a> {
    pub arrival: &'a ReceivedRecord,
    pub seq: i64,
    pub batch: usize,
    pub source: &'a str,
}

/// Turns arrivals into a batch in the lake's schema.
pub fn to_batch(arrivals: &[SequencedRecord<'_>], received: Millis) -> Result<RecordBatch, ArrowError> {
    let n = arrivals.len();
    let mut time = TimestampMillisecondBuilder::with_capacity(n).with_timezone("UTC");
    let mut texts: Vec<StringViewBuilder> =
        TEXT_FIELDS.iter().map(|_| StringViewBuilder::with_capacity(n).with_deduplicate_strings()).collect();
    let mut metrics: Vec<Float64Builder> = CATALOGUE.iter().map(|_| Float64Builder::with_capacity(n)).collect();
    let mut samples = Float64Builder::with_capacity(n);
    let mut simulated = BooleanBuilder::with_capacity(n);
    let mut custom = MapBuilder::new(Some(map_names()), StringBuilder::new(), Float64Builder::new());
    let mut extra = StringViewBuilder::with_capacity(n);
    let mut received_at = TimestampMillisecondBuilder::with_capacity(n).with_timezone("UTC");
    let mut seq = Int64Builder::with_capacity(n);
    let mut from = StringViewBuilder::with_capacity(n).with_deduplicate_strings();
    let mut line = Int64Builder::with_capacity(n);
    for SequencedRecord { arrival, seq: number, source, .. } in arrivals {
        let r = &arrival.record;
        time.append_value(r.timestamp().0);
        for (b, t) in texts.iter_mut().zip(r.texts()) {
            b.append_option(t.as_ref().map(domain::text::Name::as_str));
        }
        for (b, x) in metrics.iter_mut().zip(r.built_in()) {
            b.append_option(*x);
        }
        samples.append_option(r.samples());
        simulated.append_value(r.simulated());
        for (key, x) in r.custom() {
            custom.keys().append_value(key);
            custom.values().append_value(*x);
        }
        custom.append(!r.custom().is_empty())?;
        extra.append_option(r.extra());
        received_at.append_value(received.0);
        seq.append_value(*number);
        from.append_value(source);
        line.append_option((arrival.line > 0).then(|| i64::try_from(arrival.line).unwrap_or(i64::MAX)));
    }
    let mut columns: Vec<ArrayRef> = vec![Arc::new(time.finish())];
    let mut texts = texts.into_iter().map(|mut b| Arc::new(b.finish()) as ArrayRef);
    columns.extend(texts.by_ref().take(TEXT_BEFORE));
    columns.extend(metrics.into_iter().map(|mut b| Arc::new(b.finish()) as ArrayRef));
    columns.push(Arc::new(samples.finish()));
    columns.extend(texts);
    columns.push(Arc::new(simulated.finish()));
    columns.push(Arc::new(custom.finish()));
    columns.push(Arc::new(extra.finish()));
    columns.push(Arc::new(received_at.finish()));
    columns.push(Arc::new(seq.finish()));
    columns.push(Arc::new(from.finish()));
    columns.push(Arc::new(line.finish()));
    RecordBatch::try_new(SCHEMA.clone(), columns)
}

/// The metrics that rows in the lake's schema have, by full name.
pub fn metrics_of(rows: &RecordBatch) -> BTreeSet<String> {
    let has = |column: &str| rows.column(column_index(column)).null_count() < rows.num_rows();
    let mut found: BTreeSet<String> = CATALOGUE.iter().filter(|m| has(m.column)).map(|m| m.key.to_string()).collect();
    let custom = rows.column(column_index("metrics")).as_map();
    // A map that was cut out of a larger one keeps the keys of the others.
    for row in (0..rows.num_rows()).filter(|row| custom.is_valid(*row)) {
        found.extend(custom.value(row).column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    found
}
