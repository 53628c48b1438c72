//! A file that cannot be read is found out once, by those who needed it, without keeping others waiting; and one that could not be
//! opened for a while comes back by itself.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use domain::{
    ports::{AppendCounts, Maintenance, MetricsStore, RecordSink},
    time::TimeRange,
};
use lake::Lake;
use serde_json::json;

use crate::{
    bent::Bent,
    support::{Asked, LakeDir, ask, fleet, june, range, record, scope, take},
};

/// One record on each of three days.
async fn three_days(lake: &Lake) {
    for day in 28..=30 {
        take(lake, [json!({"timestamp": format!("2026-06-{day}T10:00:00Z"), "detection": {"mAP50": 0.5}})]).await;
    }
}

fn day(d: u32) -> TimeRange {
    range(&format!("2026-06-{d}T00:00:00Z"), &format!("2026-06-{d}T23:00:00Z"))
}

fn file(dir: &LakeDir, d: u32) -> PathBuf {
    dir.files(Some(&format!("2026-06-{d}")))[0].clone()
}

async fn n(lake: &Lake, range: TimeRange) -> u64 {
    let s = lake.summary(&ask(&fleet(), range)).await.expect("a summary");
    s.metrics.iter().find(|m| m.metric == "mAP50").map_or(0, |m| m.n)
}

fn scramble(file: &Path) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    std::fs::write(file, bytes.iter().map(|b| b ^ 0x5a).collect::<Vec<_>>()).unwrap();
    bytes
}

/// Tries until no file is left out any more.
async fn healed(lake: &Lake) {
    for _ in 0..400 {
        lake.retry_unreadable().await.unwrap();
        if lake.unreadable().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("still left out: {:?}", lake.unreadable());
}

/// The name of a file that is [`away`].
fn file_of(away: &Path) -> PathBuf {
    away.with_extension("parquet")
}

fn away(path: &Path) -> PathBuf {
    let to = path.with_extension("away");
    std::fs::rename(path, &to).unwrap();
    to
}

#[tokio::test]
async fn a_question_that_fails_reads_the_files_that_it_touched_and_no_others() {
    for memory in [true, false] {
        let dir = LakeDir::new();
        let lake = dir.open().await;
        let lake = if memory { lake } else { lake.with_memory(0) };
        three_days(&lake).await;
        scramble(&file(&dir, 28));
        away(&file(&dir, 30));
        // Which asks for the day before too, to compare.
        assert_eq!(n(&lake, day(30)).await, 0);
        let failed: Vec<String> = lake.unreadable().into_iter().map(|f| f.day.to_string()).collect();
        assert_eq!(failed, ["2026-06-30"], "nobody asked for the damaged file of the 28th");
        assert_eq!(n(&lake, june()).await, 1);
        assert_eq!(lake.unreadable().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_answered_while_it_is_found_out_why_many_failed_and_it_is_found_out_once() {
    let dir = LakeDir::new();
    let manifest = Arc::new(Bent::on(dir.store().await));
    let lake = Arc::new(dir.open_on(manifest.clone()).await);
    three_days(&lake).await;
    away(&file(&dir, 29));
    let shut = manifest.wish.gate.write().await;
    let before = manifest.wish.asked.load(SeqCst);
    // The days around it are well; what is asked of the 30th is compared with the 29th.
    let ask_of = |d: u32| {
        let lake = lake.clone();
        tokio::spawn(async move { n(&lake, day(d)).await })
    };
    let many: Vec<_> = (0..64).map(|_| ask_of(29)).collect();
    while manifest.wish.asked.load(SeqCst) == before {
        tokio::task::yield_now().await;
    }
    // More fail than there are turns, and none of them keeps its turn.
    let others = futures::future::join_all((0..8).map(|_| ask_of(28)));
    let answered = tokio::time::timeout(Duration::from_secs(30), others).await.expect("others are answered meanwhile");
    assert!(answered.into_iter().all(|n| n.unwrap() == 1));
    drop(shut);
    for one in many {
        assert_eq!(one.await.unwrap(), 0);
    }
    let asked = manifest.wish.asked.load(SeqCst) - before;
    assert!(asked < 16, "64 questions shall find out together and not each for itself: {asked}");
    assert_eq!(lake.unreadable().len(), 1);
}

#[tokio::test]
async fn what_is_answered_from_memory_needs_no_file_and_an_inspection_finds_out_what_is_gone_cut_or_another() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    three_days(&lake).await;
    assert_eq!(n(&lake, june()).await, 3);
    assert_eq!(lake.inspect().await, Ok(0));
    let gone = away(&file(&dir, 28));
    let bytes = std::fs::read(file(&dir, 29)).unwrap();
    std::fs::write(file(&dir, 29), &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!((n(&lake, june()).await, lake.unreadable().len()), (3, 0), "columns in memory are as true as before");
    assert_eq!(lake.inspect().await, Ok(2));
    assert_eq!((n(&lake, june()).await, lake.unreadable().len()), (1, 2));
    assert_eq!(lake.inspect().await, Ok(0), "each is found once");
    // Of the same size and no longer the same.
    let whole = scramble(&file(&dir, 30));
    assert_eq!(lake.inspect().await, Ok(1));
    assert_eq!((n(&lake, june()).await, lake.unreadable().len()), (0, 3));
    std::fs::write(file(&dir, 30), whole).unwrap();
    std::fs::write(file(&dir, 29), bytes).unwrap();
    std::fs::rename(&gone, file_of(&gone)).unwrap();
    healed(&lake).await;
    assert_eq!(n(&lake, june()).await, 3);
    // One that was only touched is read, and well.
    let touched = std::fs::read(file(&dir, 30)).unwrap();
    assert_eq!(lake.inspect().await, Ok(0));
    tokio::time::sleep(Duration::from_millis(20)).await;
    std::fs::write(file(&dir, 30), touched).unwrap();
    assert_eq!((lake.inspect().await, n(&lake, june()).await), (Ok(0), 3));
}

#[tokio::test]
async fn a_file_that_was_away_for_a_while_comes_back_without_restart_or_commit() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    three_days(&lake).await;
    let shown = lake.generation();
    let path = file(&dir, 29);
    let at = away(&path);
    assert_eq!(n(&lake, june()).await, 2);
    let without = lake.generation();
    assert!(without > shown && lake.notified_generation() == without, "whoever shows records hears of it");
    lake.retry_unreadable().await.unwrap();
    assert_eq!(lake.unreadable().len(), 1);
    let committed = dir.store().await.generation().await.unwrap();
    std::fs::rename(at, path).unwrap();
    healed(&lake).await;
    assert_eq!(n(&lake, june()).await, 3);
    assert_eq!(dir.store().await.generation().await.unwrap(), committed, "nothing was committed for it");
    assert!(lake.generation() > without && lake.notified_generation() == lake.generation(), "and of this too");
    assert_eq!(
        take(&lake, [json!({"timestamp": "2026-06-29T10:00:00Z", "detection": {"mAP50": 0.5}})]).await.duplicate,
        1
    );
}

#[tokio::test]
async fn a_file_that_was_away_when_the_lake_was_opened_comes_back_too() {
    let dir = LakeDir::new();
    three_days(&dir.open().await).await;
    let path = file(&dir, 29);
    let at = away(&path);
    let lake = dir.open().await;
    assert_eq!((n(&lake, june()).await, lake.unreadable().len()), (2, 1));
    std::fs::rename(at, path).unwrap();
    healed(&lake).await;
    assert_eq!(n(&lake, june()).await, 3);
}

#[tokio::test]
async fn what_cannot_be_opened_is_no_damage_and_heals_in_its_place() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    three_days(&lake).await;
    let path = file(&dir, 29);
    let at = away(&path);
    // A link that leads in circles cannot be opened by anybody.
    std::os::unix::fs::symlink(&path, &path).unwrap();
    assert_eq!(n(&lake, june()).await, 2);
    std::fs::remove_file(&path).unwrap();
    std::fs::rename(at, &path).unwrap();
    healed(&lake).await;
    assert_eq!(n(&lake, june()).await, 3);
}

#[tokio::test]
async fn a_damaged_file_stays_left_out_until_it_is_another() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    three_days(&lake).await;
    let path = file(&dir, 29);
    let whole = scramble(&path);
    assert_eq!(n(&lake, june()).await, 2);
    for _ in 0..20 {
        assert_eq!(lake.retry_unreadable().await, Ok(0));
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(lake.unreadable().len(), 1);
    // From a backup.
    std::fs::write(&path, whole).unwrap();
    healed(&lake).await;
    assert_eq!(n(&lake, june()).await, 3);
}

#[tokio::test]
async fn records_that_came_while_their_file_was_away_count_once() {
    let row = |run: &str, x: f64| json!({"run_id": run, "detection": {"mAP50": x}});
    for left in [true, false] {
        let dir = LakeDir::new();
        let lake = dir.open().await;
        let mut first = vec![row("same", 0.1), row("changed", 0.2)];
        first.extend(left.then(|| row("left", 0.3)));
        let all = first.len() as u64;
        take(&lake, first).await;
        // Another process, which has the file open all the time.
        let other = dir.open().await;
        let path = file(&dir, 30);
        let at = away(&path);
        assert_eq!(n(&lake, june()).await, 0);
        assert_eq!(take(&lake, [row("same", 0.1), row("changed", 0.9), row("new", 0.4)]).await.taken, 3);
        lake.compact().await.unwrap();
        std::fs::rename(at, &path).unwrap();
        other.refresh().await.unwrap();
        let own = scope("acme", "all");
        let before = other.view().generation_in(&own);
        healed(&lake).await;
        other.refresh().await.unwrap();
        assert!(other.view().generation_in(&own) > before, "which counted both");
        assert_eq!(n(&lake, june()).await, all + 1);
        assert_eq!(dir.superseded(), [record(row("changed", 0.2))], "the later one counts, the other is kept aside");
        let again = take(&lake, [row("same", 0.1), row("changed", 0.9), row("new", 0.4)]).await;
        assert_eq!(again, AppendCounts { taken: 0, duplicate: 3, corrected: 0, withdrawn: 0 });
        assert!(!path.exists(), "it was rewritten");
    }
}
