//! A data folder and its database belong together: the lake deletes files that its manifest does not name, so a manifest that is
//! not the one of these files must never be opened over them. Each database has a number of its own and that of its folder;
//! `folder.json` in the folder has the number of the folder and of the database that is in use. A copy is a database of its
//! own; it is taken into use when it is opened for the first time, and from then on its original is refused.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use domain::{Error, Result, error::Sentence};
use serde::{Deserialize, Serialize};

use crate::{Location, StateStore, inspection::TablesInspection, random, sentences};

/// The schema version that brought the table.
pub(crate) const IDENTITY_SCHEMA_VERSION: i64 = 10;

/// What a database knows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseIdentity {
    /// The data folder that it belongs to.
    pub folder: String,
    /// Its own number.
    pub database: String,
    /// The number of the database of which it is a copy.
    pub copied_from: Option<String>,
}

impl DatabaseIdentity {
    pub(crate) fn from_row((folder, database, copied_from): (String, String, Option<String>)) -> Self {
        Self { folder, database, copied_from }
    }
}

/// What `folder.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FolderId {
    pub folder: String,
    /// The database in use.
    pub database: String,
}

/// Held by each process as long as it uses the database of a data folder, shared with others that do.
#[derive(Debug)]
pub struct FolderLock {
    _lock: File,
}

/// What is known of a database and of the files of a folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct BindingFacts {
    /// Files that the manifest names, and those of them that are there.
    named: usize,
    named_and_there: usize,
    /// Files that are there and that the manifest does not name.
    unknown: usize,
    /// Whether anything was ever committed to the database.
    used: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// They know each other.
    Fine,
    /// The folder is to say that this database is the one in use.
    Adopt,
    /// Both are to get numbers, the folder keeping one that it has.
    Introduce,
    OtherFolder,
    FormerDatabase,
    /// The folder has files, the database nothing.
    EmptyDatabase,
    /// A copy that does not know so many files.
    OldCopy(usize),
}

fn decide(folder: Option<&FolderId>, database: Option<&DatabaseIdentity>, facts: BindingFacts) -> Decision {
    match (folder, database) {
        (Some(f), Some(d)) if f.folder != d.folder => Decision::OtherFolder,
        (Some(f), Some(d)) if f.database == d.database => Decision::Fine,
        (Some(f), Some(d)) if d.copied_from.as_ref() == Some(&f.database) => match facts.unknown {
            0 => Decision::Adopt,
            n => Decision::OldCopy(n),
        },
        (Some(_), Some(_)) => Decision::FormerDatabase,
        // Somebody was interrupted between the two, or lost folder.json.
        (None, Some(_)) if facts.unknown == 0 && (facts.named == 0 || facts.named_and_there > 0) => Decision::Adopt,
        (None, Some(_)) => Decision::OtherFolder,
        // A database made before there were numbers.
        (None, None) if facts.used => Decision::Introduce,
        (Some(_), None) if facts.used && facts.unknown == 0 => Decision::Introduce,
        (Some(_), None) if facts.used => Decision::OldCopy(facts.unknown),
        (_, None) if facts.unknown == 0 => Decision::Introduce,
        (_, None) => Decision::EmptyDatabase,
    }
}

/// Sees to it that the database is the one of this data folder. `found` tells which files of the lake are there, by their names in the
/// manifest. Keep what is returned as long as the database is used.
///
/// # Errors
/// `Unavailable`, saying what to do, when it is that of another folder, a former one, or does not know files that are there.
pub async fn bind(
    state: &dyn StateStore,
    location: &Location,
    folder: &Path,
    found: impl AsyncFn() -> Result<Vec<String>>,
) -> Result<FolderLock> {
    // About five seconds: whoever starts beside us takes milliseconds; whoever serves with another database does not go away.
    for _ in 0..50 {
        let lock = lock(folder, false).await?;
        let (written, identity) = (read(folder).await?, state.identity().await?);
        let decision = match (&written, &identity) {
            // As nearly always, without a look at the files.
            (Some(f), Some(d)) if f.folder == d.folder && f.database == d.database => Decision::Fine,
            _ => decide(written.as_ref(), identity.as_ref(), facts(state, found().await?).await?),
        };
        match decision {
            Decision::Fine => return Ok(FolderLock { _lock: lock.ok_or_else(no_lock)? }),
            Decision::Adopt | Decision::Introduce => {}
            refused => return Err(refuse(&refused, location, folder)),
        }
        drop(lock);
        // Nobody else may use the folder meanwhile: they would go on with the database that it had.
        let Some(_alone) = self::lock(folder, true).await? else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (written, identity) = (read(folder).await?, state.identity().await?);
        match decide(written.as_ref(), identity.as_ref(), facts(state, found().await?).await?) {
            Decision::Adopt | Decision::Introduce => assign_identity(state, folder, written, identity).await?,
            _ => continue,
        }
    }
    let folder = folder.display();
    Err(Error::unavailable(sentences::former_in_use(folder)))
}

async fn assign_identity(
    state: &dyn StateStore,
    folder: &Path,
    written: Option<FolderId>,
    identity: Option<DatabaseIdentity>,
) -> Result<()> {
    let identity = match identity {
        Some(identity) => identity,
        None => {
            let folder = match written {
                Some(f) => f.folder,
                None => random::id()?,
            };
            let new = DatabaseIdentity { folder, database: random::id()?, copied_from: None };
            state.set_identity(&new).await?;
            new
        }
    };
    write(folder, FolderId { folder: identity.folder, database: identity.database }).await
}

async fn facts(state: &dyn StateStore, found: Vec<String>) -> Result<BindingFacts> {
    let named = state.files().await?.into_iter().map(|f| f.path).collect();
    Ok(counted(&named, &found, state.generation().await? > 0))
}

fn counted(named: &HashSet<String>, found: &[String], used: bool) -> BindingFacts {
    let named_and_there = found.iter().filter(|path| named.contains(*path)).count();
    BindingFacts { named: named.len(), named_and_there, unknown: found.len() - named_and_there, used }
}

/// The error with which [`bind`] would refuse, found out without a lock, and without giving numbers.
pub(crate) async fn check_binding(
    location: &Location,
    folder: &Path,
    seen: &TablesInspection,
    found: impl AsyncFn() -> Result<Vec<String>>,
) -> Result<Option<Error>> {
    let named = seen.files.iter().cloned().collect();
    let facts = counted(&named, &found().await?, seen.generation > 0);
    Ok(match decide(read(folder).await?.as_ref(), seen.identity.as_ref(), facts) {
        Decision::Fine | Decision::Adopt | Decision::Introduce => None,
        refused => Some(refuse(&refused, location, folder)),
    })
}

/// Refuses a database that is not the one in use in a folder.
pub(crate) async fn check_in_use(identity: &DatabaseIdentity, folder: &Path, location: &Location) -> Result<()> {
    match read(folder).await? {
        Some(f) if f.folder != identity.folder => Err(refuse(&Decision::OtherFolder, location, folder)),
        Some(f) if f.database != identity.database => Err(refuse(&Decision::FormerDatabase, location, folder)),
        _ => Ok(()),
    }
}

fn refuse(decision: &Decision, database: &Location, folder: &Path) -> Error {
    let folder = folder.display();
    Error::unavailable(match decision {
        Decision::OtherFolder => sentences::other_folder(database, &folder),
        Decision::EmptyDatabase => sentences::empty_database(database, &folder),
        Decision::OldCopy(n) => sentences::old_copy(database, n, &folder),
        _ => sentences::former_database(database, &folder),
    })
}

fn file(folder: &Path) -> PathBuf {
    folder.join("folder.json")
}

fn no_lock() -> Error {
    Error::internal(sentences::lock_not_given())
}

async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let name = path.display().to_string();
    tokio::task::spawn_blocking(move || work(&path))
        .await
        .map_err(|e| Error::internal(sentences::folder_broke_off()).with_detail(e))?
        .map_err(|e| {
            let said = sentences::cannot_use(name, &Sentence::from_io(&e));
            Error::unavailable(said).with_detail(e)
        })
}

/// The lock of processes that use the folder: shared and waited for, or alone if nobody else has it.
#[expect(clippy::disallowed_methods, reason = "on a blocking thread")]
async fn lock(folder: &Path, alone: bool) -> Result<Option<File>> {
    blocking(folder.join("folder.lock"), move |path| {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        if alone {
            return Ok(file.try_lock().is_ok().then_some(file));
        }
        file.lock_shared()?;
        Ok(Some(file))
    })
    .await
}

/// `None` when the folder has no number.
#[expect(clippy::disallowed_methods, reason = "on a blocking thread")]
pub(crate) async fn read(folder: &Path) -> Result<Option<FolderId>> {
    blocking(file(folder), |path| match fs::read(path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    })
    .await
}

/// Durably, and whole or not at all.
#[expect(clippy::disallowed_methods, reason = "on a blocking thread")]
pub(crate) async fn write(folder: &Path, id: FolderId) -> Result<()> {
    blocking(file(folder), move |path| {
        let beside = path.with_extension("json.part");
        let mut out = File::create(&beside)?;
        serde_json::to_writer(&mut out, &id)?;
        out.write_all(b"\n")?;
        out.sync_all()?;
        fs::rename(&beside, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_used_with_its_own_files_only() {
        let folder = |folder: &str, database: &str| FolderId { folder: folder.into(), database: database.into() };
        let base = |folder: &str, database: &str, from: Option<&str>| DatabaseIdentity {
            folder: folder.into(),
            database: database.into(),
            copied_from: from.map(Into::into),
        };
        let known = BindingFacts { named: 2, named_and_there: 2, unknown: 0, used: true };
        let none = BindingFacts::default();
        let more = BindingFacts { unknown: 3, ..known };
        let elsewhere = BindingFacts { named_and_there: 0, ..known };
        let only_files = BindingFacts { unknown: 3, ..none };
        let (f, d) = (folder("f", "a"), base("f", "a", None));
        for (expected, f, d, facts) in [
            // Together, whatever became of the files.
            (Decision::Fine, Some(&f), Some(&d), more),
            (Decision::Fine, Some(&f), Some(&d), elsewhere),
            // New.
            (Decision::Introduce, None, None, none),
            (Decision::Introduce, Some(&f), None, none),
            (Decision::EmptyDatabase, None, None, only_files),
            (Decision::EmptyDatabase, Some(&f), None, only_files),
            // Made before there were numbers; it may have left files behind that nobody names.
            (Decision::Introduce, None, None, more),
            (Decision::Introduce, Some(&f), None, known),
            (Decision::OldCopy(3), Some(&f), None, more),
            // Copies.
            (Decision::Adopt, Some(&f), Some(&base("f", "b", Some("a"))), known),
            (Decision::Adopt, Some(&f), Some(&base("f", "b", Some("a"))), elsewhere),
            (Decision::OldCopy(3), Some(&f), Some(&base("f", "b", Some("a"))), more),
            (Decision::FormerDatabase, Some(&folder("f", "b")), Some(&d), known),
            (Decision::FormerDatabase, Some(&folder("f", "b")), Some(&base("f", "c", Some("a"))), known),
            // Other folders.
            (Decision::OtherFolder, Some(&f), Some(&base("g", "b", Some("a"))), known),
            (Decision::OtherFolder, None, Some(&d), elsewhere),
            (Decision::OtherFolder, None, Some(&d), more),
            (Decision::Adopt, None, Some(&d), known),
            (Decision::Adopt, None, Some(&d), none),
        ] {
            assert_eq!(decide(f, d, facts), expected, "{f:?} {d:?} {facts:?}");
        }
    }
}
