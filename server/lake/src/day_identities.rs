//! Which records a day holds, remembered between batches for as long as it is certain, so that duplicates and corrections
//! are found without reading the day again.

use std::collections::{BTreeSet, HashMap};

use domain::time::Day;

use crate::{identities::IdentityTable, identity::RowKey};

/// So many identities are remembered between batches; beyond, whole days are forgotten and read again when needed.
const MAX_REMEMBERED_IDENTITIES: usize = 2_000_000;

/// What is in which day: identity to content, valid for exactly the files named.
#[derive(Debug, Default)]
pub struct DayIdentityCache(HashMap<Day, DayIdentities>);

/// Files whose rows are known together are a group: what a rewrite of ours made of several files is known without reading it,
/// but not which row went where.
#[derive(Debug, Default)]
pub struct DayIdentities {
    groups: HashMap<u32, BTreeSet<String>>,
    rows: IdentityTable,
    /// The group of the rows that come next.
    next: u32,
}

impl DayIdentityCache {
    pub fn day(&mut self, day: Day) -> &mut DayIdentities {
        self.0.entry(day).or_default()
    }

    /// Makes room when too much is remembered, for all days but those that are needed now.
    pub fn forget_except(&mut self, needed: impl Fn(&Day) -> bool) {
        if self.0.values().map(|d| d.rows.len()).sum::<usize>() > MAX_REMEMBERED_IDENTITIES {
            self.0.retain(|day, _| needed(day));
        }
    }

    /// Follows a rewrite that changed files but no record.
    pub fn apply_rewrite<'a>(&mut self, day: Day, retired: &[&String], published: impl Iterator<Item = &'a String>) {
        if let Some(known) = self.0.get_mut(&day) {
            known.apply_change(retired, published);
        }
    }
}

impl DayIdentities {
    /// Brings it up to the files that the day has, of which `read` gives the rows. Files that another process added or merged
    /// are read, and no others.
    pub fn refresh_identities<E>(
        &mut self,
        files: BTreeSet<String>,
        mut read: impl FnMut(&str) -> Result<Vec<RowKey>, E>,
    ) -> Result<(), E> {
        let groups = self.groups.len();
        self.groups.retain(|_, paths| paths.is_subset(&files));
        if self.groups.len() < groups {
            let left = &self.groups;
            self.rows.retain_groups(|group| left.contains_key(&group));
        }
        let read_before: BTreeSet<&String> = self.groups.values().flatten().collect();
        let missing: Vec<String> = files.iter().filter(|f| !read_before.contains(f)).cloned().collect();
        for path in missing {
            for key in read(&path)? {
                self.insert(key);
            }
            self.apply_change(&[], std::iter::once(&path));
        }
        Ok(())
    }

    /// Notes a row. Returns the content under which its identity was known. One that is known as it is stays where it is.
    pub fn insert(&mut self, key: RowKey) -> Option<u64> {
        self.rows.insert(key, self.next)
    }

    /// The content under which an identity is known.
    pub fn content(&self, identity: u128) -> Option<u64> {
        self.rows.content(identity)
    }

    /// Follows a change of ours: the rows noted since the last one, and those of files that are gone, are in these files now.
    pub fn apply_change<'a>(&mut self, retired: &[&String], published: impl Iterator<Item = &'a String>) {
        let mut paths: BTreeSet<String> = published.cloned().collect();
        let (group, mut gone) = (self.next, BTreeSet::new());
        self.groups.retain(|number, files| {
            let touched = retired.iter().any(|r| files.contains(*r));
            if touched {
                gone.insert(*number);
                paths.extend(std::mem::take(files).into_iter().filter(|f| !retired.contains(&f)));
            }
            !touched
        });
        if !gone.is_empty() {
            self.rows.regroup(|number| gone.contains(&number), group);
        }
        self.groups.insert(group, paths);
        self.next += 1;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]
mod tests {
    use super::*;

    fn keys(path: &str) -> Vec<RowKey> {
        path.bytes().map(|b| RowKey { identity: u128::from(b), content: 1 }).collect()
    }

    fn bring(day: &mut DayIdentities, files: &[&str]) -> (Vec<String>, usize) {
        let mut reads = Vec::new();
        day.refresh_identities(files.iter().map(ToString::to_string).collect(), |p| {
            reads.push(p.to_owned());
            Ok::<_, ()>(keys(p))
        })
        .unwrap();
        (reads, day.rows.len())
    }

    #[test]
    fn only_what_is_new_is_read_also_when_files_are_gone() {
        let mut day = DayIdentities::default();
        assert_eq!(bring(&mut day, &["a", "bc"]), (vec!["a".into(), "bc".into()], 3));
        assert_eq!(bring(&mut day, &["a", "bc"]), (vec![], 3));
        assert_eq!(bring(&mut day, &["a", "bc", "d"]), (vec!["d".into()], 4));
        assert_eq!(bring(&mut day, &["a", "d"]), (vec![], 2), "what was in a file that is gone is forgotten alone");
        assert_eq!(bring(&mut day, &["adx"]), (vec!["adx".into()], 3), "another process merged them");
    }

    #[test]
    fn a_rewrite_of_our_own_needs_no_reading_until_another_process_touches_it() {
        let mut day = DayIdentities::default();
        bring(&mut day, &["a", "d", "k"]);
        // Two files and a new row became two others.
        day.insert(keys("n")[0]);
        day.apply_change(&[&"a".to_owned(), &"d".to_owned()], ["an".to_owned(), "dn".to_owned()].iter());
        assert_eq!(bring(&mut day, &["an", "dn", "k"]), (vec![], 4));
        // Which rows are in which of the two is not known: what is left of them is read again.
        assert_eq!(bring(&mut day, &["an", "k"]), (vec!["an".into()], 3));
        assert_eq!(day.content(u128::from(b'd')), None);
        assert_eq!(day.content(u128::from(b'k')), Some(1));
    }
}
