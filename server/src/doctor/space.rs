//! Free space on the disk of the data folder, and what kind of file system it is.

use super::{
    finding::Finding,
    folder,
    system::{self, DiskSpace},
};
use crate::config::Settings;

/// Bytes below which the disk is nearly full, and full for practical purposes.
const WARN_FREE_BYTES: u64 = 1 << 30;
const MIN_FREE_BYTES: u64 = 100 << 20;
/// The same of files that can still be made.
const WARN_FREE_FILES: u64 = 10_000;
const MIN_FREE_FILES: u64 = 100;

pub fn checks(settings: &Settings) -> Vec<Finding> {
    let near = folder::nearest_existing_folder(&settings.data.folder);
    let mut found = match system::disk_space(&near) {
        Some(disk_space) => vec![bytes(disk_space)].into_iter().chain(disk_space.files.map(files)).collect(),
        None => vec![],
    };
    found.extend(system::file_system(&near).map(kind));
    found
}

fn bytes(disk_space: DiskSpace) -> Finding {
    const NAME: &str = "disk_space";
    let seen = format!("{} MB are free", disk_space.bytes >> 20);
    let cure =
        "Free some room, or choose a folder on another disk with --data or GF_DATA: a full disk refuses records.";
    match disk_space.bytes {
        n if n < MIN_FREE_BYTES => Finding::error(NAME, seen, cure),
        n if n < WARN_FREE_BYTES => Finding::warning(NAME, seen, cure),
        _ => Finding::ok(NAME, seen),
    }
}

fn files(free: u64) -> Finding {
    const NAME: &str = "inodes";
    let seen = format!("{free} more files can be made");
    let cure = "The file system has run out of inodes: delete small files, or choose a folder on another disk with --data or GF_DATA.";
    match free {
        n if n < MIN_FREE_FILES => Finding::error(NAME, seen, cure),
        n if n < WARN_FREE_FILES => Finding::warning(NAME, seen, cure),
        _ => Finding::ok(NAME, seen),
    }
}

/// By the number that Linux gives to a kind (statfs(2)).
fn kind(number: u32) -> Finding {
    const NAME: &str = "file_system";
    const LOCAL: &str =
        "Keep the data folder on a disk of this machine (--data or GF_DATA); the watched folder may be on a network.";
    let network = match number {
        0x0000_6969 => "NFS",
        0xFF53_4D42 | 0xFE53_4D42 | 0x0000_517B => "SMB (a Windows share)",
        0x0102_1997 => "9P (a folder of the machine around this virtual one)",
        0x00C3_6400 => "Ceph",
        0x6573_5546 => "FUSE (such as sshfs or an object store)",
        0x786F_4256 => "a shared folder of VirtualBox",
        0x5346_414F => "AFS",
        _ => "",
    };
    if !network.is_empty() {
        let seen = format!(
            "the data folder is on {network}: locks, syncing and the database's shared memory may not work there"
        );
        return Finding::warning(NAME, seen, LOCAL);
    }
    match number {
        0x794C_7630 => Finding::warning(
            NAME,
            "the data folder is on an overlay, the inside of a container: it goes away with the container",
            "Mount a volume into the container, and name it with --data or GF_DATA.",
        ),
        0x0102_1994 => Finding::warning(
            NAME,
            "the data folder is in memory (tmpfs): it goes away with the next start of the machine",
            LOCAL,
        ),
        _ => Finding::ok(NAME, "a disk of this machine"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus::{self, Error, Ok, Warning};

    #[test]
    fn room_is_judged_by_bytes_and_files() {
        let of = |n: u64| bytes(DiskSpace { bytes: n, files: None }).state;
        let found: [CheckStatus; 4] =
            [MIN_FREE_BYTES - 1, MIN_FREE_BYTES, WARN_FREE_BYTES - 1, WARN_FREE_BYTES].map(of);
        assert_eq!(found, [Error, Warning, Warning, Ok]);
        let found: [CheckStatus; 4] = [0, MIN_FREE_FILES, WARN_FREE_FILES - 1, WARN_FREE_FILES].map(|n| files(n).state);
        assert_eq!(found, [Error, Warning, Warning, Ok]);
    }

    #[test]
    fn what_is_no_disk_of_this_machine_is_said() {
        const EXT4: u32 = 0xEF53;
        assert_eq!(
            [0x6969, 0xFF53_4D42, 0x794C_7630, 0x0102_1994, EXT4].map(|n| kind(n).state),
            [Warning, Warning, Warning, Warning, Ok]
        );
    }
}
