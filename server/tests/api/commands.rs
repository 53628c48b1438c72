//! The command line: what it lists and shows, and what its exit codes say.

use serde_json::Value;

use crate::{
    fleet::{Fleet, SLOTS},
    process::{Folder, binary, clean, finish, run, text},
};

#[test]
fn routes_are_listed_with_method_path_and_action() {
    let listed = run(&["routes", "--json"]).fine().json();
    let routes = listed.as_array().expect("a list");
    for r in routes {
        let keys: Vec<_> = r.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["action", "method", "path"], "{r}");
    }
    let action = |method: &str, path: &str| {
        let found: Vec<&Value> = routes.iter().filter(|r| r["method"] == method && r["path"] == path).collect();
        assert_eq!(found.len(), 1, "{method} {path}");
        found[0]["action"].as_str().expect("a text").to_owned()
    };
    assert_eq!(action("GET", "/"), "read_metrics");
    assert_eq!(action("GET", "/api/metrics/summary"), "read_metrics");
    assert_eq!(action("GET", "/sf/sources"), "read_sources");
    assert_eq!(action("GET", "/readyz"), "probe");
    assert_eq!(action("POST", "/preferences"), "set_preference");
    let table = run(&["routes"]).fine().stdout;
    assert!(table.contains("/api/metrics/trend") && table.contains("read_metrics"));
    assert!(run(&["routes", "--csv"]).fine().stdout.starts_with("method,path,action\r\n"));
}

#[test]
fn settings_are_shown_with_their_origin_and_secrets_are_not_shown() {
    let token = "a-token-of-more-than-thirty-two-bytes";
    let mut command = clean(binary());
    command
        .args(["--data", "/srv/x", "config", "--json", "--log", "debug"])
        .env("GF_HOSTS", "a.example.com,b.example.com");
    command.env("GF_OPERATOR_TOKEN", token);
    let ran = finish(command).fine();
    let rows = ran.json();
    let row = |variable: &str| {
        let rows = rows.as_array().expect("a list");
        let r = rows.iter().find(|r| r["variable"] == variable).unwrap_or_else(|| panic!("no {variable} in {rows:?}"));
        (r["value"].as_str().expect("a text").to_owned(), r["origin"].as_str().expect("a text").to_owned())
    };
    assert_eq!(row("GF_DATA"), ("/srv/x".into(), "flag".into()));
    assert_eq!(row("GF_LOG"), ("debug".into(), "flag".into()));
    assert_eq!(row("GF_HOSTS"), ("a.example.com,b.example.com".into(), "environment".into()));
    assert_eq!(row("GF_ADDR"), ("127.0.0.1:3000".into(), "default".into()));
    assert_eq!(row("GF_DEMO").1, "default");
    assert_eq!(row("GF_OPERATOR_TOKEN").1, "environment");
    assert!(!ran.stdout.contains(token) && !ran.stderr.contains(token), "{ran:?}");
}

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(&["completions", shell]).fine();
        assert!(ran.stdout.contains("guardianflow") && ran.stdout.contains("ingest"), "{shell}");
    }
    assert_eq!(run(&["completions", "nothing"]).code, Some(2));
}

#[test]
fn help_teaches_by_example() {
    for args in [
        &["--help"][..],
        &["ingest", "--help"],
        &["metrics", "summary", "--help"],
        &["metrics", "trend", "--help"],
        &["metrics", "export", "--help"],
        &["metrics", "list", "--help"],
        &["places", "--help"],
        &["check", "--help"],
        &["config", "--help"],
        &["doctor", "--help"],
        &["demo", "remove", "--help"],
        &["completions", "--help"],
        &["serve", "--help"],
    ] {
        let ran = run(args).fine();
        assert!(ran.stdout.contains("Example"), "{args:?} shows no example:\n{}", ran.stdout);
    }
    run(&["--version"]).fine();
}

#[test]
fn exit_codes_tell_wrong_usage_from_failure() {
    let folder = Folder::new();
    let path = folder.write("fleet.jsonl", Fleet::new().jsonl());
    folder.ingest(&[&path]).fine();
    let data = text(&folder.data());
    let with = |args: &[&str]| run(&[args, &["--data", &data]].concat());
    for args in [
        &["nonsense"][..],
        &[],
        &["ingest"],
        &["metrics"],
        &["metrics", "trend"],
        &["metrics", "summary", "--nonsense"],
        &["metrics", "summary", "--json", "--csv"],
        &["metrics", "summary", "--days", "7", "--from", "now-1d"],
        &["metrics", "summary", "--from", "now", "--to", "now-1d"],
        &["metrics", "summary", "--days", "36500"],
        &["metrics", "summary", "--tz", "Mars/Olympus"],
        &["metrics", "trend", "--metric", "nonsense"],
        &["metrics", "trend", "--metric", "mAP50", "--step", "1ms"],
        &["serve", "--addr", "nowhere"],
        &["serve", "--demo", "perhaps"],
        &["config", "--log", "a=b=c"],
    ] {
        let ran = if args.is_empty() { run(&[]) } else { with(args) };
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(!ran.stderr.is_empty() && !ran.stderr.contains("panicked"), "{args:?}: {ran:?}");
    }
    for args in [
        &["metrics", "summary", "--customer", "nobody"][..],
        &["metrics", "trend", "--metric", "mAP50", "--model", "nobody"],
        &["ingest", "/nowhere/at/all.jsonl"],
        &["metrics", "export", "--out", "/nowhere/at/all.parquet"],
    ] {
        let ran = with(args);
        assert_eq!(ran.code, Some(1), "{args:?}: {ran:?}");
        assert!(!ran.stderr.is_empty() && !ran.stderr.contains("panicked"), "{args:?}: {ran:?}");
    }
}

#[test]
fn the_terminal_shows_the_same_numbers() {
    let folder = Folder::new();
    let path = folder.write("fleet.jsonl", Fleet::new().jsonl());
    folder.ingest(&[&path]).fine();
    let data = text(&folder.data());
    let with = |args: &[&str]| run(&[args, &["--data", &data]].concat()).fine();
    let s = with(&["metrics", "summary", "--customer", "acme", "--json"]).json();
    assert_eq!(s["metrics"][0]["n"], 3 * SLOTS);
    let table = with(&["metrics", "summary", "--customer", "acme"]).stdout;
    assert!(table.contains("seoul-01") && table.contains("mAP50") && table.contains("432"), "{table}");
    let csv = with(&["metrics", "summary", "--csv"]).stdout;
    assert!(csv.starts_with("customer,state,metric,value") && csv.contains("부산 항만"), "{csv}");
    let drawn = with(&["metrics", "trend", "--metric", "mAP50"]).stdout;
    assert!(drawn.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "{drawn}");
    let trend = with(&["metrics", "trend", "--metric", "mAP50", "--step", "PT1H", "--json"]).json();
    assert_eq!(trend["step"], "1h");
}
