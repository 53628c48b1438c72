//! A kill -9 at any moment leaves a lake that opens and holds whole batches or none.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::json;

use domain::time::Millis;

use crate::{
    fleet::{self, Site},
    process::{Folder, Served},
    soak,
};

on_both![
    an_ingest_killed_ten_times_is_completed_by_repeating_it,
    an_ingest_killed_beside_a_running_server_does_not_stop_it,
    a_server_that_was_killed_is_ready_again_within_five_seconds,
    a_demo_that_was_killed_while_it_was_filled_in_goes_on,
    corrections_killed_around_their_commits_leave_aside_what_they_replaced_and_nothing_else,
    a_server_killed_while_it_merges_leaves_the_lake_whole,
];

/// Each file is one batch.
const FILES: u64 = 6;
const ROWS: u64 = 1_000;

/// The files of one round: rows that no other round has.
fn input(folder: &Folder, round: u64) -> String {
    let at = fleet::now() - 60_000;
    for file in 0..FILES {
        let rows: Vec<_> = (0..ROWS)
            .map(|i| {
                let fields = json!({"run_id": format!("{round}-{file}"), "site": format!("s{}", i % 3), "note": format!("{i:x}").repeat(8)});
                fleet::one(at - (i as i64) * 120_000, fields)
            })
            .collect();
        folder.write(&format!("in-{round}/{file}.jsonl"), fleet::jsonl(&rows));
    }
    folder.text(&format!("in-{round}"))
}

/// How many records the lake answers with.
fn count(folder: &Folder) -> u64 {
    if !folder.data().join("folder.json").exists() {
        return 0;
    }
    let s = folder.run(&["metrics", "summary", "--json", "--days", "30"]).fine().json();
    s["metrics"].as_array().unwrap().iter().find(|m| m["metric"] == "mAP50").map_or(0, |m| m["n"].as_u64().unwrap())
}

async fn an_ingest_killed_ten_times_is_completed_by_repeating_it(folder: Folder) {
    // How long one takes that nobody kills.
    let calm = input(&folder, 0);
    let begun = Instant::now();
    folder.ingest(&[&calm]).fine();
    let mut whole = begun.elapsed();
    let mut cut_short = 0;
    for round in 1..=10 {
        let path = input(&folder, round);
        let before = count(&folder);
        assert_eq!(before, round * FILES * ROWS);
        let mut command = folder.command(&["ingest", &path]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let random = soak::random(10 * folder.repetition + round);
        // Somewhere in each tenth of the way, so that every part of it is hit.
        let share = (round as f64 - 1.0 + (random % 1_000) as f64 / 1_000.0) / 10.0;
        std::thread::sleep(whole.mul_f64(share));
        child.kill().unwrap();
        child.wait().unwrap();
        let held = count(&folder) - before;
        assert_eq!(held % ROWS, 0, "round {round}, killed at {share:.2}: {held} rows are no whole batches");
        if held < FILES * ROWS {
            cut_short += 1;
        } else {
            // The machine was busier when we measured: aim earlier.
            whole = whole.mul_f64(0.7);
        }
        let again = folder.ingest(&[&path]).fine().json();
        let all = (
            again["taken"].as_u64().unwrap(),
            again["duplicate"].as_u64().unwrap(),
            again["corrected"].as_u64().unwrap(),
        );
        assert_eq!(all, (FILES * ROWS - held, held, 0), "round {round}, killed at {share:.2}");
        println!("round {round}: killed at {share:.2} of {whole:?}, {held} of {} rows were in", FILES * ROWS);
    }
    assert!(cut_short >= 3, "only {cut_short} of ten were killed before their end");
    assert_eq!(count(&folder), 11 * FILES * ROWS);
}

async fn an_ingest_killed_beside_a_running_server_does_not_stop_it(folder: Folder) {
    let site = Site::start_in(folder, &[]).await;
    for round in 1..=3 {
        let path = input(&site.folder, round);
        let mut command = site.folder.command(&["ingest", &path]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(150 * round)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        site.folder.ingest(&[&path]).fine();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let s = site.served.json("/api/metrics/comparison?days=30").await;
    let n: u64 = s["models"].as_array().unwrap().iter().map(|m| m["n"].as_u64().unwrap()).sum();
    assert_eq!(n, site.fleet.records.len() as u64 + 3 * FILES * ROWS);
}

async fn a_server_that_was_killed_is_ready_again_within_five_seconds(folder: Folder) {
    let site = Site::start_in(folder, &[]).await;
    let Site { served, folder, .. } = site;
    let url = "/api/metrics/comparison?from=now-10d/d&to=now%2B1d/d";
    let before = served.json(url).await["models"].clone();
    served.kill();
    let begun = Instant::now();
    let served = Served::start(&folder, &[]).await;
    let took = begun.elapsed();
    println!("ready {took:?} after a kill -9");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let after = served.json(url).await["models"].clone();
    assert!(fleet::equal(&after, &before), "{after}\n{before}");
}

async fn a_demo_that_was_killed_while_it_was_filled_in_goes_on(folder: Folder) {
    let mut command = folder.command(&["serve", "--demo", "1", "--addr", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    // Ready again without going on with it; what was taken is there, marked as simulated.
    let served = Served::start(&folder, &[]).await;
    let s = served.json("/api/metrics/summary?days=30").await;
    assert!(s["metrics"].as_array().unwrap().iter().all(|m| m["n"] == 0 || m["simulated"] == true), "{s}");
}

/// The rows that corrections replaced: which, and the value that they had.
fn replaced(folder: &Folder) -> Vec<(String, i64)> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder.data().join("superseded")).unwrap() {
        let take = |rows: Vec<lake::ParquetRow>| {
            for row in rows {
                let record = row.record.unwrap();
                let run = record.texts()[0].as_ref().unwrap().as_str().to_owned();
                found.push((run, (100.0 * record.built_in()[0].unwrap()).round() as i64));
            }
            true
        };
        lake::read_parquet_source(&file.unwrap().path(), || Millis(fleet::now()), take).unwrap();
    }
    found.sort();
    found
}

async fn corrections_killed_around_their_commits_leave_aside_what_they_replaced_and_nothing_else(folder: Folder) {
    const RECORDS: i64 = 200;
    let at = fleet::now() - 60_000;
    let write = |round: i64| {
        let rows: Vec<_> = (0..RECORDS)
            .map(|i| {
                fleet::one(
                    at - i * 600_000,
                    json!({"run_id": format!("{i:03}"), "detection": {"mAP50": round as f64 / 100.0}}),
                )
            })
            .collect();
        folder.write(&format!("in/{round}.jsonl"), fleet::jsonl(&rows))
    };
    let mean = || {
        let s = folder.run(&["metrics", "summary", "--json", "--days", "30"]).fine().json();
        (s["metrics"][0]["n"].as_i64().unwrap(), (100.0 * s["metrics"][0]["value"].as_f64().unwrap()).round() as i64)
    };
    folder.ingest(&[&write(0)]).fine();
    let begun = Instant::now();
    folder.ingest(&[&write(1)]).fine();
    let mut whole = begun.elapsed();
    let mut expected: Vec<(String, i64)> = (0..RECORDS).map(|i| (format!("{i:03}"), 0)).collect();
    // A fixed sample of moments, most of them in the second half, where the commit is; another one in each repetition.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64.wrapping_add(folder.repetition);
    let (mut before, mut behind) = (0, 0);
    for round in 2..16 {
        let path = write(round);
        let mut command = folder.command(&["ingest", &path]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = 1.0 - (seed >> 40) as f64 / (1 << 24) as f64 * 0.75;
        std::thread::sleep(whole.mul_f64(share));
        child.kill().unwrap();
        child.wait().unwrap();
        // Which opens the lake.
        let (n, value) = mean();
        assert_eq!(n, RECORDS);
        let replaces = || (0..RECORDS).map(|i| (format!("{i:03}"), round - 1));
        if value == round {
            behind += 1;
            whole = whole.mul_f64(0.9);
            expected.extend(replaces());
            expected.sort();
            assert_eq!(replaced(&folder), expected, "round {round}, killed at {share:.2} behind its commit");
        } else {
            before += 1;
            whole = whole.mul_f64(1.05);
            assert_eq!(value, round - 1);
            assert_eq!(replaced(&folder), expected, "round {round}, killed at {share:.2} before its commit");
            assert_eq!(folder.ingest(&[&path]).fine().json()["corrected"], RECORDS);
            expected.extend(replaces());
            expected.sort();
            assert_eq!(replaced(&folder), expected, "round {round}, repeated");
        }
    }
    println!("{before} were killed before their commit, {behind} behind it");
    assert!(before > 0 && behind > 0, "{before} before, {behind} behind: the sample is one-sided");
}

async fn a_server_killed_while_it_merges_leaves_the_lake_whole(folder: Folder) {
    let at = fleet::now() - 60_000;
    let day = folder.data().join("lake").join(format!("day={}", &fleet::rfc(at)[..10]));
    // Half written, or whole and not yet committed: everything sent was answered before.
    let under_way = || {
        let files = std::fs::read_dir(&day).into_iter().flatten().flatten().map(|f| f.path());
        files.filter(|p| p.extension().is_some_and(|e| e == "merge" || e == "tmp")).count()
    };
    let mut rows = 0;
    let mut killed = 0;
    for round in 0..3u64 {
        let served = Served::start(&folder, &[]).await;
        for part in 0..6 {
            let records: Vec<_> = (0..5_000)
                .map(|i| fleet::one(at - (i % 20), json!({"run_id": format!("{round}-{part}-{i}")})))
                .collect();
            let sent = served.post("/api/metrics/records").header("Content-Type", "application/x-ndjson");
            let sent = sent.body(fleet::jsonl(&records));
            assert_eq!(sent.send().await.unwrap().status(), 200);
            rows += 5_000;
        }
        let begun = Instant::now();
        while under_way() == 0 && begun.elapsed() < Duration::from_secs(15) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(60 * round)).await;
        killed += under_way();
        served.kill();
        assert_eq!(count(&folder), rows, "round {round}");
        assert_eq!(under_way(), 0, "what was being made is swept when the lake is opened");
    }
    println!("{killed} merges were cut short");
    assert!(killed > 0, "no merge was hit");
}
