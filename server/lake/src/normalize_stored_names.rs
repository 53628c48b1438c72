//! Names that were stored before names had one spelling: the days that hold any are written again, once, when the lake is
//! opened. Each day is one commit, as a merge is: a crash leaves it as it was or as it will be.

use std::collections::{BTreeSet, HashMap, HashSet};

use arrow::{
    array::{Array, AsArray, BooleanArray, RecordBatch},
    compute::filter_record_batch,
    datatypes::Int64Type,
};
use domain::{Error, Result, changes::ChangeSet, normalization::nfc, record::TEXT_FIELDS, time::Day};
use parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder};

use crate::{
    Lake,
    day_identities::DayIdentityCache,
    day_writer::{DayChange, DayWriter, WriteError, WriteResult, arrow_error, unique_name},
    file::object_name,
    identity::{RowKey, row_keys},
    normalization::normalized,
    objects::BlockingObjects,
    ports::{LakeFile, ManifestCommit},
    schema::column_index,
    sentences,
};

/// The manifest's note that all names of the lake were looked at once. Later, what an index names is enough: whatever comes in
/// is spelled as it should be.
const NORMALIZED_KEY: &str = "names_in_nfc";

impl Lake {
    /// Gives stored names their one spelling. Rows that thereby become the same record are one: the last arrival counts, and
    /// another that it corrects is superseded.
    pub(crate) async fn normalize_stored_names(&self) -> Result<()> {
        let first_time = self.manifest.note(NORMALIZED_KEY).await?.is_none();
        let (snapshot, objects) = (self.snapshot(), self.blocking());
        let days: BTreeSet<Day> = tokio::task::spawn_blocking(move || {
            let odd = |v: &&crate::snapshot::IndexedFile| {
                v.failed.is_none()
                    && (v.index.names().any(|t| nfc(t).is_some())
                        || (first_time && has_unnormalized_names(&objects, &v.file.path)))
            };
            snapshot.files.iter().filter(odd).map(|v| v.file.day).collect()
        })
        .await
        .map_err(|e| Error::internal(sentences::names_broke_off()).with_detail(e))?;
        if !days.is_empty() {
            let mut known = self.writer.lock().await;
            let _turn = self.turn("give names one spelling").await?;
            *known = DayIdentityCache::default();
            self.normalize_metric_names().await?;
            for day in days {
                self.respell_day(day).await?;
            }
        }
        if first_time { self.manifest.set_value(NORMALIZED_KEY, Some("1")).await } else { Ok(()) }
    }

    async fn respell_day(&self, day: Day) -> Result<()> {
        loop {
            let snapshot = self.snapshot();
            let (writing, received) = (self.write_context(), self.clock.now());
            let written = tokio::task::spawn_blocking(move || {
                let writer: DayWriter<'_> = writing.writer(&snapshot, received);
                let mut change = DayChange::default();
                match respelled_day(&writer, day, &mut change) {
                    Ok(()) => Ok(change),
                    Err(e) => {
                        change.discard_written(&writer.objects);
                        Err(e)
                    }
                }
            })
            .await
            .map_err(|e| Error::internal(sentences::respelling_broke_off()).with_detail(e))?;
            match written {
                Ok(change) if change.retire.is_empty() => return Ok(()),
                Ok(change) => {
                    tracing::info!(%day, files = change.retire.len(), "names are stored in one spelling now");
                    let touched = ChangeSet::everything();
                    return self.publish(vec![change], ManifestCommit { touched, ..ManifestCommit::default() }).await;
                }
                // Each round leaves one such file out, so this ends.
                Err(WriteError::Unreadable(path, why)) => self.exclude_files([(path, why)]).await?,
                Err(WriteError::Other(e)) => return Err(e),
            }
        }
    }
}

/// A file of the day while its names are looked at.
struct Page<'a> {
    file: &'a LakeFile,
    /// Its rows, where their names have changed.
    normalized: Option<RecordBatch>,
    keys: Vec<RowKey>,
    seqs: Vec<i64>,
    /// Rows that are left out, and of these those that a correction replaces.
    dropped: BTreeSet<usize>,
    outdated: BTreeSet<usize>,
}

fn respelled_day(writer: &DayWriter<'_>, day: Day, change: &mut DayChange) -> WriteResult<()> {
    let mut pages = Vec::new();
    for file in writer.files(day) {
        let batch = writer.read(&file.path)?;
        pages.push(Page {
            file,
            keys: row_keys(&batch),
            seqs: batch
                .column(column_index("seq"))
                .as_primitive::<Int64Type>()
                .iter()
                .map(Option::unwrap_or_default)
                .collect(),
            normalized: normalized(&batch).map_err(arrow_error)?,
            dropped: BTreeSet::new(),
            outdated: BTreeSet::new(),
        });
    }
    leave_out_repeats(&mut pages);
    // The commit has to publish something by which one can see later that it was: if need be a file that stays as it is.
    let is_rewritten = |p: &Page<'_>| p.normalized.is_some() || !p.dropped.is_empty();
    let stays = |p: &&Page<'_>| p.dropped.len() < p.keys.len();
    let besides = if pages.iter().filter(|p| is_rewritten(p)).any(|p| stays(&p)) {
        None
    } else {
        pages.iter().filter(|p| !is_rewritten(p)).filter(stays).min_by_key(|p| p.file.rows).map(|p| p.file.id)
    };
    let besides = besides.filter(|_| pages.iter().any(is_rewritten));
    let name = unique_name();
    for page in pages {
        let rewritten = is_rewritten(&page) || besides == Some(page.file.id);
        let batch = match page.normalized {
            Some(batch) => batch,
            None if !rewritten => continue,
            None => writer.read(&page.file.path)?,
        };
        let only = |wanted: &dyn Fn(usize) -> bool| {
            let mask: BooleanArray = (0..batch.num_rows()).map(|row| Some(wanted(row))).collect();
            filter_record_batch(&batch, &mask).map_err(arrow_error)
        };
        if !page.outdated.is_empty() {
            writer.write_superseded(day, &name, &only(&|row| page.outdated.contains(&row))?, change)?;
        }
        let kept = only(&|row| !page.dropped.contains(&row))?;
        if kept.num_rows() > 0 {
            // The first has the name by which superseded rows refer to their commit.
            let name = if change.publish.is_empty() { name.clone() } else { unique_name() };
            change.publish.push(writer.write_file(day, &name, &[kept])?);
        }
        change.retire.push((page.file.id, page.file.path.clone()));
    }
    Ok(())
}

/// Rows that were other records by their spelling alone: as if they had arrived, in their order, under the names that they
/// have now.
fn leave_out_repeats(pages: &mut [Page<'_>]) {
    let changed: HashSet<u128> =
        pages.iter().filter(|p| p.normalized.is_some()).flat_map(|p| p.keys.iter().map(|k| k.identity)).collect();
    let mut arrivals: HashMap<u128, Vec<(i64, usize, usize)>> = HashMap::new();
    for (p, page) in pages.iter().enumerate() {
        for (row, key) in page.keys.iter().enumerate().filter(|(_, k)| changed.contains(&k.identity)) {
            arrivals.entry(key.identity).or_default().push((page.seqs[row], p, row));
        }
    }
    for mut rows in arrivals.into_values().filter(|rows| rows.len() > 1) {
        rows.sort_unstable();
        let mut counts = rows[0];
        for next in &rows[1..] {
            let content = |(_, p, row): (i64, usize, usize)| pages[p].keys[row].content;
            if content(counts) == content(*next) {
                pages[next.1].dropped.insert(next.2);
            } else {
                pages[counts.1].dropped.insert(counts.2);
                pages[counts.1].outdated.insert(counts.2);
                counts = *next;
            }
        }
    }
}

/// Whether any name in a file has another spelling than it should. One that cannot be read has none.
fn has_unnormalized_names(objects: &BlockingObjects, path: &str) -> bool {
    let Ok(blob) = objects.get(&object_name(path)) else { return false };
    let Ok(builder) = ParquetRecordBatchReaderBuilder::try_new(blob) else { return false };
    let names = TEXT_FIELDS.into_iter().chain(["metrics"]);
    let mask = ProjectionMask::columns(builder.parquet_schema(), names);
    let Ok(reader) = builder.with_projection(mask).with_batch_size(65_536).build() else { return false };
    reader.map_while(std::result::Result::ok).any(|batch| batch.columns().iter().any(|c| is_unnormalized(c.as_ref())))
}

fn is_unnormalized(names: &dyn Array) -> bool {
    if let Some(maps) = names.as_map_opt() {
        return is_unnormalized(maps.keys().as_ref());
    }
    match (names.as_string_opt::<i32>(), names.as_string_view_opt()) {
        // Of nearly all files all names are ASCII, which is seen without looking at each.
        (Some(texts), _) => !texts.value_data().is_ascii() && texts.iter().flatten().any(|t| nfc(t).is_some()),
        (_, Some(texts)) => texts.iter().flatten().any(|t| nfc(t).is_some()),
        _ => false,
    }
}
