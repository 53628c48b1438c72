//! The tables in one SQLite file beside the lake.

mod manifest;
mod sources;
mod tails;

use std::{path::Path, time::Duration};

use domain::{Error, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

/// The SQLite adapter of [`lake::ports::Manifest`], [`lake::ports::TailLedger`], [`domain::ports::Notes`] and
/// [`domain::ports::SourceLedger`].
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// Opens the database and brings its tables up to date. Safe beside other processes on the same file.
    ///
    /// # Errors
    /// `Unavailable`, naming the file.
    #[expect(clippy::disallowed_methods, reason = "the lock is opened and waited for on a blocking thread")]
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(15));
        // SQLite has no lock for migrations: two processes that start at once on a fresh folder take turns here.
        let turn = path.with_extension("lock");
        let _turn = tokio::task::spawn_blocking(move || {
            let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&turn)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        })
        .await
        .map_err(|e| Error::internal("waiting for the database broke off").with_detail(e))?
        .map_err(|e| Error::unavailable(format!("cannot open {}: {e}", path.display())))?;
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(|e| cannot(&format!("open {}", path.display()), &e))?;
        sqlx::migrate!("./migrations/sqlite")
            .run(&pool)
            .await
            .map_err(|e| Error::unavailable(format!("cannot prepare {}: {e}", path.display())))?;
        Ok(Self { pool })
    }

    /// Closes all connections; later calls fail.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// An error that names what could not be done, and says in plain words why where SQLite knows.
fn cannot(what: &str, e: &sqlx::Error) -> Error {
    let why = match e.as_database_error().and_then(|d| d.code()).as_deref() {
        Some("8" | "1032" | "520") => "the file or its folder is read-only",
        Some("13") => "the disk is full",
        Some("5" | "261" | "517") => "another process holds it",
        Some("11" | "26") => "the file is damaged or no database",
        Some("14") => "it cannot be opened",
        Some(c) if c.starts_with("10") || c.len() > 3 => "the disk reported an error",
        _ => "the database refused",
    };
    Error::unavailable(format!("cannot {what}: {why}")).with_detail(e)
}

/// SQLite stores signed numbers; ours never come near the limit.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
