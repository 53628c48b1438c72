//! The budget of arriving records, with little room and a sink that commits when it is let.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]

use std::{
    collections::BTreeSet,
    io::Write,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use axum::body::Body;
use domain::{
    Result,
    ports::{RecordSink, RefusedCounts},
    time::Millis,
};
use proptest::prelude::*;
use serde_json::json;

use super::{body::*, memory_budget::MemoryBudget, *};

const NOW: i64 = 1_782_820_800_000; // 2026-06-30T12:00:00Z

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Millis {
        Millis(NOW)
    }
}

/// Keeps which records were committed, and the most that ever were in one commit.
#[derive(Default)]
struct Gated {
    authenticator: Option<Semaphore>,
    runs: Mutex<Vec<String>>,
    most: AtomicUsize,
}

#[async_trait]
impl RecordSink for Gated {
    async fn append_all(&self, batches: Vec<Batch>) -> Result<Vec<AppendCounts>> {
        if let Some(authenticator) = &self.authenticator {
            authenticator.acquire().await.unwrap().forget();
        }
        let rows = batches.iter().map(|b| b.records.len()).sum();
        self.most.fetch_max(rows, Ordering::SeqCst);
        let run = |a: &domain::ports::ReceivedRecord| a.record.texts()[0].as_ref().unwrap().to_string();
        self.runs.lock().unwrap().extend(batches.iter().flat_map(|b| b.records.iter().map(run)));
        let taken = |b: &Batch| AppendCounts { taken: b.records.len() as u64, ..AppendCounts::default() };
        Ok(batches.iter().map(taken).collect())
    }
    async fn compact(&self) -> Result<()> {
        Ok(())
    }
    async fn remove_simulated(&self) -> Result<u64> {
        Ok(0)
    }
}

fn intake(sink: &Arc<Gated>, records: usize) -> RecordIntake {
    RecordIntake {
        bodies: MemoryBudget::new(MAX_BODIES_BYTES),
        records: MemoryBudget::new(records),
        turns: Arc::new(Semaphore::new(2)),
        patience: Duration::from_millis(50),
        group: GroupCommitter::start(Ingestion::new(sink.clone())),
        ingestion: Ingestion::new(sink.clone()),
        clock: Arc::new(Noon),
    }
}

fn line(run: &str) -> String {
    let record = json!({"timestamp": "2026-06-30T11:00:00Z", "run_id": run, "customer": "acme", "site": "seoul-01",
        "zone": "gate-1", "task": "detection", "model_architecture": "yolov8m", "model_version": "1.1.0",
        "detection": {"mAP50": 0.81, "recall": 0.7}, "system": {"inference_time_ms": 18.4, "fps": 54.3}});
    format!("{record}\n")
}

fn lines(sender: usize, n: usize) -> String {
    (0..n).map(|i| line(&format!("{sender}-{i}"))).collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

async fn post(intake: &RecordIntake, encoding: &str, body: Vec<u8>) -> (u16, Option<String>, Value) {
    let request = axum::http::Request::post("/api/metrics/records")
        .header("content-type", "application/x-ndjson")
        .header("content-encoding", encoding)
        .header("content-length", body.len())
        .body(Body::from(body))
        .unwrap();
    let answer = intake.take(request).await.into_response();
    let again = answer.headers().get("retry-after").map(|v| v.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, again, serde_json::from_slice(&body).unwrap())
}

/// What a text of records is parsed to when there is so much room, and the room that it then has.
fn parsed(text: &str, room: usize) -> std::result::Result<(ParsedBody, usize, BodySize), IngestError> {
    let size = measure(text.as_bytes(), ContentEncoding::None)?;
    let room = MemoryBudget::new(room);
    let clock = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut reservation =
        clock.block_on(async { room.wait(size.expected_memory(), Instant::now() + TIMEOUT).await }).unwrap();
    let sorted = parse(text.as_bytes(), ContentEncoding::None, size, &Noon, &mut reservation)?;
    let taken = sorted.arrivals.iter().map(|a| a.record.memory_bytes()).sum::<usize>();
    Ok((sorted, taken, size))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_there_is_room_for_is_sent_away_and_with_retries_everything_gets_in_once() {
    const SENDERS: usize = 12;
    const ROWS: usize = 500;
    let sink = Arc::new(Gated { authenticator: Some(Semaphore::new(0)), ..Gated::default() });
    // Room for about three of them.
    let intake =
        intake(&sink, 3 * measure(lines(0, ROWS).as_bytes(), ContentEncoding::None).unwrap().expected_memory());
    let first = futures::future::join_all((0..SENDERS).map(|s| {
        let intake = intake.clone();
        tokio::spawn(async move { post(&intake, "gzip", gzip(lines(s, ROWS).as_bytes())).await })
    }));
    let letting = async {
        // Everybody has asked, and those who found no room have been told.
        while intake.turns.available_permits() < 2 || sink.runs.lock().unwrap().is_empty() {
            tokio::time::sleep(intake.patience * 3).await;
            sink.authenticator.as_ref().unwrap().add_permits(1);
        }
        sink.authenticator.as_ref().unwrap().add_permits(1_000);
    };
    let (first, ()) = tokio::join!(first, letting);
    let mut away = Vec::new();
    for (sender, answer) in first.into_iter().enumerate() {
        match answer.unwrap() {
            (200, None, told) => assert_eq!(told["taken"], ROWS),
            (503, Some(again), told) if again == "1" => {
                assert!(told["detail"].as_str().unwrap().contains("send them again"), "{told}");
                away.push(sender);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(!away.is_empty() && away.len() < SENDERS, "{away:?} were sent away");
    for sender in away {
        while post(&intake, "gzip", gzip(lines(sender, ROWS).as_bytes())).await.0 == 503 {}
    }
    let runs = sink.runs.lock().unwrap().clone();
    let once: BTreeSet<&String> = runs.iter().collect();
    assert_eq!((runs.len(), once.len()), (SENDERS * ROWS, SENDERS * ROWS), "each record once");
    assert!(sink.most.load(Ordering::SeqCst) <= 4 * ROWS, "no more than there was room for came at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_of_a_sender_who_hung_up_is_taken_until_the_records_are_in() {
    let sink = Arc::new(Gated { authenticator: Some(Semaphore::new(0)), ..Gated::default() });
    let need = measure(lines(0, 300).as_bytes(), ContentEncoding::None).unwrap().expected_memory();
    let intake = intake(&sink, need);
    let gone = {
        let intake = intake.clone();
        tokio::spawn(async move { post(&intake, "gzip", gzip(lines(0, 300).as_bytes())).await })
    };
    // The first has the room, and is parsed: it is with the sink.
    while intake.records.free() == need.div_ceil(1_024) || intake.turns.available_permits() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(post(&intake, "gzip", gzip(lines(1, 300).as_bytes())).await.0, 503);
    gone.abort();
    assert!(gone.await.is_err_and(|e| e.is_cancelled()));
    assert_eq!(post(&intake, "gzip", gzip(lines(1, 300).as_bytes())).await.0, 503, "they are in memory still");
    sink.authenticator.as_ref().unwrap().add_permits(1_000);
    while post(&intake, "gzip", gzip(lines(1, 300).as_bytes())).await.0 == 503 {}
    let runs = sink.runs.lock().unwrap();
    assert_eq!(runs.len(), 600, "what was with the sink was taken");
}

#[tokio::test]
async fn a_bomb_is_refused_before_it_takes_any_memory() {
    let sink = Arc::new(Gated::default());
    let intake = intake(&sink, 64 << 10);
    let much = line("bomb").repeat(MAX_RECORDS_BODY / line("bomb").len() + 2);
    let (status, again, told) = post(&intake, "gzip", gzip(much.as_bytes())).await;
    assert_eq!((status, again), (413, None), "{told}");
    let blank = zstd::encode_all(&vec![b'\n'; 40 << 20][..], 1).unwrap();
    assert_eq!(post(&intake, "zstd", blank).await.0, 413);
    assert!(sink.runs.lock().unwrap().is_empty());
    // Refused lines are counted, not kept.
    let (status, _, told) = post(&intake, "gzip", gzip("x\n".repeat(20_000).as_bytes())).await;
    assert_eq!((status, told["refused_total"].as_u64()), (422, Some(20_000)));
    assert_eq!(told["refused"].as_array().unwrap().len(), 1_000);
}

#[tokio::test]
async fn records_that_take_more_than_there_is_at_all_are_refused_for_good() {
    let sink = Arc::new(Gated::default());
    let small = intake(&sink, 600 << 10);
    // A few bytes each in the text, a place in memory each.
    let metrics: serde_json::Map<String, Value> = (0..250).map(|i| (format!("{i}"), json!(1))).collect();
    let odd = json!({"timestamp": "2026-06-30T11:00:00Z", "run_id": "odd", "customer": "a", "task": "t", "g": metrics});
    let body = format!("{odd}\n").repeat(100).into_bytes();
    let (status, again, told) = post(&small, "", body.clone()).await;
    assert_eq!((status, again), (413, None), "{told}");
    assert!(told["detail"].as_str().unwrap().contains("in parts"), "{told}");
    let large = intake(&sink, 64 << 20);
    assert_eq!(post(&large, "", body).await.0, 200);
    assert_eq!(post(&small, "", line("usual").into_bytes()).await.0, 200, "its room is free again");
}

#[test]
fn what_a_body_takes_is_foreseen() {
    let short = r#"{"timestamp":"2026-06-30T11:00Z","customer":"a","task":"d","mot":{"hota":1}}"#;
    assert!(short.len() > 60, "{}", short.len());
    for text in [lines(0, 2_000), format!("{short}\n").repeat(3_000), format!("\n\n{short}\n").repeat(1_000)] {
        let (sorted, taken, size) = parsed(&text, 1 << 30).ok().unwrap();
        let whole = sorted.arrivals.capacity() * size_of::<domain::ports::ReceivedRecord>() + taken;
        assert!(whole <= size.expected_memory(), "{whole} bytes, foreseen were {}", size.expected_memory());
        assert!(size.expected_memory() <= 3 * whole, "{} bytes were foreseen for {whole}", size.expected_memory());
    }
    let blank = measure("\n".repeat(1 << 20).as_bytes(), ContentEncoding::None).unwrap();
    assert!(blank.expected_memory() < 32 << 20, "empty lines are no records: {blank:?}");
    assert_eq!(RefusedCounts::new(), parsed("\n \n", 1 << 20).ok().unwrap().0.refused);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_body_that_got_the_room_it_was_guessed_to_need_never_asks_for_more(
        names in prop::collection::vec("[a-z가-힣]{1,40}", 8),
        metrics in prop::collection::btree_set(prop::sample::select(vec!["mAP50", "mAP50_95", "precision", "recall"]), 1..4),
        rows in 1usize..600,
    ) {
        let detection: serde_json::Map<String, Value> = metrics.into_iter().map(|m| (m.to_owned(), json!(0.5))).collect();
        let record = json!({"timestamp": "2026-06-30T11:00:00Z", "run_id": names[0], "customer": names[1], "site": names[2],
            "zone": names[3], "task": names[4], "model_architecture": names[5], "model_version": names[6],
            "device": names[7], "detection": detection});
        let text = format!("{record}\n").repeat(rows);
        let size = measure(text.as_bytes(), ContentEncoding::None).ok().unwrap();
        let (sorted, ..) = parsed(&text, size.expected_memory()).ok().unwrap();
        prop_assert_eq!(sorted.arrivals.len(), rows);
    }
}
