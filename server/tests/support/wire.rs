//! HTTP by hand, for requests that a proper client refuses to send.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An answer as it came over the wire; a chunked body is left in its chunks.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub heads: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.heads.iter().filter(|h| h.0.eq_ignore_ascii_case(name)).map(|h| h.1.as_str()).collect()
    }
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let heads = lines.filter_map(|l| l.split_once(':')).map(|(k, v)| (k.to_owned(), v.trim().to_owned())).collect();
        Some(Self { status, heads, body: String::from_utf8_lossy(&bytes[end + 4..]).into_owned() })
    }
}

/// Sends these bytes on a connection of their own and reads until the other side closes.
///
/// # Errors
/// Says what happened when there was no answer.
pub async fn send(port: u16, bytes: &[u8]) -> Result<Answer, String> {
    let mut got = Vec::new();
    let talk = async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let (mut read, mut write) = stream.into_split();
        let bytes = bytes.to_vec();
        // Who is refused early may not read the rest: that is no failure.
        let writing = tokio::spawn(async move { write.write_all(&bytes).await.map(|()| write) });
        let mut part = vec![0; 1 << 16];
        let result = loop {
            match read.read(&mut part).await {
                Ok(0) => break Ok(()),
                Ok(n) => got.extend_from_slice(&part[..n]),
                Err(e) => break Err(e),
            }
            // A stream of events has no end: its head and what came with it are enough.
            if Answer::parse(&got).is_some_and(|a| a.all("content-type").contains(&"text/event-stream")) {
                break Ok(());
            }
        };
        writing.abort();
        result
    };
    let ended = tokio::time::timeout(Duration::from_secs(60), talk).await;
    Answer::parse(&got).ok_or_else(|| format!("no answer: {ended:?}, {} bytes", got.len()))
}

/// A request of this method and target with these headers; names the server's own host unless they name another.
pub fn request(port: u16, method: &str, target: &str, heads: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
    if !heads.iter().any(|h| h.0.eq_ignore_ascii_case("host")) {
        out.push_str(&format!("Host: 127.0.0.1:{port}\r\n"));
    }
    for (name, value) in heads {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        out.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    out.push_str("\r\n");
    [out.as_bytes(), body].concat()
}
