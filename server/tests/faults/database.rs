//! The database that goes away, is exchanged, copied and restored under a data folder: nothing is lost, and nothing is used with
//! records that it does not know.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fleet::{self, Site},
    postgres::{Cluster, Database},
    process::{Folder, Ran, Served, text},
};

/// Answers of every kind, each as it was given.
async fn answers(served: &Served) -> Vec<Value> {
    let mut all = vec![];
    for path in [
        "/api/metrics/summary?from=now-10d/d&to=now%2B1d/d",
        "/api/metrics/trend?metric=mAP50&step=1d&from=now-10d/d&to=now%2B1d/d",
        "/api/metrics/comparison?from=now-10d/d&to=now%2B1d/d",
        "/api/metrics/records?metric=mAP50&from=now-10d/d&to=now%2B1d/d",
        "/api/places",
        "/api/metrics/catalogue",
    ] {
        all.push(served.json(path).await);
    }
    let (status, sources) = served.page("/export/sources.csv").await;
    assert_eq!(status, 200);
    all.push(sources.into());
    all
}

#[track_caller]
fn same(before: &[Value], after: &[Value]) {
    for (before, after) in before.iter().zip(after) {
        // When it was asked is another.
        let without = |v: &Value| {
            let mut v = v.clone();
            if let Some(map) = v.as_object_mut() {
                map.retain(|key, _| !["asked_at", "age_ms", "now"].contains(&key.as_str()));
            }
            v
        };
        assert!(fleet::equal(&without(before), &without(after)), "{before}\n{after}");
    }
}

#[track_caller]
fn refused(ran: &Ran, why: &str) {
    assert!(ran.code == Some(1) || ran.code == Some(2), "{ran:?}");
    assert!(ran.stderr.contains(why), "{ran:?}");
}

fn lake_files(folder: &Folder) -> usize {
    let days = fs::read_dir(folder.data().join("lake")).unwrap().flatten();
    days.flat_map(|day| fs::read_dir(day.path()).unwrap()).count()
}

fn one_more(folder: &Folder, run: &str) -> String {
    let row = fleet::one(fleet::now() - 60_000, json!({"run_id": run}));
    folder.write(&format!("in/{run}.jsonl"), fleet::jsonl(&[row]))
}

#[tokio::test]
async fn a_copy_to_postgres_and_back_gives_the_same_answers() {
    let Site { mut folder, served, .. } = Site::start(&[]).await;
    let before = answers(&served).await;
    // While it serves; who writes nothing loses nothing.
    let database = Database::new();
    let copied = folder.run(&["store", "copy", "--json", "--to", &database.url()]).fine().json();
    let status = folder.run(&["store", "status", "--json"]).fine().json();
    assert_eq!(copied, status["tables"]);
    assert_eq!(status["kind"], "sqlite");
    folder.postgres = Some(database);
    refused(&folder.run(&["places"]), "another process uses");
    served.stop();
    let served = Served::start(&folder, &[]).await;
    same(&before, &answers(&served).await);
    let status = folder.run(&["store", "status", "--json"]).fine().json();
    assert_eq!((&status["kind"], &status["tables"]), (&json!("postgres"), &copied));
    served.stop();
    // The former one would delete what it does not know.
    let database = folder.postgres.take();
    let files = lake_files(&folder);
    refused(&folder.run(&["places"]), "not the one in use");
    refused(&folder.run(&["store", "backup", &folder.text("x")]), "not the one in use");
    assert_eq!(lake_files(&folder), files);
    folder.postgres = database;
    folder.ingest(&[&one_more(&folder, "on-postgres")]).fine();
    // And back.
    let back = folder.path("back.sqlite");
    folder.run(&["store", "copy", "--to", &format!("sqlite:{}", text(&back))]).fine();
    fs::rename(&back, folder.data().join("guardianflow.sqlite")).unwrap();
    let postgres = Served::start(&folder, &[]).await;
    let before = answers(&postgres).await;
    postgres.stop();
    let database = folder.postgres.take();
    let served = Served::start(&folder, &[]).await;
    same(&before, &answers(&served).await);
    served.stop();
    folder.postgres = database;
    refused(&folder.run(&["places"]), "not the one in use");
}

#[test]
fn a_database_is_used_with_its_own_folder_only() {
    let mut folder = Folder::new();
    folder.ingest(&[&one_more(&folder, "a")]).fine();
    let files = lake_files(&folder);
    // An empty one in the place of one that knows the records.
    folder.postgres = Some(Database::new());
    refused(&folder.run(&["places"]), "store copy --to");
    refused(&folder.ingest(&[&one_more(&folder, "b")]), "store copy --to");
    let postgres = folder.postgres.take();
    fs::rename(folder.data().join("guardianflow.sqlite"), folder.path("aside")).unwrap();
    refused(&folder.run(&["places"]), "store restore");
    refused(&folder.run(&["places"]), "store restore");
    assert_eq!(lake_files(&folder), files, "nothing was deleted");
    for name in ["guardianflow.sqlite", "guardianflow.sqlite-wal", "guardianflow.sqlite-shm"] {
        let _ = fs::remove_file(folder.data().join(name));
    }
    fs::rename(folder.path("aside"), folder.data().join("guardianflow.sqlite")).unwrap();
    folder.run(&["places"]).fine();
    // A copy that does not know what came since.
    let url = postgres.as_ref().unwrap().url();
    folder.run(&["store", "copy", "--to", &url]).fine();
    folder.ingest(&[&one_more(&folder, "c")]).fine();
    let files = lake_files(&folder);
    folder.postgres = postgres;
    refused(&folder.run(&["places"]), "copy again");
    assert_eq!(lake_files(&folder), files);
    // Another folder over a database in use.
    let mut other = Folder::with(Database::new());
    other.run(&["places"]).fine();
    other.ingest(&[&one_more(&other, "d")]).fine();
    let mut third = Folder::new();
    third.postgres = other.postgres.take();
    refused(&third.run(&["demo", "fill"]), "another data folder");
}

#[tokio::test]
async fn a_backup_brings_the_answers_back_on_either_database() {
    for restored_on_postgres in [false, true] {
        let Site { mut folder, served, .. } = Site::start(&[]).await;
        let before = answers(&served).await;
        let file = folder.text("state.backup");
        let written = folder.run(&["store", "backup", "--json", &file]).fine().json();
        served.stop();
        for name in ["guardianflow.sqlite", "guardianflow.sqlite-wal", "guardianflow.sqlite-shm"] {
            let _ = fs::remove_file(folder.data().join(name));
        }
        if restored_on_postgres {
            folder.postgres = Some(Database::new());
        }
        assert_eq!(folder.run(&["store", "restore", "--json", &file]).fine().json(), written);
        let served = Served::start(&folder, &[]).await;
        same(&before, &answers(&served).await);
        refused(&folder.run(&["store", "restore", &file]), "not empty");
        assert!(folder.run(&["store", "backup", &folder.text("no/such/folder/x")]).code == Some(1));
    }
}

async fn n(served: &Served) -> u64 {
    let s = served.json("/api/metrics/comparison?days=30").await;
    s["models"].as_array().unwrap().iter().map(|m| m["n"].as_u64().unwrap()).sum()
}

async fn send(served: &Served, run: &str) -> reqwest::Response {
    // Sent again, it is the same record.
    let midnight = fleet::now() / 86_400_000 * 86_400_000;
    let rows = fleet::jsonl(&[fleet::one(midnight, json!({"run_id": run}))]);
    let sent = served.post("/api/metrics/records").header("Content-Type", "application/x-ndjson").body(rows);
    sent.send().await.expect("an answer")
}

async fn until(what: &str, served: &Served, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}:\n{}", served.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn pages_stay_while_postgres_is_gone_and_writes_go_on_when_it_is_back() {
    let cluster = Cluster::own();
    let mut site = Site::start_in(Folder::with(cluster.database()), &[]).await;
    assert_eq!(send(&site.served, "before").await.status(), 200);
    let all = site.fleet.records.len() as u64 + 1;
    assert_eq!(n(&site.served).await, all);
    for round in 0..2 {
        cluster.stop();
        for path in ["/", "/trends?metric=mAP50", "/compare", "/api/metrics/summary"] {
            let (status, page) = site.served.page(path).await;
            assert_eq!(status, 200, "{path}: {page}");
        }
        assert_eq!(n(&site.served).await, all + round);
        let answer = send(&site.served, "meanwhile").await;
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
        let problem: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("database server"), "{detail}");
        assert_eq!(site.served.page("/sources").await.0, 503, "what stands in the database alone");
        cluster.start_again();
        let run = format!("after-{round}");
        until("writes go on", &site.served, async || send(&site.served, &run).await.status() == 200).await;
        until("it is counted", &site.served, async || n(&site.served).await == all + round + 1).await;
        until("it is ready", &site.served, async || site.served.page("/readyz").await.0 == 200).await;
    }
    site.served.lives_without_panic();
    // The records that were refused are in nobody's way.
    assert_eq!(send(&site.served, "meanwhile").await.status(), 200);
    assert_eq!(n(&site.served).await, all + 3);
    // Its databases are gone with it.
    drop(site);
}

#[tokio::test]
async fn two_servers_over_one_folder_and_one_postgres_count_alike() {
    let site = Site::start_in(Folder::with(Database::durable()), &[]).await;
    let mut other = Served::start(&site.folder, &[]).await;
    let all = site.fleet.records.len() as u64;
    let write = async |served: &Served, who: &str| {
        for i in 0..20 {
            // Each has some of its own, and half of them both send.
            let run = if i % 2 == 0 { format!("both-{i}") } else { format!("{who}-{i}") };
            assert_eq!(send(served, &run).await.status(), 200, "{}", served.log());
        }
    };
    let file = one_more(&site.folder, "by-hand");
    let by_hand = async {
        let mut child = site.folder.command(&["ingest", &file]).stdout(Stdio::null()).spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::join!(write(&site.served, "a"), write(&other, "b"), by_hand);
    for served in [&site.served, &other] {
        until("both follow", served, async || n(served).await == all + 31).await;
    }
    same(&answers(&site.served).await, &answers(&other).await);
    other.lives_without_panic();
}

#[test]
fn processes_that_start_at_once_on_an_empty_database_all_come_up() {
    for folder in [Folder::new(), Folder::with(Database::new())] {
        let start = |i: usize| {
            let mut command = folder.command(&["ingest", "--json", &one_more(&folder, &format!("r{i}"))]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = (0..4).map(start).collect();
        for child in children {
            let out = child.wait_with_output().unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        }
        let s = folder.run(&["metrics", "summary", "--json", "--days", "30"]).fine().json();
        assert_eq!(s["metrics"][0]["n"], 4);
    }
}

#[test]
fn no_command_tells_the_password() {
    let folder = Folder::new();
    let file = folder.write("password", "s3cret\n");
    let mut admin: Command = folder.command(&["config", "--json"]);
    let pgpass = folder.write("pgpass", "s3cret s3cret\nlocalhost:s3cret\n");
    fs::set_permissions(&pgpass, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let url = "postgres://gf:s3cret@127.0.0.1:1/gf?sslmode=disable";
    admin.env("DATABASE_URL", url).env("GF_DATABASE_PASSWORD_FILE", &file);
    let shown = crate::process::finish(admin).fine();
    assert!(shown.stdout.contains("database gf at 127.0.0.1:1"), "{shown:?}");
    assert!(!format!("{shown:?}").contains("s3cret"), "{shown:?}");
    for args in [
        vec!["serve", "--log", "trace"],
        vec!["metrics", "summary", "--log", "debug"],
        vec!["store", "status", "--log", "trace"],
        vec!["store", "copy", "--to", "mysql://gf:s3cret@h/x"],
        vec!["store", "copy", "--to", url, "--log", "debug"],
        vec!["metrics", "summary", "--database-url", "mongodb://s3cret@h/x"],
        vec!["metrics", "summary", "--database-url", "postgres://gf@h:s3cret/x"],
        vec!["metrics", "summary", "--database-url", "postgres://gf@h/x?passwrod=s3cret"],
        vec!["places", "--help"],
    ] {
        for by_file in [false, true] {
            let mut command = folder.command(&args);
            command.env("GF_ADDR", "127.0.0.1:0").env("PGPASSFILE", &pgpass);
            command.env("DATABASE_URL", if by_file { "postgres://gf@127.0.0.1:1/gf" } else { url });
            if by_file {
                command.env("GF_DATABASE_PASSWORD_FILE", &file);
            }
            let ran = crate::process::finish(command);
            assert!(!format!("{ran:?}").contains("s3cret"), "{args:?}: {ran:?}");
            assert_eq!(ran.code == Some(0), args.contains(&"--help"), "{args:?}: {ran:?}");
        }
    }
}
