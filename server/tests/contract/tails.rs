//! The contract of [`FilePositionStore`]: how far a file was taken moves with the rows or not at all, and every number comes back as
//! it was given.

use std::sync::Arc;

use domain::{
    ErrorKind,
    ports::{AppendCounts, ReadPosition, ReadProgress, RefusedCounts, SourceLedger},
    time::Millis,
};
use lake::ports::{FilePosition, FilePositionStore, Manifest, ManifestCommit, SourceDelivery};
use sqlx::{ConnectOptions, migrate::Migrator, sqlite::SqliteConnectOptions};

use crate::support::{LakeDir, source};

/// The positions, the manifest with whose commits they move, the ledger, and a second handle on the same store.
pub struct Positions {
    tails: Arc<dyn FilePositionStore>,
    other: Arc<dyn FilePositionStore>,
    manifest: Arc<dyn Manifest>,
    ledger: Arc<dyn SourceLedger>,
    _keep: LakeDir,
}

async fn positions(dir: LakeDir) -> Positions {
    let store = dir.store().await;
    Positions { other: dir.store().await, tails: store.clone(), manifest: store.clone(), ledger: store, _keep: dir }
}

async fn sqlite() -> Positions {
    positions(crate::support::on_sqlite().await).await
}

async fn postgres() -> Positions {
    positions(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    in_the_beginning_no_file_is_known,
    a_position_comes_back_as_it_was,
    a_position_moves_with_the_commit,
    a_commit_that_fails_moves_no_position,
    a_read_from_the_beginning_forgets_refusals_with_the_commit,
    a_source_that_was_read_to_its_end_is_not_in_error,
    positions_without_rows_are_kept_and_forgotten_together,
]);

fn file_position(id: i64, offset: u64) -> FilePosition {
    FilePosition {
        id,
        path: format!("/in/{id}.jsonl"),
        device: 7,
        inode: 11,
        offset,
        lines: 3,
        ..FilePosition::default()
    }
}

fn with(file_position: FilePosition) -> SourceDelivery {
    SourceDelivery {
        source: source(&file_position.path),
        at: Millis(5),
        progress: ReadProgress { position: Some(file_position.to_position().unwrap()), ..ReadProgress::default() },
        ..SourceDelivery::default()
    }
}

/// All files known to a store.
async fn known(store: &dyn FilePositionStore) -> Vec<FilePosition> {
    store.positions().await.unwrap().iter().map(|p| FilePosition::from_position(p).unwrap()).collect()
}

async fn keep(store: &dyn FilePositionStore, tails: &[FilePosition], forget: &[i64]) {
    let positions: Vec<_> = tails.iter().map(|t| t.to_position().unwrap()).collect();
    store.keep(&positions, forget).await.unwrap();
}

/// A tail with numbers that use all their bits.
fn full(id: i64) -> FilePosition {
    FilePosition {
        id,
        path: "/in/부산 #1/\"metrics\"_2026-06-30.jsonl".into(),
        device: u64::MAX,
        inode: u64::MAX - 1,
        offset: (1 << 40) + 1,
        lines: (1 << 53) + 1,
        loose: i64::MAX.cast_unsigned(),
        print: 0xffee_ddcc_bbaa_9988,
        size: (1 << 63) + 1,
        changed: Millis(1_782_820_800_123),
        rejects: 99,
        gone: Some(Millis(i64::MIN)),
    }
}

fn change(deliveries: Vec<SourceDelivery>) -> ManifestCommit {
    ManifestCommit { deliveries, ..ManifestCommit::default() }
}

async fn in_the_beginning_no_file_is_known(p: &Positions) {
    assert_eq!(known(&*p.tails).await, vec![]);
}

async fn a_position_comes_back_as_it_was(p: &Positions) {
    let all = full(1);
    p.manifest.commit(change(vec![with(all.clone())])).await.unwrap();
    assert_eq!(known(&*p.tails).await, std::slice::from_ref(&all));
    keep(&*p.tails, std::slice::from_ref(&all), &[]).await;
    assert_eq!(known(&*p.other).await, [all], "also seen by another process");
}

async fn a_position_moves_with_the_commit(p: &Positions) {
    p.manifest.commit(change(vec![with(file_position(1, 10)), with(file_position(2, 20))])).await.unwrap();
    p.manifest.commit(change(vec![with(file_position(2, 25))])).await.unwrap();
    assert_eq!(known(&*p.tails).await, [file_position(1, 10), file_position(2, 25)]);
    p.manifest.commit(ManifestCommit::default()).await.unwrap();
    assert_eq!(known(&*p.tails).await, [file_position(1, 10), file_position(2, 25)], "other commits leave it alone");
}

async fn a_commit_that_fails_moves_no_position(p: &Positions) {
    p.manifest.commit(change(vec![with(file_position(1, 10))])).await.unwrap();
    let file = crate::manifest::file("twice");
    let change = ManifestCommit {
        publish: vec![file.clone(), file],
        deliveries: vec![with(file_position(1, 99)), with(file_position(2, 5))],
        ..ManifestCommit::default()
    };
    p.manifest.commit(change).await.unwrap_err();
    assert_eq!(known(&*p.tails).await, [file_position(1, 10)]);
}

async fn a_read_from_the_beginning_forgets_refusals_with_the_commit(p: &Positions) {
    let id = source("x");
    let delivery = |anew, n| SourceDelivery {
        source: id.clone(),
        at: Millis(1),
        appended: AppendCounts { taken: 1, duplicate: 1, corrected: 0, withdrawn: 0 },
        refused: RefusedCounts::from([("missing".into(), n)]),
        progress: ReadProgress { anew, ..ReadProgress::default() },
        ..SourceDelivery::default()
    };
    for (anew, n) in [(false, 1), (false, 2)] {
        p.manifest.commit(change(vec![delivery(anew, n)])).await.unwrap();
    }
    let read = async || p.ledger.sources().await.unwrap().remove(0);
    assert_eq!((read().await.refused_total(), read().await.duplicate), (3, 2));
    let file = crate::manifest::file("twice");
    let broken = ManifestCommit { publish: vec![file.clone(), file], ..change(vec![delivery(true, 5)]) };
    p.manifest.commit(broken).await.unwrap_err();
    assert_eq!(read().await.refused_total(), 3, "not without its rows");
    p.manifest.commit(change(vec![delivery(true, 5)])).await.unwrap();
    let x = read().await;
    assert_eq!((x.refused_total(), x.duplicate, x.taken), (5, 1, 3), "what was taken stays taken");
}

async fn a_source_that_was_read_to_its_end_is_not_in_error(p: &Positions) {
    let id = source("x");
    p.ledger.read_failed(&id, Millis(1), &domain::error::Sentence::only_english("permission denied")).await.unwrap();
    let delivery = |caught_up| SourceDelivery {
        source: id.clone(),
        progress: ReadProgress { caught_up, ..ReadProgress::default() },
        ..SourceDelivery::default()
    };
    p.manifest.commit(change(vec![delivery(false)])).await.unwrap();
    assert!(p.ledger.sources().await.unwrap()[0].error.is_some());
    p.manifest.commit(change(vec![delivery(true)])).await.unwrap();
    let x = p.ledger.sources().await.unwrap().remove(0);
    assert_eq!((x.error, x.finished), (None, true));
}

async fn positions_without_rows_are_kept_and_forgotten_together(p: &Positions) {
    keep(&*p.tails, &[file_position(1, 1), file_position(2, 2)], &[]).await;
    keep(&*p.tails, &[file_position(2, 3), file_position(3, 4)], &[1, 99]).await;
    assert_eq!(known(&*p.tails).await, [file_position(2, 3), file_position(3, 4)]);
    let before = p.manifest.generation().await.unwrap();
    keep(&*p.tails, &[], &[2, 3]).await;
    assert_eq!(known(&*p.tails).await, vec![]);
    assert_eq!(p.manifest.generation().await.unwrap(), before, "no answer has changed");
}

/// A database as it was before positions were their reader's own affair: by the migrations up to that one.
async fn written_before(dir: &LakeDir, tails: &[FilePosition]) {
    let before = dir.path().join("migrations");
    std::fs::create_dir(&before).unwrap();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/store/migrations/sqlite")).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_str().unwrap() < "0009" {
            std::fs::copy(file.path(), before.join(file.file_name())).unwrap();
        }
    }
    let options = SqliteConnectOptions::new().filename(dir.path().join("guardianflow.db")).create_if_missing(true);
    let mut db = options.connect().await.unwrap();
    Migrator::new(before).await.unwrap().run(&mut db).await.unwrap();
    for t in tails {
        let bits = [t.device, t.inode, t.offset, t.lines, t.loose, t.print, t.size].map(u64::cast_signed);
        let row = sqlx::query("INSERT INTO tail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").bind(t.id).bind(&t.path);
        let row = bits.into_iter().fold(row, |row, n| row.bind(n));
        let row = row.bind(t.changed.0).bind(t.rejects.cast_signed()).bind(t.gone.map(|m| m.0));
        row.execute(&mut db).await.unwrap();
    }
}

#[tokio::test]
async fn positions_of_a_database_that_was_written_before_come_back_as_they_were() {
    let dir = LakeDir::new();
    let tails = [file_position(1, 10), full(2), FilePosition { id: i64::MAX, gone: None, ..full(3) }];
    written_before(&dir, &tails).await;
    let store = dir.store().await;
    assert_eq!(known(&*store).await, tails);
    let written: Vec<ReadPosition> = tails.iter().map(|t| t.to_position().unwrap()).collect();
    assert_eq!(store.positions().await.unwrap(), written, "to the letter as the reader would have written them");
    keep(&*store, &[file_position(1, 11)], &[2]).await;
    assert_eq!(known(&*dir.store().await).await, [file_position(1, 11), tails[2].clone()]);
}

#[tokio::test]
async fn a_position_that_is_none_of_ours_is_refused() {
    for state in ["", "7", "{}", r#"{"path":"/in/x.jsonl"}"#] {
        let refused = FilePosition::from_position(&ReadPosition { id: 1, state: state.into() }).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unavailable, "{state}");
    }
}
