//! Columns that queries read again and again, decoded and held in memory: a page asks three queries of the same rows, and
//! the next page asks them again. A file never changes, so what is held is never wrong, even when it was damaged or taken away
//! meanwhile: which `Lake::inspect` finds out. Queries for which there is no room go to `scan`.

mod rows;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use arrow::{
    array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch, StringArray},
    compute::{cast, concat},
    datatypes::{DataType, Field, Int32Type, Schema},
    error::ArrowError,
};
use domain::scope::Level;
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
};

use crate::{
    cells::BatchConsumer,
    file::object_name,
    objects::{BlockingObjects, ObjectReader},
    scan::ScanRequest,
    schema::{SCHEMA, column_index},
    snapshot::{IndexedFile, Snapshot},
};

use self::rows::{RowSelection, SelectedRows};

/// So many bytes are held, unless the lake is told otherwise.
pub const DEFAULT_MEMORY_BYTES: usize = 128 << 20;
/// A query of few places is worth reading whole files for when they are small; else `scan` finds its pages in them.
const SMALL_FILES_BYTES: usize = 16 << 20;
/// Rows that are handed to a reader at once.
const BATCH: usize = 8_192;
/// Bytes of a map in memory, and of a value in it with its name, about.
const MAP_ENTRY_BYTES: usize = 24;
/// Rows of one file that are one piece of work for a core.
const PIECE_ROWS: usize = 8 * BATCH;

/// What is held, by the number of the file.
pub struct ColumnCache {
    budget: usize,
    files: Mutex<HashMap<i64, Arc<CachedFile>>>,
    /// Counts queries: the file whose last one is longest ago makes room first.
    clock: AtomicU64,
}

#[derive(Default)]
struct CachedFile {
    used: AtomicU64,
    bytes: AtomicUsize,
    columns: Mutex<Columns>,
}

#[derive(Default)]
struct Columns {
    /// `None`: the file has the column nowhere, or no value in it.
    arrays: HashMap<&'static str, Option<ArrayRef>>,
}

impl ColumnCache {
    pub fn new(budget: usize) -> Self {
        Self { budget, files: Mutex::default(), clock: AtomicU64::new(0) }
    }

    /// How to answer from memory, or `None` where that would need too much of it.
    pub fn plan(
        self: &Arc<Self>,
        objects: BlockingObjects,
        snapshot: &Snapshot,
        rows: &ScanRequest<'_>,
    ) -> Option<CachedScan> {
        if rows.only.is_some() || rows.columns.iter().any(|name| width(name).is_none()) {
            return None;
        }
        let wanted = RowSelection::of(rows);
        let files: Vec<&IndexedFile> = snapshot.files_in(&rows.ranges).collect();
        let all: usize = files.iter().map(|v| v.file.rows as usize * wanted.row_bytes() + wanted.map_bytes(v)).sum();
        if all > self.budget / 4 * 3 {
            return None;
        }
        let wide = matches!(rows.scope.level(), Level::Fleet | Level::Customer);
        if !wide && all > SMALL_FILES_BYTES && !files.iter().all(|v| self.contains(v.file.id, &wanted.needs)) {
            return None;
        }
        let now = self.clock.fetch_add(1, Relaxed);
        let pieces = files.into_iter().flat_map(|view| {
            let rows = view.file.rows as usize;
            let held = Arc::clone(self.held().entry(view.file.id).or_default());
            held.used.store(now, Relaxed);
            (0..rows).step_by(PIECE_ROWS).map(move |from| FilePiece {
                view: view.clone(),
                held: Arc::clone(&held),
                from,
                to: rows.min(from + PIECE_ROWS),
            })
        });
        Some(CachedScan {
            pieces: pieces.collect(),
            next: AtomicUsize::new(0),
            given_up: AtomicBool::new(false),
            wanted,
            objects,
            memory: Arc::clone(self),
        })
    }

    /// Forgets files that are gone from the lake.
    pub fn retain_files(&self, ids: &HashSet<i64>) {
        self.held().retain(|id, _| ids.contains(id));
    }

    /// Lets go of one file, which the next query reads again.
    pub fn evict(&self, id: i64) {
        self.held().remove(&id);
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Arc<CachedFile>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn contains(&self, id: i64, names: &[&'static str]) -> bool {
        let Some(held) = self.held().get(&id).cloned() else { return false };
        // One that is being read just now is not waited for.
        held.columns.try_lock().is_ok_and(|c| names.iter().all(|n| c.arrays.contains_key(n)))
    }

    /// Lets go of what was asked for longest ago until the rest fits.
    fn make_room(&self) {
        let mut files = self.held();
        let size = |h: &CachedFile| h.bytes.load(Relaxed);
        let mut total: usize = files.values().map(|h| size(h)).sum();
        while total > self.budget {
            let oldest = files.iter().min_by_key(|(_, h)| h.used.load(Relaxed)).map(|(id, h)| (*id, size(h)));
            let Some((id, bytes)) = oldest else { return };
            files.remove(&id);
            total -= bytes;
        }
    }
}

/// A column's bytes a row in memory, about, but for what is in maps; `None` for columns that no query folds.
fn width(name: &str) -> Option<usize> {
    Some(match SCHEMA.field(column_index(name)).data_type() {
        DataType::Utf8View if matches!(name, "extra" | "source" | "run_id") => return None,
        DataType::Utf8View => 4,
        DataType::Boolean => 1,
        DataType::Map(..) => MAP_ENTRY_BYTES,
        _ => 8,
    })
}

/// Part of a file.
struct FilePiece {
    view: IndexedFile,
    held: Arc<CachedFile>,
    from: usize,
    to: usize,
}

/// A query on its way through memory. Each core takes the next piece.
pub struct CachedScan {
    pieces: Vec<FilePiece>,
    next: AtomicUsize,
    given_up: AtomicBool,
    wanted: RowSelection,
    objects: BlockingObjects,
    memory: Arc<ColumnCache>,
}

/// Cancels the readers.
struct CancelOnDrop(Arc<CachedScan>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.given_up.store(true, Relaxed);
    }
}

impl CachedScan {
    /// Reads on all cores, each with a reader of its own.
    ///
    /// # Errors
    /// What the file system or the decoder says; the caller finds out which file is to blame.
    pub async fn read<P: BatchConsumer>(self, reader: impl Fn() -> P) -> Result<Vec<P>, String> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from).min(self.pieces.len());
        let reading = Arc::new(self);
        let _guard = CancelOnDrop(Arc::clone(&reading));
        let parts = (0..cores).map(|_| {
            let (reading, mut part) = (Arc::clone(&reading), reader());
            tokio::task::spawn_blocking(move || reading.read_pieces(&mut part).map(|()| part))
        });
        let parts = futures::future::join_all(parts).await;
        reading.memory.make_room();
        parts.into_iter().map(|part| part.map_err(|e| e.to_string())?).collect()
    }

    fn read_pieces(&self, part: &mut impl BatchConsumer) -> Result<(), String> {
        while let Some(piece) = self.pieces.get(self.next.fetch_add(1, Relaxed)) {
            let columns = self.columns(piece)?;
            for from in (piece.from..piece.to).step_by(BATCH) {
                if self.given_up.load(Relaxed) {
                    return Ok(());
                }
                let batch = self.wanted.batch(&piece.view, &columns, from, BATCH.min(piece.to - from));
                if let Some(SelectedRows { batch, ranges }) = batch.map_err(|e| e.to_string())? {
                    part.take_some(&batch, &ranges)?;
                }
            }
        }
        Ok(())
    }

    /// The columns of a piece's file, decoded unless they are held.
    fn columns(&self, piece: &FilePiece) -> Result<HashMap<&'static str, Option<ArrayRef>>, String> {
        // Another query for the same file waits, and finds it read.
        let mut columns = piece.held.columns.lock().unwrap_or_else(PoisonError::into_inner);
        let missing: Vec<_> = self.wanted.needs.iter().copied().filter(|n| !columns.arrays.contains_key(n)).collect();
        if !missing.is_empty() {
            let rows = piece.view.file.rows as usize;
            let blob = self.objects.get(&object_name(&piece.view.file.path)).map_err(|e| e.to_string())?;
            columns.arrays.extend(decode(blob, &missing, rows).map_err(|e| e.to_string())?);
            let bytes = columns.arrays.values().flatten().map(|a| a.get_array_memory_size()).sum();
            piece.held.bytes.store(bytes, Relaxed);
        }
        Ok(self.wanted.needs.iter().map(|n| (*n, columns.arrays.get(n).cloned().flatten())).collect())
    }
}

/// Reads columns of a file as a whole. Text comes as numbers into a dictionary, as it is in the file.
fn decode(
    blob: ObjectReader,
    names: &[&'static str],
    rows: usize,
) -> parquet::errors::Result<Vec<(&'static str, Option<ArrayRef>)>> {
    let plain = ArrowReaderMetadata::load(&blob, ArrowReaderOptions::new())?;
    let fields = plain.schema().fields().iter().map(|f| match f.data_type() {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => {
            Arc::new(f.as_ref().clone().with_data_type(text_type()))
        }
        _ => Arc::clone(f),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = ArrowReaderOptions::new().with_schema(Arc::clone(&schema));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options)?;
    let wanted = names.iter().filter_map(|n| schema.index_of(n).ok());
    let mask = ProjectionMask::roots(metadata.parquet_schema(), wanted);
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(blob, metadata)
        .with_projection(mask)
        .with_batch_size(PIECE_ROWS)
        .build()?;
    let batches = reader.collect::<Result<Vec<RecordBatch>, ArrowError>>()?;
    let found: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if found != rows {
        return Err(ArrowError::ParquetError(format!("it has {found} rows instead of {rows}")).into());
    }
    let whole = |name: &'static str| {
        let parts: Vec<&dyn Array> = batches.iter().filter_map(|b| b.column_by_name(name)).map(|c| &**c).collect();
        if parts.is_empty() {
            return Ok((name, None));
        }
        let joined = concat(&parts)?;
        let field = held_field(name);
        let typed = if joined.data_type() == field.data_type() { joined } else { cast(&joined, field.data_type())? };
        let typed = if *typed.data_type() == text_type() { each_text_once(&typed)? } else { typed };
        Ok((name, (typed.null_count() < typed.len()).then_some(typed)))
    };
    names.iter().map(|name| whole(name)).collect()
}

/// The same texts with one number each, so that rows say the same when their numbers are equal.
fn each_text_once(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let column = column.as_dictionary::<Int32Type>();
    let words = column.values().as_string::<i32>();
    let mut numbers: HashMap<Option<&str>, i32> = HashMap::new();
    let mut once: Vec<Option<&str>> = vec![];
    let number = |word| {
        *numbers.entry(word).or_insert_with(|| {
            once.push(word);
            once.len() as i32 - 1
        })
    };
    let remapped: Vec<i32> = words.iter().map(number).collect();
    if once.len() == words.len() {
        return Ok(Arc::new(column.clone()));
    }
    let keys: Int32Array = column.keys().iter().map(|k| k.map(|k| remapped[k as usize])).collect();
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(StringArray::from(once)))?))
}

/// A column of the lake as it is held.
fn held_field(name: &str) -> Field {
    let field = SCHEMA.field(column_index(name)).clone();
    if *field.data_type() == DataType::Utf8View { field.with_data_type(text_type()) } else { field }
}

fn text_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}
