//! Read-only inspection of a data folder's database, for `guardianflow doctor`.

use std::path::Path;

use domain::{Error, Result, time::Millis};

use crate::{DatabaseIdentity, Location, binding, postgres, sqlite};

/// The result of inspecting a database.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// Which program keeps it, with its version.
    pub kept_by: String,
    /// The version of its tables; `None` when there are none of ours, or no database yet.
    pub schema: Option<i64>,
    /// The version that this program makes.
    pub program_schema: i64,
    /// Whether a change of its tables broke off.
    pub unfinished: bool,
    /// Why it cannot be worked with, in words for people.
    pub fault: Option<String>,
    /// Why it would not be used with this data folder.
    pub refused: Option<Error>,
    /// The time of the newest record, where there is one.
    pub newest_record: Option<Millis>,
}

/// What is seen of the tables.
#[derive(Debug, Default)]
pub(crate) struct TablesInspection {
    pub schema: Option<i64>,
    pub program_schema: i64,
    pub unfinished: bool,
    pub newest_record: Option<Millis>,
    pub generation: i64,
    pub files: Vec<String>,
    pub identity: Option<DatabaseIdentity>,
}

/// What one database says of itself.
#[derive(Debug, Default)]
pub(crate) struct DatabaseInspection {
    pub kept_by: String,
    pub fault: Option<String>,
    /// `None` when what is there cannot be trusted.
    pub tables: Option<TablesInspection>,
}

/// Looks at the database of a data folder. `found` tells which files of the lake are there, as for [`crate::bind`].
///
/// # Errors
/// `Unavailable`, naming the database, when it cannot be reached or read.
pub async fn inspect(
    location: &Location,
    folder: &Path,
    found: impl AsyncFn() -> Result<Vec<String>>,
) -> Result<Inspection> {
    let look = match location {
        Location::Sqlite(path) => sqlite::inspect(path).await?,
        Location::Postgres(server) => postgres::inspect(server).await?,
    };
    let mut seen = Inspection {
        kept_by: look.kept_by,
        fault: look.fault,
        program_schema: location.newest_schema(),
        ..Inspection::default()
    };
    let Some(tables) = look.tables else { return Ok(seen) };
    (seen.schema, seen.unfinished, seen.newest_record) = (tables.schema, tables.unfinished, tables.newest_record);
    if !seen.unfinished && seen.schema.is_none_or(|version| version <= seen.program_schema) {
        seen.refused = match binding::check_binding(location, folder, &tables, found).await {
            Ok(refused) => refused,
            // Of folder.json and the folder, not of the database.
            Err(e) => Some(e),
        };
    }
    Ok(seen)
}

/// The version of SQLite that this program contains.
///
/// # Errors
/// `Unavailable` when it cannot be asked.
pub async fn sqlite_version() -> Result<String> {
    sqlite::version().await
}
