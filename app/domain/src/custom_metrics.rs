//! The metrics that a lake has outside of the catalogue: found by any of their names without looking at each, since there
//! may be thousands.

use std::{collections::HashMap, ops::Deref, sync::Arc};

use crate::metric::built_in;

/// So many metrics outside of the catalogue are known by name, unless it is told otherwise.
pub const DEFAULT_METRIC_NAME_LIMIT: usize = 1_000;

/// Full names, `group.leaf`, sorted and each once; each with its shortest key. Cloned at no cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomMetrics(Arc<MetricNameIndex>);

#[derive(Debug, Default, PartialEq, Eq)]
struct MetricNameIndex {
    full: Vec<String>,
    keys: Vec<String>,
    /// Places in `full` by full name and by leaf, in small letters.
    named: HashMap<String, Vec<u32>>,
}

impl Deref for CustomMetrics {
    type Target = [String];
    fn deref(&self) -> &[String] {
        &self.0.full
    }
}

impl From<Vec<String>> for CustomMetrics {
    fn from(mut full: Vec<String>) -> Self {
        full.sort();
        full.dedup();
        let mut named: HashMap<String, Vec<u32>> = HashMap::new();
        for (i, name) in (0u32..).zip(&full) {
            let leaf = name.split_once('.').map(|(_, leaf)| leaf);
            for text in [Some(name.as_str()), leaf].into_iter().flatten() {
                let places = named.entry(text.to_ascii_lowercase()).or_default();
                if places.last() != Some(&i) {
                    places.push(i);
                }
            }
        }
        let key = |name: &String| match name.split_once('.') {
            Some((_, leaf)) if built_in(leaf).is_none() && alone(&named, &full, leaf) => leaf.to_owned(),
            _ => name.clone(),
        };
        let keys = full.iter().map(key).collect();
        Self(Arc::new(MetricNameIndex { full, keys, named }))
    }
}

/// Whether no other metric has the leaf.
fn alone(named: &HashMap<String, Vec<u32>>, full: &[String], leaf: &str) -> bool {
    let same = |i: &&u32| full[**i as usize].split_once('.').is_some_and(|(_, l)| l.eq_ignore_ascii_case(leaf));
    named.get(&leaf.to_ascii_lowercase()).is_none_or(|places| places.iter().filter(same).count() <= 1)
}

impl CustomMetrics {
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        self
    }

    /// The places of the metrics that go by a name: `group.leaf` or a leaf, in any case.
    #[must_use]
    pub fn find(&self, name: &str) -> Vec<usize> {
        let found = self.0.named.get(&name.to_ascii_lowercase());
        found.into_iter().flatten().map(|i| *i as usize).collect()
    }

    /// The shortest key of the metric at a place.
    #[must_use]
    pub fn key(&self, place: usize) -> &str {
        &self.0.keys[place]
    }

    /// The place of a full name.
    #[must_use]
    pub fn index_of(&self, full: &str) -> Option<usize> {
        self.0.full.binary_search_by(|f| f.as_str().cmp(full)).ok()
    }
}

/// Metrics that came when the lake knew as many names as it may: they are in their records and nowhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricsOverLimit {
    /// Their names as far as they are remembered.
    pub names: CustomMetrics,
    /// Whether more came than are remembered.
    pub more: bool,
    /// How many names the lake may know.
    pub cap: usize,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_found_by_a_table_is_what_looking_at_each_would_find(
            names in prop::collection::vec("[abC]{1,2}(\\.[abF]{1,2}){0,2}|custom\\.(mAP50|hota|x)", 0..12),
            asked in "[abcf]{1,2}(\\.[abf]{1,2})?",
        ) {
            let custom = CustomMetrics::from(names);
            let fits = |full: &String| {
                full.eq_ignore_ascii_case(&asked) || full.split_once('.').is_some_and(|(_, l)| l.eq_ignore_ascii_case(&asked))
            };
            let each: Vec<usize> = (0..custom.len()).filter(|i| fits(&custom[*i])).collect();
            prop_assert_eq!(custom.find(&asked), each);
            for (i, full) in custom.iter().enumerate() {
                prop_assert_eq!(custom.index_of(full), Some(i));
                let leaf = full.split_once('.').map(|(_, l)| l);
                let others = custom.iter().filter(|o| o.split_once('.').is_some_and(|(_, l)| leaf.is_some_and(|x| l.eq_ignore_ascii_case(x)))).count();
                let key = leaf.filter(|l| others <= 1 && built_in(l).is_none()).unwrap_or(full);
                prop_assert_eq!(custom.key(i), key);
            }
        }
    }
}
