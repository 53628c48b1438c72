//! Objects as files below one folder.
#![expect(clippy::disallowed_methods, reason = "files are read and written here, on blocking threads")]

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use object_store::{ObjectStore, local::LocalFileSystem};
use tokio::runtime::Handle;

use super::{Lock, ObjectReader, ObjectStat, ObjectWriter, Objects};

/// The end of the name of a file that is being written. Its writer holds the system's lock on it.
const UNFINISHED_SUFFIX: &str = "tmp";

/// Objects as files below one folder. Names are paths below it.
#[derive(Debug, Clone)]
pub struct FolderObjects {
    root: Arc<Path>,
}

impl FolderObjects {
    /// The folder is made with the first object in it.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.into() }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let root = Arc::clone(&self.root);
        tokio::task::spawn_blocking(move || work(&root)).await?
    }

    async fn of<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let path = self.root.join(name);
        self.blocking(move |_| work(&path)).await
    }
}

#[async_trait]
impl Objects for FolderObjects {
    async fn create(&self, name: &str) -> io::Result<Box<dyn ObjectWriter>> {
        self.of(name, create).await
    }

    async fn get(&self, name: &str) -> io::Result<ObjectReader> {
        self.of(name, get).await
    }

    async fn stat(&self, name: &str) -> io::Result<ObjectStat> {
        self.of(name, stat_file).await
    }

    async fn list(&self, folder: &str) -> io::Result<Vec<(String, ObjectStat)>> {
        let folder = folder.to_owned();
        self.blocking(move |root| list(root, &folder)).await
    }

    fn create_blocking(&self, _: &Handle, name: &str) -> io::Result<Box<dyn ObjectWriter>> {
        create(&self.root.join(name))
    }

    fn get_blocking(&self, _: &Handle, name: &str) -> io::Result<ObjectReader> {
        get(&self.root.join(name))
    }

    fn stat_blocking(&self, _: &Handle, name: &str) -> io::Result<ObjectStat> {
        stat_file(&self.root.join(name))
    }

    fn list_blocking(&self, _: &Handle, folder: &str) -> io::Result<Vec<(String, ObjectStat)>> {
        list(&self.root, folder)
    }

    async fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let from = self.root.join(from);
        self.of(to, move |to| {
            make_folder_of(to)?;
            rename(&from, to)
        })
        .await
    }

    fn discard(&self, name: &str) {
        // One system call that waits for nothing.
        let _ = fs::remove_file(self.root.join(name));
    }

    async fn lock(&self, name: &str, wait: bool) -> io::Result<Option<Lock>> {
        self.of(name, move |path| {
            make_folder_of(path)?;
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
            if wait {
                file.lock()?;
            } else if file.try_lock().is_err() {
                return Ok(None);
            }
            Ok(Some(Box::new(file) as Lock))
        })
        .await
    }

    fn location(&self, name: &str) -> String {
        self.root.join(name).display().to_string()
    }

    async fn remove_leftovers(&self, folder: &str) {
        let folder = folder.to_owned();
        let swept = self.blocking(move |root| {
            let mut left = Vec::new();
            walk(root, &folder, 0, &mut |path, _| {
                left.extend(path.extension().is_some_and(|e| e == UNFINISHED_SUFFIX).then(|| path.to_owned()));
            })?;
            for path in left {
                let Ok(file) = File::open(&path) else { continue };
                // Its writer holds the lock.
                if file.try_lock().is_ok() {
                    tracing::info!(file = %path.display(), "removing what a crash left behind");
                    let _ = fs::remove_file(&path);
                }
            }
            Ok(())
        });
        if let Err(e) = swept.await {
            tracing::warn!(error = %e, "what a crash left behind stays");
        }
    }

    fn store(&self) -> Result<Arc<dyn ObjectStore>, String> {
        make_folder_of(&self.root.join("…")).map_err(|e| e.to_string())?;
        Ok(Arc::new(LocalFileSystem::new_with_prefix(&self.root).map_err(|e| e.to_string())?))
    }
}

/// A file that has not got its name yet.
struct PartialFile {
    /// Until it is finished.
    file: Option<File>,
    temporary: PathBuf,
    path: PathBuf,
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ObjectWriter for PartialFile {
    fn finish(mut self: Box<Self>) -> io::Result<u64> {
        let Some(file) = &self.file else { return Ok(0) };
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        rename(&self.temporary, &self.path)?;
        self.file = None;
        Ok(bytes)
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Makes the folder that a file is to lie in, durably.
fn make_folder_of(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|f| !f.exists()) {
        fs::create_dir_all(folder)?;
        if let Some(above) = folder.parent() {
            File::open(above)?.sync_all()?;
        }
    }
    Ok(())
}

/// Gives a file another name, durably.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn stat(m: &fs::Metadata) -> io::Result<ObjectStat> {
    Ok(ObjectStat { bytes: m.len(), changed: m.modified()? })
}

fn create(path: &Path) -> io::Result<Box<dyn ObjectWriter>> {
    make_folder_of(path)?;
    let temporary = path.with_extension(UNFINISHED_SUFFIX);
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?;
    // So that a sweep leaves it alone.
    file.lock()?;
    Ok(Box::new(PartialFile { file: Some(file), temporary, path: path.to_owned() }))
}

fn get(path: &Path) -> io::Result<ObjectReader> {
    Ok(ObjectReader::File(File::open(path)?))
}

fn stat_file(path: &Path) -> io::Result<ObjectStat> {
    stat(&fs::metadata(path)?)
}

/// Objects below a folder, whole ones.
fn list(root: &Path, folder: &str) -> io::Result<Vec<(String, ObjectStat)>> {
    let mut found = Vec::new();
    walk(root, folder, 0, &mut |path, name| {
        if path.extension().is_none_or(|e| e != UNFINISHED_SUFFIX) {
            // One that cannot be looked at, or is gone since the folder was read, is not there.
            found.extend(stat_file(path).ok().map(|stat| (name.to_owned(), stat)));
        }
    })?;
    Ok(found)
}

/// So deep do folders lie in one another: what is deeper is not ours, such as a link to a folder above.
const DEEPEST: usize = 4;

/// Calls with all files below a folder, and their names. A folder in it that cannot be read is passed over.
fn walk(root: &Path, folder: &str, depth: usize, each: &mut dyn FnMut(&Path, &str)) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(folder)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // What is not UTF-8 is not ours.
        let Ok(own) = entry.file_name().into_string() else { continue };
        let (path, name) = (entry.path(), format!("{folder}/{own}"));
        // Links are followed: a day may lie on another disk.
        match fs::metadata(&path) {
            Ok(m) if m.is_dir() && depth < DEEPEST => {
                if let Err(e) = walk(root, &name, depth + 1, each) {
                    tracing::debug!(folder = %path.display(), error = %e, "cannot be read");
                }
            }
            Ok(m) if m.is_file() => each(&path, &name),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}
