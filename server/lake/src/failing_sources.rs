//! Sources whose last read failed: what came from them is as old as it is, and nobody knows what would have come since.

use std::{collections::HashMap, path::Path};

use domain::time::Millis;

/// By name, since when. A folder that cannot be read fails for every file below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FailingSources(HashMap<String, Millis>);

impl FailingSources {
    pub fn new(sources: Vec<(String, Millis)>) -> Self {
        Self(sources.into_iter().collect())
    }

    /// Since when a source is failing.
    pub fn since(&self, source: &str) -> Option<Millis> {
        if self.0.is_empty() {
            return None;
        }
        Path::new(source).ancestors().filter_map(|p| self.0.get(p.to_str()?)).min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_fails_for_what_lies_in_it_and_for_nothing_else() {
        let failing = FailingSources::new(vec![("/in/a.jsonl".into(), Millis(5)), ("/in/sub".into(), Millis(7))]);
        for (source, at, expected) in [
            ("/in/a.jsonl", 5, true),
            ("/in/a.jsonl", 4, false),
            ("/in/b.jsonl", 9, false),
            ("/in/sub/x.gz", 7, true),
            ("/in/sub/x.gz", 6, false),
            ("/in/subway.gz", 9, false),
            ("POST /api/metrics/records", 9, false),
        ] {
            let contains = failing.since(source).is_some_and(|since| since <= Millis(at));
            assert_eq!(contains, expected, "{source} at {at}");
        }
    }
}
