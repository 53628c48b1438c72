//! A proxy in front of a real MLflow, which does to one request what networks and people do.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use futures::future::BoxFuture;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use crate::fake_mlflow::{http, read_request};

pub type Hook = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// What happens to the next request that moves the champion.
pub enum Act {
    /// MLflow does it, and nobody hears so.
    Swallow,
    /// It is answered so, and MLflow never hears of it.
    Answer(&'static str),
    /// Something else happens first.
    First(Hook),
    /// Something else happens before the answer.
    Then(Hook),
}

#[derive(Clone)]
pub struct Proxy {
    pub address: String,
    upstream: String,
    client: reqwest::Client,
    next: Arc<Mutex<Option<Act>>>,
    /// How often the champion was to be moved.
    pub moves: Arc<AtomicUsize>,
}

impl Proxy {
    pub async fn before(upstream: &str) -> Self {
        registry::egress::use_ring();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            upstream: upstream.to_owned(),
            client: reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap(),
            next: Arc::default(),
            moves: Arc::default(),
        };
        let own = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(own.clone().handle(stream));
            }
        });
        proxy
    }

    pub fn next(&self, act: Act) {
        *self.next.lock().unwrap() = Some(act);
    }

    async fn handle(self, mut stream: TcpStream) {
        let request = read_request(&mut stream).await;
        let moves =
            request.starts_with("POST /api/2.0/mlflow/registered-models/alias") && request.contains("\"champion\"");
        let act = if moves {
            self.moves.fetch_add(1, Ordering::SeqCst);
            self.next.lock().unwrap().take()
        } else {
            None
        };
        let answer = match act {
            None => self.forward(&request).await,
            Some(Act::Answer(status)) => http(status, "text/plain", "no"),
            Some(Act::Swallow) => {
                self.forward(&request).await;
                // Longer than anybody waits.
                tokio::time::sleep(std::time::Duration::from_secs(8)).await;
                return;
            }
            Some(Act::First(hook)) => {
                hook().await;
                self.forward(&request).await
            }
            Some(Act::Then(hook)) => {
                let answer = self.forward(&request).await;
                hook().await;
                answer
            }
        };
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
    }

    async fn forward(&self, request: &str) -> Vec<u8> {
        let mut words = request.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let Ok(method) = reqwest::Method::from_bytes(method.as_bytes()) else { return vec![] };
        let body = request.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        let forwarded = self.client.request(method, format!("{}{path}", self.upstream));
        let forwarded =
            if body.is_empty() { forwarded } else { forwarded.header("content-type", "application/json").body(body) };
        let Ok(answer) = forwarded.send().await else { return vec![] };
        let status = answer.status();
        let status = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("-"));
        let kind =
            answer.headers().get("content-type").and_then(|k| k.to_str().ok()).unwrap_or("text/plain").to_owned();
        http(&status, &kind, answer.bytes().await.unwrap_or_default())
    }
}
