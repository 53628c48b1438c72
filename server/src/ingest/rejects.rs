//! Refused rows, one JSON object a line: file, line number, reason, message and the row itself. One file a source, written
//! anew by each read, so that it always tells what is wrong with the file as it is.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use domain::{Error, Result, ports::SourceId};
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use super::Refused;

pub struct Rejects {
    path: PathBuf,
    source: String,
    out: Option<BufWriter<File>>,
}

impl Rejects {
    pub fn new(folder: &Path, source: &SourceId) -> Self {
        let stem: String = Path::new(&source.name)
            .file_name()
            .map_or("input".into(), |n| n.to_string_lossy())
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
            .take(80)
            .collect();
        let path = folder.join(format!("{stem}-{:08x}.jsonl", xxh3_64(source.name.as_bytes()) as u32));
        // What an earlier read refused may have been repaired since.
        let _ = std::fs::remove_file(&path);
        Self { path, source: source.name.clone(), out: None }
    }

    pub fn write(&mut self, refused: &[Refused]) -> Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        self.try_write(refused).map_err(|e| self.broken(&e))
    }

    fn try_write(&mut self, refused: &[Refused]) -> std::io::Result<()> {
        if self.out.is_none() {
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            self.out = Some(BufWriter::new(File::create(&self.path)?));
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
        Error::unavailable(format!("cannot write {}: {e}", self.path.display()))
    }
}
