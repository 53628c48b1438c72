//! Where experiments and runs are read from: an MLflow server, or what MLflow wrote to a disk.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::{Error, Result};
use url::Url;

use super::{secret::Secret, sentences, subsystem::Subsystem};

#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
pub struct Tracking {
    /// MLflow server whose experiments and runs are shown, as https://mlflow.example.com/prefix
    #[arg(long, env = "MLFLOW_TRACKING_URI", hide_env_values = true, value_name = "URL", global = true)]
    mlflow_tracking_uri: Option<Secret>,
    /// User at that server, where it asks for one
    #[arg(long, env = "MLFLOW_TRACKING_USERNAME", value_name = "NAME", global = true)]
    mlflow_tracking_username: Option<String>,
    /// Password of that user
    #[arg(long, env = "MLFLOW_TRACKING_PASSWORD", hide_env_values = true, value_name = "PASSWORD", global = true)]
    mlflow_tracking_password: Option<Secret>,
    /// Bearer token for that server, where no user is set
    #[arg(long, env = "MLFLOW_TRACKING_TOKEN", hide_env_values = true, value_name = "TOKEN", global = true)]
    mlflow_tracking_token: Option<Secret>,
    /// Further headers for that server, as `Name: value`, in lines or separated by semicolons
    #[arg(long, env = "GF_MLFLOW_HEADERS", hide_env_values = true, value_name = "HEADERS", global = true)]
    mlflow_headers: Option<Secret>,
    /// Certificates in PEM of an authority that signed that server's, trusted beside those of the machine
    #[arg(long, env = "GF_MLFLOW_CA_FILE", value_name = "FILE", global = true)]
    mlflow_ca_file: Option<PathBuf>,
    /// Address of that server for links in pages, where browsers reach it by another one
    #[arg(long, env = "GF_MLFLOW_PUBLIC_URL", value_name = "URL", global = true)]
    mlflow_public_url: Option<String>,
    /// Instead of a server: folder mlruns, or database file mlflow.db, as MLflow writes it; only read
    #[arg(long, env = "GF_MLRUNS", value_name = "PATH", global = true)]
    mlruns: Option<PathBuf>,
    /// Receivers of webhooks allowed although their address is private, as host:port, separated by commas
    #[arg(long, env = "GF_EGRESS_ALLOW", value_delimiter = ',', value_name = "HOST:PORT", global = true)]
    egress_allow: Vec<String>,
}

/// An MLflow server and how to ask it.
#[derive(Debug, Clone)]
pub struct Server {
    /// As it was given; there may be a password in it.
    pub uri: Secret,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub token: Option<Secret>,
    pub headers: Headers,
    pub ca_file: Option<PathBuf>,
}

/// Names and values of headers; values are never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Where experiments and runs are read from.
#[derive(Debug, Clone)]
pub enum TrackingSource {
    Server(Server),
    /// A folder or a database file.
    Local(PathBuf),
}

impl Subsystem for Tracking {
    /// Of the server its address without what may be a password.
    fn shown(&self, _: &Path, id: &str) -> Option<String> {
        if id != "mlflow_tracking_uri" {
            return None;
        }
        let given = self.mlflow_tracking_uri.as_ref().map(Secret::expose).filter(|uri| !uri.is_empty());
        Some(given.map_or_else(String::new, |uri| match server_url(uri) {
            Ok(url) => without_secrets(url),
            Err(_) => "set, and no address of an MLflow server".to_owned(),
        }))
    }

    fn check(&self, _: &Path) -> Result<()> {
        self.source()?;
        self.public_url()?;
        self.egress_allow().map(drop)
    }
}

impl Tracking {
    /// What is set; `None` where nothing is.
    ///
    /// # Errors
    /// `BadInput` where both are set, or one cannot be used; the sentence repeats nothing that may be secret.
    pub fn source(&self) -> Result<Option<TrackingSource>> {
        let uri = self.mlflow_tracking_uri.as_ref().filter(|uri| !uri.expose().is_empty());
        let local = self.mlruns.as_ref().filter(|path| !path.as_os_str().is_empty());
        match (uri, local) {
            (Some(_), Some(_)) => Err(Error::bad_input(sentences::two_sources())),
            (None, None) => Ok(None),
            (None, Some(path)) => Ok(Some(TrackingSource::Local(path.clone()))),
            (Some(uri), None) => {
                server_url(uri.expose())?;
                let set = |secret: &Option<Secret>| secret.clone().filter(|s| !s.expose().is_empty());
                Ok(Some(TrackingSource::Server(Server {
                    uri: uri.clone(),
                    username: self.mlflow_tracking_username.clone().filter(|name| !name.is_empty()),
                    password: set(&self.mlflow_tracking_password),
                    token: set(&self.mlflow_tracking_token),
                    headers: self.headers()?,
                    ca_file: self.mlflow_ca_file.clone().filter(|path| !path.as_os_str().is_empty()),
                })))
            }
        }
    }

    /// The address of MLflow for links in pages, without a slash at its end: the one that is set for that, or else that of the server.
    ///
    /// # Errors
    /// `BadInput` where it is none.
    pub fn public_url(&self) -> Result<Option<String>> {
        let given = self.mlflow_public_url.as_deref().filter(|url| !url.is_empty());
        let url = match (given, &self.mlflow_tracking_uri) {
            (Some(url), _) => web_url(url).ok_or_else(|| Error::bad_input(sentences::bad_public_url()))?,
            (None, Some(uri)) if !uri.expose().is_empty() => server_url(uri.expose())?,
            (None, _) => return Ok(None),
        };
        Ok(Some(without_secrets(url)))
    }

    /// Receivers that are allowed although their address is private.
    ///
    /// # Errors
    /// `BadInput`, naming the one that is none.
    pub fn egress_allow(&self) -> Result<Vec<(String, u16)>> {
        let given = self.egress_allow.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
        given
            .map(|text| {
                let (host, port) = text.rsplit_once(':').unwrap_or_default();
                let port = port.parse::<u16>().ok().filter(|port| *port > 0);
                // The parser lets signs pass that no host has.
                let plain = host.chars().all(|c| c.is_alphanumeric() || ".-:[]_".contains(c));
                let host = url::Host::parse(host).ok().filter(|_| plain).map(|host| host.to_string());
                host.zip(port).ok_or_else(|| Error::bad_input(sentences::bad_receiver(text)))
            })
            .collect()
    }

    /// `Name: value`, a line each; without lines, separated by semicolons.
    fn headers(&self) -> Result<Headers> {
        let text = self.mlflow_headers.as_ref().map_or("", Secret::expose).trim();
        let separator = if text.contains('\n') { '\n' } else { ';' };
        let given = text.split(separator).map(str::trim).filter(|t| !t.is_empty()).zip(1..);
        let header = |(text, n): (&str, usize)| {
            let (name, value) = text.split_once(':').map(|(name, value)| (name.trim(), value.trim()))?;
            let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            let fine = !name.is_empty() && name.chars().all(token) && !value.chars().any(char::is_control);
            fine.then(|| (name.to_owned(), value.to_owned())).map(|header| (header, n))
        };
        let read =
            |at: (&str, usize)| header(at).map(|h| h.0).ok_or_else(|| Error::bad_input(sentences::bad_header(at.1)));
        given.map(read).collect::<Result<_>>().map(Headers)
    }
}

fn web_url(text: &str) -> Option<Url> {
    Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The address of a server; what MLflow also takes under this name is told where it belongs.
fn server_url(text: &str) -> Result<Url> {
    web_url(text).ok_or_else(|| {
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        // C:\mlruns has no scheme of an address either.
        let local = scheme.len() < 2 || scheme == "file" || scheme.starts_with("sqlite");
        Error::bad_input(if local { sentences::local_tracking_uri() } else { sentences::bad_tracking_uri() })
    })
}

fn without_secrets(mut url: Url) -> String {
    // They cannot fail for an address that has a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_uri(uri: &str) -> Tracking {
        Tracking { mlflow_tracking_uri: Some(Secret::of(uri)), ..Tracking::default() }
    }

    fn refused<T: std::fmt::Debug>(result: Result<T>) -> String {
        let error = result.expect_err("refused");
        assert!(error.message.ko.is_some(), "{error:?}");
        format!("{error:?} {:?}", error.detail)
    }

    #[test]
    fn a_server_or_a_folder_and_not_both() {
        assert!(matches!(Tracking::default().source(), Ok(None)));
        assert!(matches!(with_uri("").source(), Ok(None)), "an empty variable names nothing");
        assert!(matches!(with_uri("http://mlflow:5000/prefix").source(), Ok(Some(TrackingSource::Server(_)))));
        let local = Tracking { mlruns: Some("mlruns".into()), ..Tracking::default() };
        assert!(matches!(local.source(), Ok(Some(TrackingSource::Local(_)))));
        let both = Tracking { mlruns: local.mlruns, ..with_uri("http://mlflow:5000") };
        assert!(refused(both.source()).contains("GF_MLRUNS"));
    }

    #[test]
    fn what_is_no_server_is_told_where_it_belongs() {
        for local in ["mlruns", "./mlruns", "/srv/mlruns", "file:///srv/mlruns", "sqlite:///mlflow.db", "C:\\mlruns"] {
            assert!(refused(with_uri(local).source()).contains("GF_MLRUNS"), "{local}");
        }
        for other in ["databricks://x", "postgresql://me:s3cret@db/mlflow", "http://"] {
            let told = refused(with_uri(other).source());
            assert!(told.contains("MLFLOW_TRACKING_URI") && !told.contains("s3cret"), "{told}");
        }
    }

    #[test]
    fn the_address_is_shown_without_what_may_be_secret() {
        let tracking = with_uri("https://me:s3cret@mlflow.example.com/a/?token=s3cret");
        assert_eq!(
            tracking.shown(Path::new(""), "mlflow_tracking_uri").as_deref(),
            Some("https://mlflow.example.com/a")
        );
        assert_eq!(tracking.public_url(), Ok(Some("https://mlflow.example.com/a".to_owned())));
        let shown = with_uri("s3cret").shown(Path::new(""), "mlflow_tracking_uri");
        assert!(shown.is_some_and(|text| !text.contains("s3cret")));
        let public = Tracking { mlflow_public_url: Some("https://ml.example.com/".into()), ..tracking };
        assert_eq!(public.public_url(), Ok(Some("https://ml.example.com".to_owned())));
        let bad = Tracking { mlflow_public_url: Some("javascript:alert(1)".into()), ..Tracking::default() };
        assert!(refused(bad.check(Path::new(""))).contains("GF_MLFLOW_PUBLIC_URL"));
    }

    #[test]
    fn headers_stand_in_lines_or_between_semicolons_and_are_not_printed() {
        let with = |text: &str| Tracking { mlflow_headers: Some(Secret::of(text)), ..with_uri("http://m") };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        for (text, expected) in [
            ("", vec![]),
            ("X-Team: s3cret", vec![pair("X-Team", "s3cret")]),
            ("a: 1; b: 2;", vec![pair("a", "1"), pair("b", "2")]),
            ("cookie: x=1; y=2\nb: c:d\n", vec![pair("cookie", "x=1; y=2"), pair("b", "c:d")]),
        ] {
            let headers = with(text).headers().expect("headers");
            assert!(headers.0 == expected, "{text}");
            assert!(!format!("{headers:?}").contains("s3cret"));
        }
        for bad in ["s3cret", "a b: s3cret", ": s3cret", "a: 1; s3cret"] {
            let told = refused(with(bad).source());
            assert!(told.contains("GF_MLFLOW_HEADERS") && !told.contains("s3cret"), "{told}");
        }
    }

    #[test]
    fn receivers_have_a_host_and_a_port() {
        let of = |text: &str| Tracking { egress_allow: vec![text.into()], ..Tracking::default() }.egress_allow();
        assert_eq!(of(" hooks.example.com:8443 "), Ok(vec![("hooks.example.com".to_owned(), 8443)]));
        assert_eq!(of("[::1]:80"), Ok(vec![("[::1]".to_owned(), 80)]));
        assert_eq!(of(""), Ok(vec![]));
        for bad in ["hooks.example.com", "a:0", "a:b", ":80", "https://a:80/", "*:80"] {
            assert!(refused(of(bad)).contains(bad), "{bad}");
        }
    }
}
