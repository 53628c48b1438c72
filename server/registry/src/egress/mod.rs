//! The one way out: every request to another machine is made by a client that is built here. It follows no redirects, asks no proxy,
//! keeps no connection, and reads no more than it is told to.
//!
//! There are two kinds of receivers. *Configured* ones, such as MLflow, come from whoever runs the program, and may be anywhere.
//! *Entered* ones, such as webhooks, come from people who use it: they must be public, by HTTPS on port 443, unless the operator
//! opened them one by one ([`AllowedReceivers`]).

mod addresses;
mod allowed;
mod failure;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/egress/sentences.rs"));
}

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    Client, ClientBuilder, Method, RequestBuilder, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::HeaderMap,
    redirect::Policy,
};
use url::{Host, Url};

pub use self::{
    addresses::is_public,
    allowed::AllowedReceivers,
    failure::{Failure, Refusal},
};

/// What a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first packet to the last byte of the answer.
    pub total: Duration,
    /// The largest answer, in bytes.
    pub body: usize,
}

/// For entered receivers, whose answers nobody reads.
pub const ENTERED_LIMITS: Limits = Limits { total: Duration::from_secs(10), body: 64 * 1024 };
/// How long connecting to an entered receiver may take, with the look-up of its name.
const ENTERED_CONNECT: Duration = Duration::from_secs(5);

/// An answer that was read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Makes rustls use ring, in this process. Any client of reqwest needs it first; asking again does nothing.
pub fn use_ring() {
    // An error says that there is a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// What every client of the product has in common.
fn builder(connect: Duration) -> ClientBuilder {
    use_ring();
    Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(connect)
        // MLflow's web server adds 42 ms to answers on a connection that is used again (Kludex/uvicorn#3149).
        .pool_max_idle_per_host(0)
        .user_agent(concat!("guardianflow/", env!("CARGO_PKG_VERSION")))
}

/// A client for receivers that the operator configured.
#[derive(Debug, Clone)]
pub struct ConfiguredEgress(Client);

impl ConfiguredEgress {
    /// `authorities` are certificates in PEM, trusted beside those of the machine.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn new(connect: Duration, authorities: Option<&[u8]>) -> Result<Self, Failure> {
        let mut builder = builder(connect);
        if let Some(pem) = authorities {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)?;
            if certificates.is_empty() {
                return Err(Failure::Other("no certificate".into()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Self(builder.build()?))
    }

    /// A request to be finished by the caller, and sent by [`ask`].
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.0.request(method, url)
    }
}

/// A client for receivers that users entered.
#[derive(Debug, Clone)]
pub struct EnteredEgress {
    /// For those that the operator opened.
    open: Client,
    /// For all others: names lead to public addresses only.
    guarded: Client,
    allowed: AllowedReceivers,
}

impl EnteredEgress {
    /// # Errors
    /// When no client can be built.
    pub fn new(allowed: AllowedReceivers) -> Result<Self, Failure> {
        Self::resolving_by(allowed, Arc::new(PublicNames))
    }

    fn resolving_by(allowed: AllowedReceivers, names: Arc<dyn Resolve>) -> Result<Self, Failure> {
        let open = builder(ENTERED_CONNECT).build()?;
        let guarded = builder(ENTERED_CONNECT).https_only(true).dns_resolver(names).build()?;
        Ok(Self { open, guarded, allowed })
    }

    /// Reads an address that somebody entered, and looks whether it could be asked at all. What its name leads to is looked at each
    /// time when it is asked.
    ///
    /// # Errors
    /// `Failure::Refused`, with the reason.
    pub fn check(&self, text: &str) -> Result<Url, Failure> {
        let url = Url::parse(text).map_err(|_| Refusal::NoUrl)?;
        let host = url.host().ok_or(Refusal::NoUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials.into());
        }
        if self.allowed.contains(&url) {
            return Ok(url);
        }
        if url.scheme() != "https" {
            return Err(Refusal::NoHttps.into());
        }
        if url.port_or_known_default() != Some(443) {
            return Err(Refusal::OtherPort.into());
        }
        let inside = match host {
            Host::Ipv4(ip) => !is_public(ip.into()),
            Host::Ipv6(ip) => !is_public(ip.into()),
            // Never another machine (RFC 6761), whatever the name server says.
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                name == "localhost" || name.ends_with(".localhost")
            }
        };
        if inside { Err(Refusal::Inside.into()) } else { Ok(url) }
    }

    /// Sends `body`, and reads the answer for its status alone.
    ///
    /// # Errors
    /// As [`Failure`] says.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: impl Into<Bytes>) -> Result<StatusCode, Failure> {
        let url = self.check(url)?;
        let client = if self.allowed.contains(&url) { &self.open } else { &self.guarded };
        let request = client.post(url).headers(headers).body(body.into());
        Ok(ask(request, ENTERED_LIMITS).await?.status)
    }
}

/// Looks names up, and takes an answer only when all its addresses are public.
#[derive(Debug)]
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is that of the URL; reqwest fills it in.
            let addresses: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            public_only(addresses)
        })
    }
}

fn public_only(addresses: Vec<std::net::SocketAddr>) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    if addresses.is_empty() || addresses.iter().any(|a| !is_public(a.ip())) {
        return Err(Box::new(Refusal::Inside));
    }
    Ok(Box::new(addresses.into_iter()))
}

/// Sends a request and reads its answer whole.
///
/// # Errors
/// As [`Failure`] says.
pub async fn ask(request: RequestBuilder, limits: Limits) -> Result<Answer, Failure> {
    let answer = tokio::time::timeout(limits.total, async {
        let mut response = request.send().await?;
        let body = read_up_to(&mut response, limits.body).await?;
        Ok(Answer { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
    });
    answer.await.map_err(|_| Failure::TimedOut(limits.total))?
}

/// Reads the rest of an answer, unless it is longer than `most` bytes.
///
/// # Errors
/// `Failure::TooLarge`, or as [`Failure`] says.
pub async fn read_up_to(response: &mut Response, most: usize) -> Result<Bytes, Failure> {
    let announced = response.content_length().unwrap_or_default();
    if announced > most as u64 {
        return Err(Failure::TooLarge(most));
    }
    let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or_default());
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > most {
            return Err(Failure::TooLarge(most));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.into())
}

#[cfg(test)]
mod tests;
