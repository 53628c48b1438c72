//! Who names whom: adapters are named where everything is put together, and nowhere else; the domain's ports know no disk; what
//! people read stands in files of texts.

use std::path::{Path, PathBuf};

use regex::Regex;

const SERVER: &str = env!("CARGO_MANIFEST_DIR");

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The lines of a file that match, with where they are.
fn lines(path: &Path, words: &Regex) -> Vec<String> {
    let text = without_the_registry_of_the_domain(&std::fs::read_to_string(path).unwrap());
    let found = text.lines().zip(1..).filter(|(line, _)| words.is_match(line));
    found.map(|(line, n)| format!("{}:{n}: {}", path.display(), line.trim())).collect()
}

/// `domain::registry` and `http::models::registry` have the name of a crate of adapters, and are none: another word stands for them. Lines stay.
fn without_the_registry_of_the_domain(text: &str) -> String {
    let from_domain = Regex::new(r"(?s)use domain::\{.*?\n\};").unwrap();
    let spelled = Regex::new(r"\b(domain|json|super)::registry\b").unwrap();
    let text = from_domain.replace_all(text, |found: &regex::Captures<'_>| found[0].replace("registry::", "models::"));
    spelled.replace_all(&text, "$1::models").into_owned()
}

#[test]
fn only_startup_names_adapters() {
    let adapters = Regex::new(
        r"\b(lake|store|registry)\s*::|\b(use|extern crate) (::)?(lake|store|registry)\b|\b(Sqlite|Postgres)Store\b|\bLake\b",
    );
    let adapters = adapters.unwrap();
    assert!(adapters.is_match("use registry::copy::BackgroundCopy;"));
    let startup = Path::new(SERVER).join("src/startup.rs");
    assert!(!lines(&startup, &adapters).is_empty(), "or this test looks for something that is not there");
    let mut all = vec![];
    sources(&Path::new(SERVER).join("src"), &mut all);
    assert!(all.len() > 40, "{all:?}");
    // A port of the lake is no adapter.
    let ports = Path::new(SERVER).join("src/ports.rs");
    let is_port = |line: &String| {
        line.contains("/src/ports.rs:") && line.ends_with("pub use lake::ports::{FilePosition, FilePositionStore};")
    };
    assert_eq!(lines(&ports, &adapters).iter().filter(|line| !is_port(line)).count(), 0);
    let other = all.iter().filter(|p| **p != startup && **p != ports);
    let named: Vec<String> = other.flat_map(|p| lines(p, &adapters)).collect();
    assert_eq!(named, Vec::<String>::new());
}

#[test]
fn what_is_asked_and_done_goes_through_the_use_cases() {
    let ports = Regex::new(
        r"\bdyn (MetricsStore|MetricsSnapshot|RecordSink|SourceLedger|KeyValueStore|Manifest|Tokens|Sessions|SavedViews|Replays|TrackingCopies|Comparisons|WebhookOutbox|WebhookSender)\b",
    )
    .unwrap();
    let mut all = vec![];
    for folder in ["src", "../app/src"] {
        sources(&Path::new(SERVER).join(folder), &mut all);
    }
    let usecases = Path::new(SERVER).join("../app/usecases/src/ingestion.rs");
    assert!(!lines(&usecases, &ports).is_empty() && all.len() > 80);
    assert_eq!(all.iter().flat_map(|p| lines(p, &ports)).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn the_lake_knows_a_disk_in_one_place() {
    let disk =
        Regex::new(r"\bfs::|\bFile::(open|create)|\bOpenOptions\b|\bPathBuf\b|remove_file|symlink|read_dir").unwrap();
    let mut all = vec![];
    sources(&Path::new(SERVER).join("lake/src"), &mut all);
    let folder = Path::new(SERVER).join("lake/src/objects/folder.rs");
    assert!(!lines(&folder, &disk).is_empty() && all.len() > 30);
    // Beside it: what reads a file that somebody wants taken, and tests in the files that they test.
    let code = |line: &String| {
        let reader = line.contains("/parquet_source.rs:");
        !reader && !line.contains("/lake/src/objects.rs:") && !line.contains("bench.") && !line.contains("self.folder.")
    };
    let named: Vec<String> = all.iter().filter(|p| **p != folder).flat_map(|p| lines(p, &disk)).filter(code).collect();
    assert_eq!(named, Vec::<String>::new());
}

#[test]
fn the_ports_of_the_domain_know_no_disk() {
    let disk = Regex::new(r"(?i)\b(paths?|PathBuf|inodes?|files?|parquet file)\b|std::fs").unwrap();
    let found = lines(&Path::new(SERVER).join("../app/domain/src/ports.rs"), &disk);
    assert_eq!(found, Vec::<String>::new());
    assert!(disk.is_match("    to: &std::path::Path,") && disk.is_match("/// A lake file."));
}

/// The lines of a file that match, but for comments and tests.
fn lines_of_code(path: &Path, words: &Regex) -> Vec<String> {
    let in_tests = path.parent().is_some_and(|folder| folder.ends_with("tests"));
    if in_tests || path.file_name().is_some_and(|name| name == "tests.rs" || name == "agreement.rs") {
        return vec![];
    }
    let text = std::fs::read_to_string(path).unwrap();
    let tests = text.lines().position(|line| line.starts_with("mod tests {")).unwrap_or(usize::MAX);
    let code = text.lines().zip(1..).take(tests).filter(|(line, _)| !line.trim_start().starts_with("//"));
    let found = code.filter(|(line, _)| words.is_match(line));
    found.map(|(line, n)| format!("{}:{n}: {}", path.display(), line.trim())).collect()
}

/// The code of what makes sentences.
fn sentence_makers() -> Vec<PathBuf> {
    let mut all = vec![];
    for folder in
        ["src", "lake/src", "registry/src", "store/src", "../app/domain/src", "../app/usecases/src", "../app/src"]
    {
        let before = all.len();
        sources(&Path::new(SERVER).join(folder), &mut all);
        assert!(all.len() > before, "{folder}");
    }
    all
}

#[test]
fn what_people_read_in_korean_stands_in_files_of_texts() {
    let hangul = Regex::new(r"\p{Hangul}|\bko: Some\(").unwrap();
    let mut found: Vec<String> = sentence_makers().iter().flat_map(|p| lines_of_code(p, &hangul)).collect();
    // Languages are named in themselves; the format of a date is code; where a `Sentence` is made of its two texts.
    let allowed = ["/domain/src/error.rs:", "/shell/frame.rs:", "/shell/palette.rs:", "/ui/fmt.rs:", "/i18n/mod.rs:"];
    found.retain(|line| !allowed.iter().any(|part| line.contains(part)));
    assert_eq!(found, Vec::<String>::new());
    assert!(hangul.is_match("title(\"a\", \"작업\")"));
}

#[test]
fn what_is_english_only_is_read_by_operators_and_programs() {
    let english = Regex::new(r"only_english\(|\bko: None\b").unwrap();
    let found: Vec<String> = sentence_makers().iter().flat_map(|p| lines_of_code(p, &english)).collect();
    let allowed = [
        // Where it is made.
        "/domain/src/error.rs:",
        // What is said on a terminal before anything is served.
        "/server/src/cli/",
        "/server/src/config/",
        "/server/src/startup.rs:",
        "/server/src/atomic_file.rs:",
        "/server/src/declarations/mod.rs:",
        // What programs read.
        "/server/src/http/api.rs:",
        "/server/src/http/problem.rs:",
        "/server/src/http/records/mod.rs:",
    ];
    for part in allowed {
        assert!(
            found.iter().any(|line| line.contains(part)),
            "nothing is English only in {part}: take it off the list"
        );
    }
    let others: Vec<&String> = found.iter().filter(|line| !allowed.iter().any(|part| line.contains(part))).collect();
    assert_eq!(others, Vec::<&String>::new());
}
