//! One Parquet file of the lake: written as one object, read as a whole for merging, checked when doubted.

use std::{io, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, RecordBatch, new_null_array},
    compute::{SortColumn, cast, concat_batches, lexsort_to_indices, take_record_batch},
    error::ArrowError,
};
use domain::{Error, Result, error::Sentence};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder, arrow_writer::ArrowWriterOptions},
    basic::{Compression, ZstdLevel},
    file::{
        metadata::SortingColumn,
        properties::{EnabledStatistics, WriterProperties},
    },
};

use crate::{
    objects::{BlockingObjects, ObjectReader, ObjectStat, Objects},
    ports::LakeFile,
    schema::{SCHEMA, SORT_COLUMNS, column_index},
    sentences,
};

/// Folders of objects: the lake's files, rows that a correction replaced, and rows that wait for their commit to become certain
/// about.
pub const LAKE_FOLDER: &str = "lake";
pub const SUPERSEDED_FOLDER: &str = "superseded";
pub const PENDING_FOLDER: &str = "pending";
/// The end of the name of an object that was made of files and takes their place with a commit, or never.
pub const MERGED_SUFFIX: &str = ".merge";

/// The name of the object that is a file of the lake.
pub fn object_name(path: &str) -> String {
    format!("{LAKE_FOLDER}/{path}")
}

/// The files of the lake that are there, by the names that a manifest has for them, whether or not it names them.
///
/// # Errors
/// `Unavailable` when it cannot be listed what is there.
pub async fn list_lake_files(objects: &dyn Objects) -> Result<Vec<String>> {
    let place = objects.location(LAKE_FOLDER);
    let listed = objects
        .list(LAKE_FOLDER)
        .await
        .map_err(|e| Error::unavailable(sentences::cannot_read(&place, &Sentence::from_io(&e))).with_detail(e))?;
    let path = |name: &str| Some(name.strip_prefix(LAKE_FOLDER)?.strip_prefix('/')?.to_owned());
    let paths = listed.iter().filter_map(|(name, _)| path(name));
    Ok(paths.filter(|p| p.starts_with("day=") && p.ends_with(".parquet")).collect())
}

/// Sorts a batch as files of the lake are sorted.
pub fn sort_batch(batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
    let by: Vec<SortColumn> = SORT_COLUMNS
        .iter()
        .map(|name| SortColumn { values: batch.column(column_index(name)).clone(), options: None })
        .collect();
    let order = lexsort_to_indices(&by, None)?;
    take_record_batch(batch, &order)
}

pub fn writer_properties() -> WriterProperties {
    // Parquet counts leaves: behind the map, which has two, the numbers shift. All but the last stand before it.
    let sorting = SORT_COLUMNS[..SORT_COLUMNS.len() - 1]
        .iter()
        .map(|name| SortingColumn {
            column_idx: i32::try_from(column_index(name)).unwrap_or(0),
            descending: false,
            nulls_first: true,
        })
        .collect();
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(131_072))
        .set_data_page_row_count_limit(8_192)
        .set_write_batch_size(8_192)
        .set_sorting_columns(Some(sorting))
        .build()
}

/// Writes a batch as an object. Returns its size in bytes. Nothing is left behind when it fails.
///
/// # Errors
/// `Unavailable`, naming the object and the reason.
pub fn write(objects: &BlockingObjects, name: &str, batch: &RecordBatch) -> Result<u64> {
    let attempt = || -> io::Result<u64> {
        let bytes = encode(batch).map_err(io::Error::other)?;
        let mut object = objects.create(name)?;
        object.write_all(&bytes)?;
        object.finish()
    };
    attempt().map_err(|e| cannot_write(objects.location(name), &e))
}

/// How files of the lake are written: without an Arrow schema inside.
pub fn writer_options() -> ArrowWriterOptions {
    ArrowWriterOptions::new().with_properties(writer_properties()).with_skip_arrow_metadata(true)
}

/// The batch as the bytes of a Parquet file without an Arrow schema inside.
pub fn encode(batch: &RecordBatch) -> std::result::Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(batch.num_rows() * 64);
    let mut writer =
        ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), writer_options()).map_err(|e| e.to_string())?;
    writer.write(batch).map_err(|e| e.to_string())?;
    writer.close().map_err(|e| e.to_string())?;
    Ok(bytes)
}

pub fn cannot_write(name: impl std::fmt::Display, e: &io::Error) -> Error {
    Error::unavailable(sentences::cannot_write(name, &Sentence::from_io(e))).with_detail(e)
}

/// An operation that needs all of the lake's files meets one that cannot be read.
pub fn unreadable_file_error(path: &str, reason: &Sentence) -> Error {
    Error::unavailable(sentences::lost(path, reason))
}

/// What the Parquet reader has against a file.
pub fn parquet_reason(e: impl std::fmt::Display) -> Sentence {
    sentences::no_parquet(e)
}

/// Why a file of the lake was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFailure {
    pub reason: Sentence,
    /// Its bytes are there and are not what was written: it does not get better by itself. Else the operating system did not
    /// give them, which may pass.
    pub damaged: bool,
}

impl ReadFailure {
    pub fn refused(e: &io::Error) -> Self {
        Self { reason: Sentence::from_io(e), damaged: false }
    }
    pub const fn damaged(reason: Sentence) -> Self {
        Self { reason, damaged: true }
    }
}

type Reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader;

/// Opens a file for reading in batches of so many rows, each to be brought into the lake's schema by [`to_lake_schema`].
///
/// # Errors
/// The reason, in words.
pub fn open_batches(objects: &BlockingObjects, name: &str, rows: usize) -> std::result::Result<Reader, ReadFailure> {
    let mut blob = objects.get(name).map_err(|e| ReadFailure::refused(&e))?;
    blob.read_through().map_err(|e| ReadFailure::refused(&e))?;
    ParquetRecordBatchReaderBuilder::<ObjectReader>::try_new(blob)
        .and_then(|b| b.with_batch_size(rows).build())
        .map_err(|e| ReadFailure::damaged(parquet_reason(e)))
}

/// Reads a whole file in the lake's schema; columns that it misses are null.
///
/// # Errors
/// The reason, in words.
pub fn read(objects: &BlockingObjects, name: &str) -> std::result::Result<RecordBatch, ReadFailure> {
    let batches: std::result::Result<Vec<_>, _> =
        open_batches(objects, name, 65_536)?.map(|batch| to_lake_schema(&batch?)).collect();
    batches.and_then(|b| concat_batches(&SCHEMA, &b)).map_err(|e| ReadFailure::damaged(parquet_reason(e)))
}

/// Whether an object has the size that it was written with, as far as it could be looked at.
///
/// # Errors
/// What is wrong with it: one that is gone or was cut off is known without opening it.
pub fn check_size(found: io::Result<ObjectStat>, bytes: u64) -> std::result::Result<(), ReadFailure> {
    match found {
        Ok(found) if found.bytes == bytes => Ok(()),
        Ok(found) => Err(ReadFailure::damaged(sentences::other_size(found.bytes, bytes))),
        Err(e) => Err(ReadFailure::refused(&e)),
    }
}

/// Reads a file to its end, a batch at a time, and keeps nothing of it.
///
/// # Errors
/// What is wrong with it.
pub fn verify(objects: &BlockingObjects, file: &LakeFile) -> std::result::Result<(), ReadFailure> {
    let name = object_name(&file.path);
    check_size(objects.stat(&name), file.bytes)?;
    let mut found = 0;
    for batch in open_batches(objects, &name, 8_192)? {
        found += batch.map_err(|e| ReadFailure::damaged(parquet_reason(e)))?.num_rows() as u64;
    }
    if found == file.rows {
        return Ok(());
    }
    Err(ReadFailure::damaged(sentences::other_rows(found, file.rows)))
}

/// Brings a batch into the lake's schema.
pub fn to_lake_schema(batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
    let columns: std::result::Result<Vec<ArrayRef>, ArrowError> = SCHEMA
        .fields()
        .iter()
        .map(|f| match batch.column_by_name(f.name()) {
            Some(c) if c.data_type() == f.data_type() => Ok(Arc::clone(c)),
            Some(c) => cast(c, f.data_type()),
            None => Ok(new_null_array(f.data_type(), batch.num_rows())),
        })
        .collect();
    RecordBatch::try_new(SCHEMA.clone(), columns?)
}
