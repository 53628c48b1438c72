//! What is exported can be ingested again, with everything that nobody knows, and is then nothing new.

use domain::{
    ErrorKind,
    ports::{AppendCounts, RefusedCounts},
    record::Record,
};
use serde_json::json;

use crate::support::{
    Adapter, Exports, arrivals, at, fleet, june, local_lake, range, read_back, record, scope, source,
};

suite!([on_the_lake = crate::support::local_lake, on_postgres = crate::support::lake_on_postgres] [
    an_export_ingested_again_is_all_duplicates,
    an_export_is_the_same_records_elsewhere,
    numbers_of_many_digits_survive_an_export,
    an_export_holds_scope_and_range_and_nothing_else,
    an_export_of_nothing_is_a_file_without_rows,
    an_export_that_cannot_be_written_names_the_file,
]);

async fn varied(a: &Adapter) -> u64 {
    let rows = vec![
        json!({"detection": {"mAP50": 0.81, "mAP50_95": 0.55, "mAP75": 0.6, "classes": ["car", "bus"]}, "samples": 12.5}),
        json!({"timestamp": "2026-06-29T23:59:59.999Z", "site": null, "zone": null, "custom": {"mse": 0.03, "한글": -1e-9}}),
        json!({"zone": null, "simulated": true, "mot": {"mota": -0.5}, "nested": {"deep": [{"x": null}, 1, "two"]}}),
        json!({"experiment_name": "e", "run_name": "n", "experiment_type": "candidate", "experiment_design": "d",
               "model_architecture": "yolo", "model_version": "1", "device": "orin", "registered_model": "m",
               "registered_version": "7", "system": {"fps": 54.3, "note": "hot"}, "flag": true, "big": 18_446_744_073_709_551_615u64}),
        json!({"run_id": null, "text": "quotes \" and 부산", "comparison": {"accuracy_drop": -0.1}, "train": {"loss": 3}}),
    ];
    let n = rows.len() as u64;
    assert_eq!(a.take(rows).await.taken, n);
    n
}

async fn ingest(a: &Adapter, records: Vec<Record>) -> AppendCounts {
    a.sink.append(&source("again"), arrivals(records), &RefusedCounts::new()).await.unwrap()
}

async fn an_export_ingested_again_is_all_duplicates(a: &Adapter) {
    let n = varied(a).await;
    let file = a.folder.join("export.parquet");
    assert_eq!(a.metrics.export_to(&scope("", "all"), june(), &file).await.unwrap(), n);
    assert_eq!(ingest(a, read_back(&file)).await, AppendCounts { taken: 0, duplicate: n, corrected: 0, withdrawn: 0 });
}

async fn an_export_is_the_same_records_elsewhere(a: &Adapter) {
    let n = varied(a).await;
    let (one, two) = (a.folder.join("one.parquet"), a.folder.join("two.parquet"));
    a.metrics.export_to(&scope("", "all"), june(), &one).await.unwrap();
    let other = local_lake().await;
    assert_eq!(ingest(&other, read_back(&one)).await.taken, n);
    other.metrics.export_to(&scope("", "all"), june(), &two).await.unwrap();
    let sorted = |path| {
        let mut all: Vec<String> = read_back(path).iter().map(|r| format!("{r:?}")).collect();
        all.sort();
        all
    };
    assert_eq!(sorted(&one), sorted(&two));
    assert!(sorted(&one).iter().any(|r| r.contains("custom.한글")), "metrics outside of the catalogue are kept");
}

async fn numbers_of_many_digits_survive_an_export(a: &Adapter) {
    // Numbers whose shortest text has 16 or 17 digits: a reader of JSON that is off by the last bit turns them into others.
    let now = at(crate::support::NOW);
    let mut x = 0.1f64;
    let lines: Vec<String> = (0..200)
        .map(|i| {
            x = (x * 997.013 + 0.123_456_789).fract();
            format!(
                r#"{{"timestamp":"2026-06-30T11:00:00Z","customer":"a","task":"t","run_id":"{i}","detection":{{"mAP50":{x:?}}},"odd":{:?}}}"#,
                x * 1e5
            )
        })
        .collect();
    let records: Vec<Record> = lines.iter().map(|l| Record::parse_line(l.as_bytes(), now).unwrap()).collect();
    assert_eq!(ingest(a, records).await.taken, 200);
    let file = a.folder.join("export.parquet");
    a.metrics.export_to(&scope("", "all"), june(), &file).await.unwrap();
    let again = ingest(a, read_back(&file)).await;
    assert_eq!(again, AppendCounts { taken: 0, duplicate: 200, corrected: 0, withdrawn: 0 });
}

async fn an_export_holds_scope_and_range_and_nothing_else(a: &Adapter) {
    for (zone, day) in [("z1", 28), ("z1", 29), ("z2", 29), ("z1", 30)] {
        a.take([json!({"zone": zone, "timestamp": format!("2026-06-{day}T10:00:00Z"), "detection": {"mAP50": 0.5}})])
            .await;
    }
    let file = a.folder.join("export.parquet");
    let days = range("2026-06-29T10:00:00Z", "2026-06-30T10:00:00Z");
    assert_eq!(a.metrics.export_to(&scope("acme/s1/z1", "production"), days, &file).await.unwrap(), 1);
    let expected = record(json!({"zone": "z1", "timestamp": "2026-06-29T10:00:00Z", "detection": {"mAP50": 0.5}}));
    assert_eq!(read_back(&file), vec![expected]);
}

async fn an_export_of_nothing_is_a_file_without_rows(a: &Adapter) {
    a.take([json!({"detection": {"mAP50": 0.5}})]).await;
    let file = a.folder.join("export.parquet");
    let long_ago = range("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z");
    assert_eq!(a.metrics.export_to(&fleet(), long_ago, &file).await.unwrap(), 0);
    assert_eq!(read_back(&file), vec![]);
}

async fn an_export_that_cannot_be_written_names_the_file(a: &Adapter) {
    a.take([json!({"detection": {"mAP50": 0.5}})]).await;
    let file = a.folder.join("no such folder").join("export.parquet");
    let refused = a.metrics.export_to(&fleet(), june(), &file).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    assert!(refused.message.en.contains("no such folder"), "{refused}");
}
