//! What the client of MLflow makes of answers that are wrong: it ends in time, believes nothing, and says what cures it.

use std::time::Duration;

use domain::{
    error::ErrorKind,
    ports::{RunSelection, TrackingStore},
    tracking::ArtifactPath,
};
use registry::mlflow::{MlflowOptions, MlflowServer, Timeouts, version_warning};
use serde_json::json;

use crate::fake_mlflow::{Fake, Reply, all_fail, everything, experiment, http, ok, run_id, runs, timeouts};

#[tokio::test]
async fn nothing_proves_nothing() {
    let fake = Fake::always(ok("{}")).await;
    let outcomes = everything(&fake.client()).await;
    for (what, outcome) in outcomes {
        match what {
            "probe" | "experiments" | "all runs" => {
                let error = outcome.expect_err(what);
                assert!(
                    error.message.en.contains("not as MLflow does: check MLFLOW_TRACKING_URI"),
                    "{what}: {error:?}"
                );
            }
            "run" => assert!(outcome.is_err()),
            // Bytes of a file may be any.
            "artifact" => assert_eq!(outcome, Ok(2)),
            _ => assert_eq!(outcome, Ok(0), "{what}"),
        }
    }
}

#[tokio::test]
async fn an_empty_mlflow_is_one() {
    let missing = r#"{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run with id=0 not found"}"#;
    let fake = Fake::start(move |request, _| {
        let head = request.lines().next().unwrap_or_default();
        Reply::Bytes(match () {
            () if head.contains("/runs/get?") => http("404 Not Found", "application/json", missing),
            () if head.contains("/version") => http("200 OK", "text/html", "3.17.2\n"),
            () => ok("{}"),
        })
    })
    .await;
    let client = fake.client();
    assert_eq!(client.probe().await, Ok(Some("3.17.2".into())));
    assert_eq!(client.experiments().await.map(|e| e.len()), Ok(0));
    assert_eq!(runs(&client, RunSelection::All).await, Ok(0));
    assert_eq!(client.run(&run_id()).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn pages_of_another_program_are_no_answers() {
    let page = "\n<!DOCTYPE html><html><body>Welcome to nginx!</body></html>";
    let fake = Fake::always(http("200 OK", "text/html", page)).await;
    all_fail(&fake.client(), "check MLFLOW_TRACKING_URI", "nginx", &["artifact"]).await;
    for body in [
        "NaN",
        "[]",
        "null",
        "\"text\"",
        "{\"runs\":7,\"experiments\":7,\"metrics\":7,\"files\":7}",
        "\u{feff}{}",
        "{]",
    ] {
        let fake = Fake::always(ok(body)).await;
        let client = fake.client();
        for error in [client.probe().await.unwrap_err(), client.run(&run_id()).await.unwrap_err()] {
            assert_eq!(error.kind, ErrorKind::Unavailable, "{body}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_bare_nan_is_not_json() {
    let fake = Fake::start(|request, _| {
        Reply::Bytes(ok(match () {
            () if request.contains("get-history") => {
                r#"{"metrics":[{"key":"loss","value":NaN,"timestamp":1,"step":1}]}"#
            }
            () => {
                r#"{"runs":[{"info":{"run_id":"a","experiment_id":"7"},"data":{"metrics":[{"key":"a","value":NaN}]}}]}"#
            }
        }))
    })
    .await;
    let client = fake.client();
    for error in
        [client.history(&run_id(), "loss").await.unwrap_err(), runs(&client, RunSelection::All).await.unwrap_err()]
    {
        assert!(error.message.en.contains("nonsense"), "{error:?}");
    }
}

#[tokio::test]
async fn lists_that_never_end_are_given_up() {
    let run = json!({"info": {"run_id": "a1", "experiment_id": "7"}});
    let rows = json!({
        "experiments": [{"experiment_id": "7", "name": "x"}], "runs": [run],
        "metrics": [{"key": "loss", "value": 1.0, "timestamp": 1, "step": 1}],
        "files": [{"path": "a", "is_dir": true}], "model_versions": [{"name": "m", "version": "1"}],
        "models": [{"info": {"model_id": "m-1", "source_run_id": run_id()}}],
    });
    // The same token again, or always another one, with the same rows or with none.
    for (rows, moving) in [(rows.clone(), false), (rows, true), (json!({}), false), (json!({}), true)] {
        let fake = Fake::start(move |_, turn| {
            let mut body = rows.clone();
            body["next_page_token"] = if moving { format!("t{turn}").into() } else { "t".into() };
            Reply::Bytes(ok(body.to_string()))
        })
        .await;
        let client = fake.client();
        let mut errors = vec![
            client.experiments().await.map(|_| ()).unwrap_err(),
            client.history(&run_id(), "loss").await.map(|_| ()).unwrap_err(),
            client.artifacts(&run_id(), &ArtifactPath::default()).await.map(|_| ()).unwrap_err(),
            client.logged_models(&experiment(), &run_id()).await.map(|_| ()).unwrap_err(),
            client.model_versions(&run_id()).await.map(|_| ()).unwrap_err(),
        ];
        let mut page = None;
        errors.push(loop {
            match client.runs(&[experiment()], &RunSelection::Running, 10, page.as_deref()).await {
                Ok(part) => page = Some(part.next.unwrap()),
                Err(e) => break e,
            }
        });
        for error in errors {
            assert!(error.message.en.contains("again and again"), "{error:?}");
        }
        assert!(fake.asked() <= 18, "{}", fake.asked());
    }
}

#[tokio::test]
async fn no_list_is_asked_for_without_rows() {
    let fake = Fake::always(ok("{}")).await;
    let _ = everything(&fake.client()).await;
    let _ = fake.client().runs(&[experiment()], &RunSelection::Running, 0, None).await;
    let requests = fake.requests.lock().unwrap().clone();
    assert!(requests.iter().all(|r| !r.contains("max_results=0") && !r.contains("\"max_results\":0")));
}

#[tokio::test]
async fn answers_of_fifty_megabytes_are_not_read() {
    let size = 50 << 20;
    // Announced, and not.
    for announced in [true, false] {
        let fake = Fake::start(move |_, _| {
            let head = if announced { format!("content-length: {size}\r\n") } else { String::new() };
            let mut bytes = format!("HTTP/1.1 200 OK\r\n{head}\r\n{{\"runs\":[").into_bytes();
            bytes.resize(size, b' ');
            Reply::Bytes(bytes)
        })
        .await;
        let patient = Timeouts { call: Duration::from_secs(20), ..timeouts() };
        let options = MlflowOptions { uri: fake.address.clone(), timeouts: patient, ..MlflowOptions::default() };
        let client = MlflowServer::new(options).unwrap();
        for outcome in [client.probe().await.map(|_| 0), client.history(&run_id(), "loss").await.map(|h| h.len())] {
            let error = outcome.unwrap_err();
            assert!(error.message.en.contains("more than 32 MB"), "{error:?}");
        }
        if announced {
            let error = runs(&client, RunSelection::All).await.unwrap_err();
            assert!(error.message.en.contains("more than 32 MB"), "{error:?}");
            // 1000, 500, … 1.
            assert_eq!(fake.asked(), 2 + 10);
        }
    }
}

#[tokio::test]
async fn pages_shrink_until_they_fit() {
    let fake = Fake::start(|request, _| {
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        let asked: serde_json::Value = serde_json::from_str(body).unwrap();
        let most = asked["max_results"].as_u64().unwrap() as usize;
        let offset: usize = asked["page_token"].as_str().map_or(0, |t| t.parse().unwrap());
        if most > 250 {
            // 200 kB a run.
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{{", most * 200_000);
            return Reply::Bytes(head.into_bytes());
        }
        let ids = offset..(offset + most).min(600);
        let next = if ids.end < 600 { ids.end.to_string() } else { String::new() };
        let runs: Vec<_> = ids.map(|i| json!({"info": {"run_id": format!("r{i}"), "experiment_id": "7"}})).collect();
        Reply::Bytes(ok(json!({"runs": runs, "next_page_token": next}).to_string()))
    })
    .await;
    let client = fake.client();
    let (mut page, mut ids) = (None, vec![]);
    loop {
        let part = client.runs(&[experiment()], &RunSelection::All, 1000, page.as_deref()).await.unwrap();
        ids.extend(part.runs.into_iter().map(|r| r.id.to_string()));
        page = part.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(ids, (0..600).map(|i| format!("r{i}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn answers_that_break_off_are_no_answers() {
    let begun = "{\"runs\":[{\"info\":{\"run_id\":\"a1\",";
    // By the connection, and by whoever wrote it.
    let by_connection = format!("HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n{begun}").into_bytes();
    for bytes in [by_connection, ok(begun)] {
        let fake = Fake::always(bytes).await;
        let client = fake.client();
        for error in [client.probe().await.unwrap_err(), runs(&client, RunSelection::All).await.unwrap_err()] {
            assert!(error.message.en.contains("broke off"), "{error:?}");
        }
        assert_eq!(fake.asked(), 2, "what may have been heavy is not asked for twice");
    }
}

#[tokio::test]
async fn a_lost_connection_is_tried_once_more() {
    let fake = Fake::start(|_, turn| if turn == 0 { Reply::Nothing } else { Reply::Bytes(ok("{}")) }).await;
    assert_eq!(runs(&fake.client(), RunSelection::Running).await, Ok(0));
    assert_eq!(fake.asked(), 2);
    let fake = Fake::start(|_, _| Reply::Nothing).await;
    let error = runs(&fake.client(), RunSelection::Running).await.unwrap_err();
    assert!(error.message.en.contains("broke off"), "{error:?}");
    assert_eq!(fake.asked(), 2);
}

#[tokio::test]
async fn who_refuses_us_is_explained_and_cured() {
    let sql = "(psycopg.OperationalError) connection to server at \"10.1.2.3\" failed [SQL: SELECT secret FROM users]";
    let database_away = json!({"error_code": "TEMPORARILY_UNAVAILABLE", "message": sql}).to_string();
    let html = "text/html; charset=utf-8";
    let host = "Invalid Host header - possible DNS rebinding attack detected";
    let cases = [
        (http("403 Forbidden", "text/plain", host), "--allowed-hosts 127.0.0.1:"),
        (http("401 Unauthorized", html, "You are not authenticated. Please see secret"), "MLFLOW_TRACKING_USERNAME"),
        (http("403 Forbidden", html, "Permission denied secret"), "give it the permission READ"),
        (http("403 Forbidden", "text/plain", "Cross-origin request blocked secret"), "permission"),
        (http("503 Service Unavailable", "application/json", &database_away), "whether its database runs"),
        (
            http(
                "400 Bad Request",
                "application/json",
                json!({"error_code": "BAD_REQUEST", "message": sql}).to_string(),
            ),
            "update it to 3.17",
        ),
        (http("500 Internal Server Error", html, "<h1>secret</h1>"), "its log says why"),
        (http("502 Bad Gateway", html, "<h1>secret</h1>"), "cannot answer just now (502)"),
        (http("429 Too Many Requests", html, "secret"), "cannot answer just now (429)"),
        (http("404 Not Found", html, "<h1>Not Found</h1> secret"), "its path prefix is missing in MLFLOW_TRACKING_URI"),
        (http("405 Method Not Allowed", html, "secret"), "its path prefix is missing"),
        (
            http("302 Found\r\nlocation: https://login.example/secret", html, ""),
            "put the final address into MLFLOW_TRACKING_URI",
        ),
        (http("308 Permanent Redirect\r\nlocation: http://127.0.0.1:1/secret", html, ""), "put the final address"),
    ];
    for (bytes, cure) in cases {
        let old = cure.contains("path prefix");
        let fake = Fake::always(bytes).await;
        // An older version has no logged models and may have no registry.
        let but: &[&str] = if old { &["models", "versions"] } else { &[] };
        all_fail(&fake.client(), cure, "secret", but).await;
        let error = fake.client().probe().await.unwrap_err();
        assert!(!error.message.en.contains("SQL") && error.detail.is_some(), "{error:?}");
    }
    let fake = Fake::always(http("401 Unauthorized", html, "no")).await;
    let options = MlflowOptions { uri: fake.address.replace("//", "//me:wrong@"), ..MlflowOptions::default() };
    all_fail(&MlflowServer::new(options).unwrap(), "does not accept our user name", "wrong", &[]).await;
}

#[tokio::test]
async fn a_size_that_is_left_out_is_zero_where_others_are_told() {
    let fake = Fake::start(|request, _| {
        let head = request.lines().next().unwrap_or_default();
        let file = |path: &str, size: Option<u64>| json!({"path": path, "is_dir": false, "file_size": size});
        let folder = |path: &str| json!({"path": path, "is_dir": true});
        let files = match () {
            () if head.contains("path=told") => json!([file("told/a", Some(5)), file("told/empty", None)]),
            () if head.contains("path=empty") => json!([file("empty/a", None)]),
            () if head.contains("path=other%2Funtold") => json!([file("other/untold/a", None)]),
            () if head.contains("path=other") => json!([folder("other/untold")]),
            () => json!([folder("told"), folder("empty"), folder("other"), file("x", Some(1))]),
        };
        Reply::Bytes(ok(json!({ "files": files }).to_string()))
    })
    .await;
    for (folder, sizes) in [("told", vec![Some(5), Some(0)]), ("empty", vec![Some(0)]), ("other/untold", vec![None])] {
        let found = fake.client().artifacts(&run_id(), &ArtifactPath::parse(folder).unwrap()).await.unwrap();
        assert_eq!(found.iter().map(|e| e.size).collect::<Vec<_>>(), sizes, "{folder}");
    }
}

#[test]
fn old_versions_are_warned_for() {
    for version in ["2.22.1", "3.16.9", "1.0", "3.1.0rc1"] {
        let warning = version_warning(version).expect(version);
        assert!(warning.en.contains(version) && warning.en.contains("3.17") && warning.ko.is_some());
    }
    for version in ["3.17.0", "3.17.2", "3.100.0", "4.0.0.dev0", "", "x", "3"] {
        assert_eq!(version_warning(version), None, "{version}");
    }
}
