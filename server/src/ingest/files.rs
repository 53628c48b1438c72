//! Which files an ingest is about: those named, and in folders those with a name that we know.
#![expect(clippy::disallowed_methods, reason = "files are read on blocking threads: all of this is called there")]

use std::path::{Path, PathBuf};

use domain::{error::Sentence, ports::SourceId};

use super::sentences;

/// How rows are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    LineReader,
    LinesGz,
    LinesZst,
    Parquet,
}

/// Something to read records from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Stdin,
    File { path: PathBuf, format: Format, bytes: u64 },
}

impl Input {
    #[must_use]
    pub fn source(&self) -> SourceId {
        match self {
            Self::Stdin => SourceId { kind: "stdin".into(), name: "standard input".into() },
            Self::File { path, .. } => SourceId { kind: "file".into(), name: path.display().to_string() },
        }
    }
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Stdin => 0,
            Self::File { bytes, .. } => *bytes,
        }
    }
}

/// Finds the inputs behind the given paths, in order of name within a folder. `-` is standard input.
///
/// # Errors
/// The path that does not exist, cannot be read or has a name that tells no format.
pub fn find(paths: &[PathBuf]) -> Vec<Result<Input, (PathBuf, Sentence)>> {
    paths
        .iter()
        .flat_map(|path| {
            if path.as_os_str() == "-" {
                return vec![Ok(Input::Stdin)];
            }
            let whole = match path.canonicalize() {
                Ok(p) => p,
                Err(e) => return vec![Err((path.clone(), Sentence::from_io(&e)))],
            };
            if whole.is_dir() {
                let mut found = Vec::new();
                walk(&whole, &mut found);
                if found.is_empty() {
                    return vec![Err((path.clone(), sentences::no_files()))];
                }
                return found;
            }
            vec![input(whole).unwrap_or_else(|| Err((path.clone(), sentences::other_ending())))]
        })
        .collect()
}

type Found = Result<Input, (PathBuf, Sentence)>;

fn walk(folder: &Path, found: &mut Vec<Found>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) => return found.push(Err((folder.to_owned(), Sentence::from_io(&e)))),
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, found);
        } else if let Some(input) = input(path) {
            found.push(input);
        }
    }
}

fn input(path: PathBuf) -> Option<Found> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let format = if name.ends_with(".parquet") {
        Format::Parquet
    } else if name.ends_with(".gz") {
        Format::LinesGz
    } else if name.ends_with(".zst") {
        Format::LinesZst
    } else if [".jsonl", ".ndjson", ".json"].iter().any(|e| name.ends_with(e)) {
        Format::LineReader
    } else {
        return None;
    };
    let bytes = match std::fs::metadata(&path) {
        Ok(m) => m.len(),
        Err(e) => return Some(Err((path, Sentence::from_io(&e)))),
    };
    Some(Ok(Input::File { path, format, bytes }))
}
