//! What the lake needs from outside: somebody who keeps the list of its files, in transactions.

use async_trait::async_trait;
use domain::{
    Result,
    changes::Touched,
    ports::{Appended, Notes, Progress, RefusedCounts, SourceId},
    time::{Day, Millis},
};

/// The lake's list of files. What it does not name does not exist.
#[async_trait]
pub trait Manifest: Notes {
    /// Grows with every commit, also of other processes, and whenever a source begins to fail or heals.
    ///
    /// # Errors
    /// `Unavailable` when the manifest cannot be read.
    async fn generation(&self) -> Result<i64>;
    /// All live files, in order of id.
    ///
    /// # Errors
    /// `Unavailable` when the manifest cannot be read.
    async fn files(&self) -> Result<Vec<LakeFile>>;
    /// What came about since a generation; `None` where that is not known any more, or never was.
    ///
    /// # Errors
    /// `Unavailable` when the manifest cannot be read.
    async fn since(&self, generation: i64) -> Result<Option<News>>;
    /// The index blobs of the given files.
    ///
    /// # Errors
    /// `Unavailable` when the manifest cannot be read.
    async fn indexes(&self, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>>;
    /// The last sequence number given out.
    ///
    /// # Errors
    /// `Unavailable` when the manifest cannot be read.
    async fn last_seq(&self) -> Result<i64>;
    /// Publishes and retires files, moves the sequence number, the counts of sources and how far
    /// they were read, all in one transaction.
    ///
    /// # Errors
    /// `Unavailable` when the manifest cannot be written, or when that is not certain: who needs to know reads it.
    async fn commit(&self, change: Change) -> Result<i64>;
    /// Sources whose last whole read failed, by name, with since when: files, those of the watched folder, and folders in it
    /// that cannot be read. Programs send and are never read, a pipe cannot be read again: they do not fail.
    ///
    /// # Errors
    /// `Unavailable` when the ledger cannot be read.
    async fn failing(&self) -> Result<Vec<(String, Millis)>>;
}

/// One Parquet file of the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeFile {
    pub id: i64,
    /// Path below the lake folder, with `/`.
    pub path: String,
    pub day: Day,
    pub rows: u64,
    pub bytes: u64,
    /// Oldest and newest timestamp.
    pub from: Millis,
    pub to: Millis,
    pub simulated: u64,
    /// Newest arrival.
    pub received: Millis,
}

/// How a manifest has moved on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    pub generation: i64,
    /// Files that were published and are live still, in order of id, and those that were retired.
    pub published: Vec<LakeFile>,
    pub retired: Vec<i64>,
    /// By commit.
    pub touched: Vec<Touched>,
}

/// A file to be published, and its index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    pub file: LakeFile,
    pub index: Vec<u8>,
}

/// One transaction of the lake.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub publish: Vec<NewFile>,
    pub retire: Vec<i64>,
    /// The new last sequence number, when rows were numbered.
    pub last_seq: Option<i64>,
    /// What sources delivered with it.
    pub deliveries: Vec<Delivery>,
    /// Forget everything that the demo delivered.
    pub forget_demo: bool,
    pub touched: Touched,
}

/// What one batch of a source came to.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    pub source: SourceId,
    pub at: Millis,
    pub appended: Appended,
    pub refused: RefusedCounts,
    pub newest: Option<Millis>,
    pub progress: Progress,
}
