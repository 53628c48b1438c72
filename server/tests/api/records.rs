//! Bad records are refused with a reason, strange ones are stored exactly; nothing crashes and nothing leaves the folder.

use serde_json::{Value, json};

use crate::{
    fleet::{self, encode},
    process::{Folder, Served, run, text},
};

/// Rows that must be refused, with the code of the reason.
fn bad(at: i64) -> Vec<(Vec<u8>, &'static str)> {
    let row = |fields: Value| fleet::one(at, fields).to_string().into_bytes();
    let raw = |text: &str| text.as_bytes().to_vec();
    let time = fleet::rfc(at);
    vec![
        (raw("{\"timestamp\":"), "invalid_json"),
        (raw("nonsense"), "invalid_json"),
        (raw("[]"), "not_an_object"),
        (raw("42"), "not_an_object"),
        (
            raw(&format!(r#"{{"timestamp":"{time}","customer":"a","task":"t","detection":{{"mAP50":NaN}}}}"#)),
            "invalid_json",
        ),
        (raw(&format!(r#"{{"timestamp":"{time}","customer":"a","task":"t","custom":{{"x":1e999}}}}"#)), "invalid_json"),
        (raw(&"[".repeat(100_000)), "invalid_json"),
        (vec![b'{', b'"', 0xff, 0xfe, b'"', b'}'], "invalid_utf8"),
        (row(json!({"customer": ""})), "bad_name"),
        (row(json!({"customer": null})), "missing"),
        (row(json!({"task": null})), "missing"),
        (row(json!({"timestamp": null})), "missing"),
        (row(json!({"site": null})), "missing"),
        (row(json!({"customer": 7})), "wrong_type"),
        (row(json!({"timestamp": 7})), "wrong_type"),
        (row(json!({"detection": 0.5})), "wrong_type"),
        (row(json!({"detection": {"mAP50": "0.5"}})), "wrong_type"),
        (row(json!({"detection": {"mAP50": 0.5, "map50": 0.6}})), "wrong_type"),
        (row(json!({"samples": "many"})), "wrong_type"),
        (row(json!({"simulated": "yes"})), "wrong_type"),
        (row(json!({"timestamp": "yesterday"})), "bad_time"),
        (row(json!({"timestamp": "2026-02-30T00:00:00Z"})), "bad_time"),
        (row(json!({"timestamp": "1999-12-31T23:59:59.999Z"})), "too_old"),
        (row(json!({"timestamp": fleet::rfc(at + 25 * 3_600_000)})), "future"),
        (row(json!({"timestamp": "9999-12-30T00:00:00Z"})), "future"),
        (row(json!({"detection": {"mAP50": 1.01}})), "out_of_range"),
        (row(json!({"detection": {"mAP50": -0.01}})), "out_of_range"),
        (row(json!({"samples": 0})), "out_of_range"),
        (row(json!({"samples": -1})), "out_of_range"),
        (row(json!({"detection": null})), "no_metric"),
        (row(json!({"customer": "../../etc"})), "bad_name"),
        (row(json!({"site": ".."})), "bad_name"),
        (row(json!({"zone": "a\\b"})), "bad_name"),
        (row(json!({"customer": "a\u{0}b"})), "bad_name"),
        (row(json!({"customer": "line\nbreak"})), "bad_name"),
        (row(json!({"customer": "\u{1b}[31mred"})), "bad_name"),
        (row(json!({"customer": "\u{202e}evil"})), "bad_name"),
        (row(json!({"customer": "x".repeat(257)})), "bad_name"),
    ]
}

#[test]
fn each_bad_row_is_kept_with_file_line_and_reason() {
    let folder = Folder::new();
    let bad = bad(fleet::now());
    let mut content = fleet::one(fleet::now(), json!({"run_id": "first"})).to_string().into_bytes();
    for (row, _) in &bad {
        content.push(b'\n');
        content.extend_from_slice(row);
    }
    content.extend_from_slice(format!("\n\n{}", fleet::one(fleet::now(), json!({"run_id": "last"}))).as_bytes());
    let path = folder.write("bad rows.jsonl", content);
    let ran = folder.ingest(&[&path]).fine();
    let sums = ran.json();
    assert_eq!(sums["taken"], 2, "{ran:?}");
    let rejected = folder.rejected();
    assert_eq!(rejected.len(), bad.len(), "{sums}");
    for (i, (entry, (row, reason))) in rejected.iter().zip(&bad).enumerate() {
        assert_eq!(entry["reason"], *reason, "{entry}");
        assert_eq!(entry["line"], i + 2);
        assert_eq!(entry["file"], path.as_str());
        assert_eq!(entry["row"], String::from_utf8_lossy(row).as_ref());
        assert!(entry["message"].as_str().is_some_and(|m| m.split(' ').count() > 1), "{entry}");
    }
    for (_, reason) in &bad {
        let n = bad.iter().filter(|b| b.1 == *reason).count();
        assert_eq!(sums["refused"][reason], n, "{sums}");
    }
    // Repeating changes nothing, and `--strict` makes a failure of it.
    let again = folder.ingest(&[&path]).fine().json();
    assert_eq!((&again["taken"], &again["duplicate"], &again["refused"]), (&0.into(), &2.into(), &sums["refused"]));
    assert_eq!(folder.rejected(), rejected);
    let strict = run(&["ingest", "--strict", "--data", &text(&folder.data()), &path]);
    assert_eq!(strict.code, Some(1), "{strict:?}");
    // A file that was repaired has no refused rows any more.
    let path = folder.write("bad rows.jsonl", fleet::jsonl(&[fleet::one(fleet::now(), json!({}))]));
    folder.ingest(&[&path]).fine();
    assert_eq!(folder.rejected().len(), 0);
}

#[test]
fn the_last_day_of_the_calendar_is_a_time_in_the_future() {
    // People write this day where they mean "never": what is told to them must not say that it is no time.
    let folder = Folder::new();
    let row = fleet::one(fleet::now(), json!({"timestamp": "9999-12-31T23:59:59Z"}));
    let path = folder.write("x.jsonl", fleet::jsonl(&[row]));
    assert_eq!(folder.ingest(&[&path]).fine().json()["refused"], json!({"future": 1}));
}

#[tokio::test]
async fn strange_names_are_stored_exactly_and_found_again() {
    let folder = Folder::new();
    let names = [
        "موقع-١",
        "שלום",
        "🚀 site 🛰️",
        "a%2Fb",
        "x?y#z&w=1",
        "%",
        "'; DROP TABLE files; --",
        "{customer}",
        "...",
        "~",
        "C:",
        "CON",
        "a+b",
        "null",
        "-1",
        "e\u{301}",
    ];
    let rows: Vec<_> =
        names.iter().map(|n| fleet::one(fleet::now() - 60_000, json!({"customer": n, "site": n, "zone": n}))).collect();
    let path = folder.write("x.jsonl", fleet::jsonl(&rows));
    assert_eq!(folder.ingest(&[&path]).fine().json()["taken"], names.len());
    let served = Served::start(&folder, &[]).await;
    for name in names {
        let n = encode(name);
        let s = served.json(&format!("/api/metrics/summary?customer={n}&site={n}&zone={n}")).await;
        // But for the one spelling of all names: see `spelling`.
        let stored = name.replace("e\u{301}", "é");
        assert_eq!((&s["scope"]["customer"], &s["metrics"][0]["n"]), (&stored.into(), &1.into()), "{name}");
        let (status, _) = served.page(&format!("/customers/{n}/sites/{n}/zones/{n}")).await;
        assert_eq!(status, 200, "{name}");
    }
    // The folder holds nothing that is named after them.
    for entry in std::fs::read_dir(folder.data().join("lake")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with("day=20"), "{name}");
    }
}

#[test]
fn unknown_keys_and_metrics_outside_of_the_catalogue_are_kept() {
    let folder = Folder::new();
    let row = fleet::one(
        fleet::now() - 60_000,
        json!({"weather": {"rain": true}, "note": "x", "custom": {"mse": 0.03, "words": ["a"]}}),
    );
    let path = folder.write("x.jsonl", fleet::jsonl(&[row]));
    folder.ingest(&[&path]).fine();
    let export = folder.text("out.parquet");
    run(&["metrics", "export", "--data", &text(&folder.data()), "--from", "now-1d", "--to", "now", "--out", &export])
        .fine();
    let mut extra = None;
    lake::read_parquet_source(
        std::path::Path::new(&export),
        || domain::time::Millis(fleet::now()),
        |rows| {
            extra = rows.into_iter().next().and_then(|r| r.record.ok()).map(|r| (r.extra(), r.custom().to_vec()));
            true
        },
    )
    .expect("a readable file");
    let (extra, custom) = extra.expect("a record");
    let extra: Value = serde_json::from_str(&extra.expect("unknown keys")).unwrap();
    assert_eq!(extra, json!({"weather": {"rain": true}, "note": "x", "custom": {"words": ["a"]}}));
    assert_eq!(custom, [("custom.mse".to_owned(), 0.03)]);
}
