//! Models side by side from outside: who is better in every zone leads on the page, in its files and in its pictures,
//! however the samples lie.

use serde_json::json;

use crate::{
    fleet,
    process::{Folder, Served},
};

/// B is better in both zones, and ran mostly in the hard one (Simpson's paradox).
async fn paradox() -> (Folder, Served) {
    let at = fleet::now() - 60_000;
    let ran = |model: &str, zone: &str, x: f64, samples: u32| {
        let more = json!({"model_architecture": model, "model_version": "1", "zone": zone, "samples": samples,
                          "detection": {"mAP50": x, "recall": x - 0.1}});
        fleet::one(at, more)
    };
    let records = [
        ran("a", "easy", 0.90, 90),
        ran("a", "hard", 0.50, 10),
        ran("b", "easy", 0.92, 10),
        ran("b", "hard", 0.52, 90),
    ];
    let folder = Folder::new();
    let path = folder.write("in/paradox.jsonl", fleet::jsonl(&records));
    assert_eq!(folder.ingest(&[&path]).fine().json()["taken"], 4);
    let served = Served::start(&folder, &[]).await;
    (folder, served)
}

const ASKED: &str = "models=a:1,b:1&baseline=a:1&days=1";

/// The line of B in mAP50, by column.
async fn line(served: &Served, path: &str) -> impl Fn(&str) -> String + use<> {
    let (code, text) = served.page(path).await;
    assert_eq!(code, 200, "{path}: {text}");
    let rows: Vec<Vec<String>> = text.lines().map(|l| l.split(',').map(str::to_owned).collect()).collect();
    let at = |name: &str| rows[0].iter().position(|h| h == name);
    let is = |r: &&Vec<String>| {
        at("architecture").is_some_and(|i| r[i] == "b") && at("metric").is_some_and(|i| r[i] == "mAP50")
    };
    let found = rows[1..].iter().find(is).unwrap_or_else(|| panic!("{path}: {text}")).clone();
    let head = rows[0].clone();
    move |name| head.iter().position(|h| h == name).map(|i| found[i].clone()).unwrap_or_else(|| panic!("no {name}"))
}

#[tokio::test]
async fn the_file_says_that_the_winner_of_every_zone_wins() {
    let (_folder, served) = paradox().await;
    let b = line(&served, &format!("/export/compare.csv?{ASKED}")).await;
    let number = |name: &str| b(name).parse::<f64>().unwrap_or_else(|_| panic!("{name}: {}", b(name)));
    let near = |name: &str, x: f64| assert!((number(name) - x).abs() < 1e-12, "{name}: {}", number(name));
    near("delta_same_places", 0.02);
    near("value_same_places", 0.72);
    near("baseline_same_places", 0.70);
    near("delta_everywhere", -0.30);
    near("where_they_ran", -0.32);
    near("value", 0.56);
    assert_eq!(number("value_same_places") - number("baseline_same_places"), number("delta_same_places"));
    assert_eq!(
        (b("shared_zones"), b("zones_other_days"), b("zones_other_devices")),
        ("2".into(), "0".into(), "0".into())
    );
}

#[tokio::test]
async fn the_winner_of_a_site_wins_in_its_zones_or_everywhere_by_value() {
    let (_folder, served) = paradox().await;
    let same = line(&served, &format!("/export/compare_sites.csv?{ASKED}")).await;
    assert!((same("delta").parse::<f64>().expect("a number") - 0.02).abs() < 1e-12, "{}", same("delta"));
    assert_eq!((same("best"), same("shared_zones")), ("true".into(), "2".into()));
    let all = line(&served, &format!("/export/compare_sites.csv?{ASKED}&places=all")).await;
    assert!((all("delta").parse::<f64>().expect("a number") + 0.30).abs() < 1e-12, "{}", all("delta"));
    assert_eq!(all("best"), "false");
}

#[tokio::test]
async fn the_page_says_what_the_file_says_and_that_the_rest_is_where_they_ran() {
    let (_folder, served) = paradox().await;
    let says = async |query: &str, sentences: &[&str]| {
        let (code, html) = served.page(&format!("/compare?{ASKED}{query}")).await;
        assert_eq!(code, 200);
        for s in sentences {
            assert!(html.contains(s), "{query}: {s}\n{html}");
        }
    };
    let explained =
        "b 1: ↑0.020 at the 2 zones where both ran, ↓0.300 everywhere. The rest (↓0.320) is where they ran.";
    let cell = ["same places 0.720, baseline 0.700", "where they ran ↓0.320"];
    // Two zones are too few to tell it from noise.
    let found = "b 1 against a 1: mAP50 ↑0.020 too few to tell, at 2 zones where both ran";
    says("", &[found, explained, cell[0], cell[1], "b 1 leads at 1 of 1"]).await;
    let found = "b 1 against a 1: mAP50 ↓0.300 not judged, over all places of either";
    says("&places=all", &[found, explained, "a 1 leads at 1 of 1"]).await;
    let korean =
        served.get(&format!("/compare?{ASKED}")).header("Accept-Language", "ko").send().await.expect("an answer");
    let html = korean.text().await.expect("text");
    assert!(html.contains("나머지(↓0.320)는 실행된 장소의 차이입니다"), "{html}");
}

/// How far down the lines of a picture are at its first axis.
fn heights(svg: &str) -> Vec<f64> {
    svg.split(" d=\"M0.0 ").skip(1).filter_map(|d| d.split(['L', '"']).next()?.parse().ok()).collect()
}

#[tokio::test]
async fn the_picture_of_all_metrics_follows_the_same_rule() {
    let (_folder, served) = paradox().await;
    for (places, b_is_above) in [("", true), ("&places=all", false)] {
        let (code, svg) = served.page(&format!("/export/compare.svg?picture=parallel&{ASKED}{places}")).await;
        assert_eq!(code, 200, "{svg}");
        let at = heights(&svg);
        assert_eq!((at.len(), at[1] < at[0]), (2, b_is_above), "{places}: {at:?} of {svg}");
    }
}
