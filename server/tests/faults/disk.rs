//! Disks that are full or may not be written: a message that names the file, exit code 1, and nothing lost.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use serde_json::json;

use crate::{
    fleet::{self, Fleet},
    process::{Folder, Ran, Served, binary, clean, finish, run, text},
};

/// Runs an ingest whose files may not grow beyond so many kilobytes. With `trapped` the signal that comes with the limit is
/// ignored, so that the write fails as it does on a full disk; without, the process meets the signal as it is.
fn limited(folder: &Folder, path: &str, kilobytes: u32, trapped: bool) -> Ran {
    let trap = if trapped { "trap '' XFSZ; " } else { "" };
    let script = format!("{trap}ulimit -f {kilobytes}; exec \"$0\" ingest --data \"$1\" \"$2\"");
    let mut command = clean("bash");
    command.args(["-c", &script, binary(), &text(&folder.data()), path]);
    finish(command)
}

/// Rows of one day whose text does not compress: a lake file of several megabytes.
fn bulky(folder: &Folder) -> (String, u64) {
    let at = fleet::now() - 60_000;
    let mut x = 7_u64;
    let mut noise = || {
        let word = |_| {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{:08x}", x >> 32)
        };
        (0..40).map(word).collect::<String>()
    };
    let rows: Vec<_> = (0..20_000).map(|i| fleet::one(at - i * 1_000, json!({"note": noise()}))).collect();
    (folder.write("in/bulky.jsonl", fleet::jsonl(&rows)), rows.len() as u64)
}

#[track_caller]
fn told(ran: &Ran, named: &str) {
    assert_eq!(ran.code, Some(1), "it ended by a signal or with another code: {ran:?}");
    assert!(ran.stderr.contains(named), "{named} is not named: {ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
}

fn full_disk(trapped: bool) {
    let folder = Folder::new();
    let first = folder.write("in/first.jsonl", Fleet::new().jsonl());
    folder.ingest(&[&first]).fine();
    let (path, rows) = bulky(&folder);
    let ran = limited(&folder, &path, 1_024, trapped);
    println!("a full disk: {ran:?}");
    told(&ran, &text(&folder.data()));
    // What was in is still in, and with room again the repeat takes the rest.
    let data = text(&folder.data());
    let s =
        run(&["metrics", "summary", "--json", "--type", "all", "--customer", "acme", "--data", &data]).fine().json();
    assert_eq!(s["metrics"][0]["n"], 3 * fleet::SLOTS + fleet::SHADOWED);
    let again = folder.ingest(&[&path]).fine().json();
    assert_eq!((again["taken"].as_u64(), again["duplicate"].as_u64()), (Some(rows), Some(0)), "{again}");
}

#[test]
fn a_full_disk_is_told_with_the_file_and_nothing_is_lost() {
    full_disk(true);
}

#[test]
fn a_file_size_limit_does_not_end_the_process_silently() {
    full_disk(false);
}

#[test]
fn refused_rows_that_find_no_room_are_told() {
    let folder = Folder::new();
    let line = format!("nonsense {}\n", "x".repeat(90_000));
    let path = folder.write("in/bad.jsonl", line.repeat(40));
    // An empty database has room, the refused rows have none.
    let ran = limited(&folder, &path, 1_024, true);
    told(&ran, &text(&folder.data().join("rejected")));
}

/// A command as another user than root, with the binary where that user can read it.
pub fn nobody(folder: &Folder) -> std::process::Command {
    let own = folder.path("guardianflow");
    if !own.exists() && std::fs::hard_link(binary(), &own).is_err() {
        std::fs::copy(binary(), &own).unwrap();
    }
    let root = std::fs::metadata(folder.path("")).unwrap().uid() == 0;
    let mut command = if root {
        let mut c = clean("setpriv");
        c.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&own);
        c
    } else {
        clean(&own)
    };
    command.current_dir("/");
    command
}

fn as_nobody(folder: &Folder, args: &[&str]) -> Ran {
    let mut command = nobody(folder);
    command.args(args);
    finish(command)
}

pub fn mode(path: &std::path::Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_that_may_not_be_written_is_named() {
    let folder = Folder::new();
    mode(&folder.path(""), 0o755);
    let path = folder.write("in/fleet.jsonl", Fleet::new().jsonl());
    folder.ingest(&[&path]).fine();
    let more = folder.write("in/more.jsonl", fleet::jsonl(&[fleet::one(fleet::now(), json!({"customer": "late"}))]));
    let data = text(&folder.data());
    for dir in ["data", "data/lake"] {
        mode(&folder.path(dir), 0o555);
    }
    let fresh = text(&folder.path("data/new/data"));
    for args in [
        &["ingest", "--data", &data, &more][..],
        &["serve", "--addr", "127.0.0.1:0", "--data", &data],
        &["demo", "remove", "--data", &data],
        &["ingest", "--data", &fresh, &more],
        &["serve", "--addr", "127.0.0.1:0", "--data", &fresh],
        &["metrics", "export", "--data", &data, "--out", &text(&folder.path("data/out.parquet"))],
    ] {
        let ran = as_nobody(&folder, args);
        println!("{args:?}: {:?} {}", ran.code, ran.stderr);
        told(&ran, &data);
    }
    for dir in ["data", "data/lake"] {
        mode(&folder.path(dir), 0o755);
    }
    assert_eq!(folder.ingest(&[&more]).fine().json()["taken"], 1, "with the right again it goes on");
}

#[test]
fn a_file_that_may_not_be_read_is_named_and_the_others_are_taken() {
    let folder = Folder::new();
    for dir in ["", "in"] {
        std::fs::create_dir_all(folder.path(dir)).unwrap();
        mode(&folder.path(dir), 0o777);
    }
    let secret = folder.write("in/a.jsonl", "x");
    mode(std::path::Path::new(&secret), 0o000);
    let good = folder.write("in/b.jsonl", fleet::jsonl(&[fleet::one(fleet::now(), json!({}))]));
    mode(std::path::Path::new(&good), 0o644);
    let ran = as_nobody(&folder, &["ingest", "--json", "--data", &text(&folder.data()), &folder.text("in")]);
    told(&ran, &secret);
    assert_eq!(ran.json()["taken"], 1);
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let folder = Folder::new();
    let ran = run(&["serve", "--addr", &address, "--data", &text(&folder.data())]);
    told(&ran, &address);
    assert!(ran.stderr.contains("--addr") || ran.stderr.contains("GF_ADDR"), "it says what to do: {ran:?}");
    // Two servers on one folder are fine as long as each has a port of its own.
    let one = Served::start(&folder, &[]).await;
    let two = Served::start(&folder, &[]).await;
    assert_ne!(one.port, two.port);
}
