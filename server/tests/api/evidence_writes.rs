//! What is registered and set by hand: comparisons and policies by REST and by forms without a script, who may, and what somebody bound to one
//! customer sees of them.

use std::{net::SocketAddr, sync::Arc};

use axum::{body::Body, http::Request};
use clap::Parser;
use domain::{access::Actor, text::Name};
use serde_json::{Value, json};
use server::{
    auth::PreAuthenticated,
    config::Settings,
    declarations::DeclarationFiles,
    http,
    jobs::{Readiness, Supervisor},
    startup,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    evidence::{PAIR, fleet_of, folder_of, registered, registrations},
    fleet::{self, DAY, ms, rfc},
    process::{Folder, Served},
    tokens::{ask, token},
    wire::Answer,
};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const HTML: (&str, &str) = ("Accept", "text/html,application/xhtml+xml");
const HERE: (&str, &str) = ("Sec-Fetch-Site", "same-origin");
const REGISTRATIONS: &str = "/api/evidence/registrations";
const POLICY: &str = "/api/evidence/policy";

fn acme() -> Vec<Value> {
    fleet_of("acme", 6, [6, 1], |_| 0.05, 0.01)
}

/// The question about acme, with other fields laid over it; null takes one away.
fn wanted(fields: Value) -> Value {
    let mut all = json!({"champion": "det:1", "challenger": "det:2", "customer": "acme"});
    let map = all.as_object_mut().expect("an object");
    map.extend(fields.as_object().expect("an object").clone());
    map.retain(|_, v| !v.is_null());
    all
}

async fn send(served: &Served, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let answer = ask(served, method, path, &[JSON], &body.to_string()).await;
    let json = serde_json::from_str(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.body));
    (answer.status, json)
}

async fn register(served: &Served, fields: Value) -> (u16, Value) {
    send(served, "POST", REGISTRATIONS, &wanted(fields)).await
}

/// That it is a problem as RFC 9457 has it, whose detail is a sentence with these words.
#[track_caller]
fn refused(answer: &Answer, statuses: &[u16], words: &str) {
    assert!(statuses.contains(&answer.status), "{words}: {} {}", answer.status, answer.body);
    assert_eq!(answer.all("content-type"), ["application/problem+json"], "{}", answer.body);
    let problem: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(problem["status"], answer.status, "{problem}");
    assert!(problem["title"].is_string() && problem["type"].is_string(), "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains(words)), "“{words}” is not in {problem}");
}

#[tokio::test]
async fn a_registration_is_kept_refused_twice_and_superseded_in_sight() {
    let folder = folder_of(&acme());
    let served = Served::start(&folder, &[]).await;
    let before = fleet::now();
    let (status, first) =
        register(&served, json!({"days": 7, "margin": 0.02, "minimum_effect": 0.03, "claims": ["recall"]})).await;
    assert_eq!(status, 201, "{first}");
    let is = json!({"champion": "det:1", "challenger": "det:2", "customer": "acme", "metric": "mAP50", "margin": 0.02,
        "minimum_effect": 0.03, "claims": ["recall"], "looks": 0, "supersedes": null, "superseded_by": null, "verdict": null});
    for (key, value) in is.as_object().expect("an object") {
        assert_eq!(&first[key], value, "{key} of {first}");
    }
    let [start, horizon] = ["start", "horizon"].map(|k| ms(first[k].as_str().expect("a time")));
    assert!(horizon - start == 7 * DAY && (before..before + 30_000).contains(&start), "{first}");
    assert!(first["registered_by"]["actor"].is_string(), "{first}");
    let again = ask(&served, "POST", REGISTRATIONS, &[JSON], &wanted(json!({"days": 9})).to_string()).await;
    refused(&again, &[400], &format!("comparison {} asks the same and is in force", first["id"]));
    // Otherwise spelt, it is the same question; another place, task, metric or challenger is another one.
    let spelt = ask(&served, "POST", REGISTRATIONS, &[JSON], &wanted(json!({"metric": "map50"})).to_string()).await;
    refused(&spelt, &[400], "asks the same");
    for other in
        [json!({"site": "s1"}), json!({"task": "detection"}), json!({"metric": "recall"}), json!({"customer": null})]
    {
        assert_eq!(register(&served, other.clone()).await.0, 201, "{other}");
    }
    // One that takes its place begins now or later.
    let past = wanted(json!({"supersedes": first["id"], "start": rfc(fleet::now() - DAY), "days": 14}));
    let past = ask(&served, "POST", REGISTRATIONS, &[JSON], &past.to_string()).await;
    refused(&past, &[400], "starts no earlier than now");
    let (status, second) = register(&served, json!({"supersedes": first["id"], "days": 30})).await;
    assert_eq!((status, &second["supersedes"]), (201, &first["id"]), "{second}");
    let old = served.json(&format!("{REGISTRATIONS}/{}", first["id"])).await;
    assert_eq!(old["superseded_by"], second["id"], "{old}");
    for (field, number, words) in
        [("supersedes", first["id"].clone(), "asks the same"), ("supersedes", json!(999), "no comparison 999")]
    {
        let body = wanted(json!({field: number}));
        refused(&ask(&served, "POST", REGISTRATIONS, &[JSON], &body.to_string()).await, &[400, 404], words);
    }
    let foreign = wanted(json!({"supersedes": second["id"], "site": "s2"}));
    let foreign = ask(&served, "POST", REGISTRATIONS, &[JSON], &foreign.to_string()).await;
    refused(&foreign, &[400], "of the same models, scope, task and primary metric");
    let ids: Vec<i64> = registrations(&served).await.iter().map(|r| r["id"].as_i64().expect("a number")).collect();
    assert!(ids.len() == 6 && ids.is_sorted_by(|a, b| a > b), "newest first: {ids:?}");
    // It is judged by the one in force, from its own start on.
    let answer = served.json(&format!("/api/evidence?{PAIR}&customer=acme")).await;
    assert_eq!((&answer["comparison"], &answer["start"]), (&second["id"], &second["start"]), "{answer}");
    assert_eq!((&answer["verdict"], &answer["provisional"]), (&json!("not_decisive"), &json!(true)), "{answer}");
}

#[tokio::test]
async fn a_comparison_that_is_registered_beforehand_says_when_it_begins() {
    let folder = folder_of(&acme());
    let served = Served::start(&folder, &[]).await;
    let start = fleet::now() + 2 * DAY;
    let (status, kept) = register(&served, json!({"start": rfc(start), "days": 5})).await;
    assert_eq!((status, &kept["horizon"]), (201, &json!(rfc(start + 5 * DAY))), "{kept}");
    let answer = served.json(&format!("/api/evidence?{PAIR}&customer=acme")).await;
    assert!(answer["sentence"].as_str().is_some_and(|s| s.contains("the comparison begins at")), "{answer}");
    assert_eq!((&answer["verdict"], &answer["days_left"]), (&json!("not_decisive"), &json!(7)), "{answer}");
}

#[tokio::test]
async fn what_is_no_registration_is_refused_with_a_sentence() {
    let folder = folder_of(&acme());
    let served = Served::start(&folder, &[]).await;
    let now = fleet::now();
    for (fields, statuses, words) in [
        (json!({"start": rfc(now - 30 * DAY), "horizon": rfc(now - 10 * DAY)}), &[400][..], "lies in the past"),
        (json!({"horizon": rfc(now - DAY)}), &[400], "lies before the start"),
        (json!({"start": rfc(now + 9 * DAY), "horizon": rfc(now + 8 * DAY)}), &[400], "lies before the start"),
        (json!({"days": 2}), &[400], "at least 3 days"),
        (json!({"days": 367}), &[400], "at most 366 days"),
        (json!({"days": u32::MAX}), &[400], "at most 366 days"),
        (json!({"challenger": "det:1"}), &[400], "is held against itself"),
        (json!({"champion": "det"}), &[400], "share records"),
        (json!({"challenger": "det:77"}), &[404], "det"),
        (json!({"challenger": ""}), &[400], "challenger"),
        (json!({"challenger": null}), &[400], "challenger"),
        (json!({"customer": "nobody"}), &[404], "nobody"),
        (json!({"metric": "nonsense"}), &[400, 404], "nonsense"),
        (json!({"claims": ["nonsense"]}), &[400, 404], "nonsense"),
        (json!({"metric": "gpu_util"}), &[400], "neither more nor less"),
        (json!({"design": "nonsense"}), &[400], "“nonsense” is no design"),
        (json!({"margin": -0.01}), &[400], "a margin is a number of zero or more"),
        (json!({"minimum_effect": 0}), &[400], "a minimum effect is a number above zero"),
        (json!({"share": 0}), &[400], "a share is a number above zero"),
        (json!({"margin": "wide"}), &[400], "cannot be read"),
        (json!({"start": "someday"}), &[400], "someday"),
        (json!({"colour": "red"}), &[400], "colour"),
    ] {
        let answer = ask(&served, "POST", REGISTRATIONS, &[JSON], &wanted(fields.clone()).to_string()).await;
        println!("{fields}: {} {}", answer.status, answer.body);
        refused(&answer, statuses, words);
    }
    for body in
        ["", "{", "[]", "null", "{\"champion\": \"det:1\"}", "\u{feff}{}", "{\"margin\": NaN}", "{\"margin\": 1e999}"]
    {
        refused(&ask(&served, "POST", REGISTRATIONS, &[JSON], body).await, &[400], "");
    }
    let body = wanted(json!({})).to_string();
    refused(&ask(&served, "POST", REGISTRATIONS, &[FORM], &body).await, &[415], "application/json");
    refused(&ask(&served, "POST", REGISTRATIONS, &[], &body).await, &[415], "application/json");
    let foreign = [JSON, ("Origin", "https://evil.example.com"), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(ask(&served, "POST", REGISTRATIONS, &foreign, &body).await.status, 403);
    assert_eq!(registrations(&served).await, [] as [Value; 0], "nothing was kept");
    for (query, status, words) in [
        ("champion=det:1", 400, "name the challenger"),
        ("challenger=det:2", 400, "name the champion"),
        ("champion=det:1&challenger=det:1", 400, "is held against itself"),
        ("champion=det&challenger=det:2", 400, "share records"),
        ("champion=det:1&challenger=det:2&metric=gpu_util", 400, "neither more nor less"),
        ("champion=det:1&challenger=det:2&metric=nonsense", 404, "nonsense"),
        ("champion=det:1&challenger=det:2&colour=red", 400, "colour"),
        ("champion=det:1&challenger=det:2&challenger=det:3", 400, "challenger"),
        ("champion=det:1&challenger=det:2&days=0", 400, "days"),
        ("champion=det:1&challenger=det:2&site=s1", 400, "site"),
    ] {
        let answer = ask(&served, "GET", &format!("/api/evidence?{query}"), &[], "").await;
        refused(&answer, &[status, 400], words);
    }
    let unknown = ask(&served, "GET", "/api/evidence/registrations?customer=acme", &[], "").await;
    refused(&unknown, &[400], "customer");
    refused(&ask(&served, "GET", "/api/evidence/registrations/x", &[], "").await, &[404], "no such comparison");
}

#[tokio::test]
async fn a_viewer_looks_and_registers_nothing() {
    let folder = folder_of(&acme());
    let body = wanted(json!({})).to_string();
    let policy = json!({"model": "det", "days": 5}).to_string();
    {
        let served = Served::start(&folder, &[("GF_HOSTS", "metrics.example.com")]).await;
        for (method, path, body) in [("POST", REGISTRATIONS, &body), ("PUT", POLICY, &policy)] {
            let answer = ask(&served, method, path, &[JSON], body).await;
            refused(&answer, &[403], "can only be read");
        }
        let form = ask(
            &served,
            "POST",
            "/compare/registered",
            &[FORM, HTML, HERE],
            "act=register&champion=det:1&challenger=det:2",
        )
        .await;
        assert_eq!((form.status, form.all("location").len()), (403, 0), "{}", form.body);
        let page = ask(&served, "GET", "/compare/registered", &[HTML], "").await;
        assert!(page.status == 200 && !page.body.contains("action=\"/compare/registered\""), "{}", page.body);
        for path in [&format!("/api/evidence?{PAIR}&customer=acme"), REGISTRATIONS, "/api/evidence/policy?model=det"] {
            assert_eq!(ask(&served, "GET", path, &[], "").await.status, 200, "{path}");
        }
        // A look is noted, whoever looks.
        assert_eq!(registered(&served, 1).await[0]["registered_by"], "first_look");
    }
    let (kim, lee) = (token(&folder, "kim", "viewer"), token(&folder, "lee", "operator"));
    let served = Served::start(&folder, &[]).await;
    let bearer = |t: &str| format!("Bearer {t}");
    let body = wanted(json!({"metric": "recall"})).to_string();
    for (method, path, body) in [("POST", REGISTRATIONS, &body), ("PUT", POLICY, &policy)] {
        assert_eq!(ask(&served, method, path, &[JSON], body).await.status, 401, "nobody");
        let answer = ask(&served, method, path, &[JSON, ("Authorization", &bearer(&kim))], body).await;
        refused(&answer, &[403], "kim may not do this");
        let answer = ask(&served, method, path, &[JSON, ("Authorization", &bearer(&lee))], body).await;
        assert!([200, 201].contains(&answer.status), "{}", answer.body);
        assert!(answer.body.contains("lee"), "who did it is kept: {}", answer.body);
    }
    assert_eq!(ask(&served, "GET", REGISTRATIONS, &[("Authorization", &bearer(&kim))], "").await.status, 200);
}

#[tokio::test]
async fn a_policy_holds_for_looks_to_come_and_no_change_of_it_is_lost() {
    let mut records = [acme(), fleet_of("zulu", 6, [6, 1], |_| 0.05, 0.01)].concat();
    // 20 ms of the champion, 23 of the challenger.
    for r in records.iter_mut().filter(|r| r["model_version"] == "2") {
        r["system"]["inference_time_ms"] = json!(r["system"]["inference_time_ms"].as_f64().unwrap() + 3.0);
    }
    let folder = folder_of(&records);
    let served = Served::start(&folder, &[]).await;
    let get = async || served.json("/api/evidence/policy?model=det:2").await;
    let usual = get().await;
    assert_eq!((&usual["model"], &usual["days"], &usual["changed"]), (&json!("det"), &json!(14), &Value::Null));
    let rails = usual["guard_rails"].as_array().expect("rails");
    let rail =
        |metric: &str| rails.iter().find(|r| r["metric"] == metric).unwrap_or_else(|| panic!("{metric} of {usual}"));
    assert_eq!(rail("inference_time_ms")["rail"], json!({"device_limit": 30.0}));
    for metric in ["mAP50", "mAP50_95", "precision", "recall", "mota", "idf1", "hota"] {
        assert_eq!(rail(metric)["rail"], json!({"margin": 0.01}));
    }
    // Registered by the usual one.
    served.json(&format!("/api/evidence?{PAIR}&customer=acme")).await;
    let old = registered(&served, 1).await[0].clone();
    let put = async |body: Value| send(&served, "PUT", POLICY, &body).await;
    let (status, set) = put(json!({"model": "det:2", "days": 5, "guard_rails": [
        {"metric": "recall", "rail": {"margin": 0.5}}, {"metric": "recall", "customer": "acme", "site": "s1", "rail": "off"},
        {"metric": "inference_time_ms", "rail": {"device_limit": 21.5}},
    ]})).await;
    assert_eq!((status, &set["days"]), (200, &json!(5)), "{set}");
    assert_eq!(get().await, set);
    assert_eq!(set["guard_rails"].as_array().map(Vec::len), Some(3), "{set}");
    for stale in
        [json!({"model": "det", "days": 9}), json!({"model": "det", "days": 9, "seen": rfc(fleet::now() - DAY)})]
    {
        let answer = ask(&served, "PUT", POLICY, &[JSON], &stale.to_string()).await;
        refused(&answer, &[400, 409], "somebody else changed the policy of det meanwhile");
    }
    let (status, next) = put(json!({"model": "det", "days": 6, "seen": set["changed"]})).await;
    assert_eq!((status, &next["days"], &next["guard_rails"]), (200, &json!(6), &set["guard_rails"]), "{next}");
    let lost =
        ask(&served, "PUT", POLICY, &[JSON], &json!({"model": "det", "days": 7, "seen": set["changed"]}).to_string())
            .await;
    refused(&lost, &[400, 409], "meanwhile");
    assert_eq!(get().await, next);
    // The next first look: six days, and a limit on latency that is broken.
    let fresh = served.json(&format!("/api/evidence?{PAIR}&customer=zulu")).await;
    let [start, horizon] = ["start", "horizon"].map(|k| ms(fresh[k].as_str().expect("a time")));
    assert_eq!(horizon - start, 6 * DAY);
    let latency =
        |a: &Value| a["guard_rails"].as_array().unwrap().iter().find(|r| r["metric"] == "inference_time_ms").cloned();
    assert_eq!(latency(&fresh).expect("a rail")["standing"], "broken", "{fresh}");
    assert!(
        fresh["verdict"] == "worse" && fresh["sentence"].as_str().unwrap().contains("the guard-rail on"),
        "{fresh}"
    );
    // The one that was registered before keeps its own.
    let kept = served.json(&format!("/api/evidence?{PAIR}&customer=acme")).await;
    assert_eq!((&kept["horizon"], &kept["verdict"]), (&old["horizon"], &json!("better")), "{kept}");
    assert_eq!(latency(&kept).expect("a rail")["standing"], "kept", "{kept}");
    for (body, words) in [
        (json!({"model": "det", "days": 2}), "3 to 366 days"),
        (json!({"model": "det", "days": 367}), "3 to 366 days"),
        (json!({"model": "nothing"}), "nothing"),
        (json!({"days": 5}), "model"),
        (json!({"model": "det", "colour": "red"}), "colour"),
        (json!({"model": "det", "guard_rails": [{"metric": "nonsense", "rail": "off"}]}), "nonsense"),
        (
            json!({"model": "det", "guard_rails": [{"metric": "recall", "rail": {"margin": -1}}]}),
            "a margin of zero or more",
        ),
        (json!({"model": "det", "guard_rails": [{"metric": "recall", "rail": "on"}]}), "on"),
        (json!({"model": "det", "guard_rails": [{"metric": "recall", "site": "s1", "rail": "off"}]}), "customer"),
        (json!({"model": "det", "seen": "whenever"}), "whenever"),
    ] {
        let answer = ask(&served, "PUT", POLICY, &[JSON], &body.to_string()).await;
        println!("{body}: {} {}", answer.status, answer.body);
        refused(&answer, &[400, 404], words);
    }
    assert_eq!(get().await, next);
    refused(&ask(&served, "GET", POLICY, &[], "").await, &[400], "name the model");
    refused(&ask(&served, "GET", "/api/evidence/policy?model=nothing", &[], "").await, &[404], "nothing");
}

#[tokio::test]
async fn a_plan_says_what_so_many_sites_and_days_would_show() {
    let folder = folder_of(&fleet_of("acme", 6, [50, 1], |_| 0.0, 0.1));
    let served = Served::start(&folder, &[]).await;
    let plan =
        async |query: &str| served.json(&format!("/api/evidence/plan?champion=det:1&customer=acme{query}")).await;
    let usual = plan("").await;
    assert_eq!(
        (&usual["metric"], &usual["sites"], &usual["days"], &usual["sites_now"]),
        (&json!("mAP50"), &json!(6), &json!(14), &json!(6))
    );
    let power = |a: &Value| a["plan"]["as_planned"]["power"].as_f64().unwrap_or_else(|| panic!("{a}"));
    let [small, many, long, large] = [
        plan("&effect=0.005").await,
        plan("&effect=0.005&sites=40").await,
        plan("&effect=0.005&days=90").await,
        plan("&effect=0.2").await,
    ];
    for a in [&usual, &small, &many, &long, &large] {
        assert!(
            (0.0..=1.0).contains(&power(a))
                && a["sentence"].as_str().is_some_and(|s| s.contains("would be called better")),
            "{a}"
        );
    }
    assert!(
        power(&small) < power(&many) && power(&small) <= power(&long) && power(&large) > 0.99,
        "{small} {many} {large}"
    );
    for (query, status, words) in [
        ("&effect=0", 400, "an effect is a number above zero"),
        ("&effect=NaN", 400, "an effect is a number above zero"),
        ("&effect=x", 400, "effect is a number"),
        ("&sites=1", 400, "2 to 10,000 sites"),
        ("&sites=1.5", 400, "sites is a whole number"),
        ("&days=0", 400, "1 to 366 days"),
        ("&days=x", 400, "days is a whole number"),
        ("&metric=gpu_util", 400, "neither more nor less"),
        ("&metric=nonsense", 404, "nonsense"),
        ("&challenger=det:2", 400, "challenger"),
    ] {
        let path = format!("/api/evidence/plan?champion=det:1&customer=acme{query}");
        refused(&ask(&served, "GET", &path, &[], "").await, &[status, 400], words);
    }
    let nothing = served.json("/api/evidence/plan?champion=det:1&site=s1&customer=acme").await;
    assert_eq!(nothing["plan"], Value::Null, "{nothing}");
    assert!(nothing["sentence"].as_str().is_some_and(|s| s.contains("too few records")), "{nothing}");
}

/// A defect: the form refuses it.
#[tokio::test]
async fn a_guard_rail_of_nowhere_is_refused() {
    let folder = folder_of(&acme());
    let served = Served::start(&folder, &[]).await;
    let body = json!({"model": "det", "guard_rails": [{"metric": "recall", "customer": "nobody", "rail": "off"}]});
    refused(&ask(&served, "PUT", POLICY, &[JSON], &body.to_string()).await, &[400, 404], "nobody");
}

/// A defect: the earlier half is that of the eight weeks and not of the champion's own days.
#[tokio::test]
async fn a_champion_of_three_weeks_has_a_plan() {
    let folder = folder_of(&fleet_of("acme", 6, [21, 1], |_| 0.0, 0.1));
    let served = Served::start(&folder, &[]).await;
    let plan = served.json("/api/evidence/plan?champion=det:1&customer=acme").await;
    assert!(plan["plan"]["as_planned"].is_object(), "{plan}");
}

/// Where an answer leads; it must be elsewhere than the form, by GET.
#[track_caller]
fn leads(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.all("location")[0].to_owned()
}

#[tokio::test]
async fn a_form_without_a_script_registers_sets_and_says_what_is_wrong_beside_its_field() {
    let folder = folder_of(&acme());
    let served = Served::start(&folder, &[]).await;
    let plain = async |fields: &str| ask(&served, "POST", "/compare/registered", &[HTML, FORM, HERE], fields).await;
    let page = async |path: &str| ask(&served, "GET", path, &[HTML, HERE], "").await;
    let form = page("/compare/registered?champion=det:1&challenger=det:2&customer=acme").await;
    for part in [r#"action="/compare/registered""#, r#"method="post""#, r#"value="det:2""#, r#"value="acme""#] {
        assert!(form.status == 200 && form.body.contains(part), "{part} is not in {}", form.body);
    }
    let pair = "act=register&champion=det:1&challenger=det:2&customer=acme";
    for (field, typed, words) in [
        ("margin", "wide", "“wide” is no number"),
        ("margin", "-1", "a margin is a number of zero or more"),
        ("margin", "NaN", "a margin is a number of zero or more"),
        ("minimum_effect", "0", "a minimum effect is a number above zero"),
        ("days", "soon", "“soon” is no number"),
        ("days", "2", "at least 3 days"),
        ("days", "-5", "is no number"),
        ("start", "someday", "someday"),
        ("metric", "gpu_util", "neither more nor less"),
        ("challenger", "det:1", "is held against itself"),
        ("challenger", "", "name a model"),
    ] {
        let fields = match field {
            "challenger" => format!("act=register&champion=det:1&customer=acme&margin=0.0123&challenger={typed}"),
            _ => format!("{pair}&{field}={typed}{}", if field == "margin" { "" } else { "&margin=0.0123" }),
        };
        let answer = plain(&fields).await;
        assert!(answer.all("location").is_empty(), "{fields}: {}", answer.body);
        let body = answer.body.replace("<!>", "").replace("&quot;", "\"");
        // Between the field and what explains it.
        let beside =
            body.split(&format!("-{field}\" name=")).nth(1).or_else(|| body.split(&format!("name=\"{field}\"")).nth(1));
        let beside = beside.and_then(|b| b.split("</div>").next()).unwrap_or_else(|| panic!("{field}: {body}"));
        assert!(beside.contains(words) && beside.contains("role=\"alert\""), "{fields}: {beside}");
        for value in [typed, "acme", if field == "margin" { "det:2" } else { "0.0123" }] {
            assert!(value.is_empty() || body.contains(&format!("value=\"{value}\"")), "{fields}: {value} is gone");
        }
    }
    // What no record names is said above the form.
    for (field, typed, words) in [
        ("metric", "nonsense", "nonsense"),
        ("site", "nowhere", "nowhere"),
        ("device", "abacus", "abacus"),
        ("supersedes", "99", "there is no comparison 99"),
    ] {
        let answer = plain(&format!("{pair}&{field}={typed}&margin=0.0123")).await;
        let body = answer.body.replace("<!>", "");
        let said = body.split("role=\"alert\"").nth(1).and_then(|b| b.split('<').next());
        assert!(said.is_some_and(|s| s.contains(words)), "{field}: {said:?} in {body}");
        assert!(answer.all("location").is_empty() && body.contains("value=\"0.0123\""), "{body}");
    }
    assert_eq!(registrations(&served).await, [] as [Value; 0]);
    for heads in [[("Sec-Fetch-Site", "cross-site"), FORM, HTML], [("Origin", "https://evil.example.com"), FORM, HTML]]
    {
        let foreign = ask(&served, "POST", "/compare/registered", &heads, pair).await;
        assert_eq!((foreign.status, foreign.all("location").len()), (403, 0), "{}", foreign.body);
    }
    assert_eq!(registrations(&served).await, [] as [Value; 0]);
    let to = leads(&plain(&format!("{pair}&days=21&margin=0.0123&minimum_effect=&start=&metric=")).await);
    let done = page(&to).await;
    let kept = registrations(&served).await;
    assert_eq!((kept.len(), &kept[0]["margin"]), (1, &json!(0.0123)), "{kept:?}");
    let said = done.body.replace("<!>", "");
    assert!(said.contains(&format!("Comparison {} is registered.", kept[0]["id"])), "{to}: {said}");
    let twice = plain(pair).await;
    assert!(twice.all("location").is_empty() && registrations(&served).await.len() == 1, "{}", twice.body);
    let to = leads(&plain(&format!("{pair}&days=9&supersedes={}", kept[0]["id"])).await);
    assert!(to.contains("done=registered") && registrations(&served).await.len() == 2, "{to}");
    let of_page = page("/compare/registered").await.body.replace("<!>", "");
    assert!(of_page.contains("superseded by") && of_page.contains("supersedes"), "{of_page}");
    // A guard-rail, which the page of its model says.
    let to = leads(&plain("act=rail&champion=det:2&metric=recall&customer=acme&rail=margin&bound=0.25&seen=").await);
    assert!(page(&to).await.body.replace("<!>", "").contains("It is set."), "{to}");
    let policy = served.json("/api/evidence/policy?model=det").await;
    assert!(
        policy["guard_rails"].as_array().unwrap().contains(
            &json!({"metric": "recall", "customer": "acme", "site": null, "zone": null, "rail": {"margin": 0.25}})
        ),
        "{policy}"
    );
    let lost = plain("act=days&champion=det:2&days=9&seen=").await;
    assert!(lost.all("location").is_empty(), "{}", lost.body);
    assert_eq!(served.json("/api/evidence/policy?model=det").await["days"], 14);
    let bad = plain("act=rail&champion=det:2&metric=recall&customer=acme&rail=margin&bound=deep").await;
    assert!(
        bad.status < 500 && bad.body.contains("“deep” is no number") && bad.body.contains("value=\"deep\""),
        "{}",
        bad.body
    );
    for nonsense in ["act=nonsense", "act=", "nonsense"] {
        let answer = plain(nonsense).await;
        assert!(answer.status < 500 && answer.all("location").is_empty(), "{nonsense}: {}", answer.body);
    }
}

/// A defect: faults of hidden fields (`supersedes`, `seen`, and `primary`, which there is none of) are said nowhere.
#[tokio::test]
async fn what_is_wrong_with_a_hidden_field_is_said_on_the_page() {
    let folder = folder_of(&acme());
    let served = Served::start(&folder, &[]).await;
    let plain = async |fields: &str| ask(&served, "POST", "/compare/registered", &[HTML, FORM, HERE], fields).await;
    let pair = "act=register&champion=det:1&challenger=det:2&customer=acme";
    leads(&plain(pair).await);
    leads(&plain("act=days&champion=det:2&days=9&seen=").await);
    for (fields, words) in [
        (pair.to_owned(), "asks the same and is in force"),
        (format!("{pair}&site=s1&supersedes=1"), "supersedes one of the same models"),
        ("act=days&champion=det:2&days=10&seen=".to_owned(), "somebody else changed the policy"),
    ] {
        let answer = plain(&fields).await;
        assert!(answer.body.replace("<!>", "").contains(words), "{fields}: {}", answer.body);
    }
}

/// A defect: unlike that of `/views`, the page that says what was wrong is no refusal to programs and proxies.
#[tokio::test]
async fn a_form_that_is_refused_has_the_status_of_a_refusal() {
    let folder = folder_of(&acme());
    let served = Served::start(&folder, &[]).await;
    for fields in
        ["act=register&champion=det:1&challenger=det:2&margin=wide", "act=nonsense", "act=days&champion=det:2&days=1"]
    {
        let answer = ask(&served, "POST", "/compare/registered", &[HTML, FORM, HERE], fields).await;
        assert_eq!(answer.status, 400, "{fields}");
    }
}

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    settings: Settings,
}

/// The router of a server in this process, so that somebody bound to a customer can stand in front of it.
async fn in_process(folder: &Folder) -> (axum::Router, startup::AppServices, Supervisor) {
    let settings = Command::parse_from(["test", "--data", &folder.data().display().to_string()]).settings;
    let parts = startup::open(&settings).await.expect("a data folder");
    let written = Arc::new(DeclarationFiles::open(&settings, parts.clock.clone()).expect("what is written down"));
    parts.maintenance.declare(Arc::new(written.declared())).await.expect("declared");
    let readiness = Arc::new(Readiness::default());
    readiness.set_ready();
    let stop = CancellationToken::new();
    let supervisor = Supervisor::new(stop.clone());
    let address: SocketAddr = "127.0.0.1:1".parse().expect("an address");
    let state = http::AppState::new(&settings, address, &parts, written, readiness, supervisor.job_board(), stop);
    (http::router(state), parts, supervisor)
}

/// A server of two customers with records, and somebody who is bound to one.
struct Bound {
    router: axum::Router,
    parts: startup::AppServices,
    _supervisor: Supervisor,
    _folder: Folder,
}

impl Bound {
    async fn start() -> Self {
        let mut zulu = fleet_of("zulu", 6, [6, 1], |_| -0.05, 0.01);
        zulu.iter_mut().for_each(|r| r["custom"] = json!({"zulu_loss": 0.5}));
        let folder = folder_of(&[acme(), zulu].concat());
        let (router, parts, supervisor) = in_process(&folder).await;
        Self { router, parts, _supervisor: supervisor, _folder: folder }
    }
    async fn request(&self, actor: Actor, method: &str, path: &str, body: &Value) -> (u16, String) {
        let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:1").header(JSON.0, JSON.1);
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let mut request = request.body(body).expect("a request");
        request.extensions_mut().insert(PreAuthenticated(actor));
        let answer = self.router.clone().oneshot(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        (status, String::from_utf8_lossy(&body).into_owned())
    }
    async fn operator(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        self.request(Actor::Operator, method, path, body).await
    }
    async fn tries(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        self.request(Actor::Bound(Name::parse("acme").expect("a name")), method, path, body).await
    }
    async fn bound(&self, path: &str) -> (u16, String) {
        self.tries("GET", path, &Value::Null).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_bound_to_a_customer_asks_about_it_and_sees_no_registration_of_the_fleet() {
    let b = Bound::start().await;
    // What somebody registered of all, of the other, and of its own.
    let mut ids = vec![];
    for customer in [Value::Null, json!("zulu"), json!("acme")] {
        let (status, body) =
            b.operator("POST", REGISTRATIONS, &wanted(json!({"customer": customer, "metric": "recall"}))).await;
        assert_eq!(status, 201, "{body}");
        ids.push(serde_json::from_str::<Value>(&body).expect("JSON")["id"].clone());
    }
    let (status, body) = b.bound(&format!("/api/evidence?{PAIR}&customer=acme&site=s1")).await;
    assert!(status == 200 && body.contains("the two share 1 site"), "{status} {body}");
    let (status, body) = b.bound(&format!("/api/evidence?{PAIR}&customer=acme")).await;
    assert!(status == 200 && body.contains("\"better\"") && !body.contains("zulu"), "{status} {body}");
    b.parts.evidence.write_looks().await.expect("written");
    let (status, body) = b.bound(REGISTRATIONS).await;
    let seen: Value = serde_json::from_str(&body).expect("JSON");
    let seen = seen["comparisons"].as_array().expect("a list");
    assert!(status == 200 && seen.iter().all(|c| c["customer"] == "acme") && seen.len() == 3, "{body}");
    let (_, all) = b.operator("GET", REGISTRATIONS, &Value::Null).await;
    assert_eq!(serde_json::from_str::<Value>(&all).expect("JSON")["comparisons"].as_array().map(Vec::len), Some(5));
    let of = async |id: &Value| b.bound(&format!("{REGISTRATIONS}/{id}")).await;
    assert_eq!(of(&ids[2]).await.0, 200);
    let unknown = of(&json!(4711)).await;
    for id in &ids[..2] {
        let (status, body) = of(id).await;
        assert_eq!(status, 404, "{body}");
        let detail = |body: &str, id: &Value| {
            serde_json::from_str::<Value>(body).expect("JSON")["detail"].as_str().unwrap().replace(&id.to_string(), "…")
        };
        assert_eq!(detail(&body, id), detail(&unknown.1, &json!(4711)), "as unknown as what there is not");
    }
    // Neither all, nor the other; and nothing is set.
    for (path, status) in [
        (format!("/api/evidence?{PAIR}"), 403),
        (format!("/api/evidence?{PAIR}&customer=zulu"), 404),
        (format!("/api/evidence?{PAIR}&customer=nobody"), 404),
        ("/api/evidence/plan?champion=det:1".into(), 403),
        ("/api/evidence/plan?champion=det:1&customer=zulu".into(), 404),
        ("/api/changes?metric=mAP50".into(), 403),
        ("/api/changes?metric=mAP50&customer=zulu".into(), 404),
        ("/api/evidence/policy?model=det".into(), 403),
    ] {
        let (got, body) = b.bound(&path).await;
        assert_eq!(got, status, "{path}: {body}");
    }
    for path in ["/api/changes?metric=mAP50&customer=acme", "/api/evidence/plan?champion=det:1&customer=acme"] {
        assert_eq!(b.bound(path).await.0, 200, "{path}");
    }
    for (method, path, body) in
        [("POST", REGISTRATIONS, wanted(json!({}))), ("PUT", POLICY, json!({"model": "det", "days": 5}))]
    {
        assert_eq!(b.tries(method, path, &body).await.0, 403, "{method} {path}");
    }
}

/// A defect: the guard-rails of a registration are those of all places, and metrics that only another customer reports are named as unchecked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_bound_to_a_customer_hears_of_no_guard_rail_of_another() {
    let b = Bound::start().await;
    let rails =
        json!({"model": "det", "guard_rails": [{"metric": "zulu_loss", "customer": "zulu", "rail": {"margin": 0.1}}]});
    let (status, body) = b.operator("PUT", POLICY, &rails).await;
    assert_eq!(status, 200, "{body}");
    let (status, body) = b.bound(&format!("/api/evidence?{PAIR}&customer=acme&site=s2")).await;
    assert!(status == 200 && !body.contains("zulu"), "{status} {body}");
}
