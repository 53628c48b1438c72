//! A query as it arrives, in texts: from a URL, a form or the command line. Links write these texts; what they mean is read once,
//! into a [`MetricsQuery`].

mod metrics_query;

use serde::{Deserialize, Serialize};

pub use self::metrics_query::{MetricsQuery, RefreshInterval, Sort};
use crate::{
    error::{Error, Result},
    scope::clip_text,
    sentences,
};

/// The last page of a table that can be asked for.
const LAST_PAGE: usize = 1_000_000;

/// Makes [`QueryParams`] with a field a key, and the list of keys, from one table.
macro_rules! words {
    ($($(#[$doc:meta])* $field:ident = $key:literal,)*) => {
        /// The words of a query, all optional. These are the keys of URLs: short, documented, the same everywhere.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct QueryParams {
            $($(#[$doc])* #[serde(rename = $key)] pub $field: Option<String>,)*
        }

        /// The keys of [`QueryParams`], in the order in which links write them.
        pub const KEYS: &[&str] = &[$($key),*];

        impl QueryParams {
            /// The field of a key; an empty text is none.
            #[must_use]
            pub fn get(&self, key: &str) -> Option<&str> {
                let field = match key {
                    $($key => &self.$field,)*
                    _ => return None,
                };
                field.as_deref().filter(|t| !t.is_empty())
            }

            /// Sets the field of a key; false when there is no such key.
            pub fn set(&mut self, key: &str, value: Option<String>) -> bool {
                let field = match key {
                    $($key => &mut self.$field,)*
                    _ => return false,
                };
                *field = value;
                true
            }
        }
    };
}

words! {
    customer = "customer",
    site = "site",
    zone = "zone",
    task = "task",
    /// `production` (default), `candidate` or `all`.
    kind = "type",
    /// Only what was measured on it.
    device = "device",
    /// `architecture` or `architecture:version`.
    model = "model",
    /// Only records that name this run.
    run = "run",
    metric = "metric",
    /// Models put side by side, separated by commas.
    models = "models",
    /// The model to which the others are compared.
    baseline = "baseline",
    /// Whether a comparison counts `same` places (default) or `all`.
    places = "places",
    /// Whether models are distinguished by `version` (default) or `architecture`.
    by = "by",
    /// `1` leaves out what does not differ.
    diff = "diff",
    /// Absolute or relative; see [`crate::time::parse_moment`].
    from = "from",
    to = "to",
    /// A range that ends now; instead of `from` and `to`.
    days = "days",
    step = "step",
    /// The earlier period that is shown for comparison: `previous`, `week` or `year`.
    compare = "compare",
    /// An IANA time zone such as `Asia/Seoul`.
    tz = "tz",
    /// A column, with `-` in front for descending.
    sort = "sort",
    /// How many rows at most.
    limit = "limit",
    /// From 1.
    page = "page",
    /// The page of the table of all metrics, from 1.
    metrics_page = "metrics_page",
    /// How often a page follows new records: `auto` (default), `off`, `5s`, `30s`, `1m`.
    refresh = "refresh",
    /// `1` leaves out everything but the numbers, for screens on a wall.
    kiosk = "kiosk",
}

/// Pairs of a query string, decoded, in their order.
///
/// # Errors
/// A pair that is no UTF-8, or a key that is given twice: it could be read either way.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in query.trim_start_matches('?').split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(&key.replace('+', " "))?, decode(&value.replace('+', " "))?);
        if pairs.iter().any(|(k, _)| *k == key) {
            return Err(given_twice(&key));
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// The pairs of a query string in which only `known` keys may stand.
///
/// # Errors
/// As [`pairs`], and names the key that is unknown.
pub fn known_pairs(query: &str, known: &[&str]) -> Result<Vec<(String, String)>> {
    let pairs = pairs(query)?;
    match pairs.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        Some((key, _)) => Err(Error::bad_input(sentences::unknown_key(clip_text(key), known.join(", ")))),
        None => Ok(pairs),
    }
}

/// The text of `limit`: how many rows at most.
///
/// # Errors
/// Says which numbers it may be.
pub fn limit(text: &str, most: usize) -> Result<usize> {
    let number = text.parse().ok().filter(|l| (1..=most).contains(l));
    number.ok_or_else(|| Error::bad_input(sentences::bad_limit(most, clip_text(text))))
}

/// The text of a key that turns the pages of a table, from 1.
///
/// # Errors
/// Says which numbers it may be.
pub fn page(key: &str, text: &str) -> Result<usize> {
    let number = text.parse().ok().filter(|p| (1..=LAST_PAGE).contains(p));
    number.ok_or_else(|| Error::bad_input(sentences::bad_page(key, clip_text(text))))
}

/// The text of a flag.
///
/// # Errors
/// When it is neither `1` nor `0`.
pub fn flag(key: &str, text: &str) -> Result<bool> {
    match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err(Error::bad_input(sentences::bad_flag(key, clip_text(text)))),
    }
}

/// A part of an address, decoded.
///
/// # Errors
/// One that is no UTF-8.
pub fn decode(text: &str) -> Result<String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| Error::bad_input(sentences::not_utf8()))
}

/// A key that could be read either way.
#[must_use]
pub fn given_twice(key: &str) -> Error {
    Error::bad_input(sentences::given_twice(clip_text(key)))
}

/// A key with a value that is longer than what is ever meant by it.
#[must_use]
pub fn too_long(key: &str, most: usize, value: &str) -> Error {
    Error::bad_input(sentences::long_value(clip_text(key), most, clip_text(value)))
}

/// A key that is not among those that are known here.
#[must_use]
pub fn unknown_key(key: &str, known: &[&str]) -> Error {
    Error::bad_input(sentences::unknown_key(clip_text(key), known.join(", ")))
}

impl QueryParams {
    /// Reads pairs of a query string, already decoded.
    ///
    /// # Errors
    /// A key that is given twice, or one that is not among `known`.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, known: &[&str]) -> Result<Self> {
        let mut params = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (key, value) in pairs {
            if seen.iter().any(|s| s == key) {
                return Err(given_twice(key));
            }
            if !known.contains(&key) || !params.set(key, Some(value.to_owned())) {
                return Err(unknown_key(key, known));
            }
            seen.push(key.to_owned());
        }
        Ok(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Result<QueryParams> {
        QueryParams::from_pairs(pairs.iter().copied(), KEYS)
    }

    #[test]
    fn every_key_is_read_and_written_back() {
        for key in KEYS {
            assert_eq!(params(&[(*key, "x")]).expect("known").get(key), Some("x"));
        }
    }

    #[test]
    fn twice_and_unknown_are_refused() {
        assert!(params(&[("days", "1"), ("days", "2")]).is_err());
        assert!(params(&[("custmer", "acme")]).is_err());
    }

    #[test]
    fn a_query_is_decoded_once_and_refused_where_it_could_be_read_in_two_ways_or_in_none() {
        let texts =
            |query: &str| pairs(query).map(|p| p.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("|"));
        assert_eq!(texts("?a=1&b=%20x+y&c&&d=%2525"), Ok("a=1|b= x y|c=|d=%25".to_owned()));
        for bad in ["a=%ff", "%ff=1", "a=1&a=1", "a=1&%61=2"] {
            assert!(texts(bad).is_err_and(|e| e.message.ko.is_some()), "{bad}");
        }
    }
}
