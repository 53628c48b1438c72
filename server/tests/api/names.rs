//! A runner that makes up names of metrics: pages stay what they are, and nothing is lost.

use serde_json::{Map, Value, json};

use crate::{
    fleet::{now, rfc},
    process::{Folder, Served, run},
};

/// Records of two customers and two models, each with five of `names` metrics, all of which are named.
fn records(names: usize) -> String {
    let record = |i: usize| {
        let custom: Map<String, Value> =
            (0..5).map(|k| (format!("made_up_{:04}", (i * 5 + k) % names), json!(i % 7))).collect();
        json!({
            "timestamp": rfc(now() - 60_000 * (1 + i as i64)), "customer": if i < 400 { "acme" } else { "apex" }, "site": "s",
            "zone": format!("z{}", i % 3), "task": "detection", "model_architecture": if i.is_multiple_of(2) { "a" } else { "b" },
            "model_version": "1", "detection": {"mAP50": 0.5}, "system": {"fps": 30}, "custom": custom,
        })
    };
    (0..800).map(|i| format!("{}\n", record(i))).collect()
}

async fn site(names: usize, env: &[(&str, &str)]) -> (Folder, Served) {
    let folder = Folder::new();
    let path = folder.write("in/records.jsonl", records(names));
    let data = folder.data().display().to_string();
    let cap = env.first().map_or("1000", |e| e.1);
    let taken = run(&["ingest", "--json", "--data", &data, "--metric-names", cap, &path]).fine().json();
    assert_eq!(taken["taken"], 800, "{taken}");
    let served = Served::start(&folder, env).await;
    (folder, served)
}

async fn text(served: &Served, path: &str) -> String {
    let (status, text) = served.page(path).await;
    assert_eq!(status, 200, "{path}: {text}");
    text
}

#[tokio::test]
async fn pages_with_two_thousand_metrics_weigh_what_they_weigh_with_five() {
    let (_many_data, many) = site(2_000, &[("GF_METRIC_NAMES", "4000")]).await;
    let (_few_data, few) = site(5, &[]).await;
    for path in ["/", "/customers/acme", "/compare", "/trends"] {
        let (many, few) = (text(&many, path).await.len(), text(&few, path).await.len());
        assert!(2 * many <= 3 * few, "{path}: {many} bytes beside {few}");
    }
    // The rest is a page further, and all of it in the file.
    let first = text(&many, "/").await;
    assert!(first.contains("made_up_0000") && !first.contains("made_up_0030"));
    let second = text(&many, "/?metrics_page=2").await;
    assert!(second.contains("made_up_0030") && second.contains("metrics_page=3"));
    assert!(text(&many, "/compare?metrics_page=2").await.contains("made_up_0030"));
    assert_eq!(many.page("/?metrics_page=900").await.0, 404);
    assert_eq!(many.page("/?metrics_page=x").await.0, 400);
    let file = many.get("/export/metrics.csv?metrics_page=2").send().await.unwrap().text().await.unwrap();
    assert_eq!(file.lines().count(), 1 + 2 + 2_000);
    let file = many.get("/export/compare.csv").send().await.unwrap().text().await.unwrap();
    assert_eq!(file.lines().filter(|l| l.contains("made_up_1999")).count(), 1, "{}", file.lines().count());
    // No list of two thousand to choose from: a field, with proposals.
    for path in ["/trends", "/trends?metric=made_up_1999", "/compare?metric=made_up_1999"] {
        let page = text(&many, path).await;
        assert!(page.contains("<input name=\"metric\"") && page.matches("<option").count() < 80, "{path}");
    }
    assert!(!text(&few, "/trends").await.contains("<input name=\"metric\""));
}

#[tokio::test]
async fn a_metric_beyond_the_cap_stays_in_its_records_and_is_named() {
    let env = [("GF_METRIC_NAMES", "10")];
    let (folder, served) = site(30, &env).await;
    let keys = async |served: &Served| -> Vec<String> {
        let summary = served.json("/api/metrics/summary?days=30").await;
        summary["metrics"].as_array().unwrap().iter().map(|m| m["metric"].as_str().unwrap().to_owned()).collect()
    };
    let known: Vec<String> =
        ["mAP50", "fps"].map(String::from).into_iter().chain((0..10).map(|i| format!("made_up_{i:04}"))).collect();
    assert_eq!(keys(&served).await, known, "first come, first served");
    let late = "made_up_0025";
    let page = text(&served, "/").await;
    assert!(page.contains("made_up_0009") && !page.contains(late));
    let (status, refused) = served.page(&format!("/trends?metric={late}")).await;
    assert!(status == 400 && refused.contains("came after the limit of 10 metrics"), "{status}: {refused}");
    let beyond = served.json("/api/metrics/catalogue").await["beyond_limit"].take();
    assert_eq!(
        (&beyond["limit"], beyond["names"].as_array().map(Vec::len), &beyond["more"]),
        (&10.into(), Some(20), &false.into())
    );
    let sources = text(&served, "/sources").await;
    assert!(sources.contains("custom.made_up_0010") && sources.contains("GF_METRIC_NAMES") && sources.contains("20"));
    assert!(text(&served, &format!("/records?metric=custom.{late}&days=30")).await.contains(late));
    let rows = served.json(&format!("/api/metrics/records?metric={late}&days=30")).await;
    assert!(rows["total"].as_u64() > Some(100) && rows["rows"][0]["values"][0].is_number(), "{rows}");
    let out = folder.path("out.parquet");
    let out = out.to_str().unwrap();
    let data = folder.data().display().to_string();
    run(&["metrics", "export", "--data", &data, "--out", out, "--from", "now-30d"]).fine();
    let bytes = std::fs::read(out).unwrap();
    assert!(!bytes.is_empty());
    // Nothing of the choice hangs on the process.
    served.stop();
    let again = Served::start(&folder, &env).await;
    assert_eq!(keys(&again).await, known);
    let more = Served::start(&folder, &[("GF_METRIC_NAMES", "26")]).await;
    assert!(keys(&more).await.contains(&late.to_owned()));
    assert!(!text(&again, "/sources").await.contains("custom.made_up_0009"));
}
