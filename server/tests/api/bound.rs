//! Whoever is bound to one customer: every route, server function, export and stream answers about that customer alone. Nothing
//! outside of it is answered, counted or named, and what is outside is as unknown as what does not exist.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use clap::Parser;
use domain::{
    access::{Action, Actor},
    text::Name,
    time::Millis,
};
use futures::StreamExt;
use serde_json::{Value, json};
use server::{
    auth::PreAuthenticated,
    config::Settings,
    declarations::DeclarationFiles,
    http::{self, routes},
    jobs::{Readiness, Supervisor},
    startup,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{fleet, process::Folder};

const OWN: &str = "Acme";
const OTHER: &str = "Zulu-Works";
/// No record names it. As long as the other's name, so that answers about either can be laid over each other.
const NOBODY: &str = "Nobody-Inc";
/// Records of the two, and what all of them would come to.
const OWN_RECORDS: usize = 3;
const OTHER_RECORDS: usize = 1_234;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    settings: Settings,
}

struct House {
    parts: startup::AppServices,
    router: Router,
    _folder: Folder,
    _supervisor: Supervisor,
}

/// A server in this process, so that an actor can stand in front of it for whom there is no way to sign in yet.
async fn house() -> House {
    let folder = Folder::new();
    folder.write(
        "data/places.yaml",
        format!("customers:\n  {OWN}:\n    name: Acme Ltd\n  {OTHER}:\n    name: Zulu Works Ltd\n"),
    );
    let data = folder.path("data").display().to_string();
    let settings = Command::parse_from(["test", "--data", &data]).settings;
    let parts = startup::open(&settings).await.expect("a data folder");
    let written = Arc::new(DeclarationFiles::open(&settings, parts.clock.clone()).expect("what is written down"));
    parts.maintenance.declare(Arc::new(written.declared())).await.expect("declared");
    take(&parts, OWN, OWN_RECORDS, 0).await;
    take(&parts, OTHER, OTHER_RECORDS, 0).await;
    let readiness = Arc::new(Readiness::default());
    readiness.set_ready();
    let stop = CancellationToken::new();
    let supervisor = Supervisor::new(stop.clone());
    let address: SocketAddr = "127.0.0.1:1".parse().expect("an address");
    let state = http::AppState::new(&settings, address, &parts, written, readiness, supervisor.job_board(), stop);
    House { parts, router: http::router(state), _folder: folder, _supervisor: supervisor }
}

/// Records of a customer; what the other one has is named after it, everywhere.
async fn take(parts: &startup::AppServices, customer: &str, n: usize, round: usize) {
    let word = if customer == OWN { "acme" } else { "zulu" };
    let now = fleet::now();
    let row = |i: usize| {
        let mut row = json!({
            "timestamp": fleet::rfc(now - 60_000 - (i as i64) * 61_000), "run_id": format!("{word}-run-{round}-{i}"),
            "customer": customer, "site": format!("{word}-site"), "zone": format!("{word}-zone"),
            "task": if customer == OWN { "detection" } else { "zulu-task" }, "device": format!("{word}-device"),
            "model_architecture": format!("{word}-model"), "model_version": format!("1.{}", i % 2),
            "detection": {"mAP50": 0.5}, "system": {"inference_time_ms": 9.5}, "custom": {format!("{word}_metric"): 1.0},
        });
        // The same leaf in another group, and a metric of the catalogue that only one reports.
        if customer == OWN {
            row["train"] = json!({"loss": 0.5});
        } else {
            (row["zulu_eval"], row["tracking"]) = (json!({"loss": 0.5}), json!({"HOTA": 0.5}));
        }
        row
    };
    let records = (0..n).map(|i| {
        let Value::Object(map) = row(i) else { unreachable!("a record is an object") };
        domain::record::Record::parse(map, Millis(now)).expect("a record")
    });
    let source = domain::ports::SourceId { kind: "file".into(), name: "/in/acme-and-zulu.jsonl".into() };
    let arrivals = records.zip(1..).map(|(record, line)| domain::ports::ReceivedRecord { record, line }).collect();
    parts.ingestion.append(&source, arrivals, &domain::ports::RefusedCounts::new()).await.expect("taken");
}

impl House {
    async fn ask(&self, method: &str, path: &str, heads: &[(&str, &str)]) -> (u16, String) {
        self.ask_as(Actor::Bound(Name::parse(OWN).expect("a name")), method, path, heads).await
    }

    async fn ask_as(&self, actor: Actor, method: &str, path: &str, heads: &[(&str, &str)]) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:1");
        for (name, value) in heads {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).expect("a request");
        request.extensions_mut().insert(PreAuthenticated(actor));
        let answer = self.router.clone().oneshot(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let streams =
            answer.headers().get("content-type").is_some_and(|t| t.as_bytes().starts_with(b"text/event-stream"));
        if streams {
            return (status, String::new());
        }
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}

/// What is drawn by lot: nonces, and ids of requests. By chance they spell anything.
const DRAWN: &str = r#"nonce="[^"]*"|\b[0-9a-f]{16}\b"#;

/// By which an answer is known to be the catalogue, which lists built-in metrics whoever reports them.
const CATALOGUES: [&str; 2] = [r#""origin":"built_in""#, "metrics and what they mean"];

/// What tells of the other customer: its names in any spelling, and numbers that only come about by counting it.
fn told(body: &str) -> Vec<String> {
    let small = regex::Regex::new(DRAWN).expect("a pattern").replace_all(body, "").to_lowercase();
    let names = small.match_indices("zulu").map(|(at, _)| small[at..].chars().take(20).collect());
    let all = OTHER_RECORDS + OWN_RECORDS;
    let numbers = regex::Regex::new(&format!(
        r"(?:^|[^0-9.,])({OTHER_RECORDS}|{all}|1,{}|1,{})(?:[^0-9]|$)",
        OTHER_RECORDS - 1_000,
        all - 1_000
    ))
    .expect("a pattern");
    // As a column, a key or a choice; the catalogue itself is no secret.
    let hota = small.matches("hota").filter(|_| !CATALOGUES.iter().any(|c| small.contains(c))).map(str::to_owned);
    names.chain(hota).chain(numbers.find_iter(&small).map(|m| m.as_str().to_owned())).collect()
}

/// The address of a route about a customer, or about all; `None` where its path names a place and none is asked for.
fn address(path: &str, customer: Option<&str>) -> Option<String> {
    let word = if customer == Some(OWN) { "acme" } else { "zulu" };
    let metric = |path: &str| {
        path.contains("trend.") || path.ends_with("/trend") || path.contains("worst") || path == "/api/changes"
    };
    let mut pairs: Vec<(String, String)> = vec![];
    let mut to = path.to_owned();
    if path.contains('{') {
        to = to.replace("{customer}", &fleet::encode(customer?));
        to = to.replace("{site}", &format!("{word}-site")).replace("{zone}", &format!("{word}-zone"));
    } else if let Some(customer) = customer {
        pairs.push(("customer".into(), customer.into()));
    }
    if metric(path) {
        pairs.push(("metric".into(), "mAP50".into()));
    }
    if path == "/export/compare.svg" {
        pairs.push(("picture".into(), "scatter".into()));
    }
    // A page that the server alone draws is asked for by its address.
    let drawn = [("/sf/pick", "/compare/pick"), ("/sf/changes", "/changes"), ("/sf/plan", "/compare/plan")];
    if let Some((_, page)) = drawn.iter().find(|(function, _)| *function == path) {
        let named = customer.map(|c| format!("?customer={}", fleet::encode(c))).unwrap_or_default();
        return Some(format!("{path}?address={}", fleet::encode(&format!("{page}{named}"))));
    }
    let function = path.starts_with("/sf/");
    if function && pairs.is_empty() {
        pairs.push(("days".into(), "7".into()));
    }
    let key = |k: &str| if function { format!("ask[{k}]") } else { k.to_owned() };
    let query: Vec<String> = pairs.iter().map(|(k, v)| format!("{}={}", key(k), fleet::encode(v))).collect();
    Some(if query.is_empty() { to } else { format!("{to}?{}", query.join("&")) })
}

/// An answer as it would be about any other name: what was asked for may be repeated, and nothing else.
fn anonymous(body: &str, name: &str) -> String {
    let numbers = regex::Regex::new(r#"[0-9a-f]{16}|\d+|nonce="[^"]*""#).expect("a pattern");
    let body = body.replace(&fleet::encode(name), "…").replace(name, "…");
    numbers.replace_all(&body, "0").into_owned()
}

/// Routes that ask about no place in particular, and tell what there is.
const LISTS: [&str; 5] = ["/api/metrics/catalogue", "/api/places", "/api/palette", "/catalogue", "/sf/catalogue"];

/// What tells of no place: how numbers are judged, and comparisons, of which tests of their own look (`evidence_writes`).
const OF_NO_PLACE: [&str; 9] = [
    "/statistics",
    "/sf/statistics",
    "/compare/registered",
    "/sf/registered",
    "/api/evidence/registrations",
    "/api/evidence/registrations/{id}",
    "/api/evidence/policy",
    // These name models.
    "/api/evidence",
    "/api/evidence/plan",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_answers_about_the_own_customer_and_knows_of_no_other() {
    let house = house().await;
    assert_eq!(told(r#"<script nonce="DZgakWJx-zUhOta66tSKRg">"#), [""; 0], "drawn by lot, and seen");
    // What is looked for is there to be found.
    for path in ["/", "/trends", "/compare", "/records", "/api/palette", "/api/places", "/api/metrics/catalogue"] {
        let (status, body) = house.ask_as(Actor::Operator, "GET", path, &[]).await;
        assert!(status == 200 && !told(&body).is_empty(), "{path}: {status}");
    }
    let (_, summary) = house.ask_as(Actor::Operator, "GET", "/api/metrics/summary", &[]).await;
    assert!(told(&summary).iter().any(|t| t.contains(&(OTHER_RECORDS + OWN_RECORDS).to_string())), "{summary}");
    let (status, body) = house.ask("GET", &format!("/api/metrics/trend?customer={OWN}&metric=loss"), &[]).await;
    assert_eq!((status, told(&body)), (200, vec![]), "a leaf that only others make ambiguous: {body}");
    let (status, body) = house.ask("GET", &format!("/api/metrics/records?customer={OWN}&metric=loss"), &[]).await;
    assert_eq!((status, told(&body)), (200, vec![]), "{body}");
    let (mut answered, mut refused, mut unknown) = (0, 0, 0);
    for route in routes::all() {
        let read = route.action == Action::ReadMetrics;
        if !read {
            let closed = matches!(
                route.action,
                Action::ReadSources
                    | Action::WriteRecords
                    | Action::ReadViews
                    | Action::WriteViews
                    | Action::WriteEvidence
                    | Action::ReadModels
                    | Action::WriteModels
            );
            if closed {
                let path = ["id", "name", "model", "version", "request"];
                let path = path.iter().fold(route.path.clone(), |path, key| path.replace(&format!("{{{key}}}"), "1"));
                let (status, body) = house.ask(&route.method, &path, &[]).await;
                assert_eq!((status, told(&body)), (403, vec![]), "{} {}", route.method, route.path);
                refused += 1;
            }
            continue;
        }
        if OF_NO_PLACE.contains(&&*route.path) {
            continue;
        }
        if LISTS.contains(&&*route.path) {
            let (status, body) = house.ask("GET", &route.path, &[]).await;
            assert_eq!((status, told(&body)), (200, vec![]), "{}: {body}", route.path);
            assert!(body.contains(if route.path.contains("catalogue") { "acme_metric" } else { OWN }), "{body}");
            answered += 1;
            continue;
        }
        let own = address(&route.path, Some(OWN)).expect("every path can name a customer");
        let (status, body) = house.ask("GET", &own, &[("accept", "text/html")]).await;
        assert_eq!((status, told(&body)), (200, vec![]), "{own}: {body}");
        answered += 1;
        if let Some(all) = address(&route.path, None) {
            let (status, body) = house.ask("GET", &all, &[("accept", "text/html")]).await;
            assert_eq!((status, told(&body)), (403, vec![]), "{all}: {body}");
            refused += 1;
        }
        let mut answers = vec![];
        for name in [OTHER, NOBODY] {
            let Some(address) = address(&route.path, Some(name)) else { continue };
            for heads in [&[][..], &[("if-none-match", "*")]] {
                let (status, body) = house.ask("GET", &address, heads).await;
                assert!(status == 404 || (status == 403 && route.path == "/api/events"), "{address}: {status} {body}");
                answers.push((status, anonymous(&body, name)));
            }
        }
        assert!(answers.windows(2).all(|w| w[0] == w[1]), "{} tells {OTHER} from {NOBODY}: {answers:#?}", route.path);
        unknown += 1;
    }
    println!("{answered} routes answered about the own customer, {refused} refused, {unknown} know no other");
    assert!(answered >= 28 && refused >= 30 && unknown >= 28, "{answered} {refused} {unknown}");
}

/// Names of the other in questions about the own customer: as unknown as names that nobody has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_another_customer_are_as_unknown_as_names_of_nobody() {
    let house = house().await;
    let words = [("metric", "mAP50"), ("model", "model"), ("device", "device"), ("task", "task")];
    for (key, word) in words {
        let mut answers = vec![];
        for whose in ["zulu", "nono"] {
            let name = if key == "metric" { format!("{whose}_metric") } else { format!("{whose}-{word}") };
            let path = if matches!(key, "metric" | "model") { "/api/metrics/trend" } else { "/api/metrics/summary" };
            let metric = if key == "model" { "&metric=mAP50" } else { "" };
            let (status, body) = house.ask("GET", &format!("{path}?customer={OWN}&{key}={name}{metric}"), &[]).await;
            assert!((400..500).contains(&status), "{key}: {status} {body}");
            answers.push((status, anonymous(&body, &name)));
            let (status, body) =
                house.ask("GET", &format!("/api/metrics/records?customer={OWN}&{key}={name}"), &[]).await;
            answers.push((status, anonymous(&body, &name)));
        }
        assert_eq!(answers[..2], answers[2..], "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_tells_of_the_own_customer_and_is_silent_about_others() {
    let house = house().await;
    let actor = Actor::Bound(Name::parse(OWN).expect("a name"));
    let mut request = Request::get(format!("/api/events?customer={OWN}")).header("host", "127.0.0.1:1");
    request.extensions_mut().expect("extensions").insert(PreAuthenticated(actor));
    let answer =
        house.router.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let mut stream = answer.into_body().into_data_stream();
    let mut next = async |most: u64| {
        let part = tokio::time::timeout(Duration::from_secs(most), stream.next()).await.ok()?;
        Some(String::from_utf8_lossy(&part?.expect("an event")).into_owned())
    };
    assert!(next(5).await.is_some_and(|first| first.contains("event: tick")));
    // Of the same names: that there is something new to ask about, everybody is told.
    take(&house.parts, OTHER, 5, 1).await;
    assert_eq!(next(2).await, None, "another customer's records");
    take(&house.parts, OWN, 1, 1).await;
    assert!(next(5).await.is_some_and(|event| event.contains("event: records")), "its own");
}
