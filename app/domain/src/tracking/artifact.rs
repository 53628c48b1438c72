//! Files that a run left.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    scope::clip_text,
    sentences,
};

/// The longest path, in bytes.
const MAX_PATH: usize = 1024;

/// A path below the artifacts of a run, with `/` between its segments; empty for their root. It never leaves them: no segment is
/// empty, `.` or `..`, and there is no NUL or leading slash. A backslash or a line end is a character of a name like any other, as it is for
/// the systems that MLflow's storage runs on; whoever makes a path of this system of it looks again.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ArtifactPath(String);

impl ArtifactPath {
    /// # Errors
    /// `BadInput` when the text could lead anywhere else.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let segment = |s: &str| !s.is_empty() && s != "." && s != "..";
        let harmless = text.len() <= MAX_PATH && !text.contains('\0');
        if text.is_empty() || (harmless && text.split('/').all(segment)) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::bad_input(sentences::bad_artifact_path(clip_text(text))))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// `other` within this folder.
    ///
    /// # Errors
    /// `BadInput` when the path becomes too long.
    pub fn join(&self, other: &Self) -> Result<Self> {
        if self.is_root() { Ok(other.clone()) } else { Self::parse(&format!("{self}/{other}")) }
    }

    /// The path from `folder` on; `None` when it is not within.
    #[must_use]
    pub fn below(&self, folder: &Self) -> Option<Self> {
        if folder.is_root() {
            return Some(self.clone());
        }
        self.0.strip_prefix(&folder.0)?.strip_prefix('/').map(|rest| Self(rest.to_owned()))
    }

    /// The last segment; empty for the root.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The folder that it is in; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        Some(Self(self.0.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned())))
    }
}

impl std::fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ArtifactPath {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<ArtifactPath> for String {
    fn from(path: ArtifactPath) -> Self {
        path.0
    }
}

/// A file or folder among the artifacts of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArtifactEntry {
    /// From the root of the run's artifacts.
    pub path: ArtifactPath,
    /// Of a file, in bytes, where it is known; `None` for a folder.
    pub size: Option<u64>,
    pub is_folder: bool,
}

/// A part of a file: `first..=last` in bytes, or from `first` to its end, or its last bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// Both ends included; open where there is no last.
    From(u64, Option<u64>),
    Last(u64),
}

impl ByteRange {
    /// Reads the value of a `Range` header. `None` when it is none of ours (several ranges, another unit, nonsense): then the whole
    /// file is the answer, as RFC 9110 allows.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
        let number = |t: &str| t.bytes().all(|b| b.is_ascii_digit()).then(|| t.parse::<u64>().ok()).flatten();
        match (first, last) {
            ("", last) => number(last).map(Self::Last),
            (first, "") => Some(Self::From(number(first)?, None)),
            (first, last) => Some(Self::From(number(first)?, Some(number(last)?))).filter(Self::in_order),
        }
    }

    fn in_order(&self) -> bool {
        !matches!(self, Self::From(first, Some(last)) if last < first)
    }

    /// The bytes of a file of `size`: first and one behind the last. `None` when the file ends before it begins.
    #[must_use]
    pub fn within(self, size: u64) -> Option<(u64, u64)> {
        let (first, end) = match self {
            Self::From(first, last) => (first, last.map_or(size, |l| l.saturating_add(1).min(size))),
            Self::Last(n) => (size.saturating_sub(n), size),
        };
        (first < end).then_some((first, end))
    }

    /// As a `Range` header says it.
    #[must_use]
    pub fn header(self) -> String {
        match self {
            Self::From(first, None) => format!("bytes={first}-"),
            Self::From(first, Some(last)) => format!("bytes={first}-{last}"),
            Self::Last(n) => format!("bytes=-{n}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leaves_the_artifacts_of_its_run() {
        for text in ["", "model/MLmodel", "a b/ü/%2e%2e", "report/", "...", "a\\b", "a\nb\u{1b}[31m", "..\\..\\x"] {
            assert!(ArtifactPath::parse(text).is_ok(), "{text}");
        }
        for text in ["/etc", "..", "a/../b", "a//b", "./a", "a\0", &"x".repeat(MAX_PATH + 1)] {
            assert!(ArtifactPath::parse(text).is_err(), "{text:?}");
        }
        let path = ArtifactPath::parse("a/b/c").expect("a path");
        assert_eq!((path.file_name(), path.parent().map(String::from).as_deref()), ("c", Some("a/b")));
    }

    #[test]
    fn a_range_is_read_as_rfc_9110_says() {
        for (header, size, expected) in [
            ("bytes=0-4", 10, Some((0, 5))),
            ("bytes=5-", 10, Some((5, 10))),
            ("bytes=-3", 10, Some((7, 10))),
            ("bytes=-30", 10, Some((0, 10))),
            ("bytes=0-99", 10, Some((0, 10))),
            ("bytes=10-", 10, None),
        ] {
            let range = ByteRange::parse(header).expect(header);
            assert_eq!((range.within(size), range.header().as_str()), (expected, header));
        }
        for header in ["bytes=4-2", "bytes=-", "bytes=0-1,3-4", "rows=1-2", "bytes=+1-2", "bytes= 1-2"] {
            assert_eq!(ByteRange::parse(header), None, "{header}");
        }
    }
}
