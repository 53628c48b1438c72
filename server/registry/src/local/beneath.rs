//! Files below one folder and nowhere else: no `..` and no symbolic link leads out of it.
#![expect(clippy::disallowed_methods, reason = "called on blocking threads only")]

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::{Component, Path, PathBuf},
};

/// A folder that is open, so that everything below it is found from there even when it is renamed meanwhile.
pub(crate) struct Beneath {
    /// Without symbolic links.
    path: PathBuf,
    #[cfg(target_os = "linux")]
    folder: File,
}

impl Beneath {
    /// # Errors
    /// When it is not there, not a folder or not readable.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let folder = File::open(&path)?;
        if !folder.metadata()?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            path,
            #[cfg(target_os = "linux")]
            folder,
        })
    }

    /// Without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A regular file. Links are followed as long as they stay below.
    ///
    /// # Errors
    /// `NotFound` when it is not there, leads out or is no regular file.
    pub fn file(&self, relative: &Path) -> io::Result<File> {
        if !relative.components().all(|c| matches!(c, Component::Normal(_))) {
            return Err(ErrorKind::NotFound.into());
        }
        let file = self.open_below(relative)?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(ErrorKind::NotFound.into()) }
    }

    /// A folder, without symbolic links, to be listed.
    ///
    /// # Errors
    /// `NotFound` when it is not there, leads out or is no folder.
    pub fn folder(&self, relative: &Path) -> io::Result<PathBuf> {
        let path = fs::canonicalize(self.path.join(relative))?;
        if path.starts_with(&self.path) && fs::symlink_metadata(&path)?.is_dir() {
            return Ok(path);
        }
        Err(ErrorKind::NotFound.into())
    }

    /// The whole of a small file: at most `most` bytes of it.
    ///
    /// # Errors
    /// As [`Beneath::file`], and when it cannot be read.
    pub fn read(&self, relative: &Path, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file(relative)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The kernel refuses whatever leads out, also when somebody swaps a folder for a link meanwhile.
    #[cfg(target_os = "linux")]
    fn open_below(&self, relative: &Path) -> io::Result<File> {
        use rustix::{
            fs::{Mode, OFlags, ResolveFlags},
            io::Errno,
        };
        // A pipe must not be waited for.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let below = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&self.folder, relative, flags, Mode::empty(), below) {
            Ok(file) => Ok(file.into()),
            // Kernels before 5.6, and sandboxes that do not know the call.
            Err(Errno::NOSYS | Errno::PERM) => self.open_checked(relative),
            Err(Errno::XDEV | Errno::LOOP) => Err(ErrorKind::NotFound.into()),
            Err(e) => Err(e.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn open_below(&self, relative: &Path) -> io::Result<File> {
        self.open_checked(relative)
    }

    /// Where the system has no such call: resolves the path first, and opens what it leads to.
    fn open_checked(&self, relative: &Path) -> io::Result<File> {
        let path = fs::canonicalize(self.path.join(relative))?;
        // Anything but a regular file could keep the opener waiting.
        if path.starts_with(&self.path) && fs::symlink_metadata(&path)?.is_file() {
            return File::open(path);
        }
        Err(ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn nothing_outside_is_opened() {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().join("root");
        fs::create_dir_all(root.join("a")).expect("a folder");
        fs::write(root.join("a/in.txt"), "in").expect("a file");
        fs::write(place.path().join("out.txt"), "out").expect("a file");
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, root.join(name)).expect("a link");
        link("a/in.txt", "near");
        link("../out.txt", "far");
        link("/etc", "etc");
        link("..", "up");
        let below = Beneath::open(&root).expect("a root");
        let read = |path: &str| below.read(Path::new(path), 100).ok();
        assert_eq!((read("a/in.txt"), read("near")), (Some(b"in".to_vec()), Some(b"in".to_vec())));
        for path in ["far", "../out.txt", "up/out.txt", "etc/passwd", "/etc/passwd", "a", "a/../a/in.txt", "none", ""] {
            assert_eq!(read(path), None, "{path}");
            let checked = below.open_checked(Path::new(path)).is_ok();
            assert!(!checked || path == "a/../a/in.txt", "{path}");
        }
        for (path, inside) in [("a", true), ("", true), ("etc", false), ("up", false), ("near", false)] {
            assert_eq!(below.folder(Path::new(path)).is_ok(), inside, "{path}");
        }
    }
}
