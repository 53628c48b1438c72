//! Which records a day holds, remembered between batches for as long as it is certain, so that duplicates and corrections
//! are found without reading the day again.

use std::collections::{BTreeSet, HashMap};

use domain::time::Day;

use crate::identity::RowKey;

/// So many identities are remembered between batches; beyond, whole days are forgotten and read again when needed.
const REMEMBERED: usize = 2_000_000;

/// What is in which day: identity to content, valid for exactly the files named.
#[derive(Debug, Default)]
pub struct KnownDays(HashMap<Day, KnownDay>);

#[derive(Debug, Default)]
pub struct KnownDay {
    files: BTreeSet<String>,
    pub rows: HashMap<u128, u64>,
}

impl KnownDays {
    pub fn day(&mut self, day: Day) -> &mut KnownDay {
        self.0.entry(day).or_default()
    }

    /// Makes room when too much is remembered, for all days but those that are needed now.
    pub fn forget_except(&mut self, needed: impl Fn(&Day) -> bool) {
        if self.0.values().map(|d| d.rows.len()).sum::<usize>() > REMEMBERED {
            self.0.retain(|day, _| needed(day));
        }
    }

    /// Follows a rewrite that changed files but no record.
    pub fn rewritten<'a>(&mut self, day: Day, retired: &[&String], published: impl Iterator<Item = &'a String>) {
        if let Some(known) = self.0.get_mut(&day) {
            known.follow(retired, published);
        }
    }
}

impl KnownDay {
    /// Brings it up to the files that the day has, of which `read` gives the rows. Files that were only added, by another
    /// process, are read alone; when one is gone, what was in it may be gone too, and the day is read again.
    pub fn bring_up<E>(
        &mut self,
        files: BTreeSet<String>,
        mut read: impl FnMut(&str) -> Result<Vec<RowKey>, E>,
    ) -> Result<(), E> {
        if !self.files.is_subset(&files) {
            self.rows.clear();
            self.files.clear();
        }
        for path in files.difference(&self.files.clone()) {
            self.rows.extend(read(path)?.into_iter().map(|k| (k.identity, k.content)));
            self.files.insert(path.clone());
        }
        Ok(())
    }

    pub fn follow<'a>(&mut self, retired: &[&String], published: impl Iterator<Item = &'a String>) {
        self.files.retain(|f| !retired.contains(&f));
        self.files.extend(published.cloned());
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]
mod tests {
    use super::*;

    fn keys(path: &str) -> Vec<RowKey> {
        path.bytes().map(|b| RowKey { identity: u128::from(b), content: 1 }).collect()
    }

    #[test]
    fn only_what_is_new_is_read_and_everything_again_when_a_file_is_gone() {
        let mut day = KnownDay::default();
        let mut reads = Vec::new();
        let mut bring = |day: &mut KnownDay, files: &[&str]| {
            reads.clear();
            let files = files.iter().map(ToString::to_string).collect();
            day.bring_up(files, |p| {
                reads.push(p.to_owned());
                Ok::<_, ()>(keys(p))
            })
            .unwrap();
            (reads.clone(), day.rows.len())
        };
        assert_eq!(bring(&mut day, &["a", "bc"]), (vec!["a".into(), "bc".into()], 3));
        assert_eq!(bring(&mut day, &["a", "bc"]), (vec![], 3));
        assert_eq!(bring(&mut day, &["a", "bc", "d"]), (vec!["d".into()], 4));
        assert_eq!(bring(&mut day, &["a", "d"]), (vec!["a".into(), "d".into()], 2));
        day.follow(&[&"a".to_owned()], ["e".to_owned()].iter());
        assert_eq!(bring(&mut day, &["d", "e"]), (vec![], 2), "a merge of our own needs no reading");
    }
}
