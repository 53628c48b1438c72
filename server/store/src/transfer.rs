//! The state from one database to another.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use domain::{Error, Result};
use futures::{TryStreamExt, stream::BoxStream};
use serde::{Deserialize, Serialize};

use crate::{
    DatabaseIdentity, Location, PostgresStore, SqliteStore, binding, error, postgres, random, sentences, sqlite,
    tables::{Cell, Column, TABLES, Table},
};

/// How many rows of a table there are, or were carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCount {
    pub table: String,
    pub rows: u64,
}

/// All tables of one database in one transaction. What was written is undone when it is dropped without a commit.
#[async_trait]
pub(crate) trait TableTransaction: Send {
    /// The version of the tables; `None` when there are none of ours.
    async fn schema(&mut self) -> Result<Option<i64>>;
    async fn tables(&mut self) -> Result<Vec<String>>;
    /// The size of the database.
    async fn bytes(&mut self) -> Result<u64>;
    async fn identity(&mut self) -> Result<Option<DatabaseIdentity>>;
    async fn count(&mut self, table: &Table) -> Result<u64>;
    fn rows<'a>(&'a mut self, table: &'static Table) -> BoxStream<'a, Result<Vec<Cell>>>;
    /// The last number that the database gave in the column `id` of a table.
    async fn counter(&mut self, table: &Table) -> Result<i64>;
    async fn insert(&mut self, table: &Table, columns: &[&Column], cells: Vec<Cell>) -> Result<()>;
    async fn clear(&mut self, table: &Table) -> Result<()>;
    async fn set_counter(&mut self, table: &Table, last: i64) -> Result<()>;
    async fn set_identity(&mut self, identity: &DatabaseIdentity) -> Result<()>;
    async fn commit(self: Box<Self>) -> Result<()>;
}

/// One moment of a database as it is.
pub(crate) async fn begin_read(location: &Location) -> Result<Box<dyn TableTransaction>> {
    Ok(match location {
        Location::Sqlite(path) if !path.exists() => {
            return Err(Error::not_found(sentences::not_there(location)));
        }
        Location::Sqlite(path) => Box::new(SqliteStore::begin_unmigrated_read(path).await?),
        Location::Postgres(server) => Box::new(PostgresStore::begin_unmigrated_read(server).await?),
    })
}

/// The database of a data folder, as it is: with the tables of this program, and not a former one.
pub(crate) async fn begin_read_of_folder(
    location: &Location,
    folder: &Path,
) -> Result<(Box<dyn TableTransaction>, DatabaseIdentity)> {
    let mut reader = begin_read(location).await?;
    let (found, ours) = (reader.schema().await?.unwrap_or(0), location.newest_schema());
    if found > ours {
        return Err(error::schema_too_new(&location.to_string(), found, ours));
    }
    let not_yet = || Error::unavailable(sentences::older_schema(location, found, ours));
    if found < ours {
        return Err(not_yet());
    }
    let identity = reader.identity().await?.ok_or_else(not_yet)?;
    binding::check_in_use(&identity, folder, location).await?;
    Ok((reader, identity))
}

/// A file that is removed again unless it is kept.
struct TemporaryFile(Option<PathBuf>);

impl Drop for TemporaryFile {
    #[expect(clippy::disallowed_methods, reason = "of the command line, which serves nobody meanwhile")]
    fn drop(&mut self) {
        let Some(path) = self.0.take() else { return };
        for end in ["-wal", "-shm", ""] {
            let mut name = path.clone().into_os_string();
            name.push(end);
            let _ = std::fs::remove_file(name);
        }
        let _ = std::fs::remove_file(path.with_extension("lock"));
    }
}

/// A new and empty database that is to be filled.
pub(crate) struct CopyTarget {
    pub tables: Box<dyn TableTransaction>,
    name: String,
    made: TemporaryFile,
}

impl CopyTarget {
    /// Makes the tables and takes the database for itself.
    ///
    /// # Errors
    /// `BadInput` when there is something in it.
    pub async fn open(location: &Location) -> Result<Self> {
        let name = location.to_string();
        let (tables, made): (Box<dyn TableTransaction>, TemporaryFile) = match location {
            Location::Sqlite(path) => {
                let made = TemporaryFile((!path.exists()).then(|| path.clone()));
                let store = SqliteStore::open(path).await?;
                (Box::new(sqlite::SqlTransaction::writing(&store, name.clone()).await?), made)
            }
            Location::Postgres(server) => {
                let store = PostgresStore::open(server).await?;
                (Box::new(postgres::SqlTransaction::writing(&store, name.clone()).await?), TemporaryFile(None))
            }
        };
        let mut target = Self { tables, name, made };
        if !target.is_empty().await? {
            let name = &target.name;
            return Err(Error::bad_input(sentences::not_empty(name)));
        }
        for table in TABLES.iter().filter(|t| t.seed.is_some()) {
            target.tables.clear(table).await?;
        }
        Ok(target)
    }

    async fn is_empty(&mut self) -> Result<bool> {
        if self.tables.identity().await?.is_some() {
            return Ok(false);
        }
        for table in TABLES {
            let seed = table.seed.map(|row| row.iter().copied().map(Cell::Int).collect::<Vec<_>>());
            let found: Vec<Vec<Cell>> = match seed {
                Some(_) => self.tables.rows(table).try_collect().await?,
                None => Vec::new(),
            };
            let empty = match seed {
                Some(seed) => found == [seed],
                None => self.tables.count(table).await? == 0,
            };
            if !empty {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Gives tables their row of a new database that a backup of an earlier program does not have. Returns how many rows they have.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub async fn seed_missing(&mut self, carried: &[TableCount]) -> Result<Vec<TableCount>> {
        let mut seeded = vec![];
        for table in TABLES.iter().filter(|t| carried.iter().all(|c| c.table != t.name)) {
            let Some(seed) = table.seed else { continue };
            let columns: Vec<&Column> = table.columns.iter().collect();
            self.tables.insert(table, &columns, seed.iter().copied().map(Cell::Int).collect()).await?;
            seeded.push(TableCount { table: table.name.to_owned(), rows: 1 });
        }
        Ok(seeded)
    }

    /// Keeps what was written, if every table has as many rows as it should.
    ///
    /// # Errors
    /// `Unavailable`, naming a table that has not; then nothing is kept.
    pub async fn finish(mut self, identity: &DatabaseIdentity, counts: &[TableCount]) -> Result<()> {
        for table in TABLES {
            let found = self.tables.count(table).await?;
            let expected = counts.iter().find(|c| c.table == table.name).map_or(0, |c| c.rows);
            if found != expected {
                let (name, table) = (&self.name, table.name);
                return Err(Error::unavailable(sentences::rows_lost(name, found, expected, table)));
            }
        }
        self.tables.set_identity(identity).await?;
        let Self { tables, mut made, .. } = self;
        tables.commit().await?;
        made.0 = None;
        Ok(())
    }
}

/// Copies all tables of a data folder's database, as they are at one moment, into an empty one. The source stays as it is, and the
/// one in use until the copy is opened for the same data folder.
///
/// # Errors
/// `BadInput` when the target is not empty; `Unavailable`, naming what cannot be read or written. Then the target stays empty.
pub async fn copy(from: &Location, to: &Location, folder: &Path) -> Result<Vec<TableCount>> {
    let (mut source, identity) = begin_read_of_folder(from, folder).await?;
    let mut target = CopyTarget::open(to).await?;
    let mut counts = vec![];
    for table in TABLES {
        let columns: Vec<&Column> = table.columns.iter().collect();
        let counter = if table.counter { Some(source.counter(table).await?) } else { None };
        let (mut rows, mut stream) = (0, source.rows(table));
        while let Some(cells) = stream.try_next().await? {
            target.tables.insert(table, &columns, cells).await?;
            rows += 1;
        }
        drop(stream);
        if let Some(last) = counter {
            target.tables.set_counter(table, last).await?;
        }
        // As the source itself counts, not as many as were read.
        let counted = source.count(table).await?;
        debug_assert_eq!(counted, rows);
        counts.push(TableCount { table: table.name.to_owned(), rows: counted });
    }
    let copied =
        DatabaseIdentity { folder: identity.folder, database: random::id()?, copied_from: Some(identity.database) };
    target.finish(&copied, &counts).await?;
    Ok(counts)
}
