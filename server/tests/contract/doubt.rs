//! A commit that reports an error may have come about all the same. Nothing is deleted before that is known, a commit that came
//! about is a success, and `superseded/` holds the rows of corrections that were, after a crash at any moment.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::SeqCst},
};

use domain::{
    ErrorKind,
    ports::{AppendCounts, Batch, ReadProgress, RecordSink},
};
use lake::{Lake, ports::FilePosition};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::{Value, json};

use crate::{
    bent::Bent,
    soak,
    support::{Asked, LakeDir, arrivals, ask, fleet, june, near, record, source},
};

suite!([on_sqlite = crate::support::on_sqlite, on_postgres = crate::support::on_postgres] [
    a_commit_that_came_about_is_a_success_whatever_it_reported,
    a_merge_and_a_removal_whose_commits_came_about_are_done,
    rows_are_put_aside_by_whoever_writes_next_before_their_file_is_merged_away,
]);

const fn counts(taken: u64, duplicate: u64, corrected: u64) -> AppendCounts {
    AppendCounts { taken, duplicate, corrected, withdrawn: 0 }
}

/// Records of three days, each of these runs with this value.
fn rows(values: &[(u32, f64)]) -> Vec<Value> {
    let day = |run: u32| 28 + run % 3;
    let row = |(run, x): &(u32, f64)| json!({"run_id": format!("r{run}"), "timestamp": format!("2026-06-{}T10:00:00Z", day(*run)), "detection": {"mAP50": x}});
    values.iter().map(row).collect()
}

fn batch(values: &[(u32, f64)]) -> Batch {
    let file_position =
        FilePosition { id: 1, path: "/in/x.jsonl".into(), offset: values.len() as u64, ..FilePosition::default() };
    Batch {
        source: source("x"),
        records: arrivals(rows(values).into_iter().map(record).collect()).into(),
        progress: ReadProgress { position: Some(file_position.to_position().unwrap()), ..ReadProgress::default() },
        ..Batch::default()
    }
}

async fn append(lake: &Lake, values: &[(u32, f64)]) -> domain::Result<AppendCounts> {
    lake.append_all(vec![batch(values)]).await.map(|counts| counts[0])
}

/// The number of records and the sum of their values.
async fn sums(lake: &Lake) -> (u64, f64) {
    lake.refresh().await.unwrap();
    let s = lake.summary(&ask(&fleet(), june())).await.unwrap();
    s.metrics.iter().find(|m| m.metric == "mAP50").map_or((0, 0.0), |m| (m.n, m.value.unwrap_or(0.0) * m.n as f64))
}

fn superseded(dir: &LakeDir) -> Vec<(String, f64)> {
    let told = |r: &domain::record::Record| {
        (r.texts()[0].as_ref().map(|t| t.as_str().to_owned()).unwrap_or_default(), r.built_in()[0].unwrap())
    };
    let mut all: Vec<(String, f64)> = dir.superseded().iter().map(told).collect();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all
}

fn waiting(dir: &LakeDir) -> usize {
    std::fs::read_dir(dir.path().join("pending")).unwrap().count()
}

async fn bent(dir: &LakeDir) -> (Arc<Bent>, Lake) {
    let manifest = Arc::new(Bent::on(dir.store().await));
    (manifest.clone(), dir.open_on(manifest).await)
}

async fn a_commit_that_came_about_is_a_success_whatever_it_reported(dir: &LakeDir) {
    let (manifest, lake) = bent(dir).await;
    append(&lake, &[(0, 0.1), (1, 0.1)]).await.unwrap();
    manifest.wish.fails_behind.store(true, SeqCst);
    assert_eq!(append(&lake, &[(0, 0.2), (2, 0.2), (1, 0.1)]).await, Ok(counts(1, 1, 1)));
    assert_eq!(sums(&lake).await.0, 3);
    assert_eq!(lake.unreadable(), vec![], "its files are there");
    assert_eq!(superseded(dir), [("r0".into(), 0.1)]);
    assert_eq!(waiting(dir), 0);
    // Also of what has no file: its counts are booked once, and the position has moved.
    assert_eq!(append(&lake, &[(0, 0.2)]).await, Ok(counts(0, 1, 0)));
    manifest.wish.fails_behind.store(false, SeqCst);
    let store = dir.store().await;
    let books = store.sources().await.unwrap();
    assert_eq!((books[0].taken, books[0].duplicate, books[0].corrected), (3, 2, 1));
    assert_eq!(FilePosition::from_position(&store.positions().await.unwrap()[0]).unwrap().offset, 1);
    assert_eq!(store.last_seq().await.unwrap(), 6);
    lake.compact().await.unwrap();
    assert_eq!(append(&lake, &[(0, 0.2), (1, 0.1), (2, 0.2)]).await, Ok(counts(0, 3, 0)));
}

async fn a_merge_and_a_removal_whose_commits_came_about_are_done(dir: &LakeDir) {
    let (manifest, lake) = bent(dir).await;
    for run in 0..4 {
        append(&lake, &[(3 * run, 0.5)]).await.unwrap();
    }
    manifest.wish.fails_behind.store(true, SeqCst);
    lake.compact().await.unwrap();
    assert_eq!((dir.files(None).len(), sums(&lake).await.0), (1, 4));
    assert_eq!(lake.remove_simulated().await, Ok(0));
    assert_eq!(sums(&lake).await.0, 4);
}

#[tokio::test]
async fn while_nobody_knows_nothing_is_deleted_and_nothing_new_is_written() {
    for came_about in [true, false] {
        for reopened in [true, false] {
            let dir = LakeDir::new();
            let (manifest, lake) = bent(&dir).await;
            append(&lake, &[(0, 0.1), (1, 0.1)]).await.unwrap();
            let before = dir.files(None);
            let wish = &manifest.wish;
            if came_about {
                wish.fails_behind.store(true, SeqCst)
            } else {
                wish.fails_before.store(true, SeqCst)
            }
            wish.then_blind.store(true, SeqCst);
            let refused = append(&lake, &[(0, 0.2), (2, 0.2)]).await.unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Unavailable);
            let there = dir.files(None);
            assert!(before.iter().all(|f| there.contains(f)) && there.len() == before.len() + 2, "{there:?}");
            assert_eq!((superseded(&dir), waiting(&dir)), (vec![], 1), "the row that may have been replaced waits");
            append(&lake, &[(5, 0.5)]).await.unwrap_err();
            assert_eq!(dir.files(None), there, "a second batch does not pile up beside the first");
            wish.fails_behind.store(false, SeqCst);
            wish.fails_before.store(false, SeqCst);
            wish.then_blind.store(false, SeqCst);
            wish.blind.store(false, SeqCst);
            let lake = if reopened {
                drop(lake);
                let lake = dir.open_on(manifest.clone()).await;
                let old = if came_about { vec![("r0".into(), 0.1)] } else { vec![] };
                assert_eq!((superseded(&dir), waiting(&dir)), (old, 0), "as soon as it is open");
                lake
            } else {
                lake
            };
            let again = append(&lake, &[(0, 0.2), (2, 0.2)]).await.unwrap();
            assert_eq!(again, if came_about { counts(0, 2, 0) } else { counts(1, 0, 1) });
            assert_eq!((superseded(&dir), waiting(&dir)), (vec![("r0".into(), 0.1)], 0));
            assert_eq!(dir.files(None).len(), 3, "what is not named any more is gone: {:?}", dir.files(None));
            let (n, sum) = sums(&lake).await;
            assert!(n == 3 && near(sum, 0.5), "{n} {sum}");
            assert_eq!(lake.unreadable(), vec![]);
        }
    }
}

async fn rows_are_put_aside_by_whoever_writes_next_before_their_file_is_merged_away(dir: &LakeDir) {
    let (manifest, lake) = bent(dir).await;
    append(&lake, &[(0, 0.1), (3, 0.1)]).await.unwrap();
    manifest.wish.fails_behind.store(true, SeqCst);
    manifest.wish.then_blind.store(true, SeqCst);
    // It dies behind its commit.
    append(&lake, &[(0, 0.2)]).await.unwrap_err();
    drop(lake);
    // One that was open before: it did not look at its beginning.
    let lock = std::fs::File::open(dir.path().join("lake.lock")).unwrap();
    lock.lock().unwrap();
    let other = dir.open().await;
    drop(lock);
    assert_eq!(waiting(dir), 1);
    append(&other, &[(6, 0.6)]).await.unwrap();
    other.compact().await.unwrap();
    assert_eq!((superseded(dir), waiting(dir)), (vec![("r0".into(), 0.1)], 0));
}

/// What happens to one commit of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    FailsBefore,
    FailsBehind,
    /// The process dies before or behind it.
    DiesBefore,
    DiesBehind,
}

/// Batches of runs with their values; a run is in a batch once.
fn story() -> impl Strategy<Value = Vec<(BTreeMap<u32, u8>, Fate)>> {
    let fate = prop_oneof![
        2 => Just(Fate::Well), 1 => Just(Fate::FailsBefore), 1 => Just(Fate::FailsBehind),
        1 => Just(Fate::DiesBefore), 1 => Just(Fate::DiesBehind)
    ];
    prop::collection::vec((prop::collection::btree_map(0u32..6, 1u8..4, 1..5), fate), 1..9)
}

async fn play(story: &[(BTreeMap<u32, u8>, Fate)]) -> Result<(), TestCaseError> {
    let dir = LakeDir::new();
    let (mut manifest, mut lake) = bent(&dir).await;
    let (mut held, mut replaced) = (BTreeMap::<u32, f64>::new(), Vec::new());
    for (values, fate) in story {
        let values: Vec<(u32, f64)> = values.iter().map(|(run, x)| (*run, f64::from(*x) / 10.0)).collect();
        let wish = &manifest.wish;
        wish.fails_before.store(matches!(fate, Fate::FailsBefore | Fate::DiesBefore), SeqCst);
        wish.fails_behind.store(matches!(fate, Fate::FailsBehind | Fate::DiesBehind), SeqCst);
        wish.then_blind.store(matches!(fate, Fate::DiesBefore | Fate::DiesBehind), SeqCst);
        let told = append(&lake, &values).await;
        prop_assert_eq!(told.is_ok(), matches!(fate, Fate::Well | Fate::FailsBehind), "{:?}", fate);
        if matches!(fate, Fate::DiesBefore | Fate::DiesBehind) {
            drop(lake);
            (manifest, lake) = bent(&dir).await;
        }
        if !matches!(fate, Fate::FailsBefore | Fate::DiesBefore) {
            for (run, x) in values {
                if let Some(old) = held.insert(run, x).filter(|old| *old != x) {
                    replaced.push((format!("r{run}"), old));
                }
            }
        }
        let (n, sum) = sums(&lake).await;
        prop_assert_eq!(n, held.len() as u64);
        prop_assert!(near(sum, held.values().sum::<f64>()), "{} {:?}", sum, held);
        replaced.sort_by(|a, b| a.partial_cmp(b).unwrap());
        prop_assert_eq!(superseded(&dir), replaced.clone());
        prop_assert_eq!(lake.unreadable(), vec![]);
    }
    Ok(())
}

#[test]
fn whatever_becomes_of_commits_records_and_replaced_rows_are_those_of_commits_that_were() {
    let config = Config { cases: 24 * soak::times(), failure_persistence: None, ..Config::default() };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    TestRunner::new(config).run(&story(), |story| runtime.block_on(play(&story))).unwrap_or_else(|e| panic!("{e}"));
}
