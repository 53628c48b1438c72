//! Addresses in which names are spelled in another way than the lake spells them, as some systems write them: read as if they
//! were not. Pages, server functions and REST get them from here; nothing behind needs Unicode's tables.

use app::ui::links::encode;
use axum::{
    extract::Request,
    http::{Uri, uri::PathAndQuery},
    middleware::Next,
    response::Response,
};
use domain::{normalization::nfc, params::decode};

pub async fn normalize_uri(mut request: Request, next: Next) -> Response {
    if let Some(uri) = normalized(request.uri()) {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

/// The address with its names in the lake's spelling; `None` when they are so already.
fn normalized(uri: &Uri) -> Option<Uri> {
    let address = uri.path_and_query()?;
    // Letters beyond ASCII stand encoded in an address.
    if address.as_str().is_ascii() && !address.as_str().contains('%') {
        return None;
    }
    let path: Vec<PathPart> = uri.path().split('/').map(|part| spelled(part, part)).collect();
    let query = uri.query().and_then(of_pairs);
    if query.is_none() && !path.iter().any(|p| p.changed) {
        return None;
    }
    let mut text = joined(&path, "/");
    if let Some(query) = query.as_deref().or(uri.query()) {
        text = format!("{text}?{query}");
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

/// A query, or a form, with its names in the lake's spelling; `None` when they are so already.
pub fn of_pairs(query: &str) -> Option<String> {
    let pairs = query.split('&').map(|pair| {
        let sides = pair.split_once('=').map_or_else(|| vec![pair], |(key, value)| vec![key, value]);
        // A plus is a blank there.
        let sides: Vec<_> = sides.into_iter().map(|side| spelled(side, &side.replace('+', " "))).collect();
        PathPart { changed: sides.iter().any(|s| s.changed), text: joined(&sides, "=") }
    });
    let pairs: Vec<PathPart> = pairs.collect();
    pairs.iter().any(|p| p.changed).then(|| joined(&pairs, "&"))
}

/// A piece of an address, and whether it is another than it was.
struct PathPart {
    text: String,
    changed: bool,
}

fn spelled(raw: &str, encoded: &str) -> PathPart {
    let name = decode(encoded).ok().and_then(|text| nfc(&text));
    PathPart { changed: name.is_some(), text: name.map_or_else(|| raw.to_owned(), |name| encode(&name)) }
}

fn joined(parts: &[PathPart], by: &str) -> String {
    parts.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join(by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_together_and_everything_else_stays_as_it_is() {
        let of = |text: &str| normalized(&text.parse().expect("an address")).map(|u| u.to_string());
        let apart = "%E1%84%87%E1%85%AE"; // ㅂ and ㅜ
        let whole = "%EB%B6%80"; // 부
        for (address, expected) in [
            (format!("/customers/{apart}%2F?x=a+b&days=7"), Some(format!("/customers/{whole}%2F?x=a+b&days=7"))),
            (
                format!("/api/metrics/summary?customer=a+{apart}&&tz"),
                Some(format!("/api/metrics/summary?customer=a%20{whole}&&tz")),
            ),
            (format!("/sf/place?ask%5Bcustomer%5D={apart}"), Some(format!("/sf/place?ask%5Bcustomer%5D={whole}"))),
            ("/customers/Cafe%CC%81".into(), Some("/customers/Caf%C3%A9".into())),
            (format!("/customers/{whole}"), None),
            ("/customers/%ff?%ff=%EB".into(), None),
            ("/trends?metric=mAP50&from=now-7d".into(), None),
            ("/".into(), None),
        ] {
            assert_eq!(of(&address), expected, "{address}");
        }
    }
}
