//! Files of runs on this machine's disk: listed one level at a time and streamed, never from outside of the folder that was given.
#![expect(clippy::disallowed_methods, reason = "called on blocking threads only")]

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
    time::Duration,
};

use domain::{
    error::{Error, Result, Sentence},
    ports::ArtifactBody,
    scope::clip_text,
    tracking::{ArtifactEntry, ArtifactPath, ByteRange},
};
use tokio::io::AsyncReadExt;
use url::Url;

use super::{beneath::Beneath, sentences};

/// The most entries of one folder.
const MOST_ENTRIES: usize = 100_000;

/// So much of a file is read at once, in bytes.
const PIECE: usize = 256 << 10;

/// How long a disk may take for a piece.
const LONGEST_PIECE: Duration = Duration::from_secs(30);

/// The artifacts of a run: a folder below one that may be read.
pub(crate) struct RunArtifacts {
    below: Beneath,
    /// From there; `None` when nothing was written yet.
    folder: Option<PathBuf>,
}

impl RunArtifacts {
    /// Finds the artifacts of a run below `root`. `uri` is where MLflow wrote them; `guesses` are paths below `root` where they are too
    /// when the whole was moved.
    ///
    /// # Errors
    /// `NotFound` when they are elsewhere, `Unavailable` when `root` cannot be read.
    pub fn find(root: &Path, uri: &str, guesses: &[PathBuf]) -> Result<Self> {
        let below = Beneath::open(root).map_err(|e| unreadable(root, &e))?;
        let local = local_path(uri);
        // A relative path counts from where MLflow ran, which is where its store is.
        let meant = local.as_ref().map(|p| if p.is_absolute() { p.clone() } else { root.join(p) });
        let canonical = meant.as_ref().and_then(|p| fs::canonicalize(p).ok());
        let inside = canonical.iter().filter_map(|p| p.strip_prefix(below.path()).ok().map(Path::to_owned)).next();
        let found = inside.into_iter().chain(guesses.iter().cloned()).find(|p| below.folder(p).is_ok());
        let expected = meant.is_some_and(|p| is_below(&p, root) || is_below(&p, below.path()));
        if found.is_none() && !expected {
            return Err(Error::not_found(sentences::artifacts_elsewhere(shown(uri), root.display())));
        }
        Ok(Self { below, folder: found })
    }

    /// What is in a folder, by path.
    ///
    /// # Errors
    /// `NotFound` when it is not there or is a file, but for the root, which MLflow makes with the first file; `Unavailable` when it cannot
    /// be read.
    pub fn list(&self, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        let failed = |e: &io::Error| cannot_read(folder, e);
        let is_root = folder.as_str().is_empty();
        let missing = |is_file: bool| match (is_root, is_file) {
            (true, _) => Ok(vec![]),
            (false, true) => Err(Error::not_found(sentences::artifact_is_file(clip_text(folder.as_str())))),
            (false, false) => Err(Error::not_found(sentences::no_artifact_folder(clip_text(folder.as_str())))),
        };
        let Some(base) = &self.folder else { return missing(false) };
        let path = match self.below.folder(&base.join(folder.as_str())) {
            Ok(path) => path,
            Err(e) if is_missing(&e) => return missing(self.below.file(&base.join(folder.as_str())).is_ok()),
            Err(e) => return Err(failed(&e)),
        };
        let mut entries = Vec::new();
        for entry in fs::read_dir(path).map_err(|e| failed(&e))?.take(MOST_ENTRIES).flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let relative = if folder.as_str().is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let Ok(path) = ArtifactPath::parse(&relative) else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            let there = base.join(&relative);
            let size = if kind.is_file() {
                entry.metadata().ok().map(|m| m.len())
            } else if kind.is_symlink() {
                self.below.file(&there).ok().and_then(|f| f.metadata().ok()).map(|m| m.len())
            } else {
                None
            };
            let is_folder = kind.is_dir() || (kind.is_symlink() && self.below.folder(&there).is_ok());
            if is_folder || size.is_some() {
                entries.push(ArtifactEntry { path, size, is_folder });
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// A file, or a part of it.
    ///
    /// # Errors
    /// `NotFound` when it is not there, `BadInput` when the range begins behind its end, `Unavailable` when it cannot be read.
    pub fn file(&self, path: &ArtifactPath, range: Option<ByteRange>) -> Result<ArtifactBody> {
        let missing = || Error::not_found(sentences::no_artifact(clip_text(path.as_str())));
        let base = self.folder.as_ref().ok_or_else(missing)?;
        let mut file = match self.below.file(&base.join(path.as_str())) {
            Ok(file) => file,
            Err(e) if is_missing(&e) => return Err(missing()),
            Err(e) => return Err(cannot_read(path, &e)),
        };
        let size = file.metadata().map_err(|e| cannot_read(path, &e))?.len();
        let part = match range {
            None => None,
            Some(range) => Some(
                range
                    .within(size)
                    .ok_or_else(|| Error::bad_input(sentences::range_behind_end(clip_text(path.as_str()), size)))?,
            ),
        };
        let (first, end) = part.unwrap_or((0, size));
        file.seek(SeekFrom::Start(first)).map_err(|e| cannot_read(path, &e))?;
        Ok(ArtifactBody { size: Some(size), range: part, bytes: Box::pin(pieces(file, end - first, path.clone())) })
    }
}

/// Exactly `length` bytes from where the file stands. One that is cut meanwhile ends with an error.
fn pieces(
    file: File,
    length: u64,
    path: ArtifactPath,
) -> impl futures::Stream<Item = Result<Vec<u8>>> + Send + 'static {
    let mut file = tokio::fs::File::from_std(file);
    file.set_max_buf_size(PIECE);
    futures::stream::try_unfold((file, length), move |(mut file, left)| {
        let path = path.clone();
        async move {
            if left == 0 {
                return Ok(None);
            }
            let mut piece = Vec::with_capacity(PIECE.min(usize::try_from(left).unwrap_or(PIECE)));
            let most = left.min(PIECE as u64);
            let read = tokio::time::timeout(LONGEST_PIECE, (&mut file).take(most).read_to_end(&mut piece)).await;
            match read {
                Ok(Ok(0)) => Err(cannot_read(&path, &io::ErrorKind::UnexpectedEof.into())),
                Ok(Ok(n)) => Ok(Some((piece, (file, left.saturating_sub(n as u64))))),
                Ok(Err(e)) => Err(cannot_read(&path, &e)),
                Err(_) => Err(Error::unavailable(sentences::disk_silent(LONGEST_PIECE.as_secs()))),
            }
        }
    })
}

/// The path that a location of MLflow names on a machine's own disk: `file:` or a plain path.
fn local_path(uri: &str) -> Option<PathBuf> {
    match Url::parse(uri) {
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok(),
        Ok(_) => None,
        Err(_) if uri.is_empty() => None,
        Err(_) => Some(PathBuf::from(uri)),
    }
}

/// The path below a store to which a proxied location leads where `mlflow server` was started beside it with its defaults.
pub(crate) fn proxied_path(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("mlflow-artifacts:")?.trim_start_matches('/');
    Some(Path::new("mlartifacts").join(path))
}

/// By their names, without looking.
fn is_below(path: &Path, root: &Path) -> bool {
    path.starts_with(root) && !path.components().any(|c| c == Component::ParentDir)
}

/// A location without a password in it.
fn shown(uri: &str) -> String {
    let safe = match Url::parse(uri) {
        Ok(mut url) => {
            let _ = url.set_password(None);
            let _ = url.set_username("");
            url.set_query(None);
            url.to_string()
        }
        Err(_) => uri.to_owned(),
    };
    clip_text(&safe).to_string()
}

/// Whether there is no such file, if only because no file can have this name.
pub(crate) fn is_missing(e: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(e.kind(), NotFound | NotADirectory | InvalidFilename | InvalidInput)
}

fn cannot_read(path: &ArtifactPath, e: &io::Error) -> Error {
    let why = Sentence::from_io(e);
    Error::unavailable(sentences::cannot_read_artifact(clip_text(path.as_str()), &why)).with_detail(e)
}

/// A folder of MLflow that cannot be read.
pub(crate) fn unreadable(root: &Path, e: &io::Error) -> Error {
    Error::unavailable(sentences::no_folder(root.display(), &Sentence::from_io(e))).with_detail(e)
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    fn path(text: &str) -> ArtifactPath {
        ArtifactPath::parse(text).expect("a path")
    }

    async fn bytes(artifacts: &RunArtifacts, file: &str, range: Option<&str>) -> Result<(Option<(u64, u64)>, String)> {
        let body = artifacts.file(&path(file), range.and_then(ByteRange::parse))?;
        let pieces: Vec<Vec<u8>> = body.bytes.try_collect().await?;
        Ok((body.range, String::from_utf8(pieces.concat()).expect("text")))
    }

    #[tokio::test]
    async fn files_are_listed_and_read_in_parts() {
        let place = tempfile::tempdir().expect("a folder");
        let base = place.path().join("1/r/artifacts");
        fs::create_dir_all(base.join("report")).expect("a folder");
        fs::write(base.join("report/a.txt"), "0123456789").expect("a file");
        fs::write(base.join("big.bin"), vec![b'x'; PIECE * 2 + 3]).expect("a file");
        let uri = Url::from_file_path(&base).expect("an address").to_string();
        let artifacts = RunArtifacts::find(place.path(), &uri, &[]).expect("artifacts");
        let shown = |folder: &str| {
            let entries = artifacts.list(&path(folder)).expect("a list");
            entries.iter().map(|e| (e.path.to_string(), e.size, e.is_folder)).collect::<Vec<_>>()
        };
        let big = (PIECE * 2 + 3) as u64;
        assert_eq!(shown(""), [("big.bin".into(), Some(big), false), ("report".into(), None, true)]);
        assert_eq!(shown("report"), [("report/a.txt".into(), Some(10), false)]);
        for (none, why) in [("none", "no folder none"), ("big.bin", "is a file"), ("big.bin/x", "no folder")] {
            let error = artifacts.list(&path(none)).expect_err(none);
            assert!(error.kind == domain::error::ErrorKind::NotFound && error.message.en.contains(why), "{error:?}");
        }
        assert_eq!(bytes(&artifacts, "report/a.txt", None).await, Ok((None, "0123456789".into())));
        assert_eq!(bytes(&artifacts, "report/a.txt", Some("bytes=3-5")).await, Ok((Some((3, 6)), "345".into())));
        assert_eq!(bytes(&artifacts, "report/a.txt", Some("bytes=-2")).await, Ok((Some((8, 10)), "89".into())));
        let behind = bytes(&artifacts, "report/a.txt", Some("bytes=10-")).await.expect_err("a range");
        assert_eq!(behind.kind, domain::error::ErrorKind::BadInput);
        assert_eq!(bytes(&artifacts, "big.bin", None).await.map(|b| b.1.len() as u64), Ok(big));
        for missing in ["none", "report", "report/none", ""] {
            let kind = bytes(&artifacts, missing, None).await.map_err(|e| e.kind);
            assert_eq!(kind, Err(domain::error::ErrorKind::NotFound), "{missing}");
        }
        // Cut while it is read.
        let body = artifacts.file(&path("big.bin"), None).expect("a body");
        fs::write(base.join("big.bin"), "x").expect("a file");
        assert!(body.bytes.try_collect::<Vec<_>>().await.is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_lies_elsewhere_is_said_and_never_read() {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().join("mlruns");
        let outside = place.path().join("outside");
        fs::create_dir_all(root.join("1/r/artifacts")).expect("a folder");
        fs::create_dir_all(&outside).expect("a folder");
        fs::write(outside.join("secret"), "s").expect("a file");
        std::os::unix::fs::symlink(&outside, root.join("1/r/artifacts/link")).expect("a link");
        std::os::unix::fs::symlink(outside.join("secret"), root.join("1/r/artifacts/file")).expect("a link");
        std::os::unix::fs::symlink(&outside, root.join("1/sly")).expect("a link");
        let far = outside.display().to_string();
        let sly = root.join("1/sly").display().to_string();
        let up = root.join("1/../../outside").display().to_string();
        for uri in
            ["s3://bucket/1/r", "file:///etc", "/etc", "../outside", &far, &up, "dbfs:/x", "", "https://u:p@h/x?k=v"]
        {
            let refused = RunArtifacts::find(&root, uri, &[]).err().expect(uri);
            assert_eq!(refused.kind, domain::error::ErrorKind::NotFound, "{uri}");
            assert!(!refused.message.en.contains("u:p") && !refused.message.en.contains("k=v"), "{refused}");
        }
        // By its name it is below, but it leads out: nothing is there.
        let sly = RunArtifacts::find(&root, &sly, &[]).expect("artifacts");
        assert!(sly.list(&path("")).expect("a list").is_empty() && sly.file(&path("secret"), None).is_err());
        for (uri, guesses) in [("1/r/artifacts", vec![]), ("file:///gone/1/r/artifacts", vec!["1/r/artifacts".into()])]
        {
            let artifacts = RunArtifacts::find(&root, uri, &guesses).expect("artifacts");
            assert!(artifacts.list(&path("")).expect("a list").is_empty(), "links that lead out are left out");
            assert!(artifacts.list(&path("link")).is_err());
            assert!(
                artifacts.file(&path("link/secret"), None).is_err() && artifacts.file(&path("file"), None).is_err()
            );
        }
    }
}
