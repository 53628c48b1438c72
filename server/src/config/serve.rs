//! Where the server can be reached, and by whom.

use std::{net::SocketAddr, path::Path};

use clap::Args;
use domain::{Error, Result, error::Sentence};

use super::{secret::Secret, subsystem::Subsystem};

/// The shortest operator token, in bytes.
pub const MIN_TOKEN_BYTES: usize = 32;

#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Serve {
    /// Address to serve on
    #[arg(long, env = "GF_ADDR", default_value = "127.0.0.1:3000", value_name = "IP:PORT", global = true)]
    pub addr: SocketAddr,
    /// Host names allowed besides localhost and loopback, separated by commas; without a token everybody reads and nobody acts
    #[arg(long, env = "GF_HOSTS", value_delimiter = ',', value_name = "NAME", global = true)]
    pub hosts: Vec<String>,
    /// At least 32 bytes; with it everybody signs in, on this machine too; needed to serve on other than loopback addresses
    #[arg(long, env = "GF_OPERATOR_TOKEN", hide_env_values = true, value_name = "TOKEN", global = true)]
    pub operator_token: Option<Secret>,
}

impl Subsystem for Serve {
    fn check(&self, _: &Path) -> Result<()> {
        if let Some(bytes) = self.operator_token.as_ref().map(|t| t.expose().len()).filter(|n| *n < MIN_TOKEN_BYTES) {
            return Err(Error::bad_input(Sentence::only_english(format!(
                "the operator token has {bytes} bytes; at least {MIN_TOKEN_BYTES} are needed"
            ))));
        }
        if !self.addr.ip().is_loopback() && self.operator_token.is_none() {
            return Err(Error::bad_input(Sentence::only_english(format!(
                "{} can be reached from other machines: set GF_OPERATOR_TOKEN (at least {MIN_TOKEN_BYTES} bytes) and put TLS in front, or serve on 127.0.0.1",
                self.addr
            ))));
        }
        Ok(())
    }
}

impl Serve {
    /// Whether other names are allowed; an empty `GF_HOSTS` names nobody.
    #[must_use]
    pub fn names_hosts(&self) -> bool {
        self.hosts.iter().any(|h| !h.trim().is_empty())
    }
}
