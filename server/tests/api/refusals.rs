//! Questions that cannot be answered get a 4xx with a sentence, as RFC 9457 has it, and never a 5xx.

use serde_json::Value;

use crate::{
    fleet::{Site, encode},
    process::{run, text},
};

async fn problem(site: &Site, path: &str) -> Value {
    let answer = site.served.get(path).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let kind = answer.headers()["content-type"].to_str().expect("a text").to_owned();
    let id = answer.headers()["x-request-id"].to_str().expect("a text").to_owned();
    let body = answer.text().await.expect("a body");
    assert!((400..500).contains(&status), "{path}: {status} {body}");
    assert_eq!(kind, "application/problem+json", "{path}");
    let problem: Value = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e} in {body}"));
    assert_eq!(problem["status"], status, "{path}");
    assert_eq!(problem["request_id"], id, "{path}");
    for member in ["type", "title", "detail"] {
        assert!(problem[member].as_str().is_some_and(|t| !t.is_empty()), "{path}: no {member} in {problem}");
    }
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.split(' ').count() >= 3, "{path}: “{detail}” is no sentence");
    assert!(
        !body.contains("/tmp/") && !body.contains("sqlite") && !body.contains(".rs"),
        "{path}: {body} tells too much"
    );
    problem
}

#[tokio::test]
async fn unknown_places_tasks_models_and_addresses_are_not_found() {
    let site = Site::start(&[]).await;
    for (path, named) in [
        ("/api/metrics/summary?customer=nobody", "nobody"),
        ("/api/metrics/summary?customer=acme&site=nowhere", "nowhere"),
        ("/api/metrics/summary?customer=acme&site=seoul-01&zone=nothing", "nothing"),
        ("/api/metrics/summary?customer=acme&site=pier%207", "pier 7"),
        ("/api/metrics/summary?task=cooking", "cooking"),
        ("/api/metrics/trend?metric=mAP50&customer=nobody", "nobody"),
        ("/api/metrics/trend?metric=mAP50&model=gpt", "gpt"),
        ("/api/metrics/comparison?customer=nobody", "nobody"),
        ("/export/children.csv?customer=nobody", "nobody"),
        ("/export/trend.svg?metric=mAP50&customer=nobody", "nobody"),
        ("/api/metrics/nothing", ""),
        ("/api/", ""),
        ("/export/nothing.csv", ""),
        ("/sf/nothing", ""),
    ] {
        let p = problem(&site, path).await;
        assert_eq!(p["status"], 404, "{path}");
        assert!(p["detail"].as_str().unwrap().contains(named), "{path}: {p}");
    }
}

#[tokio::test]
async fn questions_that_make_no_sense_get_a_sentence() {
    let site = Site::start(&[]).await;
    for (query, named) in [
        ("from=now&to=now-1d", "reversed"),
        ("from=2026-06-30&to=2026-06-29", "reversed"),
        ("from=2026-06-30&to=2026-06-30", "empty"),
        ("from=now-100y", "eleven years"),
        ("days=36500", "days"),
        ("days=0", "days"),
        ("days=-1", "days"),
        ("days=7&from=now-1d", "either"),
        ("from=yesterday", "yesterday"),
        ("tz=Mars/Olympus", "Mars/Olympus"),
        ("tz=../../etc/passwd", "time zone"),
        ("type=nonsense", "nonsense"),
        ("customer=a/b", "customer"),
        ("customer=..", "customer"),
        ("customer=%00", "customer"),
        ("site=seoul-01", "customer"),
        ("customer=acme&zone=gate-1", "site"),
        ("days=1&days=2", "twice"),
        ("customer=acme&customer=acme", "twice"),
        ("custmer=acme", "custmer"),
        ("days=%ff", "UTF-8"),
    ] {
        for path in ["summary?", "comparison?", "trend?metric=mAP50&"] {
            let p = problem(&site, &format!("/api/metrics/{path}{query}")).await;
            assert_eq!(p["status"], 400, "{query}: {p}");
            assert!(p["detail"].as_str().unwrap().contains(named), "{path}{query}: {p}");
        }
    }
    for (query, named) in [
        ("", "metric"),
        ("metric=nonsense", "nonsense"),
        ("metric=mAP50&step=1ms", "1ms"),
        ("metric=mAP50&step=PT0.001S", "PT0.001S"),
        ("metric=mAP50&step=1s&days=365", "points"),
        ("metric=mAP50&step=0h", "0h"),
        ("metric=mAP50&step=99999999999999999999h", "step"),
        ("metric=mAP50&step=P900Y", "step"),
        ("metric=mAP50&step=soon", "soon"),
        ("metric=mAP50&page=1", "page"),
        ("metric=mAP50&model=", ""),
    ] {
        let path = format!("/api/metrics/trend?{query}");
        if query.ends_with("model=") {
            site.served.json(&path).await;
            continue;
        }
        let p = problem(&site, &path).await;
        assert_eq!(p["status"], 400, "{query}: {p}");
        assert!(p["detail"].as_str().unwrap().contains(named), "{query}: {p}");
    }
}

#[tokio::test]
async fn methods_that_an_address_does_not_take_are_refused() {
    let site = Site::start(&[]).await;
    for path in ["/api/metrics/summary", "/", "/trends", "/sf/place", "/export/metrics.csv"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let answer = site.served.client.request(method.clone(), site.served.url(path)).send().await.unwrap();
            assert_eq!(answer.status(), 405, "{method} {path}");
        }
        let head = site.served.client.head(site.served.url(path)).send().await.unwrap();
        assert!(head.status() == 200 || path == "/sf/place", "HEAD {path}: {}", head.status());
    }
}

#[tokio::test]
async fn pages_say_why_a_question_has_no_answer() {
    let site = Site::start(&[]).await;
    for (path, status) in [
        ("/customers/nobody", 404),
        ("/customers/acme/sites/nowhere", 404),
        ("/customers/acme/sites/seoul-01/zones/nothing", 404),
        ("/nothing/at/all", 404),
        ("/trends?metric=nonsense", 400),
        ("/trends?step=1ms", 400),
        ("/trends?from=now&to=now-1d", 400),
        ("/?days=36500", 400),
        ("/?days=1&days=2", 400),
        ("/?tz=Mars/Olympus", 400),
        ("/customers/acme?page=-1", 400),
    ] {
        let (got, page) = site.served.page(path).await;
        assert_eq!(got, status, "{path}");
        if page.contains("<html") {
            assert!(page.contains("href=\"/\"") || page.contains("href=\"/?"), "{path}: no way on");
        }
        assert!(page.len() > 60, "{path}: {page}");
    }
}

#[tokio::test]
async fn malformed_input_to_server_functions_is_the_sender_s_fault() {
    let site = Site::start(&[]).await;
    for name in ["place", "trends", "sources"] {
        for query in [
            "",
            "ask",
            "ask=",
            "ask=1",
            "ask[]=1",
            "ask[customer]",
            "ask[customer]=%ff",
            "ask[customer]=%00",
            "ask%5Bcustomer%5D=%E0%A4%A",
            "ask[customer][x]=1",
            "ask[customer]=a&ask[customer]=b",
            "ask[[[[[[[[=1",
            "ask]]]]=1",
            "ask[customer=1",
            "ask[days]=-1",
            "ask[days]=99999999999999999999",
            "ask[page]=0",
            "%",
            "%%%",
            "=",
            "&&&&",
            "ask[nothing]=1",
            "ask[step]=1ms",
            "ask[tz]=..",
            "ask[from]=now-999999999999999d",
        ] {
            let answer = site.served.get(&format!("/sf/{name}?{query}")).send().await.unwrap();
            let status = answer.status().as_u16();
            assert!(status < 500, "/sf/{name}?{query}: {status} {}", answer.text().await.unwrap());
        }
        // A question without its argument or with an argument of another shape cannot be read.
        for query in ["ask=1", "ask[customer]=%ff", "ask[customer]=a&ask[customer]=b", "ask[customer]=a/b"] {
            let status = site.served.get(&format!("/sf/{name}?{query}")).send().await.unwrap().status().as_u16();
            assert!((400..500).contains(&status), "/sf/{name}?{query}: {status}");
        }
        for (kind, body) in [
            ("application/x-www-form-urlencoded", "ask[customer]=%ff".to_owned()),
            ("application/json", "{\"ask\":".to_owned()),
            ("application/cbor", "\u{1}\u{2}".to_owned()),
            ("text/plain", "x".repeat(3 << 20)),
        ] {
            let answer = site.served.post(&format!("/sf/{name}")).header("Content-Type", kind).body(body).send().await;
            let status = answer.map(|a| a.status().as_u16()).unwrap_or(413);
            assert!((400..500).contains(&status), "/sf/{name} {kind}: {status}");
        }
    }
}

const PAGES: [&str; 6] = ["/", "/customers/acme/sites/seoul-01", "/trends", "/compare", "/records", "/sources"];
const FUNCTIONS: [&str; 5] = ["place", "trends", "compare", "records", "sources"];
const FILES: [&str; 11] = [
    "children.csv",
    "metrics.csv",
    "models.csv",
    "trend.csv",
    "trend.svg",
    "heat.svg",
    "worst_zones.csv",
    "records.csv",
    "compare.csv",
    "compare_sites.csv",
    "compare.svg",
];

/// What the page, the server function and the file of every kind say to a key: the sentence that all of them have in common.
async fn sentence_of_pages_and_files(site: &Site, key: &str, nonsense: &str) -> String {
    let value = encode(nonsense);
    let mut said: Option<String> = None;
    for file in FILES {
        let p = problem(site, &format!("/export/{file}?{key}={value}")).await;
        assert_eq!(p["status"], 400, "{file} {key}={nonsense}: {p}");
        let detail = p["detail"].as_str().expect("a text").to_owned();
        assert_eq!(*said.get_or_insert_with(|| detail.clone()), detail, "{file} {key}={nonsense}");
    }
    let said = said.expect("a sentence");
    for path in PAGES {
        // There the path names the place.
        if path.starts_with("/customers") && key == "customer" {
            continue;
        }
        let (status, page) = site.served.page(&format!("{path}?{key}={value}")).await;
        assert_eq!(status, 400, "{path}?{key}={nonsense}");
        assert!(page.contains(&said), "{path}?{key}={nonsense} does not say: {said}");
    }
    for function in FUNCTIONS {
        let path = format!("/sf/{function}?ask%5B{key}%5D={value}");
        let answer = site.served.get(&path).send().await.expect("an answer");
        assert_eq!(answer.status(), 400, "{path}");
        let body = answer.text().await.expect("a body");
        assert!(body.contains(&said), "{path} does not say “{said}”: {body}");
    }
    said
}

#[tokio::test]
async fn the_same_nonsense_is_refused_at_every_door_with_the_same_sentence() {
    let site = Site::start(&[]).await;
    let data = text(&site.folder.data());
    for (key, nonsense) in [
        ("customer", "a/b"),
        ("task", "a\u{7}"),
        ("type", "nonsense"),
        ("device", " orin"),
        ("model", "yolov8m:"),
        ("from", "yesterday"),
        ("to", "now-7q"),
        ("days", "-1"),
        ("tz", "Mars/Olympus"),
        ("step", "1ms"),
        ("limit", "101"),
    ] {
        let said = sentence_of_pages_and_files(&site, key, nonsense).await;
        let command = if key == "limit" { "worst" } else { "trend" };
        let p = problem(&site, &format!("/api/metrics/{command}?metric=mAP50&{key}={}", encode(nonsense))).await;
        assert_eq!((&p["status"], &p["detail"]), (&400.into(), &said.clone().into()), "{key}={nonsense}");
        let flag = format!("--{key}={nonsense}");
        let ran = run(&["metrics", command, "--metric", "mAP50", &flag, "--data", &data]);
        assert_eq!((ran.code, ran.stderr.trim_end()), (Some(2), &*format!("guardianflow: {said}")), "{flag}");
    }
    // What neither a program nor a terminal can say.
    for (key, nonsense) in [
        ("models", "a,b:"),
        ("baseline", ":1"),
        ("places", "moon"),
        ("by", "colour"),
        ("diff", "yes"),
        ("compare", "decade"),
        ("page", "0"),
        ("metrics_page", "x"),
        ("refresh", "1ms"),
        ("kiosk", "please"),
    ] {
        sentence_of_pages_and_files(&site, key, nonsense).await;
    }
    let of_rows = problem(&site, "/api/metrics/records?page=0").await;
    assert_eq!(of_rows["detail"], sentence_of_pages_and_files(&site, "page", "0").await);
}

#[tokio::test]
async fn what_makes_sense_elsewhere_is_harmless_where_it_is_not_needed() {
    let site = Site::start(&[]).await;
    // A step too fine for the range, and names that nobody knows: only who needs them looks them up.
    for path in [
        "/customers/acme?step=1s&days=365",
        "/compare?step=1s&days=365",
        "/records?step=1s&days=365",
        "/?metric=nonsense&model=nobody&baseline=nobody:1&models=a,b,c,d,e,f,g,h,i,j",
        "/sources?metric=nonsense&model=nobody&customer=nobody",
        "/trends?baseline=nobody&models=nobody:1&diff=1&by=architecture&places=all&sort=beauty&page=9&metrics_page=9",
        "/compare?sort=beauty&page=9&limit=5",
        "/trends?limit=100&model=",
    ] {
        let (status, _) = site.served.page(path).await;
        assert_eq!(status, 200, "{path}");
    }
}

/// The addresses that a page leads to, as its HTML writes them.
fn leads_to(page: &str) -> Vec<String> {
    let links = page.split("href=\"/").skip(1).filter_map(|rest| rest.split_once('"'));
    links.map(|(path, _)| format!("/{}", path.replace("&amp;", "&"))).collect()
}

#[tokio::test]
async fn no_link_of_a_page_with_every_key_leads_to_a_refusal() {
    let site = Site::start(&[]).await;
    let every = "task=detection&type=all&model=yolov8m&metric=mAP50&models=yolov8m:1.1.0,yolov8m:1.2.0&baseline=yolov8m:1.1.0\
                 &places=all&by=version&diff=1&from=now-2d&to=now&step=1h&compare=week&tz=Asia/Seoul&limit=5&refresh=5s&kiosk=1";
    let mut seen = std::collections::BTreeSet::new();
    for path in
        ["/", "/customers/acme", "/customers/acme/sites/seoul-01", "/trends", "/compare", "/records", "/sources"]
    {
        // Each table by a column of its own.
        let sort = if matches!(path, "/trends" | "/compare" | "/records") { "beauty" } else { "-newest" };
        let path = format!("{path}?{every}&sort={sort}");
        let (status, page) = site.served.page(&path).await;
        assert_eq!(status, 200, "{path}");
        let found = leads_to(&page);
        assert!(found.len() > 20, "{path}: {found:?}");
        // Without what is built for the browser, which a test need not have.
        let built = ["/pkg", "/elements", "/favicon"];
        for link in found.into_iter().filter(|l| !built.iter().any(|b| l.starts_with(b))) {
            if seen.insert(link.clone()) {
                let answer = site.served.get(&link).header("Accept", "text/html").send().await.expect("an answer");
                assert!(answer.status().as_u16() < 400, "{path} leads to {link}: {}", answer.status());
            }
        }
    }
    assert!(seen.len() > 100, "{}", seen.len());
}
