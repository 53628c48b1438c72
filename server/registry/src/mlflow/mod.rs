//! The client of an MLflow tracking server. What MLflow answers was written by others, and is believed only where it has the shape
//! that MLflow gives it: `{}` proves nothing, lists may be missing, a page may come twice, and an error may be a page of HTML.

mod artifacts;
mod explain;
mod models;
mod store;
mod wire;
mod wire_models;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use domain::error::{Error, Result, Sentence};
use reqwest::{
    Method, RequestBuilder,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde::Serialize;
use url::Url;

use crate::egress::{self, Answer, ConfiguredEgress, Failure, Limits};

pub(crate) use self::wire_models::assemble;

mod sentences {
    include!(concat!(env!("OUT_DIR"), "/mlflow/sentences.rs"));
}

/// The largest answer, in bytes. A list that is larger is asked for in smaller pages.
const MAX_BODY: usize = 32 << 20;
/// Older versions have holes that were closed since.
const OLDEST: (u32, u32) = (3, 17);

/// How long MLflow may let us wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, with the look-up of the name and TLS.
    pub connect: Duration,
    /// For a whole answer.
    pub call: Duration,
    /// Until a file begins to come: MLflow may have to fetch it first.
    pub file: Duration,
    /// For the next piece of a file.
    pub piece: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(1), call: seconds(10), file: seconds(30), piece: seconds(10) }
    }
}

/// Where MLflow is, and how it is asked.
#[derive(Clone, Default)]
pub struct MlflowOptions {
    /// `http` or `https`, with the path prefix below which MLflow is, if any. A user name and a password in it count where there
    /// are no others, and are never shown.
    pub uri: String,
    pub username: Option<String>,
    pub password: Option<String>,
    /// Counts where there is no user name.
    pub token: Option<String>,
    /// Sent with each request; they count before ours.
    pub headers: Vec<(String, String)>,
    /// Certificates in PEM, trusted beside those of the machine.
    pub ca_file: Option<PathBuf>,
    pub timeouts: Timeouts,
}

/// Who we are to MLflow.
enum Credentials {
    Nobody,
    User(String, String),
    Token(String),
}

/// An MLflow tracking server.
pub struct MlflowServer {
    egress: ConfiguredEgress,
    /// Without user name, password, query and fragment.
    base: Url,
    /// The same as text, without a slash at its end.
    address: String,
    credentials: Credentials,
    headers: HeaderMap,
    timeouts: Timeouts,
    /// How many runs a page may have, as far as that had to be lowered.
    most_runs: AtomicUsize,
}

impl MlflowServer {
    /// Reads the file of certificates, and connects to nobody.
    ///
    /// # Errors
    /// `BadInput` when the address, a header or the file of certificates cannot be used.
    pub fn new(options: MlflowOptions) -> Result<Self> {
        let given =
            Url::parse(options.uri.trim()).map_err(|e| Error::bad_input(sentences::bad_uri()).with_detail(e))?;
        if !matches!(given.scheme(), "http" | "https") || !given.has_host() {
            return Err(Error::bad_input(sentences::bad_uri()));
        }
        let headers = headers(&options.headers)?;
        let credentials = Credentials::of(&options, &given);
        let mut base = given;
        // They cannot fail for an address that has a host.
        let _ = base.set_username("");
        let _ = base.set_password(None);
        base.set_query(None);
        base.set_fragment(None);
        let address = base.as_str().trim_end_matches('/').to_owned();
        let authorities = options.ca_file.as_ref().map(|path| certificates(path)).transpose()?;
        let egress = ConfiguredEgress::new(options.timeouts.connect, authorities.as_deref()).map_err(|e| {
            let path = options.ca_file.unwrap_or_default();
            Error::bad_input(sentences::bad_certificates(path.display())).with_detail(e)
        })?;
        let (timeouts, most_runs) = (options.timeouts, AtomicUsize::new(usize::MAX));
        Ok(Self { egress, base, address, credentials, headers, timeouts, most_runs })
    }

    /// `path` below the address of MLflow. Ids and names belong into `query` or a body: there nothing can be read as a path.
    fn url(&self, path: &'static str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn get(&self, path: &'static str, query: &[(&str, &str)]) -> RequestBuilder {
        self.request(Method::GET, self.url(path, query))
    }

    /// MLflow's searches are asked by POST; they change nothing.
    fn post(&self, path: &'static str, body: &impl Serialize) -> RequestBuilder {
        self.request(Method::POST, self.url(path, &[])).json(body)
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.egress.request(method, url);
        let request = match &self.credentials {
            Credentials::Nobody => request,
            Credentials::User(name, password) => request.basic_auth(name, Some(password)),
            Credentials::Token(token) => request.bearer_auth(token),
        };
        // They replace what stands there.
        request.headers(self.headers.clone())
    }

    /// Sends a question. It changes nothing, so one whose connection was lost is sent a second time. Nothing else is repeated: whoever copies
    /// knows when to ask again.
    async fn send(&self, request: RequestBuilder) -> std::result::Result<Answer, Failure> {
        self.send_within(request, Limits { total: self.timeouts.call, body: MAX_BODY }).await
    }

    async fn send_within(&self, request: RequestBuilder, limits: Limits) -> std::result::Result<Answer, Failure> {
        let second = request.try_clone();
        match (egress::ask(request, limits).await, second) {
            (Err(Failure::Lost(_)), Some(second)) => egress::ask(second, limits).await,
            (outcome, _) => outcome,
        }
    }

    /// The number of runs to ask for, of `most` wanted ones.
    fn page_size(&self, most: usize) -> usize {
        most.clamp(1, 50_000).min(self.most_runs.load(Ordering::Relaxed))
    }
}

/// What MLflow is warned for because of its version; `None` for one that is new enough or says nothing that we understand.
#[must_use]
pub fn version_warning(version: &str) -> Option<Sentence> {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return None };
    ((major, minor) < OLDEST).then(|| sentences::old_version(version))
}

impl Credentials {
    fn of(options: &MlflowOptions, given: &Url) -> Self {
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let set = |value: &Option<String>| value.clone().filter(|v| !v.is_empty());
        let user = set(&options.username).map(|name| (name, options.password.clone().unwrap_or_default()));
        let in_uri = Some((decoded(given.username()), given.password().map(decoded).unwrap_or_default()));
        match (user, set(&options.token), in_uri.filter(|(name, _)| !name.is_empty())) {
            (Some((name, password)), ..) | (None, None, Some((name, password))) => Self::User(name, password),
            (None, Some(token), _) => Self::Token(token),
            (None, None, None) => Self::Nobody,
        }
    }
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let refused = || Error::bad_input(sentences::bad_header(domain::scope::clip_text(name)));
        let key = HeaderName::try_from(name.as_str()).map_err(|_| refused())?;
        let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| refused())?;
        // It may be a secret: it is not printed where headers are.
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

#[expect(clippy::disallowed_methods, reason = "a small file, read once before anybody is served")]
fn certificates(path: &std::path::Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| {
        Error::bad_input(sentences::no_certificates(path.display(), &Sentence::from_io(&e))).with_detail(e)
    })
}
