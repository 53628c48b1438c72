//! The watched folder.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::{Error, Result, error::Sentence};

use super::subsystem::Subsystem;

#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Ingest {
    /// Folder whose files are taken as they grow: .jsonl and .ndjson line by line, packed and Parquet files once complete
    #[arg(id = "ingest_dir", long = "ingest-dir", env = "GF_INGEST_DIR", value_name = "FOLDER", global = true)]
    pub dir: Option<PathBuf>,
}

impl Subsystem for Ingest {
    /// Refuses to watch what we write ourselves: refused rows would be refused again for ever.
    fn check(&self, folder: &Path) -> Result<()> {
        let Some(watched) = &self.dir else { return Ok(()) };
        let whole = |p: &Path| p.canonicalize().or_else(|_| std::path::absolute(p)).unwrap_or_else(|_| p.to_owned());
        let (watched_whole, data) = (whole(watched), whole(folder));
        for own in ["lake", "superseded", "pending", "rejected"] {
            let own = data.join(own);
            // Folders in the watched one are watched too.
            if watched_whole.starts_with(&own) || own.parent() == Some(&*watched_whole) {
                return Err(Error::bad_input(Sentence::only_english(format!(
                    "{} holds files that the server writes itself; watch another folder",
                    watched.display()
                ))));
            }
        }
        Ok(())
    }
}
