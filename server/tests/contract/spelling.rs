//! Names in one spelling: what was stored before there was one is brought to it when the lake is opened, and until then it is
//! known again all the same.

use std::sync::{Arc, atomic::AtomicBool};

use domain::{
    ports::{AppendCounts, MetricsStore, ReceivedRecord, RecordSink, RefusedCounts},
    query::{Records, RecordsQuery},
    record::{ORIGINAL_SPELLING_KEY, Record},
};
use lake::Lake;
use serde_json::{Value, json};

use crate::{
    durability::Flaky,
    support::{Asked, LakeDir, arrivals, ask, at, june, metric, read_back, scope, source, take},
};

/// 부산 as one writes it, and as a Mac writes it in the names of files.
const WHOLE: &str = "\u{bd80}\u{c0b0}";
const MAX_CLOCK_DIFFERENCE_MS: &str = "\u{1107}\u{116e}\u{1109}\u{1161}\u{11ab}";

fn row(customer: &str, x: f64, more: Value) -> Value {
    let mut row = json!({"customer": customer, "detection": {"mAP50": x}});
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
        row.extend(more);
    }
    row
}

/// Appends rows as every door does today: with their names in the lake's spelling.
async fn take_spelled(lake: &Lake, rows: impl IntoIterator<Item = Value>) -> AppendCounts {
    let spelled = |fields: Value| {
        let mut whole = json!({"timestamp": "2026-06-30T11:00:00Z", "run_id": "r1", "site": "s1", "zone": "z1", "task": "detection"});
        whole.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Record::parse_line_normalized(whole.to_string().as_bytes(), at(crate::support::NOW), domain::normalization::nfc)
            .unwrap()
    };
    let records: Vec<ReceivedRecord> = arrivals(rows.into_iter().map(spelled).collect());
    lake.append(&source("door.jsonl"), records, &RefusedCounts::new()).await.unwrap()
}

/// The customers that there are, with their records in June.
async fn customers(lake: &Lake) -> Vec<(String, u64)> {
    let s = lake.summary(&ask(&scope("", "all"), june())).await.unwrap();
    let name = |c: &domain::query::ChildSummary| c.scope.customer.as_ref().unwrap().to_string();
    s.children.iter().map(|c| (name(c), metric(&c.metrics, "mAP50").n)).collect()
}

async fn rows(lake: &Lake, customer: &str) -> Records {
    let scope = scope(customer, "all");
    lake.records(&RecordsQuery { scope, model: None, run: None, metric: None, range: june(), skip: 0, take: 100 })
        .await
        .unwrap()
}

fn one(name: &str, n: u64) -> Vec<(String, u64)> {
    vec![(name.to_owned(), n)]
}

#[tokio::test]
async fn rows_stored_in_another_spelling_are_of_the_same_place_once_the_lake_is_opened() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let old = || {
        (0..5).map(|i| {
            row(
                MAX_CLOCK_DIFFERENCE_MS,
                0.1,
                json!({"timestamp": format!("2026-06-2{i}T10:00:00Z"), "note": "as it was"}),
            )
        })
    };
    take(&lake, old()).await;
    take(&lake, [row(WHOLE, 0.2, json!({}))]).await;
    assert_eq!(customers(&lake).await.len(), 2, "as it was stored");
    // The same file again, through a door of today: even before anything was written anew.
    assert_eq!(take_spelled(&lake, old()).await, AppendCounts { taken: 0, duplicate: 5, corrected: 0, withdrawn: 0 });
    drop(lake);
    let lake = dir.open().await;
    assert_eq!(customers(&lake).await, one(WHOLE, 6));
    assert_eq!(rows(&lake, WHOLE).await.total, 6, "and a question finds them all");
    assert_eq!(take_spelled(&lake, old()).await, AppendCounts { taken: 0, duplicate: 5, corrected: 0, withdrawn: 0 });
    // How it was written is kept, and nothing else of the row has changed.
    let stored: Vec<Record> = dir.files(None).iter().flat_map(|f| read_back(f)).collect();
    let extra: Vec<Value> = stored.iter().filter_map(|r| serde_json::from_str(&r.extra()?).ok()).collect();
    assert_eq!(
        extra,
        vec![json!({"note": "as it was", ORIGINAL_SPELLING_KEY: {"customer": MAX_CLOCK_DIFFERENCE_MS}}); 5]
    );
    assert_eq!(dir.superseded(), vec![]);
    // Opening it again has nothing to do.
    let (generation, files) = (lake.generation(), dir.files(None));
    let again = dir.open().await;
    assert_eq!((again.generation(), dir.files(None)), (generation, files));
}

#[tokio::test]
async fn another_spelling_of_the_same_record_is_no_correction() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let more = || json!({"memo": "as it is", "experiment_name": WHOLE});
    assert_eq!(take_spelled(&lake, [row(WHOLE, 0.5, more())]).await.taken, 1);
    let written_apart = json!({"memo": "as it is", "experiment_name": MAX_CLOCK_DIFFERENCE_MS});
    assert_eq!(
        take_spelled(&lake, [row(MAX_CLOCK_DIFFERENCE_MS, 0.5, written_apart)]).await,
        AppendCounts { taken: 0, duplicate: 1, corrected: 0, withdrawn: 0 }
    );
    assert_eq!(take_spelled(&lake, [row(MAX_CLOCK_DIFFERENCE_MS, 0.5, json!({"memo": "other"}))]).await.corrected, 1);
}

#[tokio::test]
async fn rows_that_become_the_same_record_are_one_and_the_last_arrival_counts() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let again = |run: &str| json!({"run_id": run});
    // Equal in all but spelling; then a correction each way round; in one file and across files.
    take(&lake, [row(WHOLE, 0.1, again("a")), row("apart", 0.1, again("a"))]).await;
    take(&lake, [row(WHOLE, 0.2, again("b"))]).await;
    take(&lake, [row("apart", 0.3, again("b")), row("apart", 0.4, again("c"))]).await;
    take(&lake, [row(WHOLE, 0.5, again("c")), row("other", 0.9, again("c"))]).await;
    assert_eq!(lake.directory().records, 7);
    drop(lake);
    rename(&dir, "apart", MAX_CLOCK_DIFFERENCE_MS);
    let lake = dir.open().await;
    assert_eq!(customers(&lake).await, [("other".to_owned(), 1), (WHOLE.to_owned(), 3)]);
    let mut values: Vec<Option<f64>> = rows(&lake, WHOLE).await.rows.iter().map(|r| r.values[0]).collect();
    values.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(values, [Some(0.1), Some(0.3), Some(0.5)]);
    let mut aside: Vec<Option<f64>> = dir.superseded().iter().map(|r| r.built_in()[0]).collect();
    aside.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(aside, [Some(0.2), Some(0.4)], "what they correct is kept, and a duplicate is not");
    assert_eq!(lake.directory().records, 4);
}

#[tokio::test]
async fn names_that_no_index_knows_are_found_at_the_first_opening() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let named = |name: &str| {
        row(
            "acme",
            0.5,
            json!({"device": name, "run_id": name, "model_architecture": "yolo", "registered_model": name}),
        )
    };
    take(&lake, [named(MAX_CLOCK_DIFFERENCE_MS)]).await;
    drop(lake);
    // As a lake of before is: nobody has looked at it.
    dir.store().await.set_value("names_in_nfc", None).await.unwrap();
    let lake = dir.open().await;
    let [stored] = &rows(&lake, "acme").await.rows[..] else { panic!("one row") };
    assert_eq!((stored.device.as_deref(), stored.run_id.as_deref()), (Some(WHOLE), Some(WHOLE)));
    assert_eq!(take_spelled(&lake, [named(MAX_CLOCK_DIFFERENCE_MS)]).await.duplicate, 1);
}

#[tokio::test]
async fn a_metric_keeps_its_room_when_its_name_is_spelled_anew() {
    let dir = LakeDir::new();
    let lake = dir.open().await.with_metric_names(1);
    take(&lake, [row("acme", 0.5, json!({"custom": {MAX_CLOCK_DIFFERENCE_MS: 2.0}}))]).await;
    take(&lake, [row("acme", 0.5, json!({"run_id": "b", "custom": {"late": 1.0}}))]).await;
    drop(lake);
    let lake = dir.open().await.with_metric_names(1);
    let directory = lake.directory();
    assert_eq!(directory.custom.to_vec(), [format!("custom.{WHOLE}")]);
    assert_eq!(directory.beyond.names.to_vec(), ["custom.late"]);
    let s = lake.summary(&ask(&scope("", "all"), june())).await.unwrap();
    assert_eq!(metric(&s.metrics, WHOLE).n, 1);
}

#[tokio::test]
async fn metrics_outside_of_the_catalogue_have_one_name_too() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let named = |name: &str, run: &str| row("acme", 0.5, json!({"run_id": run, "custom": {name: 2.0, "mse": 1.0}}));
    take(&lake, [named(MAX_CLOCK_DIFFERENCE_MS, "a"), named(WHOLE, "b")]).await;
    assert_eq!(lake.directory().custom.len(), 3);
    drop(lake);
    let lake = dir.open().await;
    assert_eq!(lake.directory().custom.to_vec(), ["custom.mse".to_owned(), format!("custom.{WHOLE}")]);
    let s = lake.summary(&ask(&scope("", "all"), june())).await.unwrap();
    assert_eq!((metric(&s.metrics, WHOLE).n, metric(&s.metrics, "mse").n), (2, 2));
    assert_eq!(
        take_spelled(&lake, [named(MAX_CLOCK_DIFFERENCE_MS, "a"), named(MAX_CLOCK_DIFFERENCE_MS, "b")]).await.duplicate,
        2
    );
}

#[tokio::test]
async fn a_lake_whose_names_cannot_be_written_anew_answers_as_before_and_tries_again() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    take(&lake, [row(MAX_CLOCK_DIFFERENCE_MS, 0.1, json!({"run_id": "a"})), row(WHOLE, 0.2, json!({"run_id": "b"}))])
        .await;
    drop(lake);
    let files = dir.files(None);
    let broken = Arc::new(Flaky { inner: dir.store().await, broken: AtomicBool::new(true) });
    let lake = dir.open_on(broken).await;
    assert_eq!((customers(&lake).await.len(), dir.files(None)), (2, files));
    drop(lake);
    assert_eq!(customers(&dir.open().await).await, one(WHOLE, 2));
}

/// Gives names in the lake's files, and in their indexes, other letters: as if an older version had stored them.
const RENAME: &str = r#"
import io, os, sqlite3, sys
try:
    import pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq
except ImportError:
    sys.exit(3)
old, new = OLD, NEW
db = sqlite3.connect(sys.argv[1] + "/guardianflow.db")
for file, name, index in db.execute("SELECT id, path, place_index FROM lake_file").fetchall():
    path = sys.argv[1] + "/lake/" + name
    table = pq.ParquetFile(path).read()
    for column in ["customer", "site", "zone", "model_architecture", "task"]:
        at = table.column_names.index(column)
        table = table.set_column(at, column, pc.replace_substring(table[column].cast(pa.string()), old, new))
    pq.write_table(table, path, compression="zstd", store_schema=False)
    text = pa.CompressedInputStream(pa.BufferReader(index), "zstd").read().decode().replace(old, new)
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as packed:
        packed.write(text.encode())
    index = out.getvalue().to_pybytes()
    db.execute("UPDATE lake_file SET place_index = ?, bytes = ? WHERE id = ?", (index, os.path.getsize(path), file))
db.commit()
"#;

fn rename(dir: &LakeDir, old: &str, new: &str) {
    let text = |t: &str| format!("{t:?}").replace("\\u{", "\\u").replace('}', "");
    crate::foreign::python(&RENAME.replace("OLD", &text(old)).replace("NEW", &text(new)), dir.path());
}

#[tokio::test]
async fn names_stored_with_marks_of_direction_stay_readable() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let name = "gate_1";
    take(&lake, [row(name, 0.5, json!({"site": name, "zone": name, "task": name, "model_architecture": name}))]).await;
    drop(lake);
    rename(&dir, name, "gate\u{200e}-1");
    let lake = dir.open().await;
    let name = "gate\u{200e}-1";
    assert_eq!(customers(&lake).await, one(name, 1));
    let directory = lake.directory();
    assert_eq!((directory.tasks[0].as_str(), directory.models[0].key().as_str()), (name, name));
    let zone = scope(&format!("{name}/{name}/{name}"), "all");
    let s = lake.summary(&ask(&zone, june())).await.unwrap();
    assert_eq!(metric(&s.metrics, "mAP50").n, 1);
    let report =
        domain::query::ComparisonQuery { scope: zone, range: june(), metrics: domain::query::MetricSelection::All };
    let cells = lake.field_report(&report).await.unwrap().cells;
    assert_eq!(cells[0].place.zone.as_ref().map(domain::text::Name::as_str), Some(name));
    // Nothing new may be called so.
    let new = json!({"timestamp": "2026-06-30T11:00:00Z", "customer": name, "task": "detection", "detection": {"mAP50": 0.5}});
    assert_eq!(Record::parse_line(new.to_string().as_bytes(), at(crate::support::NOW)).unwrap_err().code, "bad_name");
}
