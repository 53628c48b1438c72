//! Facts from the operating system. `None` where it has none.

use std::path::Path;

/// Free space of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes that this user may still write.
    pub bytes: u64,
    /// Files that may still be made; `None` where they are not counted.
    pub files: Option<u64>,
}

#[cfg(unix)]
pub fn disk_space(path: &Path) -> Option<DiskSpace> {
    let found = rustix::fs::statvfs(path).ok()?;
    let bytes = found.f_bavail.saturating_mul(found.f_frsize);
    Some(DiskSpace { bytes, files: (found.f_files > 0).then_some(found.f_favail) })
}

/// The number by which the kernel knows a kind of file system.
#[cfg(target_os = "linux")]
pub fn file_system(path: &Path) -> Option<u32> {
    let found = rustix::fs::statfs(path).ok()?;
    // The numbers have 32 bits, in a field that is as wide as a word, signed or not.
    u32::try_from(i128::from(found.f_type) & 0xFFFF_FFFF).ok()
}

/// How many files this process may have open; `None` also when there is no limit.
#[cfg(unix)]
pub fn open_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Whether this user may write to a file or folder that is there.
#[cfg(unix)]
pub fn may_write(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
pub fn disk_space(_: &Path) -> Option<DiskSpace> {
    None
}

#[cfg(not(target_os = "linux"))]
pub fn file_system(_: &Path) -> Option<u32> {
    None
}

#[cfg(not(unix))]
pub fn open_files() -> Option<u64> {
    None
}

#[cfg(not(unix))]
pub fn may_write(_: &Path) -> bool {
    true
}
