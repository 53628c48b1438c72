//! What programs and pages ask beyond the first three questions: the rows behind a number, models side by side, names.

use serde_json::Value;

use crate::fleet::{SHADOWED, SLOTS, Site};

async fn json(site: &Site, path: &str) -> Value {
    let answer = site.served.get(path).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.expect("JSON")
}

async fn status(site: &Site, path: &str) -> (u16, String) {
    let answer = site.served.get(path).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

async fn csv(site: &Site, path: &str) -> Vec<Vec<String>> {
    let answer = site.served.get(path).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    let text = answer.text().await.expect("UTF-8");
    text.lines().map(|l| l.split(',').map(str::to_owned).collect()).collect()
}

fn column(rows: &[Vec<String>], name: &str) -> usize {
    rows[0].iter().position(|h| h == name).unwrap_or_else(|| panic!("no column {name} in {:?}", rows[0]))
}

#[tokio::test]
async fn the_rows_behind_a_point_are_as_many_as_its_n() {
    let site = Site::start(&[]).await;
    let trend = json(&site, "/api/metrics/trend?metric=mAP50&customer=acme&days=5&step=6h").await;
    let point = &trend["points"][1];
    let from = point["t"].as_str().expect("a time");
    let range = format!("from={from}&to={}", &trend["points"][2]["t"].as_str().expect("a time"));
    let rows = json(&site, &format!("/api/metrics/records?metric=mAP50&customer=acme&type=production&{range}")).await;
    assert_eq!(rows["total"], point["n"]);
    let first = &rows["rows"][0];
    assert!(first["source"].as_str().is_some_and(|s| s.ends_with("fleet.jsonl")), "{first}");
    assert!(first["line"].as_i64().is_some_and(|l| l > 0) && first["received_at"].is_string());
    let file = csv(&site, &format!("/export/records.csv?metric=mAP50&customer=acme&{range}")).await;
    assert_eq!(file.len() as u64 - 1, point["n"].as_u64().expect("a count"));
    assert!(file[0].contains(&"received_at".to_owned()) && file[0].contains(&"simulated".to_owned()));
}

#[tokio::test]
async fn a_file_of_rows_is_not_cut_to_a_page() {
    let site = Site::start(&[]).await;
    let rows = csv(&site, "/export/records.csv?customer=acme&days=30&page=2").await;
    let total = json(&site, "/api/metrics/records?customer=acme&days=30&type=production").await["total"].clone();
    assert_eq!(rows.len() as u64 - 1, total.as_u64().expect("a count"));
    assert!(total.as_i64().expect("a count") >= 3 * SLOTS);
}

#[tokio::test]
async fn models_side_by_side_are_files_too() {
    let site = Site::start(&[]).await;
    let rows = csv(&site, "/export/compare.csv?days=30").await;
    let (architecture, version, base) =
        (column(&rows, "architecture"), column(&rows, "version"), column(&rows, "baseline"));
    let (records, metric, same) =
        (column(&rows, "records"), column(&rows, "metric"), column(&rows, "delta_same_places"));
    let of = |model: (&str, &str)| {
        let is = |r: &&Vec<String>| r[architecture] == model.0 && r[version] == model.1 && r[metric] == "mAP50";
        rows.iter().find(is).unwrap_or_else(|| panic!("no {model:?}"))
    };
    let challenger = of(("yolov8m", "1.2.0"));
    assert_eq!((&*challenger[records], &*challenger[base]), (&*SHADOWED.to_string(), "false"));
    assert!(challenger[same].parse::<f64>().is_ok(), "a challenger in shadow ran where the champion ran");
    let bases: Vec<_> = rows[1..].iter().filter(|r| r[base] == "true").collect();
    assert!(!bases.is_empty() && bases.iter().all(|r| r[same].parse::<f64>() == Ok(0.0)));
    let turned = csv(&site, "/export/compare.csv?days=30&baseline=yolov8m:1.2.0").await;
    assert!(turned[1..].iter().filter(|r| r[base] == "true").all(|r| r[version] == "1.2.0"));
    let sites = csv(&site, "/export/compare_sites.csv?days=30").await;
    let best = column(&sites, "best");
    assert!(sites[1..].iter().any(|r| r[best] == "true"));
}

#[tokio::test]
async fn questions_about_models_that_cannot_be_answered_say_why() {
    let site = Site::start(&[]).await;
    for (path, code, why) in [
        ("/compare?baseline=nobody:1", 404, "no record names the model"),
        ("/compare?places=some", 400, "places is same or all"),
        ("/compare?by=colour", 400, "by is version or architecture"),
        ("/compare?diff=yes", 400, "diff is 1 or 0"),
        ("/compare?metric=nothing", 400, "no metric is called"),
        ("/compare?models=yolov8m:1.1.0,a,b,c,d,e,f,g,h", 404, "no record names the model"),
        ("/trends?compare=decade", 400, "compare is previous, week or year"),
        ("/?refresh=1ms", 400, "refresh is one of"),
        ("/?kiosk=please", 400, "kiosk is 1 or 0"),
        ("/records?page=999", 404, "there is no page 999"),
        ("/records?metric=nothing", 400, "no metric is called"),
        ("/records?page=90000", 400, "narrow the range"),
    ] {
        let (found, text) = status(&site, path).await;
        assert_eq!(found, code, "{path}");
        assert!(text.contains(why), "{path}: {why}");
    }
}

#[tokio::test]
async fn an_earlier_period_stands_beside_in_files() {
    let site = Site::start(&[]).await;
    let plain = csv(&site, "/export/trend.csv?metric=mAP50&customer=acme&days=2&step=1h").await;
    let beside = csv(&site, "/export/trend.csv?metric=mAP50&customer=acme&days=2&step=1h&compare=previous").await;
    assert_eq!(plain[0].len() + 1, beside[0].len());
    let earlier = column(&beside, "earlier_value");
    assert!(beside[1..].iter().any(|r| r[earlier].parse::<f64>().is_ok()));
    let (code, svg) = status(&site, "/export/trend.svg?metric=mAP50&customer=acme&days=2&compare=previous").await;
    assert!(code == 200 && svg.contains("stroke-dasharray=\"4 3\""));
}

#[tokio::test]
async fn everything_that_has_a_name_can_be_found() {
    let site = Site::start(&[]).await;
    let list = json(&site, "/api/palette").await;
    let entries = list["entries"].as_array().expect("entries");
    let find = |kind: &str, label: &str| {
        entries.iter().find(|e| e["kind"] == kind && e["label"] == label).unwrap_or_else(|| panic!("no {kind} {label}"))
    };
    let acme = list["places"].as_array().expect("places").iter().find(|c| c[0] == "acme").expect("a customer");
    let sites = acme[1].as_array().expect("sites");
    assert!(sites.iter().any(|s| s[0] == "busan-2"), "{acme}");
    assert_eq!(find("page", "Trends")["key"], "t");
    let korean = json(&site, "/api/palette?lang=ko").await;
    assert!(korean["entries"].as_array().expect("entries").iter().any(|e| e["label"] == "추세"));
    for href in entries.iter().filter_map(|e| e["href"].as_str()) {
        let (code, _) = status(&site, href).await;
        assert_eq!(code, 200, "{href}");
    }
}
