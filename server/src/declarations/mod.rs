//! `places.yaml`, `metrics.yaml` and `sources.yaml`: read at start and whenever they change. A change that has a fault is not taken; the
//! version that was in force stays, and what is wrong is said with its line, in the log and on `/sources`. At start a file
//! with a fault is as good as none: names can wait, records cannot.
#![expect(
    clippy::disallowed_methods,
    reason = "files are read on a blocking thread, and their times are held against the machine's clock"
)]

#[cfg(test)]
mod agreement;
mod fields;
mod metrics;
mod places;
mod sources;
#[cfg(test)]
mod tests;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/declarations/sentences.rs"));
}
mod words {
    include!(concat!(env!("OUT_DIR"), "/declarations/words.rs"));
}
pub mod yaml;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use domain::{
    Error, Result,
    declarations::{DeclarationFile, DeclarationFileError, DeclarationFileState, Declarations, PlaceDeclaration},
    error::Sentence,
    mapping::SourceMappings,
    metric::Metric,
    ports::{Clock, Maintenance},
    scope::Place,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    config::Settings,
    jobs::{Job, JobEnd},
};
pub use sources::{DEFAULT_MAPPING, built_in_mappings};
use yaml::YamlError;

/// The largest file, in bytes.
pub const MAX_FILE_BYTES: u64 = 4 << 20;
/// How often files are checked. A change is read at the second check that finds it: one that is still being written
/// would look like a fault.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// A file that changed less than this before it was read is read again: clocks of file systems are coarse.
const MIN_FILE_AGE: Duration = Duration::from_secs(2);

/// The schemas, for editors and other programs.
pub const PLACES_SCHEMA: &str = include_str!("../../../docs/schema/places.schema.json");
pub const METRICS_SCHEMA: &str = include_str!("../../../docs/schema/metrics.schema.json");
pub const SOURCES_SCHEMA: &str = include_str!("../../../docs/schema/sources.schema.json");

/// What one file says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Places(BTreeMap<Place, PlaceDeclaration>),
    Metrics(Vec<Metric>),
    /// Over the built-in mapping.
    Sources(Box<SourceMappings>),
}

impl Content {
    fn nothing(kind: DeclarationFile) -> Self {
        match kind {
            DeclarationFile::Places => Self::Places(BTreeMap::new()),
            DeclarationFile::Metrics => Self::Metrics(vec![]),
            DeclarationFile::Sources => Self::Sources(Box::new(built_in_mappings())),
        }
    }

    /// How many places, metrics or rules it names; of rules all that are in force, also built-in ones.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Places(p) => p.len(),
            Self::Metrics(m) => m.len(),
            Self::Sources(s) => s.mlflow.record.fields.len() + s.mlflow.record.metrics.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads the text of a file.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn read(kind: DeclarationFile, text: &str) -> std::result::Result<Content, YamlError> {
    let node = yaml::parse(text)?;
    Ok(match kind {
        DeclarationFile::Places => Content::Places(places::read(&node)?),
        DeclarationFile::Metrics => Content::Metrics(metrics::read(&node)?),
        DeclarationFile::Sources => Content::Sources(Box::new(sources::read(&node)?)),
    })
}

/// Reads a file once, whichever it is.
///
/// # Errors
/// `BadInput` with the line and what is wrong; `Unavailable` when it cannot be read at all.
pub fn check(path: &Path) -> Result<Content> {
    let text = text_at(path)?;
    let wrong = |line: Option<usize>, reason: Sentence| wrong_at(path, line, &reason);
    let node = yaml::parse(&text).map_err(|f| wrong(Some(f.line), f.reason))?;
    let top = fields::entries(&node).map_err(|f| wrong(Some(f.line), f.reason))?;
    let kind = match top.first().map(|e| &*e.key) {
        Some("customers") => DeclarationFile::Places,
        Some("metrics") => DeclarationFile::Metrics,
        Some("mlflow") => DeclarationFile::Sources,
        // An empty one is as good as none, whichever it is.
        None if path.file_stem().is_some_and(|s| s == "metrics") => DeclarationFile::Metrics,
        None if path.file_stem().is_some_and(|s| s == "sources") => DeclarationFile::Sources,
        None => DeclarationFile::Places,
        Some(_) => {
            return Err(wrong(Some(1), sentences::neither()));
        }
    };
    read(kind, &text).map_err(|f| wrong(Some(f.line), f.reason))
}

/// Reads a file of mappings once.
///
/// # Errors
/// As [`check`].
pub fn read_mappings(path: &Path) -> Result<SourceMappings> {
    let text = text_at(path)?;
    let read = yaml::parse(&text).and_then(|node| sources::read(&node));
    read.map_err(|fault| wrong_at(path, Some(fault.line), &fault.reason))
}

fn text_at(path: &Path) -> Result<String> {
    let bytes = bytes_of(path).map_err(|e| {
        Error::unavailable(Sentence::only_english(format!(
            "{} cannot be read: {}",
            path.display(),
            Sentence::from_io(&e)
        )))
    })?;
    text_of(bytes).map_err(|(line, reason)| wrong_at(path, line, &reason))
}

fn wrong_at(path: &Path, line: Option<usize>, reason: &Sentence) -> Error {
    let line = line.map_or_else(String::new, |l| format!(" line {l}:"));
    Error::bad_input(Sentence::only_english(format!("{}:{line} {reason}", path.display())))
}

/// Why a file is not in force: the line where it is known, and the reason.
pub type FileProblem = (Option<usize>, Sentence);

/// Size and time of a file, from its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStat {
    bytes: u64,
    changed: Option<SystemTime>,
}

/// One of the files, with the version of it that is in force.
#[derive(Debug)]
struct File {
    kind: DeclarationFile,
    path: PathBuf,
    /// Somebody said where it is, so it should be there.
    named: bool,
    /// At the last look; `None` when it was not there.
    seen: Option<FileStat>,
    /// Of what was read last, whether it was taken or not.
    read_at: Option<(Option<FileStat>, SystemTime)>,
    hash: Option<u64>,
    /// Hash of what is in force.
    taken: Option<u64>,
    content: Content,
    state: DeclarationFileState,
}

impl File {
    fn new(kind: DeclarationFile, path: PathBuf, named: bool) -> Self {
        let state =
            DeclarationFileState { kind, path: path.display().to_string(), entries: 0, read: None, fault: None };
        let content = Content::nothing(kind);
        Self { kind, path, named, seen: None, read_at: None, hash: None, taken: None, content, state }
    }

    /// Looks at the file, and reads it when it has changed and holds still. True when something else is in force now.
    fn look(&mut self, clock: &dyn Clock, first: bool) -> bool {
        let stat = match fs::metadata(&self.path) {
            Ok(m) => Some(FileStat { bytes: m.len(), changed: m.modified().ok() }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return self.read_failed(clock, &e),
        };
        let still = std::mem::replace(&mut self.seen, stat) == stat || first;
        let known = self.read_at.is_some_and(|(at, when)| {
            at == stat && stat.is_none_or(|s| s.changed.is_some_and(|c| c + MIN_FILE_AGE < when))
        });
        if known || !still {
            return false;
        }
        self.read_at = Some((stat, SystemTime::now()));
        if stat.is_none() {
            self.hash = None;
            if self.named {
                return self.refuse(clock, (None, Sentence::from_io(&io::ErrorKind::NotFound.into())));
            }
            return self.take(clock, None, Content::nothing(self.kind));
        }
        let bytes = match bytes_of(&self.path) {
            Ok(bytes) => bytes,
            Err(e) => return self.read_failed(clock, &e),
        };
        let hash = xxh3_64(&bytes);
        if self.hash == Some(hash) {
            return false;
        }
        self.hash = Some(hash);
        let content =
            text_of(bytes).and_then(|text| read(self.kind, &text).map_err(|fault| (Some(fault.line), fault.reason)));
        match content {
            Ok(content) => self.take(clock, Some(hash), content),
            Err(trouble) => self.refuse(clock, trouble),
        }
    }

    /// What the operating system refuses it may grant at the next look, and nothing about the file will have changed.
    fn read_failed(&mut self, clock: &dyn Clock, e: &io::Error) -> bool {
        (self.hash, self.read_at) = (None, None);
        self.refuse(clock, (None, Sentence::from_io(e)))
    }

    fn take(&mut self, clock: &dyn Clock, hash: Option<u64>, content: Content) -> bool {
        let changed = self.taken != hash;
        if changed || self.state.fault.is_some() {
            tracing::info!(file = %self.path.display(), entries = content.len(), "in force");
        }
        self.taken = hash;
        self.state.entries = content.len();
        self.state.read = hash.map(|_| clock.now());
        self.state.fault = None;
        self.content = content;
        changed
    }

    /// What was in force stays so.
    fn refuse(&mut self, clock: &dyn Clock, (line, reason): FileProblem) -> bool {
        let since = match &self.state.fault {
            Some(f) if f.line == line && f.reason == reason => return false,
            Some(f) => f.since,
            None => clock.now(),
        };
        let (file, at) = (self.path.display(), line.map_or_else(String::new, |l| format!(" line {l}:")));
        let kept =
            if self.taken.is_some() { "what was read before stays in force" } else { "nothing of it is in force" };
        tracing::error!("{file}:{at} {reason}; {kept}");
        self.state.fault = Some(DeclarationFileError { since, line, reason });
        false
    }
}

/// What lies in a file, up to a byte more than is taken.
fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a file that is not too large, in the one spelling in which names are stored (NFC).
///
/// # Errors
/// That it is too large or no text.
pub fn text_of(bytes: Vec<u8>) -> std::result::Result<String, FileProblem> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err((None, sentences::too_large()));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let good = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|b| **b == b'\n').count();
        (Some(line), sentences::not_utf8())
    })?;
    Ok(domain::normalization::nfc(&text).unwrap_or(text))
}

/// All files, and what they say together.
pub struct DeclarationFiles {
    files: Mutex<[File; 3]>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for DeclarationFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Files")
    }
}

impl DeclarationFiles {
    /// Reads all files for the first time. A fault in one is said in the log; then it says nothing.
    ///
    /// # Errors
    /// `BadInput` when a file that was named in the settings is not there.
    pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self> {
        let mut files = [
            File::new(DeclarationFile::Places, settings.places_file(), settings.declared.places.is_some()),
            File::new(DeclarationFile::Metrics, settings.metrics_file(), settings.declared.metrics.is_some()),
            File::new(DeclarationFile::Sources, settings.sources_file(), settings.declared.sources.is_some()),
        ];
        let variables = ["GF_PLACES (--places)", "GF_METRICS (--metrics)", "GF_SOURCES (--sources)"];
        for (file, variable) in files.iter_mut().zip(variables) {
            if file.named && !file.path.exists() {
                return Err(Error::bad_input(Sentence::only_english(format!(
                    "{variable} names {}, and there is no such file",
                    file.path.display()
                ))));
            }
            file.look(clock.as_ref(), true);
        }
        Ok(Self { files: Mutex::new(files), clock })
    }

    /// Looks at all files. True when something else is in force of what answers are made of.
    pub fn look(&self) -> bool {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        // All of them, whatever the first says.
        let [places, metrics, _] = files.each_mut().map(|file| file.look(self.clock.as_ref(), false));
        places || metrics
    }

    /// How what others wrote becomes records.
    #[must_use]
    pub fn mappings(&self) -> SourceMappings {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let found = files.iter().find_map(|f| if let Content::Sources(s) = &f.content { Some(s) } else { None });
        found.map_or_else(built_in_mappings, |s| (**s).clone())
    }

    /// What is in force.
    #[must_use]
    pub fn declared(&self) -> Declarations {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        // What becomes of runs is no part of answers.
        let [places, metrics, _] = files.each_ref().map(|f| f.taken);
        let revision = match [places, metrics] {
            [None, None] => 0,
            hashes => xxh3_64(format!("{hashes:?}").as_bytes()),
        };
        let (mut places, mut metrics) = (BTreeMap::new(), vec![]);
        for file in files.iter() {
            match &file.content {
                Content::Places(p) => places.clone_from(p),
                Content::Metrics(m) => metrics.clone_from(m),
                Content::Sources(_) => {}
            }
        }
        Declarations::new(places, metrics, revision)
    }

    #[must_use]
    pub fn states(&self) -> Vec<DeclarationFileState> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|f| f.state.clone()).collect()
    }
}

/// Takes changes of the files over into the lake's answers, until it is to stop.
///
/// # Errors
/// A look that broke off.
pub async fn follow(files: Arc<DeclarationFiles>, maintenance: Arc<dyn Maintenance>, job: Job) -> Result<JobEnd> {
    // What is in force may have changed while the job was not running.
    let mut told = false;
    loop {
        if !told {
            match maintenance.declare(Arc::new(files.declared())).await {
                Ok(()) => {
                    told = true;
                    job.report_ok();
                }
                Err(e) => job.report_error(&e),
            }
        }
        if job.pause(POLL_INTERVAL).await {
            return Ok(JobEnd::Stopped);
        }
        let looking = Arc::clone(&files);
        let changed = tokio::task::spawn_blocking(move || looking.look()).await;
        told &= !changed.map_err(|e| Error::internal(sentences::look_broke_off()).with_detail(e))?;
    }
}
