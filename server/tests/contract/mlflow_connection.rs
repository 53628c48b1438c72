//! How the client of MLflow connects, says who it is and asks: nothing that others named or answer changes that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{
    error::ErrorKind,
    ports::{RunSelection, TrackingStore},
    tracking::{ArtifactPath, ByteRange, RunId},
};
use futures::StreamExt;
use registry::mlflow::{MlflowOptions, MlflowServer, Timeouts};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::fake_mlflow::{Fake, Reply, all_fail, client, ok, read_request, run_id, runs, timeouts};

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
            // The file, then a list that is empty, and the one around it; MLflow finds no folder with a control character in its name.
            asked += if name.chars().any(char::is_control) { 1 } else { 3 };
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
        let rest = query.strip_prefix(&format!("run_id={}", run_id())).unwrap_or_else(|| panic!("{line}"));
        assert!((rest.is_empty() || rest.starts_with('&')) && !rest.contains("run_id="), "{line}");
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
    // A backslash is a character of a name where MLflow keeps files.
    assert_eq!(found, [("back\\slash", Some(5)), ("ok.txt", Some(5))]);
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
