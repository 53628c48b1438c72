//! Why another machine was not asked, or did not answer.

use std::{error::Error as _, io, time::Duration};

/// Why an address that somebody entered is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no address of the web")]
    NoUrl,
    #[error("user name and password do not belong into an address")]
    Credentials,
    #[error("only https is allowed")]
    NoHttps,
    #[error("only port 443 is allowed")]
    OtherPort,
    #[error("the address is inside of a network, not public")]
    Inside,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was not asked.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// Its name leads nowhere.
    #[error("unknown name: {0}")]
    UnknownName(String),
    /// Nothing listens there.
    #[error("connection refused")]
    NobodyListens,
    /// It was not reached within the time for connecting.
    #[error("no connection in time")]
    ConnectTimedOut,
    /// It did not answer, or not to the end, within this time for the call.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// Its certificate is not trusted, or it does not speak TLS.
    #[error("TLS: {0}")]
    Tls(String),
    /// The connection ended before the answer began.
    #[error("connection lost: {0}")]
    Lost(String),
    /// The answer ended before its end.
    #[error("cut off: {0}")]
    CutOff(String),
    /// The answer is longer than this many bytes.
    #[error("more than {0} bytes")]
    TooLarge(usize),
    #[error("{0}")]
    Other(String),
}

/// The causes of an error, outermost first.
fn causes(e: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    fn next<'a>(e: &&'a (dyn std::error::Error + 'static)) -> Option<&'a (dyn std::error::Error + 'static)> {
        let e: &'a (dyn std::error::Error + 'static) = *e;
        e.source()
    }
    std::iter::successors(e.source(), next)
}

/// Looks among the causes, also at what an `io::Error` wraps, which it does not name as its source.
fn find<T: std::error::Error + 'static>(e: &reqwest::Error) -> Option<&T> {
    causes(e).find_map(unwrapped)
}

fn unwrapped<'a, T: std::error::Error + 'static>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a T> {
    cause.downcast_ref::<T>().or_else(|| unwrapped(cause.downcast_ref::<io::Error>()?.get_ref()?))
}

impl From<reqwest::Error> for Failure {
    fn from(e: reqwest::Error) -> Self {
        // The address may hold what nobody else may read.
        let e = e.without_url();
        let text =
            std::iter::once(e.to_string()).chain(causes(&e).map(ToString::to_string)).collect::<Vec<_>>().join(": ");
        if let Some(refusal) = find::<Refusal>(&e) {
            return Self::Refused(*refusal);
        }
        // Only connecting has a time of its own in the client; that for the whole call is kept in `ask`.
        if e.is_timeout() && e.is_connect() {
            return Self::ConnectTimedOut;
        }
        if find::<rustls::Error>(&e).is_some() {
            return Self::Tls(text);
        }
        if e.is_dns() {
            return Self::UnknownName(text);
        }
        if e.is_connect() {
            let refused = find::<io::Error>(&e).is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
            return if refused { Self::NobodyListens } else { Self::Other(text) };
        }
        if e.is_body() || e.is_decode() {
            return Self::CutOff(text);
        }
        if e.is_request() { Self::Lost(text) } else { Self::Other(text) }
    }
}
