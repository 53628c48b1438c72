//! The programs of `docs/examples`, run as their users run them: against a real server and a real MLflow, with an inference server that is never
//! started anew while versions come and go.

use std::{
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    evidence::{fleet_of, post_records},
    mlflow::{MlflowProcess, python},
    process::{Folder, Ran, Served, clean, finish},
};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples");
/// Generous: a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// `train_and_promote.py` with these arguments.
fn train(served: &Served, mlflow: &MlflowProcess, seed: &str, args: &[&str]) -> Ran {
    let mut command = clean(python());
    command
        .arg(format!("{EXAMPLES}/train_and_promote.py"))
        .args(args)
        .env("GF_URL", served.url(""))
        .env("MLFLOW_TRACKING_URI", &mlflow.address)
        .env("SEED", seed);
    let ran = finish(command);
    println!("$ SEED={seed} python train_and_promote.py {}\n{}", args.join(" "), ran.stdout);
    ran
}

/// A running `inference_server.py`, killed by its own id when dropped.
struct Inference {
    child: Child,
    address: String,
    log: PathBuf,
    client: reqwest::Client,
}

impl Drop for Inference {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Inference {
    async fn start(folder: &Folder, address: &str, log: &str) -> Self {
        let log = folder.path(log);
        let mut command = clean(python());
        command
            .args(["-m", "uvicorn", "--app-dir", EXAMPLES, "--host", "127.0.0.1", "--port", "0", "--no-access-log"])
            .arg("inference_server:app")
            .env("GF_URL", address)
            .env("GF_MODEL", "detector")
            .env("MODEL_DIR", folder.path("models"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::from(std::fs::File::create(&log).unwrap()))
            .stderr(Stdio::from(std::fs::File::create(log.with_extension("uvicorn")).unwrap()));
        let child = command.spawn().unwrap();
        // uvicorn closes connections that were not used for a moment, perhaps just when we use them.
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        let mut inference = Self { child, address: String::new(), log, client };
        let begun = Instant::now();
        while inference.address.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "{}", inference.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
            let said = inference.said();
            let address = said.split("running on ").nth(1).and_then(|rest| rest.split_once(' '));
            inference.address = address.map(|(address, _)| address.to_owned()).unwrap_or_default();
        }
        inference
    }

    fn said(&self) -> String {
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        read(self.log.clone()) + &read(self.log.with_extension("uvicorn"))
    }

    /// What `/predict` says of two scores.
    async fn predict(&self) -> (u16, Value) {
        let answer = self.client.post(format!("{}/predict", self.address)).json(&json!([0.46, 0.6])).send().await;
        let answer = answer.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn health(&self) -> (u16, Value) {
        let answer = self.client.get(format!("{}/healthz", self.address)).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Waits until a version serves; returns how long that took. Requests are answered all the time.
    async fn until(&self, version: &str) -> Duration {
        let begun = Instant::now();
        loop {
            let (status, said) = self.predict().await;
            if said["version"] == version {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < PATIENCE, "{version} does not serve but {said}:\n{}", self.said());
            assert!(status == 200 || said["detail"] == "no champion yet", "{status} {said}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Records of both versions side by side, of which the second is better.
fn records() -> Vec<Value> {
    let mut records = fleet_of("acme", 8, [6, 1], |site| 0.05 + 0.001 * site as f64, 0.01);
    for record in &mut records {
        let version = record["model_version"].clone();
        record["registered_model"] = json!("detector");
        record["registered_version"] = version;
    }
    records
}

async fn models(served: &Served) -> Value {
    served.json("/api/models/detector").await
}

#[tokio::test]
async fn a_training_run_asks_for_its_promotion_and_an_inference_server_follows() {
    let mlflow = tokio::task::spawn_blocking(|| MlflowProcess::start(None, None, &[])).await.unwrap();
    let folder = Folder::new();
    let served = Served::start(&folder, &[("MLFLOW_TRACKING_URI", &mlflow.address)]).await;
    let address = served.url("");
    let inference = Inference::start(&folder, &address, "inference.log").await;
    assert_eq!(inference.health().await, (503, json!({"detail": "no champion yet"})));

    // The first version has nothing to be compared with.
    let first = train(&served, &mlflow, "0", &["detector"]).fine();
    for says in [
        "detector v1: val/mAP50 0.745\n",
        "in the field: nothing to be compared with\n",
        "applied: v1 to production; champion is v1\n",
    ] {
        assert!(first.stdout.contains(says), "{says} is not in {first:?}");
    }
    inference.until("1").await;
    let both = json!({"version": "1", "detections": [0.46, 0.6]});
    assert_eq!(inference.predict().await, (200, both.clone()));

    // Better on the validation set, without a record of the field: it is named, and goes to where records come from.
    let second = train(&served, &mlflow, "1", &["detector"]).fine();
    for says in ["v2: val/mAP50 0.791\n", "champion v1: val/mAP50 0.745\n", "applied: v2 to staging; champion is v1\n"]
    {
        assert!(second.stdout.contains(says), "{says} is not in {second:?}");
    }
    let stands = models(&served).await;
    assert_eq!(stands["aliases"], json!({"champion": "1", "challenger": "2"}), "{stands}");
    assert_eq!(inference.predict().await.1["version"], "1");

    // Worse on the validation set: nothing changes.
    let third = train(&served, &mlflow, "3", &["detector"]).fine();
    assert!(third.stdout.contains("not better on the validation set: it stays as it is\n"), "{third:?}");
    assert_eq!(models(&served).await["aliases"], stands["aliases"]);

    let early = train(&served, &mlflow, "0", &["detector", "2"]).fine();
    assert!(early.stdout.contains("not decided: it stays where it is\n"), "{early:?}");
    assert_eq!(models(&served).await["aliases"], stands["aliases"]);

    // With records that speak for it, the same program brings it to production.
    post_records(&served, &records()).await;
    let ask = json!({"version": "2", "to": "production", "dry_run": true});
    let dry = served.post("/api/models/detector/promotions").json(&ask).send().await.unwrap();
    let dry: Value = dry.json().await.unwrap();
    assert_eq!((&dry["dry_run"], &dry["champion"], &dry["verdict"]), (&json!(true), &json!("1"), &json!("better")));
    assert!(dry["readers"].to_string().contains("inference-server"), "{dry}");
    let again = train(&served, &mlflow, "0", &["detector", "2"]).fine();
    let sentence = dry["evidence"]["sentence"].as_str().unwrap();
    for says in [&*format!("in the field: {sentence}\n"), "applied: v2 to production; champion is v2\n"] {
        assert!(again.stdout.contains(says), "{says} is not in {again:?}");
    }
    let took = inference.until("2").await;
    println!("the inference server serves v2 {} ms after the promotion", took.as_millis());
    assert_eq!(inference.predict().await, (200, json!({"version": "2", "detections": [0.6]})));

    let back = json!({"expected": "2", "reason": "false alarms at night"});
    let back = served.post("/api/models/detector/rollback").json(&back).send().await.unwrap();
    assert_eq!(back.status(), 200, "{}", back.text().await.unwrap());
    let took = inference.until("1").await;
    println!("the inference server serves v1 {} ms after the rollback", took.as_millis());

    // Neither MLflow nor we are needed for what is served.
    mlflow.kill();
    assert_eq!(inference.predict().await, (200, both.clone()));
    let champion = served.json("/api/models/detector/champion").await;
    assert_eq!(champion["version"], "1");
    assert_eq!(inference.health().await.1["version"], "1");
    served.kill();
    assert_eq!(inference.predict().await, (200, both.clone()));
    println!("$ uvicorn inference_server:app\n{}", std::fs::read_to_string(&inference.log).unwrap());
    drop(inference);
    // A new one begins with what the last one had.
    let inference = Inference::start(&folder, &address, "again.log").await;
    inference.until("1").await;
    assert_eq!(inference.predict().await, (200, both));
}

#[tokio::test]
async fn the_models_of_the_demo_are_written_once_into_a_real_mlflow() {
    let mlflow = tokio::task::spawn_blocking(|| MlflowProcess::start(None, None, &[])).await.unwrap();
    let folder = Folder::new();
    let described = folder.run(&["demo", "models"]).fine();
    assert!(!folder.data().exists(), "whoever only asks leaves no data folder behind");
    let file = folder.write("models.json", &described.stdout);
    let write = || {
        let mut command = clean(python());
        command.arg(format!("{EXAMPLES}/demo_models_into_mlflow.py")).arg(&file);
        command.env("MLFLOW_TRACKING_URI", &mlflow.address);
        finish(command).fine().stdout
    };
    let (first, again) = (write(), write());
    assert_eq!(first.matches(": 3 versions written\n").count(), 4, "{first}");
    assert_eq!(again.matches(": is there already\n").count(), 4, "{again}");

    let served = Served::start(&folder, &[("MLFLOW_TRACKING_URI", &mlflow.address)]).await;
    let begun = Instant::now();
    // Before they were read for the first time it says so.
    while served.get("/api/models").send().await.expect("an answer").status() != 200 {
        assert!(begun.elapsed() < PATIENCE, "the models are not read: {}", served.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let listed = served.json("/api/models").await;
    let models = listed["models"].as_array().unwrap();
    assert_eq!(models.len(), 4, "{listed}");
    assert!(models.iter().all(|m| m["versions"] == 3 && m["disagrees"] == false), "{listed}");
    let medium = served.json("/api/models/detector-medium").await;
    assert_eq!(medium["aliases"], json!({"challenger": "3", "champion": "2", "rollback": "1"}), "{medium}");
    assert_eq!(medium["stages"], json!({"Archived": ["1"], "Production": ["2"]}), "{medium}");
    let versions = medium["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 3, "{medium}");
    for (version, described) in versions.iter().rev().zip(described.json()["models"][0]["versions"].as_array().unwrap())
    {
        assert_eq!(version["tags"], described["tags"], "{medium}");
        let tag = |key: &str| described["tags"][key].as_str().is_some_and(|value| !value.is_empty());
        assert!(tag("model_architecture") && tag("model_version"), "{described}");
        assert_eq!(version["description"], described["description"], "{medium}");
        assert!(version["run_id"].is_string(), "{medium}");
        let number = version["version"].as_str().unwrap();
        let files = served.json(&format!("/api/models/detector-medium/versions/{number}/artifacts")).await;
        assert!(files.to_string().contains("README.md") && files.to_string().contains("metrics.json"), "{files}");
    }
}
