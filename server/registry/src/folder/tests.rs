//! Folders made by hand, as MLflow's file store writes them.
#![expect(clippy::disallowed_methods, reason = "tests wait for their own files")]

use std::fs;

use domain::{
    error::ErrorKind,
    time::Millis,
    tracking::{Lifecycle, RunStatus},
};
use tempfile::TempDir;

use super::*;

const RUN: &str = "5202e1ef1ccf4b3d86aece5a00fb513f";

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn experiment_meta(id: &str, name: &str, stage: &str) -> String {
    format!(
        "artifact_location: file:///old/mlruns/{id}\ncreation_time: 5\nexperiment_id: '{id}'\nlast_update_time: 6\n\
         lifecycle_stage: {stage}\nname: {name}\n"
    )
}

fn run_meta(experiment: &str, id: &str, status: i32, times: (i64, Option<i64>), stage: &str) -> String {
    let end = times.1.map_or("null".to_owned(), |t| t.to_string());
    format!(
        "artifact_uri: file:///old/mlruns/{experiment}/{id}/artifacts\nend_time: {end}\nexperiment_id: '{experiment}'\n\
         lifecycle_stage: {stage}\nrun_id: {id}\nrun_name: 'name of {id}'\nstart_time: {}\nstatus: {status}\ntags: []\n\
         user_id: ann\n",
        times.0
    )
}

/// An experiment with a run that has everything, a deleted and a running one, and a deleted experiment.
fn folder() -> TempDir {
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path();
    put(root, "7/meta.yaml", &experiment_meta("7", "detect/acme", "active"));
    put(root, "7/tags/site/zone", "x y");
    put(root, &format!("7/{RUN}/meta.yaml"), &run_meta("7", RUN, 3, (100, Some(200)), "active"));
    put(root, &format!("7/{RUN}/params/lr"), "0.1");
    put(root, &format!("7/{RUN}/params/opt/inner"), "a\nb");
    put(root, &format!("7/{RUN}/tags/customer"), "<script>\u{202e}K\u{fc}ste");
    put(root, &format!("7/{RUN}/tags/%2e%2e"), "odd");
    put(root, &format!("7/{RUN}/metrics/val/loss"), "101 1.0 0\n102 0.5 1\n103 0.75 2\n104 0.6 3");
    put(root, &format!("7/{RUN}/metrics/nan"), "101 nan 0\n");
    put(root, &format!("7/{RUN}/artifacts/notes/a.txt"), "hello");
    put(
        root,
        &format!("7/{RUN}/inputs/i1/meta.yaml"),
        "destination_id: d1\nsource_id: d1\nsource_type: DATASET\ntags:\n  mlflow.data.context: training\n",
    );
    put(
        root,
        &format!("7/{RUN}/inputs/i2/meta.yaml"),
        "destination_id: x\nsource_id: ../../../x\nsource_type: DATASET\ntags: {}\n",
    );
    put(
        root,
        "7/datasets/d1/meta.yaml",
        "digest: ab\nname: coco\nsource: '{\"url\": \"http://x\"}'\nsource_type: http\n",
    );
    put(
        root,
        "7/models/m-1/meta.yaml",
        &format!(
            "creation_timestamp: 150\nmodel_id: m-1\nmodel_type: null\nname: model\nsource_run_id: {RUN}\nstatus: 2\n"
        ),
    );
    put(root, "7/deleted/meta.yaml", &run_meta("7", "deleted", 3, (100, Some(200)), "deleted"));
    put(root, "7/running/meta.yaml", &run_meta("7", "running", 1, (300, None), "active"));
    put(root, "7/running/metrics/loss", "301 1 0\n");
    put(root, ".trash/9/meta.yaml", &experiment_meta("9", "gone", "deleted"));
    put(root, ".trash/9/old/meta.yaml", &run_meta("9", "old", 3, (1, Some(2)), "deleted"));
    let version = |stage: &str, n: i32, run: &str| {
        format!("current_stage: {stage}\nname: acme-detect\nrun_id: {run}\nversion: {n}\n")
    };
    put(root, "models/acme-detect/meta.yaml", "name: acme-detect\n");
    put(root, "models/acme-detect/version-2/meta.yaml", &version("None", 2, RUN));
    put(root, "models/acme-detect/version-3/meta.yaml", &version("Deleted_Internal", 3, RUN));
    put(root, "models/acme-detect/version-4/meta.yaml", &version("None", 4, "other"));
    place
}

fn id(text: &str) -> RunId {
    RunId::parse(text).expect("an id")
}

fn experiment(text: &str) -> ExperimentId {
    ExperimentId::parse(text).expect("an id")
}

async fn ids(store: &FolderStore, which: RunSelection) -> Vec<String> {
    let mut found = Vec::new();
    let mut page = None;
    loop {
        let answer = store.runs(&[experiment("7")], &which, 1, page.as_deref()).await.expect("runs");
        found.extend(answer.runs.iter().map(|r| r.id.to_string()));
        page = answer.next;
        if page.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn what_mlflow_wrote_is_read() {
    let place = folder();
    let store = FolderStore::open(place.path()).expect("a store");
    assert_eq!(store.probe().await, Ok(None));
    let experiments = store.experiments().await.expect("experiments");
    let shown: Vec<_> = experiments.iter().map(|e| (e.id.as_str(), &*e.name, e.lifecycle, e.created)).collect();
    let (five, active, deleted) = (Some(Millis(5)), Lifecycle::Active, Lifecycle::Deleted);
    assert_eq!(shown, [("7", "detect/acme", active, five), ("9", "gone", deleted, five)]);
    assert_eq!(experiments[0].tags, [("site/zone".into(), "x y".into())]);

    let run = store.run(&id(RUN)).await.expect("a run");
    assert_eq!(
        (&*run.name, &*run.user, run.status),
        ("name of 5202e1ef1ccf4b3d86aece5a00fb513f", "ann", RunStatus::Finished)
    );
    assert_eq!((run.start, run.end), (Some(Millis(100)), Some(Millis(200))));
    assert_eq!((run.param("lr"), run.param("opt/inner")), (Some("0.1"), Some("a\nb")));
    assert_eq!((run.tag("customer"), run.tag("%2e%2e")), (Some("<script>\u{202e}K\u{fc}ste"), Some("odd")));
    let loss = run.metric("val/loss").expect("a metric");
    let extremes = loss.extremes.map(|e| (e.min, e.max, e.points));
    assert_eq!((loss.value, loss.step, loss.timestamp, extremes), (0.75, 2, Millis(103), Some((0.5, 1.0, 3))));
    assert!(run.metric("nan").is_some_and(|m| m.value.is_nan() && m.extremes.is_none()));
    let datasets: Vec<_> = run.datasets.iter().map(|d| [&*d.name, &*d.digest, &*d.context, &*d.source]).collect();
    assert_eq!(datasets, [["coco", "ab", "training", "{\"url\": \"http://x\"}"]]);
    let listed = store.runs(&[experiment("7")], &RunSelection::All, 9, None).await.expect("runs");
    assert_eq!(format!("{:?}", listed.runs[0]), format!("{run:?}"), "as text: NaN equals nothing");

    let steps: Vec<i64> = store.history(&id(RUN), "val/loss").await.expect("points").iter().map(|p| p.step).collect();
    assert_eq!(steps, [0, 1, 2]);
    for nothing in ["none", "val", "", "../params/lr", "/etc/passwd", "a\0b"] {
        assert_eq!(store.history(&id(RUN), nothing).await, Ok(vec![]), "{nothing:?}");
    }
    assert_eq!(store.history(&id("none"), "val/loss").await, Ok(vec![]));
    let models = store.logged_models(&experiment("7"), &id(RUN)).await.expect("models");
    assert_eq!(
        models.iter().map(|m| [&*m.id, &*m.name, &*m.status, &*m.kind]).collect::<Vec<_>>(),
        [["m-1", "model", "READY", ""]]
    );
    let versions = store.model_versions(&id(RUN)).await.expect("versions");
    assert_eq!(versions, [MadeVersion { model: "acme-detect".into(), version: "2".into() }]);

    // The folder was moved here, so the address that MLflow wrote is of another place.
    let root = ArtifactPath::default();
    let files = store.artifacts(&id(RUN), &root).await.expect("files");
    assert_eq!(files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["notes"]);
    let note = ArtifactPath::parse("notes/a.txt").expect("a path");
    assert_eq!(store.artifact(&id(RUN), &note, None).await.map(|b| b.size), Ok(Some(5)));
    let absent = store.run(&id("none")).await.expect_err("no run");
    assert_eq!(absent.kind, ErrorKind::NotFound);
    assert_eq!(store.run(&id("old")).await.map(|r| r.lifecycle), Ok(Lifecycle::Deleted));
}

#[tokio::test]
async fn selections_follow_what_is_being_written() {
    let place = folder();
    let store = FolderStore::open(place.path()).expect("a store");
    assert_eq!(ids(&store, RunSelection::All).await, [RUN, "running"]);
    assert_eq!(ids(&store, RunSelection::Running).await, ["running"]);
    assert_eq!(ids(&store, RunSelection::StartedAfter(Millis(100))).await, ["running"]);
    assert_eq!(ids(&store, RunSelection::EndedAfter(Millis(199))).await, [RUN]);
    let value =
        async |store: &FolderStore| store.run(&id("running")).await.expect("a run").metric("loss").map(|m| m.value);
    assert_eq!(value(&store).await, Some(1.0));
    put(place.path(), "7/running/metrics/loss", "301 1 0\n302 0.5 1\n303 0.2");
    assert_eq!(value(&store).await, Some(0.5));

    // Half a meta.yaml: what was known stays, and what was never whole is not there yet.
    let whole = run_meta("7", "running", 5, (300, Some(400)), "active");
    put(place.path(), "7/running/meta.yaml", "");
    put(place.path(), "7/young/meta.yaml", &run_meta("7", "young", 1, (500, None), "active")[..60]);
    assert_eq!(ids(&store, RunSelection::Running).await, ["running"]);
    put(place.path(), "7/running/meta.yaml", &whole[..whole.len() - 20]);
    assert_eq!(store.run(&id("running")).await.map(|r| r.status), Ok(RunStatus::Running));
    put(place.path(), "7/running/meta.yaml", &whole);
    put(place.path(), "7/young/meta.yaml", &run_meta("7", "young", 1, (500, None), "active"));
    assert_eq!(ids(&store, RunSelection::Running).await, ["young"]);
    assert_eq!(ids(&store, RunSelection::EndedAfter(Millis(200))).await, ["running"]);
    fs::remove_dir_all(place.path().join("7/young")).expect("removed");
    assert!(ids(&store, RunSelection::Running).await.is_empty());
}

#[tokio::test]
async fn strange_folders_are_left_out_or_refused_with_a_sentence() {
    let place = folder();
    let root = place.path();
    put(root, "7/liar/meta.yaml", &run_meta("7", "another", 3, (1, None), "active"));
    put(root, "7/stray/meta.yaml", &run_meta("8", "stray", 3, (1, None), "active"));
    put(root, "7/a b/meta.yaml", &run_meta("7", "a b", 3, (1, None), "active"));
    put(root, "7/bad/meta.yaml", "status: [\n");
    put(root, "8/meta.yaml", &experiment_meta("88", "liar", "active"));
    put(root, "not an id/meta.yaml", &experiment_meta("not an id", "x", "active"));
    #[cfg(unix)]
    {
        let outside = root.join("7").join(RUN);
        std::os::unix::fs::symlink(&outside, root.join("7/link")).expect("a link");
        std::os::unix::fs::symlink("/etc/passwd", root.join("7/running/params")).expect("a link");
        std::os::unix::fs::symlink("/etc", root.join("7/running/tags")).expect("a link");
        std::os::unix::fs::symlink("/etc/passwd", root.join("7/running/metrics/far")).expect("a link");
    }
    let store = FolderStore::open(root).expect("a store");
    assert_eq!(ids(&store, RunSelection::All).await, [RUN, "running"]);
    let run = store.run(&id("running")).await.expect("a run");
    assert!(run.params.is_empty() && run.tags.is_empty() && run.metrics.len() == 1, "{run:?}");
    assert_eq!(store.experiments().await.map(|e| e.len()), Ok(2));
    let moved = run_meta("7", "running", 1, (300, None), "active")
        .replace("file:///old/mlruns/7/running/artifacts", "s3://b/x");
    put(root, "7/running/meta.yaml", &moved);
    let refused = store.artifacts(&id("running"), &ArtifactPath::default()).await.expect_err("files");
    assert!(refused.message.en.contains("s3://b/x") && refused.message.ko.is_some(), "{refused}");
    for page in ["", "x", "7/../x", "../7/x"] {
        let page = store.runs(&[experiment("7")], &RunSelection::All, 1, Some(page)).await;
        assert_eq!(page.map(|p| p.next).map_err(|e| e.kind), Err(ErrorKind::BadInput));
    }
    let absent = FolderStore::open(&root.join("none")).expect("a store");
    let refused = absent.probe().await.expect_err("nothing there");
    assert!(refused.kind == ErrorKind::Unavailable && refused.message.en.contains("GF_MLRUNS"), "{refused}");
    assert!(absent.runs(&[experiment("7")], &RunSelection::All, 1, None).await.is_err());
    assert!(FolderStore::open(&root.join("7/meta.yaml")).is_err());
}
