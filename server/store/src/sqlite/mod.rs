//! The tables in one SQLite file beside the lake.

#[path = "../ports/comparisons.rs"]
mod comparisons;
#[path = "../ports/embedded_models.rs"]
mod embedded_models;
#[path = "../ports/identity.rs"]
mod identity;
mod inspect;
#[path = "../ports/manifest.rs"]
mod manifest;
#[path = "../ports/positions.rs"]
mod positions;
#[path = "../ports/registry_copies.rs"]
mod registry_copies;
#[path = "../ports/registry_log.rs"]
mod registry_log;
#[path = "../ports/saved_views.rs"]
mod saved_views;
#[path = "../ports/schema.rs"]
mod schema;
#[path = "../ports/seen.rs"]
mod seen;
#[path = "../ports/session.rs"]
mod session;
#[path = "../ports/sources.rs"]
mod sources;
#[path = "../ports/tokens.rs"]
mod tokens;
#[path = "../ports/tracking_copies.rs"]
mod tracking_copies;
#[path = "../ports/webhooks.rs"]
mod webhooks;

use std::{path::Path, sync::LazyLock, time::Duration};

use domain::{Error, Result};
pub(crate) use inspect::{inspect, version};
pub(crate) use session::SqlTransaction;
use sqlx::{
    Sqlite, Transaction,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
};

use self::SqliteStore as Store;
use crate::{
    error::{self, FailureCause, Operation},
    sentences,
};

type Db = Sqlite;

pub static MIGRATIONS: LazyLock<Migrator> = crate::migrations::migrations!(
    "sqlite": "0001_manifest_and_sources", "0002_tail", "0003_reasons_in_korean", "0007_failing_sources", "0008_changes",
    "0009_positions", "0010_data_folder", "0011_tokens_and_sessions", "0012_saved_views",
    "0013_tracking_copy", "0014_source_items", "0015_comparisons", "0016_models", "0017_webhooks",
);

/// Statements that only SQLite understands.
pub mod sql {
    crate::sql::statements! {
        INDEXES = "SELECT id, place_index FROM lake_file WHERE id IN (SELECT value FROM json_each($1))";
        PUBLISHED_SINCE =
            "SELECT id, path, day, rows, bytes, from_ms, to_ms, simulated, received_ms FROM lake_file
             WHERE id IN (SELECT value FROM lake_change, json_each(published) WHERE generation > $1) ORDER BY id";
        TABLE_NAMES = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
        SIZE = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        VERSION = "SELECT sqlite_version()";
        QUICK_CHECK = "PRAGMA quick_check(1)";
        COUNTER = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = $1), 0)";
        FORGET_COUNTER = "DELETE FROM sqlite_sequence WHERE name = $1";
        SET_COUNTER = "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)";
    }
}

/// The SQLite adapter of the ports of [`crate::StateStore`].
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// Opens the database and brings its tables up to date. Safe with other processes on the same file.
    ///
    /// # Errors
    /// `Unavailable`, naming the file.
    #[expect(clippy::disallowed_methods, reason = "the lock is opened and waited for on a blocking thread")]
    pub async fn open(path: &Path) -> Result<Self> {
        let options = options(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        // SQLite has no lock for migrations: two processes that start at once on a fresh folder take turns here.
        let turn = path.with_extension("lock");
        let _turn = tokio::task::spawn_blocking(move || {
            let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&turn)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        })
        .await
        .map_err(|e| Error::internal(sentences::database_broke_off()).with_detail(e))?
        .map_err(|e| Error::unavailable(sentences::lock_not_opened(path.display(), e)))?;
        let name = path.display().to_string();
        let store = Self::connect(options, &name).await?;
        let mut connection = store.pool.acquire().await.map_err(|e| cannot(Operation::Open(&name), &e))?;
        schema::migrate(&mut connection, &name).await?;
        drop(connection);
        Ok(store)
    }

    /// A transaction that reads one moment of the database as it is; nothing is made or migrated.
    pub(crate) async fn begin_unmigrated_read(path: &Path) -> Result<SqlTransaction> {
        let name = path.display().to_string();
        let store = Self::connect(options(path), &name).await?;
        SqlTransaction::reading(&store, name).await
    }

    async fn connect(options: SqliteConnectOptions, name: &str) -> Result<Self> {
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await;
        Ok(Self { pool: pool.map_err(|e| cannot(Operation::Open(name), &e))? })
    }

    /// IMMEDIATE: takes the write lock first, so that no reader-turned-writer meets a conflict half way.
    async fn begin_write(&self) -> sqlx::Result<Transaction<'static, Db>> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }

    /// What is read in it is of one moment: that of the first read.
    async fn begin_read(&self) -> sqlx::Result<Transaction<'static, Db>> {
        self.pool.begin().await
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).foreign_keys(true).busy_timeout(Duration::from_secs(15))
}

/// The next number that the database gives in the column `id` of a table is the one behind this.
async fn set_counter(tx: &mut Transaction<'_, Db>, table: &str, last: i64) -> sqlx::Result<()> {
    sqlx::query(sql::FORGET_COUNTER).bind(table).execute(&mut **tx).await?;
    sqlx::query(sql::SET_COUNTER).bind(table).bind(last).execute(&mut **tx).await.map(drop)
}

/// An error that names what could not be done, and says in plain words why where SQLite knows.
fn cannot(doing: Operation<'_>, e: &sqlx::Error) -> Error {
    let why = match e.as_database_error().and_then(|d| d.code()).as_deref() {
        Some("8" | "1032" | "520") => FailureCause::ReadOnlyFile,
        Some("13") => FailureCause::Full,
        Some("5" | "261" | "517") => FailureCause::Busy,
        Some("11" | "26") => FailureCause::Damaged,
        Some("14") => FailureCause::NotOpened,
        Some(c) if c.starts_with("10") || c.len() > 3 => FailureCause::Disk,
        _ => FailureCause::Refused,
    };
    error::operation_error(doing, why, e)
}
