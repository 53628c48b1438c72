//! A kill -9 at any moment leaves a lake that opens and holds whole batches or none.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    fleet::{self, Site},
    process::{Folder, Served, binary, clean, run, text},
};

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
    if !folder.data().join("guardianflow.sqlite").exists() {
        return 0;
    }
    let data = text(&folder.data());
    let s = run(&["metrics", "summary", "--json", "--days", "30", "--data", &data]).fine().json();
    s["metrics"].as_array().unwrap().iter().find(|m| m["metric"] == "mAP50").map_or(0, |m| m["n"].as_u64().unwrap())
}

#[test]
fn an_ingest_killed_ten_times_is_completed_by_repeating_it() {
    let folder = Folder::new();
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
        let mut command = clean(binary());
        command.args(["ingest", "--data", &text(&folder.data()), &path]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let random =
            u64::from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos());
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

#[tokio::test]
async fn an_ingest_killed_beside_a_running_server_does_not_stop_it() {
    let site = Site::start(&[]).await;
    for round in 1..=3 {
        let path = input(&site.folder, round);
        let mut command = clean(binary());
        command
            .args(["ingest", "--data", &text(&site.folder.data()), &path])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
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

#[tokio::test]
async fn a_server_that_was_killed_is_ready_again_within_five_seconds() {
    let site = Site::start(&[]).await;
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

#[tokio::test]
async fn a_demo_that_was_killed_while_it_was_filled_in_goes_on() {
    let folder = Folder::new();
    let mut command = clean(binary());
    command.args(["serve", "--demo", "1", "--addr", "127.0.0.1:0", "--data", &text(&folder.data())]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    // Ready again without going on with it; what was taken is there, marked as simulated.
    let served = Served::start(&folder, &[]).await;
    let s = served.json("/api/metrics/summary?days=30").await;
    assert!(s["metrics"].as_array().unwrap().iter().all(|m| m["n"] == 0 || m["simulated"] == true), "{s}");
}
