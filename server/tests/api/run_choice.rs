//! Runs side by side, and picking one of several: runs of an experiment, models of the fleet.

use serde_json::{Value, json};

use crate::{
    fake_mlflow::{Fake, Reply, http, ok},
    fleet::{jsonl, now, one},
    mlruns::{WrittenRun, experiment, run},
    process::{self, Folder, Served},
};

const IDS: [&str; 4] = [
    "a0000000000000000000000000000001",
    "b0000000000000000000000000000002",
    "c0000000000000000000000000000003",
    "d0000000000000000000000000000004",
];

/// Four runs of two experiments: better ones take longer, and one has no time.
async fn served() -> (Folder, Served) {
    let folder = Folder::new();
    experiment(&folder, "1", "detect", false, &[]);
    experiment(&folder, "2", "other", false, &[]);
    let runs = [
        (
            "small",
            vec![("mAP50", vec![0.5, 0.70]), ("inference_time_ms", vec![10.0]), ("note", vec![f64::NAN])],
            "0.1",
            "1",
        ),
        ("medium", vec![("mAP50", vec![0.5, 0.80]), ("inference_time_ms", vec![25.0])], "0.2", "1"),
        ("large", vec![("mAP50", vec![0.5, 0.90]), ("inference_time_ms", vec![60.0])], "0.4", "1"),
        ("<b>new</b>", vec![("mAP50", vec![0.95])], "0.3", "2"),
    ];
    for (id, (name, metrics, lr, home)) in IDS.into_iter().zip(runs) {
        let params = vec![("lr", lr), ("optimizer", "sgd")];
        run(
            &folder,
            home,
            &WrittenRun { id, name, status: 3, start: 1_782_777_600_000, metrics, params, ..WrittenRun::default() },
        );
    }
    let served = Served::start(&folder, &[("GF_MLRUNS", &process::text(&folder.path("mlruns")))]).await;
    copied(&served, 4).await;
    (folder, served)
}

/// Waits until so many runs are read.
async fn copied(served: &Served, runs: u64) {
    for _ in 0..600 {
        let found = served.json("/api/runs/search?limit=1").await;
        if found["total"] == runs && found["complete"] == true {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the runs were not read:\n{}", served.log());
}

fn row<'a>(list: &'a Value, field: &str, key: &str) -> &'a Value {
    let rows = list.as_array().expect("a list");
    rows.iter().find(|r| r[field] == key).unwrap_or_else(|| panic!("{key} in {list}"))
}

#[tokio::test]
async fn runs_of_several_experiments_stand_side_by_side_with_their_differences() {
    let (_folder, site) = served().await;
    let c = site.json(&format!("/api/runs/compare?ids={}&baseline=b0", IDS.join(","))).await;
    let map = row(&c["metrics"], "metric", "mAP50");
    assert_eq!((&map["values"], &map["direction"]), (&json!([0.7, 0.8, 0.9, 0.95]), &json!("higher_is_better")));
    let told = |at: usize| (map["differences"][at]["verdict"].clone(), map["differences"][at]["by"].as_f64());
    assert_eq!((told(0).0, told(1).0, told(2).0), (json!("worse"), Value::Null, json!("better")));
    assert!(told(2).1.is_some_and(|by| (by - 0.1).abs() < 1e-12), "{map}");
    let time = row(&c["metrics"], "metric", "inference_time_ms");
    assert_eq!((&time["differences"][2]["verdict"], &time["values"][3]), (&json!("worse"), &Value::Null));
    assert_eq!(row(&c["params"], "key", "optimizer")["differs"], false);
    assert_eq!((&c["metric"], &c["correlations"][0]["param"]), (&json!("mAP50"), &json!("lr")));
    assert!(c["correlations"][0]["n"] == 4 && c["correlations"][0]["rho"].as_f64().is_some_and(|r| r > 0.7), "{c}");
    let differing = site.json(&format!("/api/runs/compare?ids={}&diff=1", IDS.join(","))).await;
    assert!(differing["params"].as_array().is_some_and(|p| p.len() == 1), "{differing}");
    let (status, html) = site.page(&format!("/runs/compare?ids={}&baseline={}", IDS.join(","), IDS[1])).await;
    assert_eq!(status, 200);
    for part in [
        "3 runs beside medium, of 2 experiments in all.",
        "Spearman",
        "&lt;b&gt;new&lt;/b&gt;",
        "(+12.5 %)",
        "inference_time_ms",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!html.contains("<b>new</b>"));
}

#[tokio::test]
async fn a_comparison_that_cannot_be_made_says_why() {
    let (_folder, site) = served().await;
    let all = IDS.join(",");
    for (query, status, said) in [
        (String::new(), 400, "ids is missing"),
        ("ids=a0".to_owned(), 400, "at least two runs"),
        (format!("ids={},{}", IDS[0], IDS[0]), 400, "at least two runs"),
        ("ids=a0,nothing".to_owned(), 404, "no run with the id"),
        (format!("ids={all}&baseline=zz"), 400, "is none of the runs"),
        (format!("ids={all}&metric=nope"), 400, "no run here has a value"),
        (format!("ids={all}&sort=nope("), 400, "is expected here"),
        (format!("ids={}", vec!["a0"; 300].join(",")), 400, "at most 100 runs"),
    ] {
        let answer = site.get(&format!("/api/runs/compare?{query}")).send().await.expect("an answer");
        let code = answer.status().as_u16();
        let body = answer.text().await.expect("a body");
        assert!(code == status && body.contains(said), "{query}: {code} {body}");
    }
    // The page says it too, and shows what it can.
    for (query, said) in [
        ("ids=a0", "Select two runs or more"),
        (&*format!("ids={all}&baseline=zz&metric=nope"), "is none of the runs"),
        (&*format!("ids={all}&layout=x&diff=2&brush=nope&sort=nope(&x=nope"), "layout is columns or rows"),
        (&*format!("ids={all}&brush=params.lr:0.15..0.25"), "1 of 4 runs lies within all ranges: medium."),
        (&*format!("pick={}&pick={}&filter=&sort=start_time%20desc", IDS[0], IDS[1]), "1 run beside"),
    ] {
        let (status, html) = site.page(&format!("/runs/compare?{query}")).await;
        assert!(status == 200 && html.contains(said), "{query}: {status} {html}");
    }
}

#[tokio::test]
async fn the_best_run_under_limits_is_picked_and_what_binds_is_said() {
    let (folder, site) = served().await;
    let picked = site
        .json("/api/runs/pick?experiment=detect&best=mAP50&cost=inference_time_ms&limit=inference_time_ms%3C%3D30")
        .await;
    assert_eq!((&picked["best"], &picked["limits"][0]["instead"]), (&json!(IDS[1]), &json!(IDS[2])));
    let fronts: Vec<&Value> = picked["candidates"].as_array().expect("a list").iter().map(|c| &c["front"]).collect();
    assert_eq!(fronts, ["efficient"; 3]);
    let none = site.json("/api/runs/pick?experiment=detect&best=mAP50&limit=inference_time_ms%3C%3D5").await;
    assert!(
        none["best"].is_null()
            && none["sentences"][1].as_str().is_some_and(|s| s.contains("≤ 10 ms in the place of 5 ms, small")),
        "{none}"
    );
    let near = site
        .json(&format!(
            "/api/runs/pick?experiment=1&best=mAP50&baseline={}&limit=mAP50%3E%3Dbase-0.01%3Binference_time_ms%3C%3D70",
            IDS[2]
        ))
        .await;
    assert_eq!(near["best"], IDS[2]);
    for (query, said) in [
        ("best=mAP50", "experiment is missing"),
        ("experiment=1&best=nope", "no run here has a value"),
        ("experiment=1&limit=mAP50%3E0.5", "a limit is a metric"),
        ("experiment=1&limit=mAP50%3E%3Dbase", "name one"),
        ("experiment=1&nope=1", "nope"),
    ] {
        let answer = site.get(&format!("/api/runs/pick?{query}")).send().await.expect("an answer");
        let (code, body) = (answer.status().as_u16(), answer.text().await.expect("a body"));
        assert!(code == 400 && body.contains(said), "{query}: {code} {body}");
    }
    let (status, html) = site.page("/experiments/1/pick?limit=inference_time_ms%3C%3D30").await;
    assert_eq!(status, 200, "{html}");
    for part in [
        "medium is the best of the 2 of 3",
        "binds: without it large would be best",
        "breaks inference_time_ms ≤ 30 ms",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    for query in ["limit=nope", "best=nope", "baseline=nope", "limit_of=inference_time_ms&limit_bound=x"] {
        let (status, html) = site.page(&format!("/experiments/1/pick?{query}")).await;
        assert!(status == 200 && html.contains("role=\"alert\""), "{query}: {status} {html}");
    }
    let mlruns = process::text(&folder.path("mlruns"));
    let args = ["pick", "--experiment", "detect", "--best", "mAP50", "--max", "inference_time_ms=30", "--json"];
    let mut command = folder.command(&args);
    command.env("GF_MLRUNS", mlruns);
    let ran = process::finish(command).fine();
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(told["best"], IDS[1]);
}

/// What MLflow answers for a hundred runs of two thousand parameters each. The first parameter differs, the others are equal; a third of the
/// runs has no metric, a third has NaN.
fn wide_runs() -> (Vec<String>, Value) {
    let ids: Vec<String> = (0..100).map(|i| format!("{i:032x}")).collect();
    let run = |(i, id): (usize, &String)| {
        let param =
            |k: usize| json!({"key": format!("p{k:04}"), "value": if k == 0 { i.to_string() } else { "same".into() }});
        let metric = |value: Value| json!([{"key": "mAP50", "value": value, "timestamp": 1, "step": 1}]);
        let metrics = match i % 3 {
            0 => json!([]),
            1 => metric(json!("NaN")),
            _ => metric(json!(i as f64 / 100.0)),
        };
        let info = json!({
            "run_id": id, "run_name": format!("wide {i}"), "experiment_id": "7", "status": "FINISHED", "start_time": i, "end_time": i + 1,
            "lifecycle_stage": "active",
        });
        json!({"info": info, "data": {"metrics": metrics, "params": (0..2_000).map(param).collect::<Vec<_>>()}})
    };
    let runs: Vec<Value> = ids.iter().enumerate().map(run).collect();
    (ids, json!({"runs": runs}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_runs_with_two_thousand_parameters_each_stay_comparable() {
    let (ids, runs) = wide_runs();
    let runs = ok(runs.to_string());
    let mlflow = Fake::start(move |request, _| {
        let head = request.lines().next().unwrap_or_default();
        Reply::Bytes(match () {
            () if head.contains("/version") => http("200 OK", "text/html", "3.17.2"),
            () if head.contains("/experiments/search") => {
                ok(json!({"experiments": [{"experiment_id": "7", "name": "wide", "lifecycle_stage": "active"}]})
                    .to_string())
            }
            () if head.contains("/runs/search") => runs.clone(),
            () => ok("{}"),
        })
    })
    .await;
    let folder = Folder::new();
    let site = Served::start(&folder, &[("MLFLOW_TRACKING_URI", &mlflow.address)]).await;
    copied(&site, 100).await;
    let ids = ids.join(",");
    let (status, html) = site.page(&format!("/runs/compare?ids={ids}")).await;
    assert!(status == 200 && html.contains("p0000") && html.contains("100 runs"), "{status} {} bytes", html.len());
    // 200,000 cells are no page: the first rows, the count, and a way to find the others.
    assert!(html.len() < 1_500_000, "{} bytes", html.len());
    let (_, found) = site.page(&format!("/runs/compare?ids={ids}&find=p1999")).await;
    assert!(found.contains("p1999"), "what is not on the page is found by its name");
    let all = site.json(&format!("/api/runs/compare?ids={ids}")).await;
    assert_eq!(all["params"].as_array().map(Vec::len), Some(2_000));
    let differing = site.json(&format!("/api/runs/compare?ids={ids}&diff=1")).await;
    assert_eq!(differing["params"].as_array().map(Vec::len), Some(1));
    let rho = row(&differing["correlations"], "param", "p0000");
    assert!(rho["n"] == 33 && rho["rho"] == 1.0, "only runs with a number count: {rho}");
    let (status, html) = site.page("/experiments/7/pick?best=mAP50").await;
    assert!(status == 200 && html.contains("0.98"), "{status}");
}

/// Records of three models on one device: `old` and `new` at the same two sites, `lone` elsewhere.
fn fleet() -> String {
    let mut records = vec![];
    for (model, version, sites, map, ms) in [
        ("yolo", "1", &["s1", "s2"][..], 0.80, 40.0),
        ("yolo", "2", &["s1", "s2"], 0.85, 20.0),
        ("yolo", "3", &["s9"], 0.99, 5.0),
    ] {
        for (i, site) in sites.iter().enumerate() {
            for k in 0..3_i64 {
                let fields = json!({
                    "site": site, "model_architecture": model, "model_version": version, "run_id": format!("{version}{site}{k}"),
                    "device": "orin",
                    "detection": { "mAP50": map + i as f64 / 100.0 },
                    "system": { "inference_time_ms": ms },
                });
                records.push(one(now() - (k + 1) * 3_600_000, fields));
            }
        }
    }
    jsonl(&records)
}

#[tokio::test]
async fn a_part_of_a_choice_that_is_wrong_leaves_the_others() {
    let (_folder, site) = served().await;
    let baseline = IDS[0];
    let path = format!("/experiments/1/pick?best=mAP50&baseline={baseline}&cost=nope&limit=mAP50%3E%3Dbase%2B0.05");
    let (status, html) = site.page(&path).await;
    let selected =
        html.split("<option").find(|o| o.contains(&format!("value=\"{baseline}\"")) && o.contains("selected"));
    assert!(status == 200 && html.contains("nope") && selected.is_some(), "{status} {html}");
    assert!(html.contains("mAP50 ≥ 0.75"), "the limit beside the baseline counts: {html}");
}

#[tokio::test]
async fn the_best_model_of_the_fleet_is_picked_at_the_places_of_the_baseline() {
    let folder = Folder::new();
    folder.ingest(&[&folder.write("in/fleet.jsonl", fleet())]).fine();
    let site = Served::start(&folder, &[]).await;
    let picked = site.json("/api/pick?best=mAP50&limit=inference_time_ms%3C%3D30&baseline=yolo:1&type=all").await;
    let device = &picked["devices"][0];
    assert_eq!((&device["device"], &device["best"]), (&json!("orin"), &json!("yolo:2")), "{picked}");
    assert_eq!(device["unranked"], json!(["yolo:3"]), "it never ran where the baseline did");
    let new = row(&device["candidates"], "id", "yolo:2");
    assert!(new["values"][0]["value"].as_f64().is_some_and(|v| (v - 0.855).abs() < 1e-9), "{new}");
    assert!(
        new["values"][0]["sites"] == 2 && new["values"][0]["half_width_95"].as_f64().is_some_and(|w| w > 0.0),
        "{new}"
    );
    for (query, status, said) in [
        ("best=nope", 400, "nope"),
        ("best=mAP50&baseline=yolo:9", 400, "has no records here"),
        ("best=mAP50&limit=nope%3C%3D1", 400, "nope"),
        ("best=mAP50&customer=nobody", 404, "nobody"),
    ] {
        let answer = site.get(&format!("/api/pick?{query}")).send().await.expect("an answer");
        let (code, body) = (answer.status().as_u16(), answer.text().await.expect("a body"));
        assert!(code == status && body.contains(said), "{query}: {code} {body}");
    }
    let (status, html) = site.page("/compare/pick?limit=inference_time_ms%3C%3D30&baseline=yolo:1").await;
    assert!(status == 200 && html.contains("On orin, beside yolo 1") && html.contains("Not ranked"), "{status} {html}");
    let ran = folder
        .run(&[
            "pick",
            "--best",
            "mAP50",
            "--max",
            "inference_time_ms=30",
            "--max-drop",
            "mAP50=0.01",
            "--baseline",
            "yolo:1",
        ])
        .fine();
    assert!(ran.stdout.contains("On orin, beside yolo 1") && ran.stdout.contains("→"), "{}", ran.stdout);
    let wrong = folder.run(&["pick", "--best", "mAP50", "--max", "inference_time_ms"]);
    assert!(wrong.code == Some(2) && wrong.stderr.contains("METRIC=NUMBER"), "{wrong:?}");
}
