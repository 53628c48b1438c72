//! What the product remembers besides records: the lake's manifest, the ledger of sources, how far watched files were
//! taken, who may sign in, saved views, the copy of experiments and runs, registered comparisons, and of the registry of models its log, its copy and
//! our own models, and what is to be told of it, in one database: so that publishing files, counting and moving on is one transaction.
//!
//! A module and a folder of migrations a database. The ports are written once, in `ports/`, and compiled for each: their
//! statements are the same (`sql`), or have the same name in the module of the database. Also here: moving the state from
//! one database to another (`transfer`), as a file (`backup`), and holding a data folder to its database (`binding`).
#![expect(clippy::duplicate_mod, reason = "the ports are compiled once a database, against its own types")]

mod backup;
mod binding;
mod error;
mod inspection;
mod location;
mod migrations;
mod packed;
mod postgres;
mod random;
mod registry_rows;
mod rows;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/sentences.rs"));
}
mod sql;
mod sqlite;
mod tables;
mod transfer;
mod webhook_rows;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Result,
    ports::{
        Comparisons, EmbeddedModels, IdempotencyKeys, KeyValueStore, RegistryCopies, RegistryLog, SavedViews, Sessions,
        SourceItems, SourceLedger, Tokens, TrackingCopies, WebhookOutbox,
    },
};
use lake::ports::{FilePositionStore, Manifest};

pub use backup::{backup, restore};
pub use binding::{DatabaseIdentity, FolderLock, bind};
pub use inspection::{Inspection, inspect, sqlite_version};
pub use location::{Location, PostgresServer};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
pub use tables::{Column, ColumnType, TABLES, Table};
pub use transfer::{TableCount, copy};

/// Every statement with its name, to be checked against the migrated tables: those that both databases share, and their own.
#[must_use]
pub fn statements() -> [Vec<(String, String)>; 2] {
    let all = |own: &[(&str, &str)]| {
        let fixed = sql::ALL.iter().chain(own).map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let several = [
            ("KEEP_EXPERIMENTS", sql::KEEP_EXPERIMENTS, 2),
            ("KEEP_RUNS", sql::KEEP_RUNS, 2),
            ("KEEP_SOURCE_ITEMS", sql::KEEP_SOURCE_ITEMS, 4),
            ("LOG_EVENTS", sql::LOG_EVENTS, 6),
            ("KEEP_MODELS", sql::KEEP_MODELS, 2),
        ];
        let several = several.map(|(name, one, columns)| (format!("{name} of three"), sql::of_rows(one, columns, 3)));
        fixed.chain(several).chain(tables::statements()).collect()
    };
    [all(sqlite::sql::ALL), all(postgres::sql::ALL)]
}

/// All ports on one database.
#[async_trait]
pub trait StateStore:
    Manifest
    + KeyValueStore
    + SourceLedger
    + SourceItems
    + FilePositionStore
    + Tokens
    + Sessions
    + SavedViews
    + IdempotencyKeys
    + TrackingCopies
    + Comparisons
    + RegistryLog
    + EmbeddedModels
    + RegistryCopies
    + WebhookOutbox
{
    /// Which data folder the database belongs to; `None` as long as nobody has said so.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn identity(&self) -> Result<Option<DatabaseIdentity>>;
    /// Says so.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn set_identity(&self, identity: &DatabaseIdentity) -> Result<()>;
    /// Closes all connections; later calls fail.
    async fn close(&self);
}

/// Opens the database and brings its tables up to date. Safe when other processes do the same.
///
/// # Errors
/// `Unavailable`, naming the database, also when its tables are newer than this program.
pub async fn open(location: &Location) -> Result<Arc<dyn StateStore>> {
    Ok(match location {
        Location::Sqlite(path) => Arc::new(SqliteStore::open(path).await?),
        Location::Postgres(server) => Arc::new(PostgresStore::open(server).await?),
    })
}

/// What `store status` tells.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Status {
    /// `sqlite` or `postgres`.
    pub kind: &'static str,
    /// The file, or the database and its host; no user and no password.
    pub database: String,
    /// The version of its tables; `None` when there are none.
    pub schema: Option<i64>,
    /// The version that this program makes.
    pub program_schema: i64,
    pub bytes: u64,
    /// The data folder that it belongs to.
    pub folder: Option<String>,
    pub tables: Vec<TableCount>,
}

/// Looks at a database and changes nothing in it.
///
/// # Errors
/// `NotFound` when it is a file that is not there; `Unavailable`, naming the database, when it cannot be read.
pub async fn status(location: &Location) -> Result<Status> {
    let mut reader = transfer::begin_read(location).await?;
    let schema = reader.schema().await?;
    let mut tables = vec![];
    let names = reader.tables().await?;
    // Tables of other versions of the program are not counted, and not forgotten either: the version says so.
    for table in TABLES.iter().filter(|t| names.iter().any(|name| name == t.name)) {
        tables.push(TableCount { table: table.name.to_owned(), rows: reader.count(table).await? });
    }
    let folder = match schema {
        Some(version) if version >= binding::IDENTITY_SCHEMA_VERSION => reader.identity().await?.map(|i| i.folder),
        _ => None,
    };
    Ok(Status {
        kind: location.kind(),
        database: location.to_string(),
        schema,
        program_schema: location.newest_schema(),
        bytes: reader.bytes().await?,
        folder,
        tables,
    })
}
