//! One at a time does something to a model: within a process by turns, among the processes of a data folder by a lock of the operating
//! system, which dies with its process.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    error::{Error, Result},
    ports::{ModelLock, ModelLocks},
    registry::ModelName,
};
use sha2::{Digest, Sha256};
use tokio::{
    sync::OwnedMutexGuard,
    time::{Instant, sleep, timeout_at},
};

use crate::{local::blocking, sentences};

/// How often another process is asked whether it is done.
const LOOK: Duration = Duration::from_millis(10);

type Turn = tokio::sync::Mutex<()>;

/// Locks in a folder, a file a model. Files stay: deleting one that somebody opens just now would make two locks of it.
pub struct FolderLocks {
    folder: PathBuf,
    turns: Mutex<HashMap<ModelName, Weak<Turn>>>,
}

struct Held {
    _file: File,
    _turn: OwnedMutexGuard<()>,
}

impl ModelLock for Held {}

impl FolderLocks {
    /// The folder is made with the first lock.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), turns: Mutex::default() }
    }

    fn turn(&self, model: &ModelName) -> Arc<Turn> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(model).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Turn::new(()));
        turns.insert(model.clone(), Arc::downgrade(&turn));
        turn
    }

    /// Names are long, and may hold what no file is called.
    fn path(&self, model: &ModelName) -> PathBuf {
        let hash = Sha256::digest(model.as_str().as_bytes());
        let hex: String = hash.iter().take(16).map(|b| format!("{b:02x}")).collect();
        self.folder.join(format!("model-{hex}.lock"))
    }
}

#[expect(clippy::disallowed_methods, reason = "called on a blocking thread")]
fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

#[async_trait]
impl ModelLocks for FolderLocks {
    async fn lock(&self, model: &ModelName, most: Duration) -> Result<Option<Box<dyn ModelLock>>> {
        let until = Instant::now() + most;
        let Ok(turn) = timeout_at(until, self.turn(model).lock_owned()).await else { return Ok(None) };
        let path = self.path(model);
        let failed = |e: &std::io::Error| Error::unavailable(sentences::no_lock()).with_detail(e);
        let file = blocking(move || Ok(open(&path))).await?.map_err(|e| failed(&e))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Box::new(Held { _file: file, _turn: turn }))),
                Err(TryLockError::Error(e)) => return Err(failed(&e)),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => return Ok(None),
                Err(TryLockError::WouldBlock) => sleep(LOOK).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_two_who_lock_a_model_one_waits_and_another_model_is_free() {
        let folder = tempfile::tempdir().expect("a folder");
        // As two processes have them.
        let (ours, theirs) = (FolderLocks::new(folder.path()), FolderLocks::new(folder.path()));
        let name = |t: &str| ModelName::parse(t).expect("a name");
        let (a, b) = (name("a"), name("부산 모델"));
        let short = Duration::from_millis(30);
        let held = ours.lock(&a, short).await.expect("it can be asked").expect("it is free");
        assert!(ours.lock(&a, short).await.expect("it can be asked").is_none());
        assert!(theirs.lock(&a, short).await.expect("it can be asked").is_none());
        assert!(theirs.lock(&b, short).await.expect("it can be asked").is_some());
        drop(held);
        assert!(theirs.lock(&a, short).await.expect("it can be asked").is_some());
    }
}
