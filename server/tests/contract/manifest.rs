//! The contract of [`Manifest`]: what it names exists, what it does not name does not, and a commit is all or nothing.

use std::sync::Arc;

use domain::{
    ErrorKind,
    changes::ChangeSet,
    ports::{AppendCounts, RefusedCounts, SourceLedger},
    scope::Place,
    text::Name,
    time::{Day, Millis},
};
use lake::ports::{LakeFile, Manifest, ManifestCommit, ManifestUpdate, NewFile, SourceDelivery};

use crate::support::{LakeDir, source};

/// Two handles on the same manifest, as two processes have them.
pub struct Pair {
    pub one: Arc<dyn Manifest>,
    pub two: Arc<dyn Manifest>,
    pub ledger: Arc<dyn SourceLedger>,
    _keep: LakeDir,
}

async fn pair(dir: LakeDir) -> Pair {
    let (one, two) = (dir.store().await, dir.store().await);
    Pair { ledger: one.clone(), one, two, _keep: dir }
}

async fn sqlite() -> Pair {
    pair(crate::support::on_sqlite().await).await
}

async fn postgres() -> Pair {
    pair(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    a_new_manifest_is_empty,
    what_is_published_is_read_back_as_it_was,
    the_generation_grows_with_every_commit,
    retired_files_and_their_indexes_are_gone,
    what_came_since_is_told_by_commit,
    what_nobody_remembers_is_read_as_a_whole,
    a_commit_that_fails_changes_nothing,
    the_sequence_number_moves_only_when_a_commit_says_so,
    a_delivery_is_booked_with_the_files,
    forgetting_the_demo_spares_other_sources,
    notes_are_set_changed_and_taken_away,
    two_handles_see_each_other,
    commits_of_two_handles_at_once_all_count,
]);

pub fn file(path: &str) -> NewFile {
    let file = LakeFile {
        id: 0,
        path: path.into(),
        day: Day(20_634),
        rows: 3,
        bytes: 1_234,
        from: Millis(1_782_777_600_000),
        to: Millis(1_782_777_600_123),
        simulated: 1,
        received: Millis(1_782_820_800_000),
    };
    NewFile { file, index: path.as_bytes().to_vec() }
}

fn publish<'a>(paths: impl IntoIterator<Item = &'a str>) -> ManifestCommit {
    ManifestCommit { publish: paths.into_iter().map(file).collect(), ..ManifestCommit::default() }
}

fn delivery(kind: &str, name: &str) -> Vec<SourceDelivery> {
    vec![SourceDelivery {
        source: domain::ports::SourceId { kind: kind.into(), ..source(name) },
        at: Millis(5),
        appended: AppendCounts { taken: 2, duplicate: 1, corrected: 1, withdrawn: 0 },
        refused: RefusedCounts::from([("missing".into(), 4)]),
        newest: Some(Millis(3)),
        ..SourceDelivery::default()
    }]
}

async fn paths(m: &Arc<dyn Manifest>) -> Vec<String> {
    m.files().await.unwrap().into_iter().map(|f| f.path).collect()
}

async fn a_new_manifest_is_empty(m: &Pair) {
    assert_eq!(m.one.files().await.unwrap(), vec![]);
    assert_eq!(m.one.last_seq().await.unwrap(), 0);
    assert_eq!(m.one.note("demo").await.unwrap(), None);
    assert_eq!(m.one.indexes(&[1, 2]).await.unwrap(), vec![]);
}

async fn what_is_published_is_read_back_as_it_was(m: &Pair) {
    m.one.commit(publish(["b", "a"])).await.unwrap();
    let files = m.one.files().await.unwrap();
    assert!(files[0].id < files[1].id, "in order of id");
    for (found, path) in files.iter().zip(["b", "a"]) {
        assert_eq!(*found, LakeFile { id: found.id, ..file(path).file });
    }
    let mut indexes = m.one.indexes(&[files[0].id, files[1].id, 999]).await.unwrap();
    indexes.sort();
    assert_eq!(indexes, vec![(files[0].id, b"b".to_vec()), (files[1].id, b"a".to_vec())]);
}

async fn the_generation_grows_with_every_commit(m: &Pair) {
    let mut before = m.one.generation().await.unwrap();
    for change in [
        publish(["a"]),
        publish(["b"]),
        ManifestCommit::default(),
        ManifestCommit { retire: vec![1], ..ManifestCommit::default() },
    ] {
        let now = m.one.commit(change).await.unwrap();
        assert!(now > before, "{now} after {before}");
        assert_eq!(m.one.generation().await.unwrap(), now);
        before = now;
    }
}

async fn what_came_since_is_told_by_commit(m: &Pair) {
    let begin = m.one.generation().await.unwrap();
    let mut touched = ChangeSet { days: [Day(20_634)].into(), ..ChangeSet::default() };
    touched.metrics.insert("mAP50".into());
    touched.add_place(Place { customer: Name::parse("a").unwrap(), site: None, zone: Some(Name::parse("z").unwrap()) });
    m.one.commit(ManifestCommit { touched: touched.clone(), ..publish(["a", "b"]) }).await.unwrap();
    let files = m.one.files().await.unwrap();
    let middle = m.one.commit(ManifestCommit { retire: vec![files[0].id], ..publish(["c"]) }).await.unwrap();
    let end =
        m.one.commit(ManifestCommit { touched: ChangeSet::everything(), ..ManifestCommit::default() }).await.unwrap();
    // The other handle learns the same, and of one commit no more than of that.
    let news = m.two.since(begin).await.unwrap().expect("remembered");
    let live = m.two.files().await.unwrap();
    assert_eq!((news.generation, news.published.clone(), news.retired), (end, live.clone(), vec![files[0].id]));
    assert_eq!(news.touched, [touched, ChangeSet::default(), ChangeSet::everything()]);
    let last = m.two.since(middle).await.unwrap().expect("remembered");
    assert_eq!((last.published, last.retired, last.touched), (vec![], vec![], vec![ChangeSet::everything()]));
    let nothing = m.two.since(end).await.unwrap().expect("nothing has come");
    assert_eq!(nothing, ManifestUpdate { generation: end, ..ManifestUpdate::default() });
    // A source that begins to fail is of no place in particular.
    m.ledger.read_started(&source("x"), Millis(6)).await.unwrap();
    m.ledger.read_failed(&source("x"), Millis(7), &domain::error::Sentence::only_english("it broke")).await.unwrap();
    assert_eq!(m.two.since(end).await.unwrap().expect("remembered").touched, [ChangeSet::everything()]);
}

async fn what_nobody_remembers_is_read_as_a_whole(m: &Pair) {
    let begin = m.one.generation().await.unwrap();
    assert_eq!(m.one.since(begin + 5).await.unwrap(), None, "from the future: another manifest has taken its place");
    for _ in 0..1_001 {
        m.one.commit(ManifestCommit::default()).await.unwrap();
    }
    assert_eq!(m.one.since(begin).await.unwrap(), None);
    assert!(m.one.since(begin + 1).await.unwrap().is_some_and(|n| n.touched.len() == 1_000));
}

async fn retired_files_and_their_indexes_are_gone(m: &Pair) {
    m.one.commit(publish(["a", "b", "c"])).await.unwrap();
    let files = m.one.files().await.unwrap();
    let retire = vec![files[0].id, files[2].id];
    m.one.commit(ManifestCommit { retire: retire.clone(), ..publish(["d"]) }).await.unwrap();
    assert_eq!(paths(&m.one).await, ["b", "d"]);
    assert_eq!(m.one.indexes(&retire).await.unwrap(), vec![]);
    let ids: Vec<i64> = m.one.files().await.unwrap().iter().map(|f| f.id).collect();
    assert!(!ids.iter().any(|id| retire.contains(id)), "an id is never given twice");
}

async fn a_commit_that_fails_changes_nothing(m: &Pair) {
    m.one.commit(ManifestCommit { last_seq: Some(7), ..publish(["a"]) }).await.unwrap();
    let (generation, files) = (m.one.generation().await.unwrap(), m.one.files().await.unwrap());
    // The second file has the name of a live one: a manifest never names a file twice.
    let change = ManifestCommit {
        publish: vec![file("new"), file("a2"), file("a2")],
        retire: vec![files[0].id],
        last_seq: Some(99),
        deliveries: delivery("file", "x"),
        forget_demo: true,
        touched: ChangeSet::everything(),
    };
    let refused = m.one.commit(change).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    for handle in [&m.one, &m.two] {
        assert_eq!(handle.files().await.unwrap(), files);
        assert_eq!(handle.generation().await.unwrap(), generation);
        assert_eq!(handle.last_seq().await.unwrap(), 7);
    }
    assert_eq!(m.ledger.sources().await.unwrap(), vec![]);
}

async fn the_sequence_number_moves_only_when_a_commit_says_so(m: &Pair) {
    m.one.commit(ManifestCommit { last_seq: Some(41), ..ManifestCommit::default() }).await.unwrap();
    m.one.commit(publish(["a"])).await.unwrap();
    assert_eq!(m.one.last_seq().await.unwrap(), 41);
}

async fn a_delivery_is_booked_with_the_files(m: &Pair) {
    m.one.commit(ManifestCommit { deliveries: delivery("file", "x"), ..publish(["a"]) }).await.unwrap();
    m.one.commit(ManifestCommit { deliveries: delivery("file", "x"), ..publish(["b"]) }).await.unwrap();
    let sources = m.ledger.sources().await.unwrap();
    let [x] = sources.as_slice() else { panic!("one source, not {sources:?}") };
    assert_eq!(x.source, source("x"));
    assert_eq!((x.taken, x.duplicate, x.corrected, x.refused_total()), (4, 2, 2, 8));
    assert_eq!((x.first, x.last, x.newest), (Millis(5), Millis(5), Some(Millis(3))));
}

async fn forgetting_the_demo_spares_other_sources(m: &Pair) {
    m.one.commit(ManifestCommit { deliveries: delivery("demo", "demo"), ..ManifestCommit::default() }).await.unwrap();
    m.one.commit(ManifestCommit { deliveries: delivery("file", "demo"), ..ManifestCommit::default() }).await.unwrap();
    m.one.commit(ManifestCommit { forget_demo: true, ..ManifestCommit::default() }).await.unwrap();
    let left: Vec<_> = m.ledger.sources().await.unwrap().into_iter().map(|s| (s.source, s.refused)).collect();
    assert_eq!(left, vec![(source("demo"), RefusedCounts::from([("missing".into(), 4)]))]);
}

async fn notes_are_set_changed_and_taken_away(m: &Pair) {
    m.one.set_value("demo", Some("1")).await.unwrap();
    m.one.set_value("other", Some("")).await.unwrap();
    m.one.set_value("demo", Some("2")).await.unwrap();
    assert_eq!(m.two.note("demo").await.unwrap().as_deref(), Some("2"));
    assert_eq!(m.two.note("other").await.unwrap().as_deref(), Some(""), "an empty note is a note");
    m.two.set_value("demo", None).await.unwrap();
    assert_eq!(m.one.note("demo").await.unwrap(), None);
    m.two.set_value("demo", None).await.unwrap();
}

async fn two_handles_see_each_other(m: &Pair) {
    let a = m.one.commit(publish(["a"])).await.unwrap();
    assert_eq!(m.two.generation().await.unwrap(), a);
    let b = m.two.commit(ManifestCommit { last_seq: Some(3), ..publish(["b"]) }).await.unwrap();
    assert!(b > a);
    assert_eq!(paths(&m.one).await, ["a", "b"]);
    assert_eq!((m.one.generation().await.unwrap(), m.one.last_seq().await.unwrap()), (b, 3));
}

async fn commits_of_two_handles_at_once_all_count(m: &Pair) {
    let write = |handle: Arc<dyn Manifest>, name: &'static str| async move {
        for i in 0..5 {
            handle.commit(publish([format!("{name}{i}").as_str()])).await.unwrap();
        }
    };
    let before = m.one.generation().await.unwrap();
    tokio::join!(write(m.one.clone(), "x"), write(m.two.clone(), "y"));
    assert_eq!(paths(&m.one).await.len(), 10);
    assert_eq!(m.one.generation().await.unwrap(), before + 10, "no commit overwrote another");
}
