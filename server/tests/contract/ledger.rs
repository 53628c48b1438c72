//! The contract of [`SourceLedger`]: what each source delivered, what was refused, and which sources need a look.

use std::sync::Arc;

use domain::{
    error::Sentence,
    ports::{AppendCounts, RefusedCounts, SourceId, SourceLedger, SourceReport},
    time::Millis,
};
use lake::ports::{Manifest, ManifestCommit, SourceDelivery};

use crate::support::{LakeDir, source};

/// The ledger, the manifest through which deliveries reach it, and a second handle on the same ledger.
pub struct Books {
    ledger: Arc<dyn SourceLedger>,
    other: Arc<dyn SourceLedger>,
    manifest: Arc<dyn Manifest>,
    _keep: LakeDir,
}

async fn books(dir: LakeDir) -> Books {
    let store = dir.store().await;
    Books { ledger: store.clone(), other: dir.store().await, manifest: store, _keep: dir }
}

async fn sqlite() -> Books {
    books(crate::support::on_sqlite().await).await
}

async fn postgres() -> Books {
    books(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    a_new_ledger_is_empty,
    deliveries_add_up,
    the_newest_event_never_goes_back,
    reading_anew_forgets_what_the_last_read_refused,
    a_failure_is_kept_until_the_next_read,
    a_finished_read_says_so,
    sources_of_another_kind_or_name_are_others,
    sources_with_trouble_come_first_then_the_freshest,
    two_handles_read_the_same_ledger,
    a_source_fails_from_its_first_failure_until_a_read_comes_to_its_end,
    what_can_be_read_again_fails_and_nothing_else,
    the_generation_moves_when_a_source_begins_to_fail_and_when_it_heals,
]);

impl Books {
    async fn deliver(&self, id: &SourceId, at: i64, taken: u64, refused: &[(&str, u64)], newest: Option<i64>) {
        let delivery = SourceDelivery {
            source: id.clone(),
            at: Millis(at),
            appended: AppendCounts { taken, duplicate: 2, corrected: 1, withdrawn: 3 },
            refused: counts(refused),
            newest: newest.map(Millis),
            ..SourceDelivery::default()
        };
        self.manifest.commit(ManifestCommit { deliveries: vec![delivery], ..ManifestCommit::default() }).await.unwrap();
    }

    async fn one(&self, id: &SourceId) -> SourceReport {
        let all = self.ledger.sources().await.unwrap();
        all.into_iter().find(|r| r.source == *id).expect("the source is in the ledger")
    }
}

fn counts(of: &[(&str, u64)]) -> RefusedCounts {
    of.iter().map(|(code, n)| ((*code).to_owned(), *n)).collect()
}

async fn a_new_ledger_is_empty(b: &Books) {
    assert_eq!(b.ledger.sources().await.unwrap(), vec![]);
}

async fn deliveries_add_up(b: &Books) {
    let id = source("a");
    b.ledger.read_started(&id, Millis(100)).await.unwrap();
    b.deliver(&id, 110, 10, &[("missing", 3), ("future", 1)], Some(50)).await;
    b.deliver(&id, 120, 5, &[("missing", 2)], Some(60)).await;
    let expected = SourceReport {
        source: id.clone(),
        first: Millis(100),
        last: Millis(120),
        newest: Some(Millis(60)),
        taken: 15,
        corrected: 2,
        withdrawn: 6,
        duplicate: 4,
        refused: counts(&[("future", 1), ("missing", 5)]),
        error: None,
        finished: false,
    };
    assert_eq!(b.one(&id).await, expected);
}

async fn the_newest_event_never_goes_back(b: &Books) {
    let id = source("a");
    b.deliver(&id, 1, 0, &[], None).await;
    assert_eq!(b.one(&id).await.newest, None);
    b.deliver(&id, 2, 1, &[], Some(90)).await;
    b.deliver(&id, 3, 1, &[], Some(40)).await;
    b.deliver(&id, 4, 1, &[], None).await;
    assert_eq!(b.one(&id).await.newest, Some(Millis(90)));
}

async fn reading_anew_forgets_what_the_last_read_refused(b: &Books) {
    let (id, other) = (source("a"), source("b"));
    b.deliver(&id, 1, 10, &[("missing", 3)], None).await;
    b.deliver(&other, 1, 10, &[("missing", 3)], None).await;
    b.ledger.read_finished(&id, Millis(2)).await.unwrap();
    b.ledger.read_started(&id, Millis(9)).await.unwrap();
    let a = b.one(&id).await;
    assert_eq!((a.refused_total(), a.duplicate, a.finished), (0, 0, false));
    assert_eq!((a.taken, a.corrected), (10, 1), "these count over all reads");
    assert_eq!((a.first, a.last), (Millis(1), Millis(9)));
    assert_eq!(b.one(&other).await.refused_total(), 3, "another source is left alone");
    b.deliver(&id, 10, 0, &[("future", 1)], None).await;
    assert_eq!(b.one(&id).await.refused, counts(&[("future", 1)]));
}

async fn a_failure_is_kept_until_the_next_read(b: &Books) {
    let id = source("gone.jsonl");
    let denied = Sentence::from_io(&std::io::ErrorKind::PermissionDenied.into());
    b.ledger.read_failed(&id, Millis(5), &denied).await.unwrap();
    let failed = b.one(&id).await;
    assert_eq!((failed.error, failed.finished, failed.first), (Some(denied), false, Millis(5)));
    b.ledger.read_failed(&id, Millis(6), &Sentence::only_english("it is gone")).await.unwrap();
    assert_eq!(b.one(&id).await.error, Some(Sentence::only_english("it is gone")), "the last reason counts");
    b.ledger.read_started(&id, Millis(7)).await.unwrap();
    assert_eq!(b.one(&id).await.error, None);
}

async fn a_finished_read_says_so(b: &Books) {
    let id = source("a");
    b.ledger.read_started(&id, Millis(1)).await.unwrap();
    assert!(!b.one(&id).await.finished);
    b.deliver(&id, 2, 1, &[("missing", 1)], None).await;
    b.ledger.read_finished(&id, Millis(3)).await.unwrap();
    let done = b.one(&id).await;
    assert!(done.finished && done.error.is_none());
    assert_eq!((done.last, done.refused_total()), (Millis(3), 1), "what was refused stays to be seen");
}

async fn sources_of_another_kind_or_name_are_others(b: &Books) {
    let ids = [source("a"), source("A"), SourceId { kind: "stdin".into(), name: "a".into() }, source("부산 'x';--")];
    for (id, n) in ids.iter().zip(1..) {
        b.deliver(id, 1, n, &[("missing", n)], None).await;
    }
    for (id, n) in ids.iter().zip(1..) {
        let report = b.one(id).await;
        assert_eq!((report.taken, report.refused_total()), (n, n), "{id:?}");
    }
    assert_eq!(b.ledger.sources().await.unwrap().len(), ids.len());
}

async fn sources_with_trouble_come_first_then_the_freshest(b: &Books) {
    b.deliver(&source("old"), 10, 1, &[], None).await;
    b.deliver(&source("fresh"), 50, 1, &[], None).await;
    b.deliver(&source("middle"), 30, 1, &[], None).await;
    b.deliver(&source("refusing"), 5, 1, &[("missing", 1)], None).await;
    b.ledger.read_failed(&source("broken"), Millis(1), &Sentence::only_english("it is gone")).await.unwrap();
    let order: Vec<String> = b.ledger.sources().await.unwrap().into_iter().map(|r| r.source.name).collect();
    assert_eq!(order, ["broken", "refusing", "fresh", "middle", "old"]);
}

fn watched(name: &str) -> SourceId {
    SourceId { kind: "folder".into(), name: name.into() }
}

async fn a_source_fails_from_its_first_failure_until_a_read_comes_to_its_end(b: &Books) {
    let id = watched("/in/a.gz");
    let failing = async || b.manifest.failing().await.unwrap();
    b.ledger.read_failed(&id, Millis(5), &Sentence::only_english("it is damaged")).await.unwrap();
    b.ledger.read_started(&id, Millis(6)).await.unwrap();
    assert_eq!(failing().await, [("/in/a.gz".into(), Millis(5))], "it is being read: nobody knows better yet");
    b.deliver(&id, 7, 10, &[], None).await;
    b.ledger.read_failed(&id, Millis(8), &Sentence::only_english("it is cut off")).await.unwrap();
    assert_eq!(failing().await, [("/in/a.gz".into(), Millis(5))]);
    b.ledger.read_started(&id, Millis(9)).await.unwrap();
    b.ledger.read_finished(&id, Millis(10)).await.unwrap();
    assert_eq!(failing().await, []);
    // A file that grows heals with the rows that were read of it.
    b.ledger.read_failed(&id, Millis(11), &Sentence::only_english("it is gone")).await.unwrap();
    let progress =
        domain::ports::ReadProgress { position: Some(domain::ports::ReadPosition::default()), ..Default::default() };
    let delivery = SourceDelivery { source: id, at: Millis(12), progress, ..SourceDelivery::default() };
    b.manifest.commit(ManifestCommit { deliveries: vec![delivery], ..ManifestCommit::default() }).await.unwrap();
    assert_eq!(failing().await, []);
}

async fn what_can_be_read_again_fails_and_nothing_else(b: &Books) {
    let all = ["file", "folder", "stdin", "api", "demo"].map(|kind| SourceId { kind: kind.into(), name: kind.into() });
    for id in &all {
        b.ledger.read_failed(id, Millis(5), &Sentence::only_english("no")).await.unwrap();
    }
    assert_eq!(b.manifest.failing().await.unwrap(), [("file".into(), Millis(5)), ("folder".into(), Millis(5))]);
    // Taken by hand in vain, then read whole in the watched folder; and the other way round.
    b.ledger.read_failed(&source("/x"), Millis(6), &Sentence::only_english("no")).await.unwrap();
    b.ledger.read_finished(&watched("/x"), Millis(7)).await.unwrap();
    b.ledger.read_finished(&source("/y"), Millis(6)).await.unwrap();
    b.ledger.read_failed(&watched("/y"), Millis(7), &Sentence::only_english("no")).await.unwrap();
    let names: Vec<String> = b.manifest.failing().await.unwrap().into_iter().map(|f| f.0).collect();
    assert_eq!(names, ["/y", "file", "folder"], "the later read counts");
}

async fn the_generation_moves_when_a_source_begins_to_fail_and_when_it_heals(b: &Books) {
    let (id, mut before) = (watched("/in"), b.manifest.generation().await.unwrap());
    let mut moved = async || {
        let now = b.manifest.generation().await.unwrap();
        std::mem::replace(&mut before, now) != now
    };
    b.ledger.read_started(&id, Millis(1)).await.unwrap();
    b.ledger.read_finished(&id, Millis(2)).await.unwrap();
    assert!(!moved().await, "all is well as before");
    b.ledger.read_failed(&id, Millis(3), &Sentence::only_english("no")).await.unwrap();
    assert!(moved().await);
    b.ledger.read_failed(&id, Millis(4), &Sentence::only_english("still no")).await.unwrap();
    b.ledger.read_started(&id, Millis(5)).await.unwrap();
    assert!(!moved().await, "it fails as before");
    b.ledger.read_finished(&id, Millis(6)).await.unwrap();
    assert!(moved().await);
}

async fn two_handles_read_the_same_ledger(b: &Books) {
    let id = source("a");
    b.ledger.read_started(&id, Millis(1)).await.unwrap();
    b.deliver(&id, 2, 3, &[("missing", 1)], Some(1)).await;
    b.other.read_finished(&id, Millis(4)).await.unwrap();
    assert_eq!(b.other.sources().await.unwrap(), b.ledger.sources().await.unwrap());
    assert!(b.one(&id).await.finished);
}
