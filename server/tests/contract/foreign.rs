//! The lake on disk is an open format: DuckDB and pyarrow read the files as they stand, and get our numbers.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::support::{Asked, LakeDir, arrivals, ask, at, june, metric, near, scope, source, take};
use domain::ports::{RecordSink, RefusedCounts};

/// Reads the lake with every engine that is there and prints one JSON object an engine.
const READ: &str = r#"
import glob, json, sys
pattern = sys.argv[1] + "/lake/day=*/*.parquet"
engines = 0
try:
    import duckdb
except ImportError:
    duckdb = None
if duckdb:
    engines += 1
    rows = f"read_parquet('{pattern}', hive_partitioning = true)"
    # fetchall, since a relation of DuckDB 2 has no fetchone.
    [(n, mean, newest, days)] = duckdb.sql(
        f"select count(*), sum(detection_map50 * coalesce(samples, 1)) / sum(coalesce(samples, 1)) "
        f"filter (where detection_map50 is not null), max(epoch_ms(timestamp)), count(distinct day) from {rows}").fetchall()
    [(mse,)] = duckdb.sql(f"select sum(metrics['custom.mse']) from {rows}").fetchall()
    [(extra,)] = duckdb.sql(f"select extra from {rows} where extra is not null").fetchall()
    names = {c: str(t) for c, t, *_ in duckdb.sql(f"describe select * from {rows}").fetchall()}
    print(json.dumps({"engine": "duckdb", "n": n, "mean": mean, "newest": newest, "days": days, "mse": mse, "extra": extra,
        "place": duckdb.sql(f"select distinct customer from {rows} where site is null").fetchall()[0][0],
        "timestamp": names["timestamp"], "columns": [c for c in names if c != "day"]}))
try:
    import pyarrow as pa, pyarrow.compute as pc, pyarrow.dataset as ds
except ImportError:
    pa = None
if pa:
    engines += 1
    t = ds.dataset(sys.argv[1] + "/lake", format="parquet", partitioning="hive").to_table()
    w = pc.fill_null(t["samples"], 1.0)
    have = pc.is_valid(t["detection_map50"])
    mean = pc.sum(pc.multiply(t["detection_map50"], w)).as_py() / pc.sum(pc.if_else(have, w, 0.0)).as_py()
    newest = pc.max(t["timestamp"].cast(pa.int64())).as_py()
    mse = sum(v for m in t["metrics"].to_pylist() if m for k, v in m if k == "custom.mse")
    print(json.dumps({"engine": "pyarrow", "n": t.num_rows, "mean": mean, "newest": newest, "mse": mse,
        "days": len(set(t["day"].to_pylist())), "extra": [e for e in t["extra"].to_pylist() if e][0],
        "place": [r["customer"] for r in t.select(["customer", "site"]).to_pylist() if r["site"] is None][0],
        "timestamp": str(t.schema.field("timestamp").type), "columns": [c for c in t.column_names if c != "day"]}))
if not engines:
    sys.exit(3)
"#;

/// Writes a table as `data/gen_metrics.py` does: its columns, dictionaries, no Arrow schema; and one column of its own.
const WRITE: &str = r#"
import sys
try:
    import pyarrow as pa, pyarrow.parquet as pq
except ImportError:
    sys.exit(3)
d = lambda v: pa.array(v, pa.string()).dictionary_encode()
pq.write_table(pa.table({
    "timestamp": pa.array([1782813600000, 1782813600001], pa.timestamp("ms", tz="UTC")),
    "run_id": d(["r1", None]), "customer": d(["acme", "부산"]), "site": d(["s1", None]), "zone": d(["z1", None]),
    "task": d(["detection", "detection"]), "detection_map50": pa.array([0.30000000000000004, None], pa.float64()),
    "system_fps": pa.array([None, 54.3], pa.float64()), "samples": pa.array([7.0, None], pa.float64()),
    "operator": pa.array(["kim", None]),
}), sys.argv[1], compression="zstd", store_schema=False)
"#;

const LINES: [&str; 2] = [
    r#"{"timestamp":"2026-06-30T10:00:00Z","run_id":"r1","customer":"acme","site":"s1","zone":"z1","task":"detection","detection":{"mAP50":0.30000000000000004},"samples":7,"operator":"kim"}"#,
    r#"{"timestamp":"2026-06-30T10:00:00.001Z","customer":"부산","task":"detection","system":{"fps":54.3}}"#,
];

/// Runs a script and returns what it printed.
pub fn python(script: &str, argument: &Path) -> String {
    let python = std::env::var("GF_PYTHON").unwrap_or_else(|_| "python3".into());
    let no_engine = "needs a Python with duckdb or pyarrow: run scripts/setup, or point GF_PYTHON at one";
    let done = Command::new(&python).args(["-c", script]).arg(argument).output();
    let done = done.unwrap_or_else(|e| panic!("this test {no_engine} ({python} does not start: {e})"));
    assert!(done.status.code() != Some(3), "this test {no_engine} ({python} has neither)");
    assert!(done.status.success(), "{python} failed:\n{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text")
}

#[tokio::test]
async fn duckdb_and_pyarrow_read_the_lake_as_it_stands() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    for day in 27..=30 {
        let rows = (0..50).map(|i| {
            json!({"timestamp": format!("2026-06-{day}T10:00:{i:02}.{day:03}Z"), "zone": format!("z{}", i % 3), "samples": i + 1,
                   "detection": if i % 5 == 0 { json!(null) } else { json!({"mAP50": f64::from(i) / 100.0}) },
                   "system": {"fps": i}})
        });
        take(&lake, rows).await;
        // Corrections and merging leave no trace for whoever reads the folder.
        take(&lake, [json!({"timestamp": format!("2026-06-{day}T10:00:01.{day:03}Z"), "samples": 2, "detection": {"mAP50": 1.0}})]).await;
    }
    take(
        &lake,
        [json!({"customer": "부산", "site": null, "zone": null, "custom": {"mse": 0.25}, "memo": {"by": "kim"}})],
    )
    .await;
    let s = lake.summary(&ask(&scope("", "all"), june())).await.unwrap();
    let ours = metric(&s.metrics, "mAP50");
    let printed = python(READ, dir.path());
    let engines: Vec<Value> = printed.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert!(!engines.is_empty());
    for e in engines {
        assert_eq!((e["n"].as_u64(), e["days"].as_u64()), (Some(lake.directory().records), Some(4)), "{e}");
        assert!(near(e["mean"].as_f64().unwrap(), ours.value.unwrap()), "{e} against {ours:?}");
        assert_eq!(e["newest"].as_i64(), Some(at("2026-06-30T11:00:00Z").0), "{e}");
        assert_eq!(
            (e["mse"].as_f64(), &e["extra"], &e["place"]),
            (Some(0.25), &json!(r#"{"memo":{"by":"kim"}}"#), &json!("부산"))
        );
        let time = e["timestamp"].as_str().unwrap();
        assert!(time == "TIMESTAMP WITH TIME ZONE" || time == "timestamp[ms, tz=UTC]", "{time}");
        let columns: Vec<&str> = e["columns"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for wanted in [
            "run_id",
            "detection_map50_95",
            "system_inference_time_ms",
            "comparison_compression_ratio",
            "metrics",
            "extra",
        ] {
            assert!(columns.contains(&wanted), "no {wanted} in {columns:?}");
        }
    }
}

#[tokio::test]
async fn a_parquet_file_of_pyarrow_says_the_same_as_the_lines_it_stands_for() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let file = dir.path().join("foreign.parquet");
    python(WRITE, &file);
    let lines = LINES
        .iter()
        .map(|l| domain::record::Record::parse_line(l.as_bytes(), at(crate::support::NOW)).unwrap())
        .collect();
    let none = RefusedCounts::new();
    assert_eq!(lake.append(&source("lines"), arrivals(lines), &none).await.unwrap().taken, 2);
    let again = lake.append(&source("table"), arrivals(crate::support::read_back(&file)), &none).await.unwrap();
    assert_eq!((again.taken, again.duplicate, again.corrected), (0, 2, 0));
}
