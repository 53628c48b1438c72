//! What the local lake does with its files: merging, superseded rows, damage, and the remains of a crash.

use std::path::Path;

use domain::{
    ErrorKind,
    ports::RecordSink,
    query::{Summary, SummaryQuery},
    state::DataState,
    time::{EarlierPeriod, TimeRange},
};
use lake::Lake;
use serde_json::json;

use crate::support::{Asked, Exports, LakeDir, NOW, ask, at, child, fleet, june, metric, near, record, scope, take};

async fn summary(lake: &Lake) -> Summary {
    lake.summary(&ask(&fleet(), june())).await.expect("a summary")
}

/// One record on each of three days, each of another site, each in a file of its own.
async fn three_days(dir: &LakeDir) -> Lake {
    let lake = dir.open().await;
    for day in 28..=30 {
        take(&lake, [json!({"timestamp": format!("2026-06-{day}T10:00:00Z"), "site": format!("s{day}"), "detection": {"mAP50": 0.5}})]).await;
    }
    lake
}

/// Makes a file unreadable without changing its size, as a failing disk does.
fn scramble(file: &Path) {
    let mut bytes = std::fs::read(file).expect("the file");
    let n = bytes.len();
    bytes.iter_mut().take(n - 8).for_each(|b| *b ^= 0x5a);
    std::fs::write(file, bytes).expect("the file is ours");
}

fn cut(file: &Path) {
    let bytes = std::fs::read(file).expect("the file");
    std::fs::write(file, &bytes[..bytes.len() / 2]).expect("the file is ours");
}

#[tokio::test]
async fn two_weeks_that_lie_apart_are_read_without_the_files_between() {
    for memory in [64 << 20, 0] {
        let dir = LakeDir::new();
        let lake = dir.open().await.with_memory(memory);
        let between = ["2025-09-01", "2026-01-15", "2026-06-01", "2026-06-22"];
        for day in ["2025-06-27", "2026-06-29"].iter().chain(&between) {
            take(&lake, [json!({"timestamp": format!("{day}T10:00:00Z"), "detection": {"mAP50": 0.5}})]).await;
        }
        // A file that is touched although it is gone is found out, and counted.
        for day in between {
            dir.files(Some(day)).iter().for_each(|f| std::fs::remove_file(f).expect("the file is ours"));
        }
        let week = TimeRange::last_days(7, at(NOW)).expect("a week");
        let asked = |earlier| SummaryQuery { earlier, ..ask(&fleet(), week) };
        let s = lake.summary(&asked(EarlierPeriod::Year.of(&week))).await.expect("a summary");
        let m = metric(&s.metrics, "mAP50");
        assert_eq!((m.value, m.previous), (Some(0.5), Some(0.5)));
        assert_eq!(lake.unreadable().len(), 0, "files between the periods were touched");
        let whole_year =
            TimeRange::new(week.from().plus(-EarlierPeriod::Year.shift(&week)), week.from()).expect("a range");
        lake.summary(&asked(whole_year)).await.expect("a summary");
        assert_eq!(lake.unreadable().len(), between.len(), "with {memory} bytes of memory");
    }
}

#[tokio::test]
async fn a_day_with_many_batches_is_merged_and_answers_stay_equal() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let mut sum = 0.0;
    for i in 0..30u32 {
        let x = f64::from(i) / 30.0;
        sum += x;
        take(&lake, [json!({"run_id": format!("{i}"), "detection": {"mAP50": x}, "custom": {"mse": i}, "k": i})]).await;
        let s = summary(&lake).await;
        let m = metric(&s.metrics, "mAP50");
        assert_eq!(m.n, u64::from(i) + 1);
        assert!(near(m.value.unwrap(), sum / f64::from(i + 1)), "after batch {i}: {m:?}");
        assert_eq!(m.latest.as_ref().map(|l| l.value), Some(x), "the last arrival of equal moments, in whichever file");
        assert!(dir.files(None).len() <= 9, "files pile up: {:?}", dir.files(None));
    }
}

#[tokio::test]
async fn tidying_makes_one_file_a_day() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    for i in 0..5 {
        let row = |day: u32| json!({"run_id": format!("{i}"), "timestamp": format!("2026-06-{day}T10:00:00Z"), "detection": {"mAP50": 0.5}});
        take(&lake, [row(29), row(30)]).await;
    }
    lake.compact().await.unwrap();
    assert_eq!((dir.files(Some("2026-06-29")).len(), dir.files(Some("2026-06-30")).len()), (1, 1));
    assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 10);
}

#[tokio::test]
async fn the_row_that_a_correction_replaced_is_kept_aside() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let row = |x: f64| json!({"detection": {"mAP50": x}, "note": "kept as it was"});
    take(&lake, [row(0.1), json!({"run_id": "other", "detection": {"mAP50": 1}})]).await;
    assert_eq!(dir.superseded(), vec![]);
    take(&lake, [row(0.2)]).await;
    assert_eq!(dir.superseded(), vec![record(row(0.1))]);
    // Also of two in one batch, where the first never got into the lake.
    take(&lake, [row(0.3), row(0.4)]).await;
    let mut kept: Vec<Option<f64>> = dir.superseded().iter().map(|r| r.built_in()[0]).collect();
    kept.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    assert_eq!(kept, [Some(0.1), Some(0.2), Some(0.3)]);
    assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 2);
}

#[tokio::test]
async fn a_scrambled_file_is_reported_and_other_days_still_answer() {
    let dir = LakeDir::new();
    drop(three_days(&dir).await);
    scramble(&dir.files(Some("2026-06-29"))[0]);
    let lake = dir.open().await;
    let s = summary(&lake).await;
    assert_eq!(metric(&s.metrics, "mAP50").n, 2);
    let failed = lake.unreadable();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!((failed[0].rows, failed[0].day.to_string().as_str()), (1, "2026-06-29"));
    assert!(
        dir.files(Some("2026-06-29"))[0].ends_with(&failed[0].name) && !failed[0].reason.en.is_empty(),
        "{failed:?}"
    );
}

#[tokio::test]
async fn a_file_that_is_scrambled_under_a_running_server_is_reported() {
    let dir = LakeDir::new();
    let lake = three_days(&dir).await;
    scramble(&dir.files(Some("2026-06-29"))[0]);
    assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 2);
    assert_eq!(lake.unreadable().len(), 1);
    assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 2, "and so it stays");
}

#[tokio::test]
async fn a_truncated_file_is_reported_at_open_and_other_days_still_answer() {
    let dir = LakeDir::new();
    drop(three_days(&dir).await);
    cut(&dir.files(Some("2026-06-30"))[0]);
    let lake = dir.open().await;
    let failed = lake.unreadable();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].reason.en.contains("bytes"), "{failed:?}");
    assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 2);
}

#[tokio::test]
async fn a_file_that_is_truncated_under_a_running_server_is_reported() {
    let dir = LakeDir::new();
    let lake = three_days(&dir).await;
    cut(&dir.files(Some("2026-06-30"))[0]);
    assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 2);
    assert_eq!(lake.unreadable().len(), 1);
}

#[tokio::test]
async fn a_file_that_vanishes_under_a_running_server_is_reported() {
    let dir = LakeDir::new();
    let lake = three_days(&dir).await;
    std::fs::remove_file(&dir.files(Some("2026-06-29"))[0]).unwrap();
    assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 2);
    let failed = lake.unreadable();
    assert_eq!(failed.len(), 1, "an answer without a third of its records has to say so");
}

#[tokio::test]
async fn a_file_that_vanished_is_reported_at_open() {
    let dir = LakeDir::new();
    drop(three_days(&dir).await);
    std::fs::remove_file(&dir.files(Some("2026-06-29"))[0]).unwrap();
    let lake = dir.open().await;
    assert_eq!(lake.unreadable().len(), 1);
    assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 2);
}

#[tokio::test]
async fn a_place_whose_file_cannot_be_read_is_in_error_and_not_covered() {
    let dir = LakeDir::new();
    let lake = three_days(&dir).await;
    scramble(&dir.files(Some("2026-06-30"))[0]);
    drop(summary(&lake).await);
    let s = lake.summary(&ask(&scope("acme", "production"), june())).await.unwrap();
    assert_eq!((s.health.state, s.health.failed), (DataState::SourceError, 1));
    assert_eq!(child(&s, "s30").health.state, DataState::SourceError);
    assert_eq!(child(&s, "s29").health.state, DataState::Ok);
    // The number was computed from two sites and must not look like one computed from three.
    let m = metric(&s.metrics, "mAP50");
    assert_eq!((m.n, m.sites_reporting, m.sites_expected), (2, 2, 3));
    assert_eq!((s.health.sites_reporting, s.health.sites_expected), (2, 3));
}

#[tokio::test]
async fn the_first_answer_after_damage_already_says_so() {
    let dir = LakeDir::new();
    let lake = three_days(&dir).await;
    scramble(&dir.files(Some("2026-06-30"))[0]);
    let s = summary(&lake).await;
    assert_eq!(metric(&s.metrics, "mAP50").n, 2);
    assert_eq!(s.health.state, DataState::SourceError, "the health must be of the same snapshot as the numbers");
}

#[tokio::test]
async fn an_export_over_a_damaged_file_names_it_instead_of_leaving_rows_out() {
    let dir = LakeDir::new();
    let lake = three_days(&dir).await;
    let bad = dir.files(Some("2026-06-29"))[0].clone();
    scramble(&bad);
    let to = dir.path().join("x.parquet");
    for _ in 0..2 {
        let refused = lake.export_to(&fleet(), june(), &to).await.expect_err("an export is whole or none");
        assert_eq!(refused.kind, ErrorKind::Unavailable);
        let name = bad.file_name().and_then(|n| n.to_str()).unwrap();
        assert!(refused.message.en.contains(name), "{refused}");
        assert!(!to.exists());
        drop(summary(&lake).await);
    }
}

#[tokio::test]
async fn a_damaged_file_does_not_keep_new_records_of_its_day_out() {
    for read_before in [true, false] {
        let dir = LakeDir::new();
        drop(three_days(&dir).await);
        scramble(&dir.files(Some("2026-06-30"))[0]);
        let lake = dir.open().await;
        if read_before {
            drop(summary(&lake).await);
        }
        take(&lake, [json!({"run_id": "new", "detection": {"mAP50": 1.0}})]).await;
        assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 3);
        assert_eq!(lake.unreadable().len(), 1);
        lake.compact().await.unwrap();
        assert_eq!(lake.unreadable().len(), 1, "what cannot be read is never merged away");
    }
}

#[tokio::test]
async fn orphans_of_a_crash_are_swept_at_open() {
    let dir = LakeDir::new();
    let lake = three_days(&dir).await;
    let live = dir.files(None);
    let folder = dir.path().join("lake/day=2026-06-29");
    std::fs::copy(&live[0], folder.join("0000000000000-orphan.parquet")).unwrap();
    std::fs::write(folder.join("half.tmp"), b"PAR1").unwrap();
    std::fs::create_dir(dir.path().join("lake/day=2026-01-01")).unwrap();
    std::fs::write(dir.path().join("lake/day=2026-01-01/x.parquet"), b"").unwrap();
    std::fs::write(dir.path().join("lake/README.txt"), b"a person's note").unwrap();
    assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 3, "what the manifest does not name does not exist");
    drop(lake);
    let lake = dir.open().await;
    assert_eq!(dir.files(None), live);
    assert!(!folder.join("half.tmp").exists() && dir.path().join("lake/README.txt").exists());
    assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 3);
}

#[tokio::test]
async fn nothing_is_swept_while_another_process_writes() {
    let dir = LakeDir::new();
    drop(three_days(&dir).await);
    let unpublished = dir.path().join("lake/day=2026-06-29/not-yet-published.parquet");
    std::fs::write(&unpublished, b"PAR1").unwrap();
    let lock = std::fs::File::open(dir.path().join("lake.lock")).unwrap();
    lock.lock().unwrap();
    drop(dir.open().await);
    assert!(unpublished.exists());
    drop(lock);
    drop(dir.open().await);
    assert!(!unpublished.exists());
}

#[tokio::test]
async fn a_folder_with_odd_characters_in_its_name_is_a_lake_like_any_other() {
    let dir = LakeDir::new();
    let data = dir.path().join("a b%20[x]*? 부산 #1");
    std::fs::create_dir(&data).unwrap();
    let store = store::open(&store::Location::Sqlite(data.join("guardianflow.db"))).await.unwrap();
    let lake = Lake::open(std::sync::Arc::new(lake::FolderObjects::at(&data)), store, dir.clock.clone()).await.unwrap();
    take(&lake, [json!({"detection": {"mAP50": 0.5}})]).await;
    assert_eq!(metric(&summary(&lake).await.metrics, "mAP50").n, 1);
}
