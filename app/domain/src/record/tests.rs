//! What is a record, what is refused and why.

use super::*;
use proptest::prelude::*;
use serde_json::json;

const NOW: Millis = Millis(1_782_820_800_000); // 2026-06-30T12:00:00Z

fn base() -> Value {
    json!({"timestamp":"2026-06-30T11:00:00.123Z","customer":"acme","site":"seoul-01","zone":"gate-3","task":"detection",
           "detection":{"mAP50":0.81,"mAP50_95":0.55},"system":{"inference_time_ms":18.4,"gpu_mem_mb":null}})
}

fn with(change: impl FnOnce(&mut Map<String, Value>)) -> Result<Record, Refusal> {
    let Value::Object(mut map) = base() else { unreachable!() };
    change(&mut map);
    Record::parse(map, NOW)
}

fn code(result: Result<Record, Refusal>) -> &'static str {
    result.err().map_or("taken", |r| r.code)
}

#[test]
fn the_documented_record_is_taken_whole() {
    let line = r#"{"timestamp":"2026-06-30T11:00:00.123Z","run_id":"3a2f1d4b5c6e7f8a","experiment_name":"detection-w25",
 "run_name":"yolov8m-1.1.0-z12-w25","customer":"acme","site":"seoul-01","zone":"gate-3","task":"detection",
 "experiment_type":"production","experiment_design":"baseline","model_architecture":"yolov8m","model_version":"1.1.0",
 "detection":{"mAP50":0.81,"mAP50_95":0.55,"precision":0.86,"recall":0.78},"mot":{"mota":0.71,"idf1":0.74,"hota":0.66},
 "system":{"inference_time_ms":18.4,"fps":54.3,"gpu_util":61.2,"gpu_mem_mb":5210,"cpu_util":38.0},
 "comparison":{"accuracy_drop":0.012,"speedup_ratio":1.42,"compression_ratio":2.1}}"#;
    let r = Record::parse_line(line.as_bytes(), NOW).expect("valid");
    assert!(r.built_in().iter().all(Option::is_some));
    assert_eq!(r.timestamp().0 % 1000, 123);
    assert_eq!((r.custom().len(), r.extra()), (0, None));
}

#[test]
fn each_fault_has_its_reason() {
    assert_eq!(code(Record::parse_line(b"{\"timestamp\":", NOW)), "invalid_json");
    assert_eq!(code(Record::parse_line(b"[1]", NOW)), "not_an_object");
    assert_eq!(code(Record::parse_line(b"\xff\xfe{}", NOW)), "invalid_utf8");
    assert_eq!(code(Record::parse_line(&vec![b' '; 10_000_000], NOW)), "too_long");
    assert_eq!(
        code(Record::parse_line(
            br#"{"timestamp":"2026-06-30T11:00:00Z","customer":"a","task":"t","detection":{"mAP50":NaN}}"#,
            NOW
        )),
        "invalid_json"
    );
    assert_eq!(
        code(with(|m| {
            m.remove("timestamp");
        })),
        "missing"
    );
    assert_eq!(
        code(with(|m| {
            m.insert("timestamp".into(), json!(1_700_000_000));
        })),
        "wrong_type"
    );
    assert_eq!(
        code(with(|m| {
            m.insert("timestamp".into(), json!("1999-12-31T23:59:59Z"));
        })),
        "too_old"
    );
    assert_eq!(
        code(with(|m| {
            m.insert("timestamp".into(), json!("2026-07-01T12:00:00.001Z"));
        })),
        "future"
    );
    assert_eq!(
        code(with(|m| {
            m.insert("customer".into(), json!(""));
        })),
        "bad_name"
    );
    assert_eq!(
        code(with(|m| {
            m.insert("customer".into(), json!("../../etc"));
        })),
        "bad_name"
    );
    assert_eq!(
        code(with(|m| {
            m.insert("customer".into(), Value::Null);
        })),
        "missing"
    );
    assert_eq!(
        code(with(|m| {
            m.insert("detection".into(), json!({"mAP50": 1.01}));
        })),
        "out_of_range"
    );
    assert_eq!(
        code(with(|m| {
            m.insert("detection".into(), json!({"mAP50": "high"}));
        })),
        "wrong_type"
    );
    assert_eq!(
        code(with(|m| {
            m.insert("detection".into(), json!(3));
        })),
        "wrong_type"
    );
    assert_eq!(
        code(with(|m| {
            m.insert("detection".into(), json!({"mAP50": 0.5, "MAP50": 0.5}));
        })),
        "wrong_type"
    );
    assert_eq!(
        code(with(|m| {
            m.insert("samples".into(), json!(0));
        })),
        "out_of_range"
    );
    assert_eq!(
        code(with(|m| {
            m.remove("detection");
            m.remove("system");
        })),
        "no_metric"
    );
    assert_eq!(
        code(with(|m| {
            m.remove("site");
        })),
        "missing"
    );
}

#[test]
fn any_number_in_any_group_is_a_metric_and_unknown_keys_are_kept() {
    let r = with(|m| {
        m.insert("custom".into(), json!({"mse": 0.03, "note": "x"}));
        m.insert("detection".into(), json!({"map50": 0.8, "mAP75": 0.6}));
        m.insert("site_manager".into(), json!("Kim"));
    })
    .expect("valid");
    assert_eq!(r.custom(), [("custom.mse".to_owned(), 0.03), ("detection.mAP75".to_owned(), 0.6)]);
    assert_eq!(r.built_in()[0], Some(0.8));
    let extra: Value = serde_json::from_str(&r.extra().expect("kept")).expect("JSON");
    assert_eq!(extra, json!({"custom":{"note":"x"},"site_manager":"Kim"}));
}

/// As the lake would spell it, as far as these tests go: `é` is one letter.
fn composed(text: &str) -> Option<String> {
    text.contains("e\u{301}").then(|| text.replace("e\u{301}", "é"))
}

#[test]
fn names_take_the_lake_s_spelling_and_what_was_written_is_kept_beside() {
    let of = |line: Value| Record::parse_line_normalized(line.to_string().as_bytes(), NOW, composed).expect("valid");
    let mut line = base();
    line["customer"] = json!("Cafe\u{301}");
    line["run_name"] = json!("e\u{301}-1");
    line["que\u{301}"] = json!({"e\u{301}": 1, "e\u{301}t": "e\u{301}"});
    let r = of(line.clone());
    assert_eq!(r.texts()[CUSTOMER_FIELD].as_ref().map(Name::as_str), Some("Café"));
    assert_eq!(r.custom(), [("qué.é".to_owned(), 1.0)]);
    let extra: Value = serde_json::from_str(&r.extra().expect("kept")).expect("JSON");
    let written = json!({"customer": "Cafe\u{301}", "run_name": "e\u{301}-1", "qué.é": "que\u{301}.e\u{301}"});
    assert_eq!(
        extra,
        json!({ORIGINAL_SPELLING_KEY: written, "que\u{301}": {"e\u{301}t": "e\u{301}"}}),
        "what is no name stays"
    );
    // What comes back from an export keeps it, whatever is written there.
    line["customer"] = json!("Café");
    line[ORIGINAL_SPELLING_KEY] = json!({"customer": "Cafe\u{301}", "n": 3});
    let extra: Value = serde_json::from_str(&of(line).extra().expect("kept")).expect("JSON");
    assert_eq!(extra[ORIGINAL_SPELLING_KEY]["customer"], "Cafe\u{301}");
    assert_eq!(extra[ORIGINAL_SPELLING_KEY]["run_name"], "e\u{301}-1");
    assert_eq!(of(base()).extra(), None, "nothing is noted where nothing differs");
}

#[test]
fn a_name_is_measured_as_it_is_stored_and_a_metric_in_two_spellings_is_given_twice() {
    let of = |line: Value| Record::parse_line_normalized(line.to_string().as_bytes(), NOW, composed);
    let mut line = base();
    line["customer"] = json!("e\u{301}".repeat(100));
    assert!(of(line.clone()).is_ok(), "300 bytes as written, 200 as stored");
    line["custom"] = json!({"é": 1, "e\u{301}": 2});
    assert_eq!(code(of(line)), "wrong_type");
}

#[test]
fn mota_may_be_negative_and_a_broken_number_is_not_finite() {
    assert!(
        with(|m| {
            m.insert("mot".into(), json!({"mota": -3.5}));
        })
        .is_ok()
    );
    let columns = RecordColumns {
        timestamp: Some(NOW),
        texts: {
            let mut t = [None; TEXT_FIELDS.len()];
            t[CUSTOMER_FIELD] = Some("a");
            t[TASK_FIELD] = Some("t");
            t
        },
        built_in: {
            let mut b = [None; CATALOGUE.len()];
            b[0] = Some(f64::NAN);
            b
        },
        ..RecordColumns::default()
    };
    assert_eq!(code(Record::from_columns(columns, NOW, |_| None)), "not_finite");
}

proptest! {
    #[test]
    fn no_line_makes_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Record::parse_line(&bytes, NOW);
    }

    #[test]
    fn no_object_makes_the_parser_panic(key in "\\PC{0,12}", text in "\\PC{0,20}", x in any::<f64>()) {
        let _ = with(|m| { m.insert(key.clone(), json!({"a": x, "b": text})); });
        let _ = with(|m| { m.insert(key, json!(text)); });
    }
}
