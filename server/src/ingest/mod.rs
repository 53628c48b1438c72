//! Takes files into the lake: finds them, reads them on one core while the other writes, keeps refused rows with their
//! reason, and counts. Repeating an ingest changes nothing.

mod chunk;
mod files;
pub mod group_commit;
pub mod lines;
mod refused_rows;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/ingest/sentences.rs"));
}
pub mod watched_folder;

use std::{path::PathBuf, sync::Arc};

use domain::{
    Error, Result,
    error::Sentence,
    ports::{AppendCounts, Clock, RefusedCounts, SourceId},
};
use tokio::sync::mpsc;
use usecases::{Ingestion, Sources};

pub use chunk::{Chunk, ReadTable, TableRow};
pub use files::{Input, find};
use refused_rows::RefusedRowsFile;

/// Rows that go to the lake in one commit: other writers wait for it.
const BATCH: usize = 16_384;

/// What an ingest came to.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    pub files: u64,
    pub appended: AppendCounts,
    pub refused: RefusedCounts,
    /// Files that could not be read to their end, with the reason.
    pub failed: Vec<(String, Sentence)>,
    /// Where refused rows were put.
    pub rejects: Vec<PathBuf>,
}

impl Totals {
    #[must_use]
    pub fn refused_rows(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// Called as reading goes on: bytes of the current file read so far, rows so far.
pub trait Progress: Send + Sync {
    fn file(&self, input: &Input);
    fn advance(&self, bytes: u64, rows: u64);
    fn done(&self);
}

/// Everything that an ingest needs.
#[derive(Clone)]
pub struct Ingest {
    pub ingestion: Ingestion,
    pub sources: Arc<Sources>,
    pub clock: Arc<dyn Clock>,
    pub tables: ReadTable,
    /// The folder for refused rows.
    pub rejected: PathBuf,
}

impl Ingest {
    /// Takes all inputs, one after the other. An input that cannot be read is noted and the rest go on.
    ///
    /// # Errors
    /// When the lake cannot be written: then the rest cannot succeed either.
    pub async fn run(&self, inputs: &[Input], progress: &dyn Progress) -> Result<Totals> {
        let mut totals = Totals::default();
        for input in inputs {
            progress.file(input);
            let source = input.source();
            self.sources.read_started(&source, self.clock.now()).await?;
            match self.one(input, &source, progress, &mut totals).await? {
                Ok(()) => self.sources.read_finished(&source, self.clock.now()).await?,
                Err(reason) => {
                    self.sources.read_failed(&source, self.clock.now(), &reason).await?;
                    totals.failed.push((source.name, reason));
                }
            }
            totals.files += 1;
        }
        progress.done();
        Ok(totals)
    }

    /// Takes one input. The outer error stops everything, the inner one is this input's own.
    async fn one(
        &self,
        input: &Input,
        source: &SourceId,
        progress: &dyn Progress,
        totals: &mut Totals,
    ) -> Result<std::result::Result<(), Sentence>> {
        let (send, mut receive) = mpsc::channel::<Chunk>(2);
        let (clock, tables) = (Arc::clone(&self.clock), self.tables);
        let reading = {
            let input = input.clone();
            let send = move |chunk| send.blocking_send(chunk).is_ok();
            std::thread::spawn(move || lines::read(&input, tables, &*clock, BATCH, send))
        };
        let mut rejects = RefusedRowsFile::new(&self.rejected, source);
        let mut rows = 0;
        while let Some(chunk) = receive.recv().await {
            rows += chunk.rows() as u64;
            let refused = chunk.refusals();
            rejects.write(&chunk.refused)?;
            let appended = self.ingestion.append(source, chunk.arrivals, &refused).await?;
            totals.appended.taken += appended.taken;
            totals.appended.duplicate += appended.duplicate;
            totals.appended.corrected += appended.corrected;
            for (reason, n) in refused {
                *totals.refused.entry(reason).or_insert(0) += n;
            }
            progress.advance(chunk.bytes, rows);
        }
        totals.rejects.extend(rejects.finish()?);
        let read = tokio::task::spawn_blocking(move || reading.join())
            .await
            .map_err(|e| Error::internal(sentences::reading_broke_off()).with_detail(e))?;
        Ok(read.unwrap_or_else(|_| Err(sentences::reader_broke_off())))
    }
}
