//! A name is the same however its letters were put together: through every door, and in every question.

use std::io::Write;

use serde_json::{Value, json};

use crate::{
    fleet::{self, encode},
    process::{Folder, Served, run, text},
};

/// 부산 as one writes it, and as a Mac writes it in the names of files.
const WHOLE: &str = "\u{bd80}\u{c0b0}";
const MAX_CLOCK_DIFFERENCE_MS: &str = "\u{1107}\u{116e}\u{1109}\u{1161}\u{11ab}";

/// Four records whose names are spelled so.
fn rows(name: &str) -> String {
    let at = fleet::now() / 3_600_000 * 3_600_000 - 60_000;
    let named = json!({"customer": name, "site": name, "zone": name, "task": name, "model_architecture": name,
                       "model_version": name, "device": name, "run_id": name, "experiment_name": name, "custom": {name: 1}});
    fleet::jsonl(&(0..4).map(|i| fleet::one(at - i * 60_000, named.clone())).collect::<Vec<_>>())
}

/// The same with every letter beyond ASCII as JSON escapes, as Python writes them.
fn escaped(lines: &str) -> String {
    let escape = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", c as u32) };
    lines.chars().map(escape).collect()
}

#[track_caller]
fn sums(told: &Value, taken: u64, duplicate: u64) {
    let have = ["taken", "duplicate", "corrected"].map(|k| told[k].as_u64());
    assert_eq!(have, [Some(taken), Some(duplicate), Some(0)], "{told}");
}

#[tokio::test]
async fn every_door_takes_the_same_names_in_either_spelling_as_one_place() {
    let folder = Folder::new();
    let (whole, apart) =
        (folder.write("whole.jsonl", rows(WHOLE)), folder.write("apart.jsonl", rows(MAX_CLOCK_DIFFERENCE_MS)));
    sums(&folder.ingest(&[&apart]).fine().json(), 4, 0);
    sums(&folder.ingest(&[&whole]).fine().json(), 0, 4);
    sums(&folder.ingest(&[&apart]).fine().json(), 0, 4);
    sums(
        &folder.ingest(&[&folder.write("escaped.jsonl", escaped(&rows(MAX_CLOCK_DIFFERENCE_MS)))]).fine().json(),
        0,
        4,
    );
    // An export goes out in the one spelling, and comes in again; how it was written is still in it.
    let (data, out) = (text(&folder.data()), folder.text("out.parquet"));
    let ran = run(&[
        "metrics",
        "export",
        "--data",
        &data,
        "--out",
        &out,
        "--from",
        "now-2d",
        "--customer",
        MAX_CLOCK_DIFFERENCE_MS,
    ])
    .fine();
    assert!(ran.stdout.contains("4 records"), "{ran:?}");
    sums(&folder.ingest(&[&out]).fine().json(), 0, 4);
    let other = Folder::new();
    sums(&other.ingest(&[&out]).fine().json(), 4, 0);
    sums(&other.ingest(&[&apart]).fine().json(), 0, 4);
    let served = Served::start(&folder, &[]).await;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(rows(MAX_CLOCK_DIFFERENCE_MS).as_bytes()).unwrap();
    let packed = out.finish().unwrap();
    for (encoding, body) in [("identity", rows(MAX_CLOCK_DIFFERENCE_MS).into_bytes()), ("gzip", packed)] {
        let post = served.post("/api/metrics/records").header("Content-Type", "application/x-ndjson");
        let told: Value =
            post.header("Content-Encoding", encoding).body(body).send().await.unwrap().json().await.unwrap();
        sums(&told, 0, 4);
    }
    let s = served.json("/api/metrics/summary").await;
    assert_eq!(s["children"].as_array().map(Vec::len), Some(1), "{s}");
    assert_eq!(s["children"][0]["scope"]["customer"], WHOLE);
    assert_eq!(s["health"]["places"], 1);
}

#[tokio::test]
async fn a_question_in_either_spelling_reaches_the_place() {
    let folder = Folder::new();
    folder.ingest(&[&folder.write("apart.jsonl", rows(MAX_CLOCK_DIFFERENCE_MS))]).fine();
    let served = Served::start(&folder, &[]).await;
    for name in [WHOLE, MAX_CLOCK_DIFFERENCE_MS].map(encode) {
        for path in [
            format!("/api/metrics/summary?customer={name}&site={name}&zone={name}&task={name}"),
            format!("/api/metrics/trend?metric={name}&model={name}:{name}&customer={name}"),
            format!("/api/metrics/records?customer={name}&metric=custom.{name}"),
            format!("/sf/place?ask[customer]={name}&ask[site]={name}"),
            format!("/export/metrics.csv?customer={name}"),
            format!("/customers/{name}/sites/{name}/zones/{name}"),
            format!("/trends?customer={name}&metric={name}&model={name}"),
            format!("/compare?customer={name}&models={name}:{name}"),
        ] {
            let answer = served.get(&path).header("Accept", "text/html").send().await.unwrap();
            let (status, body) = (answer.status(), answer.text().await.unwrap());
            assert_eq!(status, 200, "{path}: {body}");
            assert!(
                !body.contains(MAX_CLOCK_DIFFERENCE_MS) && !body.contains(&encode(MAX_CLOCK_DIFFERENCE_MS)),
                "{path}: it goes on in the one spelling"
            );
        }
    }
    let s = served.json(&format!("/api/metrics/summary?customer={}", encode(MAX_CLOCK_DIFFERENCE_MS))).await;
    assert_eq!(s["scope"]["customer"], WHOLE);
    for flags in [["--customer", MAX_CLOCK_DIFFERENCE_MS], ["--task", MAX_CLOCK_DIFFERENCE_MS]] {
        let data = text(&folder.data());
        let ran = run(&[&["metrics", "summary", "--json", "--data", &data], &flags[..]].concat()).fine();
        assert_eq!(ran.json()["metrics"][0]["n"], 4, "{flags:?}");
    }
    let data = text(&folder.data());
    let trend = [
        "metrics",
        "trend",
        "--json",
        "--data",
        &data,
        "--metric",
        MAX_CLOCK_DIFFERENCE_MS,
        "--model",
        MAX_CLOCK_DIFFERENCE_MS,
    ];
    assert_eq!(run(&trend).fine().json()["points"].as_array().map(Vec::is_empty), Some(false));
}

#[test]
fn marks_of_direction_are_refused_in_new_names() {
    let folder = Folder::new();
    for (i, mark) in ["\u{61c}", "\u{200e}", "\u{200f}"].into_iter().enumerate() {
        let line = fleet::jsonl(&[fleet::one(fleet::now() - 60_000, json!({"zone": format!("gate{mark}1")}))]);
        let told = folder.ingest(&[&folder.write(&format!("{i}.jsonl"), line)]).fine().json();
        assert_eq!((&told["taken"], &told["refused"]), (&0.into(), &json!({"bad_name": 1})), "{mark:?}");
    }
}
