//! Where the lake keeps what it writes: objects, each with a name such as `lake/day=2026-06-30/….parquet`, written once and never
//! changed. A port, so that this need not be a folder; what is in memory, and what is true, the manifest says.

mod folder;

use std::{fmt, fs::File, io, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use object_store::ObjectStore;
use parquet::{
    errors::Result as ParquetResult,
    file::reader::{ChunkReader, Length},
};
use tokio::runtime::Handle;

pub use self::folder::FolderObjects;

/// Objects by name. Names have `/` between their parts, and no part is empty, `.` or `..`.
#[async_trait]
pub trait Objects: fmt::Debug + Send + Sync {
    /// Begins an object. It is there, whole and durable, when it is finished; before that nobody sees it, and given up it leaves
    /// nothing behind but what is deleted later.
    ///
    /// # Errors
    /// What the storage says.
    async fn create(&self, name: &str) -> io::Result<Box<dyn ObjectWriter>>;
    /// An object to be read.
    ///
    /// # Errors
    /// What the storage says; `NotFound` where there is none.
    async fn get(&self, name: &str) -> io::Result<ObjectReader>;
    /// Size and time of an object, without reading it.
    ///
    /// # Errors
    /// As [`Objects::get`].
    async fn stat(&self, name: &str) -> io::Result<ObjectStat>;
    /// All objects whose names begin with a folder's, in no order; none where there is no such folder.
    ///
    /// # Errors
    /// What the storage says.
    async fn list(&self, folder: &str) -> io::Result<Vec<(String, ObjectStat)>>;
    /// [`Objects::create`] for a thread that may block. An adapter that needs no runtime for it does it on this very thread: one that
    /// waited there for another of the same pool could wait for ever.
    ///
    /// # Errors
    /// As there.
    fn create_blocking(&self, runtime: &Handle, name: &str) -> io::Result<Box<dyn ObjectWriter>>;
    /// [`Objects::get`] for a thread that may block.
    ///
    /// # Errors
    /// As there.
    fn get_blocking(&self, runtime: &Handle, name: &str) -> io::Result<ObjectReader>;
    /// [`Objects::stat`] for a thread that may block.
    ///
    /// # Errors
    /// As there.
    fn stat_blocking(&self, runtime: &Handle, name: &str) -> io::Result<ObjectStat>;
    /// [`Objects::list`] for a thread that may block.
    ///
    /// # Errors
    /// As there.
    fn list_blocking(&self, runtime: &Handle, folder: &str) -> io::Result<Vec<(String, ObjectStat)>>;
    /// Gives an object another name, durably.
    ///
    /// # Errors
    /// What the storage says.
    async fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Deletes an object that nobody needs any more, now or soon. One that stays is deleted when the lake is opened.
    fn discard(&self, name: &str);
    /// Takes a lock that ends with its holder, and with the process of that. `None` where another has it and it is not waited for.
    ///
    /// # Errors
    /// What the storage says.
    async fn lock(&self, name: &str, wait: bool) -> io::Result<Option<Lock>>;
    /// Where an object lies, for people.
    fn location(&self, name: &str) -> String;
    /// Removes what crashed processes left unfinished below a folder.
    async fn remove_leftovers(&self, folder: &str);
    /// The same objects for DataFusion, which reads parts of them.
    ///
    /// # Errors
    /// In words.
    fn store(&self) -> Result<Arc<dyn ObjectStore>, String>;
}

/// An object that is being written, from a thread that may block.
pub trait ObjectWriter: io::Write + Send {
    /// Makes it durable and gives it its name. Returns its size in bytes.
    ///
    /// # Errors
    /// What the storage says; then it is not there.
    fn finish(self: Box<Self>) -> io::Result<u64>;
}

/// Size of an object, and when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectStat {
    pub bytes: u64,
    pub changed: SystemTime,
}

/// Released when dropped.
pub type Lock = Box<dyn fmt::Debug + Send + Sync>;

/// An object as Parquet reads it: in parts. Another storage than a folder will have a variant of its own.
#[derive(Debug)]
pub enum ObjectReader {
    File(File),
}

impl ObjectReader {
    /// Reads all bytes once and keeps none: whatever is wrong behind this line is wrong with what they say.
    ///
    /// # Errors
    /// What the storage says.
    pub fn read_through(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink())?;
        let Self::File(file) = self;
        io::Seek::rewind(file)
    }
}

impl io::Read for ObjectReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Self::File(file) = self;
        file.read(into)
    }
}

impl Length for ObjectReader {
    fn len(&self) -> u64 {
        let Self::File(file) = self;
        file.len()
    }
}

impl ChunkReader for ObjectReader {
    type T = <File as ChunkReader>::T;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let Self::File(file) = self;
        file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<bytes::Bytes> {
        let Self::File(file) = self;
        file.get_bytes(start, length)
    }
}

/// [`Objects`] for threads that may block: where rows are decoded, sorted and written.
#[derive(Debug, Clone)]
pub struct BlockingObjects {
    objects: Arc<dyn Objects>,
    runtime: Handle,
}

impl BlockingObjects {
    /// Of the runtime that this is called in.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects, runtime: Handle::current() }
    }

    /// # Errors
    /// As [`Objects::create`].
    pub fn create(&self, name: &str) -> io::Result<Box<dyn ObjectWriter>> {
        self.objects.create_blocking(&self.runtime, name)
    }

    /// # Errors
    /// As [`Objects::get`].
    pub fn get(&self, name: &str) -> io::Result<ObjectReader> {
        self.objects.get_blocking(&self.runtime, name)
    }

    /// # Errors
    /// As [`Objects::stat`].
    pub fn stat(&self, name: &str) -> io::Result<ObjectStat> {
        self.objects.stat_blocking(&self.runtime, name)
    }

    /// # Errors
    /// As [`Objects::list`].
    pub fn list(&self, folder: &str) -> io::Result<Vec<(String, ObjectStat)>> {
        self.objects.list_blocking(&self.runtime, folder)
    }

    /// As [`Objects::discard`].
    pub fn discard(&self, name: &str) {
        self.objects.discard(name);
    }

    /// As [`Objects::location`].
    pub fn location(&self, name: &str) -> String {
        self.objects.location(name)
    }
}
