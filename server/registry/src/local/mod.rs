//! What a folder `mlruns` and a file `mlflow.db` have in common: which of the two a path is, and files below a folder.

pub(crate) mod artifacts;
pub(crate) mod beneath;
pub(crate) mod yaml;
pub(crate) mod sentences {
    include!(concat!(env!("OUT_DIR"), "/local/sentences.rs"));
}

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use domain::{
    error::{Error, Result},
    ports::TrackingStore,
};

use crate::{database::DatabaseStore, folder::FolderStore};

/// How long a disk may take for one call.
const LONGEST_READ: Duration = Duration::from_secs(60);

/// With which a file of SQLite begins.
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Opens what `GF_MLRUNS` names: a database file, a folder as MLflow's file store writes it, or a folder that holds an `mlflow.db`
/// or an `mlruns`. What is not there yet is told by its name, and read when it comes.
///
/// # Errors
/// `Unavailable` when the path names a file that is no database of SQLite.
pub fn embedded_store(path: &Path) -> Result<Arc<dyn TrackingStore>> {
    let (path, is_database) = find_store(path);
    Ok(if is_database { Arc::new(DatabaseStore::open(&path)?) } else { Arc::new(FolderStore::open(&path)?) })
}

/// The path of the store that is meant, and whether it is a database.
#[expect(clippy::disallowed_methods, reason = "one look, before the server serves anybody")]
fn find_store(path: &Path) -> (PathBuf, bool) {
    let has_database_name = path.extension().is_some_and(|e| e == "db" || e == "sqlite" || e == "sqlite3");
    match std::fs::metadata(path) {
        Ok(seen) if seen.is_dir() => {
            let (database, folder) = (path.join("mlflow.db"), path.join("mlruns"));
            if is_sqlite(&database) {
                (database, true)
            } else if std::fs::metadata(&folder).is_ok_and(|f| f.is_dir()) {
                (folder, false)
            } else {
                (path.to_owned(), false)
            }
        }
        Ok(_) => (path.to_owned(), true),
        Err(_) => (path.to_owned(), has_database_name),
    }
}

/// Whether a file begins as files of SQLite do.
#[expect(clippy::disallowed_methods, reason = "one look, before the server serves anybody or on a blocking thread")]
pub(crate) fn is_sqlite(path: &Path) -> bool {
    let mut start = [0; SQLITE_MAGIC.len()];
    let read = std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut start));
    read.is_ok() && start == *SQLITE_MAGIC
}

/// Runs on a blocking thread what waits for a disk.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::time::timeout(LONGEST_READ, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(e)) => Err(Error::internal(sentences::reading_broke_off()).with_detail(e)),
        Err(_) => Err(Error::unavailable(sentences::disk_silent(LONGEST_READ.as_secs()))),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests wait for their own files")]
mod tests {
    use domain::ports::TrackingKind;

    use super::*;

    #[test]
    fn a_path_tells_which_store_it_is() {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path();
        let kind =
            |path: &str| embedded_store(&root.join(path)).map(|store| (store.kind(), store.address().to_owned()));
        let is = |path: &str, kind| Ok((kind, root.join(path).display().to_string()));
        assert_eq!(kind("none/mlruns"), is("none/mlruns", TrackingKind::Folder));
        assert_eq!(kind("none/mlflow.db"), is("none/mlflow.db", TrackingKind::Database));
        std::fs::create_dir_all(root.join("project/mlruns")).expect("a folder");
        assert_eq!(kind("project"), is("project/mlruns", TrackingKind::Folder));
        assert_eq!(kind("project/mlruns"), is("project/mlruns", TrackingKind::Folder));
        std::fs::write(root.join("project/mlflow.db"), [SQLITE_MAGIC.as_slice(), &[0; 84]].concat()).expect("a file");
        assert_eq!(kind("project"), is("project/mlflow.db", TrackingKind::Database));
        std::fs::write(root.join("text"), "no database").expect("a file");
        assert!(kind("text").is_err_and(|e| e.message.ko.is_some()));
    }
}
