//! The demo's training runs, as the real MLflow client reads them.

use domain::{
    ports::{RunSelection, TrackingStore},
    time::Millis,
};
use registry::folder::FolderStore;
use serde_json::{Value, json};

use crate::foreign::python;

const READ: &str = r#"
import json, os, sys
# MLflow may make a database of its own where it is started.
os.chdir(os.path.dirname(sys.argv[1]))
os.environ.update(MLFLOW_ALLOW_FILE_STORE="true", MLFLOW_DISABLE_TELEMETRY="true", GIT_PYTHON_REFRESH="quiet")
import pathlib
from mlflow import MlflowClient, artifacts
uri = pathlib.Path(sys.argv[1]).as_uri()
client = MlflowClient(tracking_uri=uri, registry_uri=uri)
experiments = client.search_experiments()
runs = client.search_runs([e.experiment_id for e in experiments], max_results=1000)
def files(id, folder=None):
    for f in client.list_artifacts(id, folder):
        yield from files(id, f.path) if f.is_dir else [f.path]
def read(run):
    i, d = run.info, run.data
    return {"id": i.run_id, "name": i.run_name, "status": i.status, "start": i.start_time, "end": i.end_time, "user": i.user_id,
            "uri": i.artifact_uri, "params": d.params, "tags": d.tags,
            "metrics": {m.key: [repr(m.value).replace("nan", "NaN"), m.step, m.timestamp] for m in d._metric_objs},
            "points": {k: len(client.get_metric_history(i.run_id, k)) for k in d.metrics},
            "datasets": [x.dataset.name for x in run.inputs.dataset_inputs], "files": sorted(files(i.run_id))}
champion = client.get_model_version_by_alias("detector-medium", "champion")
print(json.dumps({
    "experiments": {e.experiment_id: [e.name, e.tags] for e in experiments},
    "runs": [read(r) for r in runs],
    "models": {m.name: m.aliases for m in client.search_registered_models()},
    "champion": [champion.version, champion.run_id, champion.tags["model_version"]],
    "flavors": artifacts.load_text(champion.source + "/MLmodel").count("pytorch"),
}))
"#;

#[tokio::test]
async fn the_real_client_reads_the_runs_of_the_demo_as_we_do() {
    let data = tempfile::tempdir().unwrap();
    let folder = server::demo::mlruns_folder(data.path());
    server::demo::write_runs(&folder, Millis(1_795_000_000_000)).unwrap();
    let store = FolderStore::open(&folder).unwrap();
    let experiments = store.experiments().await.unwrap();
    let ids: Vec<_> = experiments.iter().map(|e| e.id.clone()).collect();
    let runs = store.runs(&ids, &RunSelection::All, 1_000, None).await.unwrap().runs;

    let client = tokio::task::spawn_blocking(move || python(READ, &folder)).await.unwrap();
    let client: Value = serde_json::from_str(client.lines().last().unwrap()).unwrap();
    for experiment in &experiments {
        let [name, tags] = [0, 1].map(|i| &client["experiments"][experiment.id.as_str()][i]);
        assert_eq!(*name, json!(&*experiment.name));
        assert!(experiment.tags.iter().all(|(key, value)| tags[&**key] == json!(&**value)), "{tags}");
    }
    let theirs = client["runs"].as_array().unwrap();
    assert_eq!((theirs.len(), client["experiments"].as_object().unwrap().len()), (runs.len(), experiments.len()));
    for run in &runs {
        let id = run.id.as_str();
        let their = theirs.iter().find(|r| r["id"] == id).unwrap();
        let ours = json!([&*run.name, run.status.as_str(), run.start.map(|t| t.0), run.end.map(|t| t.0), &*run.user]);
        assert_eq!(json!([their["name"], their["status"], their["start"], their["end"], their["user"]]), ours);
        assert_eq!(their["uri"], json!(&*run.artifact_uri));
        for (pairs, key) in [(&run.params, "params"), (&run.tags, "tags")] {
            let ours: Value =
                pairs.iter().map(|(k, v)| (k.to_string(), json!(&**v))).collect::<serde_json::Map<_, _>>().into();
            assert_eq!(their[key], ours, "{id}");
        }
        assert_eq!(their["metrics"].as_object().unwrap().len(), run.metrics.len());
        for metric in &run.metrics {
            let [value, step, timestamp] = [0, 1, 2].map(|i| &their["metrics"][&*metric.key][i]);
            let value: f64 = value.as_str().unwrap().parse().unwrap();
            assert!(value == metric.value || (value.is_nan() && metric.value.is_nan()), "{id} {}", metric.key);
            assert_eq!((step, timestamp), (&json!(metric.step), &json!(metric.timestamp.0)));
            let points = metric.extremes.map(|e| e.points);
            assert!(points.is_none_or(|n| their["points"][&*metric.key] == n), "{id} {}", metric.key);
        }
        assert_eq!(their["datasets"], json!(run.datasets.iter().map(|d| &*d.name).collect::<Vec<_>>()));
        let expected = store.artifacts(&run.id, &domain::tracking::ArtifactPath::default()).await.unwrap();
        assert_eq!(their["files"].as_array().unwrap().is_empty(), expected.is_empty());
    }
    let made = runs.iter().find(|r| &*r.name == "yolov10m-1.1.0").unwrap();
    assert_eq!(client["champion"], json!([2, made.id.as_str(), "1.1.0"]));
    assert_eq!(client["models"]["detector-transformer"], json!({"champion": "1", "challenger": "3"}));
    assert_eq!(client["models"].as_object().unwrap().len(), 4);
    assert!(client["flavors"].as_u64().unwrap() > 0, "MLmodel is read from where the version says that it is");
}
