//! `guardianflow doctor`: each thing that a newcomer gets wrong is told with its cure, and nothing is changed.

use std::{collections::BTreeMap, net::TcpListener, path::Path, time::Duration};

use serde_json::Value;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    fleet::Fleet,
    process::{Folder, Ran, Served, binary, clean, finish, text},
};

/// What the checks of one run found.
struct Visit {
    ran: Ran,
    checks: Vec<Value>,
}

impl Visit {
    #[track_caller]
    fn of(ran: Ran) -> Self {
        let checks = ran.json()["checks"].as_array().expect("a list").clone();
        let broken = checks.iter().any(|c| c["state"] == "error");
        assert_eq!(ran.code, Some(i32::from(broken)), "the exit code says whether something is broken: {ran:?}");
        for c in &checks {
            assert!(c["seen"].as_str().is_some_and(|s| s.len() > 3), "{c}");
            assert_eq!(c["state"] != "ok", c["cure"].as_str().is_some_and(|s| s.len() > 10), "{c}");
        }
        Self { ran, checks }
    }

    #[track_caller]
    fn check(&self, name: &str) -> &Value {
        self.checks.iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("no {name} in {:?}", self.ran))
    }

    /// State, sight and cure of a check.
    #[track_caller]
    fn told(&self, name: &str) -> (&str, String) {
        let c = self.check(name);
        (c["state"].as_str().expect("a state"), format!("{} → {}", c["seen"], c["cure"]))
    }

    #[track_caller]
    fn broken(&self) -> Vec<&str> {
        self.checks.iter().filter(|c| c["state"] == "error").filter_map(|c| c["name"].as_str()).collect()
    }

    #[track_caller]
    fn only(&self, name: &str, words: &[&str]) {
        assert_eq!(self.broken(), [name], "{:?}", self.ran);
        let (_, told) = self.told(name);
        for word in words {
            assert!(told.contains(word), "{word:?} is not in {told}");
        }
    }
}

/// A command in a folder with site files, on a free port, that lacks nothing.
fn command(folder: &Folder, args: &[&str]) -> std::process::Command {
    for file in ["pkg/guardianflow.css", "pkg/guardianflow.js", "pkg/guardianflow.wasm", "elements/entry.js"] {
        folder.write(&format!("site/{file}"), "");
    }
    folder.write("site/elements/entry.txt", "entry.js\n");
    let mut command = clean(binary());
    command
        .arg("doctor")
        .args(args)
        .env("GF_DATA", folder.data())
        .env("LEPTOS_SITE_ROOT", folder.path("site"))
        .env("LEPTOS_OUTPUT_NAME", "guardianflow")
        .env("GF_ADDR", "127.0.0.1:0");
    command
}

#[track_caller]
fn visit(folder: &Folder, env: &[(&str, &str)]) -> Visit {
    let mut command = command(folder, &["--format", "json"]);
    command.envs(env.iter().copied());
    Visit::of(finish(command))
}

/// Names, lengths and dates of everything in a folder; of what a running server shares with its readers the name alone.
fn state_of(folder: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let meta = entry.metadata().expect("metadata");
        if meta.is_dir() {
            all.extend(state_of(&entry.path()));
        }
        let shared = entry.path().extension().is_some_and(|e| e == "sqlite-shm") || meta.is_dir();
        let seen = if shared { String::new() } else { format!("{} {:?}", meta.len(), meta.modified()) };
        all.insert(text(&entry.path()), seen);
    }
    all
}

#[test]
fn a_folder_that_is_not_there_yet_is_fine_and_is_not_made() {
    let folder = Folder::new();
    let seen = visit(&folder, &[]);
    assert_eq!(seen.broken(), Vec::<&str>::new(), "{:?}", seen.ran);
    assert!(seen.told("data_folder").1.contains("not there yet"));
    assert!(!folder.data().exists());
    let names = [
        "versions",
        "site_files",
        "settings",
        "hosts",
        "variables",
        "address",
        "data_folder",
        "writing",
        "locks",
        "file_clock",
        "disk_space",
        "inodes",
        "file_system",
        "database",
        "mlflow",
        "watched_folder",
        "places_yaml",
        "metrics_yaml",
        "sources_yaml",
        "clock",
        "time_zones",
        "open_files",
        "memory",
    ];
    let found: Vec<&str> = seen.checks.iter().filter_map(|c| c["name"].as_str()).collect();
    assert_eq!(found, names);
    assert!(seen.told("versions").1.contains("SQLite 3.") && seen.told("versions").1.contains("rustc 1."));
}

#[test]
fn people_read_a_line_a_check_in_words() {
    let folder = Folder::new();
    let fine = finish(command(&folder, &[])).fine().stdout;
    assert!(fine.contains("✓ ok       data folder") && fine.contains("Nothing is broken"), "{fine}");
    assert!(!fine.contains('\u{1b}'), "no colour where nobody sees it");
    let mut broken = command(&folder, &[]);
    broken.env("GF_PLACES", "/nowhere/places.yaml");
    let ran = finish(broken);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("✗ error    places yaml") && ran.stdout.contains("→ Correct or unset"), "{ran:?}");
    assert!(ran.stdout.contains("Broken: 1 error"), "{ran:?}");
    let mut wrong = command(&folder, &[]);
    wrong.args(["--format", "xml"]);
    assert_eq!(finish(wrong).code, Some(2));
}

#[tokio::test]
async fn beside_a_server_it_knows_it_and_changes_nothing() {
    let folder = Folder::new();
    folder.ingest(&[&folder.write("in/fleet.jsonl", Fleet::new().jsonl())]).fine();
    let closed = state_of(&folder.data());
    assert_eq!(visit(&folder, &[]).broken(), Vec::<&str>::new());
    assert_eq!(state_of(&folder.data()), closed, "nothing is changed while nobody serves");
    let mut served = Served::start(&folder, &[]).await;
    // Merging and the like are done by then.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let open = state_of(&folder.data());
    let seen = visit(&folder, &[("GF_ADDR", &format!("127.0.0.1:{}", served.port))]);
    assert_eq!(seen.broken(), Vec::<&str>::new(), "{:?}", seen.ran);
    assert!(seen.told("address").1.contains("GuardianFlow already serves"), "{:?}", seen.ran);
    assert!(seen.told("database").1.contains("is whole"));
    assert_eq!(state_of(&folder.data()), open, "nothing is changed beside a server");
    assert_eq!(served.get("/healthz").send().await.unwrap().status(), 200);
    served.lives_without_panic();
    served.kill();
    let left = state_of(&folder.data());
    assert_eq!(visit(&folder, &[]).broken(), Vec::<&str>::new());
    assert_eq!(state_of(&folder.data()), left, "nothing is changed after a crash");
    // A process that ends in the middle of closing leaves its log alone.
    std::fs::remove_file(folder.data().join("guardianflow.sqlite-shm")).unwrap();
    let left = state_of(&folder.data());
    assert!(visit(&folder, &[]).told("database").1.contains("is whole"));
    assert_eq!(state_of(&folder.data()), left, "nothing is made beside a log");
}

#[test]
fn a_port_that_another_program_holds_is_told_with_its_holder() {
    let folder = Folder::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let seen = visit(&folder, &[("GF_ADDR", &address)]);
    seen.only("address", &[&address, "is used by", "GF_ADDR"]);
    if cfg!(target_os = "linux") {
        assert!(seen.told("address").1.contains(&format!("process {},", std::process::id())), "{:?}", seen.ran);
    }
    let token = "a-token-of-more-than-thirty-two-bytes";
    let elsewhere = visit(&folder, &[("GF_ADDR", "203.0.113.7:3000"), ("GF_OPERATOR_TOKEN", token)]);
    elsewhere.only("address", &["no address 203.0.113.7"]);
}

#[test]
fn a_data_folder_that_cannot_be_one_is_told() {
    let folder = Folder::new();
    folder.write("data", "a file");
    visit(&folder, &[]).only("data_folder", &["is a file", "GF_DATA"]);
    // Nobody makes a folder there, root neither.
    if cfg!(target_os = "linux") {
        let seen = visit(&Folder::new(), &[("GF_DATA", "/proc/guardianflow")]);
        assert!(seen.broken().contains(&"writing"), "{:?}", seen.ran);
        assert!(seen.told("writing").1.contains("cannot make a folder in /proc"), "{:?}", seen.ran);
    }
    let inside = Folder::new();
    inside.write("file", "");
    assert!(visit(&inside, &[("GF_DATA", &inside.text("file/data"))]).broken().contains(&"data_folder"));
}

#[test]
fn what_people_wrote_is_checked_with_its_line() {
    let folder = Folder::new();
    folder.write("data/places.yaml", "customers:\n  acme: {}\n  beta: {cadence: soon}\n");
    visit(&folder, &[]).only("places_yaml", &["places.yaml: line 3:", "soon", "guardianflow check"]);
    folder.write("data/places.yaml", "customers:\n  acme: {}\n");
    folder.write("data/metrics.yaml", "metrics:\n  mse: {direction: up}\n");
    visit(&folder, &[]).only("metrics_yaml", &["metrics.yaml: line 2:"]);
    folder.write("data/metrics.yaml", "metrics: {}\n");
    assert_eq!(visit(&folder, &[]).broken(), Vec::<&str>::new());
    let places = folder.text("data/places.yaml");
    visit(&folder, &[("GF_METRICS", &places)]).only("metrics_yaml", &["is another file"]);
    visit(&folder, &[("GF_METRICS", "/nowhere/m.yaml")])
        .only("metrics_yaml", &["GF_METRICS (--metrics)", "no such file"]);
}

#[test]
fn the_watched_folder_is_there_readable_and_not_ours() {
    let folder = Folder::new();
    folder.write("data/in/x.txt", "");
    folder.write("data/lake/x.txt", "");
    let file = folder.write("file", "");
    visit(&folder, &[("GF_INGEST_DIR", &folder.text("nowhere"))])
        .only("watched_folder", &["it is not there", "GF_INGEST_DIR"]);
    visit(&folder, &[("GF_INGEST_DIR", &file)]).only("watched_folder", &["cannot be listed"]);
    let inside = visit(&folder, &[("GF_INGEST_DIR", &folder.text("data/in"))]);
    assert_eq!(inside.told("watched_folder").0, "warning");
    visit(&folder, &[("GF_INGEST_DIR", &folder.text("data/lake"))]).only("settings", &["watch another folder"]);
    folder.write("own/x.jsonl", "");
    assert_eq!(visit(&folder, &[("GF_INGEST_DIR", &folder.text("own"))]).told("watched_folder").0, "ok");
}

#[test]
fn variables_that_nothing_reads_are_told_and_no_secret_is() {
    let folder = Folder::new();
    let secret = "a-secret-of-more-than-thirty-two-bytes";
    for env in [("GF_OPERATOR_TOKN", secret), ("GF_OPERATOR_TOKEN", secret)] {
        let seen = visit(&folder, &[env, ("GF_CACHE", "/x"), ("GF_HOSTS", "metrics.example.com")]);
        assert_eq!(seen.broken(), Vec::<&str>::new(), "{:?}", seen.ran);
        assert!(!seen.ran.stdout.contains(secret) && !seen.ran.stderr.contains(secret), "{:?}", seen.ran);
        let (state, told) = seen.told("variables");
        let typo = env.0 == "GF_OPERATOR_TOKN";
        assert_eq!((state == "warning", told.contains("Did you mean GF_OPERATOR_TOKEN?")), (typo, typo), "{told}");
        // Without its token the server is open to all readers.
        assert_eq!(seen.told("hosts").0, if typo { "warning" } else { "ok" });
    }
}

#[test]
fn settings_that_contradict_each_other_are_told() {
    let folder = Folder::new();
    visit(&folder, &[("GF_ADDR", "0.0.0.0:0")])
        .only("settings", &["can be reached from other machines", "GF_OPERATOR_TOKEN"]);
    let short = "too-short-to-be-a-token";
    let seen = visit(&folder, &[("GF_OPERATOR_TOKEN", short)]);
    seen.only("settings", &["23 bytes"]);
    assert!(!seen.ran.stdout.contains(short));
    let url = visit(&folder, &[("GF_HOSTS", "https://metrics.example.com")]);
    url.only("hosts", &["is no host name"]);
}

/// Moves what lies in the write-ahead log into the database file.
async fn settle(folder: &Folder) {
    in_database(folder, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    assert!(!folder.data().join("guardianflow.sqlite-wal").exists());
}

#[tokio::test]
async fn a_damaged_database_is_told_and_left_as_it_is() {
    let folder = Folder::new();
    folder.ingest(&[&folder.write("in/fleet.jsonl", Fleet::new().jsonl())]).fine();
    settle(&folder).await;
    let database = folder.data().join("guardianflow.sqlite");
    let whole = std::fs::read(&database).unwrap();
    // Its head stays: what is broken lies within.
    let mut broken = whole.clone();
    broken[8_192..].fill(0x5A);
    std::fs::write(&database, &broken).unwrap();
    visit(&folder, &[]).only("database", &["damaged", "copy of the whole data folder"]);
    assert!(std::fs::read(&database).unwrap() == broken);
    std::fs::write(&database, "no database at all, however long it is ".repeat(100)).unwrap();
    visit(&folder, &[]).only("database", &["the file is damaged or no database"]);
    std::fs::write(&database, &whole).unwrap();
    assert_eq!(visit(&folder, &[]).broken(), Vec::<&str>::new());
}

async fn in_database(folder: &Folder, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(folder.data().join("guardianflow.sqlite"));
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(statement).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_database_of_another_version_and_records_from_the_future_are_told() {
    let folder = Folder::new();
    folder.ingest(&[&folder.write("in/fleet.jsonl", Fleet::new().jsonl())]).fine();
    in_database(&folder, "UPDATE lake_file SET to_ms = 4102444800000 WHERE id = (SELECT max(id) FROM lake_file)").await;
    visit(&folder, &[]).only("clock", &["newest record", "2100-01-01", "timedatectl"]);
    in_database(&folder, "UPDATE lake_file SET to_ms = from_ms").await;
    in_database(
        &folder,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)",
    )
    .await;
    visit(&folder, &[]).only("database", &["version 9999", "newer GuardianFlow"]);
    in_database(&folder, "DELETE FROM _sqlx_migrations WHERE version > 8").await;
    let seen = visit(&folder, &[]);
    assert_eq!(seen.told("database").0, "warning", "{:?}", seen.ran);
}

#[tokio::test]
async fn a_database_that_is_not_the_one_of_the_folder_is_told() {
    let folder = Folder::new();
    folder.ingest(&[&folder.write("in/fleet.jsonl", Fleet::new().jsonl())]).fine();
    settle(&folder).await;
    let (database, away) = (folder.data().join("guardianflow.sqlite"), folder.path("away.sqlite"));
    std::fs::rename(&database, &away).unwrap();
    visit(&folder, &[]).only("database", &["is empty, and", "has records", "belong together"]);
    assert!(!database.exists(), "nothing is made");
    let other = Folder::new();
    other.ingest(&[&other.write("in/fleet.jsonl", Fleet::new().jsonl())]).fine();
    settle(&other).await;
    std::fs::copy(other.data().join("guardianflow.sqlite"), &database).unwrap();
    visit(&folder, &[]).only("database", &["belongs to another data folder"]);
    std::fs::rename(&away, &database).unwrap();
    assert_eq!(visit(&folder, &[]).broken(), Vec::<&str>::new());
}

#[test]
fn a_database_server_that_cannot_be_used_is_told_without_its_password() {
    let folder = Folder::new();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    drop(held);
    let url = format!("postgres://me:s3cret-of-mine@127.0.0.1:{port}/gf");
    let seen = visit(&folder, &[("DATABASE_URL", &url)]);
    seen.only("database", &["cannot be reached", &format!("127.0.0.1:{port}"), "GF_DATABASE_PASSWORD_FILE"]);
    assert!(!format!("{:?}", seen.ran).contains("s3cret"), "{:?}", seen.ran);
    let missing = visit(&folder, &[("DATABASE_URL", &url), ("GF_DATABASE_PASSWORD_FILE", "/nowhere/password")]);
    missing.only("database", &["/nowhere/password"]);
    let other = visit(&folder, &[("DATABASE_URL", "mysql://me:s3cret-of-mine@db/gf")]);
    other.only("settings", &["only postgres:// is supported"]);
    assert!(!format!("{:?}", other.ran).contains("s3cret"), "{:?}", other.ran);
}

#[test]
fn a_program_without_its_site_is_told() {
    let folder = Folder::new();
    let mut alone = command(&folder, &["--format", "json"]);
    alone.env_remove("LEPTOS_SITE_ROOT");
    Visit::of(finish(alone)).only("site_files", &["make build", "dist/"]);
    let command = command(&folder, &["--format", "json"]);
    std::fs::remove_file(folder.path("site/pkg/guardianflow.wasm")).unwrap();
    Visit::of(finish(command)).only("site_files", &["lacks /pkg/guardianflow.wasm"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_low_limit_of_open_files_is_told() {
    let folder = Folder::new();
    let ready = command(&folder, &["--format", "json"]);
    let mut limited = clean("sh");
    limited.args(["-c", "ulimit -n 100; exec \"$0\" \"$@\""]).arg(binary()).args(ready.get_args());
    limited.envs(ready.get_envs().filter_map(|(k, v)| v.map(|v| (k, v))));
    Visit::of(finish(limited)).only("open_files", &["at most 100", "ulimit -n 4096"]);
}
