//! What the client of MLflow makes of answers that are wrong: it ends in time, believes nothing, and says what cures it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{
    error::{Error, ErrorKind},
    ports::{RunSelection, TrackingStore},
    tracking::{ArtifactPath, ByteRange, ExperimentId, RunId},
};
use futures::StreamExt;
use registry::mlflow::{MlflowOptions, MlflowServer, Timeouts, version_warning};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What happens to a request.
enum Reply {
    /// These bytes, and the end.
    Bytes(Vec<u8>),
    /// These bytes after a while.
    Late(Duration, Vec<u8>),
    /// A byte each 20 ms, without end.
    Trickle(Vec<u8>),
    /// The connection ends without an answer.
    Nothing,
}

/// A server that answers as it is told, and keeps what it was asked: head and body.
struct Fake {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    async fn start(reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(vec![]));
        let (reply, kept) = (Arc::new(reply), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (reply, kept) = (Arc::clone(&reply), Arc::clone(&kept));
                tokio::spawn(async move {
                    let mut stream = stream;
                    let request = read_request(&mut stream).await;
                    let turn = {
                        let mut kept = kept.lock().unwrap();
                        kept.push(request.clone());
                        kept.len() - 1
                    };
                    let _ = send(&mut stream, reply(&request, turn)).await;
                });
            }
        });
        Self { address, requests }
    }

    /// One that says the same to everything.
    async fn always(reply: impl Into<Vec<u8>>) -> Self {
        let reply = reply.into();
        Self::start(move |_, _| Reply::Bytes(reply.clone())).await
    }

    fn client(&self) -> MlflowServer {
        client(&self.address)
    }

    fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    fn request_lines(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|r| r.lines().next().unwrap_or_default().to_owned()).collect()
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut read = vec![];
    loop {
        let mut piece = [0; 8192];
        let n = stream.read(&mut piece).await.unwrap_or_default();
        read.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&read);
        let length =
            text.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        let complete = text.find("\r\n\r\n").is_some_and(|end| read.len() >= end + 4 + length.unwrap_or_default());
        // What is no HTTP, such as TLS, is answered at once.
        if n == 0 || complete || !read[0].is_ascii_alphabetic() {
            return text.into_owned();
        }
    }
}

async fn send(stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    match reply {
        Reply::Nothing => return Ok(()),
        Reply::Late(wait, bytes) => {
            tokio::time::sleep(wait).await;
            stream.write_all(&bytes).await?;
        }
        Reply::Bytes(bytes) => stream.write_all(&bytes).await?,
        Reply::Trickle(head) => {
            stream.write_all(&head).await?;
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                stream.write_all(b" ").await?;
            }
        }
    }
    stream.shutdown().await
}

fn http(status: &str, kind: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    http("200 OK", "application/json", body)
}

fn timeouts() -> Timeouts {
    let ms = Duration::from_millis;
    Timeouts { connect: ms(500), call: ms(700), file: ms(700), piece: ms(500) }
}

fn client(uri: &str) -> MlflowServer {
    MlflowServer::new(MlflowOptions { uri: uri.into(), timeouts: timeouts(), ..MlflowOptions::default() }).unwrap()
}

fn run_id() -> RunId {
    RunId::parse("0123456789abcdef0123456789abcdef").unwrap()
}

fn experiment() -> ExperimentId {
    ExperimentId::parse("7").unwrap()
}

async fn runs(client: &MlflowServer, which: RunSelection) -> Result<usize, Error> {
    client.runs(&[experiment()], &which, 1000, None).await.map(|page| page.runs.len())
}

/// Asks everything there is; how many things came, or why none.
async fn everything(client: &MlflowServer) -> Vec<(&'static str, Result<usize, Error>)> {
    let file = ArtifactPath::parse("a/b.txt").unwrap();
    let artifact = async {
        let mut body = client.artifact(&run_id(), &file, None).await?.bytes;
        let mut n = 0;
        while let Some(piece) = body.next().await {
            n += piece?.len();
        }
        Ok(n)
    };
    vec![
        ("probe", client.probe().await.map(|_| 1)),
        ("experiments", client.experiments().await.map(|e| e.len())),
        ("all runs", runs(client, RunSelection::All).await),
        ("run", client.run(&run_id()).await.map(|_| 1)),
        ("running", runs(client, RunSelection::Running).await),
        ("history", client.history(&run_id(), "loss").await.map(|h| h.len())),
        ("artifacts", client.artifacts(&run_id(), &ArtifactPath::default()).await.map(|a| a.len())),
        ("models", client.logged_models(&experiment(), &run_id()).await.map(|m| m.len())),
        ("versions", client.model_versions(&run_id()).await.map(|v| v.len())),
        ("artifact", artifact.await),
    ]
}

/// Everything fails with a sentence in both languages that holds `cure`, and nothing of `secret`.
async fn all_fail(client: &MlflowServer, cure: &str, secret: &str, but: &[&str]) {
    for (what, outcome) in everything(client).await {
        if but.contains(&what) {
            continue;
        }
        let error = outcome.expect_err(what);
        assert_eq!(error.kind, ErrorKind::Unavailable, "{what}: {error:?}");
        assert!(error.message.en.contains(cure), "{what}: {error:?}");
        let korean = error.message.ko.as_ref().expect("Korean");
        assert!(
            secret.is_empty() || !(error.message.en.contains(secret) || korean.contains(secret)),
            "{what}: {error:?}"
        );
    }
}

#[tokio::test]
async fn nothing_proves_nothing() {
    let fake = Fake::always(ok("{}")).await;
    let outcomes = everything(&fake.client()).await;
    for (what, outcome) in outcomes {
        match what {
            "probe" | "experiments" | "all runs" => {
                let error = outcome.expect_err(what);
                assert!(
                    error.message.en.contains("not as MLflow does: check MLFLOW_TRACKING_URI"),
                    "{what}: {error:?}"
                );
            }
            "run" => assert!(outcome.is_err()),
            // Bytes of a file may be any.
            "artifact" => assert_eq!(outcome, Ok(2)),
            _ => assert_eq!(outcome, Ok(0), "{what}"),
        }
    }
}

#[tokio::test]
async fn an_empty_mlflow_is_one() {
    let missing = r#"{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run with id=0 not found"}"#;
    let fake = Fake::start(move |request, _| {
        let head = request.lines().next().unwrap_or_default();
        Reply::Bytes(match () {
            () if head.contains("/runs/get?") => http("404 Not Found", "application/json", missing),
            () if head.contains("/version") => http("200 OK", "text/html", "3.17.2\n"),
            () => ok("{}"),
        })
    })
    .await;
    let client = fake.client();
    assert_eq!(client.probe().await, Ok(Some("3.17.2".into())));
    assert_eq!(client.experiments().await.map(|e| e.len()), Ok(0));
    assert_eq!(runs(&client, RunSelection::All).await, Ok(0));
    assert_eq!(client.run(&run_id()).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn pages_of_another_program_are_no_answers() {
    let page = "\n<!DOCTYPE html><html><body>Welcome to nginx!</body></html>";
    let fake = Fake::always(http("200 OK", "text/html", page)).await;
    all_fail(&fake.client(), "check MLFLOW_TRACKING_URI", "nginx", &["artifact"]).await;
    for body in [
        "NaN",
        "[]",
        "null",
        "\"text\"",
        "{\"runs\":7,\"experiments\":7,\"metrics\":7,\"files\":7}",
        "\u{feff}{}",
        "{]",
    ] {
        let fake = Fake::always(ok(body)).await;
        let client = fake.client();
        for error in [client.probe().await.unwrap_err(), client.run(&run_id()).await.unwrap_err()] {
            assert_eq!(error.kind, ErrorKind::Unavailable, "{body}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_bare_nan_is_not_json() {
    let fake = Fake::start(|request, _| {
        Reply::Bytes(ok(match () {
            () if request.contains("get-history") => {
                r#"{"metrics":[{"key":"loss","value":NaN,"timestamp":1,"step":1}]}"#
            }
            () => {
                r#"{"runs":[{"info":{"run_id":"a","experiment_id":"7"},"data":{"metrics":[{"key":"a","value":NaN}]}}]}"#
            }
        }))
    })
    .await;
    let client = fake.client();
    for error in
        [client.history(&run_id(), "loss").await.unwrap_err(), runs(&client, RunSelection::All).await.unwrap_err()]
    {
        assert!(error.message.en.contains("nonsense"), "{error:?}");
    }
}

#[tokio::test]
async fn lists_that_never_end_are_given_up() {
    let run = json!({"info": {"run_id": "a1", "experiment_id": "7"}});
    let rows = json!({
        "experiments": [{"experiment_id": "7", "name": "x"}], "runs": [run],
        "metrics": [{"key": "loss", "value": 1.0, "timestamp": 1, "step": 1}],
        "files": [{"path": "a", "is_dir": true}], "model_versions": [{"name": "m", "version": "1"}],
        "models": [{"info": {"model_id": "m-1", "source_run_id": run_id()}}],
    });
    // The same token again, or always another one, with the same rows or with none.
    for (rows, moving) in [(rows.clone(), false), (rows, true), (json!({}), false), (json!({}), true)] {
        let fake = Fake::start(move |_, turn| {
            let mut body = rows.clone();
            body["next_page_token"] = if moving { format!("t{turn}").into() } else { "t".into() };
            Reply::Bytes(ok(body.to_string()))
        })
        .await;
        let client = fake.client();
        let mut errors = vec![
            client.experiments().await.map(|_| ()).unwrap_err(),
            client.history(&run_id(), "loss").await.map(|_| ()).unwrap_err(),
            client.artifacts(&run_id(), &ArtifactPath::default()).await.map(|_| ()).unwrap_err(),
            client.logged_models(&experiment(), &run_id()).await.map(|_| ()).unwrap_err(),
            client.model_versions(&run_id()).await.map(|_| ()).unwrap_err(),
        ];
        let mut page = None;
        errors.push(loop {
            match client.runs(&[experiment()], &RunSelection::Running, 10, page.as_deref()).await {
                Ok(part) => page = Some(part.next.unwrap()),
                Err(e) => break e,
            }
        });
        for error in errors {
            assert!(error.message.en.contains("again and again"), "{error:?}");
        }
        assert!(fake.asked() <= 18, "{}", fake.asked());
    }
}

#[tokio::test]
async fn no_list_is_asked_for_without_rows() {
    let fake = Fake::always(ok("{}")).await;
    let _ = everything(&fake.client()).await;
    let _ = fake.client().runs(&[experiment()], &RunSelection::Running, 0, None).await;
    let requests = fake.requests.lock().unwrap().clone();
    assert!(requests.iter().all(|r| !r.contains("max_results=0") && !r.contains("\"max_results\":0")));
}

#[tokio::test]
async fn answers_of_fifty_megabytes_are_not_read() {
    let size = 50 << 20;
    // Announced, and not.
    for announced in [true, false] {
        let fake = Fake::start(move |_, _| {
            let head = if announced { format!("content-length: {size}\r\n") } else { String::new() };
            let mut bytes = format!("HTTP/1.1 200 OK\r\n{head}\r\n{{\"runs\":[").into_bytes();
            bytes.resize(size, b' ');
            Reply::Bytes(bytes)
        })
        .await;
        let patient = Timeouts { call: Duration::from_secs(20), ..timeouts() };
        let options = MlflowOptions { uri: fake.address.clone(), timeouts: patient, ..MlflowOptions::default() };
        let client = MlflowServer::new(options).unwrap();
        for outcome in [client.probe().await.map(|_| 0), client.history(&run_id(), "loss").await.map(|h| h.len())] {
            let error = outcome.unwrap_err();
            assert!(error.message.en.contains("more than 32 MB"), "{error:?}");
        }
        if announced {
            let error = runs(&client, RunSelection::All).await.unwrap_err();
            assert!(error.message.en.contains("more than 32 MB"), "{error:?}");
            // 1000, 500, … 1.
            assert_eq!(fake.asked(), 2 + 10);
        }
    }
}

#[tokio::test]
async fn pages_shrink_until_they_fit() {
    let fake = Fake::start(|request, _| {
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        let asked: serde_json::Value = serde_json::from_str(body).unwrap();
        let most = asked["max_results"].as_u64().unwrap() as usize;
        let offset: usize = asked["page_token"].as_str().map_or(0, |t| t.parse().unwrap());
        if most > 250 {
            // 200 kB a run.
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{{", most * 200_000);
            return Reply::Bytes(head.into_bytes());
        }
        let ids = offset..(offset + most).min(600);
        let next = if ids.end < 600 { ids.end.to_string() } else { String::new() };
        let runs: Vec<_> = ids.map(|i| json!({"info": {"run_id": format!("r{i}"), "experiment_id": "7"}})).collect();
        Reply::Bytes(ok(json!({"runs": runs, "next_page_token": next}).to_string()))
    })
    .await;
    let client = fake.client();
    let (mut page, mut ids) = (None, vec![]);
    loop {
        let part = client.runs(&[experiment()], &RunSelection::All, 1000, page.as_deref()).await.unwrap();
        ids.extend(part.runs.into_iter().map(|r| r.id.to_string()));
        page = part.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(ids, (0..600).map(|i| format!("r{i}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn answers_that_break_off_are_no_answers() {
    let begun = "{\"runs\":[{\"info\":{\"run_id\":\"a1\",";
    // By the connection, and by whoever wrote it.
    let by_connection = format!("HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n{begun}").into_bytes();
    for bytes in [by_connection, ok(begun)] {
        let fake = Fake::always(bytes).await;
        let client = fake.client();
        for error in [client.probe().await.unwrap_err(), runs(&client, RunSelection::All).await.unwrap_err()] {
            assert!(error.message.en.contains("broke off"), "{error:?}");
        }
        assert_eq!(fake.asked(), 2, "what may have been heavy is not asked for twice");
    }
}

#[tokio::test]
async fn a_lost_connection_is_tried_once_more() {
    let fake = Fake::start(|_, turn| if turn == 0 { Reply::Nothing } else { Reply::Bytes(ok("{}")) }).await;
    assert_eq!(runs(&fake.client(), RunSelection::Running).await, Ok(0));
    assert_eq!(fake.asked(), 2);
    let fake = Fake::start(|_, _| Reply::Nothing).await;
    let error = runs(&fake.client(), RunSelection::Running).await.unwrap_err();
    assert!(error.message.en.contains("broke off"), "{error:?}");
    assert_eq!(fake.asked(), 2);
}

#[tokio::test]
async fn who_refuses_us_is_explained_and_cured() {
    let sql = "(psycopg.OperationalError) connection to server at \"10.1.2.3\" failed [SQL: SELECT secret FROM users]";
    let database_away = json!({"error_code": "TEMPORARILY_UNAVAILABLE", "message": sql}).to_string();
    let html = "text/html; charset=utf-8";
    let host = "Invalid Host header - possible DNS rebinding attack detected";
    let cases = [
        (http("403 Forbidden", "text/plain", host), "--allowed-hosts 127.0.0.1:"),
        (http("401 Unauthorized", html, "You are not authenticated. Please see secret"), "MLFLOW_TRACKING_USERNAME"),
        (http("403 Forbidden", html, "Permission denied secret"), "give it the permission READ"),
        (http("403 Forbidden", "text/plain", "Cross-origin request blocked secret"), "permission"),
        (http("503 Service Unavailable", "application/json", &database_away), "whether its database runs"),
        (
            http(
                "400 Bad Request",
                "application/json",
                json!({"error_code": "BAD_REQUEST", "message": sql}).to_string(),
            ),
            "update it to 3.17",
        ),
        (http("500 Internal Server Error", html, "<h1>secret</h1>"), "its log says why"),
        (http("502 Bad Gateway", html, "<h1>secret</h1>"), "cannot answer just now (502)"),
        (http("429 Too Many Requests", html, "secret"), "cannot answer just now (429)"),
        (http("404 Not Found", html, "<h1>Not Found</h1> secret"), "its path prefix is missing in MLFLOW_TRACKING_URI"),
        (http("405 Method Not Allowed", html, "secret"), "its path prefix is missing"),
        (
            http("302 Found\r\nlocation: https://login.example/secret", html, ""),
            "put the final address into MLFLOW_TRACKING_URI",
        ),
        (http("308 Permanent Redirect\r\nlocation: http://127.0.0.1:1/secret", html, ""), "put the final address"),
    ];
    for (bytes, cure) in cases {
        let old = cure.contains("path prefix");
        let fake = Fake::always(bytes).await;
        // An older version has no logged models and may have no registry.
        let but: &[&str] = if old { &["models", "versions"] } else { &[] };
        all_fail(&fake.client(), cure, "secret", but).await;
        let error = fake.client().probe().await.unwrap_err();
        assert!(!error.message.en.contains("SQL") && error.detail.is_some(), "{error:?}");
    }
    let fake = Fake::always(http("401 Unauthorized", html, "no")).await;
    let options = MlflowOptions { uri: fake.address.replace("//", "//me:wrong@"), ..MlflowOptions::default() };
    all_fail(&MlflowServer::new(options).unwrap(), "does not accept our user name", "wrong", &[]).await;
}

#[tokio::test]
async fn slow_answers_end_by_the_timeout() {
    let late = Fake::start(|_, _| Reply::Late(Duration::from_secs(10), ok("{}"))).await;
    let trickle =
        Fake::start(|_, _| Reply::Trickle(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{".to_vec())).await;
    for fake in [&late, &trickle] {
        let begun = Instant::now();
        let client = fake.client();
        for error in [client.probe().await.unwrap_err(), client.history(&run_id(), "a").await.unwrap_err()] {
            assert!(error.message.en.contains("does not answer within 0.7 s"), "{error:?}");
        }
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
    let begun = Instant::now();
    let file = ArtifactPath::parse("a").unwrap();
    let error = late.client().artifact(&run_id(), &file, None).await.map(|_| ()).unwrap_err();
    assert!(error.message.en.contains("within 0.7 s") && begun.elapsed() < Duration::from_secs(3), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let fake = Fake::always(ok("{}")).await;
    for (uri, cure) in [
        (format!("http://{free}"), "start MLflow, or correct MLFLOW_TRACKING_URI"),
        ("http://mlflow.invalid:5000".into(), "leads nowhere"),
        (fake.address.replace("http:", "https:"), "GF_MLFLOW_CA"),
    ] {
        let begun = Instant::now();
        all_fail(&client(&uri), cure, "", &[]).await;
        assert!(begun.elapsed() < Duration::from_secs(12), "{uri}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn only_the_own_authority_makes_a_certificate_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (key, certificate) = (path("key.pem"), path("cert.pem"));
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-new",
            "-x509",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let mut server = std::process::Command::new("openssl")
        .args([
            "s_server",
            "-quiet",
            "-www",
            "-accept",
            &format!("127.0.0.1:{port}"),
            "-key",
            &key,
            "-cert",
            &certificate,
        ])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let options = |ca: Option<&str>| MlflowOptions {
        uri: format!("https://localhost:{port}"),
        ca_file: ca.map(Into::into),
        timeouts: Timeouts { call: Duration::from_secs(5), ..timeouts() },
        ..MlflowOptions::default()
    };
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stranger = MlflowServer::new(options(None)).unwrap().probe().await.unwrap_err();
    let trusted = MlflowServer::new(options(Some(&certificate))).unwrap().probe().await.unwrap_err();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(stranger.message.en.contains("GF_MLFLOW_CA"), "{stranger:?}");
    // The page that openssl answers with: it was read, and is none of MLflow's.
    assert!(!trusted.message.en.contains("GF_MLFLOW_CA") && trusted.detail.is_some(), "{trusted:?}");
    for (file, content) in [("none.pem", None), ("text.pem", Some("no certificate"))] {
        if let Some(content) = content {
            std::fs::write(path(file), content).unwrap();
        }
        let refused = MlflowServer::new(options(Some(&path(file)))).map(|_| ()).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::BadInput, "{file}: {refused:?}");
        assert!(refused.message.en.contains(file), "{refused:?}");
    }
}

#[tokio::test]
async fn who_we_are_is_told_to_mlflow_alone() {
    let fake = Fake::always(ok("{}")).await;
    let at = fake.address.trim_start_matches("http://").to_owned();
    let some = |text: &str| Some(text.to_owned());
    let options = |uri: String| MlflowOptions { uri, timeouts: timeouts(), ..MlflowOptions::default() };
    // "me:p@ss" and "other:word" in base64.
    let cases = [
        (options(format!("http://me:p%40ss@{at}/ml/flow/?x=1#y")), "Basic bWU6cEBzcw==", "/ml/flow/api/2.0/"),
        (
            MlflowOptions {
                username: some("other"),
                password: some("word"),
                token: some("t"),
                ..options(format!("http://me:p@{at}"))
            },
            "Basic b3RoZXI6d29yZA==",
            "/api/2.0/",
        ),
        (MlflowOptions { token: some("t0ken"), ..options(format!("http://{at}/ml/")) }, "Bearer t0ken", "/ml/api/2.0/"),
        (
            MlflowOptions {
                token: some("t"),
                headers: vec![("Authorization".into(), "Own x".into()), ("X-Team".into(), "yard".into())],
                ..options(format!("http://{at}"))
            },
            "Own x",
            "/api/2.0/",
        ),
    ];
    for (options, authorization, prefix) in cases {
        let client = MlflowServer::new(options).unwrap();
        assert!(
            !client.address().contains(['@', '?', '#']) && !client.address().ends_with('/'),
            "{}",
            client.address()
        );
        let _ = runs(&client, RunSelection::Running).await;
        let request = fake.requests.lock().unwrap().last().unwrap().clone();
        assert!(request.starts_with(&format!("POST {prefix}mlflow/runs/search HTTP/1.1\r\n")), "{request}");
        assert!(request.contains(&format!("authorization: {authorization}\r\n")), "{request}");
        assert_eq!(request.matches("authorization:").count(), 1, "{request}");
        assert_eq!(request.contains("x-team: yard"), authorization == "Own x", "{request}");
    }
    for uri in ["", "mlruns", "sqlite:///mlflow.db", "file:///tmp/mlruns", "databricks", "http://", "ftp://a/"] {
        let refused = MlflowServer::new(options(uri.into())).map(|_| ()).unwrap_err();
        assert!(refused.kind == ErrorKind::BadInput && refused.message.en.contains("GF_MLRUNS"), "{uri}: {refused:?}");
    }
    for (name, value) in [("a b", "x"), ("", "x"), ("a", "x\r\nhost: evil")] {
        let headers = vec![(name.to_owned(), value.to_owned())];
        let refused =
            MlflowServer::new(MlflowOptions { headers, ..options("http://a".into()) }).map(|_| ()).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::BadInput, "{name}");
    }
}

#[tokio::test]
async fn no_name_changes_what_is_asked() {
    let fake = Fake::always(ok("{}")).await;
    let client = fake.client();
    let mut nasty: Vec<String> = [
        "..",
        "%2e%2e",
        "%252e%252e%252f",
        "#",
        "a#b?c=d&run_id=x",
        "\\",
        "/etc/passwd",
        "a\0b",
        "a\r\nHost: b",
        "‥/．．",
        "\u{202e}",
        "'; DROP",
        "a b+c",
        "\u{7f}",
    ]
    .map(str::to_owned)
    .to_vec();
    nasty.push("x".repeat(10_000));
    for i in 0..100_u8 {
        nasty.push(format!("a{}b/../{}", char::from(i), char::from(i + 28)));
    }
    let mut asked = 0;
    for name in &nasty {
        let _ = client.history(&run_id(), name).await;
        asked += 1;
        assert!(RunId::parse(name).is_err() || name.len() <= 64);
        if let Ok(path) = ArtifactPath::parse(name) {
            let _ = client.artifact(&run_id(), &path, None).await;
            let _ = client.artifacts(&run_id(), &path).await;
            asked += 2;
        }
    }
    let lines = fake.request_lines();
    assert!(nasty.len() > 100 && lines.len() == asked, "{} of {asked}", lines.len());
    let paths = ["/api/2.0/mlflow/metrics/get-history", "/get-artifact", "/api/2.0/mlflow/artifacts/list"];
    for line in lines {
        let target =
            line.strip_prefix("GET ").and_then(|l| l.strip_suffix(" HTTP/1.1")).unwrap_or_else(|| panic!("{line}"));
        let (path, query) = target.split_once('?').unwrap();
        assert!(paths.contains(&path), "{line}");
        let harmless = |b: u8| b.is_ascii_alphanumeric() || b"%&=+-_.*".contains(&b);
        assert!(query.bytes().all(harmless) && query.matches('=').count() <= 3, "{line}");
        assert!(query.starts_with(&format!("run_id={}&", run_id())) && query.matches("run_id=").count() == 1, "{line}");
    }
}

#[tokio::test]
async fn files_break_off_as_errors_and_wrong_parts_are_refused() {
    let file = ArtifactPath::parse("a").unwrap();
    let range = Some(ByteRange::From(2, Some(5)));
    let cut = Fake::always(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec()).await;
    let body = cut.client().artifact(&run_id(), &file, None).await.unwrap();
    let pieces: Vec<_> = body.bytes.collect().await;
    assert_eq!(pieces.first(), Some(&Ok(b"abc".to_vec())));
    assert!(pieces.len() == 2 && pieces[1].as_ref().is_err_and(|e| e.message.en.contains("broke off")), "{pieces:?}");
    // Whoever knows no ranges sends all of it.
    let whole = Fake::always(ok("0123456789")).await;
    let body = whole.client().artifact(&run_id(), &file, range).await.unwrap();
    assert_eq!((body.size, body.range), (Some(10), None));
    assert!(whole.requests.lock().unwrap()[0].contains("range: bytes=2-5"));
    let part = |content_range: &str| {
        format!("HTTP/1.1 206 Partial Content\r\ncontent-range: {content_range}\r\ncontent-length: 4\r\n\r\n2345")
            .into_bytes()
    };
    let right = Fake::always(part("bytes 2-5/10")).await;
    let body = right.client().artifact(&run_id(), &file, range).await.unwrap();
    assert_eq!((body.size, body.range), (Some(10), Some((2, 6))));
    for wrong in ["", "bytes 5-2/10", "bytes 2-10/10", "bytes x-y/z", "bytes 2-18446744073709551615/*", "rows 2-5/10"] {
        let fake = Fake::always(part(wrong)).await;
        let refused = fake.client().artifact(&run_id(), &file, range).await.map(|_| ()).unwrap_err();
        assert!(refused.message.en.contains("nonsense"), "{wrong}: {refused:?}");
    }
    let stuck = Fake::start(|_, _| Reply::Trickle(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n".to_vec())).await;
    let pieces: Vec<_> = stuck.client().artifact(&run_id(), &file, None).await.unwrap().bytes.collect().await;
    // Each piece came in time; the connection was theirs to end.
    assert_eq!(pieces.iter().flatten().map(Vec::len).sum::<usize>(), 40);
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_not_listed() {
    let files =
        ["ok.txt", "../up", "/etc/passwd", "a/../b", "folder/deeper.txt", "", "a\u{0}b", "back\\slash", "ok.txt"];
    let files = files.map(|path| json!({"path": path, "is_dir": false, "file_size": "5"}));
    let fake = Fake::always(ok(json!({"root_uri": "x", "files": files}).to_string())).await;
    let entries = fake.client().artifacts(&run_id(), &ArtifactPath::default()).await.unwrap();
    let found: Vec<_> = entries.iter().map(|e| (e.path.as_str(), e.size)).collect();
    assert_eq!(found, [("ok.txt", Some(5))]);
}

#[tokio::test]
async fn requests_of_many_do_not_share_a_connection_and_none_is_kept() {
    let open = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::clone(&open);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = read_request(&mut stream).await;
                let _ = stream.write_all(&ok("{}")).await;
                // Until the other end closes.
                let _ = stream.read(&mut [0; 16]).await;
                count.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    let client = client(&address);
    for _ in 0..5 {
        assert_eq!(runs(&client, RunSelection::Running).await, Ok(0));
    }
    let begun = Instant::now();
    while open.load(Ordering::SeqCst) > 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "a connection is kept");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn old_versions_are_warned_for() {
    for version in ["2.22.1", "3.16.9", "1.0", "3.1.0rc1"] {
        let warning = version_warning(version).expect(version);
        assert!(warning.en.contains(version) && warning.en.contains("3.17") && warning.ko.is_some());
    }
    for version in ["3.17.0", "3.17.2", "3.100.0", "4.0.0.dev0", "", "x", "3"] {
        assert_eq!(version_warning(version), None, "{version}");
    }
}
