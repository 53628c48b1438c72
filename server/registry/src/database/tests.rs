//! Databases made by hand, with the tables that MLflow 3.17 makes.
#![expect(clippy::disallowed_methods, reason = "tests wait for their own files")]

use std::fs;

use domain::{
    error::ErrorKind,
    time::Millis,
    tracking::{Lifecycle, RunStatus},
};
use sqlx::{
    ConnectOptions, Connection as _, Executor, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};
use tempfile::TempDir;

use super::*;

const TABLES: &str = "
CREATE TABLE experiments (experiment_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(256) NOT NULL, artifact_location VARCHAR(256),
  lifecycle_stage VARCHAR(32), creation_time BIGINT, last_update_time BIGINT);
CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL PRIMARY KEY, name VARCHAR(250), user_id VARCHAR(256), status VARCHAR(9),
  start_time BIGINT, end_time BIGINT, lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200), experiment_id INTEGER);
CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL, run_uuid VARCHAR(32) NOT NULL,
  step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL);
CREATE INDEX index_metrics_run_uuid_key_step ON metrics (run_uuid, key, step);
CREATE TABLE latest_metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT, step BIGINT NOT NULL,
  is_nan BOOLEAN NOT NULL, run_uuid VARCHAR(32) NOT NULL);
CREATE TABLE params (key VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL, run_uuid VARCHAR(32) NOT NULL);
CREATE TABLE tags (key VARCHAR(250) NOT NULL, value VARCHAR(8000), run_uuid VARCHAR(32) NOT NULL);
INSERT INTO experiments VALUES (0, 'Default', '/old/mlruns/0', 'active', 1, 1), (7, 'detect/acme', '/old/mlruns/7', 'active', 5, 6),
  (9, 'gone', '/old/mlruns/9', 'deleted', 5, 6);
INSERT INTO runs VALUES
  ('a1', 'best', 'ann', 'FINISHED', 100, 200, 'active', '/old/mlruns/7/a1/artifacts', 7),
  ('b2', NULL, NULL, 'RUNNING', 300, NULL, 'active', 's3://bucket/7/b2', 7),
  ('c3', 'deleted', 'ann', 'FINISHED', 100, 200, 'deleted', '/etc', 7),
  ('d4', 'odd', 'ann', 'ODD', 100, 200, 'active', '/etc', 7),
  ('no id', 'odd', 'ann', 'FINISHED', 100, 200, 'active', '/etc', 7),
  ('z9', 'other', 'ann', 'KILLED', 50, 60, 'active', '../../etc', 0);
INSERT INTO metrics VALUES ('val/loss', 1.0, 101, 'a1', 0, 0), ('val/loss', 0.75, 103, 'a1', 2, 0), ('val/loss', 0.5, 102, 'a1', 1, 0),
  ('val/loss', 0, 104, 'a1', 3, 1), ('nan', 0, 104, 'a1', 3, 1), ('inf', 9e999, 104, 'a1', 0, 0);
INSERT INTO latest_metrics VALUES ('val/loss', 0.75, 103, 2, 0, 'a1'), ('nan', 0, 104, 3, 1, 'a1'), ('inf', 9e999, 104, 0, 0, 'a1');
INSERT INTO params VALUES ('lr', '0.1', 'a1'), ('batch', CAST(X'FF41' AS TEXT), 'a1');
INSERT INTO tags VALUES ('customer', '<script>K', 'a1'), ('mlflow.runName', 'by tag', 'b2'), ('empty', NULL, 'a1');";

const NEWER_TABLES: &str = "
CREATE TABLE experiment_tags (key VARCHAR(250) NOT NULL, value TEXT, experiment_id INTEGER NOT NULL);
CREATE TABLE datasets (dataset_uuid VARCHAR(36) NOT NULL, experiment_id INTEGER NOT NULL, name VARCHAR(500), digest VARCHAR(36),
  dataset_source_type VARCHAR(36), dataset_source TEXT);
CREATE TABLE inputs (input_uuid VARCHAR(36), source_type VARCHAR(36), source_id VARCHAR(36), destination_type VARCHAR(36),
  destination_id VARCHAR(36));
CREATE TABLE input_tags (input_uuid VARCHAR(36), name VARCHAR(255), value VARCHAR(500));
CREATE TABLE logged_models (model_id VARCHAR(36), experiment_id INTEGER, name VARCHAR(500), creation_timestamp_ms BIGINT,
  status INTEGER, lifecycle_stage VARCHAR(32), model_type VARCHAR(500), source_run_id VARCHAR(32));
CREATE TABLE model_versions (name VARCHAR(256), version INTEGER, current_stage VARCHAR(20), run_id VARCHAR(32));
INSERT INTO experiment_tags VALUES ('site/zone', 'x y', 7);
INSERT INTO datasets VALUES ('d1', 7, 'coco', 'ab', 'http', '{}');
INSERT INTO inputs VALUES ('i1', 'DATASET', 'd1', 'RUN', 'a1');
INSERT INTO input_tags VALUES ('i1', 'mlflow.data.context', 'training');
INSERT INTO logged_models VALUES ('m-1', 7, 'model', 150, 2, 'active', NULL, 'a1'), ('m-2', 7, 'model', 151, 2, 'deleted', NULL, 'a1');
INSERT INTO model_versions VALUES ('acme-detect', 10, 'None', 'a1'), ('acme-detect', 9, NULL, 'a1'),
  ('acme-detect', 11, 'Deleted_Internal', 'a1');";

async fn connect(path: &Path, journal: SqliteJournalMode) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).journal_mode(journal);
    options.connect().await.expect("a database")
}

async fn database(newer: bool) -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("mlflow.db");
    let mut db = connect(&path, SqliteJournalMode::Delete).await;
    db.execute(TABLES).await.expect("tables");
    if newer {
        db.execute(NEWER_TABLES).await.expect("tables");
    }
    db.close().await.expect("closed");
    (place, path)
}

fn id(text: &str) -> RunId {
    RunId::parse(text).expect("an id")
}

fn experiments(ids: &[&str]) -> Vec<ExperimentId> {
    ids.iter().map(|id| ExperimentId::parse(id).expect("an id")).collect()
}

async fn ids(store: &DatabaseStore, which: RunSelection) -> Vec<String> {
    let mut found = Vec::new();
    let mut page = None;
    loop {
        let answer = store.runs(&experiments(&["7", "x"]), &which, 1, page.as_deref()).await.expect("runs");
        found.extend(answer.runs.iter().map(|r| r.id.to_string()));
        page = answer.next;
        if page.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn what_mlflow_wrote_is_read() {
    let (place, path) = database(true).await;
    let store = DatabaseStore::open(&path).expect("a store");
    assert_eq!(store.probe().await, Ok(None));
    let found = store.experiments().await.expect("experiments");
    let shown: Vec<_> = found.iter().map(|e| (e.id.as_str(), &*e.name, e.lifecycle, e.created)).collect();
    let (active, deleted) = (Lifecycle::Active, Lifecycle::Deleted);
    let five = Some(Millis(5));
    assert_eq!(
        shown,
        [("0", "Default", active, Some(Millis(1))), ("7", "detect/acme", active, five), ("9", "gone", deleted, five)]
    );
    assert_eq!(found[1].tags, [("site/zone".into(), "x y".into())]);

    let run = store.run(&id("a1")).await.expect("a run");
    assert_eq!((&*run.name, &*run.user, run.status), ("best", "ann", RunStatus::Finished));
    assert_eq!((run.param("lr"), run.param("batch")), (Some("0.1"), Some("\u{fffd}A")));
    assert_eq!((run.tag("customer"), run.tag("empty")), (Some("<script>K"), Some("")));
    let loss = run.metric("val/loss").expect("a metric");
    let extremes = loss.extremes.map(|e| (e.min, e.max, e.points));
    assert_eq!((loss.value, loss.step, loss.timestamp, extremes), (0.75, 2, Millis(103), Some((0.5, 1.0, 4))));
    assert!(run.metric("nan").is_some_and(|m| m.value.is_nan() && m.extremes.is_none()));
    assert_eq!(run.metric("inf").map(|m| m.value), Some(f64::MAX));
    let datasets: Vec<_> = run.datasets.iter().map(|d| [&*d.name, &*d.digest, &*d.context, &*d.source]).collect();
    assert_eq!(datasets, [["coco", "ab", "training", "{}"]]);
    assert_eq!(store.run(&id("b2")).await.map(|r| r.name.to_string()), Ok("by tag".into()));
    assert_eq!(store.run(&id("c3")).await.map(|r| r.lifecycle), Ok(Lifecycle::Deleted));
    assert_eq!(store.run(&id("none")).await.map_err(|e| e.kind), Err(ErrorKind::NotFound));

    assert_eq!(ids(&store, RunSelection::All).await, ["a1", "b2"]);
    assert_eq!(ids(&store, RunSelection::Running).await, ["b2"]);
    assert_eq!(ids(&store, RunSelection::StartedAfter(Millis(100))).await, ["b2"]);
    assert_eq!(ids(&store, RunSelection::EndedAfter(Millis(199))).await, ["a1"]);
    let all = store.runs(&experiments(&["0", "7"]), &RunSelection::All, 50_000, None).await.expect("runs");
    assert_eq!((all.runs.len(), all.next), (3, None));
    assert_eq!(format!("{:?}", all.runs[0]), format!("{run:?}"), "as text: NaN equals nothing");

    let points = store.history(&id("a1"), "val/loss").await.expect("points");
    assert_eq!(points.iter().map(|p| p.step).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(points[3].value.is_nan());
    assert_eq!(store.history(&id("a1"), "no'ne").await, Ok(vec![]));
    let models = store.logged_models(&experiments(&["7"])[0], &id("a1")).await.expect("models");
    assert_eq!(models.iter().map(|m| [&*m.id, &*m.name, &*m.status]).collect::<Vec<_>>(), [["m-1", "model", "READY"]]);
    let versions = store.model_versions(&id("a1")).await.expect("versions");
    assert_eq!(versions.iter().map(|v| &*v.version).collect::<Vec<_>>(), ["9", "10"]);

    // The whole was moved here.
    let root = ArtifactPath::default();
    fs::create_dir_all(place.path().join("mlruns/7/a1/artifacts/report")).expect("a folder");
    let files = store.artifacts(&id("a1"), &root).await.expect("files");
    assert_eq!(files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["report"]);
    for elsewhere in ["b2", "c3", "z9"] {
        let refused = store.artifacts(&id(elsewhere), &root).await.expect_err(elsewhere);
        assert!(refused.kind == ErrorKind::NotFound && refused.message.ko.is_some(), "{refused}");
    }
}

#[tokio::test]
async fn tables_of_newer_mlflow_may_be_missing() {
    let (_place, path) = database(false).await;
    let store = DatabaseStore::open(&path).expect("a store");
    assert!(store.experiments().await.is_ok_and(|e| e.len() == 3 && e[1].tags.is_empty()));
    assert!(store.run(&id("a1")).await.is_ok_and(|r| r.datasets.is_empty()));
    assert_eq!(store.logged_models(&experiments(&["7"])[0], &id("a1")).await, Ok(vec![]));
    assert_eq!(store.model_versions(&id("a1")).await, Ok(vec![]));
    let mut db = connect(&path, SqliteJournalMode::Delete).await;
    db.execute("ALTER TABLE experiments DROP COLUMN creation_time").await.expect("dropped");
    let refused = store.experiments().await.expect_err("too old");
    assert!(refused.message.en.contains("mlflow db upgrade"), "{refused}");
}

#[tokio::test]
async fn a_writer_is_seen_and_neither_kept_waiting_nor_disturbed() {
    for journal in [SqliteJournalMode::Delete, SqliteJournalMode::Wal] {
        let (place, path) = database(true).await;
        let store = DatabaseStore::open(&path).expect("a store");
        let mut writer = connect(&path, journal).await;
        let rename = async |writer: &mut SqliteConnection, name: &'static str| {
            let sql = sqlx::query("UPDATE runs SET name = ? WHERE run_uuid = 'a1'").bind(name);
            sql.execute(writer).await.map(|_| ())
        };
        let name = async || store.run(&id("a1")).await.map(|run| run.name.to_string());
        rename(&mut writer, "second").await.expect("written");
        assert_eq!(name().await, Ok("second".into()));
        writer.execute("BEGIN IMMEDIATE").await.expect("a transaction");
        rename(&mut writer, "third").await.expect("written");
        assert_eq!(name().await, Ok("second".into()), "what is not committed is not there");
        writer.execute("COMMIT").await.expect("committed");
        assert_eq!(name().await, Ok("third".into()));
        writer.close().await.expect("closed");
        let names =
            |of: &Path| fs::read_dir(of).expect("a folder").flatten().map(|e| e.file_name()).collect::<Vec<_>>();
        assert_eq!(name().await, Ok("third".into()), "nobody has it open");
        assert_eq!(names(place.path()), ["mlflow.db"], "reading makes no files");
        // Another file in its place.
        let (_other, better) = database(true).await;
        fs::rename(better, &path).expect("replaced");
        assert_eq!(name().await, Ok("best".into()));
    }
}

#[tokio::test]
async fn what_is_no_database_of_mlflow_is_told() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("mlflow.db");
    let store = DatabaseStore::open(&path).expect("it may come");
    let refused = async || {
        let refused = store.probe().await.expect_err("no database");
        assert!(refused.kind == ErrorKind::Unavailable && refused.message.ko.is_some(), "{refused}");
        refused.message.en
    };
    assert!(refused().await.contains("mlflow.db"));
    fs::write(&path, "").expect("a file");
    assert!(refused().await.contains("not an SQLite database of MLflow"));
    connect(&path, SqliteJournalMode::Delete).await.execute("CREATE TABLE t (x INTEGER)").await.expect("a table");
    assert!(refused().await.contains("not an SQLite database of MLflow"));
    let mut damaged = fs::read(&path).expect("a file");
    damaged.truncate(5000);
    damaged[100..4000].fill(0x55);
    fs::write(&path, damaged).expect("a file");
    refused().await;
    fs::write(&path, "hello, this is a text and no database at all").expect("a file");
    assert!(refused().await.contains("not an SQLite database of MLflow"));
    assert!(DatabaseStore::open(&path).is_err());
}
