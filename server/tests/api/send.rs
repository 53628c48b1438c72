//! Programs send records with POST: each is told what became of its lines, and an answer means that they are durable.

use std::{io::Write, time::Duration};

use serde_json::{Value, json};

use crate::{
    fleet::{self, Site},
    process::{Folder, Served},
    wire::{request, send},
};

const PATH: &str = "/api/metrics/records";
const NDJSON: &str = "application/x-ndjson";
const TOKEN: &str = "a-token-of-more-than-thirty-two-bytes";

async fn served() -> (Folder, Served) {
    let folder = Folder::new();
    let served = Served::start(&folder, &[]).await;
    (folder, served)
}

fn rows(run: &str, n: i64) -> String {
    let at = fleet::now() - 60_000;
    fleet::jsonl(&(0..n).map(|i| fleet::one(at - i * 1_000, json!({"run_id": run}))).collect::<Vec<_>>())
}

async fn post(served: &Served, kind: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let answer = served.post(PATH).header("Content-Type", kind).body(body).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn sums(body: &Value) -> [u64; 4] {
    ["taken", "duplicate", "corrected", "refused_total"].map(|k| body[k].as_u64().unwrap_or_else(|| panic!("{body}")))
}

async fn n(served: &Served) -> u64 {
    let s = served.json("/api/metrics/summary?type=all&days=30").await;
    s["metrics"].as_array().unwrap().iter().find(|m| m["metric"] == "mAP50").map_or(0, |m| m["n"].as_u64().unwrap())
}

#[tokio::test]
async fn what_became_of_each_line_is_told_and_visible_at_once() {
    let (folder, served) = served().await;
    let at = fleet::now() - 60_000;
    let row = |run: &str, x: f64| fleet::one(at, json!({"run_id": run, "detection": {"mAP50": x}})).to_string();
    let body = [&*row("a", 0.5), "", "nonsense", &row("b", 0.5), &row("b", 0.5), &row("b", 0.6), "{}", &row("c", 2.0)]
        .join("\n");
    let (status, told) = post(&served, NDJSON, body).await;
    assert_eq!((status, sums(&told)), (200, [2, 1, 1, 3]), "{told}");
    let refused: Vec<_> =
        told["refused"].as_array().unwrap().iter().map(|r| (r["line"].clone(), r["reason"].clone())).collect();
    assert_eq!(
        refused,
        [(json!(3), json!("invalid_json")), (json!(7), json!("missing")), (json!(8), json!("out_of_range"))]
    );
    assert!(told["refused"][2]["message"].as_str().unwrap().contains("mAP50"));
    assert_eq!(n(&served).await, 2, "visible with the answer");
    let (status, told) = post(&served, NDJSON, row("a", 0.5)).await;
    assert_eq!((status, sums(&told)), (200, [0, 1, 0, 0]));
    assert_eq!(post(&served, NDJSON, row("a", 0.7)).await.1["corrected"], 1);
    let (_, sources) = served.page("/export/sources.csv").await;
    assert!(sources.contains("api,POST /api/metrics/records,") && sources.contains(",2,2,2,0,3,"), "{sources}");
    assert!(served.page("/sources").await.1.contains("POST /api/metrics/records"));
    // What was answered survives a power cut.
    served.kill();
    let served = Served::start(&folder, &[]).await;
    assert_eq!(n(&served).await, 2);
}

#[tokio::test]
async fn other_kinds_packings_and_sizes() {
    let (_folder, served) = served().await;
    for kind in [NDJSON, "application/jsonl", "application/json", "Application/X-NDJSON; charset=utf-8"] {
        let (status, told) = post(&served, kind, rows(kind, 1).replace('/', "-")).await;
        assert_eq!((status, told["taken"].as_u64()), (200, Some(1)), "{kind}: {told}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/csv", ""] {
        let (status, told) = post(&served, kind, rows("x", 1)).await;
        assert_eq!(status, 415, "{kind}");
        assert!(told["detail"].as_str().unwrap().contains(NDJSON), "{told}");
    }
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(rows("gz", 300).as_bytes()).unwrap();
    let zst = zstd::encode_all(rows("zst", 300).as_bytes(), 3).unwrap();
    let bomb = zstd::encode_all(&vec![b' '; 40 << 20][..], 3).unwrap();
    for (packing, body, status) in [
        ("gzip", gz.finish().unwrap(), 200),
        ("zstd", zst, 200),
        ("zstd", bomb, 413),
        ("gzip", b"no gzip".to_vec(), 400),
        ("zstd", b"no zstd".to_vec(), 400),
        ("br", b"x".to_vec(), 415),
    ] {
        let sent = served.post(PATH).header("Content-Type", NDJSON).header("Content-Encoding", packing).body(body);
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.status(), status, "{packing}");
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert!(status != 200 || body["taken"] == 300, "{body}");
    }
    for (body, status) in [(String::new(), 400), ("\n \n".into(), 400), ("x\ny\n".into(), 422)] {
        let (got, told) = post(&served, NDJSON, body).await;
        assert_eq!((got, told["status"].as_u64()), (status, Some(u64::from(status))), "{told}");
    }
    let (_, told) = post(&served, NDJSON, "x\n".repeat(1_500)).await;
    assert_eq!((told["refused"].as_array().map(Vec::len), told["refused_total"].as_u64()), (Some(1_000), Some(1_500)));
    // Larger than what any other route takes.
    let (status, told) = post(&served, NDJSON, rows("big", 20_000)).await;
    assert_eq!((status, told["taken"].as_u64()), (200, Some(20_000)));
    let too_large = request(served.port, "POST", PATH, &[("Content-Type", NDJSON)], &vec![b' '; (16 << 20) + 1]);
    assert_eq!(send(served.port, &too_large).await.map_or(413, |a| a.status), 413);
    let parts = chunked(served.port, (17 << 20) / 65_536);
    assert_eq!(send(served.port, &parts).await.map_or(413, |a| a.status), 413, "also when its size is not announced");
    let (status, _) = post(&served, NDJSON, [&b"\xff\xfe{}\n"[..], rows("utf8", 1).as_bytes()].concat()).await;
    assert_eq!(status, 200, "a line that is no UTF-8 does not keep the others out");
}

/// A request in so many chunks of 64 KiB.
fn chunked(port: u16, n: usize) -> Vec<u8> {
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {NDJSON}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend(vec![b' '; 65_536]);
    chunk.extend(b"\r\n");
    [head.into_bytes(), chunk.repeat(n), b"0\r\n\r\n".to_vec()].concat()
}

#[tokio::test]
async fn only_the_operator_may_send_and_no_other_site_through_a_browser() {
    let folder = Folder::new();
    let served = Served::start(&folder, &[("GF_OPERATOR_TOKEN", TOKEN), ("GF_HOSTS", "metrics.example.com")]).await;
    let port = served.port;
    let body = rows("x", 1);
    let ask = async |heads: &[(&str, &str)]| {
        let heads = [&[("Content-Type", NDJSON)], heads].concat();
        send(port, &request(port, "POST", PATH, &heads, body.as_bytes())).await.expect("an answer").status
    };
    let away = ("X-Forwarded-For", "203.0.113.9");
    let named = ("Host", "metrics.example.com");
    let bearer = format!("Bearer {TOKEN}");
    for heads in
        [&[][..], &[away], &[named], &[away, ("Authorization", "Bearer wrong")], &[named, ("Authorization", TOKEN)]]
    {
        assert_eq!(ask(heads).await, 401, "{heads:?}");
    }
    for heads in [
        &[("Origin", "https://evil.example.com")][..],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "cross-site"), ("Authorization", &bearer)],
    ] {
        assert_eq!(ask(heads).await, 403, "{heads:?}");
    }
    let known = [("Authorization", &*bearer)];
    let taken = async || send(port, &request(port, "GET", "/export/sources.csv", &known, b"")).await.unwrap().body;
    assert!(!taken().await.contains("POST /api"), "nothing of it was taken");
    for heads in [&known[..], &[away, ("Authorization", &bearer)], &[named, ("Authorization", &bearer)]] {
        assert_eq!(ask(heads).await, 200, "{heads:?}");
    }
    for method in ["PUT", "DELETE"] {
        let answer = send(port, &request(port, method, PATH, &known, b"")).await.unwrap();
        assert!(matches!(answer.status, 404 | 405), "{method}: {}", answer.status);
    }
    assert!(taken().await.contains(",1,2,0,0,"), "one row, sent three times: {}", taken().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_share_commits_and_each_has_its_own_answer() {
    let site = Site::start(&[]).await;
    let served = &site.served;
    let before = n(served).await;
    let send = async |who: i64| {
        for round in 0..5 {
            let body = format!("{}nonsense\n", rows(&format!("{who}-{round}"), 1 + who));
            let (status, told) = post(served, NDJSON, body).await;
            assert_eq!((status, sums(&told)), (200, [1 + who as u64, 0, 0, 1]), "{who} {round}: {told}");
        }
    };
    futures::future::join_all((0..20).map(send)).await;
    assert_eq!(n(served).await, before + 5 * (1..=20).sum::<u64>());
}

fn gzip(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

/// Sends a packed body again and again while it is told to come later.
async fn post_packed(served: &Served, body: &[u8]) -> (u16, Value) {
    loop {
        let request = served.post(PATH).header("Content-Type", NDJSON).header("Content-Encoding", "gzip");
        let answer = request.body(body.to_vec()).send().await.expect("an answer");
        let status = answer.status().as_u16();
        if status != 503 {
            return (status, answer.json().await.expect("JSON"));
        }
        let again = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        tokio::time::sleep(Duration::from_secs(again)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_bodies_that_unpack_to_much_do_not_make_the_server_grow() {
    let (_folder, mut served) = served().await;
    assert_eq!(post_packed(&served, &gzip(&rows("first", 100))).await.0, 200);
    let before = served.peak();
    // As many records as fit, and one more than may; and lines of which each is refused.
    let row = rows("bomb", 1);
    let records = gzip(&row.repeat((16 << 20) / row.len() + 1));
    let nonsense = gzip(&"x\n".repeat(100_000));
    let all = (0..4).map(|_| async {
        assert_eq!(post_packed(&served, &records).await.0, 413);
        let (status, told) = post_packed(&served, &nonsense).await;
        assert_eq!((status, told["refused_total"].as_u64()), (422, Some(100_000)));
        assert_eq!(told["refused"].as_array().map(Vec::len), Some(1_000));
    });
    futures::future::join_all(all).await;
    let grown = (served.peak() - before) >> 20;
    assert!(grown < 64, "{grown} MB more for {} KB", (records.len() + nonsense.len()) >> 10);
    served.lives_without_panic();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_sent_away_and_comes_again_gets_everything_in_once() {
    let (_folder, served) = served().await;
    const ROWS: i64 = 500;
    let send = async |who: i64| {
        let (status, told) = post_packed(&served, &gzip(&rows(&format!("sender-{who}"), ROWS))).await;
        assert_eq!(status, 200, "{told}");
        // A second try may find that the first came through.
        told["taken"].as_i64().unwrap() + told["duplicate"].as_i64().unwrap()
    };
    let told = futures::future::join_all((0..24).map(send)).await;
    assert!(told.iter().all(|n| *n == ROWS), "{told:?}");
    assert_eq!(n(&served).await, 24 * ROWS as u64, "what was acknowledged is there, once");
}
