//! Files that people write: read, checked, watched.

use domain::time::Millis;

use super::*;

#[derive(Debug)]
struct Now(std::sync::atomic::AtomicI64);

impl Clock for Now {
    fn now(&self) -> Millis {
        Millis(self.0.fetch_add(1_000, std::sync::atomic::Ordering::SeqCst))
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }
    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(self.0.path().join("places.yaml"), text).expect("a file");
    }
    fn file(&self, named: bool) -> File {
        File::new(DeclarationFile::Places, self.0.path().join("places.yaml"), named)
    }
}

fn clock() -> Now {
    Now(0.into())
}

/// As many looks as a change needs to be taken.
fn settle(file: &mut File, clock: &Now) -> bool {
    let [first, second] = [(); 2].map(|()| file.look(clock, false));
    first || second
}

const GOOD: &str = "customers:\n  acme: {}\n";

#[test]
fn names_have_the_spelling_of_stored_records_however_they_are_written() {
    let written = |name: &str| text_of(format!("customers:\n  {name}: {{}}\n").into_bytes()).expect("a text");
    assert_eq!(written("Gr\u{f6}\u{df}e"), written("Gro\u{308}\u{df}e"));
}

#[test]
fn a_change_is_taken_once_it_holds_still() {
    let (folder, clock) = (Folder::new(), clock());
    let mut file = folder.file(false);
    assert!(!file.look(&clock, true), "nothing is there, and nothing was");
    folder.write(GOOD);
    assert!(!file.look(&clock, false), "it may still be written to");
    assert!(file.look(&clock, false));
    assert_eq!((file.content.len(), file.state.entries), (1, 1));
    assert!(!settle(&mut file, &clock), "the same content is no change");
    fs::remove_file(folder.0.path().join("places.yaml")).expect("gone");
    assert!(settle(&mut file, &clock), "whoever takes the file away takes back what it says");
    assert_eq!((file.content.len(), file.state.read), (0, None));
}

#[test]
fn a_change_of_equal_length_is_noticed() {
    let (folder, clock) = (Folder::new(), clock());
    folder.write(GOOD);
    let mut file = folder.file(false);
    assert!(file.look(&clock, true));
    // Within the same tick of the file system's clock.
    let changed = fs::metadata(&file.path).and_then(|m| m.modified()).expect("a time");
    folder.write(GOOD.replace("acme", "acne"));
    fs::File::options().write(true).open(&file.path).and_then(|f| f.set_modified(changed)).expect("a time");
    assert!(settle(&mut file, &clock));
}

#[test]
fn a_faulty_change_keeps_what_was_in_force_and_is_said_with_its_line() {
    let (folder, clock) = (Folder::new(), clock());
    folder.write(GOOD);
    let mut file = folder.file(true);
    file.look(&clock, true);
    let read = file.state.read;
    folder.write("customers:\n  acme: {}\n  beta: {cadence: soon}\n");
    assert!(!settle(&mut file, &clock));
    let fault = file.state.fault.clone().expect("a fault");
    assert_eq!((fault.line, file.content.len(), file.state.read), (Some(3), 1, read));
    assert!(fault.reason.en.contains("“soon” is no cadence"));
    // Another fault is no news about since when.
    folder.write("customers:\n  acme: 5\n");
    settle(&mut file, &clock);
    assert_eq!(file.state.fault.as_ref().map(|f| (f.line, f.since)), Some((Some(2), fault.since)));
    folder.write(GOOD);
    assert!(!settle(&mut file, &clock), "what is in force is the same as before");
    assert_eq!((file.state.fault.clone(), file.content.len()), (None, 1));
}

#[test]
fn a_file_that_cannot_be_used_is_said_whatever_is_wrong() {
    let (folder, clock) = (Folder::new(), clock());
    folder.write(b"customers:\n  a: {}\n  \xff: {}\n");
    let mut file = folder.file(false);
    assert!(!file.look(&clock, true));
    let said = |file: &File| file.state.fault.as_ref().map(|f| (f.line, f.reason.en.clone())).expect("a fault");
    assert_eq!(said(&file), (Some(3), "it is not UTF-8".into()));
    folder.write(vec![b'#'; MAX_FILE_BYTES as usize + 1]);
    settle(&mut file, &clock);
    assert_eq!(said(&file), (None, "it is larger than 4 MiB".into()));
    fs::remove_file(&file.path).and_then(|()| fs::create_dir(&file.path)).expect("a folder in its place");
    settle(&mut file, &clock);
    assert_eq!(said(&file).0, None);
    let mut named = folder.file(true);
    fs::remove_dir(&named.path).expect("gone");
    named.look(&clock, true);
    assert_eq!(said(&named), (None, "it is not there".into()), "one that was named should be there");
}
