//! Saved views over HTTP and by command.

use serde_json::{Value, json};

use crate::{
    process::{Folder, Served},
    tokens::{OPERATOR, ask, on, token},
    wire::Answer,
};

struct Team {
    served: Served,
    folder: Folder,
    kim: String,
    lee: String,
}

/// A viewer and an operator, each with a token.
async fn team() -> Team {
    let folder = Folder::new();
    let (kim, lee) = (token(&folder, "kim", "viewer"), token(&folder, "lee", "operator"));
    Team { served: Served::start(&folder, &[("GF_OPERATOR_TOKEN", OPERATOR)]).await, folder, kim, lee }
}

impl Team {
    async fn send(&self, token: &str, method: &str, path: &str, heads: &[(&str, &str)], body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let own = [("Authorization", &*bearer), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        ask(&self.served, method, path, &[&own, heads].concat(), &body).await
    }
    async fn list(&self, token: &str) -> Value {
        let answer = self.send(token, "GET", "/api/views", &[], &Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }
    async fn create(&self, token: &str, name: &str, shared: bool) -> Value {
        let body = json!({"name": name, "link": "/trends?days=7", "shared": shared});
        let answer = self.send(token, "POST", "/api/views", &[], &body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }
}

/// Name, whether it may be changed.
fn names(list: &Value) -> Vec<(String, bool)> {
    let views = list["views"].as_array().expect("a list");
    views.iter().map(|v| (v["name"].as_str().expect("a name").into(), v["editable"] == true)).collect()
}

fn named(name: &str, editable: bool) -> (String, bool) {
    (name.to_owned(), editable)
}

#[tokio::test]
async fn personal_views_are_one_s_own_and_shared_ones_are_changed_by_operators() {
    let t = team().await;
    let own = t.create(&t.kim, "mine", false).await;
    assert_eq!((&own["owner"], &own["shared"], &own["link"]), (&json!("kim"), &json!(false), &json!("/trends?days=7")));
    let refused = t.send(&t.kim, "POST", "/api/views", &[], &json!({"name": "x", "link": "/", "shared": true})).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let shared = t.create(&t.lee, "for all", true).await;
    t.create(OPERATOR, "of the operator", false).await;
    assert_eq!(names(&t.list(&t.kim).await), [named("for all", false), named("mine", true)]);
    assert_eq!(names(&t.list(&t.lee).await), [named("for all", true)]);
    assert_eq!(names(&t.list(OPERATOR).await), [named("for all", true), named("of the operator", true)]);
    let at = |v: &Value| format!("/api/views/{}", v["id"]);
    // What one may not see is as unknown as what is not there; what one may only see is refused.
    for (token, method, path, body, status) in [
        (&*t.lee, "PATCH", at(&own), json!({"name": "stolen"}), 404),
        (&t.lee, "DELETE", at(&own), Value::Null, 404),
        (OPERATOR, "DELETE", at(&own), Value::Null, 404),
        (&t.kim, "DELETE", "/api/views/4711".into(), Value::Null, 404),
        (&t.kim, "DELETE", "/api/views/x".into(), Value::Null, 404),
        (&t.kim, "PATCH", at(&shared), json!({"name": "kim's"}), 403),
        (&t.kim, "DELETE", at(&shared), Value::Null, 403),
        (&t.kim, "PATCH", at(&own), json!({"shared": true}), 403),
        (&t.kim, "PATCH", at(&own), json!({"name": "still mine"}), 200),
        (OPERATOR, "PATCH", at(&shared), json!({"name": "for everybody"}), 200),
    ] {
        let answer = t.send(token, method, &path, &[], &body).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.body);
        assert!(status < 400 || answer.all("content-type") == ["application/problem+json"], "{path}");
    }
    assert_eq!(names(&t.list(&t.kim).await), [named("for everybody", false), named("still mine", true)]);
    // Shared no more: its owner's alone.
    assert_eq!(t.send(OPERATOR, "PATCH", &at(&shared), &[], &json!({"shared": false})).await.status, 200);
    assert_eq!(names(&t.list(&t.lee).await), [named("for everybody", true)]);
    assert_eq!(names(&t.list(OPERATOR).await), [named("of the operator", true)]);
    assert_eq!(t.send(&t.lee, "DELETE", &at(&shared), &[], &Value::Null).await.status, 204);
    assert_eq!(t.send(&t.lee, "DELETE", &at(&shared), &[], &Value::Null).await.status, 404);
    let log = t.served.log();
    for line in
        ["a view was saved actor=\"kim\"", "a view was changed actor=\"operator\"", "a view was deleted actor=\"lee\""]
    {
        assert!(log.contains(line), "{line} is not in {log}");
    }
    // Whoever gets a new token under the same name keeps their views.
    on(&t.folder, &["tokens", "revoke", "kim"]).fine();
    let again = token(&t.folder, "kim", "viewer");
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(names(&t.list(&again).await), [named("still mine", true)]);
}

#[tokio::test]
async fn a_start_page_is_chosen_from_what_one_sees() {
    let t = team().await;
    let (own, shared) = (t.create(&t.kim, "mine", false).await, t.create(&t.lee, "for all", true).await);
    let put = async |token: &str, view: &Value| {
        t.send(token, "PUT", "/api/start-page", &[], &json!({"view": view})).await.status
    };
    assert_eq!(t.list(&t.kim).await["start_page"], Value::Null);
    assert_eq!(put(&t.kim, &own["id"]).await, 204);
    assert_eq!(put(&t.lee, &own["id"]).await, 404);
    assert_eq!(put(&t.lee, &shared["id"]).await, 204);
    assert_eq!(put(&t.lee, &json!("x")).await, 400);
    assert_eq!(t.list(&t.kim).await["start_page"], own["id"]);
    assert_eq!(t.list(&t.lee).await["start_page"], shared["id"]);
    for _ in 0..2 {
        assert_eq!(t.send(&t.kim, "DELETE", "/api/start-page", &[], &Value::Null).await.status, 204);
        assert_eq!(t.list(&t.kim).await["start_page"], Value::Null);
    }
    t.send(&t.lee, "DELETE", &format!("/api/views/{}", shared["id"]), &[], &Value::Null).await;
    assert_eq!(t.list(&t.lee).await["start_page"], Value::Null);
}

#[tokio::test]
async fn what_is_no_view_is_refused_with_a_sentence() {
    let t = team().await;
    let view = |name: &str, link: &str| json!({"name": name, "link": link});
    let long = "x".repeat(81);
    for body in [
        view("", "/"),
        view(" x", "/"),
        view("a\nb", "/"),
        view(&long, "/"),
        view("x", "//evil.example.com"),
        view("x", "https://evil.example.com/"),
        view("x", "/\\evil.example.com"),
        view("x", "javascript:alert(1)"),
        view("x", "/api/views"),
        view("x", "/export/trend.csv?metric=mAP50"),
        view("x", "/signout"),
        view("x", "/trends?days=0"),
        view("x", "/trends?nonsense=1"),
        view("x", "/trends#x"),
        json!({"name": "x"}),
        json!({"name": "x", "link": "/", "owner": "lee"}),
        json!([]),
        json!("x"),
    ] {
        let answer = t.send(&t.kim, "POST", "/api/views", &[], &body).await;
        assert_eq!((answer.status, answer.all("content-type")), (400, vec!["application/problem+json"]), "{body}");
        let detail = serde_json::from_str::<Value>(&answer.body).expect("JSON")["detail"].as_str().map(str::to_owned);
        assert!(detail.is_some_and(|d| d.split(' ').count() >= 3), "{}", answer.body);
    }
    let bearer = format!("Bearer {}", t.kim);
    let heads = [("Authorization", &*bearer), ("Content-Type", "text/plain")];
    assert_eq!(ask(&t.served, "POST", "/api/views", &heads, &view("x", "/").to_string()).await.status, 415);
    let own = t.create(&t.kim, "mine", false).await;
    let at = format!("/api/views/{}", own["id"]);
    for body in [json!({}), json!({"name": ""}), json!({"shared": "yes"}), json!({"link": "/"})] {
        assert_eq!(t.send(&t.kim, "PATCH", &at, &[], &body).await.status, 400, "{body}");
    }
    // A name that is spelled in another way is the same.
    t.create(&t.kim, "부산", false).await;
    let apart = view("\u{1107}\u{116E}\u{1109}\u{1161}\u{11AB}", "/");
    let answer = t.send(&t.kim, "POST", "/api/views", &[], &apart).await;
    assert!(answer.status == 400 && answer.body.contains("부산"), "{}", answer.body);
    for n in 2..100 {
        t.create(&t.kim, &format!("view {n}"), false).await;
    }
    let answer = t.send(&t.kim, "POST", "/api/views", &[], &view("one more", "/")).await;
    assert!(answer.status == 400 && answer.body.contains("100 views"), "{}", answer.body);
    t.create(&t.lee, "another's", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_write_sent_a_hundred_times_is_done_once() {
    let t = team().await;
    let body = json!({"name": "once", "link": "/", "shared": false});
    let key = [("Idempotency-Key", "8e03978e-40d5-43e8-bc93-6894a57f9324")];
    let all = futures::future::join_all((0..100).map(|_| t.send(&t.kim, "POST", "/api/views", &key, &body))).await;
    assert!(all.iter().all(|a| (a.status, &a.body) == (201, &all[0].body)), "{all:?}");
    assert_eq!(names(&t.list(&t.kim).await), [named("once", true)]);
    // The same request, written in another way.
    let spaced = r#"  { "link": "/", "name": "once" } "#;
    let bearer = format!("Bearer {}", t.kim);
    let heads = [("Authorization", &*bearer), ("Content-Type", "application/json"), key[0]];
    let again = ask(&t.served, "POST", "/api/views", &heads, spaced).await;
    assert_eq!((again.status, &again.body), (201, &all[0].body));
    // Another one.
    let other = t.send(&t.kim, "POST", "/api/views", &key, &json!({"name": "twice", "link": "/"})).await;
    assert_eq!(other.status, 422, "{}", other.body);
    // Somebody else's key.
    let lee = t.send(&t.lee, "POST", "/api/views", &key, &json!({"name": "twice", "link": "/"})).await;
    assert_eq!(lee.status, 201, "{}", lee.body);
    for bad in ["", "a b", &"x".repeat(256)] {
        let answer = t.send(&t.kim, "POST", "/api/views", &[("Idempotency-Key", bad)], &body).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.body);
    }
}

#[test]
fn the_command_line_keeps_views_for_the_operator_or_in_somebody_s_name() {
    let folder = Folder::new();
    token(&folder, "kim", "viewer");
    let views = |args: &[&str]| on(&folder, &[&["views"], args].concat());
    let added = views(&["add", "Morning round", "/?days=1", "--shared", "--json"]).fine().json();
    assert_eq!((&added["owner"], &added["shared"]), (&json!("operator"), &json!(true)));
    let own = views(&["add", "Busan", "/trends?metric=mAP50", "--as", "kim", "--json"]).fine().json()["id"].to_string();
    assert_eq!(names(&views(&["list", "--json"]).fine().json()), [named("Morning round", true)]);
    let of_kim = views(&["list", "--as", "kim", "--json"]).fine().json();
    assert_eq!(names(&of_kim), [named("Busan", true), named("Morning round", false)]);
    assert!(views(&["list"]).fine().stdout.contains("Morning round"));
    for (args, code) in [
        (&["add", "x", "//evil.example.com"][..], 2),
        (&["add", "x", "/api/views"], 2),
        (&["add", "Morning round", "/"], 2),
        (&["list", "--as", "park"], 1),
        (&["delete", &own], 1),
        (&["rename", "4711", "x"], 1),
    ] {
        let ran = views(args);
        assert!(ran.code == Some(code) && !ran.stderr.is_empty(), "{args:?}: {ran:?}");
    }
    views(&["rename", &own, "Busan, port", "--as", "kim"]).fine();
    assert_eq!(names(&views(&["list", "--as", "kim", "--json"]).fine().json())[0].0, "Busan, port");
    // Viewers share nothing, by command as little as elsewhere.
    for args in [&["share", &own, "--as", "kim"][..], &["add", "x", "/", "--shared", "--as", "kim"]] {
        let ran = views(args);
        assert!(ran.code == Some(1) && ran.stderr.contains("only operators share views"), "{args:?}: {ran:?}");
    }
    let shared = added["id"].to_string();
    views(&["start", &shared, "--as", "kim"]).fine();
    let start = || views(&["list", "--as", "kim", "--json"]).fine().json()["start_page"].to_string();
    assert_eq!(start(), shared);
    views(&["unshare", &shared]).fine();
    assert_eq!(start(), "null", "it is seen no more");
    views(&["share", &shared]).fine();
    views(&["start", "--as", "kim"]).fine();
    assert_eq!(start(), "null");
    assert_eq!(views(&["start", "4711"]).code, Some(1));
    views(&["delete", &own, "--as", "kim"]).fine();
    assert_eq!(names(&views(&["list", "--as", "kim", "--json"]).fine().json()).len(), 1);
}
