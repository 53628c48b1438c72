//! A watched folder and everything that happens to files in it: half lines, rotation, truncation, replacement, damage. Every
//! line is taken once, whatever was done to its file.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    disk::{mode, nobody},
    fleet,
    process::{Folder, Served, text},
};

/// Patience for what should take half a second: other tests share the machine.
const SOON: Duration = Duration::from_secs(8);

/// A folder that is watched by a server.
pub struct Watched {
    pub folder: Folder,
    pub served: Served,
}

/// What the ledger says of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    pub taken: u64,
    pub duplicate: u64,
    pub corrected: u64,
    pub refused: u64,
    pub reasons: String,
    pub error: String,
}

impl Watched {
    pub async fn start() -> Self {
        Self::start_in(Folder::new()).await
    }

    pub async fn start_in(folder: Folder) -> Self {
        fs::create_dir(folder.path("in")).unwrap();
        let served = Self::serve(&folder).await;
        Self { folder, served }
    }

    pub async fn serve(folder: &Folder) -> Served {
        Served::start(folder, &[("GF_INGEST_DIR", &folder.text("in"))]).await
    }

    /// Appends to a file, as runners do.
    pub fn append(&self, name: &str, bytes: impl AsRef<[u8]>) {
        append(&self.folder, name, bytes);
    }

    pub async fn book(&self, name: &str) -> Book {
        let (_, csv) = self.served.page("/export/sources.csv").await;
        let name = format!("folder,{},", self.folder.text(name));
        let Some(row) = csv.lines().find_map(|l| l.strip_prefix(&name)) else { return Book::default() };
        let cells: Vec<&str> = row.split(',').collect();
        let number = |i: usize| cells[i].parse().unwrap();
        Book {
            taken: number(3),
            duplicate: number(4),
            corrected: number(5),
            refused: number(7),
            reasons: cells[8].into(),
            error: cells[10..].join(","),
        }
    }

    /// Waits until a source's book is as wanted, and sees that it stays so.
    #[track_caller]
    pub fn settles(&self, name: &str, wanted: [u64; 4]) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let begun = Instant::now();
            let numbers = |b: &Book| [b.taken, b.duplicate, b.corrected, b.refused];
            loop {
                let book = self.book(name).await;
                if numbers(&book) == wanted {
                    break;
                }
                assert!(begun.elapsed() < SOON, "{at}: {name} has {book:?}, not {wanted:?}\n{}", self.served.log());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            tokio::time::sleep(Duration::from_millis(700)).await;
            let book = self.book(name).await;
            assert_eq!(numbers(&book), wanted, "{at}: {name} did not stay as it was: {book:?}");
        }
    }

    pub async fn n(&self) -> u64 {
        let s = self.served.json("/api/metrics/summary?type=all&days=30").await;
        let metrics = s["metrics"].as_array().unwrap();
        metrics.iter().find(|m| m["metric"] == "mAP50").map_or(0, |m| m["n"].as_u64().unwrap())
    }
}

pub fn append(folder: &Folder, name: &str, bytes: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.path(name)).unwrap();
    file.write_all(bytes.as_ref()).unwrap();
}

pub fn row(run: &str, i: i64) -> Value {
    fleet::one(fleet::now() / 1_000_000 * 1_000_000 - 60_000 - i * 1_000, json!({"run_id": run}))
}

pub fn rows(run: &str, range: std::ops::Range<i64>) -> String {
    fleet::jsonl(&range.map(|i| row(run, i)).collect::<Vec<_>>())
}

const FILE: &str = "in/metrics_2026-06-30.jsonl";

#[tokio::test]
async fn what_is_appended_is_there_within_a_second_and_never_half_a_line() {
    let w = Watched::start().await;
    for i in 0..5 {
        w.append(FILE, rows("a", i..i + 1));
        let begun = Instant::now();
        while w.n().await != i as u64 + 1 {
            assert!(begun.elapsed() < Duration::from_secs(2), "{i} after {:?}", begun.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let line = rows("half", 0..1);
    let (first, second) = line.split_at(line.len() / 2);
    w.append(FILE, first);
    w.settles(FILE, [5, 0, 0, 0]).await;
    w.append(FILE, second);
    w.settles(FILE, [6, 0, 0, 0]).await;
    // In a folder of the folder, under another name; deeper and hidden files are not ours.
    fs::create_dir_all(w.folder.path("in/sub/deep")).unwrap();
    w.append("in/sub/x.ndjson", rows("b", 0..3).replace('\n', "\r\n"));
    for other in ["in/sub/deep/x.jsonl", "in/.x.jsonl", "in/x.json", "in/x.jsonl.tmp"] {
        w.append(other, rows(other, 0..1));
    }
    w.settles("in/sub/x.ndjson", [3, 0, 0, 0]).await;
    assert_eq!(w.n().await, 9);
    assert_eq!(w.folder.rejected(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_last_line_without_newline_is_taken_when_the_file_is_quiet() {
    let w = Watched::start().await;
    let line = rows("a", 1..2);
    w.append(FILE, rows("a", 0..1) + line.trim_end());
    w.settles(FILE, [1, 0, 0, 0]).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    w.settles(FILE, [2, 0, 0, 0]).await;
    // Its newline says nothing new, and the lines after it are taken.
    w.append(FILE, "\n");
    w.append(FILE, rows("a", 2..4));
    w.settles(FILE, [4, 0, 0, 0]).await;
    // One that goes on later is read again from its start.
    w.append(FILE, rows("a", 4..5).trim_end());
    tokio::time::sleep(Duration::from_secs(5)).await;
    w.settles(FILE, [5, 0, 0, 0]).await;
    w.append(FILE, " and more\n");
    w.settles(FILE, [5, 0, 0, 1]).await;
    // Half an object is never taken, however long it lies there.
    w.append(FILE, &rows("a", 6..7)[..30]);
    tokio::time::sleep(Duration::from_secs(6)).await;
    w.settles(FILE, [5, 0, 0, 1]).await;
    assert_eq!(w.folder.rejected().len(), 1);
    assert_eq!(w.folder.rejected()[0]["line"], 5);
}

#[tokio::test]
async fn a_file_that_was_rotated_is_read_to_its_end_and_its_successor_from_its_beginning() {
    let w = Watched::start().await;
    w.append(FILE, rows("a", 0..10));
    w.settles(FILE, [10, 0, 0, 0]).await;
    // What comes just before the change of name has not been read when it comes.
    w.append(FILE, rows("a", 10..13) + "nonsense\n");
    let rotated = format!("{FILE}.1");
    fs::rename(w.folder.path(FILE), w.folder.path(&rotated)).unwrap();
    w.append(FILE, rows("b", 0..4));
    // A runner that has the old file open still writes to it.
    w.append(&rotated, rows("a", 13..15));
    let begun = Instant::now();
    while w.n().await != 19 {
        assert!(begun.elapsed() < SOON, "{} of 19: {:?}\n{}", w.n().await, w.book(&rotated).await, w.served.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (old, new) = (w.book(&rotated).await, w.book(FILE).await);
    assert_eq!((old.taken + new.taken, old.duplicate + new.duplicate, old.refused + new.refused), (19, 0, 1));
    assert_eq!(w.folder.rejected()[0]["line"], 14);
    // Once more, through the names that logrotate gives.
    w.append(FILE, rows("b", 4..6));
    fs::rename(w.folder.path(&rotated), w.folder.path(&format!("{FILE}.2"))).unwrap();
    fs::rename(w.folder.path(FILE), w.folder.path(&rotated)).unwrap();
    w.append(FILE, rows("c", 0..1));
    let begun = Instant::now();
    while w.n().await != 22 {
        assert!(begun.elapsed() < SOON, "{} of 22", w.n().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (_, csv) = w.served.page("/export/sources.csv").await;
    let duplicates: u64 = csv.lines().skip(1).map(|l| l.split(',').nth(6).unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(duplicates, 0, "nothing was read twice: {csv}");
}

#[tokio::test]
async fn a_file_that_is_cut_off_or_replaced_is_read_from_its_beginning() {
    let w = Watched::start().await;
    w.append(FILE, rows("a", 0..10) + "nonsense\n");
    w.settles(FILE, [10, 0, 0, 1]).await;
    // Copied and cut off, as logrotate's copytruncate does; the copy is not a file of ours.
    fs::copy(w.folder.path(FILE), w.folder.path("in/copy.1")).unwrap();
    OpenOptions::new().write(true).open(w.folder.path(FILE)).unwrap().set_len(0).unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    w.append(FILE, rows("b", 0..3));
    w.settles(FILE, [13, 0, 0, 0]).await;
    assert_eq!(w.folder.rejected(), Vec::<Value>::new(), "what was refused is not in the file any more");
    // Cut off and longer again before anybody looked: other content in the same file.
    fs::write(w.folder.path(FILE), rows("c", 0..20)).unwrap();
    w.settles(FILE, [33, 0, 0, 0]).await;
    // Another file under the same name, with the same beginning and more.
    fs::write(w.folder.path("in/new"), rows("c", 0..25)).unwrap();
    fs::rename(w.folder.path("in/new"), w.folder.path(FILE)).unwrap();
    w.settles(FILE, [38, 20, 0, 0]).await;
    // Deleted, and begun again.
    fs::remove_file(w.folder.path(FILE)).unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    w.append(FILE, rows("d", 0..2));
    w.settles(FILE, [40, 0, 0, 0]).await;
    assert_eq!(w.n().await, 40);
}

#[tokio::test]
async fn bad_lines_are_put_aside_with_their_numbers_across_looks_and_restarts() {
    let w = Watched::start().await;
    w.append(FILE, rows("a", 0..2) + "bad 3\n\n" + &rows("a", 2..3));
    w.settles(FILE, [3, 0, 0, 1]).await;
    w.append(FILE, b"\xff\xfe bad 6\n");
    w.append(FILE, rows("a", 3..4));
    w.settles(FILE, [4, 0, 0, 2]).await;
    let huge = fleet::one(fleet::now(), json!({"note": "x".repeat(10 << 20)}));
    let line = format!("{huge}\n");
    // Slowly, so that the line is seen while it grows.
    for part in line.as_bytes().chunks(4 << 20) {
        w.append(FILE, part);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    w.append(FILE, rows("a", 4..5));
    w.settles(FILE, [5, 0, 0, 3]).await;
    let Watched { folder, served } = w;
    served.kill();
    // As if the server had died between putting a row aside and the commit that counts it.
    let rejected = fs::read_dir(folder.data().join("rejected")).unwrap().next().unwrap().unwrap().path();
    let mut file = OpenOptions::new().append(true).open(&rejected).unwrap();
    file.write_all(b"{\"file\":\"x\",\"line\":10}\n").unwrap();
    append(&folder, FILE, rows("a", 5..6) + "bad 11\n");
    let w = Watched { served: Watched::serve(&folder).await, folder };
    w.settles(FILE, [6, 0, 0, 4]).await;
    let rejected = w.folder.rejected();
    let told: Vec<_> = rejected.iter().map(|r| (r["line"].as_u64().unwrap(), r["reason"].as_str().unwrap())).collect();
    assert_eq!(told, [(3, "invalid_json"), (6, "invalid_utf8"), (8, "too_long"), (11, "invalid_json")]);
    assert!(rejected[2]["row"].as_str().unwrap().len() < 100_000, "what cannot be read is not kept whole");
    assert!(rejected.iter().all(|r| r["file"] == w.folder.text(FILE)));
}

#[tokio::test]
async fn files_that_come_as_a_whole_are_taken_once_when_they_rest() {
    let w = Watched::start().await;
    let gz = |text: String| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    };
    let packed = gz(rows("gz", 0..500));
    let (first, second) = packed.split_at(packed.len() / 2);
    w.append("in/old.jsonl.gz", first);
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(w.book("in/old.jsonl.gz").await, Book::default(), "not while it grows");
    w.append("in/old.jsonl.gz", second);
    w.append("in/b.ndjson.zst", zstd::encode_all((rows("zst", 0..20) + "nonsense\n").as_bytes(), 3).unwrap());
    w.append("in/broken.parquet", "no parquet at all");
    w.settles("in/old.jsonl.gz", [500, 0, 0, 0]).await;
    w.settles("in/b.ndjson.zst", [20, 0, 0, 1]).await;
    let begun = Instant::now();
    while w.book("in/broken.parquet").await.error.is_empty() {
        assert!(begun.elapsed() < SOON, "{}", w.served.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Not again: neither later, nor under another name, nor after a restart.
    fs::rename(w.folder.path("in/old.jsonl.gz"), w.folder.path("in/older.jsonl.gz")).unwrap();
    let Watched { folder, served } = w;
    tokio::time::sleep(Duration::from_secs(1)).await;
    served.kill();
    let w = Watched { served: Watched::serve(&folder).await, folder };
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(w.book("in/older.jsonl.gz").await, Book::default());
    assert_eq!(w.book("in/b.ndjson.zst").await.duplicate, 0);
    assert_eq!(w.n().await, 520);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error_of_a_source_until_it_is() {
    let folder = Folder::new();
    let served = Watched::serve(&folder).await;
    let mut w = Watched { folder, served };
    let error = async |w: &Watched, wanted: bool| {
        let begun = Instant::now();
        while w.book("in").await.error.is_empty() == wanted {
            assert!(begun.elapsed() < SOON, "{:?}\n{}", w.book("in").await, w.served.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    error(&w, true).await;
    assert!(w.served.page("/sources").await.1.contains("the folder does not exist"));
    assert_eq!(w.served.log().matches("the folder does not exist").count(), 1, "told once:\n{}", w.served.log());
    fs::create_dir(w.folder.path("in")).unwrap();
    error(&w, false).await;
    w.append(FILE, rows("a", 0..3));
    w.settles(FILE, [3, 0, 0, 0]).await;
    // It vanishes and comes back with its files: nothing is read twice.
    fs::rename(w.folder.path("in"), w.folder.path("away")).unwrap();
    error(&w, true).await;
    append(&w.folder, "away/metrics_2026-06-30.jsonl", rows("a", 3..5));
    fs::rename(w.folder.path("away"), w.folder.path("in")).unwrap();
    error(&w, false).await;
    w.settles(FILE, [5, 0, 0, 0]).await;
    w.served.lives_without_panic();
}

#[tokio::test]
async fn our_own_folders_are_not_watched() {
    let folder = Folder::new();
    let data = text(&folder.data());
    for own in ["", "/rejected", "/lake", "/lake/day=2026-06-30"] {
        let watched = format!("{data}{own}");
        let ran = crate::process::run(&["serve", "--addr", "127.0.0.1:0", "--data", &data, "--ingest-dir", &watched]);
        assert_eq!(ran.code, Some(2), "{watched}: {ran:?}");
        assert!(ran.stderr.contains(&watched), "{ran:?}");
    }
}

#[tokio::test]
async fn what_may_not_be_read_is_told_and_taken_when_it_may() {
    let folder = Folder::new();
    for dir in ["", "in", "in/sub", "data"] {
        fs::create_dir_all(folder.path(dir)).unwrap();
        mode(&folder.path(dir), 0o777);
    }
    let served = Served::start_by(nobody(&folder), &folder, &[("GF_INGEST_DIR", &folder.text("in"))]).await;
    let w = Watched { folder, served };
    w.append("in/secret.jsonl", rows("secret", 0..2));
    mode(&w.folder.path("in/secret.jsonl"), 0o000);
    w.append("in/sub/x.jsonl", rows("sub", 0..3));
    w.append("in/good.jsonl", rows("good", 0..1));
    w.settles("in/good.jsonl", [1, 0, 0, 0]).await;
    w.settles("in/sub/x.jsonl", [3, 0, 0, 0]).await;
    mode(&w.folder.path("in/sub"), 0o000);
    let begun = Instant::now();
    for name in ["in/secret.jsonl", "in/sub"] {
        while !w.book(name).await.error.contains("ermission denied") {
            assert!(begun.elapsed() < SOON, "{name}: {:?}\n{}", w.book(name).await, w.served.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert!(w.served.page("/sources").await.1.contains("ermission denied"));
    let korean = w.served.get("/sources").header("Cookie", "gf_lang=ko").send().await.unwrap().text().await.unwrap();
    assert!(korean.contains("접근 권한이 없습니다") && !korean.contains("ermission denied"));
    mode(&w.folder.path("in/secret.jsonl"), 0o644);
    mode(&w.folder.path("in/sub"), 0o755);
    w.append("in/sub/x.jsonl", rows("sub", 3..4));
    w.settles("in/secret.jsonl", [2, 0, 0, 0]).await;
    w.settles("in/sub/x.jsonl", [4, 0, 0, 0]).await;
    for name in ["in/secret.jsonl", "in/sub"] {
        assert_eq!(w.book(name).await.error, "", "{name}");
    }
}
