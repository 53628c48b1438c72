//! Webhooks from outside: a real receiver gets what happened, signed; what it does not take is sent again, and nothing of a secret is left lying about.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    fleet::encode,
    postgres::Database,
    process::{Folder, Ran, Served, text},
    tokens::{ask, on, session, token},
};

/// A message as it arrived.
#[derive(Debug, Clone)]
struct Got {
    headers: HeaderMap,
    body: String,
}

impl Got {
    fn id(&self) -> String {
        self.headers["webhook-id"].to_str().unwrap().to_owned()
    }
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
    #[track_caller]
    fn verified(&self, secret: &str) -> Value {
        Webhook::new(secret).unwrap().verify(self.body.as_bytes(), &self.headers).unwrap();
        self.json()
    }
}

/// What a receiver answers that never answers.
const NEVER: u16 = 0;

/// A receiver that answers with what it is told, and then with 204.
struct Receiver {
    port: u16,
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    async fn new() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        let port = listener.local_addr().unwrap().port();
        let (got, answers) = (Arc::<Mutex<Vec<Got>>>::default(), Arc::<Mutex<Vec<u16>>>::default());
        let (seen, said) = (Arc::clone(&got), Arc::clone(&answers));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, said) = (Arc::clone(&seen), Arc::clone(&said));
                tokio::spawn(async move {
                    let mut bytes = vec![];
                    let got = loop {
                        let mut part = [0; 4096];
                        match stream.read(&mut part).await {
                            Ok(0) | Err(_) => return,
                            Ok(n) => bytes.extend_from_slice(&part[..n]),
                        }
                        if let Some(got) = parsed(&bytes) {
                            break got;
                        }
                    };
                    let status = {
                        let mut answers = said.lock().unwrap();
                        seen.lock().unwrap().push(got);
                        if answers.is_empty() { 204 } else { answers.remove(0) }
                    };
                    if status == NEVER {
                        let _ = stream.read(&mut [0; 1]).await;
                        return;
                    }
                    let body = "the receiver's own words";
                    let body = if status == 204 { "" } else { body };
                    let answer = format!(
                        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nlocation: http://127.0.0.1/\r\nconnection: close\r\n\r\n{body}",
                        body.len()
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { port, got, answers }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?key=of-the-path", self.port)
    }
    fn allow(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
    fn answers(&self, statuses: &[u16]) {
        *self.answers.lock().unwrap() = statuses.to_vec();
    }
    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
    async fn wait(&self, n: usize) -> Vec<Got> {
        until(&format!("{n} messages"), async || self.got().len() >= n).await;
        self.got()
    }
}

fn parsed(bytes: &[u8]) -> Option<Got> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut headers = HeaderMap::new();
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(':').unwrap();
        headers.insert(
            reqwest::header::HeaderName::try_from(name).unwrap(),
            reqwest::header::HeaderValue::try_from(value.trim()).unwrap(),
        );
    }
    let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
    let body = &bytes[end + 4..];
    (body.len() == length).then(|| Got { headers, body: String::from_utf8(body.to_vec()).unwrap() })
}

async fn until(what: &str, is: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is().await {
        assert!(begun.elapsed() < Duration::from_secs(45), "not within 45 seconds: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A folder whose model `detector` has two versions, of which the first is the champion.
fn with_model(folder: Folder) -> Folder {
    folder.write("files/model/MLmodel", "flavors: {}\n");
    let files = text(&folder.path("files"));
    for _ in 0..2 {
        folder.run(&["models", "add", "detector", "--files", &files]).fine();
    }
    promote(&folder, "1").fine();
    folder
}

fn promote(folder: &Folder, version: &str) -> Ran {
    folder.run(&["models", "promote", "detector", version, "--to", "production", "--reason", "더 낫습니다"])
}

async fn serve(folder: &Folder, allow: &str, retries: &str) -> Served {
    Served::start(folder, &[("GF_EGRESS_ALLOW", allow), ("GF_WEBHOOK_RETRIES", retries)]).await
}

async fn sent(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.header("Sec-Fetch-Site", "same-origin").send().await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// Adds a webhook and returns its number and its secret.
async fn add(served: &Served, body: Value) -> (i64, String) {
    let (status, row) = sent(served.post("/api/webhooks").json(&body)).await;
    assert_eq!(status, 201, "{row}");
    (row["id"].as_i64().unwrap(), row["secret"].as_str().unwrap().to_owned())
}

async fn deliveries(served: &Served, query: &str) -> Vec<Value> {
    let found = served.json(&format!("/api/webhooks/deliveries{query}")).await;
    found["deliveries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_happens_to_a_model_is_told_signed_once_and_to_those_who_want_it() {
    let receiver = Receiver::new().await;
    let folder = with_model(Folder::new());
    let served = serve(&folder, &receiver.allow(), "").await;
    let (id, secret) = add(&served, json!({ "url": receiver.url() })).await;
    let (other, _) = add(&served, json!({ "url": receiver.url(), "events": ["promotion"], "model": "other" })).await;
    assert!(secret.starts_with("whsec_") && other > id);
    let asked = ["models", "request", "detector", "2", "--to", "production", "--reason", "better"];
    folder.run(&asked).fine();
    folder.run(&["models", "reject", "1", "--comment", "not yet"]);
    promote(&folder, "2").fine();
    folder.run(&["models", "rollback", "detector", "--reason", "false alarms"]).fine();
    let got = receiver.wait(3).await;
    let told: Vec<Value> = got.iter().map(|g| g.verified(&secret)).collect();
    let kinds: Vec<&str> = told.iter().map(|t| t["type"].as_str().unwrap()).collect();
    // Whoever asked took it back: nobody is told of that.
    assert_eq!(kinds, ["model.promotion.requested", "model.promoted", "model.rolled_back"]);
    let data = &told[1]["data"];
    assert_eq!(
        (&data["model"], &data["from"], &data["to"], &data["target"], &data["actor"], &data["reason"]),
        (&json!("detector"), &json!("1"), &json!("2"), &json!("production"), &json!("operator"), &json!("더 낫습니다"))
    );
    assert_eq!((&told[2]["data"]["from"], &told[2]["data"]["to"]), (&json!("2"), &json!("1")));
    assert_eq!((&told[0]["data"]["from"], &told[0]["data"]["request"]), (&json!("1"), &json!(1)));
    assert!(told.iter().all(|t| t["timestamp"].as_str().unwrap().ends_with('Z')));
    assert_eq!(got[0].headers["content-type"], "application/json");
    until("all is sent", async || deliveries(&served, "?state=sent").await.len() == 3).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(receiver.got().len(), 3, "once each");
    let list = served.json("/api/webhooks").await;
    let row = &list["webhooks"][0];
    assert_eq!((&row["last_delivery"]["state"], &row["last_delivery"]["status"]), (&json!("sent"), &json!(204)));
    assert_eq!((&row["pending"], row.get("secret")), (&json!(0), None), "it is not shown again");
    let files = std::fs::read_dir(folder.data()).unwrap().flatten().filter(|e| e.path().is_file());
    let needle = &secret.as_bytes()[6..];
    for file in files {
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!bytes.windows(needle.len()).any(|w| w == needle), "{:?} holds the secret", file.path());
    }
    assert!(!served.log().contains(&secret[6..]) && !served.log().contains("of-the-path"), "{}", served.log());
}

#[tokio::test]
async fn what_a_receiver_does_not_take_is_sent_again_under_the_same_id() {
    let receiver = Receiver::new().await;
    receiver.answers(&[500, 302]);
    let folder = with_model(Folder::new());
    let served = serve(&folder, &receiver.allow(), "50,50,50").await;
    let (_, secret) = add(&served, json!({ "url": receiver.url(), "events": ["promotion"] })).await;
    promote(&folder, "2").fine();
    let got = receiver.wait(3).await;
    assert!(got.iter().all(|g| g.id() == got[0].id() && g.body == got[0].body));
    got.iter().for_each(|g| drop(g.verified(&secret)));
    until("it is sent", async || deliveries(&served, "?state=sent").await.len() == 1).await;
    let row = &deliveries(&served, "").await[0];
    assert_eq!((&row["attempts"], &row["status"], &row["error"]), (&json!(3), &json!(204), &Value::Null));
    // 410 pauses the webhook; what waits is sent when it goes on.
    receiver.answers(&[410]);
    folder.run(&["models", "rollback", "detector", "--reason", "x"]).fine();
    promote(&folder, "2");
    let webhook = async || served.json("/api/webhooks").await["webhooks"][0].clone();
    until("it is paused", async || webhook().await["paused"] == "gone").await;
    let row = &deliveries(&served, "?state=pending&webhook=1").await[0];
    assert!(row["error"].as_str().unwrap().contains("410") && !row.to_string().contains("own words"), "{row}");
    let before = receiver.got().len();
    assert_eq!(sent(served.post("/api/webhooks/1/resume")).await.0, 200);
    receiver.wait(before + 1).await;
    assert_eq!(webhook().await["paused"], Value::Null);
}

#[tokio::test]
async fn a_receiver_that_is_never_there_leaves_a_dead_letter_that_is_replayed() {
    // A port that nobody listens at.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let folder = with_model(Folder::new());
    let served = serve(&folder, &format!("127.0.0.1:{port}"), "20,20").await;
    let (_, secret) = add(&served, json!({ "url": format!("http://127.0.0.1:{port}/") })).await;
    promote(&folder, "2").fine();
    until("it is dead", async || deliveries(&served, "?state=dead").await.len() == 1).await;
    let row = deliveries(&served, "?state=dead").await.remove(0);
    assert_eq!((&row["attempts"], &row["status"]), (&json!(3), &Value::Null));
    assert!(row["error"].as_str().unwrap().contains("nothing listens"), "{row}");
    let listed = folder.run(&["webhooks", "deliveries", "--state", "dead", "--json"]).fine().json();
    assert_eq!((&listed[0]["id"], listed.as_array().unwrap().len()), (&row["id"], 1));
    let receiver = Receiver::on(TcpListener::bind(("127.0.0.1", port)).await.unwrap());
    let (status, replayed) = sent(served.post(&format!("/api/webhooks/deliveries/{}/replay", row["id"]))).await;
    assert_eq!((status, &replayed["state"]), (202, &json!("pending")));
    let got = receiver.wait(1).await;
    assert_eq!(
        (got[0].id(), got[0].verified(&secret)["type"].as_str()),
        (row["message"].as_str().unwrap().to_owned(), Some("model.promoted"))
    );
    until("it is sent", async || deliveries(&served, "?state=sent").await.len() == 1).await;
    let (status, refused) = sent(served.post(&format!("/api/webhooks/deliveries/{}/replay", row["id"]))).await;
    assert!(status == 400 && refused["detail"].as_str().unwrap().contains("is sent"), "{refused}");
    let refused = folder.run(&["webhooks", "replay", &row["id"].to_string()]);
    assert!(refused.code == Some(2) && refused.stderr.contains("is sent"), "{refused:?}");
}

#[tokio::test]
async fn nothing_is_lost_when_the_server_is_killed() {
    let receiver = Receiver::new().await;
    let folder = with_model(Folder::new());
    let served = serve(&folder, &receiver.allow(), "100").await;
    let (_, secret) = add(&served, json!({ "url": receiver.url() })).await;
    served.kill();
    // Nobody sends what happens meanwhile.
    promote(&folder, "2").fine();
    assert_eq!(receiver.got().len(), 0);
    let served = serve(&folder, &receiver.allow(), "100").await;
    assert_eq!(receiver.wait(1).await[0].verified(&secret)["type"], "model.promoted");
    until("it is sent", async || deliveries(&served, "?state=sent").await.len() == 1).await;
    // Killed while the receiver has the message and has not answered: others send it again when the lease is over.
    receiver.answers(&[NEVER]);
    folder.run(&["models", "rollback", "detector", "--reason", "x"]).fine();
    let first = receiver.wait(2).await.remove(1);
    served.kill();
    let served = serve(&folder, &receiver.allow(), "100").await;
    let second = receiver.wait(3).await.remove(2);
    assert_eq!((first.id(), &first.body), (second.id(), &second.body));
    assert_eq!(second.verified(&secret)["type"], "model.rolled_back");
    until("it is sent", async || deliveries(&served, "?state=sent").await.len() == 2).await;
}

#[tokio::test]
async fn two_servers_on_one_postgres_send_each_message_once() {
    let receiver = Receiver::new().await;
    let folder = with_model(Folder::with(Database::new()));
    let one = serve(&folder, &receiver.allow(), "100").await;
    let two = serve(&folder, &receiver.allow(), "100").await;
    let (_, secret) = add(&one, json!({ "url": receiver.url() })).await;
    for n in 0..3 {
        promote(&folder, "2").fine();
        folder.run(&["models", "rollback", "detector", "--reason", &n.to_string()]).fine();
        // A version that was rolled back from is promoted anew.
        let _ = promote(&folder, "1");
    }
    let happened = folder.run(&["audit", "list", "--json"]).fine().stdout.matches("\"applied\"").count();
    assert!(happened > 0);
    let told = deliveries(&two, "").await.len();
    let got = receiver.wait(told).await;
    until("all is sent", async || deliveries(&two, "?state=sent").await.len() == told).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(receiver.got().len(), told, "each once");
    let numbers: Vec<i64> = got.iter().map(|g| g.verified(&secret)["data"]["event"].as_i64().unwrap()).collect();
    assert!(numbers.is_sorted() && told >= 2, "in order: {numbers:?}");
}

#[tokio::test]
async fn bad_input_is_refused_with_a_sentence() {
    let receiver = Receiver::new().await;
    let folder = with_model(Folder::new());
    let served = serve(&folder, &receiver.allow(), "").await;
    let long = format!("https://hooks.example.com/{}", "x".repeat(2_000));
    for (body, part) in [
        (json!({ "url": "https://10.0.0.1/" }), "private"),
        (json!({ "url": "https://169.254.169.254/latest" }), "private"),
        (json!({ "url": "http://127.0.0.1:1/" }), "https only"),
        (json!({ "url": "https://kim:pw@hooks.example.com/" }), "signed"),
        (json!({ "url": "hooks" }), "hooks"),
        (json!({ "url": "" }), "address"),
        (json!({ "url": long }), "1500"),
        (json!({ "url": receiver.url(), "events": ["deletion"] }), "deletion"),
        (json!({ "url": receiver.url(), "model": "a/b" }), "a/b"),
        (json!({ "url": receiver.url(), "secret": "whsec_short" }), "24 to 64"),
        (json!({ "url": receiver.url(), "unknown": 1 }), "unknown"),
        (json!({}), "url"),
    ] {
        let (status, refused) = sent(served.post("/api/webhooks").json(&body)).await;
        let detail = refused["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && detail.contains(part), "{body}: {status} {refused}");
    }
    let own = format!("whsec_{}", "QUFB".repeat(10));
    let (id, secret) = add(&served, json!({ "url": receiver.url(), "secret": own })).await;
    assert_eq!(secret, own);
    let (status, refused) = sent(served.post("/api/webhooks").json(&json!({ "url": receiver.url() }))).await;
    assert!(status == 400 && refused["detail"].as_str().unwrap().contains("already"), "{refused}");
    for path in ["/api/webhooks/99/pause", "/api/webhooks/x/test", "/api/webhooks/deliveries/99/replay"] {
        let (status, refused) = sent(served.post(path)).await;
        assert!(status == 404 && refused["detail"].as_str().unwrap().contains("there is no"), "{path}: {refused}");
    }
    for query in ["?state=x", "?webhook=x", "?limit=-1", "?other=1"] {
        let (status, refused) = sent(served.get(&format!("/api/webhooks/deliveries{query}"))).await;
        assert!(status == 400 && !refused["detail"].as_str().unwrap().is_empty(), "{query}: {refused}");
    }
    // A test says what the receiver answered, and nothing of its words.
    let (status, tested) = sent(served.post(&format!("/api/webhooks/{id}/test"))).await;
    assert_eq!((status, &tested["delivered"], &tested["status"]), (200, &json!(true), &json!(204)));
    assert_eq!(receiver.got()[0].verified(&own)["type"], "webhook.test");
    receiver.answers(&[503]);
    let (_, tested) = sent(served.post(&format!("/api/webhooks/{id}/test"))).await;
    assert_eq!(tested, json!({ "delivered": false, "status": 503, "detail": "the receiver answered 503" }));
    assert_eq!(deliveries(&served, "").await.len(), 0, "a test is no delivery");
    let (status, _) = sent(served.client.delete(served.url(&format!("/api/webhooks/{id}")))).await;
    assert_eq!(status, 204);
    assert_eq!(served.json("/api/webhooks").await, json!({ "webhooks": [] }));
}

#[tokio::test]
async fn viewers_see_that_there_are_webhooks_and_operators_set_them() {
    let receiver = Receiver::new().await;
    let folder = with_model(Folder::new());
    let (kim, ann) = (token(&folder, "kim", "operator"), token(&folder, "ann", "viewer"));
    let served = serve(&folder, &receiver.allow(), "").await;
    let body = json!({ "url": receiver.url() });
    let post = |token: &str, path: &str| served.post(path).bearer_auth(token).json(&body);
    assert_eq!(sent(post(&ann, "/api/webhooks")).await.0, 403);
    let (status, row) = sent(post(&kim, "/api/webhooks")).await;
    assert_eq!((status, &row["created_by"], &row["url"]), (201, &json!("kim"), &json!(receiver.url())));
    for path in ["/api/webhooks/1/test", "/api/webhooks/1/pause", "/api/webhooks/deliveries/1/replay"] {
        assert_eq!(sent(post(&ann, path)).await.0, 403, "{path}");
    }
    let (status, list) = sent(served.get("/api/webhooks").bearer_auth(&ann)).await;
    let url = list["webhooks"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!((status, url), (200, format!("http://127.0.0.1:{}", receiver.port)), "a path may be secret");
    assert_eq!(sent(served.get("/api/webhooks")).await.0, 401);
}

// Commands are waited for on this thread, and the receiver answers them on another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_adds_tests_pauses_and_removes() {
    let receiver = Receiver::new().await;
    let folder = with_model(Folder::new());
    let allow = receiver.allow();
    let hooks = |args: &[&str]| on(&folder, &[&["webhooks"], args, &["--egress-allow", &allow]].concat());
    let refused = on(&folder, &["webhooks", "add", &receiver.url()]);
    assert!(refused.code == Some(2) && refused.stderr.contains("GF_EGRESS_ALLOW"), "{refused:?}");
    let added = hooks(&["add", &receiver.url(), "--events", "promotion,rollback", "--model", "detector"]).fine();
    let secret = added.stdout.lines().nth(1).unwrap().to_owned();
    assert!(added.stdout.starts_with("webhook 1\nwhsec_"), "{added:?}");
    assert_eq!(hooks(&["test", "1"]).fine().stdout.trim(), "the receiver answered 204");
    assert_eq!(receiver.got()[0].verified(&secret)["data"]["actor"], "operator");
    receiver.answers(&[500]);
    let failed = hooks(&["test", "1"]);
    assert_eq!((failed.code, failed.stdout.trim()), (Some(1), "the receiver answered 500"));
    hooks(&["pause", "1"]).fine();
    let listed = hooks(&["list", "--json"]).fine().json();
    assert_eq!((&listed[0]["paused"], &listed[0]["events"]), (&json!("person"), &json!(["promotion", "rollback"])));
    let table = hooks(&["list"]).fine().stdout;
    assert!(table.contains("paused (person)") && !table.contains("whsec_"), "{table}");
    hooks(&["resume", "1"]).fine();
    promote(&folder, "2").fine();
    let waiting = hooks(&["deliveries", "--json"]).fine().json();
    assert_eq!((&waiting[0]["state"], &waiting[0]["type"]), (&json!("pending"), &json!("model.promoted")));
    hooks(&["remove", "1"]).fine();
    let refused = hooks(&["remove", "1"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("there is no webhook 1"), "{refused:?}");
    let refused = hooks(&["add", &receiver.url(), "--events", "nothing"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("nothing"), "{refused:?}");
    let refused = hooks(&["deliveries", "--state", "lost"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("lost"), "{refused:?}");
}

#[tokio::test]
async fn the_page_adds_tests_and_replays_without_a_script() {
    let receiver = Receiver::new().await;
    let folder = with_model(Folder::new());
    let (kim, ann) = (token(&folder, "kim", "operator"), token(&folder, "ann", "viewer"));
    let served = serve(&folder, &receiver.allow(), "1").await;
    let (kim, ann) = (session(&served, &kim).await, session(&served, &ann).await);
    let page = async |cookie: &str, path: &str| {
        let heads = [("Accept", "text/html"), ("Cookie", cookie)];
        let answer = ask(&served, "GET", path, &heads, "").await;
        (answer.status, answer.body.replace("<!>", "").replace("<!---->", ""))
    };
    let send = async |cookie: &str, fields: &[(&str, &str)]| {
        let body: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect();
        let heads = [
            ("Accept", "text/html"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Cookie", cookie),
        ];
        ask(&served, "POST", "/webhooks", &heads, &body.join("&")).await
    };
    let (status, html) = page(&kim, "/webhooks").await;
    assert!(status == 200 && html.contains("Nobody is told yet"), "{html}");
    // The secret stands in the form once; what is kept of it is shown nowhere.
    let secret = html.split("value=\"").find(|part| part.starts_with("whsec_")).unwrap();
    let secret = secret.split('"').next().unwrap().to_owned();
    let url = receiver.url();
    let fields = [("act", "add"), ("url", &*url), ("promotion", "promotion"), ("secret", &*secret)];
    let refused = send(&kim, &[("act", "add"), ("url", "https://10.0.0.1/"), fields[2], fields[3]]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("is private") && refused.body.contains(&secret), "{}", refused.body);
    let refused = send(&kim, &[fields[0], fields[1], fields[3]]).await;
    assert!(refused.status == 400 && refused.body.contains("at least one"), "{}", refused.body);
    let added = send(&kim, &fields).await;
    assert_eq!((added.status, added.all("location")[0]), (303, "/webhooks?done=added&webhook=1"));
    let (_, html) = page(&kim, "/webhooks?done=added&webhook=1").await;
    assert!(html.contains("Webhook 1 is added") && html.contains("of-the-path") && !html.contains(&secret), "{html}");
    let tested = send(&kim, &[("act", "test"), ("id", "1")]).await;
    assert_eq!((tested.status, tested.all("location")[0]), (303, "/webhooks?done=tested&webhook=1"));
    receiver.got()[0].verified(&secret);
    receiver.answers(&[500]);
    let tested = send(&kim, &[("act", "test"), ("id", "1")]).await;
    assert!(tested.status == 503 && tested.body.contains("answered 500"), "{}", tested.body);
    receiver.answers(&[500, 500]);
    promote(&folder, "2").fine();
    until("it is dead", async || page(&kim, "/webhooks").await.1.contains("Send again")).await;
    let (_, html) = page(&ann, "/webhooks").await;
    assert!(html.contains("model.promoted") && !html.contains("of-the-path") && !html.contains("Send again"), "{html}");
    assert_eq!(send(&ann, &[("act", "replay"), ("id", "1")]).await.status, 403);
    let replayed = send(&kim, &[("act", "replay"), ("id", "1")]).await;
    assert_eq!(replayed.status, 303, "{}", replayed.body);
    until("it is sent", async || !page(&kim, "/webhooks").await.1.contains("Send again")).await;
    for (act, done) in [("pause", "paused"), ("resume", "resumed"), ("remove", "removed")] {
        let answer = send(&kim, &[("act", act), ("id", "1")]).await;
        assert_eq!(answer.all("location")[0], format!("/webhooks?done={done}&webhook=1"));
    }
    assert_eq!(send(&kim, &[("act", "pause"), ("id", "1")]).await.status, 404);
    assert_eq!(send(&kim, &[("act", "burn"), ("id", "1")]).await.status, 400);
}
