//! Filters against a real MLflow server: what its grammar accepts passes the same runs here.

use std::collections::BTreeSet;

use domain::{
    ports::{RunSelection, TrackingStore},
    tracking::{Run, filter::Filter},
};
use registry::mlflow::{MlflowOptions, MlflowServer};
use serde_json::{Value, json};

use crate::mlflow::FilledServer;

/// Filters that MLflow takes. NaN is left out: its databases compare it as zero.
const SHARED: [&str; 50] = [
    "",
    "metrics.f1 > 0.5",
    "metrics.f1 >= 0.5",
    "metrics.f1 = 0.5",
    "metrics.f1 != 0.5",
    "metrics.f1 <= 0.5",
    "metrics.f1 < 0.5",
    "metric.f1 < 5e-1",
    "metrics.f1 > .4 AND metrics.f1 < .6",
    "metrics.f1 > 0.4 and metrics.f1 < 0.6",
    "metrics.`val/mAP50` = 0.5",
    "metrics.\"val/mAP50\" = 0.5",
    "metrics.negative < -12345",
    "metrics.`minus inf` < -1e300",
    "metrics.absent > 0",
    "metrics.twice = 2",
    "metrics.`far step` = 1",
    "params.lr = '0.001'",
    "param.lr = \"0.001\"",
    "parameter.lr != '0.001'",
    "parameters.i LIKE '1%'",
    "params.i LIKE '_'",
    "params.i LIKE '2_'",
    "params.i != '3'",
    "params.`batch size` = '32'",
    "params.`optim/lr` LIKE '1e%'",
    "params.absent = 'x'",
    "params.absent IS NULL",
    "params.i IS NOT NULL",
    "params.i IS NULL AND metrics.f1 > 0.5",
    "tags.html ILIKE '%SCRIPT%'",
    "tags.html LIKE '%SCRIPT%'",
    "tag.mlflow.source.name = 'train.py'",
    "tags.`mlflow.source.name` LIKE '%.py'",
    "tags.`a/b` = 'below'",
    "tags.site IS NULL",
    "attributes.status = 'FINISHED'",
    "attributes.status != 'FINISHED'",
    "status = 'RUNNING'",
    "attribute.run_name LIKE 'run 1%'",
    "attr.run_name ILIKE 'RUN 0_'",
    "run.run_name = 'scheduled'",
    "run_name != 'scheduled'",
    "attributes.start_time > 1767225660000",
    "start_time <= 1767225600000",
    "attributes.end_time > 1767225650000",
    "created = 1767225601000",
    "dataset.name = 'yard'",
    "dataset.digest IN ('abc123', 'nothing')",
    "datasets.context = 'training' AND dataset.name LIKE 'y%'",
];

/// Filters that neither takes. An AND at an end is refused here alone: MLflow overlooks it.
const REFUSED: [&str; 10] = [
    "metrics.f1 >",
    "metrics.f1 > 'x'",
    "metrics.f1 > high",
    "metrics.f1 LIKE '1%'",
    "params.i = yolo",
    "params.i > 'a'",
    "attributes.nothing = 'x'",
    "dataset.nothing = 'x'",
    "attributes.status = 5",
    "params.i LIKE 5",
];

/// Ids of the runs that MLflow finds, or its refusal.
async fn theirs(address: &str, experiments: &[Value], filter: &str) -> Result<BTreeSet<String>, String> {
    registry::egress::use_ring();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({ "experiment_ids": experiments, "filter": filter, "max_results": 1000 });
    let url = format!("{address}/api/2.0/mlflow/runs/search");
    let answer = client.post(url).json(&body).send().await.unwrap();
    let ok = answer.status().is_success();
    let found: Value = answer.json().await.unwrap();
    if !ok {
        return Err(found["message"].to_string());
    }
    let runs = found["runs"].as_array().cloned().unwrap_or_default();
    Ok(runs.iter().map(|r| r["info"]["run_id"].as_str().unwrap().to_owned()).collect())
}

async fn compared(server: &FilledServer) {
    let options = MlflowOptions { uri: server.server.address.clone(), ..MlflowOptions::default() };
    let store = MlflowServer::new(options).unwrap();
    let experiments = store.experiments().await.unwrap();
    let ids: Vec<_> = experiments.iter().map(|e| e.id.clone()).collect();
    let runs: Vec<Run> = store.runs(&ids, &RunSelection::All, 1000, None).await.unwrap().runs;
    assert!(runs.len() > 25, "{}", runs.len());
    let ids: Vec<Value> = ids.iter().map(|id| json!(id)).collect();
    let mut different = vec![];
    for filter in SHARED {
        let read = Filter::parse(filter).unwrap_or_else(|e| panic!("{filter}: {}", e.sentence()));
        let read = read.resolve(|_| false).0;
        let passes = |r: &&Run| read.matches(&(*r).clone().sorted());
        let ours: BTreeSet<String> = runs.iter().filter(passes).map(|r| r.id.to_string()).collect();
        let theirs = theirs(&server.server.address, &ids, filter).await;
        if theirs.as_ref() != Ok(&ours) {
            different.push(format!("{filter}: {} here, there {theirs:?}", ours.len()));
        }
    }
    assert_eq!(different, Vec::<String>::new());
    for filter in REFUSED {
        assert!(Filter::parse(filter).is_err(), "{filter}");
        assert!(theirs(&server.server.address, &ids, filter).await.is_err(), "{filter} is refused here alone");
    }
}

#[tokio::test]
async fn the_same_runs_pass_as_in_mlflow_over_sqlite() {
    compared(tokio::task::spawn_blocking(FilledServer::on_sqlite).await.unwrap()).await;
}

#[tokio::test]
async fn the_same_runs_pass_as_in_mlflow_over_postgres() {
    compared(tokio::task::spawn_blocking(FilledServer::on_postgres).await.unwrap()).await;
}
