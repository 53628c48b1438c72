//! The index of a file as it is held in memory. An entry is a row of fixed size, and what differs in length lies in arrays of
//! the file: a quarter of a large fleet has half a million entries, and all of them are there all the time.

use std::sync::Arc;

use domain::{
    model::{ModelKey, RegisteredModel},
    scope::Model,
    text::Name,
    time::{MINUTE, Millis},
};

use crate::index::{Entry, FileIndex};

/// The index of one file.
#[derive(Debug, Clone, Default)]
pub struct LoadedIndex {
    /// All names in the file, each once.
    texts: Box<[Arc<str>]>,
    pub entries: Box<[LoadedEntry]>,
    /// Metrics outside of the catalogue, as `group.leaf`, sorted.
    pub custom: Box<[String]>,
    /// Values of such metrics in the file; `None` where nobody counted.
    pub values: Option<u64>,
    /// As in [`FileIndex`]: which entries' records name which devices.
    devices: Option<Box<[(u32, u32)]>>,
    /// As in [`FileIndex`]: whether entries tell registered models apart.
    pub registered: bool,
    /// What entries name as their model, each once: architecture, version, registered model and version.
    models: Box<[[u32; 4]]>,
    /// Sources of the newest records.
    sources: Box<[Arc<str>]>,
    /// Minutes, and places in `custom`, of all entries one after the other.
    minutes: Box<[u16]>,
    reported: Box<[u16]>,
}

/// One place with one task, model and kind, within the file's day.
#[derive(Debug, Clone, Copy)]
pub struct LoadedEntry {
    pub first: i64,
    /// Milliseconds between the first and the last record.
    length: u32,
    pub n: u32,
    /// Customer, site, zone, task, kind: places in [`LoadedIndex::texts`], or [`NO_NAME`].
    names: [u32; 5],
    /// Its place in [`LoadedIndex::models`].
    model: u32,
    /// Where the newest record came from, as a place in [`LoadedIndex::sources`], or [`NO_NAME`].
    source: u32,
    /// Where its parts of the file's arrays begin, and how long they are.
    minutes_at: u32,
    reported_at: u32,
    minutes: u16,
    reported: u16,
    /// Bit i: metric i of the catalogue was reported.
    pub metrics: u16,
    /// Metrics were reported over the limit.
    pub beyond: bool,
    pub simulated: bool,
}

/// A model as records name it: registered, or by its tags.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelFieldTexts {
    pub registered: bool,
    pub name: Arc<str>,
    pub version: Option<Arc<str>>,
}

impl ModelFieldTexts {
    /// The model; `None` for texts that are no names any more.
    pub fn key(&self) -> Option<ModelKey> {
        let name = Name::parse_stored(&self.name).ok()?;
        let version = self.version.as_ref().and_then(|v| Name::parse_stored(v).ok());
        Some(match self.registered {
            true => ModelKey::Registered(RegisteredModel { name, version }),
            false => ModelKey::Tagged(Model { architecture: name, version }),
        })
    }
}

/// A name and its version.
pub type NameAndVersion<'a> = (Option<&'a Arc<str>>, Option<&'a Arc<str>>);

/// No name.
const NO_NAME: u32 = u32::MAX;

impl From<FileIndex> for LoadedIndex {
    fn from(index: FileIndex) -> Self {
        let mut minutes = Vec::with_capacity(index.entries.iter().map(|e| e.minutes.len()).sum());
        let mut reported = Vec::with_capacity(index.entries.iter().map(|e| e.custom.len()).sum());
        let put = |all: &mut Vec<u16>, own: &[u16]| {
            let at = all.len() as u32;
            all.extend(own);
            (at, own.len() as u16)
        };
        let (mut models, mut numbers) = (vec![], std::collections::HashMap::new());
        let entry = |e: &Entry| {
            let (minutes_at, minutes) = put(&mut minutes, &e.minutes);
            let (reported_at, reported) = put(&mut reported, &e.custom);
            let [customer, site, zone, task, architecture, version, kind, registered, registered_version] = e.key();
            let names = [customer, site, zone, task, kind];
            let named = [architecture, version, registered, registered_version].map(|n| n.unwrap_or(NO_NAME));
            let model = *numbers.entry(named).or_insert_with(|| {
                models.push(named);
                models.len() as u32 - 1
            });
            LoadedEntry {
                first: e.first,
                length: u32::try_from(e.last.saturating_sub(e.first)).unwrap_or(0),
                n: e.n,
                names: names.map(|n| n.unwrap_or(NO_NAME)),
                model,
                source: e.source.unwrap_or(NO_NAME),
                minutes_at,
                reported_at,
                minutes,
                reported,
                metrics: e.metrics,
                beyond: e.beyond,
                simulated: e.simulated,
            }
        };
        Self {
            entries: index.entries.iter().map(entry).collect(),
            texts: index.texts.into(),
            custom: index.custom.into(),
            values: index.values,
            devices: index.devices.map(Into::into),
            registered: index.registered,
            models: models.into(),
            sources: index.sources.into(),
            minutes: minutes.into(),
            reported: reported.into(),
        }
    }
}

impl From<&LoadedIndex> for FileIndex {
    fn from(held: &LoadedIndex) -> Self {
        let entry = |e: &LoadedEntry| {
            let some = |n: u32| Some(n).filter(|n| *n != NO_NAME);
            let name = |field: usize| some(e.names[field]);
            let [architecture, version, registered_model, registered_version] = held.models[e.model as usize].map(some);
            Entry {
                customer: e.names[0],
                site: name(1),
                zone: name(2),
                task: e.names[3],
                architecture,
                version,
                kind: name(4),
                registered_model,
                registered_version,
                metrics: e.metrics,
                custom: held.reported(e).to_vec(),
                beyond: e.beyond,
                n: e.n,
                simulated: e.simulated,
                first: e.first,
                last: e.last(),
                source: Some(e.source).filter(|s| *s != NO_NAME),
                minutes: held.minutes(e).to_vec(),
            }
        };
        Self {
            texts: held.texts.to_vec(),
            entries: held.entries.iter().map(entry).collect(),
            custom: held.custom.to_vec(),
            values: held.values,
            devices: held.devices.as_ref().map(|d| d.to_vec()),
            sources: held.sources.to_vec(),
            registered: held.registered,
        }
    }
}

impl LoadedIndex {
    /// All names in the file, and those of its metrics outside of the catalogue below the limit.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|t| &**t).chain(self.custom.iter().map(String::as_str))
    }

    /// Entries, by their place in `entries`, with the devices that their records name; `None` where that was not noted.
    pub fn devices(&self) -> Option<impl Iterator<Item = (usize, &Arc<str>)>> {
        let all = self.devices.as_ref()?;
        Some(all.iter().map(|(entry, text)| (*entry as usize, &self.texts[*text as usize])))
    }

    /// The source of an entry's newest record, where it is known.
    pub fn source(&self, e: &LoadedEntry) -> Option<&str> {
        self.sources.get(e.source as usize).map(|s| &**s)
    }

    pub fn customer(&self, e: &LoadedEntry) -> &Arc<str> {
        &self.texts[e.names[0] as usize]
    }
    pub fn site(&self, e: &LoadedEntry) -> Option<&Arc<str>> {
        self.name(e, 1)
    }
    pub fn zone(&self, e: &LoadedEntry) -> Option<&Arc<str>> {
        self.name(e, 2)
    }
    pub fn task(&self, e: &LoadedEntry) -> &Arc<str> {
        &self.texts[e.names[3] as usize]
    }
    /// The model that the entry's records name.
    pub fn model(&self, e: &LoadedEntry) -> Option<ModelFieldTexts> {
        let [tags, registered] = self.named(e);
        let text = |(name, version): NameAndVersion<'_>, registered| {
            Some(ModelFieldTexts { registered, name: Arc::clone(name?), version: version.cloned() })
        };
        text(registered, true).or_else(|| text(tags, false))
    }
    /// The tags of the entry's records, whatever model that is.
    pub fn tags(&self, e: &LoadedEntry) -> NameAndVersion<'_> {
        self.named(e)[0]
    }
    /// Names and versions: by tags, and as registered.
    fn named(&self, e: &LoadedEntry) -> [NameAndVersion<'_>; 2] {
        let [a, b, c, d] = self.models[e.model as usize].map(|n| self.texts.get(n as usize));
        [(a, b), (c, d)]
    }
    pub fn kind(&self, e: &LoadedEntry) -> Option<&str> {
        self.kind_text(e).map(|t| &**t)
    }
    pub fn kind_text(&self, e: &LoadedEntry) -> Option<&Arc<str>> {
        self.name(e, 4)
    }

    fn name(&self, e: &LoadedEntry, field: usize) -> Option<&Arc<str>> {
        self.texts.get(e.names[field] as usize)
    }

    /// Minutes of the day with records, ascending.
    pub fn minutes(&self, e: &LoadedEntry) -> &[u16] {
        part(&self.minutes, e.minutes_at, e.minutes)
    }

    /// Metrics outside of the catalogue that were reported, as places in [`LoadedIndex::custom`].
    pub fn reported(&self, e: &LoadedEntry) -> &[u16] {
        part(&self.reported, e.reported_at, e.reported)
    }

    /// Whether any entry has metrics over the limit.
    pub fn has_metrics_over_limit(&self) -> bool {
        self.entries.iter().any(|e| e.beyond)
    }

    /// The newest moment in the entry before `at`, to the minute when `at` lies within the entry's day.
    pub fn newest_before(&self, e: &LoadedEntry, at: Millis, day_start: Millis) -> Option<Millis> {
        let last = e.last();
        if last < at.0 {
            return Some(Millis(last));
        }
        let minutes = self.minutes(e);
        let minute = (at.0 - day_start.0).div_euclid(MINUTE);
        let count = minutes.partition_point(|m| i64::from(*m) < minute);
        count.checked_sub(1).map(|i| Millis(day_start.0 + i64::from(minutes[i]) * MINUTE))
    }
}

impl LoadedEntry {
    /// The moment of the newest record.
    pub fn last(&self) -> i64 {
        self.first + i64::from(self.length)
    }
}

fn part(all: &[u16], at: u32, n: u16) -> &[u16] {
    all.get(at as usize..at as usize + usize::from(n)).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]
mod tests {
    use super::*;

    const OLD: &str = r#"{"texts":["acme","detection","s"],"entries":[{"customer":0,"site":2,"zone":null,"task":1,
        "architecture":null,"version":null,"kind":null,"metrics":1,"custom":[0],"n":2,"simulated":false,
        "first":1782820680000,"last":1782820740000,"minutes":[718,719]}],"custom":["custom.mse"]}"#;
    /// What younger indexes say besides.
    const NEW: [(&str, &str); 2] = [
        (r#""custom":["custom.mse"]"#, r#""custom":["custom.mse"],"values":2,"devices":[[0,0]],"sources":["a","b"]"#),
        (r#""n":2"#, r#""n":2,"beyond":true,"source":1"#),
    ];

    fn decoded(json: &str) -> Result<FileIndex, String> {
        FileIndex::decode(&zstd::encode_all(json.as_bytes(), 1).unwrap())
    }

    #[test]
    fn an_index_of_an_older_version_says_in_memory_what_it_says_in_the_manifest() {
        let kept = decoded(OLD).unwrap();
        let held = LoadedIndex::from(kept.clone());
        let e = &held.entries[0];
        assert_eq!((&**held.customer(e), held.site(e).map(|s| &**s), held.zone(e)), ("acme", Some("s"), None));
        assert_eq!((e.last(), held.minutes(e), held.reported(e)), (1_782_820_740_000, &[718, 719][..], &[0][..]));
        assert_eq!(held.newest_before(e, Millis(e.last()), Millis(e.first - 718 * MINUTE)), Some(Millis(e.first)));
        assert_eq!(held.newest_before(e, Millis(e.first), Millis(e.first - 718 * MINUTE)), None);
        assert_eq!(format!("{:?}", FileIndex::from(&held)), format!("{kept:?}"), "nothing is lost");
        for bad in [OLD.replace("\"custom\":[0]", "\"custom\":[1]"), OLD.replace("\"task\":1", "\"task\":3")] {
            assert!(decoded(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn devices_and_sources_are_held_as_they_are_kept() {
        let kept = decoded(&NEW.iter().fold(OLD.to_owned(), |json, (old, new)| json.replace(old, new))).unwrap();
        let held = LoadedIndex::from(kept.clone());
        let devices: Vec<_> = held.devices().unwrap().map(|(entry, device)| (entry, &**device)).collect();
        assert_eq!((devices, held.source(&held.entries[0])), (vec![(0, "acme")], Some("b")));
        assert_eq!(held.names().collect::<Vec<_>>(), ["acme", "detection", "s", "custom.mse"]);
        assert_eq!(format!("{:?}", FileIndex::from(&held)), format!("{kept:?}"), "nothing is lost");
        let old = LoadedIndex::from(decoded(OLD).unwrap());
        assert!(old.devices().is_none() && old.source(&old.entries[0]).is_none());
    }

    #[test]
    fn an_entry_in_memory_is_small() {
        assert!(size_of::<LoadedEntry>() <= 64, "{}", size_of::<LoadedEntry>());
    }
}
