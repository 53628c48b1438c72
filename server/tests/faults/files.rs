//! Damaged files: the file is named, everything else goes on.

use std::{io::Write, path::PathBuf, time::Duration};

use serde_json::{Value, json};

use crate::{
    fleet::{self, DAY, Site},
    process::{Folder, run, text},
};

fn rows(run_id: &str, n: i64) -> Vec<Value> {
    (0..n).map(|i| fleet::one(fleet::now() - 60_000 - i * 60_000, json!({"run_id": run_id}))).collect()
}

#[test]
fn a_parquet_file_that_is_none_is_named_and_the_others_are_taken() {
    let folder = Folder::new();
    let good = folder.write("in/b.jsonl", fleet::jsonl(&rows("b", 10)));
    folder.ingest(&[&good]).fine();
    let export = folder.text("whole.parquet");
    run(&["metrics", "export", "--data", &text(&folder.data()), "--out", &export, "--from", "now-1d"]).fine();
    let whole = std::fs::read(&export).unwrap();
    let mut bent = whole.clone();
    // Behind the magic word lie the pages; the end with the footer stays whole.
    let middle = bent.len() / 3;
    bent[8..middle].fill(0xff);
    let damaged = [
        ("in/a-garbage.parquet", b"this is no parquet file".to_vec()),
        ("in/c-cut.parquet", whole[..whole.len() / 2].to_vec()),
        ("in/d-bent.parquet", bent),
        ("in/e-empty.parquet", vec![]),
        ("in/f-magic.parquet", b"PAR1\xff\xff\xff\xffPAR1".to_vec()),
    ];
    for (name, content) in &damaged {
        folder.write(name, content);
    }
    folder.write("in/z.jsonl", fleet::jsonl(&rows("z", 10)));
    let ran = folder.ingest(&[&folder.text("in")]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for (name, _) in &damaged {
        assert!(ran.stderr.contains(&folder.text(name)), "{name} is not named: {}", ran.stderr);
    }
    let sums = ran.json();
    assert_eq!((&sums["taken"], &sums["duplicate"]), (&10.into(), &10.into()), "{sums}");
    assert_eq!(sums["failed"].as_array().map(Vec::len), Some(damaged.len()), "{sums}");
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

#[test]
fn a_parquet_file_of_other_columns_is_named() {
    let folder = Folder::new();
    let lake = folder.write("in/b.jsonl", fleet::jsonl(&rows("b", 10)));
    folder.ingest(&[&lake]).fine();
    // A compressed file under the name of another kind.
    for (name, content) in [("x.gz", &b"no gzip at all"[..]), ("x.zst", b"no zstd at all"), ("x.parquet", b"{}\n")] {
        let path = folder.write(name, content);
        let ran = folder.ingest(&[&path]);
        assert!(ran.code == Some(1) && ran.stderr.contains(name), "{ran:?}");
    }
}

#[test]
fn a_gz_file_that_was_cut_off_is_named_and_its_whole_rows_are_taken() {
    let folder = Folder::new();
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Rows that do not compress to nothing, so that half the file holds some.
    let all: Vec<Value> = (0..5_000)
        .map(|i: i64| {
            fleet::one(
                fleet::now() - i * 1_000,
                json!({"note": format!("{:x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64))}),
            )
        })
        .collect();
    out.write_all(fleet::jsonl(&all).as_bytes()).unwrap();
    let whole = out.finish().unwrap();
    let cut = folder.write("in/cut.jsonl.gz", &whole[..whole.len() / 2]);
    let mut tail = whole.clone();
    let last = tail.len() - 6;
    tail[last] ^= 0xff;
    let wrong_sum = folder.write("other/sum.jsonl.gz", &tail);
    folder.write("in/z.jsonl", fleet::jsonl(&rows("z", 10)));
    let ran = folder.ingest(&[&folder.text("in")]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains(&cut), "{}", ran.stderr);
    let taken = ran.json()["taken"].as_u64().unwrap();
    assert!((1_000..5_000).contains(&taken), "{taken} rows");
    let ran = folder.ingest(&[&wrong_sum]);
    assert!(ran.code == Some(1) && ran.stderr.contains(&wrong_sum), "a wrong checksum is told: {ran:?}");
    // The whole file, when it arrives, completes it.
    let path = folder.write("in/cut.jsonl.gz", &whole);
    folder.ingest(&[&path]).fine();
    let again = folder.ingest(&[&path]).fine().json();
    assert_eq!((&again["taken"], &again["duplicate"]), (&0.into(), &5_000.into()));
}

#[test]
fn a_line_of_ten_megabytes_is_refused_and_its_neighbours_are_taken() {
    let folder = Folder::new();
    let huge = fleet::one(fleet::now(), json!({"note": "x".repeat(10 << 20)}));
    let [a, b] = [fleet::one(fleet::now(), json!({"run_id": "a"})), fleet::one(fleet::now(), json!({"run_id": "b"}))];
    let path = folder.write("x.jsonl", fleet::jsonl(&[a, huge, b]));
    let ran = folder.ingest(&[&path]).fine().json();
    assert_eq!((&ran["taken"], &ran["refused"]), (&2.into(), &json!({"too_long": 1})));
    let rejected = folder.rejected();
    assert_eq!((&rejected[0]["line"], &rejected[0]["reason"]), (&2.into(), &"too_long".into()));
    assert!(rejected[0]["row"].as_str().unwrap().len() < 100_000, "what cannot be read is not kept whole");
}

/// The lake files of a day.
fn lake_files(folder: &Folder, day: &str) -> Vec<PathBuf> {
    let day = folder.data().join("lake").join(format!("day={day}"));
    std::fs::read_dir(day).unwrap().map(|e| e.unwrap().path()).collect()
}

#[tokio::test]
async fn a_lake_file_that_is_damaged_under_a_running_server_hurts_only_its_day() {
    let mut site = Site::start(&[]).await;
    let (broken_day, whole_day) = (site.fleet.newest - DAY, site.fleet.newest - 2 * DAY);
    let day = fleet::rfc(broken_day)[..10].to_owned();
    let range = |at: i64| {
        let day = fleet::rfc(at)[..10].to_owned();
        let next = fleet::rfc(at + DAY)[..10].to_owned();
        format!("/api/metrics/comparison?from={day}&to={next}")
    };
    let before = site.served.json(&range(whole_day)).await["models"].clone();
    assert!(!before.as_array().unwrap().is_empty());
    for path in lake_files(&site.folder, &day) {
        let length = std::fs::metadata(&path).unwrap().len() as usize;
        std::fs::write(&path, vec![0xa5; length]).unwrap();
    }
    // Whatever touches that day answers without it; nothing is a 5xx.
    for path in [
        range(broken_day),
        "/api/metrics/summary?days=7".into(),
        "/api/metrics/trend?metric=mAP50&days=7".into(),
        "/".into(),
        "/trends".into(),
        "/customers/acme".into(),
        "/export/children.csv".into(),
    ] {
        let answer = site.served.get(&path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text().await.unwrap());
    }
    let others = site.served.json(&range(whole_day)).await["models"].clone();
    assert!(fleet::equal(&others, &before), "the other days are as before");
    let (status, sources) = site.served.page("/sources").await;
    assert_eq!(status, 200);
    assert!(sources.contains(&format!("day={day}")), "/sources does not name the damaged file");
    let state = site.served.json("/api/metrics/summary?days=7").await;
    assert!(
        state["health"]["failed"].as_u64().is_some_and(|n| n > 0),
        "places with a damaged file are in error: {}",
        state["health"]
    );
    site.served.lives_without_panic();
    // A restart finds the same.
    let Site { served, folder, fleet: known } = site;
    served.kill();
    let served = crate::process::Served::start(&folder, &[]).await;
    let others = served.json(&range(whole_day)).await["models"].clone();
    assert!(fleet::equal(&others, &before), "the other days are as before");
    assert_eq!(served.page("/").await.0, 200);
    assert!(served.page("/sources").await.1.contains(&format!("day={day}")), "named after a restart too");
    // New rows of other days are still taken.
    let path = folder.write("in/new.jsonl", fleet::jsonl(&[fleet::one(known.newest + 1, json!({"customer": "late"}))]));
    assert_eq!(folder.ingest(&[&path]).fine().json()["taken"], 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(served.json("/api/metrics/summary?customer=late").await["metrics"][0]["n"], 1);
}

#[tokio::test]
async fn a_lake_file_that_vanished_hurts_only_its_day() {
    let mut site = Site::start(&[]).await;
    let day = fleet::rfc(site.fleet.newest - DAY)[..10].to_owned();
    for path in lake_files(&site.folder, &day) {
        std::fs::remove_file(path).unwrap();
    }
    for path in ["/api/metrics/summary?days=7", "/", "/trends", "/sources"] {
        assert_eq!(site.served.get(path).send().await.unwrap().status(), 200, "{path}");
    }
    let (_, sources) = site.served.page("/sources").await;
    assert!(
        sources.contains(&format!("day={day}")) && sources.contains("it is not there"),
        "/sources does not name it"
    );
    let korean = site.served.get("/sources").header("Cookie", "gf_lang=ko").send().await.unwrap().text().await.unwrap();
    assert!(korean.contains("찾을 수 없습니다") && !korean.contains("it is not there"), "the reason is in Korean too");
    site.served.lives_without_panic();
}

#[tokio::test]
async fn a_lake_file_that_was_away_for_a_while_is_answered_from_again_without_a_restart() {
    let mut site = Site::start(&[]).await;
    let day = fleet::rfc(site.fleet.newest - DAY)[..10].to_owned();
    let url = "/api/metrics/comparison?days=7";
    let before = site.served.json(url).await["models"].clone();
    let away: Vec<(PathBuf, PathBuf)> =
        lake_files(&site.folder, &day).into_iter().map(|path| (path.with_extension("away"), path)).collect();
    away.iter().for_each(|(to, path)| std::fs::rename(path, to).unwrap());
    // What is in memory is answered as before until all files were looked at.
    let begun = std::time::Instant::now();
    while fleet::equal(&site.served.json(url).await["models"], &before) {
        assert!(begun.elapsed() < Duration::from_secs(15), "the day is not left out: {}", site.served.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(site.served.page("/sources").await.1.contains(&format!("day={day}")));
    away.iter().for_each(|(to, path)| std::fs::rename(to, path).unwrap());
    let begun = std::time::Instant::now();
    while !fleet::equal(&site.served.json(url).await["models"], &before) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", site.served.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!site.served.page("/sources").await.1.contains(&format!("day={day}")), "it is off the list");
    site.served.lives_without_panic();
}
