//! Tables of other things than records, as Parquet.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray},
    datatypes::{DataType, Field, Schema, TimeUnit},
};
use domain::{Error, Result, time::Millis};

use crate::{file::encode, sentences};

/// The values of a column, a row each; `None` is none.
#[derive(Debug, Clone)]
pub enum TableColumn {
    Text(Vec<Option<String>>),
    Number(Vec<Option<f64>>),
    Count(Vec<Option<i64>>),
    /// UTC.
    Time(Vec<Option<Millis>>),
}

/// Columns with their names as the bytes of a Parquet file. Of equal names the later ones get a number.
///
/// # Errors
/// `Internal` when columns are not equally long, or the file cannot be made.
pub fn write_table(columns: Vec<(String, TableColumn)>) -> Result<Vec<u8>> {
    let mut fields: Vec<Field> = vec![];
    let mut arrays: Vec<ArrayRef> = vec![];
    for (name, values) in columns {
        let array: ArrayRef = match values {
            TableColumn::Text(texts) => Arc::new(StringArray::from(texts)),
            TableColumn::Number(numbers) => Arc::new(Float64Array::from(numbers)),
            TableColumn::Count(numbers) => Arc::new(Int64Array::from(numbers)),
            TableColumn::Time(times) => {
                let times: Vec<Option<i64>> = times.into_iter().map(|t| t.map(|t| t.0)).collect();
                Arc::new(TimestampMillisecondArray::from(times).with_timezone("UTC"))
            }
        };
        let taken = |name: &str| fields.iter().any(|f| f.name() == name);
        let unique = (2..).map(|n| format!("{name}_{n}")).find(|n| !taken(n)).filter(|_| taken(&name));
        let kind = match array.data_type() {
            DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            kind => kind.clone(),
        };
        fields.push(Field::new(unique.unwrap_or(name), kind, true));
        arrays.push(array);
    }
    let cannot = |e: &dyn std::fmt::Display| Error::internal(sentences::not_exported()).with_detail(e);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|e| cannot(&e))?;
    encode(&batch).map_err(|e| cannot(&e))
}

#[cfg(test)]
mod tests {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    #[test]
    fn a_table_is_read_back_as_it_was() {
        let bytes = write_table(vec![
            ("run".into(), TableColumn::Text(vec![Some("=a".into()), None])),
            ("f1".into(), TableColumn::Number(vec![Some(f64::NAN), Some(0.5)])),
            ("f1".into(), TableColumn::Count(vec![Some(1), None])),
            ("start".into(), TableColumn::Time(vec![Some(Millis(0)), None])),
        ])
        .expect("a file");
        let file = bytes::Bytes::from(bytes);
        let mut reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("a reader");
        let batch = reader.next().expect("a batch").expect("readable");
        let names: Vec<_> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["run", "f1", "f1_2", "start"]);
        let cell = |column: usize, row: usize| {
            let options = FormatOptions::default().with_null("none");
            let array = batch.column(column);
            let formatter = ArrayFormatter::try_new(array, &options).expect("a formatter");
            formatter.value(row).to_string()
        };
        let rows: Vec<Vec<String>> = (0..2).map(|r| (0..4).map(|c| cell(c, r)).collect()).collect();
        assert_eq!(rows[0], ["=a", "NaN", "1", "1970-01-01T00:00:00Z"]);
        assert_eq!(rows[1], ["none", "0.5", "none", "none"]);
        assert!(
            write_table(vec![("a".into(), TableColumn::Number(vec![])), ("b".into(), TableColumn::Number(vec![None]))])
                .is_err()
        );
    }
}
