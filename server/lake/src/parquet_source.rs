//! Reads a foreign Parquet file as metric records: the columns of `data/gen_metrics.py` or of our own export.
//! Columns that we do not know are kept with the record, as text of JSON.

use std::{fs::File, path::Path};

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray},
    compute::cast,
    datatypes::{DataType, Float64Type, TimeUnit, TimestampMillisecondType},
    util::display::{ArrayFormatter, FormatOptions},
};
use domain::{
    error::Sentence,
    metric::{BUILT_IN_COUNT, CATALOGUE},
    normalization::nfc,
    record::{Record, RecordColumns, Refusal, TEXT_FIELDS},
    time::Millis,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};

use crate::{file::parquet_reason, schema::ARRIVAL_COLUMNS, sentences};

/// One row: its number from 1, and the record or why it is refused together with the row as JSON.
#[derive(Debug)]
pub struct ParquetRow {
    pub line: u64,
    pub record: Result<Record, (Refusal, String)>,
}

/// Reads all rows of a file, batch by batch; `take` says whether to go on. Returns the number of rows.
///
/// # Errors
/// Why the file cannot be read, in words; rows handed out before stay handed out.
#[expect(clippy::disallowed_methods, reason = "a file that somebody wants taken, read on a blocking thread")]
pub fn read_parquet_source(
    path: &Path,
    now: impl Fn() -> Millis,
    mut take: impl FnMut(Vec<ParquetRow>) -> bool,
) -> Result<u64, Sentence> {
    let file = File::open(path).map_err(|e| Sentence::from_io(&e))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|b| b.with_batch_size(16_384).build())
        .map_err(parquet_reason)?;
    let mut line = 0;
    for batch in reader {
        let batch = batch.map_err(parquet_reason)?;
        let table = SourceTable::of(&batch)?;
        let rows = (0..batch.num_rows())
            .map(|row| {
                line += 1;
                let record = table.record(row, now()).map_err(|r| (r, as_json(&batch, row)));
                ParquetRow { line, record }
            })
            .collect();
        if !take(rows) {
            break;
        }
    }
    Ok(line)
}

/// The columns that we know, in our types.
struct SourceTable {
    timestamp: Option<ArrayRef>,
    texts: [Option<StringArray>; TEXT_FIELDS.len()],
    built_in: [Option<Float64Array>; BUILT_IN_COUNT],
    samples: Option<Float64Array>,
    simulated: Option<ArrayRef>,
    metrics: Option<ArrayRef>,
    extra: Option<StringArray>,
    unknown: Vec<(String, ArrayRef)>,
}

impl SourceTable {
    fn of(batch: &RecordBatch) -> Result<Self, Sentence> {
        let schema = batch.schema();
        let find = |name: &str| schema.fields().iter().position(|f| f.name().eq_ignore_ascii_case(name));
        let mut known: Vec<usize> = ARRIVAL_COLUMNS.iter().filter_map(|n| find(n)).collect();
        let mut typed = |name: &str, to: &DataType| -> Result<Option<ArrayRef>, Sentence> {
            let Some(i) = find(name) else { return Ok(None) };
            known.push(i);
            cast(batch.column(i), to).map(Some).map_err(|e| sentences::no_column(name, to, e))
        };
        let utc = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
        let timestamp = typed("timestamp", &utc)?;
        let mut texts: [Option<StringArray>; TEXT_FIELDS.len()] = Default::default();
        for (slot, name) in texts.iter_mut().zip(TEXT_FIELDS) {
            *slot = typed(name, &DataType::Utf8)?.map(|c| c.as_string().clone());
        }
        let mut built_in: [Option<Float64Array>; BUILT_IN_COUNT] = Default::default();
        for (slot, m) in built_in.iter_mut().zip(&CATALOGUE) {
            *slot = typed(m.column, &DataType::Float64)?.map(|c| c.as_primitive().clone());
        }
        let samples = typed("samples", &DataType::Float64)?.map(|c| c.as_primitive().clone());
        let simulated = typed("simulated", &DataType::Boolean)?;
        let extra = typed("extra", &DataType::Utf8)?.map(|c| c.as_string().clone());
        let metrics = match find("metrics") {
            Some(i) if matches!(batch.column(i).data_type(), DataType::Map(..)) => {
                known.push(i);
                Some(batch.column(i).clone())
            }
            _ => None,
        };
        let unknown = (0..batch.num_columns())
            .filter(|i| !known.contains(i))
            .map(|i| (schema.field(i).name().clone(), batch.column(i).clone()))
            .collect();
        Ok(Self { timestamp, texts, built_in, samples, simulated, metrics, extra, unknown })
    }

    fn record(&self, row: usize, now: Millis) -> Result<Record, Refusal> {
        let number = |c: &Option<Float64Array>| c.as_ref().filter(|c| c.is_valid(row)).map(|c| c.value(row));
        let mut columns = RecordColumns {
            timestamp: self
                .timestamp
                .as_ref()
                .filter(|c| c.is_valid(row))
                .map(|c| Millis(c.as_primitive::<TimestampMillisecondType>().value(row))),
            custom: self.custom(row),
            samples: number(&self.samples),
            simulated: self.simulated.as_ref().is_some_and(|c| c.is_valid(row) && c.as_boolean().value(row)),
            ..RecordColumns::default()
        };
        for (slot, c) in columns.texts.iter_mut().zip(&self.texts) {
            *slot = c.as_ref().filter(|c| c.is_valid(row)).map(|c| c.value(row));
        }
        for (slot, c) in columns.built_in.iter_mut().zip(&self.built_in) {
            *slot = number(c);
        }
        let extra = self.extra(row);
        columns.extra = extra.as_deref();
        Record::from_columns(columns, now, nfc)
    }

    fn custom(&self, row: usize) -> Vec<(String, f64)> {
        let Some(maps) = self.metrics.as_ref().map(|m| m.as_map()).filter(|m| m.is_valid(row)) else { return vec![] };
        let entries = maps.value(row);
        let (Ok(keys), Ok(values)) =
            (cast(entries.column(0), &DataType::Utf8), cast(entries.column(1), &DataType::Float64))
        else {
            return vec![];
        };
        let (keys, values) = (keys.as_string::<i32>(), values.as_primitive::<Float64Type>());
        (0..entries.len())
            .filter(|i| values.is_valid(*i))
            .map(|i| (keys.value(i).to_owned(), values.value(i)))
            .collect()
    }

    /// The row's own `extra`, with the columns that we do not know added.
    fn extra(&self, row: usize) -> Option<String> {
        let own = self.extra.as_ref().filter(|c| c.is_valid(row)).map(|c| c.value(row));
        let strangers: Vec<_> = self.unknown.iter().filter(|(_, c)| c.is_valid(row)).collect();
        if strangers.is_empty() {
            return own.map(str::to_owned);
        }
        let mut map: Map<String, Value> = own.and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default();
        for (name, c) in strangers {
            map.entry(name.clone()).or_insert_with(|| value(c, row));
        }
        Some(Value::Object(map).to_string())
    }
}

fn value(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    if column.data_type().is_numeric()
        && let Ok(c) = cast(column, &DataType::Float64)
        && let Some(n) = serde_json::Number::from_f64(c.as_primitive::<Float64Type>().value(row))
    {
        return Value::Number(n);
    }
    if let Some(b) = column.as_boolean_opt() {
        return Value::Bool(b.value(row));
    }
    let shown = ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default());
    shown.map_or(Value::Null, |f| Value::String(f.value(row).to_string()))
}

/// A refused row, for `rejected/`.
fn as_json(batch: &RecordBatch, row: usize) -> String {
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(batch.columns()).filter(|(_, c)| c.is_valid(row));
    Value::Object(fields.map(|(f, c)| (f.name().clone(), value(c, row))).collect()).to_string()
}
