//! A source that cannot be read any more: the places whose newest record came from it say so, and others do not, until it can
//! be read again.

use std::{
    fs,
    io::Write,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{fleet, tail::Watched};

/// Patience for what takes a file's rest of two seconds and a few looks: other tests share the machine.
const SOON: Duration = Duration::from_secs(15);

fn gz(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

/// Records of a zone, one every thirty minutes, the newest so many minutes old.
fn rows(zone: &str, age: i64, n: i64) -> String {
    let at = fleet::now() - age * fleet::MINUTE;
    fleet::jsonl(&(0..n).map(|i| fleet::one(at - i * fleet::CADENCE, json!({"zone": zone}))).collect::<Vec<_>>())
}

/// The states of the zones of the only site, by name.
async fn states(w: &Watched) -> Vec<(String, String)> {
    let s = w.served.json("/api/metrics/summary?customer=acme&site=s1&days=1").await;
    let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
    let of = |c: &serde_json::Value| (text(&c["scope"]["zone"]), text(&c["health"]["state"]));
    s["children"].as_array().unwrap().iter().map(of).collect()
}

async fn settle(w: &Watched, expected: [(&str, &str); 3]) {
    let begun = Instant::now();
    let expected: Vec<(String, String)> = expected.map(|(z, s)| (z.to_owned(), s.to_owned())).into();
    loop {
        // Before the first record there is no such site.
        let known = w.served.get("/api/metrics/summary?customer=acme&site=s1").send().await.unwrap().status() == 200;
        let states = if known { states(w).await } else { vec![] };
        if states == expected {
            return;
        }
        assert!(begun.elapsed() < SOON, "{states:?} instead of {expected:?}\n{}", w.served.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn places_of_a_watched_file_that_turns_unreadable_are_in_error_until_it_can_be_read() {
    let w = Watched::start().await;
    let path = w.folder.path("in/one.jsonl.gz");
    let good = gz(&(rows("gate-1", 2, 10) + &rows("gate-2", 2, 10)));
    fs::write(&path, &good).unwrap();
    w.append("in/two.jsonl", rows("gate-3", 2, 10));
    let fine = [("gate-1", "ok"), ("gate-2", "ok"), ("gate-3", "ok")];
    settle(&w, fine).await;
    // Of one of its places a newer record comes from elsewhere.
    w.append("in/two.jsonl", rows("gate-2", 1, 1));
    w.settles("in/two.jsonl", [11, 0, 0, 0]).await;
    let as_of = async || w.served.json("/api/metrics/summary").await["as_of"].clone();
    let before = as_of().await;
    fs::write(&path, b"this is no gzip at all").unwrap();
    settle(&w, [("gate-1", "source_error"), ("gate-2", "ok"), ("gate-3", "ok")]).await;
    assert_eq!(as_of().await, before, "no record has come");
    let (_, page) = w.served.page("/customers/acme").await;
    let (_, attention) = page.split_once("id=\"attention\"").expect("what needs attention");
    let attention = attention.split_once("</section>").unwrap().0;
    assert!(attention.contains("s1: 1 of 3 source error") && attention.contains("href=\"/sources\""), "{attention}");
    let (_, zone) = w.served.page("/customers/acme/sites/s1/zones/gate-1").await;
    assert!(zone.contains(">source error<"), "the page of the place says so");
    let korean = w.served.get("/").header("Cookie", "gf_lang=ko").send().await.unwrap().text().await.unwrap();
    assert!(korean.contains("3곳 중 1곳 소스 오류"));
    fs::write(&path, &good).unwrap();
    settle(&w, fine).await;
}

#[tokio::test]
async fn a_watched_folder_that_goes_away_is_an_error_of_its_places_until_it_is_back() {
    let w = Watched::start().await;
    for (n, zone) in ["gate-1", "gate-2", "gate-3"].into_iter().enumerate() {
        w.append(&format!("in/{n}.jsonl"), rows(zone, 1, 10));
    }
    let fine = [("gate-1", "ok"), ("gate-2", "ok"), ("gate-3", "ok")];
    settle(&w, fine).await;
    fs::rename(w.folder.path("in"), w.folder.path("away")).unwrap();
    settle(&w, fine.map(|(zone, _)| (zone, "source_error"))).await;
    fs::rename(w.folder.path("away"), w.folder.path("in")).unwrap();
    settle(&w, fine).await;
}
