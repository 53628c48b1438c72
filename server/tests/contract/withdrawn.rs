//! The contract of [`RecordSink`] for rows that their source takes back: they count no longer, are kept aside, and move to another
//! identity in one commit with what takes their place.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use domain::{
    cells::{CellsQuery, Filter, QueryPart},
    ports::{AppendCounts, Batch, MetricsStore, ReadProgress, RecordSink, SourceItem},
    record::{Record, RecordIdentity},
};
use futures::StreamExt;
use lake::Lake;
use serde_json::{Value, json};

use crate::{
    bent::Bent,
    support::{Asked, LakeDir, arrivals, ask, at, june, record, scope, source},
};

suite!([on_sqlite = crate::support::on_sqlite, on_postgres = crate::support::on_postgres] [
    a_withdrawn_row_counts_no_longer_and_is_kept_aside,
    a_row_moves_to_another_place_in_one_commit,
    what_is_not_there_is_no_error_and_what_comes_again_stays,
    the_last_row_of_a_day_and_of_the_lake_can_be_withdrawn,
    what_was_withdrawn_can_come_again,
    what_was_known_before_is_still_answered,
    a_withdrawal_is_there_as_a_whole_or_not_at_all,
    states_of_items_are_those_of_commits_that_were,
]);

fn row(run: &str, day: u32, fields: Value) -> Record {
    let mut r = json!({"run_id": run, "timestamp": format!("2026-06-{day}T10:00:00Z"), "detection": {"mAP50": 0.5}});
    if let (Some(r), Value::Object(fields)) = (r.as_object_mut(), fields) {
        r.extend(fields);
    }
    record(r)
}

fn plain(run: &str, day: u32) -> Record {
    row(run, day, json!({}))
}

fn batch(records: Vec<Record>, withdrawn: &[&Record]) -> Batch {
    let identities: Vec<RecordIdentity> = withdrawn.iter().map(|r| r.identity()).collect();
    Batch {
        source: source("runs"),
        records: arrivals(records).into(),
        withdrawn: identities.into(),
        ..Batch::default()
    }
}

async fn append(lake: &Lake, records: Vec<Record>, withdrawn: &[&Record]) -> domain::Result<AppendCounts> {
    lake.append_all(vec![batch(records, withdrawn)]).await.map(|counts| counts[0])
}

const fn counts(taken: u64, duplicate: u64, corrected: u64, withdrawn: u64) -> AppendCounts {
    AppendCounts { taken, duplicate, corrected, withdrawn }
}

async fn sites(lake: &Lake) -> Vec<(String, u64)> {
    let summary = lake.summary(&ask(&scope("acme", "all"), june())).await.unwrap();
    let site = |c: &domain::query::ChildSummary| {
        (c.scope.site.as_ref().unwrap().to_string(), c.metrics.first().map_or(0, |m| m.n))
    };
    summary.children.iter().map(site).filter(|(_, n)| *n > 0).collect()
}

/// Records that counted at a moment.
async fn known_at(lake: &Lake, moment: &str) -> u64 {
    let filter = Filter { scope: scope("", "all"), known_at: Some(at(moment)), ..Filter::default() };
    let query = CellsQuery { filter, parts: vec![QueryPart::over(june())] };
    let answer = MetricsStore::cells(lake, &query).await.unwrap();
    let groups: Vec<_> = answer.groups.collect().await;
    groups.into_iter().map(|g| g.unwrap().cells.rows.iter().sum::<u64>()).sum()
}

fn superseded(dir: &LakeDir) -> Vec<String> {
    let run = |r: &Record| r.texts()[0].as_ref().map(ToString::to_string).unwrap_or_default();
    let mut all: Vec<String> = dir.superseded().iter().map(run).collect();
    all.sort();
    all
}

async fn a_withdrawn_row_counts_no_longer_and_is_kept_aside(dir: &LakeDir) {
    let lake = dir.open().await;
    let all: Vec<Record> = ["a", "b", "c"].map(|run| plain(run, 28)).into();
    append(&lake, all.clone(), &[]).await.unwrap();
    let before = (lake.generation(), lake.view().generation_in(&scope("acme/s1", "all")));
    assert_eq!(append(&lake, vec![], &[&all[1]]).await, Ok(counts(0, 0, 0, 1)));
    assert_eq!(sites(&lake).await, [("s1".to_owned(), 2)]);
    assert_eq!(superseded(dir), ["b"]);
    assert!(lake.generation() > before.0);
    assert!(lake.view().generation_in(&scope("acme/s1", "all")) > before.1, "pages of its place are told");
    let books = &dir.store().await.sources().await.unwrap()[0];
    assert_eq!((books.taken, books.withdrawn), (3, 1));
    assert_eq!(append(&lake, all.clone(), &[]).await, Ok(counts(1, 2, 0, 0)), "it is not known any more");
    // Another process reads the same.
    assert_eq!(sites(&dir.open().await).await, [("s1".to_owned(), 3)]);
}

async fn a_row_moves_to_another_place_in_one_commit(dir: &LakeDir) {
    let lake = dir.open().await;
    let (old, new) = (plain("a", 28), row("a", 28, json!({"site": "s2"})));
    append(&lake, vec![old.clone(), plain("b", 28)], &[]).await.unwrap();
    let before = lake.generation();
    assert_eq!(append(&lake, vec![new], &[&old]).await, Ok(counts(1, 0, 0, 1)));
    assert_eq!(lake.generation(), before + 1);
    let mut found = sites(&lake).await;
    found.sort();
    assert_eq!(found, [("s1".to_owned(), 1), ("s2".to_owned(), 1)]);
    // To another day as well, and a correction of another row with it.
    let moved = row("b", 29, json!({}));
    let corrected = row("a", 28, json!({"site": "s2", "detection": {"mAP50": 0.9}}));
    let told = append(&lake, vec![moved, corrected], &[&plain("b", 28)]).await;
    assert_eq!(told, Ok(counts(1, 0, 1, 1)));
    assert_eq!(superseded(dir), ["a", "a", "b"]);
    lake.compact().await.unwrap();
    assert_eq!((lake.directory().records, lake.unreadable()), (2, vec![]));
}

async fn what_is_not_there_is_no_error_and_what_comes_again_stays(dir: &LakeDir) {
    let lake = dir.open().await;
    let a = plain("a", 28);
    assert_eq!(append(&lake, vec![], &[&a]).await, Ok(counts(0, 0, 0, 0)));
    append(&lake, vec![a.clone()], &[]).await.unwrap();
    assert_eq!(append(&lake, vec![a.clone()], &[&a, &plain("b", 28), &plain("a", 27)]).await, Ok(counts(0, 1, 0, 0)));
    // Also when another source of the same commit brings it.
    let told = lake.append_all(vec![batch(vec![], &[&a]), batch(vec![a.clone()], &[])]).await;
    assert_eq!(told, Ok(vec![counts(0, 0, 0, 0), counts(0, 1, 0, 0)]));
    let better = row("a", 28, json!({"detection": {"mAP50": 0.8}}));
    assert_eq!(append(&lake, vec![better], &[&a, &a]).await, Ok(counts(0, 0, 1, 0)));
    assert_eq!(sites(&lake).await, [("s1".to_owned(), 1)]);
}

async fn the_last_row_of_a_day_and_of_the_lake_can_be_withdrawn(dir: &LakeDir) {
    let lake = dir.open().await;
    append(&lake, vec![plain("a", 27), plain("b", 28)], &[]).await.unwrap();
    assert_eq!(append(&lake, vec![], &[&plain("a", 27)]).await, Ok(counts(0, 0, 0, 1)));
    assert_eq!((dir.files(Some("2026-06-27")), superseded(dir)), (vec![], vec!["a".to_owned()]));
    assert_eq!(append(&lake, vec![], &[&plain("b", 28)]).await, Ok(counts(0, 0, 0, 1)));
    assert_eq!((dir.files(None), superseded(dir)), (vec![], vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(lake.directory().records, 0);
    let again = dir.open().await;
    assert_eq!((again.directory().records, again.unreadable()), (0, vec![]));
    append(&again, vec![plain("c", 28)], &[]).await.unwrap();
    assert_eq!(superseded(dir), ["a", "b"], "who writes next finds nothing to clear up");
}

async fn what_was_withdrawn_can_come_again(dir: &LakeDir) {
    let lake = dir.open().await;
    let a = plain("a", 28);
    for _ in 0..3 {
        assert_eq!(append(&lake, vec![a.clone()], &[]).await, Ok(counts(1, 0, 0, 0)));
        assert_eq!(append(&lake, vec![], &[&a]).await, Ok(counts(0, 0, 0, 1)));
    }
    assert_eq!(superseded(dir), ["a", "a", "a"], "each time is kept");
}

async fn what_was_known_before_is_still_answered(dir: &LakeDir) {
    let lake = dir.open().await;
    let (a, b) = (plain("a", 28), plain("b", 29));
    let step = |time: &str| dir.clock.set(&format!("2026-06-30T{time}Z"));
    step("12:00:00");
    append(&lake, vec![a.clone(), b.clone(), plain("c", 29)], &[]).await.unwrap();
    step("13:00:00");
    append(&lake, vec![], &[&a, &b]).await.unwrap();
    step("14:00:00");
    append(&lake, vec![a.clone()], &[]).await.unwrap();
    step("15:00:00");
    append(&lake, vec![row("a", 28, json!({"detection": {"mAP50": 0.9}}))], &[]).await.unwrap();
    for (moment, n) in [("11:59", 0), ("12:30", 3), ("13:30", 1), ("14:30", 2), ("15:30", 2)] {
        assert_eq!(known_at(&lake, &format!("2026-06-30T{moment}:00Z")).await, n, "{moment}");
    }
    // Putting files in order changes nothing of it.
    lake.compact().await.unwrap();
    assert_eq!(known_at(&lake, "2026-06-30T12:30:00Z").await, 3);
}

async fn a_withdrawal_is_there_as_a_whole_or_not_at_all(dir: &LakeDir) {
    for emptied in [false, true] {
        let manifest = Arc::new(Bent::on(dir.store().await));
        let lake = dir.open_on(manifest.clone()).await;
        let day = if emptied { 27 } else { 28 };
        let (a, rest) = (plain("a", day), plain("rest", day));
        let kept = superseded(dir);
        append(&lake, if emptied { vec![a.clone()] } else { vec![a.clone(), rest] }, &[]).await.unwrap();
        let held = lake.directory().records;
        manifest.wish.fails_before.store(true, SeqCst);
        append(&lake, vec![], &[&a]).await.unwrap_err();
        manifest.wish.fails_before.store(false, SeqCst);
        assert_eq!((lake.directory().records, superseded(dir)), (held, kept.clone()));
        // The process dies while nobody knows whether the commit has come about; it has not.
        manifest.wish.then_blind.store(true, SeqCst);
        manifest.wish.fails_before.store(true, SeqCst);
        append(&lake, vec![], &[&a]).await.unwrap_err();
        drop(lake);
        let lake = dir.open().await;
        assert_eq!((lake.directory().records, superseded(dir)), (held, kept.clone()), "{emptied}");
        drop(lake);
        // The same where it has.
        let manifest = Arc::new(Bent::on(dir.store().await));
        let lake = dir.open_on(manifest.clone()).await;
        manifest.wish.then_blind.store(true, SeqCst);
        manifest.wish.fails_behind.store(true, SeqCst);
        append(&lake, vec![], &[&a]).await.unwrap_err();
        drop(lake);
        let lake = dir.open().await;
        assert_eq!((lake.directory().records, superseded(dir).len()), (held - 1, kept.len() + 1), "{emptied}");
        assert_eq!(lake.unreadable(), vec![]);
    }
}

async fn states_of_items_are_those_of_commits_that_were(dir: &LakeDir) {
    let item = |key: &str, state: &str| SourceItem { key: key.to_owned(), state: state.to_owned() };
    let manifest = Arc::new(Bent::on(dir.store().await));
    let lake = dir.open_on(manifest.clone()).await;
    let with = |records: Vec<Record>, items: Vec<SourceItem>| Batch {
        progress: ReadProgress { items, ..ReadProgress::default() },
        ..batch(records, &[])
    };
    let many: Vec<SourceItem> = (0..1_203).map(|n| item(&format!("run{n:04}"), "1")).collect();
    lake.append_all(vec![with(vec![plain("a", 28)], many.clone())]).await.unwrap();
    lake.append_all(vec![with(vec![], vec![item("run0001", "{\"부산\":2}"), item("run0007", "2")])]).await.unwrap();
    manifest.wish.fails_before.store(true, SeqCst);
    lake.append_all(vec![with(vec![plain("b", 28)], vec![item("run0001", "3")])]).await.unwrap_err();
    let store = dir.store().await;
    let kept = store.source_items(&source("runs")).await.unwrap();
    assert_eq!(
        (kept.len(), &kept[1], &kept[7], &kept[8]),
        (many.len(), &item("run0001", "{\"부산\":2}"), &item("run0007", "2"), &many[8])
    );
    assert_eq!(store.source_items(&source("others")).await.unwrap(), vec![]);
}
