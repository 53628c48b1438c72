//! Runs of a folder `mlruns` become records: from the command line and by the server, seen on pages, corrected and moved as MLflow changes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    mlruns::{WrittenRun, experiment, run},
    process::{self, Folder, Ran, Served},
};

const A: &str = "3a2f1d4b5c6e7f8a9b0c1d2e3f4a5b6c";
const B: &str = "4b3c2a5d6e7f8a9b0c1d2e3f4a5b6c7d";
const C: &str = "5c4d3b6e7f8a9b0c1d2e3f4a5b6c7d8e";
const D: &str = "6d5e4c7f8a9b0c1d2e3f4a5b6c7d8e9f";
const START: i64 = 1_782_777_600_000;

fn finished<'a>(id: &'a str, site: &'a str, map50: f64) -> WrittenRun<'a> {
    WrittenRun {
        id,
        name: "trained",
        status: 3,
        start: START,
        metrics: vec![("val/mAP50", vec![0.1, map50]), ("latency", vec![0.02]), ("train/loss", vec![1.0, 0.5])],
        params: vec![("architecture", "yolov8m")],
        tags: vec![("customer", "acme"), ("site", site), ("task", "detection")],
        artifacts: vec![],
    }
}

/// Two runs that make records, one that names no customer and one that runs.
fn written() -> Folder {
    let folder = Folder::new();
    experiment(&folder, "1", "detect/acme", false, &[]);
    experiment(&folder, "2", "other", false, &[]);
    run(&folder, "1", &finished(A, "s1", 0.5));
    run(&folder, "1", &finished(B, "s2", 0.7));
    run(&folder, "2", &WrittenRun { tags: vec![("task", "detection")], ..finished(C, "", 0.5) });
    run(&folder, "2", &WrittenRun { status: 1, ..finished(D, "s1", 0.5) });
    folder
        .write("data/sources.yaml", "mlflow:\n  metrics:\n    inference_time_ms: {path: $.metrics.latency, unit: s}\n");
    folder
}

fn import(folder: &Folder, args: &[&str]) -> Ran {
    let mut command = folder.command(&[&["import", "mlflow"], args].concat());
    command.env("GF_MLRUNS", process::text(&folder.path("mlruns")));
    process::finish(command)
}

fn imported(folder: &Folder) -> Value {
    import(folder, &["--json"]).fine().json()
}

fn counts(told: &Value) -> [u64; 5] {
    ["taken", "duplicate", "corrected", "moved", "withdrawn"].map(|key| told[key].as_u64().expect(key))
}

async fn served(folder: &Folder) -> Served {
    Served::start(folder, &[("GF_MLRUNS", &process::text(&folder.path("mlruns")))]).await
}

/// Asks until the answer is as wanted.
async fn until(site: &Served, path: &str, wanted: impl Fn(&str) -> bool) -> String {
    let begun = Instant::now();
    loop {
        let (status, page) = site.page(path).await;
        assert_eq!(status, 200, "{path}: {page}");
        if wanted(&page) {
            return page;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{path} stays\n{page}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

const RECORDS: &str = "/api/metrics/records?type=all&days=4015";

#[tokio::test]
async fn an_import_is_repeated_corrected_and_moved() {
    let folder = written();
    let plan = import(&folder, &["--dry-run", "--json"]).fine().json();
    assert_eq!((&plan["counts"]["new"], &plan["counts"]["refused"]), (&json!(2), &json!({"missing": 1})));
    assert_eq!(plan["counts"]["not_finished"], json!({"RUNNING": 1}));
    assert_eq!(plan["examples"]["refused"][0]["message"], "customer is missing");
    let text = import(&folder, &["--dry-run"]).fine().stdout;
    for said in [
        "Nothing was written",
        "take",
        "customer is missing",
        "acme / s1 / detection at 2026-06-30T00:01:00Z",
        &A[..12],
    ] {
        assert!(text.contains(said), "{said}:\n{text}");
    }
    assert_eq!(counts(&imported(&folder)), [2, 0, 0, 0, 0], "looking has taken nothing");
    let twice = imported(&folder);
    assert_eq!((counts(&twice), &twice["refused_total"]), ([0, 2, 0, 0, 0], &json!(1)));
    run(&folder, "1", &finished(A, "s1", 0.9));
    run(&folder, "1", &finished(B, "s3", 0.7));
    let moved = import(&folder, &["--dry-run"]).fine().stdout;
    assert!(moved.contains("site: s2 → s3"), "{moved}");
    assert_eq!(counts(&imported(&folder)), [1, 0, 1, 1, 1]);
    assert_eq!(counts(&imported(&folder)), [0, 2, 0, 0, 0]);

    let site = served(&folder).await;
    let records = site.json(RECORDS).await;
    let mut rows: Vec<(&str, &str, &str)> = vec![];
    for row in records["rows"].as_array().expect("rows") {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        rows.push((text("site"), text("run_id"), text("experiment_type")));
        assert_eq!((text("architecture"), text("timestamp")), ("yolov8m", "2026-06-30T00:01:00Z"));
    }
    rows.sort_unstable();
    assert_eq!(rows, [("s1", A, "candidate"), ("s3", B, "candidate")]);
    let latency = site.json(&format!("{RECORDS}&metric=inference_time_ms")).await;
    assert_eq!(latency["rows"][0]["values"], json!([20.0]), "seconds became milliseconds");

    // From a record to its run and back, and from the sources to the plan.
    let page = until(&site, "/records?type=all&days=4015", |page| page.contains(&format!("href=\"/runs/{A}\""))).await;
    assert!(page.contains(&A[..8]));
    let (_, run_page) = site.page(&format!("/runs/{A}")).await;
    assert!(run_page.contains(&format!("run={A}")), "{run_page}");
    // From a model of the fleet to the run that its newest record names.
    let (_, compared) = site.page("/compare?days=4015").await;
    let leads = [A, B].iter().any(|id| compared.contains(&format!("href=\"/runs/{id}\"")));
    assert!(leads && compared.contains("Made by run"), "{compared}");
    let (_, sources) = site.page("/sources").await;
    assert!(sources.contains("href=\"/sources/mlflow\"") && sources.contains("runs of MLflow"), "{sources}");
    let csv = site.get("/export/sources.csv").send().await.expect("an answer").text().await.expect("a body");
    assert!(csv.contains("mlflow,mlflow") && csv.contains("missing 1"), "{csv}");
}

#[tokio::test]
async fn the_page_of_the_plan_lists_kinds_and_reasons_in_both_languages() {
    let folder = written();
    let site = served(&folder).await;
    let page = until(&site, "/sources/mlflow", |page| page.contains(&format!("/runs/{A}"))).await;
    for said in [
        "to be taken",
        "field missing",
        "not finished",
        "sources.yaml",
        "guardianflow import mlflow",
        "/customers/acme/sites/s1",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let (_, refused) = site.page("/sources/mlflow?show=refused").await;
    assert!(refused.contains("customer is missing") && refused.contains(&format!("/runs/{C}")), "{refused}");
    let korean = site.get("/sources/mlflow").header("Accept", "text/html").header("Cookie", "gf_lang=ko");
    let korean = korean.send().await.expect("an answer").text().await.expect("a body");
    assert!(korean.contains("런을 레코드로") && korean.contains("필드 누락"), "{korean}");
    let (status, wrong) = site.page("/sources/mlflow?show=nope&page=7").await;
    assert!(status == 200 && wrong.contains("show= is one of new, corrected"), "{wrong}");
    let records = site.json(RECORDS).await;
    assert_eq!(records["total"], 0, "seeing a plan takes nothing");
}

#[tokio::test]
async fn a_server_imports_by_itself_once_its_mapping_says_so() {
    let folder = written();
    let site = served(&folder).await;
    until(&site, "/sources/mlflow", |page| page.contains(&format!("/runs/{A}"))).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(site.json(RECORDS).await["total"], 0, "nobody has asked for it");
    folder.write("data/sources.yaml", "mlflow: {import: true}\n");
    let begun = Instant::now();
    while site.json(RECORDS).await["total"] != 2 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", site.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // A run that ends is taken as it ends; a mapping with a fault changes nothing, and is said with its line.
    run(&folder, "2", &finished(D, "s4", 0.6));
    while site.json(RECORDS).await["total"] != 3 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", site.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    folder.write("data/sources.yaml", "mlflow:\n  import: true\n  fields:\n    site: $.tag.site\n");
    let page = until(&site, "/sources", |page| page.contains("leads nowhere in a run")).await;
    assert!(page.contains("line 4: ") && page.contains("what was read before stays in force"), "{page}");
}

#[tokio::test]
async fn a_misspelled_path_is_said_and_takes_no_crowd_of_records_back() {
    let folder = Folder::new();
    experiment(&folder, "1", "detect/acme", false, &[]);
    let ids: Vec<String> = (0..25).map(|i| format!("{i:032x}")).collect();
    for id in &ids {
        run(&folder, "1", &finished(id, "s1", 0.5));
    }
    folder.write("data/sources.yaml", "mlflow: {import: true}\n");
    let site = served(&folder).await;
    let begun = Instant::now();
    while site.json(RECORDS).await["total"] != 25 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", site.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let wrong = "mlflow:\n  import: true\n  fields:\n    customer: $.tags.custmer\n";
    folder.write("data/sources.yaml", wrong);
    until(&site, "/sources", |page| page.contains("would take back 25 of 25 records")).await;
    assert_eq!(site.json(RECORDS).await["total"], 25);
    let plan = import(&folder, &["--mapping", &folder.write("wrong.yaml", wrong), "--dry-run", "--json"]).fine().json();
    let customer = json!({"of": "customer", "paths": ["$.tags.custmer"]});
    assert!(plan["unfound"].as_array().is_some_and(|rules| rules.contains(&customer)), "{plan}");
    assert_eq!(plan["counts"]["withdrawn"], 25, "who asks for it by hand gets it");
}

#[tokio::test]
async fn a_mapping_that_is_wrong_is_refused_with_its_line_and_the_cure() {
    let folder = written();
    for (mapping, line, said) in [
        ("mlflow:\n  fields:\n    site: $.tag.site\n", 3, "leads nowhere in a run; there is"),
        (
            "mlflow:\n  metrics:\n    inference_time_ms: {path: $.metrics.latency, unit: MB}\n",
            3,
            "MB cannot become ms; ns, us",
        ),
        ("mlflow:\n  import: 1\n", 2, "true or false, not a number"),
        ("mlflow: [\n", 2, "this is not YAML"),
    ] {
        let path = folder.write("wrong.yaml", mapping);
        let refused = import(&folder, &["--mapping", &path]);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(
            refused.stderr.contains(&format!("wrong.yaml: line {line}: ")) && refused.stderr.contains(said),
            "{}",
            refused.stderr
        );
    }
    let none = import(&folder, &["--mapping", "/nothing/there.yaml"]);
    assert!(none.code == Some(1) && none.stderr.contains("/nothing/there.yaml cannot be read"), "{}", none.stderr);
    let unknown = import(&folder, &["--experiment", "nothing"]);
    assert!(unknown.code == Some(1) && unknown.stderr.contains("nothing"), "{}", unknown.stderr);
    // The built-in mapping is a file that can be used, and the schema is printed.
    let built_in = folder.run(&["import", "mapping"]).fine().stdout;
    let path = folder.write("mine.yaml", built_in);
    assert_eq!(folder.run(&["check", &path]).fine().stdout.trim(), format!("{path}: fine, rules for runs of MLflow"));
    let schema: Value =
        serde_json::from_str(&folder.run(&["check", "--schema", "sources"]).fine().stdout).expect("JSON");
    assert_eq!(schema["title"], "sources.yaml of GuardianFlow");
    // Without MLflow there is nothing to import, and it is said how there would be.
    let without = folder.run(&["import", "mlflow"]);
    assert!(without.code == Some(1) && without.stderr.contains("GF_MLRUNS"), "{}", without.stderr);
}
