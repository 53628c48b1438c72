//! The data folder: whether it is there, and whether it does what the lake and the database need of it.
#![expect(clippy::disallowed_methods, reason = "a blocking thread of a command that serves nobody")]

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use domain::{error::Sentence, ports::Clock, time::Millis};

use super::{finding::Finding, system};
use crate::{config::Settings, startup::SystemClock};

const ELSEWHERE: &str = "Choose a folder on a disk of this machine with --data or GF_DATA.";
/// How far the clock of a file system may be from the machine's, in milliseconds.
const MAX_CLOCK_DIFFERENCE_MS: i64 = 5_000;

pub fn checks(settings: &Settings) -> Vec<Finding> {
    let folder = &settings.data.folder;
    let exists = match fs::metadata(folder) {
        Ok(m) if m.is_dir() => true,
        Ok(_) => {
            let seen = format!("{} is a file", folder.display());
            return vec![Finding::error(
                "data_folder",
                seen,
                "Name a folder with --data or GF_DATA, or move the file away.",
            )];
        }
        Err(e) if e.kind() == ErrorKind::NotFound => false,
        Err(e) => {
            let seen = format!("{} cannot be looked at: {}", folder.display(), Sentence::from_io(&e));
            return vec![Finding::error("data_folder", seen, format!("Look at the folders above it. {ELSEWHERE}"))];
        }
    };
    let near = nearest_existing_folder(folder);
    let absent = if exists { "" } else { " is not there yet; the server makes it" };
    let mut found = vec![Finding::ok("data_folder", format!("{}{absent}", folder.display()))];
    match probe(&near) {
        Ok(probe) => {
            found.push(Finding::ok(
                "writing",
                format!("files in {} can be written, synced, renamed and deleted", near.display()),
            ));
            found.push(locks(&near, probe.locks));
            found.extend(probe.made.map(|made| file_clock(made, SystemClock.now())));
        }
        Err((step, e)) => found.push(writing(&near, step, &e)),
    }
    if exists {
        found.push(entries(folder));
    }
    found
}

/// The folder itself, or the first above it that is there.
pub fn nearest_existing_folder(folder: &Path) -> PathBuf {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    whole.ancestors().find(|a| a.is_dir()).unwrap_or(&whole).to_owned()
}

struct Probe {
    locks: Locks,
    /// When the file system says that a file was written just now.
    made: Option<Millis>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Locks {
    Exclude,
    /// A second holder was let in.
    Ignored,
    Unsupported,
}

/// Does in a folder what the lake does, in a hidden folder that is gone afterwards. The error names the step that failed.
fn probe(folder: &Path) -> Result<Probe, (&'static str, io::Error)> {
    let made = tempfile::Builder::new().prefix(".guardianflow-doctor-").tempdir_in(folder);
    let own = made.map_err(|e| ("make a folder", e))?;
    let (first, second) = (own.path().join("probe.tmp"), own.path().join("probe"));
    let open = || OpenOptions::new().create(true).truncate(false).write(true).open(&first);
    let mut file = open().map_err(|e| ("make a file", e))?;
    file.write_all(b"guardianflow doctor\n").map_err(|e| ("write", e))?;
    file.sync_all().map_err(|e| ("sync a file to the disk", e))?;
    let made = file.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    let locks = match (file.try_lock(), open().map(|second| second.try_lock())) {
        (Ok(()), Ok(Err(TryLockError::WouldBlock))) => Locks::Exclude,
        (Ok(()), Ok(Ok(()))) => Locks::Ignored,
        _ => Locks::Unsupported,
    };
    drop(file);
    fs::rename(&first, &second).map_err(|e| ("rename a file", e))?;
    File::open(own.path()).and_then(|f| f.sync_all()).map_err(|e| ("sync a folder to the disk", e))?;
    own.close().map_err(|e| ("delete", e))?;
    Ok(Probe { locks, made: made.and_then(|d| i64::try_from(d.as_millis()).ok()).map(Millis) })
}

fn writing(folder: &Path, step: &str, e: &io::Error) -> Finding {
    let cure = match e.kind() {
        ErrorKind::PermissionDenied => {
            format!("Give the folder to the user that runs the server (chown, chmod). Or: {ELSEWHERE}")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => format!("Free some room. Or: {ELSEWHERE}"),
        ErrorKind::ReadOnlyFilesystem => format!("Mount it for writing. Or: {ELSEWHERE}"),
        _ => ELSEWHERE.to_owned(),
    };
    Finding::error("writing", format!("cannot {step} in {}: {}", folder.display(), Sentence::from_io(e)), cure)
}

fn locks(folder: &Path, locks: Locks) -> Finding {
    let seen = match locks {
        Locks::Exclude => return Finding::ok("locks", "one holder keeps others out"),
        Locks::Ignored => {
            format!("{} lets two hold the same lock: two processes could write at once", folder.display())
        }
        Locks::Unsupported => format!("{} has no file locks", folder.display()),
    };
    Finding::error("locks", seen, ELSEWHERE)
}

/// Files that a server has left there and that this user may not write, as after a start as root.
fn entries(folder: &Path) -> Finding {
    const NAME: &str = "own_files";
    let all = match fs::read_dir(folder) {
        Ok(all) => all,
        Err(e) => {
            let seen = format!("{} cannot be listed: {}", folder.display(), Sentence::from_io(&e));
            return Finding::error(NAME, seen, "Give the folder to the user that runs the server (chown, chmod).");
        }
    };
    let all: Vec<PathBuf> = all.flatten().map(|e| e.path()).collect();
    // What people write, and what is hidden, is theirs.
    let ours = |p: &&PathBuf| {
        p.extension().is_none_or(|e| e != "yaml")
            && !p.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."))
    };
    match all.iter().filter(ours).find(|p| !system::may_write(p)) {
        None => Finding::ok(NAME, "what lies in the data folder can be written to"),
        Some(p) => Finding::error(
            NAME,
            format!("{} cannot be written to by this user", p.display()),
            format!("Give all of it to the user that runs the server: chown -R USER {}", folder.display()),
        ),
    }
}

fn file_clock(made: Millis, now: Millis) -> Finding {
    let apart = made.0 - now.0;
    if apart.abs() <= MAX_CLOCK_DIFFERENCE_MS {
        return Finding::ok("file_clock", "files are dated by the same clock as records");
    }
    let way = if apart > 0 { "ahead of" } else { "behind" };
    Finding::warning(
        "file_clock",
        format!("the clock of the file system is {} seconds {way} that of this machine", apart.abs() / 1_000),
        "Set both clocks by NTP: which files hold still, and which have changed, is judged by their dates.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus;

    #[test]
    fn a_probe_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let probed = probe(folder.path()).map_err(|(step, e)| format!("{step}: {e}")).expect("a good disk");
        assert_eq!((probed.locks, probed.made.is_some()), (Locks::Exclude, true));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
        assert!(probe(&folder.path().join("absent")).is_err());
        assert_eq!(nearest_existing_folder(&folder.path().join("a/b")), folder.path());
    }

    #[test]
    fn each_reason_has_its_cure() {
        let cure = |kind: ErrorKind| writing(Path::new("/x"), "write", &kind.into()).cure.unwrap_or_default();
        assert!(cure(ErrorKind::PermissionDenied).contains("chown"));
        assert!(cure(ErrorKind::StorageFull).contains("room"));
        assert!(cure(ErrorKind::ReadOnlyFilesystem).contains("Mount"));
        assert!(cure(ErrorKind::Other).contains("GF_DATA"));
        assert_eq!(locks(Path::new("/x"), Locks::Ignored).state, CheckStatus::Error);
        assert_eq!(locks(Path::new("/x"), Locks::Unsupported).state, CheckStatus::Error);
    }

    #[test]
    fn clocks_may_be_a_little_apart() {
        let state = |apart| file_clock(Millis(1_000_000 + apart), Millis(1_000_000)).state;
        assert_eq!(
            [state(0), state(MAX_CLOCK_DIFFERENCE_MS), state(-MAX_CLOCK_DIFFERENCE_MS - 1), state(60_000)],
            [CheckStatus::Ok, CheckStatus::Ok, CheckStatus::Warning, CheckStatus::Warning]
        );
    }
}
