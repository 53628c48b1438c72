//! Settings that do not go together, and variables that nothing reads.

use super::finding::Finding;
use crate::{
    auth::AnonymousAccess,
    config::{Settings, table},
};

/// Variables of the scripts in this repository, which the program does not read, and one that it reads for tests and no help shows.
const OF_SCRIPTS: [&str; 6] = ["GF_CACHE", "GF_DIST", "GF_PYTHON", "GF_SOAK", "GF_BENCH_", "GF_WEBHOOK_RETRIES"];
/// How many letters may differ between a variable and the one that was meant.
const MAX_EDIT_DISTANCE: usize = 4;

pub fn checks(settings: &Settings) -> Vec<Finding> {
    const NAME: &str = "settings";
    let cure = "`guardianflow config` shows every setting and where it comes from.";
    let mut found: Vec<Finding> =
        settings.errors().into_iter().map(|e| Finding::error(NAME, e.to_string(), cure)).collect();
    if found.is_empty() {
        found.push(Finding::ok(NAME, "they go together"));
    }
    found.push(hosts(&settings.serve.hosts, AnonymousAccess::of(settings)));
    let set: Vec<String> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    let known: Vec<String> = table::rows().into_iter().map(|r| r.variable).collect();
    found.extend(variables(&set, &known));
    found
}

fn hosts(hosts: &[String], anonymous_access: AnonymousAccess) -> Finding {
    const NAME: &str = "hosts";
    if let Some(odd) = hosts.iter().map(|h| h.trim()).find(|h| h.contains(['/', '*', ' '])) {
        return Finding::error(
            NAME,
            format!("“{odd}” is no host name"),
            "Give names alone, separated by commas: metrics.example.com, without https:// and without patterns.",
        );
    }
    match anonymous_access {
        AnonymousAccess::Viewer => Finding::warning(
            NAME,
            "GF_HOSTS is set without GF_OPERATOR_TOKEN: everybody who reaches the server reads everything, and nobody can send records",
            "Set GF_OPERATOR_TOKEN as well (openssl rand -hex 32), unless that is what you want.",
        ),
        AnonymousAccess::Local => {
            Finding::ok(NAME, "whoever connects from this machine is the operator: not behind a proxy")
        }
        AnonymousAccess::Nobody => Finding::ok(NAME, "everybody signs in with the token"),
    }
}

/// Variables of ours that nothing reads. Their values are not looked at: they may be secrets under a misspelled name.
fn variables(set: &[String], known: &[String]) -> Vec<Finding> {
    const NAME: &str = "variables";
    let read =
        |v: &String| known.contains(v) || OF_SCRIPTS.iter().any(|s| v == s || (s.ends_with('_') && v.starts_with(s)));
    let stray = set.iter().filter(|v| v.starts_with("GF_") && !read(v)).map(|v| {
        let nearest_existing_folder = known.iter().map(|k| (strsim::osa_distance(v, k), k)).min();
        let cure = match nearest_existing_folder.filter(|(letters, _)| *letters <= MAX_EDIT_DISTANCE) {
            Some((_, meant)) => format!("Did you mean {meant}? Rename or unset it."),
            None => "Unset it; `guardianflow config` lists the variables that are read.".to_owned(),
        };
        Finding::warning(NAME, format!("{v} is set, and nothing reads it"), cure)
    });
    let found: Vec<Finding> = stray.collect();
    if found.is_empty() { vec![Finding::ok(NAME, "every GF_ variable that is set is read")] } else { found }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests serve nobody")]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;
    use crate::doctor::CheckStatus::{Error, Ok as Fine, Warning};

    fn known() -> Vec<String> {
        table::rows().into_iter().map(|r| r.variable).collect()
    }

    #[test]
    fn a_misspelled_variable_is_told_with_the_one_that_was_meant() {
        let of = |v: &str| variables(&[v.to_owned()], &known()).remove(0);
        for (typo, meant) in [
            ("GF_ADRESS", "GF_ADDR"),
            ("GF_OPERATOR_TOKN", "GF_OPERATOR_TOKEN"),
            ("GF_DATE", "GF_DATA"),
            ("GF_HOST", "GF_HOSTS"),
            ("GF_INGESTDIR", "GF_INGEST_DIR"),
        ] {
            let found = of(typo);
            assert_eq!(found.state, Warning);
            assert!(
                found.seen.contains(typo) && found.cure.is_some_and(|c| c.contains(&format!("mean {meant}?"))),
                "{typo}"
            );
        }
        assert!(of("GF_SOMETHING_ELSE_ENTIRELY").cure.is_some_and(|c| !c.contains("mean")));
        assert_eq!([of("GF_DATA"), of("GF_CACHE"), of("GF_BENCH_RUNS"), of("PATH")].map(|f| f.state), [Fine; 4]);
    }

    #[test]
    fn variables_of_the_scripts_are_known() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let word = regex::Regex::new(r"\bGF_[A-Z][A-Z_]*\b").expect("a pattern");
        let (mut words, mut files) = (BTreeSet::new(), 0);
        for folder in [".", "scripts", "bench", "end2end", "end2end/tests", ".ci"] {
            for entry in std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
                let readable = entry.path().is_file() && entry.path().extension().is_none_or(|e| e != "md");
                let Some(text) = readable.then(|| std::fs::read_to_string(entry.path()).ok()).flatten() else {
                    continue;
                };
                files += 1;
                words.extend(word.find_iter(&text).map(|m| m.as_str().to_owned()));
            }
        }
        assert!(files > 20 && words.len() > 5, "or this test looks for something that is not there");
        let words: Vec<String> = words.into_iter().collect();
        assert_eq!(variables(&words, &known()).iter().map(|f| f.state).max(), Some(Fine), "{words:?}");
    }

    #[test]
    fn hosts_are_names_and_go_with_a_token() {
        let of = |host: &str, anonymous_access| hosts(&[host.to_owned()], anonymous_access).state;
        assert_eq!(of("metrics.example.com", AnonymousAccess::Viewer), Warning);
        assert_eq!(of(" metrics.example.com:8443", AnonymousAccess::Nobody), Fine);
        assert_eq!(
            [of("https://metrics.example.com", AnonymousAccess::Nobody), of("*.example.com", AnonymousAccess::Nobody)],
            [Error; 2]
        );
        assert_eq!(of("", AnonymousAccess::Local), Fine);
    }
}
