//! The tables in a database of a Postgres server.

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

use std::{io::ErrorKind, sync::LazyLock, time::Duration};

use domain::{Error, Result};
pub(crate) use inspect::inspect;
pub(crate) use session::SqlTransaction;
use sqlx::{
    ConnectOptions, Connection, Postgres, Transaction,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions},
};

use self::PostgresStore as Store;
use crate::{
    PostgresServer,
    error::{self, FailureCause, Operation},
};

type Db = Postgres;

/// They hold an advisory lock of the database, so that processes that start at once take turns.
pub static MIGRATIONS: LazyLock<Migrator> = crate::migrations::migrations!(
    "postgres": "0001_manifest_and_sources", "0010_data_folder", "0011_tokens_and_sessions", "0012_saved_views", "0013_tracking_copy",
    "0014_source_items", "0015_comparisons", "0016_models", "0017_webhooks",
);

/// Connections of a process; it makes them when it needs them.
const CONNECTIONS: u32 = 8;
/// How long a query or a commit waits for one. A server that is gone is told of after this.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the first connection may take, with its encryption and its password.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Statements that only Postgres understands.
pub mod sql {
    crate::sql::statements! {
        LOCK = "SELECT generation FROM lake_state FOR UPDATE";
        INDEXES =
            "SELECT id, place_index FROM lake_file
             WHERE id IN (SELECT CAST(json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON)) AS BIGINT))";
        PUBLISHED_SINCE =
            "SELECT id, path, day, rows, bytes, from_ms, to_ms, simulated, received_ms FROM lake_file
             WHERE id IN (
                 SELECT CAST(json_array_elements_text(CAST(published AS JSON)) AS BIGINT)
                 FROM lake_change WHERE generation > $1)
             ORDER BY id";
        TABLE_NAMES = "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1";
        VERSION = "SELECT current_setting('server_version')";
        READ_ONLY = "SELECT current_setting('transaction_read_only') = 'on'";
        MAY_CREATE = "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), FALSE)";
        SIZE = "SELECT pg_database_size(current_database())";
        COUNTER = "SELECT coalesce(pg_sequence_last_value(CAST(pg_get_serial_sequence($1, 'id') AS regclass)), 0)";
        SET_COUNTER = "SELECT setval(CAST(pg_get_serial_sequence($1, 'id') AS regclass), $2)";
    }
}

/// The Postgres adapter of the ports of [`crate::StateStore`].
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// Connects, and brings the tables up to date. Safe when other processes do the same.
    ///
    /// # Errors
    /// `Unavailable`, naming the database and its host.
    pub async fn open(server: &PostgresServer) -> Result<Self> {
        let name = server.to_string();
        let options = options(server);
        let mut first = connect(&options, &name).await?;
        let migrated = schema::migrate(&mut first, &name).await;
        // Which also gives the lock back when it failed.
        let _ = first.close().await;
        migrated?;
        Ok(Self::pool(options))
    }

    /// A transaction that reads one moment of the database as it is; nothing is made or migrated.
    pub(crate) async fn begin_unmigrated_read(server: &PostgresServer) -> Result<SqlTransaction> {
        let name = server.to_string();
        let options = options(server);
        let _ = connect(&options, &name).await?.close().await;
        SqlTransaction::reading(&Self::pool(options), name).await
    }

    fn pool(options: PgConnectOptions) -> Self {
        Self {
            pool: PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(TIMEOUT).connect_lazy_with(options),
        }
    }

    /// Takes the row of the manifest's state first, so that writers take turns, and always in the same
    /// order: no two wait for each other.
    async fn begin_write(&self) -> sqlx::Result<Transaction<'static, Db>> {
        let mut tx = self.pool.begin().await?;
        let _: Option<i64> = sqlx::query_scalar(sql::LOCK).fetch_optional(&mut *tx).await?;
        Ok(tx)
    }

    /// What is read in it is of one moment: that of the first read.
    async fn begin_read(&self) -> sqlx::Result<Transaction<'static, Db>> {
        self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }
}

fn options(server: &PostgresServer) -> PgConnectOptions {
    let options = server.options.clone();
    // Unless the URL says otherwise.
    let options = match options.get_application_name() {
        None => options.application_name("guardianflow"),
        Some(_) => options,
    };
    options.options([
        // Whoever waits for a lock longer than this gets an error, as with SQLite.
        ("lock_timeout", "15s"),
        // A process that hangs in the middle of a commit does not keep the others for ever.
        ("idle_in_transaction_session_timeout", "60s"),
    ])
}

/// One connection, without the pool's patience for servers that are not there: so the first error says what is wrong.
async fn connect(options: &PgConnectOptions, name: &str) -> Result<PgConnection> {
    match tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await {
        Ok(connected) => connected.map_err(|e| cannot(Operation::Open(name), &e)),
        Err(e) => Err(error::operation_error(Operation::Open(name), FailureCause::Unreachable, e)),
    }
}

/// The next number that the database gives in the column `id` of a table is the one behind this.
async fn set_counter(tx: &mut Transaction<'_, Db>, table: &str, last: i64) -> sqlx::Result<()> {
    // A sequence begins at 1; one that has given nothing stays as it is.
    if last > 0 {
        sqlx::query(sql::SET_COUNTER).bind(table).bind(last).execute(&mut **tx).await?;
    }
    Ok(())
}

/// An error that names what could not be done, and says in plain words why.
fn cannot(doing: Operation<'_>, e: &sqlx::Error) -> Error {
    error::operation_error(doing, why(e), e)
}

fn why(e: &sqlx::Error) -> FailureCause {
    match e {
        sqlx::Error::Database(e) => match e.code().as_deref() {
            Some("28P01" | "28000") => FailureCause::Password,
            Some("3D000") => FailureCause::NoDatabase,
            Some("42501") => FailureCause::NotAllowed,
            Some("25006") => FailureCause::ReadOnly,
            Some("53100") => FailureCause::Full,
            Some("53300") => FailureCause::TooMany,
            Some("57P03") => FailureCause::NotReady,
            Some("58030") => FailureCause::Disk,
            Some("40001" | "40P01" | "55P03") => FailureCause::Busy,
            Some("XX001" | "XX002") => FailureCause::Damaged,
            // The server ended the connection, because it stops or because somebody told it to.
            Some(c) if c.starts_with("57P") || c.starts_with("08") => FailureCause::Interrupted,
            _ => FailureCause::Refused,
        },
        sqlx::Error::Io(e) => match e.kind() {
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => FailureCause::Interrupted,
            // So do handshakes fail.
            ErrorKind::InvalidData => FailureCause::Tls,
            _ => FailureCause::Unreachable,
        },
        sqlx::Error::PoolTimedOut => FailureCause::Unreachable,
        sqlx::Error::Tls(_) => FailureCause::Tls,
        _ => FailureCause::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_take_turns() {
        assert!(MIGRATIONS.locking, "or two processes that start at once would make the same tables");
    }

    #[test]
    fn from_the_tenth_on_both_databases_have_the_same_versions() {
        let later = |m: &Migrator| m.iter().filter(|m| m.version >= 10).map(|m| m.version).collect::<Vec<_>>();
        assert_eq!(later(&MIGRATIONS), later(&crate::sqlite::MIGRATIONS));
        assert!(!later(&MIGRATIONS).is_empty());
    }
}
