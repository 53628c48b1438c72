//! Settings: flags and environment variables of the same names, shown with their origin by `guardianflow config`.
//!
//! | flag | variable | default | meaning |
//! |---|---|---|---|
//! | `--data` | `GF_DATA` | `data` | folder of the lake and everything else that is kept |
//! | `--addr` | `GF_ADDR` | `127.0.0.1:3000` | address to serve on |
//! | `--ingest-dir` | `GF_INGEST_DIR` | | folder whose files are taken as they grow |
//! | `--places` | `GF_PLACES` | `places.yaml` in the data folder | names of places, and what is expected of them |
//! | `--metrics` | `GF_METRICS` | `metrics.yaml` in the data folder | how metrics are called and read |
//! | `--demo` | `GF_DEMO` | `0` | `1` fills an empty data folder with the simulated fleet and lets it grow |
//! | `--hosts` | `GF_HOSTS` | | host names allowed besides localhost and loopback, separated by commas; without a token everybody reads and nobody acts |
//! | `--operator-token` | `GF_OPERATOR_TOKEN` | | at least 32 bytes; with it everybody signs in, on this machine too; needed to serve on other than loopback addresses |
//! | `--metric-names` | `GF_METRIC_NAMES` | `1000` | metrics outside of the catalogue that get tiles, tables and charts, first come, first served |
//! | `--log` | `GF_LOG` | `info` | what to log: `error`, `warn`, `info`, `debug`, or a filter such as `server=debug` |

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{ArgMatches, Args, parser::ValueSource};
use domain::{Error, Result};

/// The shortest operator token, in bytes.
pub const TOKEN_BYTES: usize = 32;

#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Folder of the lake and everything else that is kept
    #[arg(long, env = "GF_DATA", default_value = "data", value_name = "FOLDER", global = true)]
    pub data: PathBuf,
    /// Address to serve on
    #[arg(long, env = "GF_ADDR", default_value = "127.0.0.1:3000", value_name = "IP:PORT", global = true)]
    pub addr: SocketAddr,
    /// Folder whose files are taken as they grow: .jsonl and .ndjson line by line, packed and Parquet files once complete
    #[arg(long, env = "GF_INGEST_DIR", value_name = "FOLDER", global = true)]
    pub ingest_dir: Option<PathBuf>,
    /// Names of places, and what is expected of them [default: places.yaml in the data folder]
    #[arg(long, env = "GF_PLACES", value_name = "FILE", global = true)]
    pub places: Option<PathBuf>,
    /// How metrics are called and read [default: metrics.yaml in the data folder]
    #[arg(long, env = "GF_METRICS", value_name = "FILE", global = true)]
    pub metrics: Option<PathBuf>,
    /// 1 fills an empty data folder with the simulated fleet and lets it grow
    #[arg(long, env = "GF_DEMO", default_value = "0", value_name = "0|1", value_parser = parse_switch,
          num_args = 0..=1, default_missing_value = "1", global = true)]
    pub demo: bool,
    /// Host names allowed besides localhost and loopback, separated by commas; without a token everybody reads and nobody acts
    #[arg(long, env = "GF_HOSTS", value_delimiter = ',', value_name = "NAME", global = true)]
    pub hosts: Vec<String>,
    /// At least 32 bytes; with it everybody signs in, on this machine too; needed to serve on other than loopback addresses
    #[arg(long, env = "GF_OPERATOR_TOKEN", hide_env_values = true, value_name = "TOKEN", global = true)]
    pub operator_token: Option<Secret>,
    /// Metrics outside of the catalogue that get tiles, tables and charts, first come, first served; others stay in their records
    #[arg(long, env = "GF_METRIC_NAMES", default_value_t = domain::custom::CAP as u16, value_name = "NUMBER", global = true)]
    pub metric_names: u16,
    /// What to log: error, warn, info, debug, or a filter such as server=debug
    #[arg(long, env = "GF_LOG", default_value = "info", value_name = "FILTER", global = true)]
    pub log: String,
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "set, {} bytes", self.0.len())
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;
    /// Takes any text: a complaint by the command line would print it. Its length is looked at in `check_address`.
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

fn parse_switch(text: &str) -> std::result::Result<bool, String> {
    match text {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" | "" => Ok(false),
        _ => Err("say 1 or 0".into()),
    }
}

impl Settings {
    /// Refuses settings that do not go together.
    ///
    /// # Errors
    /// `BadInput` with the sentence that tells what to set.
    pub fn check_address(&self) -> Result<()> {
        if let Some(token) = self.operator_token.as_ref().filter(|t| t.0.len() < TOKEN_BYTES) {
            return Err(Error::bad_input(format!(
                "the operator token has {} bytes; at least {TOKEN_BYTES} are needed",
                token.0.len()
            )));
        }
        if !self.addr.ip().is_loopback() && self.operator_token.is_none() {
            return Err(Error::bad_input(format!(
                "{} can be reached from other machines: set GF_OPERATOR_TOKEN (at least {TOKEN_BYTES} bytes) and put TLS in front, or serve on 127.0.0.1",
                self.addr
            )));
        }
        Ok(())
    }

    /// Refuses to watch what we write ourselves: refused rows would be refused again for ever.
    ///
    /// # Errors
    /// `BadInput`, naming the folder.
    pub fn check_ingest_dir(&self) -> Result<()> {
        let Some(watched) = &self.ingest_dir else { return Ok(()) };
        let whole = |p: &Path| p.canonicalize().or_else(|_| std::path::absolute(p)).unwrap_or_else(|_| p.to_owned());
        let (watched_whole, data) = (whole(watched), whole(&self.data));
        for own in ["lake", "superseded", "pending", "rejected"] {
            let own = data.join(own);
            // Folders in the watched one are watched too.
            if watched_whole.starts_with(&own) || own.parent() == Some(&*watched_whole) {
                return Err(Error::bad_input(format!(
                    "{} holds files that the server writes itself; watch another folder",
                    watched.display()
                )));
            }
        }
        Ok(())
    }

    /// The file that names places.
    #[must_use]
    pub fn places_file(&self) -> PathBuf {
        self.places.clone().unwrap_or_else(|| self.data.join("places.yaml"))
    }

    /// The file that describes metrics.
    #[must_use]
    pub fn metrics_file(&self) -> PathBuf {
        self.metrics.clone().unwrap_or_else(|| self.data.join("metrics.yaml"))
    }

    /// The SQLite file of the manifest and the ledger.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("guardianflow.sqlite")
    }

    /// Whether nothing has been kept in the data folder yet: no manifest and no lake files.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "asked once, before the server serves anybody")]
    pub fn data_is_empty(&self) -> bool {
        let no_files = std::fs::read_dir(self.data.join("lake")).map_or(true, |mut d| d.next().is_none());
        !self.database().exists() && no_files
    }

    /// Every setting as (flag, variable, value, origin); secrets are not shown.
    #[must_use]
    pub fn describe(&self, matches: &ArgMatches) -> Vec<[String; 4]> {
        let row = |id: &str, value: String| {
            let origin = match matches.value_source(id) {
                Some(ValueSource::CommandLine) => "flag",
                Some(ValueSource::EnvVariable) => "environment",
                _ => "default",
            };
            let flag = id.replace('_', "-");
            [format!("--{flag}"), format!("GF_{}", id.to_uppercase()), value, origin.to_owned()]
        };
        vec![
            row("data", self.data.display().to_string()),
            row("addr", self.addr.to_string()),
            row("ingest_dir", self.ingest_dir.as_ref().map_or_else(String::new, |d| d.display().to_string())),
            row("places", self.places_file().display().to_string()),
            row("metrics", self.metrics_file().display().to_string()),
            row("demo", u8::from(self.demo).to_string()),
            row("hosts", self.hosts.join(",")),
            row("operator_token", self.operator_token.as_ref().map_or_else(String::new, |t| format!("{t:?}"))),
            row("metric_names", self.metric_names.to_string()),
            row("log", self.log.clone()),
        ]
    }
}
