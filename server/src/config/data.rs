//! Where everything that is kept lies, and how much of it pages show.

use std::path::PathBuf;

use clap::Args;

use super::subsystem::Subsystem;

#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Data {
    /// Folder of the lake and everything else that is kept
    #[arg(id = "data", long = "data", env = "GF_DATA", default_value = "data", value_name = "FOLDER", global = true)]
    pub folder: PathBuf,
    /// Metrics outside of the catalogue that get tiles, tables and charts, first come, first served; values of others stay in their records, and /sources names them
    #[arg(long, env = "GF_METRIC_NAMES", default_value_t = domain::custom_metrics::DEFAULT_METRIC_NAME_LIMIT as u16, value_name = "NUMBER", global = true)]
    pub metric_names: u16,
}

impl Subsystem for Data {}

impl Data {
    /// The SQLite file of the state, where no Postgres database is set.
    #[must_use]
    pub fn sqlite_file(&self) -> PathBuf {
        self.folder.join("guardianflow.sqlite")
    }

    /// Whether nothing has been kept in the data folder yet: no database was opened for it, and there are no lake files.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "asked once, before the server serves anybody")]
    pub fn is_empty(&self) -> bool {
        let no_files = std::fs::read_dir(self.folder.join("lake")).map_or(true, |mut d| d.next().is_none());
        !self.sqlite_file().exists() && !self.folder.join("folder.json").exists() && no_files
    }
}
