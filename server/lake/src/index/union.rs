//! The index of a file into which others were merged: what it knows is what they knew, so no row has to be looked at again.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{Entry, EntryKey, FileIndex};

impl FileIndex {
    /// The index of all rows of several files of one day, in the order in which they came: of several records of the same
    /// moment the last arrival is in the last file. What was not noted in each is not known of the whole.
    pub fn union<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut whole = Self::default();
        let mut numbers: HashMap<Arc<str>, u32> = HashMap::new();
        let mut known: HashMap<EntryKey, usize> = HashMap::new();
        let parts: Vec<&Self> = parts.into_iter().collect();
        whole.custom = parts.iter().flat_map(|p| p.custom.iter().cloned()).collect();
        whole.custom.sort();
        whole.custom.dedup();
        // No index has more; those beyond are not known by name.
        whole.custom.truncate(usize::from(u16::MAX));
        whole.values = parts.iter().map(|p| p.values).sum();
        let noted = parts.iter().all(|p| p.devices.is_some());
        whole.registered = parts.iter().all(|p| p.registered);
        let mut devices = BTreeSet::new();
        let mut source_numbers: HashMap<Arc<str>, u32> = HashMap::new();
        for part in parts {
            let texts: Vec<u32> = part.texts.iter().map(|t| number(t, &mut whole.texts, &mut numbers)).collect();
            let custom: Vec<Option<u16>> =
                part.custom.iter().map(|name| whole.custom.binary_search(name).ok().map(|i| i as u16)).collect();
            let sources: Vec<u32> =
                part.sources.iter().map(|s| number(s, &mut whole.sources, &mut source_numbers)).collect();
            let mut places = Vec::with_capacity(part.entries.len());
            let text = |i: Option<u32>| i.and_then(|i| texts.get(i as usize)).copied();
            for e in &part.entries {
                let key = e.key().map(text);
                let named = || e.custom.iter().filter_map(|i| custom.get(usize::from(*i)));
                let own = named().flatten().copied();
                let beyond = e.beyond || named().any(Option::is_none);
                let source = e.source.and_then(|i| sources.get(i as usize)).copied();
                let Some(i) = known.get(&key) else {
                    known.insert(key, whole.entries.len());
                    places.push(whole.entries.len());
                    whole.entries.push(Entry { custom: own.collect(), beyond, source, ..e.clone() }.keyed(key));
                    continue;
                };
                places.push(*i);
                let sum = &mut whole.entries[*i];
                sum.metrics |= e.metrics;
                sum.custom.extend(own);
                sum.beyond |= beyond;
                if e.last >= sum.last {
                    sum.source = source;
                }
                sum.n += e.n;
                sum.simulated |= e.simulated;
                sum.first = sum.first.min(e.first);
                sum.last = sum.last.max(e.last);
                sum.minutes.extend_from_slice(&e.minutes);
            }
            let at =
                |(entry, text): &(u32, u32)| Some((*places.get(*entry as usize)? as u32, *texts.get(*text as usize)?));
            devices.extend(part.devices.iter().flatten().filter_map(at));
        }
        for e in &mut whole.entries {
            e.custom.sort_unstable();
            e.custom.dedup();
            e.minutes.sort_unstable();
            e.minutes.dedup();
        }
        whole.devices = noted.then(|| devices.into_iter().collect());
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
            .zip(0u32..)
            .map(|(e, place)| {
                let mut devices: Vec<_> =
                    self.devices.iter().flatten().filter(|d| d.0 == place).map(|d| name(Some(d.1))).collect();
                devices.sort();
                let source = e.source.map(|i| &self.sources[i as usize]);
                let names = e.key().map(name);
                let custom: Vec<&String> = e.custom.iter().map(|i| &self.custom[usize::from(*i)]).collect();
                let rest = (e.metrics, e.beyond, e.n, e.simulated, e.first, e.last, &e.minutes);
                format!("{names:?} {custom:?} {devices:?} {source:?} {rest:?}")
            })
            .collect();
        told.push(format!("{:?} {:?} {:?}", self.custom, self.values, (self.devices.is_some(), self.registered)));
        told.sort();
        told
    }
}
