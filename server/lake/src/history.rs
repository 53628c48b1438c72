//! Rows as they were before a correction replaced them, for queries about what was known at a moment.

use std::collections::{HashMap, HashSet};

use arrow::{
    array::{Array, AsArray, RecordBatch, UInt32Array},
    compute::{concat_batches, take_record_batch},
    datatypes::{Int64Type, TimestampMillisecondType},
};
use domain::{
    Error, Result,
    time::{Day, Millis, Ranges},
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
    /// Of the rows that corrections replaced, those that counted at `known` and that the query asks for: the last one of its
    /// identity that had arrived by then, where what the lake has of this identity arrived later. `None` when there is none.
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
        let later = snapshot.files_in(&rows.ranges).filter(|v| v.file.received > known);
        let later: Vec<(Day, String)> = later.map(|v| (v.file.day, v.file.path.clone())).collect();
        if later.is_empty() {
            return Ok(None);
        }
        let objects = self.blocking();
        let ranges = rows.ranges.clone();
        let found = tokio::task::spawn_blocking(move || {
            let days: HashSet<Day> = later.iter().map(|l| l.0).collect();
            let old = PendingRows::pending_and_superseded(&objects, &named, &days)
                .map_err(|e| Error::unavailable(sentences::replaced_not_listed()).with_detail(e))?;
            let mut counted: HashMap<u128, (i64, i64, usize, u32)> = HashMap::new();
            let mut batches = vec![];
            for name in old {
                let batch = match file::read(&objects, &name) {
                    Ok(batch) => batch,
                    // It got its last name meanwhile, and is among the others.
                    Err(_) if name.starts_with(PENDING_FOLDER) && objects.stat(&name).is_err() => continue,
                    Err(e) => return Err(unreadable_file_error(&name, &e.reason)),
                };
                for (row, key, received, seq) in rows_of(&batch, &ranges) {
                    let newer = counted.get(&key).is_none_or(|c| (c.0, c.1) < (received, seq));
                    if received <= known.0 && newer {
                        counted.insert(key, (received, seq, batches.len(), row));
                    }
                }
                batches.push(batch);
            }
            if counted.is_empty() {
                return Ok(None);
            }
            let mut chosen: Vec<Vec<u32>> = vec![vec![]; batches.len()];
            for (_, path) in later {
                let batch =
                    file::read(&objects, &object_name(&path)).map_err(|e| unreadable_file_error(&path, &e.reason))?;
                for (_, key, ..) in rows_of(&batch, &ranges).filter(|r| r.2 > known.0) {
                    if let Some((_, _, batch, row)) = counted.remove(&key) {
                        chosen[batch].push(row);
                    }
                }
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

/// Of the rows of a batch that lie in the ranges: the row, its identity, when it arrived and its sequence number.
fn rows_of<'b>(batch: &'b RecordBatch, ranges: &'b Ranges) -> impl Iterator<Item = (u32, u128, i64, i64)> + use<'b> {
    let times = batch.column(column_index("timestamp")).as_primitive::<TimestampMillisecondType>();
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
