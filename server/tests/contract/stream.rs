//! The lake under a stream of small commits: big files are left alone, nothing is lost, and whoever waits hears of each.

use std::{collections::BTreeMap, time::Duration};

use domain::ports::{MetricsStore, RecordSink, RefusedCounts};
use futures::FutureExt;
use serde_json::json;

use crate::support::{Asked, LakeDir, arrivals, ask, june, record, scope, source, take};

async fn n(lake: &lake::Lake) -> u64 {
    let s = lake.summary(&ask(&scope("", "all"), june())).await.expect("a summary");
    s.metrics.iter().find(|m| m.metric == "mAP50").map_or(0, |m| m.n)
}

#[tokio::test]
async fn two_hundred_small_commits_leave_a_big_day_alone() {
    const BIG: u64 = 100_000;
    let dir = LakeDir::new();
    let store = dir.store().await;
    let lake = dir.open_on(store.clone()).await;
    let big = (0..BIG).map(|i| {
        let time = format!("2026-06-30T{:02}:{:02}:{:02}.{:03}Z", i / 36_000 % 10, i / 600 % 60, i / 10 % 60, i % 10);
        record(json!({"timestamp": time, "run_id": format!("{}", i % 7), "detection": {"mAP50": 0.5}}))
    });
    let rows = arrivals(big.collect());
    assert_eq!(lake.append(&source("big"), rows, &RefusedCounts::new()).await.unwrap().taken, BIG);
    let mut known: BTreeMap<i64, u64> = store.files().await.unwrap().iter().map(|f| (f.id, f.rows)).collect();
    let (mut rewritten, mut most) = (0, 0);
    for i in 0..200 {
        let small = (0..5).map(|k| json!({"run_id": format!("s{i}-{k}"), "detection": {"mAP50": 0.5}}));
        assert_eq!(take(&lake, small).await.taken, 5);
        let files: BTreeMap<i64, u64> = store.files().await.unwrap().iter().map(|f| (f.id, f.rows)).collect();
        let new: u64 = files.iter().filter(|(id, _)| !known.contains_key(id)).map(|(_, rows)| rows).sum();
        rewritten += new - 5;
        most = most.max(files.len());
        known = files;
    }
    println!("{rewritten} rows rewritten for 1,000 new ones, {most} files at most");
    assert!(rewritten < 10_000, "{rewritten} rows were rewritten for 1,000");
    assert!(most <= 16, "{most} files of one day");
    assert_eq!(n(&lake).await, BIG + 1_000);
    assert_eq!(dir.files(None).len(), known.len(), "what was merged is deleted");
    // Nothing is taken twice either, also by a process that has to read the day first.
    let again = || json!({"run_id": "s0-0", "detection": {"mAP50": 0.5}});
    assert_eq!(take(&lake, [again()]).await.duplicate, 1);
    assert_eq!(take(&dir.open().await, [again()]).await.duplicate, 1);
}

#[tokio::test]
async fn what_two_processes_add_in_turns_is_known_to_both() {
    let dir = LakeDir::new();
    let lakes = [dir.open().await, dir.open().await];
    let row = |i: usize| json!({"run_id": format!("{i}"), "detection": {"mAP50": 0.5}});
    for i in 0..40 {
        assert_eq!(take(&lakes[i % 2], [row(i)]).await.taken, 1);
        assert_eq!(take(&lakes[(i + 1) % 2], [row(i)]).await.duplicate, 1);
        if i % 10 == 9 {
            lakes[i % 2].compact().await.unwrap();
        }
    }
    for lake in &lakes {
        lake.refresh().await.unwrap();
        assert_eq!(n(lake).await, 40);
    }
}

#[tokio::test]
async fn whoever_waits_hears_of_own_commits_at_once_and_of_others_after_a_look() {
    let dir = LakeDir::new();
    let (one, two) = (dir.open().await, dir.open().await);
    let shown = two.notified_generation();
    assert_eq!(two.wait_for_change(shown).now_or_never(), None, "nothing has come yet");
    take(&two, [json!({"run_id": "1", "detection": {"mAP50": 0.5}})]).await;
    assert_eq!(
        two.wait_for_change(shown).now_or_never(),
        Some(two.generation()),
        "of its own, also when it came before the waiting"
    );
    let shown = two.notified_generation();
    assert_eq!(shown, two.generation());
    take(&one, [json!({"run_id": "2", "detection": {"mAP50": 0.5}})]).await;
    assert_eq!(two.wait_for_change(shown).now_or_never(), None);
    let waiting = tokio::time::timeout(Duration::from_secs(5), two.wait_for_change(shown));
    let (told, refreshed) = tokio::join!(waiting, two.refresh());
    let told = told.expect("in time");
    assert!(refreshed.unwrap());
    assert_eq!((told, two.notified_generation()), (one.generation(), one.generation()));
    two.refresh().await.unwrap();
    assert_eq!(two.wait_for_change(told).now_or_never(), None, "nothing new is no news");
}
