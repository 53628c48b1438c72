//! Commands that ask for runs, where not everything can be had: values, files, MLflow itself.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    fake_mlflow::{Fake, Reply, http, ok},
    mlruns::{WrittenRun, experiment, run},
    process::{self, Folder, Ran, Served},
};

const REFUSED: &str = "403 FORBIDDEN";

fn refusal() -> Vec<u8> {
    http(REFUSED, "application/json", json!({"error_code": "PERMISSION_DENIED", "message": "no"}).to_string())
}

/// An MLflow with one experiment of three runs, whose last losses are 1, 2 and 3 and whose largest ones are 30, 20 and 10. `files` answers
/// for what they left.
async fn three_runs(with_histories: bool, files: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Fake {
    Fake::start(move |request, _| {
        let head = request.lines().next().unwrap_or_default();
        let of = |body: Value| Reply::Bytes(ok(body.to_string()));
        let metric =
            |n: i64, value: i64, step: i64| json!({"key": "loss", "value": value, "timestamp": n, "step": step});
        if let Some(bytes) = files(head) {
            return Reply::Bytes(bytes);
        }
        match () {
            () if head.contains("/version") => Reply::Bytes(http("200 OK", "text/html", "3.17.2")),
            () if head.contains("/experiments/search") => {
                of(json!({"experiments": [{"experiment_id": "7", "name": "home", "lifecycle_stage": "active"}]}))
            }
            () if head.contains("/runs/search") => {
                let run = |n: i64| {
                    let info = json!({
                        "run_id": format!("abc{n}"), "experiment_id": "7", "status": "FINISHED",
                        "start_time": n, "end_time": n + 1, "lifecycle_stage": "active",
                    });
                    json!({"info": info, "data": {"metrics": [metric(n, n, 1)]}})
                };
                of(json!({"runs": [run(1), run(2), run(3)]}))
            }
            () if head.contains("get-history") && with_histories => {
                let n = (1..=3).find(|n| head.contains(&format!("abc{n}"))).unwrap_or_default();
                of(json!({"metrics": [metric(n, 40 - n * 10, 0), metric(n, n, 1)]}))
            }
            () if head.contains("get-history") => Reply::Bytes(refusal()),
            () => of(json!({})),
        }
    })
    .await
}

/// A command that asks this MLflow.
async fn ask(folder: &Folder, fake: &Fake, args: &[&str]) -> Ran {
    let mut command = folder.command(args);
    command.env("MLFLOW_TRACKING_URI", &fake.address);
    tokio::task::spawn_blocking(move || process::finish(command)).await.expect("an end")
}

const BY_LARGEST: [&str; 7] =
    ["runs", "list", "home", "--sort", "-max(metrics.loss)", "--columns", "max(metrics.loss),metrics.loss"];

#[tokio::test(flavor = "multi_thread")]
async fn a_list_by_largest_values_gets_the_histories_that_it_shows() {
    let (folder, fake) = (Folder::new(), three_runs(true, |_| None).await);
    let list = ask(&folder, &fake, &BY_LARGEST).await.fine().stdout;
    let rows: Vec<Vec<&str>> = list.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["run", "name", "max(loss)", "loss"], "{list}");
    assert_eq!(rows[1..4], [["abc1", "30", "1"], ["abc2", "20", "2"], ["abc3", "10", "3"]], "{list}");
    assert!(!list.contains("last value"), "{list}");
    // They are kept for the next one.
    let asked = || fake.request_lines().iter().filter(|l| l.contains("get-history")).count();
    let before = asked();
    let again = ask(&folder, &fake, &[&BY_LARGEST[..], &["--json"]].concat()).await.fine().json();
    assert_eq!((&again["stand_ins"], &again["runs"][0]["run_id"], asked()), (&json!(0), &json!("abc1"), before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_value_that_stands_in_is_marked_and_counted() {
    let (folder, fake) = (Folder::new(), three_runs(false, |_| None).await);
    let list = ask(&folder, &fake, &BY_LARGEST).await.fine().stdout;
    let first: Vec<&str> = list.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    assert_eq!(first, ["abc3", "3", "(last)", "3"], "{list}");
    for note in ["max(loss): 3 values of 3 runs shown are last values", "3 of 3 runs are sorted by the last value"] {
        assert!(list.contains(note), "{note} in {list}");
    }
    let csv = ask(&folder, &fake, &[&BY_LARGEST[..], &["--csv"]].concat()).await.fine();
    assert_eq!(csv.stdout.lines().take(2).collect::<Vec<_>>(), ["run,name,max(loss),loss", "abc3,,3,3"]);
    assert!(csv.stderr.contains("3 of 3 runs are sorted by the last value"), "{csv:?}");
    let json = ask(&folder, &fake, &[&BY_LARGEST[..], &["--json"]].concat()).await.fine().json();
    assert_eq!(json["stand_ins"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn experiments_that_nobody_could_read_are_an_error_and_kept_ones_an_answer() {
    let fake = Fake::always(refusal()).await;
    for more in [None, Some("--json")] {
        let folder = Folder::new();
        let args: Vec<&str> = ["experiments", "list"].into_iter().chain(more).collect();
        let ran = ask(&folder, &fake, &args).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        assert!(ran.stderr.contains("403") || ran.stderr.contains("permission"), "{ran:?}");
        let mut none = folder.command(&args);
        none.env("GF_MLRUNS", folder.path("nowhere"));
        let none = process::finish(none);
        assert_eq!((none.code, none.stdout.as_str()), (Some(1), ""), "{none:?}");
        assert!(none.stderr.contains("nowhere"), "{none:?}");
    }
    let folder = Folder::new();
    experiment(&folder, "1", "kept", false, &[]);
    let mut there = folder.command(&["experiments", "list"]);
    there.env("GF_MLRUNS", folder.path("mlruns"));
    process::finish(there).fine();
    std::fs::rename(folder.path("mlruns"), folder.path("away")).expect("a rename");
    tokio::time::sleep(Duration::from_secs(11)).await;
    let mut away = folder.command(&["experiments", "list"]);
    away.env("GF_MLRUNS", folder.path("mlruns"));
    let away = process::finish(away).fine();
    assert!(away.stdout.contains("kept") && away.stderr.contains("the copy is of"), "{away:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_copy_that_takes_long_says_so_once() {
    let (folder, calm) = (Folder::new(), three_runs(true, |_| None).await);
    let quick = ask(&folder, &calm, &["experiments", "list"]).await.fine();
    assert!(!quick.stderr.contains("first time"), "{quick:?}");
    let slow = Fake::start(|request, _| {
        let head = request.lines().next().unwrap_or_default();
        let body = json!({"experiments": [{"experiment_id": "7", "name": "home", "lifecycle_stage": "active"}]});
        match () {
            () if head.contains("/version") => Reply::Bytes(http("200 OK", "text/html", "3.17.2")),
            () if head.contains("/experiments/search") => Reply::Bytes(ok(body.to_string())),
            () => Reply::Late(Duration::from_millis(2_500), ok("{}")),
        }
    })
    .await;
    let ran = ask(&Folder::new(), &slow, &["experiments", "list"]).await.fine();
    let said = format!("copying runs of {}", slow.address);
    assert_eq!(ran.stderr.matches(&said).count(), 1, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_refused_keeps_no_other_from_being_downloaded() {
    let files = |head: &str| {
        if head.contains("/artifacts/list") {
            let file = |path: &str| json!({"path": path, "file_size": 2, "is_dir": false});
            return Some(ok(json!({"files": [file("a"), file("b"), file("c")]}).to_string()));
        }
        let wanted = head.contains("/get-artifact");
        wanted.then(|| if head.contains("path=b") { refusal() } else { http("200 OK", "text/plain", "hi") })
    };
    let (folder, fake) = (Folder::new(), three_runs(true, files).await);
    let out = folder.text("out");
    let ran = ask(&folder, &fake, &["runs", "artifacts", "abc1", "--download", &out]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("guardianflow: b: "), "{ran:?}");
    assert!(ran.stderr.contains("1 artifact could not be had; 2 files with 4 bytes written"), "{ran:?}");
    let written = |name: &str| folder.path("out").join(name).is_file();
    assert_eq!((written("a"), written("b"), written("c")), (true, false, true));
    let ran = ask(&folder, &fake, &["runs", "artifacts", "abc1", "--download", &out, "--force", "--json"]).await;
    let json = ran.json();
    assert_eq!((ran.code, &json["refused"][0]["path"], &json["bytes"]), (Some(1), &json!("b"), &json!(4)));
}

#[test]
fn failed_and_killed_runs_are_counted_apart() {
    let folder = Folder::new();
    experiment(&folder, "1", "home", false, &[]);
    for (id, status) in [("a1", 4), ("a2", 4), ("b1", 5), ("c1", 1), ("d1", 3)] {
        let id = format!("{id}00000000000000000000000000000000").chars().take(32).collect::<String>();
        run(
            &folder,
            "1",
            &WrittenRun { id: &id, name: "x", status, start: 1_782_777_600_000, ..WrittenRun::default() },
        );
    }
    let mut command = folder.command(&["experiments", "list", "--csv"]);
    command.env("GF_MLRUNS", folder.path("mlruns"));
    let csv = process::finish(command).fine().stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("id,name,stage,runs,running,failed,killed,"), "{csv}");
    assert!(lines[1].starts_with("1,home,active,5,1,2,1,"), "{csv}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn files_of_any_name_are_listed_fetched_and_shown_as_they_are_called() {
    let folder = Folder::new();
    experiment(&folder, "1", "home", false, &[]);
    let id = "3a2f1d4b5c6e7f8a9b0c1d2e3f4a5b6c";
    let names = ["a\\b.txt", "line\nend.txt", "\u{202E}txt.exe", "bell\u{7}"];
    run(
        &folder,
        "1",
        &WrittenRun {
            id,
            name: "x",
            status: 3,
            start: 1_782_777_600_000,
            artifacts: names.iter().map(|n| (*n, &b"0123"[..])).collect(),
            ..WrittenRun::default()
        },
    );
    let mlruns = folder.text("mlruns");
    let site = Served::start(&folder, &[("GF_MLRUNS", &mlruns)]).await;
    let listed = async || {
        for _ in 0..200 {
            let answer = site.get(&format!("/api/runs/{id}/artifacts")).send().await.expect("an answer");
            if answer.status() == 200 {
                return answer.json::<Value>().await.expect("JSON");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the run was not read:\n{}", site.log());
    };
    let files = listed().await;
    let mut paths: Vec<&str> =
        files["files"].as_array().expect("files").iter().filter_map(|f| f["path"].as_str()).collect();
    paths.sort_unstable();
    let mut expected = names;
    expected.sort_unstable();
    assert_eq!(paths, expected);
    for (name, saved) in names.iter().zip(["a_b.txt", "line_end.txt", "_u%7B202e%7Dtxt.exe", "bell%E2%90%87"]) {
        let path: String = name.bytes().map(|b| format!("%{b:02X}")).collect();
        let address = format!("/api/runs/{id}/artifacts/file?path={path}");
        let answer = site.get(&address).send().await.expect("an answer");
        let disposition = answer.headers()["content-disposition"].to_str().expect("text").to_owned();
        assert_eq!(answer.text().await.expect("a body"), "0123", "{name:?}");
        assert_eq!(disposition, format!("attachment; filename*=UTF-8''{saved}"));
    }
    let page = site.get(&format!("/runs/{id}?show=artifacts")).send().await.expect("an answer").text().await;
    let page = page.expect("a page");
    assert!(!page.contains('\u{202E}') && page.contains("\\u{202e}txt.exe"), "the letters are turned around");
    assert!(page.contains("line␊end.txt") && page.contains("a\\b.txt") && page.contains("bell␇"), "{page}");
    drop(site);
    let mut command = folder.command(&["runs", "artifacts", id, "--download", &folder.text("out")]);
    command.env("GF_MLRUNS", &mlruns);
    process::finish(command).fine();
    for name in names {
        assert_eq!(std::fs::read(folder.path("out").join(name)).expect("a file"), b"0123", "{name:?}");
    }
}
