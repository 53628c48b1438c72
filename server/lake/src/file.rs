//! One Parquet file of the lake: written so that it survives a crash, read as a whole for merging, checked when doubted.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, RecordBatch, new_null_array},
        compute::{SortColumn, cast, concat_batches, lexsort_to_indices, take_record_batch},
        error::ArrowError,
    },
    parquet::{
        arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder, arrow_writer::ArrowWriterOptions},
        basic::{Compression, ZstdLevel},
        file::{
            metadata::SortingColumn,
            properties::{EnabledStatistics, WriterProperties},
        },
    },
};
use domain::{Error, Result, error::Sentence, say};

use crate::schema::{SCHEMA, SORT, column};

/// Sorts a batch as files of the lake are sorted.
pub fn sorted(batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
    let by: Vec<SortColumn> =
        SORT.iter().map(|name| SortColumn { values: batch.column(column(name)).clone(), options: None }).collect();
    let order = lexsort_to_indices(&by, None)?;
    take_record_batch(batch, &order)
}

pub fn properties() -> WriterProperties {
    // Parquet counts leaves: behind the map, which has two, the numbers shift. All but the last stand before it.
    let sorting = SORT[..SORT.len() - 1]
        .iter()
        .map(|name| SortingColumn {
            column_idx: i32::try_from(column(name)).unwrap_or(0),
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

/// Writes a batch to `path` and makes it durable: the file's bytes, its name, and the folder that holds it.
/// Returns the size in bytes. Nothing is left behind when it fails.
///
/// # Errors
/// `Unavailable`, naming the file and the reason.
pub fn write(path: &Path, batch: &RecordBatch) -> Result<u64> {
    let temporary = path.with_extension("tmp");
    let attempt = || -> std::io::Result<u64> {
        if let Some(folder) = path.parent().filter(|f| !f.exists()) {
            fs::create_dir_all(folder)?;
            if let Some(above) = folder.parent() {
                File::open(above)?.sync_all()?;
            }
        }
        let bytes = encode(batch).map_err(std::io::Error::other)?;
        let mut file = File::create(&temporary)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(bytes.len() as u64)
    };
    attempt().map_err(|e| {
        let _ = fs::remove_file(&temporary);
        cannot_write(path, &e)
    })
}

/// The batch as the bytes of a Parquet file without an Arrow schema inside.
pub fn encode(batch: &RecordBatch) -> std::result::Result<Vec<u8>, String> {
    let options = ArrowWriterOptions::new().with_properties(properties()).with_skip_arrow_metadata(true);
    let mut bytes = Vec::with_capacity(batch.num_rows() * 64);
    let mut writer =
        ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options).map_err(|e| e.to_string())?;
    writer.write(batch).map_err(|e| e.to_string())?;
    writer.close().map_err(|e| e.to_string())?;
    Ok(bytes)
}

pub fn cannot_write(path: &Path, e: &std::io::Error) -> Error {
    Error::unavailable(format!("cannot write {}: {}", path.display(), Sentence::why(e))).with_detail(e)
}

/// A question or an act that needs all of the lake's files meets one that cannot be read.
pub fn lost(path: &str, reason: &Sentence) -> Error {
    Error::unavailable(say!(
        "the lake file {path} cannot be read: {reason}",
        "레이크 파일 {path}을(를) 읽을 수 없습니다: {korean}",
        reason = reason,
        korean = reason.korean()
    ))
}

/// What the Parquet reader has against a file.
pub fn unreadable(e: impl std::fmt::Display) -> Sentence {
    say!("it is not readable as Parquet: {e}", "Parquet로 읽을 수 없습니다: {e}")
}

/// Reads a whole file in the lake's schema; columns that it misses are null.
///
/// # Errors
/// The reason, in words.
pub fn read(path: &Path) -> std::result::Result<RecordBatch, Sentence> {
    let file = File::open(path).map_err(|e| Sentence::why(&e))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|b| b.with_batch_size(65_536).build())
        .map_err(unreadable)?;
    let batches: std::result::Result<Vec<_>, _> = reader.map(|batch| conform(&batch?)).collect();
    batches.and_then(|b| concat_batches(&SCHEMA, &b)).map_err(unreadable)
}

/// Brings a batch into the lake's schema.
fn conform(batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
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
