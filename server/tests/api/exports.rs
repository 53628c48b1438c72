//! Files behind pages: CSV of each table and the drawing of a trend.

use serde_json::json;

use crate::{
    fleet::{self, SHADOWED, SLOTS, Site},
    process::{Folder, Served},
};

/// Head and rows of a CSV without quoted line ends.
async fn csv(served: &Served, path: &str) -> (Vec<String>, Vec<String>) {
    let answer = served.get(path).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8", "{path}");
    let disposition = answer.headers()["content-disposition"].to_str().unwrap();
    assert!(
        disposition.starts_with("attachment; filename=\"") && disposition.ends_with(".csv\""),
        "{path}: {disposition}"
    );
    let text = answer.text().await.expect("UTF-8");
    assert!(text.ends_with("\r\n"), "{path}: RFC 4180 ends lines with CR LF");
    let mut lines = text.split_terminator("\r\n").map(str::to_owned);
    let head = lines.next().expect("a head").split(',').map(str::to_owned).collect();
    (head, lines.collect())
}

#[tokio::test]
async fn every_table_can_be_taken_along_as_csv() {
    let site = Site::start(&[]).await;
    let (head, rows) = csv(&site.served, "/export/children.csv?customer=acme").await;
    assert_eq!(head[..5], ["customer", "site", "zone", "state", "newest"]);
    assert!(
        rows.iter().any(|r| r.starts_with("acme,seoul-01,,ok,")) && rows.iter().any(|r| r.starts_with("acme,busan-2,"))
    );
    let (head, rows) = csv(&site.served, "/export/metrics.csv?customer=acme&site=busan-2").await;
    assert_eq!(head[0], "metric");
    let n = head.iter().position(|h| h == "n").expect("a column n");
    let map = rows.iter().find(|r| r.starts_with("mAP50,")).expect("a row");
    assert_eq!(map.split(',').nth(n), Some("144"), "{map}");
    let (head, rows) = csv(&site.served, "/export/models.csv?type=all").await;
    assert_eq!(head[..2], ["architecture", "version"]);
    let records = head.iter().position(|h| h == "records").expect("a column");
    let shadow = rows.iter().find(|r| r.starts_with("yolov8m,1.2.0,")).expect("the challenger");
    assert_eq!(shadow.split(',').nth(records), Some(&*SHADOWED.to_string()));
    let (head, rows) = csv(&site.served, "/export/trend.csv?metric=mAP50&customer=acme&days=5&step=1h").await;
    assert_eq!(head, ["t", "value", "n", "min", "max", "p50", "p95"]);
    let n: i64 = rows.iter().map(|r| r.split(',').nth(2).unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(n, 3 * SLOTS);
    let (_, rows) = csv(&site.served, "/export/sources.csv").await;
    assert!(rows.len() == 1 && rows[0].contains("fleet.jsonl") && rows[0].contains(",624,0,0,0,"), "{rows:?}");
    let (head, rows) = csv(&site.served, "/export/volume.csv").await;
    assert_eq!(head, ["day", "records"]);
    let all: usize = rows.iter().map(|r| r.split_once(',').unwrap().1.parse::<usize>().unwrap()).sum();
    assert_eq!(all, site.fleet.records.len());
}

#[tokio::test]
async fn a_trend_can_be_taken_along_as_a_drawing() {
    let site = Site::start(&[]).await;
    let answer = site.served.get("/export/trend.svg?metric=mAP50&customer=acme").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (200, &"image/svg+xml".parse().unwrap()));
    let svg = answer.text().await.unwrap();
    assert!(
        svg.starts_with("<svg")
            && svg.contains("xmlns=")
            && svg.contains("<path")
            && svg.trim_end().ends_with("</svg>")
    );
    assert!(!svg.contains("<script") && !svg.contains("var(--"), "a file stands on its own");
}

#[tokio::test]
async fn a_name_that_a_spreadsheet_would_run_is_made_text() {
    let folder = Folder::new();
    let records: Vec<_> = ["=1+2", "+cmd", "-2+3", "@sum", "a,\"b\""]
        .iter()
        .map(|c| fleet::one(fleet::now() - 60_000, json!({"customer": c})))
        .collect();
    let path = folder.write("x.jsonl", fleet::jsonl(&records));
    assert_eq!(folder.ingest(&[&path]).fine().json()["taken"], 5);
    let served = Served::start(&folder, &[]).await;
    let (_, rows) = csv(&served, "/export/children.csv").await;
    for begin in ["\"'=1+2\",", "\"'+cmd\",", "\"'-2+3\",", "\"'@sum\",", "\"a,\"\"b\"\"\","] {
        assert!(rows.iter().any(|r| r.starts_with(begin)), "{begin}: {rows:?}");
    }
}
