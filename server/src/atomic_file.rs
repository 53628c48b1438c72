//! A file that is there as a whole or not at all: written beside under another name, and renamed when it is complete.
#![expect(clippy::disallowed_methods, reason = "the command line writes files, and serves nobody meanwhile")]

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use domain::{Error, Result, error::Sentence, ports::RestartableWriter};

/// Where to write, until [`AtomicFile::finish`].
pub struct AtomicFile {
    path: PathBuf,
    part: PathBuf,
    out: Option<File>,
    /// Why nothing more could be written: whoever writes here knows no name to tell it with.
    failure: Option<io::Error>,
}

impl AtomicFile {
    /// Nothing is touched before something is written.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), part: path.with_extension("part"), out: None, failure: None }
    }

    /// Gives the file its name if what was to be written was; else nothing is left of it.
    ///
    /// # Errors
    /// What `written` says, or `Unavailable`, naming the file, when it cannot be written.
    pub fn finish<T>(mut self, written: Result<T>) -> Result<T> {
        let outcome = match self.failure.take() {
            Some(e) => Err(self.cannot_write(&e)),
            None => written.and_then(|w| self.publish().map(|()| w).map_err(|e| self.cannot_write(&e))),
        };
        if outcome.is_err() && self.out.is_some() {
            let _ = fs::remove_file(&self.part);
        }
        outcome
    }

    /// Durably: the bytes, and then the name.
    fn publish(&self) -> io::Result<()> {
        let Some(out) = &self.out else { return Ok(()) };
        out.sync_all()?;
        fs::rename(&self.part, &self.path)
    }

    fn cannot_write(&self, e: &io::Error) -> Error {
        Error::unavailable(Sentence::only_english(format!(
            "cannot write {}: {}",
            self.path.display(),
            Sentence::from_io(e)
        )))
        .with_detail(e)
    }

    fn noted<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        // What was interrupted is tried again.
        if let Err(e) = outcome.as_ref().map_err(|e| (e.kind(), e.raw_os_error()))
            && e.0 != io::ErrorKind::Interrupted
        {
            self.failure = Some(e.1.map_or_else(|| e.0.into(), io::Error::from_raw_os_error));
        }
        outcome
    }
}

impl RestartableWriter for AtomicFile {
    fn begin(&mut self) -> io::Result<()> {
        let created = File::create(&self.part);
        self.out = Some(self.noted(created)?);
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(out) = &mut self.out else { return Err(io::ErrorKind::NotFound.into()) };
        let written = out.write(bytes);
        self.noted(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_gets_its_name_when_it_is_complete_and_holds_the_last_attempt_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x.parquet");
        fs::write(&path, "before").expect("written");
        let mut out = AtomicFile::at(&path);
        out.begin().expect("begun");
        out.write_all(b"a first attempt, longer than the second").expect("written");
        out.begin().expect("begun");
        out.write_all(b"whole").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"before");
        assert_eq!(out.finish(Ok(7)), Ok(7));
        assert_eq!(fs::read(&path).expect("read"), b"whole");
        assert_eq!(names(dir.path()), ["x.parquet"]);
    }

    #[test]
    fn what_was_not_completed_leaves_what_was_there_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x.parquet");
        fs::write(&path, "before").expect("written");
        let refused = Error::unavailable(Sentence::only_english("a file cannot be read"));
        assert_eq!(
            AtomicFile::at(&path).finish::<u64>(Err(refused.clone())),
            Err(refused.clone()),
            "nothing was begun"
        );
        let mut out = AtomicFile::at(&path);
        out.begin().expect("begun");
        out.write_all(b"half").expect("written");
        assert_eq!(out.finish::<u64>(Err(refused.clone())), Err(refused));
        assert_eq!(
            (fs::read(&path).expect("read"), names(dir.path())),
            (b"before".to_vec(), vec!["x.parquet".to_owned()])
        );
    }

    #[test]
    fn what_cannot_be_written_is_said_of_the_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("no such folder").join("x.parquet");
        let mut out = AtomicFile::at(&path);
        out.begin().expect_err("there is no folder");
        let refused = out
            .finish::<u64>(Err(Error::unavailable(Sentence::only_english("the records cannot be written out"))))
            .expect_err("nothing was written");
        assert!(refused.message.en.contains(&path.display().to_string()), "{refused}");
    }
}
