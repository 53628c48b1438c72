//! Writes addresses: everything that changes what is seen is in them, and what was chosen travels along.

use domain::{
    params::{KEYS, QueryParams},
    time::Millis,
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What a path segment or a query value may not hold as it is.
const RESERVED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'/')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b';');

#[must_use]
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Keys that stand in the path of a place and not in its query.
pub const PLACE_KEYS: [&str; 3] = ["customer", "site", "zone"];
/// Turns the table of all metrics, which may stand on a page with another table.
pub const METRICS_PAGE: &str = "metrics_page";

/// The pairs of a query that a link writes, without the given keys.
#[must_use]
pub fn pairs(params: &QueryParams, without: &[&str]) -> Vec<(String, String)> {
    KEYS.iter()
        .filter(|k| !without.contains(k))
        .filter_map(|k| Some(((*k).to_owned(), params.get(k)?.to_owned())))
        .collect()
}

/// A path with a query behind it.
#[must_use]
pub fn href(path: &str, pairs: &[(String, String)]) -> String {
    let query: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// The same page with some keys changed; `None` removes one.
#[must_use]
pub fn with_changes(
    path: &str,
    params: &QueryParams,
    place_in_path: bool,
    changes: &[(&str, Option<String>)],
) -> String {
    let mut params = params.clone();
    for (key, value) in changes {
        params.set(key, value.clone());
    }
    href(path, &pairs(&params, if place_in_path { &PLACE_KEYS } else { &[] }))
}

/// A moment in a link: absolute, to the second.
#[must_use]
pub fn moment(at: Millis) -> Option<String> {
    Some(Millis(at.0.div_euclid(1000) * 1000).to_string())
}
