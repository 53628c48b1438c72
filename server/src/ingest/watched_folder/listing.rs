//! What lies in the watched folder: the files in it and in its folders, with what the file system says of each. Reads no file.
//!
//! The folder is looked through again and again, because the notifications of an operating system do not reach across
//! network folders; while nothing changes this costs one stat of each file.
#![expect(clippy::disallowed_methods, reason = "files are read on blocking threads: all of this is called there")]

use std::{
    fs::{DirEntry, Metadata},
    path::{Path, PathBuf},
};

use domain::{error::Sentence, time::Millis};

use crate::ingest::files::Format;

/// How a file is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMode {
    /// Line by line as it grows.
    Growing,
    /// Once, when it has come to rest.
    Whole(Format),
}

/// A file as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    pub changed: Millis,
    /// `None` when the name is not one that we take; it may still be a file that we know under another.
    pub kind: Option<FileMode>,
}

/// The files at one scan of the folder.
#[derive(Debug, Default)]
pub struct Listing {
    pub entries: Vec<Entry>,
    /// Folders in it that cannot be read, with the reason.
    pub troubles: Vec<(PathBuf, Sentence)>,
}

/// Lists the files of a folder and of the folders in it, in order of path.
///
/// # Errors
/// Why the folder itself cannot be read.
pub fn list(folder: &Path) -> std::io::Result<Listing> {
    let mut listing = Listing::default();
    for found in std::fs::read_dir(folder)? {
        let Some((path, metadata)) = visible(&found?) else { continue };
        if !metadata.is_dir() {
            listing.entries.extend(entry(path, &metadata));
            continue;
        }
        match std::fs::read_dir(&path) {
            Ok(inner) => {
                let files = inner.flatten().filter_map(|f| visible(&f)).filter_map(|(p, m)| entry(p, &m));
                listing.entries.extend(files);
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => listing.troubles.push((path, Sentence::from_io(&e))),
        }
    }
    listing.entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(listing)
}

/// Path and metadata behind links; `None` for what is hidden or has just gone.
fn visible(found: &DirEntry) -> Option<(PathBuf, Metadata)> {
    if found.file_name().as_encoded_bytes().starts_with(b".") {
        return None;
    }
    let path = found.path();
    std::fs::metadata(&path).ok().map(|m| (path, m))
}

fn entry(path: PathBuf, metadata: &Metadata) -> Option<Entry> {
    if !metadata.is_file() {
        return None;
    }
    let (device, inode) = identity(metadata);
    let kind = kind(&path);
    Some(Entry { path, device, inode, size: metadata.len(), changed: modified_at(metadata), kind })
}

/// What tells a file from another whatever their names.
#[cfg(unix)]
pub fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Where files have no number, their names alone tell them apart and a renamed file is a new one.
#[cfg(not(unix))]
pub fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

pub fn modified_at(metadata: &Metadata) -> Millis {
    let since = metadata.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    Millis(since.and_then(|d| i64::try_from(d.as_millis()).ok()).unwrap_or(0))
}

/// How a file of this name is taken; `None` when it is not.
pub fn kind(path: &Path) -> Option<FileMode> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let lines = name.contains(".jsonl") || name.contains(".ndjson");
    if name.ends_with(".jsonl") || name.ends_with(".ndjson") {
        Some(FileMode::Growing)
    } else if name.ends_with(".parquet") {
        Some(FileMode::Whole(Format::Parquet))
    } else if lines && name.ends_with(".gz") {
        Some(FileMode::Whole(Format::LinesGz))
    } else if lines && name.ends_with(".zst") {
        Some(FileMode::Whole(Format::LinesZst))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_how_a_file_is_taken() {
        for (name, expected) in [
            ("metrics_2026-06-30.jsonl", Some(FileMode::Growing)),
            ("x.NDJSON", Some(FileMode::Growing)),
            ("metrics_2026-06-30.jsonl.gz", Some(FileMode::Whole(Format::LinesGz))),
            ("metrics_2026-06-30.jsonl.1.zst", Some(FileMode::Whole(Format::LinesZst))),
            ("export.parquet", Some(FileMode::Whole(Format::Parquet))),
            ("metrics_2026-06-30.jsonl.1", None),
            ("archive.tar.gz", None),
            ("notes.json", None),
        ] {
            assert_eq!(kind(Path::new(name)), expected, "{name}");
        }
    }
}
