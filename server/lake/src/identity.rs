//! Which rows are the same record, and whether they say the same: hashes over the columns of a batch.
//! They are computed from the rows whenever they are needed and never stored, so the scheme can change at any time.

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, Float64Type, Int64Type, TimestampMillisecondType},
};
use domain::{record::RecordIdentity, text::Name};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::{
    normalization::{content_without_spelling, normalized},
    schema::{ARRIVAL_COLUMNS, IDENTITY_COLUMNS},
};

/// The identity and the content of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowKey {
    /// 128-bit hash of the identity: two different ones collide once in 10^19 rows of a day.
    pub identity: u128,
    /// Hash of everything else that the sender said.
    pub content: u64,
}

/// The keys of all rows of a batch in the lake's schema.
pub fn row_keys(batch: &RecordBatch) -> Vec<RowKey> {
    // Over names as they should be spelled: stored ones may be older than that.
    let normalized = normalized(batch).ok().flatten();
    let batch = normalized.as_ref().unwrap_or(batch);
    let schema = batch.schema();
    let mut identity = Vec::new();
    let mut content = Vec::new();
    let mut extra = None;
    for (i, f) in schema.fields().iter().enumerate() {
        if f.name() == "timestamp" || IDENTITY_COLUMNS.contains(&f.name().as_str()) {
            identity.push(batch.column(i).as_ref());
        } else if f.name() == "extra" {
            extra = batch.column(i).as_string_view_opt();
        } else if !ARRIVAL_COLUMNS.contains(&f.name().as_str()) {
            content.push(batch.column(i).as_ref());
        }
    }
    let mut buffer = Vec::with_capacity(512);
    (0..batch.num_rows())
        .map(|row| {
            buffer.clear();
            identity.iter().for_each(|c| feed(&mut buffer, *c, row));
            let id = xxh3_128(&buffer);
            buffer.clear();
            content.iter().for_each(|c| feed(&mut buffer, *c, row));
            let said = extra.filter(|e| e.is_valid(row)).and_then(|e| content_without_spelling(e.value(row)));
            feed_text(&mut buffer, said.as_deref());
            RowKey { identity: id, content: xxh3_64(&buffer) }
        })
        .collect()
}

/// The hash of an identity, as the row of such a record has it.
pub fn identity_key(identity: &RecordIdentity) -> u128 {
    let mut buffer = Vec::with_capacity(256);
    buffer.push(1);
    buffer.extend_from_slice(&identity.timestamp().0.to_le_bytes());
    // Columns stand in the order of the fields.
    identity.fields().for_each(|(_, name)| feed_text(&mut buffer, name.map(Name::as_str)));
    xxh3_128(&buffer)
}

fn feed_text(buffer: &mut Vec<u8>, text: Option<&str>) {
    buffer.push(u8::from(text.is_some()));
    if let Some(text) = text {
        buffer.extend_from_slice(&(text.len() as u32).to_le_bytes());
        buffer.extend_from_slice(text.as_bytes());
    }
}

/// Appends one value, with its presence and length, so that no two rows read alike by accident.
fn feed(buffer: &mut Vec<u8>, column: &dyn Array, row: usize) {
    if column.is_null(row) {
        buffer.push(0);
        return;
    }
    buffer.push(1);
    match column.data_type() {
        DataType::Utf8View => {
            let text = column.as_string_view().value(row).as_bytes();
            buffer.extend_from_slice(&(text.len() as u32).to_le_bytes());
            buffer.extend_from_slice(text);
        }
        DataType::Utf8 => {
            let text = column.as_string::<i32>().value(row).as_bytes();
            buffer.extend_from_slice(&(text.len() as u32).to_le_bytes());
            buffer.extend_from_slice(text);
        }
        DataType::Float64 => {
            // 0.0 and -0.0 are the same number.
            let x = column.as_primitive::<Float64Type>().value(row) + 0.0;
            buffer.extend_from_slice(&x.to_bits().to_le_bytes());
        }
        DataType::Int64 => buffer.extend_from_slice(&column.as_primitive::<Int64Type>().value(row).to_le_bytes()),
        DataType::Timestamp(..) => {
            buffer.extend_from_slice(&column.as_primitive::<TimestampMillisecondType>().value(row).to_le_bytes());
        }
        DataType::Boolean => buffer.push(u8::from(column.as_boolean().value(row))),
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            buffer.extend_from_slice(&(entries.len() as u32).to_le_bytes());
            for e in 0..entries.len() {
                entries.columns().iter().for_each(|c| feed(buffer, c.as_ref(), e));
            }
        }
        other => debug_assert!(false, "no column of the lake is {other}"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]
mod tests {
    use domain::{ports::ReceivedRecord, record::Record, time::Millis};

    use super::*;
    use crate::schema::{SequencedRecord, to_batch};

    #[test]
    fn an_identity_has_the_key_of_its_row() {
        for more in [
            "",
            r#","run_id":"r","site":"부산","experiment_type":"candidate""#,
            r#","device":"d","registered_version":"3""#,
        ] {
            let line = format!(
                r#"{{"timestamp":"2026-06-30T11:00:00.123Z","customer":"c","task":"t","run_name":"n","detection":{{"mAP50":0.5}}{more}}}"#
            );
            let record = Record::parse_line(line.as_bytes(), Millis(1_800_000_000_000)).unwrap();
            let identity = record.identity();
            let arrival = ReceivedRecord { record, line: 1 };
            let row = SequencedRecord { arrival: &arrival, seq: 7, batch: 0, source: "s" };
            assert_eq!(row_keys(&to_batch(&[row], Millis(5)).unwrap())[0].identity, identity_key(&identity), "{more}");
        }
    }
}
