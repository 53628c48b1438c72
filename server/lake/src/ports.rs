//! What the lake needs from outside: somebody who keeps the list of its files, and how far those that it is fed from have been
//! taken, in transactions.

use async_trait::async_trait;
use domain::{
    Error, Result,
    changes::ChangeSet,
    ports::{AppendCounts, KeyValueStore, ReadPosition, ReadProgress, RefusedCounts, SourceId},
    time::{Day, Millis},
};
use serde::{Deserialize, Serialize};

/// The lake's list of files. What it does not name does not exist.
#[async_trait]
pub trait Manifest: KeyValueStore {
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
    async fn since(&self, generation: i64) -> Result<Option<ManifestUpdate>>;
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
    async fn commit(&self, change: ManifestCommit) -> Result<i64>;
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
pub struct ManifestUpdate {
    pub generation: i64,
    /// Files that were published and are live still, in order of id, and those that were retired.
    pub published: Vec<LakeFile>,
    pub retired: Vec<i64>,
    /// By commit.
    pub touched: Vec<ChangeSet>,
}

/// A file to be published, and its index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    pub file: LakeFile,
    pub index: Vec<u8>,
}

/// One transaction of the lake.
#[derive(Debug, Clone, Default)]
pub struct ManifestCommit {
    pub publish: Vec<NewFile>,
    pub retire: Vec<i64>,
    /// The new last sequence number, when rows were numbered.
    pub last_seq: Option<i64>,
    /// What sources delivered with it.
    pub deliveries: Vec<SourceDelivery>,
    /// Forget everything that the demo delivered.
    pub forget_demo: bool,
    pub touched: ChangeSet,
}

/// What one batch of a source came to.
#[derive(Debug, Clone, Default)]
pub struct SourceDelivery {
    pub source: SourceId,
    pub at: Millis,
    pub appended: AppendCounts,
    pub refused: RefusedCounts,
    pub newest: Option<Millis>,
    pub progress: ReadProgress,
}

/// How far the files of a watched folder have been taken. The positions themselves move with the rows, through
/// [`ReadProgress::position`]; here stands what has no rows.
#[async_trait]
pub trait FilePositionStore: Send + Sync {
    /// All positions known, in order of id; [`FilePosition::from_position`] reads them.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn positions(&self) -> Result<Vec<ReadPosition>>;
    /// Remembers positions as given, and forgets others, in one transaction.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be written; then nothing has changed.
    async fn keep(&self, positions: &[ReadPosition], forget: &[i64]) -> Result<()>;
}

/// The position in one file of a watched folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePosition {
    /// Given once; it stays with the file through changes of name.
    pub id: i64,
    /// Absolute path under which the file was seen last.
    pub path: String,
    pub device: u64,
    pub inode: u64,
    /// Where the next line begins, in bytes: behind the newline of the last whole line taken.
    pub offset: u64,
    /// Lines before `offset`.
    pub lines: u64,
    /// Bytes behind `offset` that were taken as a last line without a newline; it is read again when it grows.
    pub loose: u64,
    /// Hash of the first bytes, as many as were taken but at most 1,024.
    pub print: u64,
    /// Size and time of change when it was read last.
    pub size: u64,
    pub changed: Millis,
    /// Bytes of its file of refused rows.
    pub rejects: u64,
    /// Since when the file is gone.
    pub gone: Option<Millis>,
}

/// A file position as it is stored. Devices, inodes and hashes use all 64 bits, and are kept as signed numbers of the same bits:
/// databases know no others, also in their JSON.
#[derive(Serialize, Deserialize)]
struct StoredPosition {
    path: String,
    device: i64,
    inode: i64,
    offset: i64,
    lines: i64,
    loose: i64,
    print: i64,
    size: i64,
    changed: i64,
    rejects: i64,
    gone: Option<i64>,
}

impl FilePosition {
    /// The position as it is stored.
    ///
    /// # Errors
    /// None that could be named: text and numbers can be written.
    pub fn to_position(&self) -> Result<ReadPosition> {
        let state = StoredPosition {
            path: self.path.clone(),
            device: self.device.cast_signed(),
            inode: self.inode.cast_signed(),
            offset: self.offset.cast_signed(),
            lines: self.lines.cast_signed(),
            loose: self.loose.cast_signed(),
            print: self.print.cast_signed(),
            size: self.size.cast_signed(),
            changed: self.changed.0,
            rejects: self.rejects.cast_signed(),
            gone: self.gone.map(|m| m.0),
        };
        let state = serde_json::to_string(&state)
            .map_err(|e| Error::internal(crate::sentences::no_position()).with_detail(e))?;
        Ok(ReadPosition { id: self.id, state })
    }

    /// Reads a stored position.
    ///
    /// # Errors
    /// `Unavailable` when it was not written by [`FilePosition::to_position`].
    pub fn from_position(position: &ReadPosition) -> Result<Self> {
        let s: StoredPosition = serde_json::from_str(&position.state)
            .map_err(|e| Error::unavailable(crate::sentences::unread_position()).with_detail(e))?;
        Ok(Self {
            id: position.id,
            path: s.path,
            device: s.device.cast_unsigned(),
            inode: s.inode.cast_unsigned(),
            offset: s.offset.cast_unsigned(),
            lines: s.lines.cast_unsigned(),
            loose: s.loose.cast_unsigned(),
            print: s.print.cast_unsigned(),
            size: s.size.cast_unsigned(),
            changed: Millis(s.changed),
            rejects: s.rejects.cast_unsigned(),
            gone: s.gone.map(Millis),
        })
    }
}
