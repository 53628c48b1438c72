//! Files of every kind are taken once, in full, and are visible beside a running server at once.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fleet::{self, Fleet, Site},
    process::{Folder, run, run_fed, text},
};

fn gz(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

#[track_caller]
fn sums(json: &Value, taken: u64, duplicate: u64, corrected: u64) {
    let have = ["taken", "duplicate", "corrected"].map(|k| json[k].as_u64());
    assert_eq!(have, [Some(taken), Some(duplicate), Some(corrected)], "{json}");
}

#[test]
fn every_kind_of_file_is_taken_and_the_same_rows_only_once() {
    let fleet = Fleet::new();
    let n = fleet.records.len() as u64;
    let files = Folder::new();
    let export = text(&files.path("export.parquet"));
    let paths = [
        files.write("a.jsonl", fleet.jsonl()),
        files.write("b.jsonl.gz", gz(&fleet.jsonl())),
        files.write("c.jsonl.zst", zstd::encode_all(fleet.jsonl().as_bytes(), 3).unwrap()),
        files.write("d.ndjson", fleet.jsonl().replace('\n', "\r\n")),
        export.clone(),
    ];
    let first = Folder::new();
    sums(&first.ingest(&[&paths[0]]).fine().json(), n, 0, 0);
    sums(&first.ingest(&[&paths[0]]).fine().json(), 0, n, 0);
    let data = text(&first.data());
    let ran = run(&["metrics", "export", "--data", &data, "--from", "now-30d", "--to", "now", "--out", &export]).fine();
    assert!(ran.stdout.contains(&n.to_string()), "{ran:?}");
    for path in &paths {
        let folder = Folder::new();
        sums(&folder.ingest(&[path]).fine().json(), n, 0, 0);
        let others: Vec<&str> = paths.iter().map(String::as_str).collect();
        let again = folder.ingest(&others).fine().json();
        sums(&again, 0, 5 * n, 0);
        assert_eq!((&again["files"], &again["failed"]), (&5.into(), &json!([])));
    }
    let folder = Folder::new();
    let stdin = run_fed(&["ingest", "--json", "--data", &text(&folder.data()), "-"], fleet.jsonl().as_bytes()).fine();
    sums(&stdin.json(), n, 0, 0);
    sums(&folder.ingest(&[&paths[4]]).fine().json(), 0, n, 0);
    // An export holds everything: nothing of an answer changes by going through it.
    let ask = |f: &Folder| {
        let (from, to) = (fleet::rfc(fleet.newest - fleet::DAY), fleet::rfc(fleet.newest));
        let all = ["metrics", "summary", "--json", "--type", "all", "--from", &from, "--to", &to];
        run(&[&all[..], &["--data", &text(&f.data())]].concat()).fine().json()["metrics"].clone()
    };
    let exported = Folder::new();
    exported.ingest(&[&paths[4]]).fine();
    let (a, b) = (ask(&exported), ask(&first));
    assert!(fleet::equal(&a, &b), "{a}\n{b}");
}

#[test]
fn a_folder_is_taken_with_all_below_it() {
    let fleet = Fleet::new();
    let (a, b) = fleet.records.split_at(300);
    let folder = Folder::new();
    folder.write("in/a.jsonl", fleet::jsonl(a));
    folder.write("in/deep/er/b.jsonl.gz", gz(&fleet::jsonl(b)));
    folder.write("in/readme.txt", "not ours");
    let ran = folder.ingest(&[&folder.text("in")]).fine().json();
    sums(&ran, fleet.records.len() as u64, 0, 0);
    assert_eq!(ran["files"], 2);
    let empty = Folder::new();
    std::fs::create_dir(empty.path("in")).unwrap();
    let ran = empty.ingest(&[&empty.text("in")]);
    assert!(ran.code == Some(1) && ran.stderr.contains(&empty.text("in")), "{ran:?}");
}

#[test]
fn a_path_that_does_not_exist_fails_and_the_others_are_taken() {
    let folder = Folder::new();
    let good = folder.write("good.jsonl", fleet::jsonl(&[fleet::one(fleet::now(), json!({}))]));
    let (missing, odd) = (folder.text("missing.jsonl"), folder.write("odd.xyz", "x"));
    let ran = folder.ingest(&[&missing, &good, &odd]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains(&missing) && ran.stderr.contains("odd.xyz"), "{ran:?}");
    sums(&ran.json(), 1, 0, 0);
    assert_eq!(ran.json()["failed"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_later_row_of_the_same_identity_corrects_the_earlier_one() {
    let folder = Folder::new();
    let at = fleet::now() - 60_000;
    let row = |x: f64| fleet::jsonl(&[fleet::one(at, json!({"detection": {"mAP50": x}}))]);
    sums(&folder.ingest(&[&folder.write("a.jsonl", row(0.4))]).fine().json(), 1, 0, 0);
    sums(&folder.ingest(&[&folder.write("b.jsonl", row(0.6))]).fine().json(), 0, 0, 1);
    sums(&folder.ingest(&[&folder.write("b.jsonl", row(0.6))]).fine().json(), 0, 1, 0);
    let s = run(&["metrics", "summary", "--json", "--data", &text(&folder.data())]).fine().json();
    assert_eq!((&s["metrics"][0]["n"], &s["metrics"][0]["value"]), (&1.into(), &0.6.into()));
}

#[test]
fn people_read_what_was_taken_and_what_was_refused() {
    let folder = Folder::new();
    let path = folder.write("x.jsonl", format!("{}\nnonsense\n", fleet::one(fleet::now(), json!({}))));
    let ran = run(&["ingest", "--data", &text(&folder.data()), &path]).fine();
    for word in ["taken", "duplicate", "corrected", "refused", "invalid_json", "rejected"] {
        assert!(ran.stdout.contains(word), "no {word} in {ran:?}");
    }
}

#[tokio::test]
async fn rows_taken_beside_a_running_server_are_visible_within_two_seconds() {
    let site = Site::start(&[]).await;
    for round in 1..=3 {
        let customer = format!("newcomer-{round}");
        let rows: Vec<_> =
            (0..20).map(|i| fleet::one(fleet::now() - i * 60_000, json!({"customer": customer}))).collect();
        let path = site.folder.write(&format!("in/{customer}.jsonl"), fleet::jsonl(&rows));
        sums(&site.folder.ingest(&[&path]).fine().json(), 20, 0, 0);
        let committed = Instant::now();
        let url = format!("/api/metrics/summary?customer={customer}");
        let n = loop {
            let answer = site.served.get(&url).send().await.unwrap();
            let seen = committed.elapsed();
            if answer.status() == 200 {
                assert!(seen <= Duration::from_secs(2), "seen only after {seen:?}");
                let s: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
                break s["metrics"][0]["n"].clone();
            }
            assert!(seen <= Duration::from_secs(2), "not seen after {seen:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(n, 20);
        let (_, page) = site.served.page("/").await;
        assert!(page.contains(&customer), "and on the page");
    }
}

#[test]
fn two_ingests_at_once_take_every_row_once() {
    let fleet = Fleet::new();
    let folder = Folder::new();
    let path = folder.write("a.jsonl", fleet.jsonl());
    let other = folder.write("b.jsonl", fleet.jsonl());
    let ran: Vec<Value> = std::thread::scope(|s| {
        let start = |p: &str| {
            let p = p.to_owned();
            let f = &folder;
            s.spawn(move || f.ingest(&[&p]).fine().json())
        };
        let running = [start(&path), start(&other), start(&path)];
        running.into_iter().map(|r| r.join().unwrap()).collect()
    });
    let sum = |k: &str| ran.iter().map(|r| r[k].as_u64().unwrap()).sum::<u64>();
    let n = fleet.records.len() as u64;
    assert_eq!((sum("taken"), sum("duplicate"), sum("corrected")), (n, 2 * n, 0), "{ran:?}");
}
