//! The lake when its manifest fails or another process writes: whole batches or none, and nothing is seen twice.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use domain::{
    Error, ErrorKind, Result,
    error::Sentence,
    ports::{AppendCounts, KeyValueStore, RecordSink, RefusedCounts},
};
use lake::Lake;
use lake::ports::{LakeFile, Manifest, ManifestCommit, ManifestUpdate};
use serde_json::json;
use store::StateStore;

use crate::support::{Asked, Exports, LakeDir, arrivals, ask, fleet, june, metric, record, scope, source, take};

suite!([on_sqlite = crate::support::on_sqlite, on_postgres = crate::support::on_postgres] [
    a_batch_whose_commit_fails_leaves_nothing_and_can_be_repeated,
    of_several_batches_whose_commit_fails_none_is_there,
    removing_the_demo_when_the_manifest_fails_removes_nothing,
    a_second_process_sees_rows_after_a_refresh,
    two_processes_know_each_others_duplicates_and_corrections,
    two_processes_writing_at_once_lose_nothing,
    a_reader_that_has_not_refreshed_survives_a_merge_by_another_process,
    an_export_that_has_not_refreshed_survives_a_merge_by_another_process,
    a_lake_that_is_opened_again_answers_the_same,
]);

/// A manifest whose commits fail for as long as it is told to.
pub struct Flaky {
    pub inner: Arc<dyn StateStore>,
    pub broken: AtomicBool,
}

#[async_trait]
impl Manifest for Flaky {
    async fn generation(&self) -> Result<i64> {
        self.inner.generation().await
    }
    async fn files(&self) -> Result<Vec<LakeFile>> {
        self.inner.files().await
    }
    async fn since(&self, generation: i64) -> Result<Option<ManifestUpdate>> {
        self.inner.since(generation).await
    }
    async fn indexes(&self, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>> {
        self.inner.indexes(ids).await
    }
    async fn last_seq(&self) -> Result<i64> {
        self.inner.last_seq().await
    }
    async fn commit(&self, change: ManifestCommit) -> Result<i64> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(Error::unavailable(Sentence::only_english("cannot write the manifest: the disk is full")));
        }
        self.inner.commit(change).await
    }
    async fn failing(&self) -> Result<Vec<(String, domain::time::Millis)>> {
        self.inner.failing().await
    }
}

#[async_trait]
impl KeyValueStore for Flaky {
    async fn note(&self, key: &str) -> Result<Option<String>> {
        self.inner.note(key).await
    }
    async fn set_value(&self, key: &str, value: Option<&str>) -> Result<()> {
        self.inner.set_value(key, value).await
    }
}

async fn n(lake: &Lake) -> u64 {
    let s = lake.summary(&ask(&scope("", "all"), june())).await.expect("a summary");
    s.metrics.iter().find(|m| m.metric == "mAP50").map_or(0, |m| m.n)
}

fn batch(value: f64) -> Vec<serde_json::Value> {
    (28..=30).map(|d| json!({"timestamp": format!("2026-06-{d}T10:00:00Z"), "detection": {"mAP50": value}})).collect()
}

async fn a_batch_whose_commit_fails_leaves_nothing_and_can_be_repeated(dir: &LakeDir) {
    let manifest = Arc::new(Flaky { inner: dir.store().await, broken: AtomicBool::new(false) });
    let lake = dir.open_on(manifest.clone()).await;
    take(&lake, batch(0.5)).await;
    let files = dir.files(None);
    for value in [0.7, 0.5] {
        manifest.broken.store(true, Ordering::SeqCst);
        let records = arrivals(
            batch(value).into_iter().chain([json!({"run_id": "n", "detection": {"mAP50": 1}})]).map(record).collect(),
        );
        let refused = lake.append(&source("x"), records, &RefusedCounts::new()).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unavailable);
        assert!(lake.compact().await.is_ok(), "one file a day: nothing to merge");
        assert_eq!((n(&lake).await, dir.files(None)), (3, files.clone()), "no row and no file of it is left");
    }
    manifest.broken.store(false, Ordering::SeqCst);
    assert_eq!(take(&lake, batch(0.7)).await, AppendCounts { taken: 0, duplicate: 0, corrected: 3, withdrawn: 0 });
    let s = lake.summary(&ask(&fleet(), june())).await.unwrap();
    assert!(crate::support::near(metric(&s.metrics, "mAP50").value.unwrap(), 0.7));
}

async fn of_several_batches_whose_commit_fails_none_is_there(dir: &LakeDir) {
    let manifest = Arc::new(Flaky { inner: dir.store().await, broken: AtomicBool::new(false) });
    let lake = dir.open_on(manifest.clone()).await;
    take(&lake, batch(0.5)).await;
    let files = dir.files(None);
    let several = || {
        ["a", "b"].map(|run| domain::ports::Batch {
            source: source(run),
            records: arrivals(vec![record(json!({"run_id": run, "detection": {"mAP50": 1}}))]).into(),
            ..domain::ports::Batch::default()
        })
    };
    manifest.broken.store(true, Ordering::SeqCst);
    assert!(lake.append_all(several().into()).await.is_err());
    assert_eq!((n(&lake).await, dir.files(None)), (3, files));
    manifest.broken.store(false, Ordering::SeqCst);
    let counts = lake.append_all(several().into()).await.unwrap();
    assert!(counts.iter().all(|c| c.taken == 1), "the repeat takes each: {counts:?}");
}

async fn removing_the_demo_when_the_manifest_fails_removes_nothing(dir: &LakeDir) {
    let manifest = Arc::new(Flaky { inner: dir.store().await, broken: AtomicBool::new(false) });
    let lake = dir.open_on(manifest.clone()).await;
    take(
        &lake,
        batch(0.5).into_iter().map(|mut r| {
            r["simulated"] = json!(true);
            r
        }),
    )
    .await;
    manifest.broken.store(true, Ordering::SeqCst);
    assert!(lake.remove_simulated().await.is_err());
    assert_eq!(n(&lake).await, 3);
    manifest.broken.store(false, Ordering::SeqCst);
    assert_eq!(lake.remove_simulated().await.unwrap(), 3);
}

async fn a_second_process_sees_rows_after_a_refresh(dir: &LakeDir) {
    let (one, two) = (dir.open().await, dir.open().await);
    assert!(!two.refresh().await.unwrap() || n(&two).await == 0);
    take(&one, batch(0.5)).await;
    assert_eq!(n(&two).await, 0, "not before it looks");
    assert!(two.refresh().await.unwrap());
    assert_eq!(n(&two).await, 3);
    assert!(!two.refresh().await.unwrap(), "nothing new");
    assert_eq!(one.generation(), two.generation());
}

async fn two_processes_know_each_others_duplicates_and_corrections(dir: &LakeDir) {
    let (one, two) = (dir.open().await, dir.open().await);
    assert_eq!(take(&one, batch(0.5)).await, AppendCounts { taken: 3, duplicate: 0, corrected: 0, withdrawn: 0 });
    assert_eq!(take(&two, batch(0.5)).await, AppendCounts { taken: 0, duplicate: 3, corrected: 0, withdrawn: 0 });
    assert_eq!(take(&two, batch(0.6)).await, AppendCounts { taken: 0, duplicate: 0, corrected: 3, withdrawn: 0 });
    assert_eq!(take(&one, batch(0.6)).await, AppendCounts { taken: 0, duplicate: 3, corrected: 0, withdrawn: 0 });
    assert_eq!(take(&one, batch(0.5)).await, AppendCounts { taken: 0, duplicate: 0, corrected: 3, withdrawn: 0 });
    assert_eq!(n(&one).await, 3);
}

async fn two_processes_writing_at_once_lose_nothing(dir: &LakeDir) {
    let (one, two) = (dir.open().await, dir.open().await);
    let write = async |lake: &lake::Lake, who: &str| {
        for i in 0..4 {
            let mine = json!({"run_id": format!("{who}{i}"), "detection": {"mAP50": 0.5}});
            let shared = json!({"run_id": format!("{i}"), "detection": {"mAP50": 0.5}});
            take(lake, [mine, shared]).await;
        }
    };
    tokio::join!(write(&one, "a"), write(&two, "b"));
    for lake in [&one, &two] {
        lake.refresh().await.unwrap();
        assert_eq!(n(lake).await, 12);
    }
}

async fn a_reader_that_has_not_refreshed_survives_a_merge_by_another_process(dir: &LakeDir) {
    let (one, two) = (dir.open().await, dir.open().await);
    for i in 0..4 {
        take(&one, [json!({"run_id": format!("{i}"), "detection": {"mAP50": 0.5}})]).await;
    }
    two.refresh().await.unwrap();
    one.compact().await.unwrap();
    assert_eq!(n(&two).await, 4, "the files it knew are merged away; it has to look anew");
    assert_eq!(two.unreadable(), vec![]);
}

async fn an_export_that_has_not_refreshed_survives_a_merge_by_another_process(dir: &LakeDir) {
    let (one, two) = (dir.open().await, dir.open().await);
    for i in 0..4 {
        take(&one, [json!({"run_id": format!("{i}"), "detection": {"mAP50": 0.5}})]).await;
    }
    two.refresh().await.unwrap();
    one.compact().await.unwrap();
    assert_eq!(two.export_to(&fleet(), june(), &dir.path().join("x.parquet")).await, Ok(4));
}

async fn a_lake_that_is_opened_again_answers_the_same(dir: &LakeDir) {
    let lake = dir.open().await;
    take(&lake, batch(0.5)).await;
    let before = lake.summary(&ask(&fleet(), june())).await.unwrap();
    drop(lake);
    let again = dir.open().await;
    assert_eq!(again.summary(&ask(&fleet(), june())).await.unwrap(), before);
    assert_eq!(take(&again, batch(0.5)).await, AppendCounts { taken: 0, duplicate: 3, corrected: 0, withdrawn: 0 });
}
