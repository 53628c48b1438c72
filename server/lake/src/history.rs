//! Rows as they were before they were corrected or withdrawn, for queries about what was known at a moment.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use arrow::{
    array::{Array, AsArray, RecordBatch, TimestampMillisecondArray, UInt32Array},
    compute::{concat_batches, take_record_batch},
    datatypes::{Int64Type, TimestampMillisecondType},
};
use domain::{
    Error, Result,
    time::{DAY, Day, Millis, Ranges},
};

use crate::{
    Lake,
    file::{self, PENDING_FOLDER, object_name, unreadable_file_error},
    identity::row_keys,
    scan::{ScanEngine, ScanRequest},
    schema::{SCHEMA, column_index},
    sentences,
    snapshot::Snapshot,
    superseded::PendingRows,
};

impl Lake {
    /// Of the rows that were corrected or withdrawn, those that counted at `known` and that the query asks for: the last one of its
    /// identity that had arrived by then, where it was withdrawn later or what the lake has of this identity arrived later. `None`
    /// when there is none.
    ///
    /// # Errors
    /// `Unavailable`, naming a file that cannot be read: what it holds would be missing from the answer unnoticed.
    pub(crate) async fn replaced_since(
        &self,
        snapshot: &Snapshot,
        rows: &ScanRequest<'_>,
        known: Millis,
    ) -> Result<Option<RecordBatch>> {
        let named: HashSet<String> = snapshot.files.iter().map(|v| v.file.path.clone()).collect();
        let files = snapshot.files_in(&rows.ranges);
        let files: Vec<(Day, String, Millis)> =
            files.map(|v| (v.file.day, v.file.path.clone(), v.file.received)).collect();
        let objects = self.blocking();
        let ranges = rows.ranges.clone();
        let found = tokio::task::spawn_blocking(move || {
            let (later, earlier): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.2 > known);
            let days: HashSet<Day> = later.iter().map(|file| file.0).collect();
            let wanted = |day: Day, withdrawn: Option<Millis>| {
                let in_ranges = || ranges.overlaps(day.start(), day.start().plus(DAY - 1));
                days.contains(&day) || (withdrawn.is_some_and(|at| at > known) && in_ranges())
            };
            let old = PendingRows::pending_and_superseded(&objects, &named, wanted)
                .map_err(|e| Error::unavailable(sentences::replaced_not_listed()).with_detail(e))?;
            let mut counted: HashMap<u128, OldRow> = HashMap::new();
            let mut batches = vec![];
            for name in old {
                let batch = match file::read(&objects, &name) {
                    Ok(batch) => batch,
                    // It got its last name meanwhile, and is among the others.
                    Err(_) if name.starts_with(PENDING_FOLDER) && objects.stat(&name).is_err() => continue,
                    Err(e) => return Err(unreadable_file_error(&name, &e.reason)),
                };
                let withdrawn = PendingRows::withdrawn_at(&name);
                for (row, key, received, seq) in rows_of(&batch, &ranges) {
                    let time = times_of(&batch).value(row as usize);
                    let arrived = (received, seq);
                    let newer = counted.get(&key).is_none_or(|old| old.arrived < arrived);
                    if received <= known.0 && newer {
                        counted.insert(
                            key,
                            OldRow { arrived, withdrawn, day: Millis(time).day(), batch: batches.len(), row },
                        );
                    }
                }
                batches.push(batch);
            }
            if counted.is_empty() {
                return Ok(None);
            }
            let read = |path: &str| {
                file::read(&objects, &object_name(path)).map_err(|e| unreadable_file_error(path, &e.reason))
            };
            // What was withdrawn by then counts no more than what came before it.
            counted.retain(|_, old| old.withdrawn.is_none_or(|at| at > known));
            let withdrawn: HashSet<Day> =
                counted.values().filter(|old| old.withdrawn.is_some()).map(|o| o.day).collect();
            // Where the list of files is older than a withdrawal, the row is among theirs still.
            for (_, path, _) in earlier.iter().filter(|file| withdrawn.contains(&file.0)) {
                for (_, key, ..) in rows_of(&read(path)?, &ranges) {
                    counted.remove(&key);
                }
            }
            let mut chosen: Vec<Vec<u32>> = vec![vec![]; batches.len()];
            for (_, path, _) in later {
                for (_, key, received, _) in rows_of(&read(&path)?, &ranges) {
                    let Entry::Occupied(old) = counted.entry(key) else { continue };
                    if received > known.0 {
                        let old = old.remove();
                        chosen[old.batch].push(old.row);
                    } else if old.get().withdrawn.is_some() {
                        old.remove();
                    }
                }
            }
            for old in counted.into_values().filter(|old| old.withdrawn.is_some()) {
                chosen[old.batch].push(old.row);
            }
            let broken = |e| Error::internal(sentences::replaced_not_joined()).with_detail(e);
            let taken: std::result::Result<Vec<RecordBatch>, _> = batches
                .iter()
                .zip(chosen)
                .filter(|(_, rows)| !rows.is_empty())
                .map(|(batch, rows)| take_record_batch(batch, &UInt32Array::from(rows)))
                .collect();
            let whole = concat_batches(&SCHEMA, &taken.map_err(broken)?).map_err(broken)?;
            Ok(Some(whole).filter(|w| w.num_rows() > 0))
        })
        .await
        .map_err(|e| Error::internal(sentences::reading_replaced_broke_off()).with_detail(e))??;
        let Some(found) = found else { return Ok(None) };
        let chosen = ScanEngine::select_rows(&found, rows);
        chosen.map_err(|e| Error::internal(sentences::replaced_not_chosen()).with_detail(e))
    }
}

/// A row that counts no longer: in the order of arrivals, when it was withdrawn if it was, and where it stands.
struct OldRow {
    arrived: (i64, i64),
    withdrawn: Option<Millis>,
    day: Day,
    batch: usize,
    row: u32,
}

fn times_of(batch: &RecordBatch) -> &TimestampMillisecondArray {
    batch.column(column_index("timestamp")).as_primitive::<TimestampMillisecondType>()
}

/// Of the rows of a batch that lie in the ranges: the row, its identity, when it arrived and its sequence number.
fn rows_of<'b>(batch: &'b RecordBatch, ranges: &'b Ranges) -> impl Iterator<Item = (u32, u128, i64, i64)> + use<'b> {
    let times = times_of(batch);
    let received = batch.column(column_index("received_at")).as_primitive::<TimestampMillisecondType>();
    let seqs = batch.column(column_index("seq")).as_primitive::<Int64Type>();
    // A row that does not say when it arrived was there from the beginning.
    let arrived = |row: usize| if received.is_valid(row) { received.value(row) } else { i64::MIN };
    row_keys(batch)
        .into_iter()
        .enumerate()
        .filter(|(row, _)| ranges.contains(Millis(times.value(*row))))
        .map(move |(row, key)| (row as u32, key.identity, arrived(row), seqs.value(row)))
}
