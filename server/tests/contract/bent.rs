//! A manifest that does what a test wants of it: fails before or behind a commit, cannot be read, or keeps its askers waiting.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use domain::{Error, Result, error::Sentence, ports::KeyValueStore, time::Millis};
use lake::ports::{LakeFile, Manifest, ManifestCommit, ManifestUpdate};
use store::StateStore;
use tokio::sync::RwLock;

#[derive(Default)]
pub struct Wish {
    /// Commits report an error and are none.
    pub fails_before: AtomicBool,
    /// Commits come about and report an error all the same.
    pub fails_behind: AtomicBool,
    /// From the next commit on, until this is taken back, nothing can be read or written.
    pub then_blind: AtomicBool,
    pub blind: AtomicBool,
    /// Who asks for the generation waits while somebody holds this for writing.
    pub gate: RwLock<()>,
    /// How often the generation was asked for.
    pub asked: AtomicUsize,
}

#[derive(Clone)]
pub struct Bent {
    inner: Arc<dyn StateStore>,
    pub wish: Arc<Wish>,
}

impl Bent {
    pub fn on(inner: Arc<dyn StateStore>) -> Self {
        Self { inner, wish: Arc::default() }
    }
    fn seen(&self) -> Result<()> {
        if self.wish.blind.load(SeqCst) {
            return Err(Error::unavailable(Sentence::only_english(
                "cannot read the manifest: the disk reported an error",
            )));
        }
        Ok(())
    }
}

#[async_trait]
impl Manifest for Bent {
    async fn generation(&self) -> Result<i64> {
        self.wish.asked.fetch_add(1, SeqCst);
        let _open = self.wish.gate.read().await;
        self.seen()?;
        self.inner.generation().await
    }
    async fn files(&self) -> Result<Vec<LakeFile>> {
        self.seen()?;
        self.inner.files().await
    }
    async fn since(&self, generation: i64) -> Result<Option<ManifestUpdate>> {
        self.seen()?;
        self.inner.since(generation).await
    }
    async fn indexes(&self, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>> {
        self.seen()?;
        self.inner.indexes(ids).await
    }
    async fn last_seq(&self) -> Result<i64> {
        self.seen()?;
        self.inner.last_seq().await
    }
    async fn commit(&self, change: ManifestCommit) -> Result<i64> {
        self.seen()?;
        let broken = Error::unavailable(Sentence::only_english("cannot write the manifest: the disk is full"));
        if self.wish.then_blind.load(SeqCst) {
            self.wish.blind.store(true, SeqCst);
        }
        if self.wish.fails_before.load(SeqCst) {
            return Err(broken);
        }
        let generation = self.inner.commit(change).await?;
        if self.wish.fails_behind.load(SeqCst) { Err(broken) } else { Ok(generation) }
    }
    async fn failing(&self) -> Result<Vec<(String, Millis)>> {
        self.seen()?;
        self.inner.failing().await
    }
}

#[async_trait]
impl KeyValueStore for Bent {
    async fn note(&self, key: &str) -> Result<Option<String>> {
        self.seen()?;
        self.inner.note(key).await
    }
    async fn set_value(&self, key: &str, value: Option<&str>) -> Result<()> {
        self.seen()?;
        self.inner.set_value(key, value).await
    }
}
