//! Makes one file of several, each sorted as files of the lake are, a few rows of each at a time: however large a day is, a
//! merge holds [`MAX_BUFFERED_ROWS`] rows and the row group that is being written.

use arrow::{
    array::RecordBatch,
    compute::interleave_record_batch,
    error::ArrowError,
    row::{OwnedRow, RowConverter, Rows, SortField},
};
use domain::Error;
use parquet::arrow::ArrowWriter;

use crate::{
    file::{self, ReadFailure},
    objects::BlockingObjects,
    schema::{SCHEMA, SORT_COLUMNS, column_index},
    sentences,
};

/// Rows of all files together that are held at once.
pub const MAX_BUFFERED_ROWS: usize = 65_536;
/// Rows that are handed to the writer at once.
const BATCH: usize = 8_192;

/// What came of a merge.
#[derive(Debug)]
pub struct MergeOutput {
    pub bytes: u64,
    pub rows: u64,
    /// The most rows that were held at once.
    pub held: usize,
}

/// Why nothing came of it.
#[derive(Debug)]
pub enum MergeError {
    /// The file with this number cannot be read.
    Input(usize, ReadFailure),
    Other(Error),
}

impl From<ArrowError> for MergeError {
    fn from(e: ArrowError) -> Self {
        Self::Other(Error::internal(sentences::not_merged()).with_detail(e))
    }
}

/// Merges objects into a new one. Nothing is left behind when it fails.
///
/// # Errors
/// Which file cannot be read, or what cannot be written.
pub fn merge(objects: &BlockingObjects, inputs: &[String], to: &str) -> std::result::Result<MergeOutput, MergeError> {
    let mut sort_first = vec![false; inputs.len()];
    loop {
        match attempt(objects, inputs, to, &sort_first) {
            // One from before the lake sorted as it does now.
            Err(Stop::Unsorted(i)) => sort_first[i] = true,
            Ok(merged) => return Ok(merged),
            Err(Stop::MergeError(e)) => return Err(e),
        }
    }
}

enum Stop {
    Unsorted(usize),
    MergeError(MergeError),
}

impl<T: Into<MergeError>> From<T> for Stop {
    fn from(e: T) -> Self {
        Self::MergeError(e.into())
    }
}

fn attempt(
    objects: &BlockingObjects,
    inputs: &[String],
    to: &str,
    sort_first: &[bool],
) -> std::result::Result<MergeOutput, Stop> {
    let cannot = |e: std::io::Error| MergeError::Other(file::cannot_write(objects.location(to), &e));
    let out = objects.create(to).map_err(cannot)?;
    let broken = |e: parquet::errors::ParquetError| cannot(std::io::Error::other(e));
    let mut writer = ArrowWriter::try_new_with_options(out, SCHEMA.clone(), file::writer_options()).map_err(broken)?;
    let order = SORT_COLUMNS.iter().map(|name| SortField::new(SCHEMA.field(column_index(name)).data_type().clone()));
    let keys = RowConverter::new(order.collect())?;
    let share = (MAX_BUFFERED_ROWS / inputs.len().max(1)).clamp(1, BATCH);
    let mut heads = Vec::with_capacity(inputs.len());
    for (i, sort) in sort_first.iter().enumerate() {
        heads.extend(MergeInput::open((i, &inputs[i]), objects, share, *sort, &keys)?);
    }
    let mut merged = MergeOutput { bytes: 0, rows: 0, held: 0 };
    let mut chosen: Vec<(usize, usize)> = Vec::with_capacity(BATCH);
    while let Some((first, second)) = foremost(&heads) {
        merged.held = merged.held.max(heads.iter().map(MergeInput::held).sum::<usize>() + chosen.len());
        // All rows of the first that come before those of the others.
        while chosen.len() < BATCH && heads[first].is_before(second.map(|s| &heads[s])) {
            chosen.push((first, heads[first].at));
            heads[first].at += 1;
        }
        let used_up = heads[first].at == heads[first].keys.num_rows();
        if used_up || chosen.len() == BATCH {
            let batches: Vec<&RecordBatch> = heads.iter().map(|h| &h.batch).collect();
            let rows = interleave_record_batch(&batches, &chosen)?;
            merged.rows += rows.num_rows() as u64;
            writer.write(&rows).map_err(broken)?;
            chosen.clear();
        }
        if used_up && !heads[first].advance(&keys)? {
            heads.remove(first);
        }
    }
    merged.bytes = writer.into_inner().map_err(broken)?.finish().map_err(cannot)?;
    Ok(merged)
}

/// The file whose row comes first, and the one that would be first without it.
fn foremost(heads: &[MergeInput]) -> Option<(usize, Option<usize>)> {
    let (mut first, mut second) = (0, None);
    heads.first()?;
    for i in 1..heads.len() {
        if heads[i].key() < heads[first].key() {
            second = Some(std::mem::replace(&mut first, i));
        } else if second.is_none_or(|s: usize| heads[i].key() < heads[s].key()) {
            second = Some(i);
        }
    }
    Some((first, second))
}

/// The rows of one file that come next.
struct MergeInput {
    number: usize,
    batches: Box<dyn Iterator<Item = std::result::Result<RecordBatch, ReadFailure>>>,
    batch: RecordBatch,
    keys: Rows,
    at: usize,
    /// Rows held besides the batch, of a file that had to be sorted.
    whole: usize,
}

impl MergeInput {
    fn open(
        (number, name): (usize, &str),
        objects: &BlockingObjects,
        rows: usize,
        sort: bool,
        keys: &RowConverter,
    ) -> std::result::Result<Option<Self>, Stop> {
        let unread = |e| Stop::MergeError(MergeError::Input(number, e));
        let mut whole = 0;
        let batches: Box<dyn Iterator<Item = _>> = if sort {
            let all = file::sort_batch(&file::read(objects, name).map_err(unread)?)?;
            whole = all.num_rows();
            Box::new((0..whole).step_by(rows).map(move |from| Ok(all.slice(from, rows.min(all.num_rows() - from)))))
        } else {
            let damaged = |e: ArrowError| ReadFailure::damaged(file::parquet_reason(e));
            Box::new(
                file::open_batches(objects, name, rows)
                    .map_err(unread)?
                    .map(move |batch| batch.and_then(|b| file::to_lake_schema(&b)).map_err(damaged)),
            )
        };
        let empty = RecordBatch::new_empty(SCHEMA.clone());
        let mut head = Self { number, batches, keys: keys.empty_rows(0, 0), batch: empty, at: 0, whole };
        Ok(head.advance(keys)?.then_some(head))
    }

    /// Goes on to the next batch. False when there is none.
    fn advance(&mut self, keys: &RowConverter) -> std::result::Result<bool, Stop> {
        let last: Option<OwnedRow> = self.keys.num_rows().checked_sub(1).map(|i| self.keys.row(i).owned());
        let next = loop {
            match self.batches.next() {
                None => return Ok(false),
                Some(Err(e)) => return Err(Stop::MergeError(MergeError::Input(self.number, e))),
                Some(Ok(batch)) if batch.num_rows() == 0 => {}
                Some(Ok(batch)) => break batch,
            }
        };
        let by: Vec<_> = SORT_COLUMNS.iter().map(|name| next.column(column_index(name)).clone()).collect();
        self.keys = keys.convert_columns(&by)?;
        let rows = || (0..self.keys.num_rows()).map(|i| self.keys.row(i));
        let ascend = rows().zip(rows().skip(1)).all(|(a, b)| a <= b);
        if !ascend || last.is_some_and(|last| last.row() > self.keys.row(0)) {
            return Err(Stop::Unsorted(self.number));
        }
        (self.batch, self.at) = (next, 0);
        Ok(true)
    }

    fn key(&self) -> arrow::row::Row<'_> {
        self.keys.row(self.at)
    }

    fn is_before(&self, other: Option<&Self>) -> bool {
        self.at < self.keys.num_rows() && other.is_none_or(|o| self.key() <= o.key())
    }

    fn held(&self) -> usize {
        self.batch.num_rows() + self.whole
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]
mod tests {
    use arrow::{array::AsArray, datatypes::Int64Type};
    use domain::{ports::ReceivedRecord, record::Record, time::Millis};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        index::FileIndex,
        names::MetricNames,
        schema::{SequencedRecord, to_batch},
    };

    const NOW: Millis = Millis(1_782_820_800_000);

    /// Rows of one day: number, zone and minute of each; every third has a metric outside of the catalogue.
    fn batch(rows: &[(i64, u32, i64)]) -> RecordBatch {
        let arrivals: Vec<ReceivedRecord> = rows
            .iter()
            .map(|(seq, zone, minute)| {
                let custom = if seq % 3 == 0 { format!(r#","custom":{{"m{}":1}}"#, zone % 5) } else { String::new() };
                let line = format!(
                    r#"{{"timestamp":{},"customer":"c","site":"s","zone":"z{zone}","task":"t","model_architecture":"a{}","device":"d{}","detection":{{"mAP50":0.5}}{custom}}}"#,
                    serde_json::json!(Millis(NOW.0 - 1_440_000 * 30 + minute * 60_000).to_string()),
                    seq % 2,
                    seq % 7
                );
                ReceivedRecord { record: Record::parse_line(line.as_bytes(), NOW).unwrap(), line: 1 }
            })
            .collect();
        let numbered: Vec<SequencedRecord<'_>> = arrivals
            .iter()
            .zip(rows)
            .map(|(arrival, row)| SequencedRecord {
                arrival,
                seq: row.0,
                batch: 0,
                source: ["s", "t", "u"][row.0 as usize % 3],
            })
            .collect();
        to_batch(&numbered, NOW).unwrap()
    }

    fn seqs(batch: &RecordBatch) -> Vec<i64> {
        batch.column(column_index("seq")).as_primitive::<Int64Type>().values().to_vec()
    }

    /// Objects in a folder of their own.
    struct Bench {
        folder: tempfile::TempDir,
        objects: BlockingObjects,
        _runtime: tokio::runtime::Runtime,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
            let _guard = runtime.enter();
            let objects = BlockingObjects::new(std::sync::Arc::new(crate::FolderObjects::at(folder.path())));
            Self { folder, objects, _runtime: runtime }
        }

        #[expect(clippy::disallowed_methods, reason = "a test waits for itself alone")]
        fn files(&self) -> usize {
            std::fs::read_dir(self.folder.path()).unwrap().count()
        }
    }

    /// Writes each batch as a file and merges these. Returns what came of it and the merged rows.
    fn merged(parts: &[RecordBatch]) -> (MergeOutput, RecordBatch) {
        let bench = Bench::new();
        let names: Vec<String> = (0..parts.len()).map(|i| format!("{i}.parquet")).collect();
        for (name, part) in names.iter().zip(parts) {
            file::write(&bench.objects, name, part).unwrap();
        }
        let merged = merge(&bench.objects, &names, "merged.parquet").unwrap();
        assert_eq!(merged.bytes, bench.objects.stat("merged.parquet").unwrap().bytes);
        let rows = file::read(&bench.objects, "merged.parquet").unwrap();
        (merged, rows)
    }

    #[test]
    fn a_merge_of_many_rows_holds_few_of_them() {
        let part = |i: i64| {
            let rows: Vec<_> = (0..24_000).map(|k| (i + 4 * k, (k % 97) as u32, k % 1_400)).collect();
            file::sort_batch(&batch(&rows)).unwrap()
        };
        let parts: Vec<RecordBatch> = (0..4).map(part).collect();
        let (merged, rows) = merged(&parts);
        assert_eq!((merged.rows, rows.num_rows()), (96_000, 96_000));
        assert!(merged.held <= MAX_BUFFERED_ROWS + BATCH, "{} rows were held", merged.held);
        assert_eq!(seqs(&rows), seqs(&file::sort_batch(&rows).unwrap()), "the result is sorted as files are");
    }

    #[test]
    fn a_damaged_input_is_named_and_nothing_is_left_behind() {
        let bench = Bench::new();
        let names: Vec<String> = (0..3).map(|i| format!("{i}.parquet")).collect();
        for name in &names {
            file::write(&bench.objects, name, &batch(&[(1, 1, 1)])).unwrap();
        }
        let mut damaged = bench.objects.create(&names[1]).unwrap();
        damaged.write_all(b"PAR1 no more").unwrap();
        damaged.finish().unwrap();
        let merge = || merge(&bench.objects, &names, "merged.parquet");
        assert!(matches!(merge(), Err(MergeError::Input(1, ReadFailure { damaged: true, .. }))));
        bench.objects.discard(&names[1]);
        assert!(matches!(merge(), Err(MergeError::Input(1, ReadFailure { damaged: false, .. }))));
        assert_eq!(bench.files(), 2, "neither the object nor its beginning");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_merge_is_what_sorting_all_rows_gives_and_its_index_what_they_tell(
            files in prop::collection::vec((prop::collection::vec((0u32..4, 0i64..300), 1..60), any::<bool>()), 2..7)
        ) {
            let mut seq = 0;
            let parts: Vec<RecordBatch> = files
                .iter()
                .map(|(rows, old)| {
                    let rows: Vec<_> = rows.iter().map(|(zone, minute)| { seq += 1; (seq, *zone, *minute) }).collect();
                    // Files from before the lake sorted as it does now are as they came.
                    if *old { batch(&rows) } else { file::sort_batch(&batch(&rows)).unwrap() }
                })
                .collect();
            let (_, rows) = merged(&parts);
            let whole = arrow::compute::concat_batches(&SCHEMA, &parts).unwrap();
            prop_assert_eq!(seqs(&rows), seqs(&file::sort_batch(&whole).unwrap()));
            // Room for some of the metrics, and not for the others.
            let mut names = MetricNames::new(3);
            (0..5).for_each(|i| names.add(&format!("custom.m{i}"), false));
            prop_assert_eq!(crate::identity::row_keys(&rows), crate::identity::row_keys(&file::sort_batch(&whole).unwrap()));
            let held = |p| FileIndex::from(&crate::loaded_index::LoadedIndex::from(FileIndex::of(p, &names)));
            let indexes: Vec<FileIndex> = parts.iter().map(held).collect();
            let (union, read) = (FileIndex::union(&indexes), FileIndex::of(&rows, &names));
            prop_assert_eq!(union.told(), read.told());
            let mut old = indexes.clone();
            old[0].devices = None;
            old[0].values = None;
            let union = FileIndex::union(&old);
            prop_assert!(union.devices.is_none() && union.values.is_none(), "what one does not know is not known");
        }
    }
}
