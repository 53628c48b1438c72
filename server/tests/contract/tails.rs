//! The contract of [`TailLedger`]: how far a file was taken moves with the rows or not at all, and every number comes back as
//! it was given.

use std::sync::Arc;

use domain::{
    ports::{Appended, Progress, RefusedCounts, SourceLedger, Tail, TailLedger},
    time::Millis,
};
use lake::ports::{Change, Delivery, Manifest};

use crate::support::{LakeDir, source};

/// The positions, the manifest with whose commits they move, the ledger, and a second handle on the same store.
pub struct Positions {
    tails: Arc<dyn TailLedger>,
    other: Arc<dyn TailLedger>,
    manifest: Arc<dyn Manifest>,
    ledger: Arc<dyn SourceLedger>,
    _keep: LakeDir,
}

async fn sqlite() -> Positions {
    let dir = LakeDir::new();
    let store = Arc::new(dir.store().await);
    Positions {
        other: Arc::new(dir.store().await),
        tails: store.clone(),
        manifest: store.clone(),
        ledger: store,
        _keep: dir,
    }
}

suite!([on_sqlite = super::sqlite] [
    in_the_beginning_no_file_is_known,
    a_position_comes_back_as_it_was,
    a_position_moves_with_the_commit,
    a_commit_that_fails_moves_no_position,
    a_read_from_the_beginning_forgets_refusals_with_the_commit,
    a_source_that_was_read_to_its_end_is_not_in_error,
    positions_without_rows_are_kept_and_forgotten_together,
]);

fn tail(id: i64, offset: u64) -> Tail {
    Tail { id, path: format!("/in/{id}.jsonl"), device: 7, inode: 11, offset, lines: 3, ..Tail::default() }
}

fn with(tail: Tail) -> Delivery {
    Delivery {
        source: source(&tail.path),
        at: Millis(5),
        progress: Progress { tail: Some(tail), ..Progress::default() },
        ..Delivery::default()
    }
}

fn change(deliveries: Vec<Delivery>) -> Change {
    Change { deliveries, ..Change::default() }
}

async fn in_the_beginning_no_file_is_known(p: &Positions) {
    assert_eq!(p.tails.tails().await.unwrap(), vec![]);
}

async fn a_position_comes_back_as_it_was(p: &Positions) {
    let all = Tail {
        id: 1,
        path: "/in/부산 #1/metrics_2026-06-30.jsonl".into(),
        device: u64::MAX,
        inode: u64::MAX - 1,
        offset: 1 << 40,
        lines: 12,
        loose: 13,
        print: 0xffee_ddcc_bbaa_9988,
        size: (1 << 40) + 13,
        changed: Millis(1_782_820_800_123),
        rejects: 99,
        gone: Some(Millis(8)),
    };
    p.manifest.commit(change(vec![with(all.clone())])).await.unwrap();
    assert_eq!(p.tails.tails().await.unwrap(), std::slice::from_ref(&all));
    p.tails.keep(std::slice::from_ref(&all), &[]).await.unwrap();
    assert_eq!(p.other.tails().await.unwrap(), [all], "also seen by another process");
}

async fn a_position_moves_with_the_commit(p: &Positions) {
    p.manifest.commit(change(vec![with(tail(1, 10)), with(tail(2, 20))])).await.unwrap();
    p.manifest.commit(change(vec![with(tail(2, 25))])).await.unwrap();
    assert_eq!(p.tails.tails().await.unwrap(), [tail(1, 10), tail(2, 25)]);
    p.manifest.commit(Change::default()).await.unwrap();
    assert_eq!(p.tails.tails().await.unwrap(), [tail(1, 10), tail(2, 25)], "other commits leave it alone");
}

async fn a_commit_that_fails_moves_no_position(p: &Positions) {
    p.manifest.commit(change(vec![with(tail(1, 10))])).await.unwrap();
    let file = crate::manifest::file("twice");
    let change = Change {
        publish: vec![file.clone(), file],
        deliveries: vec![with(tail(1, 99)), with(tail(2, 5))],
        ..Change::default()
    };
    p.manifest.commit(change).await.unwrap_err();
    assert_eq!(p.tails.tails().await.unwrap(), [tail(1, 10)]);
}

async fn a_read_from_the_beginning_forgets_refusals_with_the_commit(p: &Positions) {
    let id = source("x");
    let delivery = |anew, n| Delivery {
        source: id.clone(),
        at: Millis(1),
        appended: Appended { taken: 1, duplicate: 1, corrected: 0 },
        refused: RefusedCounts::from([("missing".into(), n)]),
        progress: Progress { anew, ..Progress::default() },
        ..Delivery::default()
    };
    for (anew, n) in [(false, 1), (false, 2)] {
        p.manifest.commit(change(vec![delivery(anew, n)])).await.unwrap();
    }
    let read = async || p.ledger.sources().await.unwrap().remove(0);
    assert_eq!((read().await.refused_total(), read().await.duplicate), (3, 2));
    let file = crate::manifest::file("twice");
    let broken = Change { publish: vec![file.clone(), file], ..change(vec![delivery(true, 5)]) };
    p.manifest.commit(broken).await.unwrap_err();
    assert_eq!(read().await.refused_total(), 3, "not without its rows");
    p.manifest.commit(change(vec![delivery(true, 5)])).await.unwrap();
    let x = read().await;
    assert_eq!((x.refused_total(), x.duplicate, x.taken), (5, 1, 3), "what was taken stays taken");
}

async fn a_source_that_was_read_to_its_end_is_not_in_error(p: &Positions) {
    let id = source("x");
    p.ledger.failed(&id, Millis(1), &"permission denied".into()).await.unwrap();
    let delivery = |caught_up| Delivery {
        source: id.clone(),
        progress: Progress { caught_up, ..Progress::default() },
        ..Delivery::default()
    };
    p.manifest.commit(change(vec![delivery(false)])).await.unwrap();
    assert!(p.ledger.sources().await.unwrap()[0].error.is_some());
    p.manifest.commit(change(vec![delivery(true)])).await.unwrap();
    let x = p.ledger.sources().await.unwrap().remove(0);
    assert_eq!((x.error, x.finished), (None, true));
}

async fn positions_without_rows_are_kept_and_forgotten_together(p: &Positions) {
    p.tails.keep(&[tail(1, 1), tail(2, 2)], &[]).await.unwrap();
    p.tails.keep(&[tail(2, 3), tail(3, 4)], &[1, 99]).await.unwrap();
    assert_eq!(p.tails.tails().await.unwrap(), [tail(2, 3), tail(3, 4)]);
    let before = p.manifest.generation().await.unwrap();
    p.tails.keep(&[], &[2, 3]).await.unwrap();
    assert_eq!(p.tails.tails().await.unwrap(), vec![]);
    assert_eq!(p.manifest.generation().await.unwrap(), before, "no answer has changed");
}
