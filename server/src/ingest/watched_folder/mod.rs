//! Watches a folder and takes what runners append to the files in it, line by line, and files that come as a whole once they
//! are complete. How far each file was taken moves in the transaction that publishes its rows, so a crash at any moment
//! neither loses a line nor takes one twice.

mod listing;
mod read;
mod scan;
mod tracked_files;

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    Error, Result,
    error::Sentence,
    ports::{Batch, ReadPosition, ReadProgress, SourceId},
};
use tokio_util::task::AbortOnDropHandle;

use self::{
    read::NewRows,
    scan::{FolderPaths, FolderScan, scan_folder},
    tracked_files::{TrackedFiles, source},
};
use super::{Ingest, Input, Totals, sentences};
use crate::{
    jobs::{Job, JobEnd},
    ports::{FilePosition, FilePositionStore},
};

/// How often the folder is looked at; more rarely when looking itself takes long, as it may on network folders.
const POLL: Duration = Duration::from_millis(250);
/// After something could not be written, and while another process has the folder.
const PAUSE: Duration = Duration::from_secs(1);

/// A folder to watch, and what that needs.
#[derive(Clone)]
pub struct FolderWatch {
    pub folder: PathBuf,
    pub ingest: Ingest,
    pub file_positions: Arc<dyn FilePositionStore>,
    /// The holder of this lock watches the folder; a second server on the same data waits until the first has gone.
    pub lock: PathBuf,
}

impl FolderWatch {
    /// Watches until it is to stop.
    ///
    /// # Errors
    /// When the folder cannot be watched: its lock cannot be had, or positions cannot be read. Run again, it goes on where it was.
    pub async fn run(self, job: Job) -> Result<JobEnd> {
        let Some(_lock) = self.wait_for_turn(&job).await? else { return Ok(JobEnd::Stopped) };
        let mut watcher = Watcher::new(&self).await?;
        tracing::info!(folder = %self.folder.display(), "taking records as they are appended here");
        loop {
            let pause = match watcher.poll().await {
                Ok(pause) => {
                    job.report_ok();
                    pause
                }
                Err(e) => {
                    job.report_error(&e);
                    PAUSE
                }
            };
            if job.pause(pause).await {
                return Ok(JobEnd::Stopped);
            }
        }
    }

    /// How far each file was taken, as far as the store knows.
    async fn known(&self) -> Result<Vec<FilePosition>> {
        self.file_positions.positions().await?.iter().map(FilePosition::from_position).collect()
    }

    /// The lock, as soon as no other process has it; `None` when asked to stop meanwhile.
    #[expect(clippy::disallowed_methods, reason = "one small file of the data folder, before anything is taken")]
    async fn wait_for_turn(&self, job: &Job) -> Result<Option<File>> {
        let cannot =
            |e: &std::io::Error| Error::unavailable(sentences::cannot_lock(self.lock.display(), &Sentence::from_io(e)));
        let mut told = false;
        loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.lock);
            let file = file.map_err(|e| cannot(&e))?;
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::Error(e)) => return Err(cannot(&e)),
                Err(TryLockError::WouldBlock) => {}
            }
            if !std::mem::replace(&mut told, true) {
                tracing::info!(folder = %self.folder.display(), "another process takes this folder; waiting");
            }
            if job.pause(PAUSE).await {
                return Ok(None);
            }
        }
    }
}

struct Watcher {
    watch: FolderWatch,
    at: FolderPaths,
    tracks: TrackedFiles,
    /// Sources with errors, as the ledger has them.
    troubled: BTreeMap<String, Sentence>,
    whole: Option<WholeFileIngest>,
    turn: usize,
}

/// A file that is being taken as a whole.
struct WholeFileIngest {
    id: i64,
    /// Goes with the watcher: the next one would begin the file again beside it.
    task: AbortOnDropHandle<Result<std::result::Result<FilePosition, Sentence>>>,
}

impl Watcher {
    async fn new(watch: &FolderWatch) -> Result<Self> {
        let file_positions = watch.known().await?;
        let sources = watch.ingest.sources.reports().await?.into_iter().filter(|s| s.source.kind == "folder");
        // A read that a crash broke off left no error, and may have followed one.
        Ok(Self {
            at: FolderPaths { folder: watch.folder.clone(), rejected: watch.ingest.rejected.clone() },
            tracks: TrackedFiles::new(file_positions, Instant::now()),
            troubled: sources
                .filter(|s| s.error.is_some() || !s.finished)
                .map(|s| (s.source.name, s.error.unwrap_or_else(sentences::last_read_broke_off)))
                .collect(),
            whole: None,
            turn: 0,
            watch: watch.clone(),
        })
    }

    /// Takes what is new. Returns how long to wait before the next scan.
    async fn poll(&mut self) -> Result<Duration> {
        self.finish_whole_file().await?;
        self.turn = self.turn.wrapping_add(1);
        let (at, clock, turn) = (self.at.clone(), Arc::clone(&self.watch.ingest.clock), self.turn);
        let mut tracks = std::mem::take(&mut self.tracks);
        let looked = tokio::task::spawn_blocking(move || {
            let found = scan_folder(&mut tracks, &at, &*clock, turn);
            (tracks, found)
        });
        let found = match looked.await {
            Ok((tracks, found)) => {
                self.tracks = tracks;
                found?
            }
            Err(e) => {
                // The positions went with it; those of the store are as good.
                self.tracks = TrackedFiles::new(self.watch.known().await?, Instant::now());
                return Err(Error::internal(sentences::look_broke_off()).with_detail(e));
            }
        };
        let pause = if found.more { Duration::ZERO } else { POLL.max(4 * found.took) };
        self.tell(&found).await?;
        if let (None, Some((id, input))) = (&self.whole, found.at_rest) {
            self.begin_whole_file(id, input);
        }
        self.take(found.news).await?;
        self.save().await?;
        Ok(pause)
    }

    /// Commits rows and positions together.
    async fn take(&mut self, news: Vec<(i64, NewRows)>) -> Result<()> {
        let mut batches = Vec::new();
        let mut positions = Vec::new();
        for (id, mut n) in news {
            let rows = n.chunk.rows();
            if rows > 0 {
                batches.push(Batch {
                    source: source(&n.file_position.path),
                    refused: n.chunk.refusals(),
                    records: Arc::new(std::mem::take(&mut n.chunk.arrivals)),
                    progress: ReadProgress {
                        anew: n.anew,
                        caught_up: n.end,
                        position: Some(n.file_position.to_position()?),
                        ..ReadProgress::default()
                    },
                    ..Batch::default()
                });
            }
            positions.push((id, rows, n));
        }
        self.watch.ingest.ingestion.append_all(batches).await?;
        for (id, rows, n) in positions {
            let Some(track) = self.tracks.all.get_mut(&id) else { continue };
            let place = |t: &FilePosition| (t.offset, t.lines, t.loose);
            let moved = place(&track.file_position) != place(&n.file_position);
            // A commit has saved it; without rows, what has merely grown by half a line need not be known to the store.
            track.unsaved = rows == 0 && (track.unsaved || moved);
            track.anew = n.anew && rows == 0;
            (track.file_position, track.scanned, track.judged) = (n.file_position, n.scanned, n.judged);
            track.succeeded();
            let source = track.source();
            self.recover(&source).await?;
        }
        Ok(())
    }

    /// Saves what moved without rows.
    async fn save(&mut self) -> Result<()> {
        let unsaved = self.tracks.all.values().filter(|t| t.unsaved).map(|t| t.file_position.to_position());
        let unsaved = unsaved.collect::<Result<Vec<ReadPosition>>>()?;
        if unsaved.is_empty() && self.tracks.forget.is_empty() {
            return Ok(());
        }
        self.watch.file_positions.keep(&unsaved, &self.tracks.forget).await?;
        self.tracks.forget.clear();
        self.tracks.all.values_mut().for_each(|t| t.unsaved = false);
        Ok(())
    }

    /// Writes new errors to the ledger, and clears those that are over.
    async fn tell(&mut self, found: &FolderScan) -> Result<()> {
        let folder = source(&self.at.folder.display().to_string());
        match &found.closed {
            Some(reason) => return self.trouble(&folder, reason).await,
            None => self.recover(&folder).await?,
        }
        for (source, reason) in &found.troubles {
            self.trouble(source, reason).await?;
        }
        // A folder in it that can be read again, and what is not there any more. Files are better when they were read.
        let named = |name: &str| found.troubles.iter().any(|(s, _)| s.name == name);
        let over: Vec<SourceId> = self.troubled.keys().filter(|n| !named(n)).map(|n| source(n)).collect();
        for s in over {
            let path = Path::new(&s.name);
            if path.is_dir() || !path.exists() {
                self.recover(&s).await?;
            }
        }
        Ok(())
    }

    async fn trouble(&mut self, source: &SourceId, reason: &Sentence) -> Result<()> {
        if self.troubled.get(&source.name).is_some_and(|known| known == reason) {
            return Ok(());
        }
        tracing::warn!(path = %source.name, %reason, "cannot be read; trying again");
        self.watch.ingest.sources.read_failed(source, self.watch.ingest.clock.now(), reason).await?;
        self.troubled.insert(source.name.clone(), reason.clone());
        Ok(())
    }

    async fn recover(&mut self, source: &SourceId) -> Result<()> {
        if self.troubled.contains_key(&source.name) {
            self.watch.ingest.sources.read_finished(source, self.watch.ingest.clock.now()).await?;
            self.troubled.remove(&source.name);
            tracing::info!(path = %source.name, "can be read again, or is gone");
        }
        Ok(())
    }

    fn begin_whole_file(&mut self, id: i64, input: Input) {
        let Some(track) = self.tracks.all.get(&id) else { return };
        let (ingest, mut file_position, entry) =
            (self.watch.ingest.clone(), track.file_position.clone(), track.entry.clone());
        let task = tokio::spawn(async move {
            let source = source(&file_position.path);
            ingest.sources.read_started(&source, ingest.clock.now()).await?;
            if let Err(reason) = ingest.one(&input, &source, &NoProgress, &mut Totals::default()).await? {
                ingest.sources.read_failed(&source, ingest.clock.now(), &reason).await?;
                return Ok(Err(reason));
            }
            ingest.sources.read_finished(&source, ingest.clock.now()).await?;
            if let Some(e) = entry {
                // As it was when it was begun: if it has changed since, it is taken again.
                (file_position.size, file_position.offset, file_position.changed) = (e.size, e.size, e.changed);
                file_position.print = read::fingerprint_of(&e.path, e.size);
            }
            Ok(Ok(file_position))
        });
        self.whole = Some(WholeFileIngest { id, task: AbortOnDropHandle::new(task) });
    }

    async fn finish_whole_file(&mut self) -> Result<()> {
        let Some(whole) = self.whole.take_if(|w| w.task.is_finished()) else { return Ok(()) };
        let outcome = whole.task.await.map_err(|e| Error::internal(sentences::file_broke_off()).with_detail(e));
        let Some(track) = self.tracks.all.get_mut(&whole.id) else { return Ok(()) };
        match outcome.flatten() {
            Ok(Ok(file_position)) => {
                self.troubled.remove(&track.file_position.path);
                let (path, rejects) = (std::mem::take(&mut track.file_position.path), track.file_position.rejects);
                track.file_position = FilePosition { path, rejects, ..file_position };
                track.unsaved = true;
                track.succeeded();
                Ok(())
            }
            Ok(Err(reason)) => {
                track.failed(Instant::now());
                tracing::warn!(path = %track.file_position.path, %reason, "cannot be read; trying again later");
                self.troubled.insert(track.file_position.path.clone(), reason);
                Ok(())
            }
            Err(e) => {
                track.failed(Instant::now());
                Err(e)
            }
        }
    }
}

/// Nobody looks at how far a file of the folder is.
struct NoProgress;

impl super::Progress for NoProgress {
    fn file(&self, _: &Input) {}
    fn advance(&self, _: u64, _: u64) {}
    fn done(&self) {}
}
