//! The index of a file into which others were merged: what it knows is what they knew, so no row has to be looked at again.

use std::{collections::HashMap, sync::Arc};

use super::{Entry, FileIndex};

impl FileIndex {
    /// The index of all rows of several files of one day.
    pub fn union<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut whole = Self::default();
        let mut numbers: HashMap<Arc<str>, u32> = HashMap::new();
        let mut known: HashMap<[Option<u32>; 7], usize> = HashMap::new();
        let parts: Vec<&Self> = parts.into_iter().collect();
        whole.custom = parts.iter().flat_map(|p| p.custom.iter().cloned()).collect();
        whole.custom.sort();
        whole.custom.dedup();
        for part in parts {
            let texts: Vec<u32> = part.texts.iter().map(|t| number(t, &mut whole.texts, &mut numbers)).collect();
            let custom: Vec<u16> = part
                .custom
                .iter()
                .map(|name| whole.custom.binary_search(name).map_or(u16::MAX, |i| i as u16))
                .collect();
            let text = |i: Option<u32>| i.and_then(|i| texts.get(i as usize)).copied();
            for e in &part.entries {
                let key = [Some(e.customer), e.site, e.zone, Some(e.task), e.architecture, e.version, e.kind].map(text);
                let own = e.custom.iter().filter_map(|i| custom.get(usize::from(*i))).copied();
                let Some(i) = known.get(&key) else {
                    known.insert(key, whole.entries.len());
                    whole.entries.push(Entry {
                        customer: key[0].unwrap_or(0),
                        site: key[1],
                        zone: key[2],
                        task: key[3].unwrap_or(0),
                        architecture: key[4],
                        version: key[5],
                        kind: key[6],
                        custom: own.collect(),
                        ..e.clone()
                    });
                    continue;
                };
                let sum = &mut whole.entries[*i];
                sum.metrics |= e.metrics;
                sum.custom.extend(own);
                sum.n += e.n;
                sum.simulated |= e.simulated;
                sum.first = sum.first.min(e.first);
                sum.last = sum.last.max(e.last);
                sum.minutes.extend_from_slice(&e.minutes);
            }
        }
        for e in &mut whole.entries {
            e.custom.sort_unstable();
            e.custom.dedup();
            e.minutes.sort_unstable();
            e.minutes.dedup();
        }
        whole
    }
}

fn number(text: &Arc<str>, texts: &mut Vec<Arc<str>>, numbers: &mut HashMap<Arc<str>, u32>) -> u32 {
    *numbers.entry(Arc::clone(text)).or_insert_with(|| {
        texts.push(Arc::clone(text));
        texts.len() as u32 - 1
    })
}

#[cfg(test)]
impl FileIndex {
    /// All that it says, in an order of its own, with names in the place of numbers.
    pub fn told(&self) -> Vec<String> {
        let name = |i: Option<u32>| i.map(|i| self.texts[i as usize].to_string());
        let mut told: Vec<String> = self
            .entries
            .iter()
            .map(|e| {
                let names =
                    [Some(e.customer), e.site, e.zone, Some(e.task), e.architecture, e.version, e.kind].map(name);
                let custom: Vec<&String> = e.custom.iter().map(|i| &self.custom[usize::from(*i)]).collect();
                format!("{names:?} {custom:?} {:?}", (e.metrics, e.n, e.simulated, e.first, e.last, &e.minutes))
            })
            .collect();
        told.sort();
        told
    }
}
