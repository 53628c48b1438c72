//! Whoever listens at `/api/events` hears of changes within a second, of life every ten, and of the end when the server stops.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    fleet::{self, Site},
    process::{Folder, Served},
    wire::{request, send},
};

/// One event as it came: its name, its id and its data.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    name: String,
    id: Option<String>,
    data: String,
}

/// A listener of `/api/events`.
struct Ear {
    answer: reqwest::Response,
    rest: String,
}

impl Ear {
    async fn open(served: &Served, path: &str, last: Option<&str>) -> Self {
        let mut request = served.get(path).header("Accept", "text/event-stream").header("Accept-Encoding", "br, gzip");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        Self { answer, rest: String::new() }
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|l| l.strip_prefix(name)).map(|v| v.trim().to_owned());
                let heard = Heard { name: field("event:")?, id: field("id:"), data: field("data:")? };
                self.rest = rest.to_owned();
                return Some(heard);
            }
            let part =
                tokio::time::timeout(Duration::from_secs(30), self.answer.chunk()).await.expect("a sign of life");
            self.rest.push_str(std::str::from_utf8(&part.ok()??).expect("UTF-8"));
        }
    }

    async fn records(&mut self) -> Heard {
        loop {
            match self.next().await.expect("an open stream") {
                heard if heard.name == "records" => return heard,
                _ => {}
            }
        }
    }
}

fn rows(run: &str) -> String {
    fleet::jsonl(&[fleet::one(fleet::now() - 60_000, json!({"run_id": run}))])
}

#[tokio::test]
async fn a_listener_hears_of_what_another_process_takes() {
    let site = Site::start(&[]).await;
    let mut ear = Ear::open(&site.served, "/api/events", None).await;
    let heads = ear.answer.headers().clone();
    assert_eq!(heads["content-type"], "text/event-stream");
    assert_eq!(heads["cache-control"], "no-store");
    assert_eq!(heads["x-accel-buffering"], "no");
    assert!(!heads.contains_key("content-encoding"), "a packed stream would come late: {heads:?}");
    assert_eq!(ear.next().await.unwrap(), Heard { name: "tick".into(), id: None, data: "{}".into() }, "at once");
    for round in 0..3 {
        let path = site.folder.write(&format!("in/{round}.jsonl"), rows(&format!("r{round}")));
        site.folder.ingest(&[&path]).fine();
        let committed = Instant::now();
        let heard = ear.records().await;
        assert!(committed.elapsed() < Duration::from_millis(1_500), "heard after {:?}", committed.elapsed());
        let id = heard.id.expect("an id");
        assert_eq!(heard.data, format!("{{\"generation\":{id}}}"));
    }
    let asked = site.served.json("/api/metrics/summary?type=all&customer=acme&site=s1").await;
    assert_eq!(asked["metrics"][0]["n"], 3, "what was told of is there");
}

#[tokio::test]
async fn a_listener_that_comes_back_hears_of_what_it_missed() {
    let site = Site::start(&[]).await;
    let post = async |run: &str| {
        let sent =
            site.served.post("/api/metrics/records").header("Content-Type", "application/x-ndjson").body(rows(run));
        assert_eq!(sent.send().await.unwrap().status(), 200);
    };
    let mut ear = Ear::open(&site.served, "/api/events", None).await;
    post("a").await;
    let seen = ear.records().await.id.unwrap();
    drop(ear);
    let first = async |path: &str, last: Option<&str>| {
        Ear::open(&site.served, path, last).await.next().await.expect("an event").name
    };
    assert_eq!(first("/api/events", Some(&seen)).await, "tick", "nothing was missed");
    post("b").await;
    assert_eq!(first("/api/events", Some(&seen)).await, "records");
    assert_eq!(first(&format!("/api/events?last={seen}"), None).await, "records");
    assert_eq!(first("/api/events?last=0", None).await, "records");
    for nonsense in ["", "x", "1e9", "-", "99999999999999999999999"] {
        assert_eq!(first("/api/events", Some(nonsense)).await, "tick", "{nonsense}");
    }
    let answer = site.served.get("/api/events?nonsense=1").send().await.unwrap();
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn a_listener_hears_which_place_of_its_scope_changed_its_state() {
    let site = Site::start(&[]).await;
    let post = async |zone: &str, ages: &[i64]| {
        let row =
            |age: &i64| fleet::one(fleet::now() - age * 60_000, json!({"run_id": format!("r{age}"), "zone": zone}));
        let rows = fleet::jsonl(&ages.iter().map(row).collect::<Vec<_>>());
        let sent = site.served.post("/api/metrics/records").header("Content-Type", "application/x-ndjson").body(rows);
        assert_eq!(sent.send().await.unwrap().status(), 200);
    };
    // Every ten minutes, until a day and a half ago.
    let old: Vec<i64> = (0..10).map(|i| 36 * 60 + 10 * i).collect();
    post("z1", &old).await;
    let mut here = Ear::open(&site.served, "/api/events?customer=acme&site=s1&zone=z1", None).await;
    let mut elsewhere = Ear::open(&site.served, "/api/events?customer=acme&site=s1&zone=z2", None).await;
    post("z1", &[1]).await;
    assert_eq!(here.next().await.unwrap().name, "tick");
    let heard = here.next().await.unwrap();
    let told: serde_json::Value = serde_json::from_str(&heard.data).expect("JSON");
    assert_eq!((&*heard.name, heard.id), ("state", None));
    let when = told["when"].as_str().and_then(|t| domain::time::Millis::parse(t).ok()).expect("a time");
    assert!((fleet::now() - when.0).abs() < 30_000, "{told}");
    assert_eq!(
        told,
        json!({"customer": "acme", "site": "s1", "zone": "z1", "from": "stale", "to": "ok", "when": told["when"]})
    );
    assert_eq!(here.next().await.unwrap().name, "records", "and its page asks again");
    post("z2", &[2]).await;
    assert_eq!(elsewhere.next().await.unwrap().name, "tick");
    let heard = elsewhere.next().await.unwrap();
    assert!(heard.name == "state" && heard.data.contains(r#""zone":"z2""#), "not of its neighbour: {heard:?}");
}

#[tokio::test]
async fn many_commits_are_at_most_two_events_a_second_and_the_last_is_never_swallowed() {
    let site = Site::start(&[]).await;
    let mut ear = Ear::open(&site.served, "/api/events", None).await;
    ear.next().await;
    let begun = Instant::now();
    let sending = async {
        for i in 0..40 {
            let sent = site.served.post("/api/metrics/records").header("Content-Type", "application/x-ndjson");
            assert_eq!(sent.body(rows(&format!("r{i}"))).send().await.unwrap().status(), 200);
        }
        begun.elapsed()
    };
    let hearing = async {
        let mut heard: Vec<i64> = vec![];
        while let Ok(h) = tokio::time::timeout(Duration::from_millis(2_500), ear.records()).await {
            heard.push(h.id.unwrap().parse().unwrap());
        }
        heard
    };
    let (took, heard) = tokio::join!(sending, hearing);
    assert!(heard.windows(2).all(|w| w[0] < w[1]), "{heard:?}");
    assert!(heard.len() as u128 <= took.as_millis() / 500 + 2, "{} events in {took:?}", heard.len());
    let mut again = Ear::open(&site.served, "/api/events", Some(&heard.last().unwrap().to_string())).await;
    assert_eq!(again.next().await.unwrap().name, "tick", "the last one told was the newest");
}

#[tokio::test]
async fn signs_of_life_come_while_nothing_happens() {
    let folder = Folder::new();
    let served = Served::start(&folder, &[]).await;
    let mut ear = Ear::open(&served, "/api/events", None).await;
    ear.next().await;
    let begun = Instant::now();
    assert_eq!(ear.next().await.unwrap().name, "tick");
    let after = begun.elapsed();
    assert!((Duration::from_secs(8)..Duration::from_secs(13)).contains(&after), "{after:?}");
}

#[tokio::test]
async fn a_server_with_listeners_stops_promptly() {
    let site = Site::start(&[]).await;
    let mut ears = vec![];
    for _ in 0..20 {
        let mut ear = Ear::open(&site.served, "/api/events", None).await;
        ear.next().await;
        ears.push(ear);
    }
    let (status, took) = tokio::task::spawn_blocking(|| site.served.stop()).await.unwrap();
    assert!(status.success(), "{status:?}");
    assert!(took < Duration::from_secs(3), "it took {took:?}");
    for mut ear in ears {
        assert_eq!(ear.next().await, None, "the stream has ended");
    }
}

#[tokio::test]
async fn listening_needs_the_right_to_read() {
    let site = Site::start(&[]).await;
    let port = site.served.port;
    let heads = [("X-Forwarded-For", "203.0.113.9"), ("Accept", "text/event-stream")];
    let answer = send(port, &request(port, "GET", "/api/events", &heads, b"")).await.unwrap();
    assert_eq!((answer.status, answer.all("content-type")), (401, vec!["application/problem+json"]));
}
