//! Read-only inspection of a database in any state.
#![expect(clippy::disallowed_methods, reason = "one look, by a command that serves nobody")]

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::Duration,
};

use domain::Result;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use super::{cannot, options, seen, sql};
use crate::{
    error::{self, FailureCause, Operation},
    inspection::{DatabaseInspection, TablesInspection},
};

/// How long a lock of somebody else is waited for.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The name of a copy.
const COPY: &str = "copy.sqlite";

/// Looks at a database file. One that is not there has no tables.
pub(crate) async fn inspect(path: &Path) -> Result<DatabaseInspection> {
    let kept_by = format!("SQLite {}", version().await?);
    if std::fs::metadata(path).is_err_and(|e| e.kind() == ErrorKind::NotFound) {
        return Ok(DatabaseInspection { kept_by, tables: Some(TablesInspection::default()), fault: None });
    }
    let name = path.display().to_string();
    let refused = |e: &sqlx::Error| cannot(Operation::Read(&name), e);
    let (log, shared) = (beside(path, "-wal"), beside(path, "-shm"));
    let options = options(path).read_only(true).busy_timeout(TIMEOUT);
    let (fault, tables) = match (log.exists(), shared.exists()) {
        // Nobody is connected, and all is in the file: read as immutable, SQLite makes no file beside it.
        (false, _) => look(&options.immutable(true)).await.map_err(|e| refused(&e))?,
        (true, true) => look(&options).await.map_err(|e| refused(&e))?,
        // Whoever was connected has ended in the middle of closing: SQLite would make the shared memory again, so a copy is read.
        (true, false) => {
            let folder = copy(path, &log)
                .map_err(|e| error::operation_error(Operation::Read(&name), FailureCause::NotOpened, e))?;
            look(&options.filename(folder.path().join(COPY))).await.map_err(|e| refused(&e))?
        }
    };
    Ok(DatabaseInspection { kept_by, fault, tables })
}

/// The name of a file that SQLite keeps beside a database.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The database with its write-ahead log, in a folder of its own that goes away with what is returned.
fn copy(path: &Path, log: &Path) -> io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join(COPY);
    std::fs::copy(log, beside(&copy, "-wal"))?;
    std::fs::copy(path, copy)?;
    Ok(folder)
}

async fn look(options: &SqliteConnectOptions) -> sqlx::Result<(Option<String>, Option<TablesInspection>)> {
    let mut db = SqliteConnection::connect_with(options).await?;
    let said: String = sqlx::query_scalar(sql::QUICK_CHECK).fetch_one(&mut db).await?;
    if said != "ok" {
        return Ok((Some(format!("it is damaged: {said}")), None));
    }
    let tables = seen::tables(&mut db).await?;
    db.close().await?;
    Ok((None, Some(tables)))
}

/// The version of SQLite that this program contains.
pub(crate) async fn version() -> Result<String> {
    let asked = async {
        let mut db = SqliteConnection::connect("sqlite::memory:").await?;
        sqlx::query_scalar(sql::VERSION).fetch_one(&mut db).await
    };
    asked.await.map_err(|e| cannot(Operation::Read("SQLite"), &e))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::SqliteStore;

    /// Names and contents of what lies in a folder.
    fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let entry = |e: std::io::Result<std::fs::DirEntry>| {
            let path = e.expect("an entry").path();
            (path.display().to_string(), std::fs::read(&path).expect("a file"))
        };
        std::fs::read_dir(folder).expect("a folder").map(entry).collect()
    }

    #[tokio::test]
    async fn a_look_changes_nothing_beside_a_server_and_without_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("guardianflow.sqlite");
        let store = SqliteStore::open(&path).await.expect("a database");
        let names = |folder| content(folder).into_keys().collect::<Vec<_>>();
        let before = names(folder.path());
        let seen = inspect(&path).await.expect("a look beside whoever holds it");
        assert!(seen.fault.is_none(), "{seen:?}");
        let seen = seen.tables.expect("tables");
        assert_eq!((seen.schema, seen.unfinished, seen.newest_record), (Some(seen.program_schema), false, None));
        assert_eq!(names(folder.path()), before);
        // As a process leaves it that ends in the middle of closing.
        let half = tempfile::tempdir().expect("a folder");
        let left = half.path().join("guardianflow.sqlite");
        std::fs::copy(&path, &left).expect("a copy");
        std::fs::copy(beside(&path, "-wal"), beside(&left, "-wal")).expect("a log");
        let before = content(half.path());
        let halved = inspect(&left).await.expect("a look at what is left").tables.expect("tables");
        assert_eq!(halved.schema, seen.schema);
        assert!(content(half.path()) == before, "{:?}", names(half.path()));
        store.pool.close().await;
        let before = content(folder.path());
        let closed = inspect(&path).await.expect("a look at a closed one").tables.expect("tables");
        assert_eq!(closed.schema, seen.schema);
        assert!(content(folder.path()) == before, "{:?}", names(folder.path()));
    }

    #[tokio::test]
    async fn what_is_no_database_is_an_error_and_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("guardianflow.sqlite");
        let none = inspect(&path).await.expect("a look at nothing").tables.expect("no tables");
        assert!(none.schema.is_none() && !path.exists(), "nothing is made");
        std::fs::write(&path, "no database at all, however long it is".repeat(50)).expect("a file");
        let said = inspect(&path).await.expect_err("no database").to_string();
        assert!(said.contains("damaged or no database"), "{said}");
        assert_eq!(content(folder.path()).len(), 1);
    }
}
