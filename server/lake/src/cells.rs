//! One pass over the rows of a query, on all cores; what comes out are cells.

use std::{ops::Range, sync::Arc};

use arrow::array::RecordBatch;
use domain::{Error, Result, cells::CellsQuery, model::ModelKey, ports::CellsAnswer};
use futures::StreamExt;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Lake,
    fold::{Fold, Plan},
    scan::ScanRequest,
    sentences,
    snapshot::Snapshot,
};

impl Lake {
    pub(crate) async fn answer_cells(&self, query: &CellsQuery) -> Result<CellsAnswer> {
        let plan = Arc::new(Plan::new(query.clone()));
        let rows = ScanRequest {
            scope: &query.filter.scope,
            model: model(query),
            ranges: plan.time_ranges(),
            columns: plan.columns(),
            only: None,
        };
        let (snapshot, parts) = self.scan_rows(&rows, || Fold::new(Arc::clone(&plan))).await?;
        let mut whole = parts.into_iter().reduce(|mut whole, part| {
            whole.merge(part);
            whole
        });
        if let Some(known) = query.filter.known_at
            && let Some(batch) = self.replaced_since(&snapshot, &rows, known).await?
        {
            let fold = whole.get_or_insert_with(|| Fold::new(Arc::clone(&plan)));
            let all = 0..batch.num_rows();
            fold.add(&batch, std::slice::from_ref(&all))
                .map_err(|e| Error::internal(sentences::replaced_not_counted()).with_detail(e))?;
        }
        let (words, groups, cost) = whole.unwrap_or_else(|| Fold::new(plan)).finish();
        Ok(CellsAnswer {
            view: snapshot,
            words: Arc::new(words),
            groups: futures::stream::iter(groups.into_iter().map(Ok)).boxed(),
            cost,
        })
    }

    /// Reads the rows on all cores; each core has a reader of its own. A file that turns out to be unreadable is noted and
    /// left out, and a file that a merge replaced meanwhile is looked up again; both by beginning again with a fresh snapshot.
    pub(crate) async fn scan_rows<P: BatchConsumer>(
        &self,
        rows: &ScanRequest<'_>,
        reader: impl Fn() -> P,
    ) -> Result<(Arc<Snapshot>, Vec<P>)> {
        let mut trouble = String::new();
        for tried in 0..4 {
            let turn = self.scans.acquire().await.map_err(|e| Error::internal(sentences::closed()).with_detail(e))?;
            // Only now: what was looked up before the wait may be replaced by the end of it.
            let snapshot = self.snapshot();
            let read = self.scan_once(&snapshot, rows, &reader).await;
            // Others answer while this one finds out what is wrong.
            drop(turn);
            match read {
                Ok(parts) => return Ok((snapshot, parts)),
                Err(e) => {
                    tracing::warn!(error = %e, "a scan failed; looking for the file to blame");
                    trouble = e;
                    self.after_failed_scan(snapshot.files_in(&rows.ranges), tried).await?;
                }
            }
        }
        Err(Error::unavailable(sentences::not_just_now()).with_detail(trouble))
    }

    async fn scan_once<P: BatchConsumer>(
        &self,
        snapshot: &Snapshot,
        rows: &ScanRequest<'_>,
        reader: &impl Fn() -> P,
    ) -> std::result::Result<Vec<P>, String> {
        if let Some(reading) = self.column_cache.plan(self.blocking(), snapshot, rows) {
            return reading.read(reader).await;
        }
        let streams = self.engine().streams(snapshot, rows).map_err(|e| e.to_string())?;
        let parts = streams.into_iter().map(|mut stream| {
            let mut part = reader();
            // A cancelled query stops its readers.
            AbortOnDropHandle::new(tokio::spawn(async move {
                while let Some(batch) = stream.next().await {
                    part.take(&batch.map_err(|e| e.to_string())?)?;
                }
                Ok::<_, String>(part)
            }))
        });
        let mut whole = Vec::new();
        for part in futures::future::join_all(parts).await {
            whole.push(part.map_err(|e| e.to_string())??);
        }
        Ok(whole)
    }
}

/// What reads batches of rows on one core.
pub(crate) trait BatchConsumer: Send + 'static {
    fn take(&mut self, batch: &RecordBatch) -> std::result::Result<(), String>;

    /// Takes the rows of these ranges, which ascend.
    fn take_some(&mut self, batch: &RecordBatch, chosen: &[Range<usize>]) -> std::result::Result<(), String> {
        chosen.iter().try_for_each(|rows| self.take(&batch.slice(rows.start, rows.len())))
    }
}

impl BatchConsumer for Fold {
    fn take(&mut self, batch: &RecordBatch) -> std::result::Result<(), String> {
        self.add(batch, std::slice::from_ref(&(0..batch.num_rows())))
    }

    fn take_some(&mut self, batch: &RecordBatch, chosen: &[Range<usize>]) -> std::result::Result<(), String> {
        self.add(batch, chosen)
    }
}

/// The one model that a query is about, by its tags: then files need not be read where others ran. Whether rows with these
/// tags belong to it is still looked at.
fn model(query: &CellsQuery) -> Option<&ModelKey> {
    match query.filter.models.as_slice() {
        [model @ ModelKey::Tagged(_)] => Some(model),
        _ => None,
    }
}
