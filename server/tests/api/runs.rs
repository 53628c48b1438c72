//! Experiments and runs, from a folder `mlruns` to programs and terminals. The session on the command line is that of a user's
//! guide to MLflow.

use serde_json::{Value, json};

use crate::{
    mlruns::{WrittenRun, experiment, run},
    process::{self, Folder, Ran, Served},
};

const FAST: &str = "3a2f1d4b5c6e7f8a9b0c1d2e3f4a5b6c";
const SLOW: &str = "4b3c2a5d6e7f8a9b0c1d2e3f4a5b6c7d";
const NAN: &str = "4b3c999900000000000000000000aaaa";
const START: i64 = 1_782_777_600_000;

/// Three runs of one experiment, one of a deleted one.
fn written() -> Folder {
    let folder = Folder::new();
    experiment(&folder, "1", "mscn_stats_tiny", false, &[("customer", "acme"), ("task", "queries")]);
    experiment(&folder, "2", "gone", true, &[]);
    let params = vec![("algorithm", "mscn"), ("num_epoch", "100"), ("lr", "0.01")];
    let loss: Vec<f64> = (0..500).map(|i| if i == 321 { 99.0 } else { 1.0 / f64::from(i + 1) }).collect();
    let fast = WrittenRun {
        id: FAST,
        name: "mscn_20251019_152112",
        status: 3,
        start: START + 2_000,
        metrics: vec![("test_total_time", vec![13.497]), ("train_loss", loss), ("val/mAP50", vec![0.5])],
        params: params.clone(),
        tags: vec![("site", "busan")],
        artifacts: vec![
            ("model/MLmodel", b"flavors: {}\n"),
            ("model/data/weights.bin", b"0123456789"),
            ("page.html", b"<script>alert(1)</script>"),
        ],
    };
    let slow = WrittenRun {
        id: SLOW,
        name: "=mscn_20251019_141023",
        start: START + 1_000,
        metrics: vec![("test_total_time", vec![14.123]), ("val/mAP50", vec![0.75])],
        params: vec![("algorithm", "mscn"), ("num_epoch", "50"), ("lr", "0.5")],
        ..fast.clone()
    };
    let nan = WrittenRun {
        id: NAN,
        name: "broken",
        status: 4,
        start: START,
        metrics: vec![("test_total_time", vec![f64::NAN])],
        params: vec![],
        tags: vec![],
        artifacts: vec![],
    };
    for r in [&fast, &slow, &nan] {
        run(&folder, "1", r);
    }
    folder
}

/// A server that has read all of it.
async fn served(folder: &Folder) -> Served {
    let mlruns = process::text(&folder.path("mlruns"));
    let served = Served::start(folder, &[("GF_MLRUNS", &mlruns)]).await;
    for _ in 0..200 {
        let found = served.json("/api/runs/search?limit=1").await;
        if found["total"] == 3 && found["complete"] == true {
            return served;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the runs were not read:\n{}", served.log());
}

fn ids(found: &Value) -> Vec<&str> {
    let runs = found["runs"].as_array().unwrap_or_else(|| panic!("no runs in {found}"));
    runs.iter().filter_map(|r| r["run_id"].as_str()).collect()
}

#[tokio::test]
async fn runs_are_found_sorted_and_paged() {
    let folder = written();
    let site = served(&folder).await;
    let experiments = site.json("/api/experiments").await;
    assert_eq!((&experiments["total"], &experiments["experiments"][0]["runs"]), (&json!(1), &json!(3)));
    assert_eq!(experiments["experiments"][0]["runs_by_status"], json!({ "FINISHED": 2, "FAILED": 1 }));
    let deleted = site.json("/api/experiments?view=deleted").await;
    assert_eq!((&deleted["experiments"][0]["name"], &deleted["total"]), (&json!("gone"), &json!(1)));
    for (query, total) in [
        ("customer=nobody", 0),
        ("customer=acme", 1),
        // Of the runs of an experiment that is acme's.
        ("customer=acme&site=busan", 1),
        ("site=busan&task=queries", 1),
        ("customer=acme&site=seoul", 0),
    ] {
        assert_eq!(site.json(&format!("/api/experiments?{query}")).await["total"], total, "{query}");
    }
    for (query, expected) in [
        ("experiment=mscn_stats_tiny", vec![FAST, SLOW, NAN]),
        ("experiment=1&sort=test_total_time", vec![FAST, SLOW, NAN]),
        ("experiment=1&sort=best(val/mAP50)", vec![SLOW, FAST, NAN]),
        ("experiment=1&sort=algorithm,-val/mAP50", vec![SLOW, FAST, NAN]),
        ("experiment=1&sort=params.algorithm%20desc,%20test_total_time", vec![FAST, SLOW, NAN]),
        ("experiment=1&sort=metrics.test_total_time", vec![FAST, SLOW, NAN]),
        ("experiment=1&sort=-metrics.test_total_time", vec![SLOW, FAST, NAN]),
        ("experiment=1&sort=metrics.test_total_time%20desc&limit=1&page=2", vec![FAST]),
        ("experiment=1&filter=params.lr%20%3E%200.1%20OR%20status%20%3D%20'FAILED'", vec![SLOW, NAN]),
        ("experiment=1&filter=tags.site%20IN%20('busan')%20AND%20metrics.%60val/mAP50%60%3E0.6", vec![SLOW]),
        ("experiment=1&filter=lr%20%3C%200.1", vec![FAST]),
        ("experiment=1&filter=152112", vec![FAST]),
        ("experiment=1,%20gone&filter=nothing", vec![]),
    ] {
        let found = site.json(&format!("/api/runs/search?{query}")).await;
        assert_eq!(ids(&found), expected, "{query}");
        assert!(found["as_of"].is_string() && found["complete"] == true, "{found}");
    }
    let all = site.json("/api/runs/search?experiment=1&limit=1").await;
    assert_eq!(all["total"], 3);
    let first = &all["runs"][0];
    assert_eq!(first["metrics"]["test_total_time"], 13.497);
    assert_eq!(first["params"], json!({ "algorithm": "mscn", "lr": "0.01", "num_epoch": "100" }));
    assert_eq!((&first["start_time"], &first["user"]), (&json!("2026-06-30T00:00:02Z"), &json!("kim")));
    let failed = site.json("/api/runs/search?experiment=1&filter=broken").await;
    assert_eq!(failed["runs"][0]["metrics"]["test_total_time"], "NaN");
    let bare = site.json("/api/runs/search?experiment=1&filter=lr%20%3C%200.1").await;
    assert_eq!(bare["understood"], json!({ "lr": "params.lr" }));
    let sorted = site.json("/api/runs/search?experiment=1&sort=-lr,best(val/mAP50)").await;
    assert_eq!(sorted["understood"], json!({ "lr": "params.lr" }));
    assert_eq!(ids(&sorted), [SLOW, FAST, NAN]);

    let answer = site.get("/api/runs/search?experiment=1").send().await.expect("an answer");
    let etag = answer.headers()["etag"].clone();
    let again = site.get("/api/runs/search?experiment=1").header("if-none-match", &etag).send().await;
    assert_eq!(again.expect("an answer").status(), 304);
    // Asking for a run has what it made copied, which changes the generation.
    let compared = site.json(&format!("/api/runs/compare?ids={FAST},{SLOW}&sort=-test_total_time")).await;
    assert_eq!(ids(&compared), [SLOW, FAST]);
}

#[tokio::test]
async fn a_run_its_history_and_its_files_are_given() {
    let folder = written();
    let site = served(&folder).await;
    let one = site.json("/api/runs/3a2f").await;
    assert_eq!((&one["run_id"], &one["experiment_name"]), (&json!(FAST), &json!("mscn_stats_tiny")));
    let history = site.json(&format!("/api/runs/{FAST}/history?metric=train_loss&points=50&wait=10000")).await;
    let points = history["points"].as_array().expect("points");
    assert!(points.len() <= 50 && history["total_points"] == 500, "{history}");
    assert!(points.iter().any(|p| p["value"] == 99.0 && p["step"] == 321), "the spike is kept: {history}");
    assert_eq!((&points[0]["step"], &points[points.len() - 1]["step"]), (&json!(0), &json!(499)));
    let best = site.json("/api/runs/best?experiment=mscn_stats_tiny&metric=test_total_time").await;
    assert_eq!(
        (&best["run"]["run_id"], &best["ascending"], &best["assumed"]),
        (&json!(FAST), &json!(true), &json!(true))
    );
    let most = site.json("/api/runs/best?experiment=1&metric=test_total_time&ascending=false").await;
    assert_eq!(most["run"]["run_id"], SLOW);
    let map = site.json("/api/runs/best?experiment=1&metric=val/mAP50").await;
    assert_eq!((&map["run"]["run_id"], &map["assumed"]), (&json!(SLOW), &json!(false)));

    let list = site.json(&format!("/api/runs/{FAST}/artifacts")).await;
    let names: Vec<_> = list["files"].as_array().expect("files").iter().map(|f| f["path"].clone()).collect();
    assert_eq!(names, ["model", "page.html"]);
    let inside = site.json(&format!("/api/runs/{FAST}/artifacts?path=model/data")).await;
    assert_eq!(inside["files"], json!([{ "path": "model/data/weights.bin", "is_folder": false, "size": 10 }]));
    let file = format!("/api/runs/{FAST}/artifacts/file?path=");
    let page = site.get(&format!("{file}page.html")).send().await.expect("an answer");
    let head = |name: &str| page.headers()[name].to_str().expect("a text").to_owned();
    assert_eq!((page.status().as_u16(), head("content-type").as_str()), (200, "application/octet-stream"));
    assert!(head("content-disposition").starts_with("attachment") && head("x-content-type-options") == "nosniff");
    assert!(head("content-security-policy").contains("sandbox"));
    let part = site.get(&format!("{file}model/data/weights.bin")).header("range", "bytes=2-4").send().await;
    let part = part.expect("an answer");
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(part.status(), 206);
    assert_eq!(part.text().await.expect("bytes"), "234");
    let behind = site.get(&format!("{file}model/data/weights.bin")).header("range", "bytes=99-").send().await;
    let behind = behind.expect("an answer");
    assert_eq!((behind.status().as_u16(), behind.headers()["content-range"].to_str().ok()), (416, Some("bytes */10")));
}

#[tokio::test]
async fn what_cannot_be_answered_says_why() {
    let folder = written();
    let site = served(&folder).await;
    let long = format!("/api/runs/search?filter={}", "a".repeat(10_000));
    for (path, status, part) in [
        ("/api/runs/search?filter=metrics.f1%20%3E", 400, "at character 13: a number"),
        (long.as_str(), 400, "longer than"),
        ("/api/runs/search?experiment=nobody", 404, "nobody"),
        ("/api/runs/search?experiment=%2e%2e", 404, ".."),
        ("/api/runs/search?experiment=a%00b", 404, "ab"),
        ("/api/runs/search?sort=f1(", 400, "metrics.f1 desc"),
        ("/api/runs/search?limit=0", 400, "limit"),
        ("/api/runs/search?limit=50001", 400, "50000"),
        ("/api/runs/search?page=0", 400, "page"),
        ("/api/runs/search?experiments=1", 400, "experiments"),
        ("/api/runs/search?limit=1&limit=2", 400, "twice"),
        ("/api/experiments?view=some", 400, "view"),
        ("/api/runs/4b3c", 400, "begins the ids of 2 runs"),
        ("/api/runs/ffff", 404, "ffff"),
        ("/api/runs/a'b", 400, "a'b"),
        ("/api/runs/3a2f/history", 400, "metric"),
        ("/api/runs/3a2f/history?metric=nope", 404, "nope"),
        ("/api/runs/3a2f/history?metric=train_loss&points=0", 400, "points"),
        ("/api/runs/best?experiment=1", 400, "metric"),
        ("/api/runs/best?experiment=1&metric=time", 404, "test_total_time"),
        ("/api/runs/best?experiment=1&metric=x&ascending=2", 400, "ascending"),
        ("/api/runs/best?experiment=1&metric=test_total_time&filter=broken", 404, "is NaN: 1 run has no number"),
        (
            "/api/runs/best?experiment=1&metric=train_loss&filter=broken",
            404,
            "no run here has a value of the metric “train_loss”; there are test_total_time, val/mAP50",
        ),
        ("/api/runs/3a2f/artifacts?path=nothing/there", 404, "no folder nothing/there"),
        ("/api/runs/3a2f/artifacts?path=page.html", 404, "page.html is a file"),
        ("/api/runs/3a2f/artifacts?path=../..", 400, "path"),
        ("/api/runs/3a2f/artifacts/file?path=model%2F..%2F..%2Fmeta.yaml", 400, "path"),
        ("/api/runs/3a2f/artifacts/file", 400, "path"),
        ("/api/runs/3a2f/artifacts/file?path=nothing", 404, "nothing"),
        ("/export/runs.csv?columns=f1", 400, "character 1"),
    ] {
        let answer = site.get(path).send().await.expect("an answer");
        let (got, body) = (answer.status().as_u16(), answer.text().await.expect("a body"));
        assert_eq!(got, status, "{path}: {body}");
        let problem: Value = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e} in {body}"));
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains(part)), "{path}: {problem}");
    }
}

#[tokio::test]
async fn files_hold_exactly_the_view() {
    let folder = written();
    let site = served(&folder).await;
    let query =
        "experiment=1&filter=params.lr%3E0&sort=metrics.test_total_time&columns=metrics.test_total_time,params.lr";
    let get = async |path: &str| site.get(path).send().await.expect("an answer");
    let csv = get(&format!("/export/runs.csv?{query}")).await;
    assert!(csv.headers()["content-disposition"].to_str().is_ok_and(|d| d.contains("runs.csv")));
    let lines: Vec<String> = csv.text().await.expect("text").lines().map(str::to_owned).collect();
    assert_eq!(
        lines,
        [
            "run_id,run_name,metrics.test_total_time,params.lr".to_owned(),
            format!("{FAST},mscn_20251019_152112,13.497,0.01"),
            format!("{SLOW},\"'=mscn_20251019_141023\",14.123,0.5"),
        ]
    );
    let rows = site.json(&format!("/export/runs.json?{query}")).await;
    assert_eq!((rows.as_array().map(Vec::len), &rows[1]["params.lr"]), (Some(2), &json!("0.5")));
    let parquet = get(&format!("/export/runs.parquet?{query}")).await.bytes().await.expect("bytes");
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    let groups = site.json("/export/runs.json?experiment=1&group=params.algorithm&columns=metrics.val/mAP50").await;
    assert_eq!((&groups[0]["params.algorithm"], &groups[0]["runs"]), (&json!("mscn"), &json!(2)));
    assert_eq!(groups[0]["metrics.val/mAP50 mean"], 0.625);
}

#[tokio::test]
async fn without_a_source_the_cure_is_said() {
    let folder = Folder::new();
    let site = Served::start(&folder, &[]).await;
    for path in ["/api/experiments", "/api/runs/search", "/api/runs/abc", "/export/runs.csv"] {
        let answer = site.get(path).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
        assert!(answer.text().await.expect("a body").contains("set MLFLOW_TRACKING_URI or GF_MLRUNS"), "{path}");
    }
    let other = Folder::new();
    let ran = other.run(&["experiments", "list"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("no experiments: set MLFLOW_TRACKING_URI or GF_MLRUNS"), "{ran:?}");
    assert!(!other.data().exists(), "nothing is made to say so");
}

/// A command with the folder as its source.
fn command(folder: &Folder, args: &[&str]) -> Ran {
    let mut command = folder.command(args);
    command.env("GF_MLRUNS", folder.path("mlruns"));
    process::finish(command)
}

#[test]
fn the_session_of_the_guide() {
    let folder = written();
    let ask = |args: &[&str]| command(&folder, args);
    let list = ask(&["experiments", "list"]).fine().stdout;
    assert!(list.contains("mscn_stats_tiny") && list.contains("active") && !list.contains("gone"), "{list}");
    assert_eq!(ask(&["experiments", "list", "--view", "all", "--json"]).fine().json()["total"], 2);
    assert_eq!(
        ask(&["experiments", "list", "--customer", "acme", "--site", "busan", "--json"]).fine().json()["total"],
        1
    );

    let runs = ask(&["runs", "list", "mscn_stats_tiny", "--limit", "2"]).fine().stdout;
    assert!(runs.contains("3a2f1d4b5c6e") && runs.contains("13.4970") && runs.contains("2 of 3 runs"), "{runs}");
    let found =
        ask(&["runs", "list", "1", "--filter", "params.num_epoch = '100'", "--sort", "-metrics.train_loss", "--json"]);
    assert_eq!(ids(&found.fine().json()), [FAST]);
    let by_key = ask(&["runs", "list", "1", "--sort", "-test_total_time", "--json"]);
    assert_eq!(ids(&by_key.fine().json()), [SLOW, FAST, NAN]);
    let refused = ask(&["runs", "list", "1", "--filter", "metrics.f1 > x"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("at character 14"), "{refused:?}");

    let best = ask(&["runs", "best", "mscn_stats_tiny", "--metric", "test_total_time"]).fine().stdout;
    for part in
        ["lowest: assumed from its name", FAST, "test_total_time: 13.497", "  num_epoch: 100", "Artifact URI: file://"]
    {
        assert!(best.contains(part), "{part} in {best}");
    }

    let compared = ask(&["runs", "compare", "3a2f1d4b", "4b3c2a5d"]).fine().stdout;
    for part in ["diff (2-1)", "+0.6260 ▲ worse", "+0.2500 ▲ better", "Parameters that differ (2 of 3)"] {
        assert!(compared.contains(part), "{part} in {compared}");
    }
    let ambiguous = ask(&["runs", "compare", "3a2f", "4b3c"]);
    assert!(ambiguous.code == Some(2) && ambiguous.stderr.contains("begins the ids of 2 runs"), "{ambiguous:?}");

    let files = ask(&["runs", "artifacts", "3a2f", "model"]).fine().stdout;
    assert!(files.contains("model/MLmodel") && files.contains("folder"), "{files}");
    let (there, outside) = (process::text(&folder.path("out")), folder.path("escaped"));
    let written = ask(&["runs", "artifacts", "3a2f", "--download", &there, "--json"]).fine().json();
    assert_eq!((written["files"].as_array().map(Vec::len), &written["bytes"]), (Some(3), &json!(47)));
    assert_eq!(std::fs::read(folder.path("out/model/data/weights.bin")).expect("a file"), b"0123456789");
    std::fs::write(folder.path("out/page.html"), "mine").expect("written");
    let again = ask(&["runs", "artifacts", "3a2f", "page.html", "--download", &there]);
    assert!(again.code == Some(2) && again.stderr.contains("--force"), "{again:?}");
    assert_eq!(folder.path("out/page.html").metadata().expect("a file").len(), 4);
    ask(&["runs", "artifacts", "3a2f", "page.html", "--download", &there, "--force"]).fine();
    assert_eq!(folder.path("out/page.html").metadata().expect("a file").len(), 25);
    assert_eq!(ask(&["runs", "artifacts", "3a2f", "../../meta.yaml"]).code, Some(2));
    #[cfg(unix)]
    {
        std::fs::create_dir_all(&outside).expect("a folder");
        std::fs::remove_dir_all(folder.path("out/model")).expect("removed");
        std::os::unix::fs::symlink(&outside, folder.path("out/model")).expect("a link");
        let link = ask(&["runs", "artifacts", "3a2f", "model", "--download", &there, "--force"]);
        assert!(link.code == Some(1) && link.stderr.contains("leads out of"), "{link:?}");
        assert_eq!(std::fs::read_dir(&outside).expect("a folder").count(), 0);
    }

    let history = ask(&["runs", "history", "3a2f", "train_loss", "--points", "50", "--json"]).fine().json();
    assert!(history["points"].as_array().is_some_and(|p| p.len() <= 50 && p.iter().any(|p| p["value"] == 99.0)));
}
