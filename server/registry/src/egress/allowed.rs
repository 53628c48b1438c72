//! Receivers that the operator opened although they are not public.

use std::collections::BTreeSet;

use domain::{
    error::{Error, Result},
    scope::clip_text,
};
use url::Url;

use super::sentences;

/// Host and port of each opened receiver, the host as [`Url`] writes it. An opened receiver may also be asked by plain HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedReceivers(BTreeSet<(String, u16)>);

impl AllowedReceivers {
    /// Reads `host:port,host:port`, as `GF_EGRESS_ALLOW` has it.
    ///
    /// # Errors
    /// `BadInput`, naming what is none.
    pub fn parse(text: &str) -> Result<Self> {
        let entries = text.split(',').map(str::trim).filter(|e| !e.is_empty());
        let read =
            |entry: &str| Self::entry(entry).ok_or_else(|| Error::bad_input(sentences::bad_receiver(clip_text(entry))));
        entries.map(read).collect::<Result<_>>().map(Self)
    }

    fn entry(entry: &str) -> Option<(String, u16)> {
        let port: u16 = entry.rsplit_once(':')?.1.parse().ok()?;
        // A scheme without a port of its own, so that a port that is written is kept; it reads hosts as https does.
        let url = Url::parse(&format!("https://{entry}/")).ok()?;
        let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let harmless = plain && url.username().is_empty() && url.password().is_none() && port > 0;
        harmless.then(|| url.host_str().map(|host| (host.to_owned(), port))).flatten()
    }

    pub(super) fn contains(&self, url: &Url) -> bool {
        let key = url.host_str().map(str::to_owned).zip(url.port_or_known_default());
        matches!(url.scheme(), "http" | "https") && key.is_some_and(|key| self.0.contains(&key))
    }
}
