//! Writes artifacts of runs below a folder, and nowhere else.
#![expect(clippy::disallowed_methods, reason = "the command line writes files, and serves nobody meanwhile")]

use std::{
    fs,
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

use domain::{
    Error, Result,
    error::Sentence,
    tracking::{ArtifactEntry, ArtifactPath},
};
use futures::StreamExt;
use tempfile::NamedTempFile;
use usecases::Tracking;

/// The most files of a download, and the deepest folder.
const MAX_FILES: usize = 100_000;
const MAX_DEPTH: usize = 64;

/// So many in a row that cannot be had end a download: what is wrong is not about them.
const MAX_IN_A_ROW: usize = 20;

/// What was written, and what could not be had.
#[derive(Debug, Default)]
pub struct Written {
    pub files: Vec<PathBuf>,
    pub bytes: u64,
    pub refused: Vec<(ArtifactPath, Error)>,
    /// Whether the rest was not tried.
    pub given_up: bool,
}

/// What is in a folder, or the one entry of a file.
///
/// # Errors
/// `NotFound` when there is no such folder or file; otherwise as [`Tracking::artifacts`].
pub async fn entries(runs: &Tracking, run: &str, path: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
    if let Some(parent) = path.parent() {
        let beside = runs.artifacts(run, &parent).await?;
        let entry = beside.into_iter().find(|e| e.path == *path);
        let none = || Error::not_found(Sentence::only_english(format!("the run has no artifact “{path}”")));
        let entry = entry.ok_or_else(none)?;
        if !entry.is_folder {
            return Ok(vec![entry]);
        }
    }
    runs.artifacts(run, path).await
}

/// Writes a file, or all that is in a folder, below `folder`, each under its path among the artifacts. What cannot be had keeps nothing
/// else from being written: a file that MLflow refuses, one that is there already without `force`, a link in `folder` that leads out of it.
///
/// # Errors
/// As [`entries`]; `Unavailable` when `folder` cannot be made; `BadInput` when there are too many files. Files that were written stay.
pub async fn download(runs: &Tracking, run: &str, path: &ArtifactPath, folder: &Path, force: bool) -> Result<Written> {
    fs::create_dir_all(folder).map_err(|e| cannot_write(folder, &e))?;
    let root = folder.canonicalize().map_err(|e| cannot_write(folder, &e))?;
    let mut written = Written::default();
    let mut in_a_row = 0;
    let mut waiting: Vec<(ArtifactEntry, usize)> =
        entries(runs, run, path).await?.into_iter().map(|e| (e, 0)).collect();
    while let Some((entry, depth)) = waiting.pop() {
        if depth > MAX_DEPTH || written.files.len() + waiting.len() > MAX_FILES {
            let most = format!("this is more than {MAX_FILES} files, or deeper than {MAX_DEPTH} folders");
            return Err(Error::bad_input(Sentence::only_english(most)));
        }
        let done = if entry.is_folder {
            runs.artifacts(run, &entry.path).await.map(|inside| {
                // What does not lie in the folder is not taken from a list of it.
                let inside = inside.into_iter().filter(|e| e.path.parent().as_ref() == Some(&entry.path));
                waiting.extend(inside.map(|e| (e, depth + 1)));
            })
        } else {
            write_below(runs, run, &entry.path, &root, force).await.map(|(target, bytes)| {
                written.bytes += bytes;
                written.files.push(target);
            })
        };
        match done {
            Ok(()) => in_a_row = 0,
            Err(e) => {
                written.refused.push((entry.path, e));
                in_a_row += 1;
            }
        }
        if in_a_row == MAX_IN_A_ROW && !waiting.is_empty() {
            written.given_up = true;
            break;
        }
    }
    written.files.sort();
    Ok(written)
}

/// Writes one file under its path below `root`.
async fn write_below(
    runs: &Tracking,
    run: &str,
    path: &ArtifactPath,
    root: &Path,
    force: bool,
) -> Result<(PathBuf, u64)> {
    let target = target(root, path)?;
    if !force && target.symlink_metadata().is_ok() {
        return Err(there_already(&target));
    }
    let bytes = write(runs, run, path, &target, force).await?;
    Ok((target, bytes))
}

/// Where a file comes to lie; its folders are made. None of them leads out of `root`.
fn target(root: &Path, path: &ArtifactPath) -> Result<PathBuf> {
    // A path of artifacts has no segment that leads upwards, but a link that lies in the folder may.
    let mut place = root.to_owned();
    for part in path.as_str().split('/') {
        // What is one name among the artifacts is one here, or nothing is written: a backslash separates on Windows.
        let mut components = Path::new(part).components();
        if !matches!((components.next(), components.next()), (Some(Component::Normal(name)), None) if name == part) {
            let why = format!("“{path}” is no name of a file here");
            return Err(Error::bad_input(Sentence::only_english(why)));
        }
        place.push(part);
    }
    let parent = place.parent().unwrap_or(root);
    let mut made = root.to_owned();
    for part in parent.strip_prefix(root).unwrap_or(Path::new("")) {
        made.push(part);
        match fs::create_dir(&made) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(cannot_write(&made, &e)),
            _ => {}
        }
        let real = made.canonicalize().map_err(|e| cannot_write(&made, &e))?;
        if !real.starts_with(root) {
            let why = format!("{} is a link that leads out of {}", made.display(), root.display());
            return Err(Error::bad_input(Sentence::only_english(why)));
        }
    }
    Ok(place)
}

/// Writes a file beside its place and gives it its name when it is whole.
async fn write(runs: &Tracking, run: &str, path: &ArtifactPath, target: &Path, force: bool) -> Result<u64> {
    let parent = target.parent().unwrap_or(target);
    let mut body = runs.artifact(run, path, None).await?;
    let mut part = NamedTempFile::new_in(parent).map_err(|e| cannot_write(target, &e))?;
    let mut bytes = 0;
    while let Some(piece) = body.bytes.next().await {
        let piece = piece?;
        part.write_all(&piece).map_err(|e| cannot_write(target, &e))?;
        bytes += piece.len() as u64;
    }
    if body.size.is_some_and(|size| size != bytes) {
        let why = format!("“{path}” broke off after {bytes} bytes");
        return Err(Error::unavailable(Sentence::only_english(why)));
    }
    let kept = if force { part.persist(target) } else { part.persist_noclobber(target) };
    match kept {
        Ok(_) => Ok(bytes),
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(there_already(target)),
        Err(e) => Err(cannot_write(target, &e.error)),
    }
}

fn there_already(target: &Path) -> Error {
    let why = format!("{} is there already; say --force to replace it", target.display());
    Error::bad_input(Sentence::only_english(why))
}

fn cannot_write(target: &Path, e: &io::Error) -> Error {
    let why = format!("cannot write {}: {}", target.display(), Sentence::from_io(e));
    Error::unavailable(Sentence::only_english(why)).with_detail(e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_the_folder_leads_nowhere() {
        let (inside, outside) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let root = inside.path().canonicalize().expect("a path");
        let path = |t: &str| ArtifactPath::parse(t).expect("a path");
        assert_eq!(target(&root, &path("a/b/c.txt")), Ok(root.join("a/b/c.txt")));
        assert!(root.join("a/b").is_dir());
        #[cfg(unix)]
        assert_eq!(target(&root, &path("a\\..\\b\n")), Ok(root.join("a\\..\\b\n")), "one name");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outside.path(), root.join("link")).expect("a link");
            assert!(target(&root, &path("link/c.txt")).is_err() && target(&root, &path("link/d/c.txt")).is_err());
            assert_eq!(fs::read_dir(outside.path()).expect("a folder").count(), 0);
        }
        fs::write(root.join("file"), "x").expect("written");
        assert!(target(&root, &path("file/c.txt")).is_err() || fs::write(root.join("file/c.txt"), "x").is_err());
    }
}
