//! A server that answers as MLflow must not, or not at all.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{
    error::{Error, ErrorKind},
    ports::{RunSelection, TrackingStore},
    tracking::{ArtifactPath, ExperimentId, RunId},
};
use futures::StreamExt;
use registry::mlflow::{MlflowOptions, MlflowServer, Timeouts};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What happens to a request.
pub enum Reply {
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
pub struct Fake {
    pub address: String,
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    pub async fn start(reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
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
    pub async fn always(reply: impl Into<Vec<u8>>) -> Self {
        let reply = reply.into();
        Self::start(move |_, _| Reply::Bytes(reply.clone())).await
    }

    pub fn client(&self) -> MlflowServer {
        client(&self.address)
    }

    pub fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub fn request_lines(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|r| r.lines().next().unwrap_or_default().to_owned()).collect()
    }
}

pub async fn read_request(stream: &mut TcpStream) -> String {
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

pub fn http(status: &str, kind: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    http("200 OK", "application/json", body)
}

pub fn timeouts() -> Timeouts {
    let ms = Duration::from_millis;
    Timeouts { connect: ms(500), call: ms(700), file: ms(700), piece: ms(500) }
}

pub fn client(uri: &str) -> MlflowServer {
    MlflowServer::new(MlflowOptions { uri: uri.into(), timeouts: timeouts(), ..MlflowOptions::default() }).unwrap()
}

pub fn run_id() -> RunId {
    RunId::parse("0123456789abcdef0123456789abcdef").unwrap()
}

pub fn experiment() -> ExperimentId {
    ExperimentId::parse("7").unwrap()
}

pub async fn runs(client: &MlflowServer, which: RunSelection) -> Result<usize, Error> {
    client.runs(&[experiment()], &which, 1000, None).await.map(|page| page.runs.len())
}

/// Asks everything there is; how many things came, or why none.
pub async fn everything(client: &MlflowServer) -> Vec<(&'static str, Result<usize, Error>)> {
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
pub async fn all_fail(client: &MlflowServer, cure: &str, secret: &str, but: &[&str]) {
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
