//! Pages of models, as a browser without a script gets them: the list, a model, what would change, promoting, rolling back, approving, the past.

use serde_json::json;

use crate::{
    fleet::{self, encode, jsonl},
    process::{Folder, Served, text},
    tokens::{ask, on, session, token},
    wire::Answer,
};

const HTML: (&str, &str) = ("Accept", "text/html,application/xhtml+xml");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const HERE: (&str, &str) = ("Sec-Fetch-Site", "same-origin");
/// What the name of a model may hold.
const ODD: &str = "검출 \"b\" & c";

struct Registry {
    served: Served,
    folder: Folder,
    kim: String,
    lee: String,
    /// A viewer.
    ann: String,
}

/// Three versions of `detector`, of which the first two have records, and one of a model with an odd name.
async fn registry() -> Registry {
    let folder = Folder::new();
    folder.write("files/model/MLmodel", "flavors: {}\n");
    let files = text(&folder.path("files"));
    for (name, version) in [("detector", 1), ("detector", 2), ("detector", 3), (ODD, 1)] {
        let description = format!("version {version}");
        on(&folder, &["models", "add", name, "--files", &files, "--description", &description]).fine();
    }
    let now = fleet::now();
    let record = |i: i64, version: &str, value: f64| {
        let fields = json!({
            "site": format!("s{}", i % 4), "registered_model": "detector", "registered_version": version,
            "run_id": format!("r{version}-{i}"), "detection": {"mAP50": value},
        });
        fleet::one(now - 3_600_000 - i * 600_000, fields)
    };
    let records: Vec<_> =
        (0..24).map(|i| record(i, if i % 2 == 0 { "1" } else { "2" }, 0.7 + (i % 3) as f64 / 100.0)).collect();
    let path = folder.write("in/r.jsonl", jsonl(&records));
    folder.ingest(&[&path]).fine();
    let tokens =
        [("kim", "operator"), ("lee", "operator"), ("ann", "viewer")].map(|(name, role)| token(&folder, name, role));
    let served = Served::start(&folder, &[]).await;
    let [kim, lee, ann] = tokens;
    let (kim, lee, ann) = (session(&served, &kim).await, session(&served, &lee).await, session(&served, &ann).await);
    let r = Registry { served, folder, kim, lee, ann };
    r.until("/models", "detector").await;
    r
}

fn plain(answer: &Answer) -> String {
    answer.body.replace("<!>", "").replace("<!---->", "")
}

impl Registry {
    async fn until(&self, path: &str, part: &str) {
        for _ in 0..200 {
            if plain(&self.page(&self.kim, path).await).contains(part) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{part} was not seen on {path}:\n{}", self.served.log());
    }
    async fn page(&self, cookie: &str, path: &str) -> Answer {
        ask(&self.served, "GET", path, &[HTML, HERE, ("Cookie", cookie)], "").await
    }
    /// A page that answers, without the markers of the framework.
    async fn shown(&self, cookie: &str, path: &str) -> String {
        let answer = self.page(cookie, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        plain(&answer)
    }
    async fn send(&self, cookie: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect();
        ask(&self.served, "POST", path, &[HTML, FORM, HERE, ("Cookie", cookie)], &body.join("&")).await
    }
    /// Promotes a version of the detector to production.
    async fn promote(&self, cookie: &str, version: &str, expected: &str, key: &str) -> Answer {
        let path = format!("/models/detector/promote?version={version}&to=production");
        let fields = [
            ("act", "promote"),
            ("model", "detector"),
            ("version", version),
            ("to", "production"),
            ("expected", expected),
            ("reason", "better at night"),
            ("confirm", "detector"),
            ("key", key),
        ];
        self.send(cookie, &path, &fields).await
    }
}

#[track_caller]
fn leads(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.all("location")[0].to_owned()
}

#[track_caller]
fn has(html: &str, part: &str) {
    assert!(html.contains(part), "“{part}” is not in {html}");
}

/// The value of a hidden field.
fn hidden(html: &str, name: &str) -> String {
    let start = format!(r#"name="{name}" value=""#);
    let at = html.find(&start).unwrap_or_else(|| panic!("no field {name}"));
    html[at + start.len()..].split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_version_is_promoted_rolled_back_and_found_again_in_the_past() {
    let r = registry().await;
    let list = r.shown(&r.kim, "/models").await;
    for part in ["detector", "Our own registry", "검출 \"b\" &amp; c", r#"<a href="/models" aria-current="page""#] {
        has(&list, part);
    }
    let odd = r.shown(&r.kim, &format!("/models/{}", encode(ODD))).await;
    has(&odd, "No version is the champion.");
    has(&odd, &format!("/models/{}/versions/1", encode(ODD)));
    // The review page says what would change, and the form carries what was seen.
    let review = r.shown(&r.kim, "/models/detector/promote?version=1&to=production").await;
    for part in ["What would change", "Make v1 champion", r#"name="confirm""#, "Nobody asked for the champion"] {
        has(&review, part);
    }
    assert_eq!(hidden(&review, "expected"), "");
    let key = hidden(&review, "key");
    let to = leads(&r.promote(&r.kim, "1", "", &key).await);
    assert_eq!(to, "/models/detector?done=promoted&operation=1");
    // The same form sent again leads to the same result.
    assert_eq!(leads(&r.promote(&r.kim, "1", "", &key).await), to);
    let result = r.shown(&r.kim, &to).await;
    for part in ["applied", "champion v1, Production v1", "mAP50 0.7", "Promote to production"] {
        has(&result, part);
    }
    let second = leads(&r.promote(&r.lee, "2", "1", "key-2").await);
    let result = r.shown(&r.kim, &second).await;
    has(&result, r#"href="/models/detector/rollback""#);
    has(&result, "Roll back to v1");
    has(&result, "better at night");
    let back = r.shown(&r.kim, "/models/detector/rollback").await;
    for part in ["It leads to v1", "live ", "mAP50 0.7", "2 sites", "Its files can be read.", "Back from v2 to v1"] {
        has(&back, part);
    }
    assert!(!back.contains(r#"name="confirm""#), "a rollback asks for no typing");
    let fields = [
        ("act", "rollback"),
        ("model", "detector"),
        ("version", "1"),
        ("expected", "2"),
        ("reason", "false alarms"),
        ("key", &*hidden(&back, "key")),
    ];
    let to = leads(&r.send(&r.kim, "/models/detector/rollback", &fields).await);
    let result = r.shown(&r.kim, &to).await;
    has(&result, "champion v1, Production v1");
    // Once more leads nowhere: v2 was rolled back from.
    has(&r.shown(&r.kim, "/models/detector/rollback").await, "There is nowhere to roll back to");
    let history = r.shown(&r.ann, "/models/detector/history").await;
    for part in [
        "false alarms",
        "better at night",
        "champion: v2 → v1",
        "v1: Production → Archived",
        "<bdi>lee</bdi>",
        "model_history.csv?model=detector",
    ] {
        has(&history, part);
    }
    assert!(!history.contains("not known yet"), "an operation that ended is one line");
    has(&r.shown(&r.ann, "/models/detector/history?at=now").await, "was the champion");
    has(&r.shown(&r.ann, "/models/detector/history?at=now").await, "/sites/s0?from=");
    has(&r.shown(&r.ann, "/models/detector/history?at=2020-01-01T00:00").await, "Nothing is known of that moment");
    let csv = r.page(&r.ann, "/export/model_history.csv?model=detector").await;
    assert!(csv.status == 200 && csv.body.contains("roll_back") && csv.body.contains("false alarms"), "{}", csv.body);
    let events: serde_json::Value =
        serde_json::from_str(&r.page(&r.ann, "/export/model_history.json?model=detector").await.body).expect("JSON");
    assert!(events["events"].as_array().is_some_and(|e| e.len() >= 9), "{events}");
}

#[tokio::test]
async fn what_is_refused_stands_on_the_page_of_the_form_with_what_was_typed() {
    let r = registry().await;
    leads(&r.promote(&r.kim, "1", "", "k1").await);
    // Somebody was faster: who, what, and the champion that there is now.
    let late = r.promote(&r.lee, "2", "", "k2").await;
    assert_eq!(late.status, 409, "{}", late.body);
    let page = plain(&late);
    for part in ["Somebody was faster.", "V1 is the champion since kim", "better at night", "Make v2 champion"] {
        has(&page, part);
    }
    assert_eq!(hidden(&page, "expected"), "1");
    let fields = [
        ("act", "promote"),
        ("model", "detector"),
        ("version", "2"),
        ("to", "production"),
        ("expected", "1"),
        ("reason", "because"),
        ("confirm", "detektor"),
        ("key", "k3"),
    ];
    let wrong = r.send(&r.kim, "/models/detector/promote?version=2&to=production", &fields).await;
    assert_eq!(wrong.status, 400);
    for part in ["Type the model", "because", r#"value="detektor""#] {
        has(&plain(&wrong), part);
    }
    let empty = fields.map(|(k, v)| {
        (
            k,
            if k == "reason" {
                ""
            } else if k == "confirm" {
                "detector"
            } else {
                v
            },
        )
    });
    let empty = r.send(&r.kim, "/models/detector/promote?version=2&to=production", &empty).await;
    assert_eq!(empty.status, 400);
    has(&plain(&empty), r#"class="fault""#);
    for path in
        ["/models/nobody", "/models/detector/versions/9", "/models/requests/9", "/models/detector/promote?version=9"]
    {
        assert_eq!(r.page(&r.kim, path).await.status, 404, "{path}");
    }
    for path in
        ["/models?stage=x&health=y&page=7", "/models/detector?operation=99", "/models/detector/history?at=never"]
    {
        has(&r.shown(&r.kim, path).await, r#"class="banner bad""#);
    }
    assert_eq!(r.page(&r.kim, "/models?nothing=1").await.status, 400);
}

#[tokio::test]
async fn who_may_not_change_models_sees_them_without_the_acts() {
    let r = registry().await;
    leads(&r.promote(&r.kim, "1", "", "k1").await);
    leads(&r.promote(&r.kim, "2", "1", "k2").await);
    for path in [
        "/models",
        "/models/detector",
        "/models/detector/versions/1",
        "/models/detector/promote?version=3",
        "/models/detector/rollback",
        "/models/detector/history",
    ] {
        let html = r.shown(&r.ann, path).await;
        assert!(!html.contains(r#"method="post" action="/models"#), "{path} has a form");
        for act in ["Promote v", "Roll back to", "Make v3 champion"] {
            assert!(!html.contains(act), "{path} offers {act}");
        }
    }
    let refused = r.promote(&r.ann, "3", "2", "k3").await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let version = r.shown(&r.ann, "/models/detector/versions/1?folder=model&file=model/MLmodel").await;
    for part in [
        "flavors: {}",
        "/api/models/detector/versions/1/artifacts/file?path=model%2FMLmodel",
        "The records name the version themselves.",
        "version 1",
    ] {
        has(&version, part);
    }
}

#[tokio::test]
async fn what_one_asks_for_another_approves() {
    let r = registry().await;
    leads(&r.promote(&r.kim, "1", "", "k1").await);
    let policy = json!({"model": "models:/detector", "approval": ["production"]}).to_string();
    let heads = [("Content-Type", "application/json"), HERE, ("Cookie", &*r.kim)];
    let set = ask(&r.served, "PUT", "/api/evidence/policy", &heads, &policy).await;
    assert_eq!(set.status, 200, "{}", set.body);
    let path = "/models/detector/promote?version=2&to=production";
    let review = r.shown(&r.kim, path).await;
    has(&review, "Ask for approval of v2");
    has(&review, "needs somebody else’s approval");
    assert_eq!(r.promote(&r.kim, "2", "1", "k2").await.status, 403);
    let fields = [
        ("act", "ask"),
        ("model", "detector"),
        ("version", "2"),
        ("to", "production"),
        ("expected", "1"),
        ("reason", "same data, INT8"),
    ];
    let to = leads(&r.send(&r.kim, path, &fields).await);
    assert_eq!(to, "/models/requests/1?done=asked");
    let own = r.shown(&r.kim, &to).await;
    for part in ["same data, INT8", "you asked for it yourself", "Take back or reject"] {
        assert!(own.to_lowercase().contains(&part.to_lowercase()), "“{part}” is not in {own}");
    }
    assert!(!own.contains("Approve and promote"));
    has(&r.shown(&r.ann, "/models").await, r#"href="/models/requests/1""#);
    let page = "/models/requests/1";
    assert_eq!(r.send(&r.kim, page, &[("act", "approve"), ("request", "1")]).await.status, 403);
    let refused = r.send(&r.lee, page, &[("act", "reject"), ("request", "1"), ("reason", "")]).await;
    assert_eq!(refused.status, 400);
    has(&plain(&refused), r#"class="fault""#);
    has(&r.shown(&r.lee, page).await, "Approve and promote");
    let to = leads(&r.send(&r.lee, page, &[("act", "approve"), ("request", "1"), ("reason", "looked at Busan")]).await);
    has(&r.shown(&r.lee, &to).await, "champion v2, Production v2");
    let decided = r.shown(&r.ann, page).await;
    has(&decided, "approved by lee");
    has(&decided, "looked at Busan");
}

#[tokio::test]
async fn a_stage_that_was_moved_elsewhere_is_brought_in_line_and_a_challenger_named() {
    let r = registry().await;
    leads(&r.promote(&r.kim, "1", "", "k1").await);
    let fields = [("act", "challenger"), ("model", "detector"), ("version", "3"), ("reason", "INT8")];
    let to = leads(&r.send(&r.kim, "/models/detector", &fields).await);
    has(&r.shown(&r.kim, &to).await, "Promote v3…");
    let staging = [
        ("act", "promote"),
        ("model", "detector"),
        ("version", "2"),
        ("to", "staging"),
        ("expected", "1"),
        ("reason", "try"),
        ("key", "k4"),
    ];
    leads(&r.send(&r.kim, "/models/detector/promote?version=2&to=staging", &staging).await);
    has(&r.shown(&r.kim, "/models?stage=Staging").await, "detector");
    assert!(!r.shown(&r.kim, "/models?health=warning").await.contains("detector/versions"));
    drop(r.folder);
}

#[tokio::test]
async fn an_mlflow_that_does_not_answer_is_told() {
    let folder = Folder::new();
    let served = Served::start(&folder, &[("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")]).await;
    for _ in 0..100 {
        let (status, html) = served.page("/models").await;
        assert_eq!(status, 200, "{html}");
        if html.contains("The registry was never read.") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("nobody says that MLflow is away:\n{}", served.log());
}
