//! `guardianflow store`: what is in the database of the state, copies of it and backups.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use domain::{Result, ports::RestartableWriter};
use indicatif::HumanBytes;

use super::output::{Align, Format, OutputTable, print};
use crate::{
    atomic_file::AtomicFile,
    config::{Secret, Settings},
    startup::{self, TableCount},
};

#[derive(Debug, Subcommand)]
pub enum Store {
    /// Show which database it is, its schema version, its size, and the rows of each table
    Status(Status),
    /// Copy the state, as it is at one moment, into an empty database
    #[command(after_help = "\
The database in use stays as it is. The copy is taken into use when it is opened for the same data folder for the first time;
stop whoever uses the folder before, or records that they take meanwhile are not in it, and it is refused.

Examples:
  guardianflow store copy --to postgres://gf@db.example.com/gf
  DATABASE_URL=postgres://gf@db.example.com/gf guardianflow store copy --to sqlite:/srv/gf/new.sqlite")]
    Copy(Copy),
    /// Write the state, as it is at one moment, into one file
    #[command(after_help = "\
The file holds no records: keep the folder lake/ of the data folder beside it.

Example:\n  guardianflow store backup state-2026-11-27.backup")]
    Backup(File),
    /// Read such a file into the database of the settings, which must be empty
    #[command(after_help = "Example:\n  guardianflow store restore state-2026-11-27.backup --data /srv/gf")]
    Restore(File),
}

#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct Copy {
    /// Where to: sqlite:PATH or postgres://user@host/name; the password as for DATABASE_URL
    #[arg(long, value_name = "URL")]
    to: Secret,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct File {
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    format: Format,
}

impl Store {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        match self {
            Self::Status(c) => c.run(settings).await?,
            Self::Copy(c) => tell(&c.format, &startup::copy_database(settings, c.to.expose()).await?, "copied")?,
            Self::Backup(c) => {
                let mut out = AtomicFile::at(&c.file);
                let begun = out.begin();
                let written = match begun {
                    Ok(()) => startup::back_up(settings, &mut out).await,
                    // The file knows why.
                    Err(_) => Ok(vec![]),
                };
                tell(&c.format, &out.finish(written)?, "written")?;
            }
            Self::Restore(c) => tell(&c.format, &startup::restore(settings, &c.file).await?, "restored")?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Status {
    async fn run(&self, settings: &Settings) -> Result<()> {
        let status = startup::database_status(settings).await?;
        let line = |what: &str, value: String| vec![what.to_owned(), value];
        let mut rows = vec![
            line("database", status.database.clone()),
            line("kind", status.kind.to_owned()),
            line("schema version", status.schema.map_or_else(|| "none".to_owned(), |v| v.to_string())),
            line("schema version of this program", status.program_schema.to_string()),
            line("size", HumanBytes(status.bytes).to_string()),
            line("data folder", status.folder.clone().unwrap_or_else(|| "none".to_owned())),
        ];
        rows.extend(status.tables.iter().map(|t| line(&format!("rows of {}", t.table), t.rows.to_string())));
        self.format.print(&status, &OutputTable { head: vec![("what", Align::Left), ("value", Align::Left)], rows })
    }
}

/// The rows of each table, and that they were counted.
fn tell(format: &Format, tables: &[TableCount], done: &str) -> Result<()> {
    let rows = tables.iter().map(|t| vec![t.table.clone(), t.rows.to_string()]).collect();
    format.print(&tables, &OutputTable { head: vec![("table", Align::Left), ("rows", Align::Right)], rows })?;
    if format.json || format.csv {
        return Ok(());
    }
    print(&format!("{} rows {done}, counted table by table", tables.iter().map(|t| t.rows).sum::<u64>()))
}
