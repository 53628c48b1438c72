//! What every place of experiments and runs promises (`domain::ports::TrackingStore`), held against what the real MLflow client reads
//! of the same place.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use domain::{
    error::ErrorKind,
    ports::{ArtifactBody, RunSelection, TrackingStore},
    time::Millis,
    tracking::{ArtifactPath, ByteRange, ExperimentId, Lifecycle, Run, RunId},
};
use futures::TryStreamExt;
use registry::{
    database::DatabaseStore,
    folder::FolderStore,
    mlflow::{MlflowOptions, MlflowServer, Timeouts},
};
use serde_json::{Value, json};

use crate::mlflow::{FilledServer, MlflowProcess, log_fixture};

/// A place, and what is in it.
struct Filled {
    store: Box<dyn TrackingStore>,
    logged: Value,
}

fn client(server: &FilledServer) -> Filled {
    let options = MlflowOptions { uri: server.server.address.clone(), ..MlflowOptions::default() };
    Filled { store: Box::new(MlflowServer::new(options).unwrap()), logged: server.logged.clone() }
}

async fn server_on_sqlite() -> Filled {
    tokio::task::spawn_blocking(|| client(FilledServer::on_sqlite())).await.unwrap()
}

async fn server_on_postgres() -> Filled {
    tokio::task::spawn_blocking(|| client(FilledServer::on_postgres())).await.unwrap()
}

/// A folder of its own for what the client logs without a server, and what it reads of it. Emptied first: a static is never dropped.
fn logged_into(name: &str, uri: impl Fn(&Path) -> String) -> (PathBuf, Value) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tracking-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let logged = log_fixture(&uri(&folder));
    (folder, logged)
}

static FOLDER: LazyLock<(PathBuf, Value)> =
    LazyLock::new(|| logged_into("folder", |at| at.join("mlruns").display().to_string()));
static DATABASE: LazyLock<(PathBuf, Value)> =
    LazyLock::new(|| logged_into("database", |at| format!("sqlite:///{}", at.join("mlflow.db").display())));

async fn folder() -> Filled {
    let (at, logged) = tokio::task::spawn_blocking(|| LazyLock::force(&FOLDER)).await.unwrap();
    Filled { store: Box::new(FolderStore::open(&at.join("mlruns")).unwrap()), logged: logged.clone() }
}

async fn database() -> Filled {
    let (at, logged) = tokio::task::spawn_blocking(|| LazyLock::force(&DATABASE)).await.unwrap();
    Filled { store: Box::new(DatabaseStore::open(&at.join("mlflow.db")).unwrap()), logged: logged.clone() }
}

suite!([server_on_sqlite = super::server_on_sqlite, server_on_postgres = super::server_on_postgres,
        folder = super::folder, database = super::database] [
    it_answers_and_says_its_version,
    experiments_are_those_that_the_client_reads,
    all_active_runs_come_once_whatever_the_page_size,
    runs_are_those_that_the_client_reads,
    runs_are_selected_by_what_they_do_and_when,
    one_run_is_read_by_its_id_also_a_deleted_one,
    histories_are_whole_and_in_order,
    every_spike_of_a_long_history_is_there,
    artifacts_are_listed_one_folder_at_a_time,
    files_come_whole_and_in_parts,
    what_is_not_there_is_said_so,
    models_and_versions_that_a_run_made_are_known,
]);

impl Filled {
    fn id(&self, key: &str) -> &str {
        self.logged["ids"][key].as_str().unwrap()
    }
    fn run_id(&self, key: &str) -> RunId {
        RunId::parse(self.id(key)).unwrap()
    }
    fn experiment_id(&self, key: &str) -> ExperimentId {
        ExperimentId::parse(self.id(key)).unwrap()
    }
    fn logged_runs(&self) -> impl Iterator<Item = &Value> {
        self.logged["runs"].as_array().unwrap().iter()
    }
    fn logged_run(&self, id: &str) -> &Value {
        self.logged_runs().find(|r| r["id"] == id).unwrap()
    }
    async fn experiments(&self) -> Vec<ExperimentId> {
        self.store.experiments().await.unwrap().into_iter().map(|e| e.id).collect()
    }
    async fn selected(&self, which: RunSelection, most: usize) -> Vec<Run> {
        let (experiments, mut page, mut all) = (self.experiments().await, None, vec![]);
        loop {
            let part = self.store.runs(&experiments, &which, most, page.as_deref()).await.unwrap();
            assert!(part.runs.len() <= most, "{} of {most}", part.runs.len());
            all.extend(part.runs);
            page = part.next;
            if page.is_none() {
                return all;
            }
        }
    }
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}

/// A number as the fixture writes it.
fn same_number(value: f64, text: &Value) -> bool {
    let expected: f64 = text.as_str().unwrap().parse().unwrap();
    value.to_bits() == expected.to_bits() || (value.is_nan() && expected.is_nan())
}

fn texts<'a, T: AsRef<str> + 'a>(pairs: impl IntoIterator<Item = &'a (T, T)>) -> Value {
    json!(pairs.into_iter().map(|(k, v)| (k.as_ref(), v.as_ref())).collect::<BTreeMap<_, _>>())
}

fn check_run(run: &Run, logged: &Value) {
    assert_eq!(json!(run.experiment.as_str()), logged["experiment"]);
    assert_eq!(json!(&*run.name), logged["name"]);
    assert_eq!(json!(&*run.user), logged["user"]);
    assert_eq!(json!(run.status.as_str()), logged["status"]);
    assert_eq!(json!([run.start.map(|t| t.0), run.end.map(|t| t.0)]), json!([logged["start"], logged["end"]]));
    assert_eq!(json!(&*run.artifact_uri), logged["artifact_uri"]);
    assert_eq!(run.lifecycle == Lifecycle::Active, logged["lifecycle"] == "active");
    assert_eq!(texts(&run.params), logged["params"]);
    assert_eq!(texts(&run.tags), logged["tags"]);
    let expected = logged["metrics"].as_object().unwrap();
    assert_eq!(sorted(run.metrics.iter().map(|m| m.key.to_string())), sorted(expected.keys().cloned()));
    for (key, value) in expected {
        let metric = run.metric(key).unwrap();
        assert!(same_number(metric.value, &value["value"]), "{key}: {} is not {value}", metric.value);
        assert_eq!(json!([metric.step, metric.timestamp.0]), json!([value["step"], value["timestamp"]]), "{key}");
    }
    let datasets =
        sorted(run.datasets.iter().map(|d| [&d.name, &d.digest, &d.context, &d.source].map(|t| t.to_string())));
    assert_eq!(json!(datasets), logged["datasets"]);
    // Looked up by binary search.
    assert!(run.params.is_sorted() && run.tags.is_sorted() && run.metrics.is_sorted_by(|a, b| a.key < b.key));
}

async fn it_answers_and_says_its_version(at: &Filled) {
    let version = at.store.probe().await.unwrap();
    assert!(version.is_none_or(|v| v == "3.17.2"));
    assert!(!at.store.address().is_empty());
}

async fn experiments_are_those_that_the_client_reads(at: &Filled) {
    let found = at.store.experiments().await.unwrap();
    let found: HashMap<_, _> = found.iter().map(|e| (e.id.as_str(), e)).collect();
    let logged = at.logged["experiments"].as_array().unwrap();
    assert_eq!(found.len(), logged.len());
    for expected in logged {
        let experiment = found[expected["id"].as_str().unwrap()];
        assert_eq!(json!(&*experiment.name), expected["name"]);
        assert_eq!(json!(&*experiment.artifact_location), expected["artifact_location"]);
        assert_eq!(experiment.lifecycle == Lifecycle::Deleted, expected["lifecycle"] == "deleted", "{expected}");
        let times = [experiment.created, experiment.updated].map(|t| t.map(|t| t.0));
        assert_eq!(json!(times), json!([expected["created"], expected["updated"]]), "{expected}");
        assert_eq!(texts(&experiment.tags), expected["tags"]);
    }
    assert_eq!(found[at.id("deleted_experiment")].lifecycle, Lifecycle::Deleted);
}

async fn all_active_runs_come_once_whatever_the_page_size(at: &Filled) {
    let active = at.logged_runs().filter(|r| r["lifecycle"] == "active").map(|r| r["id"].as_str().unwrap().to_owned());
    let expected = sorted(active);
    assert!(expected.len() > 30);
    for most in [1, 7, 1000] {
        let found = at.selected(RunSelection::All, most).await;
        assert_eq!(sorted(found.iter().map(|r| r.id.to_string())), expected, "pages of {most}");
    }
    let none = at.store.runs(&[], &RunSelection::All, 10, None).await.unwrap();
    assert!(none.runs.is_empty() && none.next.is_none());
    let empty = at.store.runs(&[at.experiment_id("empty")], &RunSelection::All, 10, None).await.unwrap();
    assert!(empty.runs.is_empty() && empty.next.is_none());
    let many = at.store.runs(&[at.experiment_id("many")], &RunSelection::All, 100, None).await.unwrap();
    assert_eq!((many.runs.len(), many.next), (25, None));
}

async fn runs_are_those_that_the_client_reads(at: &Filled) {
    for run in at.selected(RunSelection::All, 1000).await {
        check_run(&run, at.logged_run(run.id.as_str()));
    }
}

async fn runs_are_selected_by_what_they_do_and_when(at: &Filled) {
    let check = async |which: RunSelection, wanted: &dyn Fn(&Value) -> bool| {
        let active = at.logged_runs().filter(|r| r["lifecycle"] == "active" && wanted(r));
        let expected = sorted(active.map(|r| r["id"].as_str().unwrap().to_owned()));
        let found = sorted(at.selected(which.clone(), 1000).await.iter().map(|r| r.id.to_string()));
        assert_eq!(found, expected, "{which:?}");
        expected.len()
    };
    let over = |r: &Value| !matches!(r["status"].as_str().unwrap(), "RUNNING" | "SCHEDULED");
    assert_eq!(check(RunSelection::Running, &|r| !over(r)).await, 2);
    let t = 1_767_225_600_000 + 10_000;
    let count = check(RunSelection::StartedAfter(Millis(t)), &|r| r["start"].as_i64().unwrap() > t).await;
    assert!((10..30).contains(&count), "{count}");
    let t = t + 60_000;
    let count = check(RunSelection::EndedAfter(Millis(t)), &|r| r["end"].as_i64().is_some_and(|end| end > t)).await;
    assert!((10..30).contains(&count), "{count}");
    let never = Millis(4_000_000_000_000);
    assert_eq!(check(RunSelection::StartedAfter(never), &|_| false).await, 0);
}

async fn one_run_is_read_by_its_id_also_a_deleted_one(at: &Filled) {
    for key in ["main", "long", "scheduled", "deleted_run", "lost"] {
        let run = at.store.run(&at.run_id(key)).await.unwrap();
        check_run(&run, at.logged_run(at.id(key)));
    }
    let deleted = at.store.run(&at.run_id("deleted_run")).await.unwrap();
    assert_eq!(deleted.lifecycle, Lifecycle::Deleted);
}

async fn histories_are_whole_and_in_order(at: &Filled) {
    let id = at.run_id("main");
    let logged = at.logged_run(at.id("main"))["history"].as_object().unwrap();
    assert!(logged.len() >= 10);
    for (key, expected) in logged {
        let found = at.store.history(&id, key).await.unwrap();
        assert!(found.is_sorted_by_key(|p| (p.timestamp, p.step)), "{key}: {found:?}");
        let bits = |x: f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
        let value = |v: &Value| bits(v.as_str().unwrap().parse::<f64>().unwrap());
        let expected = expected.as_array().unwrap().iter();
        let expected = expected.map(|p| (p[1].as_i64().unwrap(), p[0].as_i64().unwrap(), value(&p[2])));
        // In which order points of one moment and step come is left open.
        let found = found.iter().map(|p| (p.timestamp.0, p.step, bits(p.value)));
        assert_eq!(sorted(found), sorted(expected), "{key}");
    }
    for key in ["nothing", "", "a'b \"c\" %2e%2e/..", "nan\0", &"x".repeat(2_000)] {
        let found = at.store.history(&id, key).await;
        // A server may also refuse a name that no metric can have.
        assert!(found.as_ref().map_or(true, |f| f.is_empty()), "{key}: {found:?}");
    }
    let nobody = RunId::parse("ffffffffffffffffffffffffffffffff").unwrap();
    assert!(at.store.history(&nobody, "f1").await.unwrap().is_empty());
}

async fn every_spike_of_a_long_history_is_there(at: &Filled) {
    let found = at.store.history(&at.run_id("long"), "loss").await.unwrap();
    assert_eq!(found.len(), 3_000);
    let spikes: Vec<_> = found.iter().filter(|p| p.value > 40.0).map(|p| p.step).collect();
    assert_eq!(spikes, [7, 640, 1234, 1999, 2500, 2998]);
    assert!(found.iter().zip(0..).all(|(p, step)| p.step == step));
}

async fn artifacts_are_listed_one_folder_at_a_time(at: &Filled) {
    let expected = at.logged_run(at.id("main"))["artifacts"].as_array().unwrap();
    let mut found = vec![];
    let mut folders = vec![ArtifactPath::default()];
    while let Some(folder) = folders.pop() {
        let entries = at.store.artifacts(&at.run_id("main"), &folder).await.unwrap();
        assert!(entries.is_sorted());
        assert!(entries.iter().all(|e| e.path.parent().as_ref() == Some(&folder)), "{folder}: {entries:?}");
        folders.extend(entries.iter().filter(|e| e.is_folder).map(|e| e.path.clone()));
        found.extend(entries);
    }
    let listed: HashSet<_> = found.iter().map(|e| (e.path.to_string(), e.is_folder, e.size)).collect();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let expected = expected.iter().map(|f| {
        let is_folder = f["is_folder"] == true;
        // MLflow's client does not tell the size of an empty file.
        (text(&f["path"]), is_folder, f["size"].as_u64().or((!is_folder).then_some(0)))
    });
    assert_eq!(listed, expected.collect());
    for path in ["not/there", "nothing", "page.html", "model/MLmodel", "page.html/x"] {
        let folder = ArtifactPath::parse(path).unwrap();
        let error = at.store.artifacts(&at.run_id("main"), &folder).await.unwrap_err();
        assert!(error.kind == ErrorKind::NotFound && error.message.ko.is_some(), "{path}: {error:?}");
    }
    assert!(at.store.artifacts(&at.run_id("scheduled"), &ArtifactPath::default()).await.unwrap().is_empty());
}

async fn whole(body: ArtifactBody) -> Vec<u8> {
    body.bytes.try_collect::<Vec<_>>().await.unwrap().concat()
}

async fn files_come_whole_and_in_parts(at: &Filled) {
    let id = at.run_id("main");
    let weights = ArtifactPath::parse("model/data/weights.bin").unwrap();
    let content: Vec<u8> = (0..800).flat_map(|_| 0..=255).collect();
    let body = at.store.artifact(&id, &weights, None).await.unwrap();
    assert_eq!((body.size, body.range), (Some(204_800), None));
    assert_eq!(whole(body).await, content);
    for (range, first, end) in [
        (ByteRange::From(0, Some(0)), 0, 1),
        (ByteRange::From(1_000, Some(2_999)), 1_000, 3_000),
        (ByteRange::From(204_000, None), 204_000, 204_800),
        (ByteRange::From(204_000, Some(999_999)), 204_000, 204_800),
        (ByteRange::Last(100), 204_700, 204_800),
        (ByteRange::Last(999_999), 0, 204_800),
    ] {
        let body = at.store.artifact(&id, &weights, Some(range)).await.unwrap();
        assert_eq!((body.size, body.range), (Some(204_800), Some((first as u64, end as u64))), "{range:?}");
        assert_eq!(whole(body).await, content[first..end], "{range:?}");
    }
    let behind = at.store.artifact(&id, &weights, Some(ByteRange::From(204_800, None))).await.map(|_| ());
    assert_eq!(behind.unwrap_err().kind, ErrorKind::BadInput);
    for (path, expected) in [
        ("empty.txt", String::new()),
        ("report/with space & ümlaut.txt", "text ".repeat(100)),
        ("page.html", "<script>alert(1)</script><img src=x onerror=alert(2)>".into()),
    ] {
        let body = at.store.artifact(&id, &ArtifactPath::parse(path).unwrap(), None).await.unwrap();
        assert_eq!(body.size, Some(expected.len() as u64), "{path}");
        assert_eq!(String::from_utf8(whole(body).await).unwrap(), expected, "{path}");
    }
}

async fn what_is_not_there_is_said_so(at: &Filled) {
    let nobody = RunId::parse("ffffffffffffffffffffffffffffffff").unwrap();
    let file = |path: &str| ArtifactPath::parse(path).unwrap();
    let main = at.run_id("main");
    let mut errors = vec![
        at.store.run(&nobody).await.map(|_| ()),
        at.store.run(&RunId::parse("a-b_C").unwrap()).await.map(|_| ()),
        at.store.artifact(&nobody, &file("page.html"), None).await.map(|_| ()),
    ];
    // Missing ones, folders, and names that lead elsewhere for whoever decodes them once more.
    for path in
        ["not there.txt", "model", "page.html/x", "%2e%2e/%2e%2e/x", "%2e%2e%2f%2e%2e%2fx", "a#b", "a?b=c", "C:x"]
    {
        errors.push(at.store.artifact(&main, &file(path), None).await.map(|_| ()));
    }
    for (i, error) in errors.into_iter().enumerate() {
        let error = error.expect_err("nothing is there");
        assert_eq!(error.kind, ErrorKind::NotFound, "{i}: {error:?}");
        assert!(error.message.ko.is_some(), "{i}: {error:?}");
    }
}

async fn models_and_versions_that_a_run_made_are_known(at: &Filled) {
    let (home, main) = (at.experiment_id("nasty"), at.run_id("main"));
    let models = at.store.logged_models(&home, &main).await.unwrap();
    let found: Vec<_> = models
        .iter()
        .map(|m| json!({"id": &*m.id, "name": &*m.name, "status": &*m.status, "kind": &*m.kind}))
        .collect();
    assert_eq!(json!(found), at.logged["logged_models"]);
    assert_eq!(found.len(), 1);
    assert!(models.iter().all(|m| m.created.is_some()));
    let versions = at.store.model_versions(&main).await.unwrap();
    let versions: Vec<_> = versions.iter().map(|v| [&*v.model, &*v.version]).collect();
    assert_eq!(json!(versions), at.logged["versions"]);
    assert_eq!(versions.len(), 2);
    let other = at.run_id("long");
    assert!(at.store.logged_models(&at.experiment_id("history"), &other).await.unwrap().is_empty());
    assert!(at.store.model_versions(&other).await.unwrap().is_empty());
}

/// What only a real server shows: its path prefix, its check of the header Host, and what a dead and a frozen one look like.
#[tokio::test]
async fn a_real_server_is_found_below_its_prefix_and_missed_when_it_is_away() {
    let start = || MlflowProcess::start(None, Some("/ml/flow"), &[]);
    let server = tokio::task::spawn_blocking(start).await.unwrap();
    let short = Timeouts { call: std::time::Duration::from_secs(3), ..Timeouts::default() };
    let client = |uri: &str, headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        MlflowServer::new(MlflowOptions { uri: uri.into(), headers, timeouts: short, ..MlflowOptions::default() })
            .unwrap()
    };
    let at = client(&format!("{}/", server.address), &[]);
    assert_eq!(at.probe().await, Ok(Some("3.17.2".into())));
    assert_eq!(at.address(), server.address);
    let nobody = RunId::parse("ffffffffffffffffffffffffffffffff").unwrap();
    let file = at.artifact(&nobody, &ArtifactPath::parse("a").unwrap(), None).await.map(|_| ()).unwrap_err();
    assert_eq!(file.kind, ErrorKind::NotFound);
    let above = client(server.address.trim_end_matches("/ml/flow"), &[]).probe().await.unwrap_err();
    assert!(above.message.en.contains("path prefix is missing in MLFLOW_TRACKING_URI"), "{above:?}");
    let by_name = client(&server.address, &[("Host", "mlflow:5000")]).probe().await.unwrap_err();
    assert!(by_name.message.en.contains("--allowed-hosts mlflow:5000"), "{by_name:?}");
    server.freeze();
    let frozen = at.probe().await.unwrap_err();
    server.thaw();
    assert!(frozen.message.en.contains("does not answer within 3 s"), "{frozen:?}");
    server.kill();
    let dead = at.probe().await.unwrap_err();
    assert!(dead.message.en.contains("nothing listens"), "{dead:?}");
    let server = tokio::task::spawn_blocking(move || {
        server.start_again();
        server
    });
    let server = server.await.unwrap();
    assert_eq!(at.experiments().await.unwrap().len(), 1);
    drop(server);
}

/// A server over MariaDB, in `make soak`, which installs that: the same contract.
#[tokio::test]
async fn a_server_on_mariadb() {
    if crate::soak::times() == 1 {
        return;
    }
    let at = tokio::task::spawn_blocking(|| client(FilledServer::on_mariadb())).await.unwrap();
    it_answers_and_says_its_version(&at).await;
    experiments_are_those_that_the_client_reads(&at).await;
    all_active_runs_come_once_whatever_the_page_size(&at).await;
    runs_are_those_that_the_client_reads(&at).await;
    runs_are_selected_by_what_they_do_and_when(&at).await;
    one_run_is_read_by_its_id_also_a_deleted_one(&at).await;
    histories_are_whole_and_in_order(&at).await;
    every_spike_of_a_long_history_is_there(&at).await;
    artifacts_are_listed_one_folder_at_a_time(&at).await;
    files_come_whole_and_in_parts(&at).await;
    what_is_not_there_is_said_so(&at).await;
    models_and_versions_that_a_run_made_are_known(&at).await;
}
