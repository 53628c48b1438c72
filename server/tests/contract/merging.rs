//! Files are merged beside commits: nobody is kept waiting while a merge is prepared, what comes meanwhile is kept, and a merge
//! that was overtaken is dropped.

use std::io::Write;

use domain::ports::{AppendCounts, MetricsStore, RecordSink, RestartableWriter};
use lake::{Lake, MergeMode};
use serde_json::{Value, json};

use crate::support::{Asked, LakeDir, ask, fleet, june, metric, near, read_back, take};

fn row(run: impl std::fmt::Display, value: f64) -> Value {
    json!({"run_id": run.to_string(), "detection": {"mAP50": value}})
}

async fn four_files(lake: &Lake) {
    for run in 0..4 {
        take(lake, [row(run, 0.5)]).await;
    }
}

async fn value_and_n(lake: &Lake) -> (f64, u64) {
    let s = lake.summary(&ask(&fleet(), june())).await.expect("a summary");
    let m = metric(&s.metrics, "mAP50");
    (m.value.unwrap(), m.n)
}

/// Everything in the folder of the day.
fn all_files(dir: &LakeDir) -> usize {
    std::fs::read_dir(dir.path().join("lake/day=2026-06-30")).unwrap().count()
}

#[tokio::test]
async fn records_that_come_while_a_merge_is_prepared_are_kept() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    four_files(&lake).await;
    let prepared = lake.prepare_merge(MergeMode::Thorough).await.unwrap().expect("there is something to merge");
    take(&lake, [row("new", 1.0)]).await;
    assert_eq!(value_and_n(&lake).await, (0.6, 5), "what is prepared is not seen");
    assert!(lake.commit_merge(prepared).await.unwrap());
    assert_eq!((value_and_n(&lake).await, dir.files(None).len(), all_files(&dir)), ((0.6, 5), 2, 2));
    let known = take(&lake, [row(0, 0.5), row("new", 1.0), row(3, 0.7)]).await;
    assert_eq!(known, AppendCounts { taken: 0, duplicate: 2, corrected: 1, withdrawn: 0 });
}

#[tokio::test]
async fn a_merge_whose_files_changed_meanwhile_is_dropped() {
    for by_another in [true, false] {
        let dir = LakeDir::new();
        let lake = dir.open().await;
        four_files(&lake).await;
        let prepared = lake.prepare_merge(MergeMode::Thorough).await.unwrap().expect("there is something to merge");
        let correction = [row(2, 0.9)];
        if by_another {
            take(&dir.open().await, correction).await
        } else {
            take(&lake, correction).await
        };
        assert!(!lake.commit_merge(prepared).await.unwrap());
        let (value, n) = value_and_n(&lake).await;
        assert!(n == 4 && near(value, 0.6), "{value} of {n}");
        assert_eq!(all_files(&dir), dir.files(None).len(), "nothing is left of it");
        lake.compact().await.unwrap();
        assert_eq!((value_and_n(&lake).await.1, all_files(&dir)), (4, 1));
    }
}

#[tokio::test]
async fn a_merge_is_prepared_while_another_process_writes() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    four_files(&lake).await;
    let lock = std::fs::File::open(dir.path().join("lake.lock")).unwrap();
    lock.lock().unwrap();
    let prepared = lake.prepare_merge(MergeMode::Thorough).await.unwrap().expect("nobody is waited for");
    drop(lock);
    assert!(lake.commit_merge(prepared).await.unwrap());
    assert_eq!(value_and_n(&lake).await, (0.5, 4));
}

#[tokio::test]
async fn a_merge_under_way_is_not_taken_for_the_remains_of_a_crash() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    four_files(&lake).await;
    let prepared = lake.prepare_merge(MergeMode::Thorough).await.unwrap().expect("there is something to merge");
    // Which sweeps.
    drop(dir.open().await);
    assert!(lake.commit_merge(prepared).await.unwrap());
    assert_eq!((value_and_n(&lake).await, all_files(&dir)), ((0.5, 4), 1));
    let prepared = {
        take(&lake, [row("x", 0.5)]).await;
        lake.prepare_merge(MergeMode::Thorough).await.unwrap().expect("there is something to merge")
    };
    assert_eq!(all_files(&dir), 3);
    drop(prepared);
    assert_eq!(all_files(&dir), 2, "one that is given up leaves nothing");
    // Finished, and half written; and rows that were to be put aside.
    let dead = ["lake/day=2026-06-30/dead.merge", "lake/day=2026-06-30/half.tmp", "pending/half.tmp"];
    std::fs::create_dir_all(dir.path().join("pending")).unwrap();
    for dead in dead {
        std::fs::write(dir.path().join(dead), b"PAR1").unwrap();
    }
    drop(dir.open().await);
    assert_eq!(all_files(&dir), 2, "one whose process has died is swept");
    assert!(!dir.path().join(dead[2]).exists());
}

#[tokio::test]
async fn commits_leave_files_alone_that_are_being_merged() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    for run in 0..8 {
        take(&lake, [row(run, 0.5)]).await;
    }
    let prepared = lake.prepare_merge(MergeMode::Thorough).await.unwrap().expect("there is something to merge");
    // So many small files that a commit would merge them.
    for run in 8..12 {
        take(&lake, [row(run, 0.5)]).await;
    }
    assert!(lake.commit_merge(prepared).await.unwrap(), "it was not overtaken");
    assert_eq!(value_and_n(&lake).await, (0.5, 12));
}

/// An output before whose first byte another process merges the files that are about to be read.
struct Overtaken<'a> {
    dir: &'a LakeDir,
    begun: u32,
    bytes: Vec<u8>,
}

impl Write for Overtaken<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes.write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl RestartableWriter for Overtaken<'_> {
    fn begin(&mut self) -> std::io::Result<()> {
        self.begun += 1;
        self.bytes.clear();
        if self.begun == 1 {
            self.write_all(b"what an attempt leaves")?;
            let dir = self.dir;
            let merge = move || {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                runtime.block_on(async { dir.open().await.compact().await.unwrap() });
            };
            std::thread::scope(|s| s.spawn(merge).join()).unwrap();
        }
        Ok(())
    }
}

#[tokio::test]
async fn an_export_whose_files_are_merged_away_begins_anew_and_is_whole() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    four_files(&lake).await;
    let mut out = Overtaken { dir: &dir, begun: 0, bytes: vec![] };
    assert_eq!(lake.export(&fleet(), june(), &mut out).await.unwrap(), 4);
    assert_eq!((out.begun, dir.files(None).len()), (2, 1));
    let path = dir.path().join("x.parquet");
    std::fs::write(&path, out.bytes).unwrap();
    let mut runs: Vec<String> =
        read_back(&path).iter().map(|r| r.texts()[0].as_ref().unwrap().as_str().to_owned()).collect();
    runs.sort();
    assert_eq!(runs, ["0", "1", "2", "3"]);
}
