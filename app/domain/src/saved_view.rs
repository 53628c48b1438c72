//! Saved views: addresses of our pages that somebody gave a name, for themselves or for everybody.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    params::{KEYS, QueryParams, decode, pairs},
    scope::clip_text,
    sentences,
    text::Name,
    time::Millis,
};

/// The most views that somebody may own.
pub const MAX_VIEWS: usize = 100;
/// The longest name, in characters.
pub const MAX_VIEW_NAME: usize = 80;
/// The longest address, in bytes.
pub const MAX_LINK: usize = 2_000;

/// Given by the store; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ViewId(pub i64);

/// The name of a view: one line of text, in one spelling (NFC, which is seen to where it comes in).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ViewName(Name);

impl ViewName {
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self> {
        let name = Name::parse(text).map_err(|why| Error::bad_input(sentences::bad_view_name(&why.sentence())))?;
        if text.chars().count() > MAX_VIEW_NAME {
            return Err(Error::bad_input(sentences::long_view_name(MAX_VIEW_NAME)));
        }
        Ok(Self(name))
    }

    /// Reads a name that is stored.
    ///
    /// # Errors
    /// When it is none, which nothing of ours has stored.
    pub fn parse_stored(text: &str) -> Result<Self> {
        let name = Name::parse_stored(text)
            .map_err(|why| Error::internal(sentences::bad_view_name(&why.sentence())).with_detail(text))?;
        Ok(Self(name))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The address of one of our pages, percent-encoded, beginning with a slash. It names no host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ViewLink(String);

impl ViewLink {
    /// Reads an address. `pages` are the paths of our pages as the router writes them, such as `/customers/{customer}`. What
    /// it asks has to make sense at the moment `now`, by the parser that pages use ([`QueryParams::read`]); whether there is anything of
    /// the names in it, the page says.
    ///
    /// # Errors
    /// `BadInput` for what is no address of a page of ours, or asks what no page could answer.
    pub fn parse(text: &str, pages: &[impl AsRef<str>], now: Millis) -> Result<Self> {
        if text.len() > MAX_LINK {
            return Err(Error::bad_input(sentences::long_link(MAX_LINK)));
        }
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'#');
        if !plain || !text.starts_with('/') || text.starts_with("//") {
            return Err(Error::bad_input(sentences::bad_link(clip_text(text))));
        }
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let mut places = None;
        for page in pages {
            places = matched(page.as_ref(), path)?;
            if places.is_some() {
                break;
            }
        }
        let Some(places) = places else {
            return Err(Error::bad_input(sentences::no_page(clip_text(path))));
        };
        let query = pairs(query)?;
        let all =
            places.iter().map(|(k, v)| (*k, v.as_str())).chain(query.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        QueryParams::from_pairs(all, KEYS)?.read(now, &TimeZone::UTC)?;
        Ok(Self(text.to_owned()))
    }

    /// Reads an address that is stored.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The names that a path gives to the parameters of a page's path; `None` when it is another page's.
fn matched<'a>(page: &'a str, path: &str) -> Result<Option<Vec<(&'a str, String)>>> {
    let mut names = vec![];
    let (mut want, mut have) = (page.split('/'), path.split('/'));
    loop {
        match (want.next(), have.next()) {
            (None, None) => return Ok(Some(names)),
            (Some(want), Some(have)) => match want.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
                Some(key) if !have.is_empty() => names.push((key, decode(have)?)),
                None if want == have => {}
                _ => return Ok(None),
            },
            _ => return Ok(None),
        }
    }
}

/// A view as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    pub id: ViewId,
    pub name: ViewName,
    pub link: ViewLink,
    /// Whether all who read views see it, or its owner alone.
    pub shared: bool,
    /// The name of whoever saved it ([`crate::access::Actor::name`]).
    pub owner: String,
    pub created: Millis,
    pub changed: Millis,
}

/// A view that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewView {
    pub name: ViewName,
    pub link: ViewLink,
    pub shared: bool,
    pub owner: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: [&str; 4] = ["/", "/trends", "/customers/{customer}", "/customers/{customer}/sites/{site}"];
    const NOW: Millis = Millis(1_782_820_800_000);

    fn parse(text: &str) -> Result<ViewLink> {
        ViewLink::parse(text, &PAGES, NOW)
    }

    #[test]
    fn addresses_of_pages_are_kept_as_they_are() {
        for text in [
            "/",
            "/?days=30",
            "/trends?metric=mAP50&from=now-30d&to=now&tz=Asia%2FSeoul",
            "/customers/%EB%B6%80%EC%82%B0-2?type=candidate",
            "/customers/a%2520b/sites/pier%207?refresh=30s&kiosk=1",
        ] {
            assert_eq!(parse(text).as_ref().map(ViewLink::as_str), Ok(text));
        }
    }

    #[test]
    fn what_leads_elsewhere_or_asks_nonsense_is_refused_in_both_languages() {
        for text in [
            "",
            "trends",
            "//evil.example.com",
            "//evil.example.com/trends",
            "https://evil.example.com/",
            "/\\evil.example.com",
            "/\t/evil.example.com",
            "javascript:alert(1)",
            "/trends\r\nSet-Cookie: x=1",
            "/trends#part",
            "/trends /x",
            "/부산",
            "/api/metrics/summary",
            "/export/trend.csv",
            "/signout",
            "/trends/",
            "/trends/../api/views",
            "/customers/",
            "/customers//sites/a",
            "/customers/a/sites/b/zones/c/d",
            "/customers/%ff",
            "/customers/a%2Fb",
            "/customers/..",
            "/customers/acme?customer=zeta",
            "/trends?days=0",
            "/trends?days=7&days=8",
            "/trends?nonsense=1",
            "/trends?tz=Mars%2FOlympus",
            &format!("/trends?metric={}", "x".repeat(MAX_LINK)),
        ] {
            let refused = parse(text).expect_err(text);
            assert!(refused.kind == crate::ErrorKind::BadInput && refused.message.ko.is_some(), "{refused:?}");
        }
    }

    #[test]
    fn names_of_views_are_one_line_of_at_most_80_characters() {
        for text in ["Morning round", "아침 점검", "a/b", &"가".repeat(MAX_VIEW_NAME)] {
            assert_eq!(ViewName::parse(text).as_ref().map(ViewName::as_str), Ok(text));
        }
        for text in ["", " ", "a\tb", "\u{202E}x", &"x".repeat(MAX_VIEW_NAME + 1)] {
            assert!(ViewName::parse(text).is_err_and(|e| e.message.ko.is_some()), "{text:?}");
        }
    }
}
