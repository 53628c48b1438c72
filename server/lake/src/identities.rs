//! The rows of a day by identity, packed: 28 bytes a row and 5 a slot of the table, where a `HashMap` of the same takes 33 a
//! slot, of which a doubling leaves more than half empty, and both tables at once while it doubles.

use hashbrown::{HashTable, hash_table::Entry};

use crate::identity::RowKey;

/// Identity to content and group. Numbers of rows are 32 bits wide: a day of more would take 120 GB.
#[derive(Debug, Default)]
pub struct IdentityTable {
    /// Numbers into the two below.
    table: HashTable<u32>,
    rows: Vec<Row>,
    groups: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    /// Two halves, so that a row aligns to 8 bytes and not to 16.
    identity: [u64; 2],
    content: u64,
}

const fn halves(identity: u128) -> [u64; 2] {
    [identity as u64, (identity >> 64) as u64]
}

impl IdentityTable {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The content of an identity.
    pub fn content(&self, identity: u128) -> Option<u64> {
        let wanted = halves(identity);
        let found = self.table.find(wanted[0], |number| self.rows[*number as usize].identity == wanted)?;
        Some(self.rows[*found as usize].content)
    }

    /// Notes a row as one of `group`. Returns the content under which its identity was known; one that is known as it is stays
    /// in its group.
    pub fn insert(&mut self, key: RowKey, group: u32) -> Option<u64> {
        let Self { table, rows, groups } = self;
        let row = Row { identity: halves(key.identity), content: key.content };
        let same = |number: &u32| rows[*number as usize].identity == row.identity;
        // An identity is a hash already.
        match table.entry(row.identity[0], same, |number| rows[*number as usize].identity[0]) {
            Entry::Occupied(e) => {
                let number = *e.get() as usize;
                let before = std::mem::replace(&mut rows[number].content, key.content);
                if before != key.content {
                    groups[number] = group;
                }
                Some(before)
            }
            Entry::Vacant(e) => {
                e.insert(rows.len() as u32);
                // By a quarter: a `Vec` of itself doubles.
                if rows.len() == rows.capacity() {
                    let more = (rows.len() / 4).max(1_024);
                    rows.reserve_exact(more);
                    groups.reserve_exact(more);
                }
                rows.push(row);
                groups.push(group);
                None
            }
        }
    }

    /// Forgets the rows of all groups but these.
    pub fn retain_groups(&mut self, keep: impl Fn(u32) -> bool) {
        let kept = std::mem::take(self);
        for (row, group) in kept.rows.into_iter().zip(kept.groups).filter(|(_, group)| keep(*group)) {
            let [low, high] = row.identity;
            let key = RowKey { identity: u128::from(high) << 64 | u128::from(low), content: row.content };
            self.insert(key, group);
        }
    }

    /// The rows of some groups belong to `group` from now on.
    pub fn regroup(&mut self, moved: impl Fn(u32) -> bool, group: u32) {
        self.groups.iter_mut().filter(|g| moved(**g)).for_each(|g| *g = group);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map_of_identities(
            noted in prop::collection::vec((0u128..40, any::<bool>(), 0u64..3, 0u32..4), 0..300), kept in 0u32..4, moved in 0u32..4,
        ) {
            let (mut ours, mut plain) = (IdentityTable::default(), HashMap::new());
            for (identity, high, content, group) in noted {
                // Identities that share one half are different ones.
                let identity = if high { identity << 64 | 7 } else { identity };
                let before = plain.get(&identity).map(|k: &(u64, u32)| k.0);
                if before != Some(content) {
                    plain.insert(identity, (content, group));
                }
                prop_assert_eq!(ours.insert(RowKey { identity, content }, group), before);
            }
            ours.regroup(|g| g == moved, 9);
            plain.values_mut().filter(|k| k.1 == moved).for_each(|k| k.1 = 9);
            ours.retain_groups(|g| g <= kept || g == 9);
            plain.retain(|_, k| k.1 <= kept || k.1 == 9);
            prop_assert_eq!(ours.len(), plain.len());
            for identity in (0u128..40).flat_map(|i| [i, i << 64 | 7]) {
                prop_assert_eq!(ours.content(identity), plain.get(&identity).map(|k| k.0));
            }
        }
    }
}
