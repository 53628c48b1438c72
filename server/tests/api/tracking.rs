//! The copy of a real MLflow server: followed, told of, kept, and honest when MLflow is killed or frozen.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    mlflow::MlflowProcess,
    process::{Folder, Served},
};

/// Asks MLflow itself.
async fn log(mlflow: &MlflowProcess, served: &Served, call: &str, body: Value) -> Value {
    let request = served.client.post(format!("{}/api/2.0/mlflow/{call}", mlflow.address)).body(body.to_string());
    let answer = request.header("Content-Type", "application/json").send().await.expect("an answer");
    let (status, text) = (answer.status(), answer.text().await.expect("a body"));
    assert_eq!(status, 200, "{call}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

async fn log_run(mlflow: &MlflowProcess, served: &Served, name: &str) -> String {
    let made = log(mlflow, served, "runs/create", json!({"experiment_id": "0", "run_name": name})).await;
    made["run"]["info"]["run_id"].as_str().expect("an id").to_owned()
}

/// Waits until the page of sources has the text, or has it no more; every look at it must succeed.
async fn until(served: &Served, text: &str, there: bool, patience: Duration) -> Duration {
    let begun = Instant::now();
    loop {
        let (status, page) = served.page("/sources").await;
        assert_eq!(status, 200, "{page}");
        if page.contains(text) == there {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < patience, "{text:?} after {patience:?}: {page}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How many runs are kept in the database.
fn kept(folder: &Folder) -> u64 {
    let status = folder.run(&["store", "status", "--json"]).fine().json();
    let tables = status["tables"].as_array().expect("tables").clone();
    tables.iter().find(|t| t["table"] == "tracking_run").and_then(|t| t["rows"].as_u64()).expect("a count")
}

const MINUTE: Duration = Duration::from_secs(60);
/// How soon it is said that MLflow is away; the rest of a second is for the page and a busy machine.
const SOON: Duration = Duration::from_millis(3_000);

#[tokio::test]
async fn a_server_is_followed_and_its_copy_stays_and_says_so_when_it_is_frozen_or_killed() {
    let mlflow = MlflowProcess::start(None, None, &[]);
    let folder = Folder::new();
    let env = [("MLFLOW_TRACKING_URI", mlflow.address.as_str())];
    let served = Served::start(&folder, &env).await;
    until(&served, "complete", true, MINUTE).await;
    let (_, page) = served.page("/sources").await;
    assert!(page.contains(&mlflow.address) && page.contains("3.17"), "{page}");

    let events = served.get("/api/events?topic=runs").send();
    let mut events = events.await.expect("a stream");
    log_run(&mlflow, &served, "first").await;
    let mut heard = String::new();
    while !heard.contains("event: runs") {
        let part = tokio::time::timeout(Duration::from_secs(15), events.chunk()).await.expect("an event in time");
        heard += std::str::from_utf8(&part.expect("a stream").expect("more")).expect("UTF-8");
    }
    assert!(heard.contains("{\"generation\":"), "{heard}");
    drop(events);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(kept(&folder), 1);

    mlflow.freeze();
    let took = until(&served, "does not answer within", true, MINUTE).await;
    assert!(took < SOON, "frozen: said after {took:?}");
    let (_, page) = served.page("/sources").await;
    assert!(page.contains("cannot be read") && !page.contains("<bdi>complete</bdi>"), "{page}");
    assert!(page.contains("copied ") && page.contains("Experiments with 1 run are there"), "{page}");
    mlflow.thaw();
    until(&served, "does not answer within", false, MINUTE).await;
    log_run(&mlflow, &served, "second").await;
    let begun = Instant::now();
    while kept(&folder) < 2 {
        assert!(begun.elapsed() < MINUTE, "the second run is not copied");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    mlflow.kill();
    let took = until(&served, "nothing listens", true, MINUTE).await;
    assert!(took < SOON, "killed: said after {took:?}");
    served.stop();
    // A restart shows what was copied.
    let served = Served::start(&folder, &env).await;
    until(&served, "nothing listens", true, MINUTE).await;
    until(&served, "Experiments with 2 runs are there", true, MINUTE).await;
    let mut doctor = folder.command(&["doctor", "--format", "json"]);
    doctor.env("MLFLOW_TRACKING_URI", &mlflow.address);
    let found = crate::process::finish(doctor).json();
    let of_mlflow = found["checks"].as_array().expect("checks").iter().find(|c| c["name"] == "mlflow").cloned();
    let of_mlflow = of_mlflow.expect("a finding");
    assert_eq!(of_mlflow["state"], "error");
    assert!(of_mlflow["seen"].as_str().is_some_and(|s| s.contains("nothing listens")), "{of_mlflow}");

    mlflow.start_again();
    until(&served, "nothing listens", false, MINUTE).await;
    assert_eq!(kept(&folder), 2);
}

#[tokio::test]
async fn what_mlflow_wrote_to_a_disk_is_copied_and_what_cannot_be_read_keeps_nobody_from_the_rest() {
    let folder = Folder::new();
    let mlruns = folder.path("project");
    std::fs::create_dir_all(&mlruns).unwrap();
    let database = mlruns.join("mlflow.db");
    crate::mlflow::log_fixture(&format!("sqlite:///{}", database.display()));
    let named = database.display().to_string();
    let served = Served::start(&folder, &[("GF_MLRUNS", &named)]).await;
    until(&served, "complete", true, MINUTE).await;
    let (_, page) = served.page("/sources").await;
    assert!(page.contains("database file") && page.contains("project/mlflow.db"), "{page}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(kept(&folder) > 0);
    served.stop();
    // Nonsense at its place.
    std::fs::write(&database, "no database").unwrap();
    let served = Served::start(&folder, &[("GF_MLRUNS", &named)]).await;
    until(&served, "source error", true, MINUTE).await;
    assert_eq!(served.page("/").await.0, 200);
    let mut doctor = folder.command(&["doctor", "--format", "json"]);
    doctor.env("GF_MLRUNS", &named);
    let found = crate::process::finish(doctor).json();
    let broken = found["checks"].as_array().unwrap().iter().any(|c| c["name"] == "mlflow" && c["state"] == "error");
    assert!(broken, "{found}");
}

#[tokio::test]
async fn topics_are_known_ones_and_settings_that_contradict_each_other_are_refused() {
    let folder = Folder::new();
    let served = Served::start(&folder, &[]).await;
    for (query, status) in [("topic=runs", 200), ("topic=weather", 400), ("topic=runs&customer=acme", 400)] {
        let answer = served.get(&format!("/api/events?{query}")).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{query}");
    }
    let (_, page) = served.page("/sources").await;
    assert!(!page.contains("MLflow server"), "nothing is set");
    for (env, cure) in [
        (vec![("MLFLOW_TRACKING_URI", "http://127.0.0.1:9"), ("GF_MLRUNS", "/nowhere")], "unset GF_MLRUNS"),
        (vec![("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")], "name it in GF_MLRUNS"),
        (vec![("MLFLOW_TRACKING_URI", "http://127.0.0.1:9"), ("GF_MLFLOW_HEADERS", "s3cret")], "Name: value"),
    ] {
        let mut command = folder.command(&["serve"]);
        command.envs(env.iter().copied()).env("GF_ADDR", "127.0.0.1:0");
        let ran = crate::process::finish(command);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(cure) && !ran.stderr.contains("s3cret"), "{ran:?}");
    }
    let mut command = folder.command(&["config", "--json"]);
    command.envs([
        ("MLFLOW_TRACKING_URI", "https://me:s3cret@mlflow.example.com/a"),
        ("MLFLOW_TRACKING_PASSWORD", "s3cret"),
        ("MLFLOW_TRACKING_TOKEN", "s3cret"),
        ("GF_MLFLOW_HEADERS", "X-Key: s3cret"),
    ]);
    let shown = crate::process::finish(command).fine();
    assert!(shown.stdout.contains("https://mlflow.example.com/a") && !shown.stdout.contains("s3cret"), "{shown:?}");
}
