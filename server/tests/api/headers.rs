//! Every address of the list answers with the security headers and with exactly one policy, and pages keep to theirs.

use crate::{
    fleet::Site,
    process::{Folder, Served, run},
    wire::{Answer, request, send},
};

/// Listed routes as (method, address), with places filled in.
fn addresses() -> Vec<(String, String)> {
    let listed = run(&["routes", "--json"]).fine().json();
    let listed = listed.as_array().expect("a list").clone();
    assert!(listed.len() >= 28, "{} routes", listed.len());
    let fill = |path: &str| {
        path.replace("{customer}", "acme")
            .replace("{site}", "seoul-01")
            .replace("{zone}", "gate-1")
            .replace("{*file}", "guardianflow.css")
    };
    let text = |v: &serde_json::Value| v.as_str().expect("a text").to_owned();
    listed.iter().map(|r| (text(&r["method"]), fill(&text(&r["path"])))).collect()
}

fn policy(answer: &Answer, what: &str) -> String {
    let policies = answer.all("content-security-policy");
    assert_eq!(policies.len(), 1, "{what}: {policies:?}");
    for bad in ["'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"] {
        assert!(!policies[0].contains(bad), "{what}: {bad} in {}", policies[0]);
    }
    for wanted in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
        assert!(policies[0].contains(wanted), "{what}: no {wanted} in {}", policies[0]);
    }
    policies[0].to_owned()
}

#[tokio::test]
async fn every_listed_route_answers_with_the_security_headers() {
    let site = Site::start(&[]).await;
    let port = site.served.port;
    let mut ids = std::collections::BTreeSet::new();
    let mut seen = addresses();
    seen.extend(
        [("GET", "/nothing"), ("GET", "/api/nothing"), ("DELETE", "/"), ("GET", "/pkg/nothing"), ("GET", "/?a=1&a=2")]
            .map(|(m, p)| (m.into(), p.into())),
    );
    for (method, path) in seen {
        let what = format!("{method} {path}");
        let own = format!("http://127.0.0.1:{port}");
        let heads = [("Accept", "text/html"), ("Origin", &*own), ("X-Request-Id", "0123456789abcdef")];
        let answer = send(port, &request(port, &method, &path, &heads, b"")).await.expect(&what);
        assert!(answer.status < 500, "{what}: {}", answer.status);
        policy(&answer, &what);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.all(name), [value], "{what}: {name}");
        }
        assert_eq!(answer.all("cache-control").len(), 1, "{what}");
        let id = answer.all("x-request-id");
        assert!(id.len() == 1 && id[0].len() == 16 && id[0].bytes().all(|b| b.is_ascii_hexdigit()), "{what}: {id:?}");
        assert_ne!(id, ["0123456789abcdef"], "{what}: names from outside are not taken over");
        assert!(ids.insert(id[0].to_owned()), "{what}: {id:?} was given twice");
        assert!(answer.all("server").is_empty() && answer.all("x-powered-by").is_empty(), "{what}");
        assert!(answer.all("access-control-allow-origin").is_empty(), "{what}: nobody else may read");
    }
}

#[tokio::test]
async fn a_page_may_wait_in_the_browser_and_nothing_else_is_kept() {
    let site = Site::start(&[]).await;
    let port = site.served.port;
    for (path, kept) in [
        ("/", "private, no-cache"),
        ("/customers/acme", "private, no-cache"),
        ("/nothing", "private, no-cache"),
        ("/signin", "private, no-cache"),
        ("/api/palette", "private, no-store"),
        ("/sf/place", "private, no-store"),
    ] {
        let answer = send(port, &request(port, "GET", path, &[("Accept", "text/html")], b"")).await.expect(path);
        assert_eq!(answer.all("cache-control"), [kept], "{path}");
        // Whoever signs in or out, or speaks another language, gets another page.
        let varies = answer.all("vary").join(", ").to_ascii_lowercase();
        assert_eq!(
            varies.contains("cookie") && varies.contains("accept-language"),
            kept.ends_with("no-cache"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_page_runs_only_scripts_with_its_own_nonce() {
    let site = Site::start(&[]).await;
    let mut nonces = Vec::new();
    for path in [
        "/",
        "/customers/acme",
        "/customers/acme/sites/seoul-01",
        "/customers/acme/sites/seoul-01/zones/gate-1",
        "/trends",
        "/sources",
        "/nothing",
        "/customers/nobody",
        "/",
    ] {
        let answer = site.served.get(path).header("Accept", "text/html").send().await.unwrap();
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let page = answer.text().await.unwrap();
        assert!(policy.contains("'wasm-unsafe-eval'") && policy.contains("script-src 'self'"), "{path}: {policy}");
        let nonce = policy.split_once("'nonce-").and_then(|p| p.1.split_once('\'')).expect("a nonce").0.to_owned();
        assert!(nonce.len() >= 16, "{path}: {nonce}");
        for script in page.split("<script").skip(1).filter_map(|s| s.split_once('>')).map(|s| s.0) {
            assert!(script.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{script}> would not run");
        }
        assert!(!page.contains(" style=\"") && !page.contains("<style"), "{path}: a style that the policy forbids");
        for handler in [" onclick=", " onload=", " onerror=", "javascript:"] {
            assert!(!page.contains(handler), "{path}: {handler}");
        }
        nonces.push(nonce);
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 9, "each answer has a nonce of its own");
}

#[tokio::test]
async fn health_is_told_to_everybody_even_from_elsewhere() {
    let site = Site::start(&[]).await;
    for path in ["/healthz", "/readyz"] {
        let answer = site.served.get(path).header("X-Forwarded-For", "203.0.113.9").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_name_that_is_too_long_for_a_file_is_not_found() {
    let folder = Folder::new();
    let served = Served::start(&folder, &[]).await;
    for n in [200, 300, 5_000] {
        for path in ["pkg", "elements", "elements/x"] {
            assert_eq!(served.get(&format!("/{path}/{}", "a".repeat(n))).send().await.unwrap().status(), 404, "{path}");
        }
    }
}
