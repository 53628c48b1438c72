//! Whoever follows the lake by what its commits say knows what one who reads everything knows; and whose answers may differ is
//! told, and nobody else.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    ports::{Batch, MetricsStore, ReadProgress, RecordSink},
    scope::Scope,
    time::{Millis, TimeRange},
};
use lake::Lake;
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::json;

use crate::{
    soak,
    support::{Asked, LakeDir, NOW, arrivals, at, record, scope, source, take},
};

const PLACES: [&str; 6] = ["", "a", "a/s1", "a/s1/z1", "a/s2", "b"];

#[derive(Debug, Clone)]
enum Step {
    /// Records by customer, site, hour and value; a value that differs corrects.
    Take(Vec<(usize, usize, i64, u8)>, bool),
    Tidy,
    RemoveSimulated,
    /// A source fails, or heals.
    Source(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let rows = prop::collection::vec((0usize..2, 0usize..2, 0i64..60, 0u8..3), 1..5);
    prop_oneof![
        6 => (rows, prop::bool::weighted(0.2)).prop_map(|(rows, simulated)| Step::Take(rows, simulated)),
        1 => Just(Step::Tidy),
        1 => Just(Step::RemoveSimulated),
        1 => any::<bool>().prop_map(Step::Source),
    ]
}

fn range() -> TimeRange {
    TimeRange::new(at("2026-06-20T00:00:00Z"), at("2026-07-01T00:00:00Z")).expect("a range")
}

/// Everything that a summary says, but for when something arrived last.
async fn answer(lake: &Lake, scope: &Scope) -> String {
    if lake.directory().check(scope).is_err() {
        return "unknown".into();
    }
    let mut summary = lake.summary(&crate::support::ask(scope, range())).await.expect("a summary");
    summary.as_of = Millis(0);
    serde_json::to_string(&summary).expect("JSON")
}

async fn answers(lake: &Lake) -> BTreeMap<&'static str, (i64, String)> {
    let mut all = BTreeMap::new();
    for place in PLACES {
        let scope = scope(place, "all");
        all.insert(place, (lake.view().generation_in(&scope), answer(lake, &scope).await));
    }
    all
}

async fn play(steps: &[(Step, bool)]) -> Result<(), TestCaseError> {
    let dir = LakeDir::new();
    let store = dir.store().await;
    let (writer, reader) = (dir.open().await, dir.open().await);
    let mut before = answers(&reader).await;
    for (step, looks) in steps {
        match step {
            Step::Take(rows, simulated) => {
                let row = |(customer, site, hour, value): &(usize, usize, i64, u8)| {
                    let time = at("2026-06-27T00:00:00Z").plus(hour * 3_600_000).to_string();
                    json!({"customer": (["a", "b"][*customer]), "site": (["s1", "s2"][*site]), "timestamp": time,
                           "run_id": (if *simulated { "demo" } else { "r" }), "simulated": simulated,
                           "detection": {"mAP50": (f64::from(*value) / 4.0)}})
                };
                let records = arrivals(rows.iter().map(row).map(record).collect());
                // With what reads a source to its end, a failure of it is over.
                let progress = ReadProgress { caught_up: rows.len() % 2 == 0, ..ReadProgress::default() };
                let batch =
                    Batch { source: source("test.jsonl"), records: Arc::new(records), progress, ..Batch::default() };
                writer.append_all(vec![batch]).await.expect("taken");
            }
            Step::Tidy => writer.compact().await.expect("tidied"),
            Step::RemoveSimulated => drop(writer.remove_simulated().await.expect("removed")),
            Step::Source(fails) => {
                let reason = domain::error::Sentence::only_english("it broke");
                match fails {
                    true => store.read_failed(&source("test.jsonl"), at(NOW), &reason).await.expect("noted"),
                    false => store.read_finished(&source("test.jsonl"), at(NOW)).await.expect("noted"),
                }
            }
        }
        if !looks {
            continue;
        }
        reader.refresh().await.expect("a manifest");
        let (now, anew) = (answers(&reader).await, dir.open().await);
        for place in PLACES {
            prop_assert_eq!(
                &now[place].1,
                &answer(&anew, &scope(place, "all")).await,
                "{:?} as read as a whole",
                place
            );
            let changed = before[place].1 != now[place].1;
            prop_assert!(
                !changed || before[place].0 != now[place].0,
                "{place:?} was not told: {} {}",
                before[place].1,
                now[place].1
            );
        }
        prop_assert_eq!(&*reader.directory(), &*anew.directory());
        before = now;
    }
    Ok(())
}

#[test]
fn whose_answer_differs_is_told_and_followers_know_what_readers_of_everything_know() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let config =
        Config { cases: 24 * soak::times(), max_shrink_iters: 60, source_file: Some(file!()), ..Config::default() };
    let steps = prop::collection::vec((step(), prop::bool::weighted(0.7)), 1..14);
    TestRunner::new(config).run(&steps, |steps| runtime.block_on(play(&steps))).unwrap_or_else(|e| panic!("{e}"));
}

#[tokio::test]
async fn records_of_one_customer_leave_others_as_they_are_also_where_another_process_takes_them() {
    let dir = LakeDir::new();
    let (writer, reader) = (dir.open().await, dir.open().await);
    let row = |customer: &str, site: &str, hour: u32| {
        json!({"customer": customer, "site": site, "timestamp": format!("2026-06-30T{hour:02}:00:00Z"),
               "detection": {"mAP50": 0.5}})
    };
    let all = [row("a", "s1", 1), row("a", "s2", 1), row("b", "s1", 1)];
    take(&writer, all).await;
    reader.refresh().await.unwrap();
    let of = |lake: &Lake| PLACES.map(|place| lake.view().generation_in(&scope(place, "all")));
    let changed = |before: [i64; 6], after: [i64; 6]| -> Vec<&str> {
        (0..6).filter(|i| before[*i] != after[*i]).map(|i| PLACES[i]).collect()
    };
    for (rows, told) in [
        (vec![row("b", "s1", 2)], vec!["", "b"]),
        (vec![row("a", "s2", 2)], vec!["", "a", "a/s2"]),
        (vec![row("a", "s1", 2), row("b", "s1", 3)], vec!["", "a", "a/s1", "a/s1/z1", "b"]),
    ] {
        let before = (of(&writer), of(&reader));
        take(&writer, rows).await;
        assert_eq!(of(&reader), before.1, "it has not looked yet");
        reader.refresh().await.unwrap();
        assert_eq!((changed(before.0, of(&writer)), changed(before.1, of(&reader))), (told.clone(), told));
    }
    // Files that are put in order change no answer.
    let before = of(&reader);
    writer.compact().await.unwrap();
    reader.refresh().await.unwrap();
    assert_eq!(changed(before, of(&reader)), [""], "whoever shows everything shows how it is kept");
    // A customer that is new is new to everybody: it can be asked about.
    let before = of(&reader);
    take(&writer, [row("c", "s1", 1)]).await;
    reader.refresh().await.unwrap();
    assert_eq!(changed(before, of(&reader)), PLACES);
    // More places than a commit names: everybody looks again.
    let many: Vec<_> = (0..300).map(|i| row("b", &format!("s{i}"), 4)).collect();
    take(&writer, many.clone()).await;
    reader.refresh().await.unwrap();
    let before = of(&reader);
    take(
        &writer,
        many.into_iter().map(|mut r| {
            r["timestamp"] = json!("2026-06-30T05:00:00Z");
            r
        }),
    )
    .await;
    reader.refresh().await.unwrap();
    assert_eq!(changed(before, of(&reader)), PLACES);
    // Sent again, nothing has come.
    let before = of(&reader);
    writer.append(&source("x"), arrivals(vec![record(row("b", "s1", 1))]), &Default::default()).await.unwrap();
    reader.refresh().await.unwrap();
    assert_eq!(changed(before, of(&reader)), [""]);
}
