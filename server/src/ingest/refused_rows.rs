//! Refused rows, one JSON object a line: file, line number, reason, message and the row itself. One file a source, written
//! again by each read from the beginning, so that it always tells what is wrong with the file as it is. A file that grows is
//! read on, and so are its refusals: they go on behind those that were counted, wherever a crash has cut.
#![expect(clippy::disallowed_methods, reason = "files are read on blocking threads: all of this is called there")]

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use domain::{Error, Result, ports::SourceId, record::Refusal};
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use super::sentences;

/// A row that breaks a rule.
#[derive(Debug)]
pub struct RefusedRow {
    pub line: u64,
    pub refusal: Refusal,
    pub row: String,
}

pub struct RefusedRowsFile {
    path: PathBuf,
    source: String,
    /// Where to go on; `None` for a file of its own.
    after: Option<u64>,
    out: Option<BufWriter<File>>,
}

/// Where the refused rows of a source are.
fn path(folder: &Path, source: &SourceId) -> PathBuf {
    let stem: String = Path::new(&source.name)
        .file_name()
        .map_or("input".into(), |n| n.to_string_lossy())
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .take(80)
        .collect();
    folder.join(format!("{stem}-{:08x}.jsonl", xxh3_64(source.name.as_bytes()) as u32))
}

/// How much is in the file of a source's refused rows.
pub fn length(folder: &Path, source: &SourceId) -> u64 {
    std::fs::metadata(path(folder, source)).map_or(0, |m| m.len())
}

impl RefusedRowsFile {
    pub fn new(folder: &Path, source: &SourceId) -> Self {
        let path = path(folder, source);
        // What an earlier read refused may have been repaired since.
        let _ = std::fs::remove_file(&path);
        Self { path, source: source.name.clone(), after: None, out: None }
    }

    /// Goes on behind the first `after` bytes; what is beyond was written before a crash and is not counted.
    pub fn resume(folder: &Path, source: &SourceId, after: u64) -> Self {
        Self { path: path(folder, source), source: source.name.clone(), after: Some(after), out: None }
    }

    pub fn write(&mut self, refused: &[RefusedRow]) -> Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        self.try_write(refused).map_err(|e| self.broken(&e))
    }

    fn try_write(&mut self, refused: &[RefusedRow]) -> std::io::Result<()> {
        if self.out.is_none() {
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(&self.path)?;
            let keep = self.after.unwrap_or(0).min(file.metadata()?.len());
            file.set_len(keep)?;
            file.seek(SeekFrom::End(0))?;
            self.out = Some(BufWriter::new(file));
        }
        let Some(out) = &mut self.out else { return Ok(()) };
        for r in refused {
            let entry = json!({
                "file": self.source, "line": r.line, "reason": r.refusal.code, "message": r.refusal.message, "row": r.row,
            });
            writeln!(out, "{entry}")?;
        }
        out.flush()
    }

    /// Makes durable what was written. Returns the length of the file; `None` when nothing was written.
    pub fn sync(mut self) -> Result<Option<u64>> {
        let Some(mut out) = self.out.take() else { return Ok(None) };
        let settled = out.flush().and_then(|()| out.get_ref().sync_data()).and_then(|()| out.get_ref().metadata());
        settled.map(|m| Some(m.len())).map_err(|e| self.broken(&e))
    }

    /// Where the rows are, when there were any.
    pub fn finish(mut self) -> Result<Option<PathBuf>> {
        match self.out.take() {
            None => Ok(None),
            Some(mut out) => match out.flush() {
                Ok(()) => Ok(Some(self.path.clone())),
                Err(e) => Err(self.broken(&e)),
            },
        }
    }

    fn broken(&self, e: &std::io::Error) -> Error {
        Error::unavailable(sentences::cannot_write(self.path.display(), e))
    }
}
