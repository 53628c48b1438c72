//! What one file knows about its places: who reported when, on which model, with which metrics. Kept with the file in the
//! manifest, so that coverage, cadence and freshness need no look into Parquet and can never disagree with the files.
//!
//! In memory an entry is one row of fixed size, and what differs in length lies in arrays of the file: a year of a large fleet
//! has millions of entries.

use std::{collections::HashMap, sync::Arc};

use datafusion::arrow::{
    array::{Array, AsArray, Float64Array, RecordBatch, StringViewArray},
    datatypes::TimestampMillisecondType,
};
use domain::{
    metric::{BUILT_IN, CATALOGUE},
    time::{DAY, MINUTE, Millis},
};
use serde::{Deserialize, Serialize};

use crate::{names::MetricNames, schema::column};

/// The index of one file.
#[derive(Debug, Clone, Default)]
pub struct FileIndex {
    /// All names in the file, each once.
    texts: Box<[Arc<str>]>,
    pub entries: Box<[Entry]>,
    /// Metrics outside of the catalogue, as `group.leaf`, sorted.
    pub custom: Box<[Arc<str>]>,
    /// Values of such metrics in the file; `None` where nobody counted.
    pub values: Option<u64>,
    /// Minutes, and places in `custom`, of all entries one after the other.
    minutes: Box<[u16]>,
    reported: Box<[u16]>,
}

/// One place with one task, model and kind, within the file's day.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub first: i64,
    /// Milliseconds between the first and the last record.
    length: u32,
    /// Customer, site, zone, task, architecture, version, kind: places in [`FileIndex::texts`], or [`NONE`].
    names: [u32; 7],
    /// Where its parts of the file's arrays begin, and how long they are.
    minutes_at: u32,
    reported_at: u32,
    minutes: u16,
    reported: u16,
    /// Bit i: metric i of the catalogue was reported.
    pub metrics: u16,
    /// Metrics were reported for which the lake had no room.
    pub beyond: bool,
}

const _: () = assert!(BUILT_IN <= 16, "Entry::metrics has 16 bits");
/// No name.
const NONE: u32 = u32::MAX;

/// An index as it is kept: JSON, compressed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    texts: Vec<Arc<str>>,
    entries: Vec<KeptEntry>,
    custom: Vec<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<u64>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct KeptEntry {
    customer: u32,
    site: Option<u32>,
    zone: Option<u32>,
    task: u32,
    architecture: Option<u32>,
    version: Option<u32>,
    kind: Option<u32>,
    metrics: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    custom: Vec<u16>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    beyond: bool,
    n: u32,
    simulated: bool,
    first: i64,
    last: i64,
    /// Minutes of the day with records, ascending.
    minutes: Vec<u16>,
}

impl Kept {
    /// Reads the index off a batch in the lake's schema.
    fn of(batch: &RecordBatch, names: &MetricNames) -> Self {
        let text = |name: &str| batch.column(column(name)).as_string_view();
        let fields: [&StringViewArray; 7] =
            ["customer", "site", "zone", "task", "model_architecture", "model_version", "experiment_type"].map(text);
        let times = batch.column(column("timestamp")).as_primitive::<TimestampMillisecondType>();
        let simulated = batch.column(column("simulated")).as_boolean();
        let metrics: Vec<&Float64Array> =
            CATALOGUE.iter().map(|m| batch.column(column(m.column)).as_primitive()).collect();
        let mut index = Self::default();
        let mut numbers: HashMap<Arc<str>, u32> = HashMap::new();
        let mut known: HashMap<[Option<u32>; 7], usize> = HashMap::new();
        let mut entry_of_row = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let key = fields.map(|f| {
                f.is_valid(row).then(|| {
                    let t = f.value(row);
                    numbers.get(t).copied().unwrap_or_else(|| {
                        let shared: Arc<str> = t.into();
                        let number = index.texts.len() as u32;
                        index.texts.push(shared.clone());
                        numbers.insert(shared, number);
                        number
                    })
                })
            });
            let at = times.value(row);
            let i = *known.entry(key).or_insert_with(|| {
                index.entries.push(KeptEntry {
                    customer: key[0].unwrap_or(0),
                    site: key[1],
                    zone: key[2],
                    task: key[3].unwrap_or(0),
                    architecture: key[4],
                    version: key[5],
                    kind: key[6],
                    first: at,
                    last: at,
                    ..KeptEntry::default()
                });
                index.entries.len() - 1
            });
            entry_of_row.push(i);
            let entry = &mut index.entries[i];
            entry.n += 1;
            entry.first = entry.first.min(at);
            entry.last = entry.last.max(at);
            entry.simulated |= simulated.is_valid(row) && simulated.value(row);
            entry.minutes.push((at.rem_euclid(DAY) / MINUTE) as u16);
            for (bit, m) in metrics.iter().enumerate() {
                entry.metrics |= u16::from(m.is_valid(row)) << bit;
            }
        }
        for e in &mut index.entries {
            e.minutes.sort_unstable();
            e.minutes.dedup();
        }
        index.note_custom(batch, &entry_of_row, names);
        index
    }

    /// Notes which entry reported which metrics outside of the catalogue, as far as the lake has room for them. Only what
    /// rows hold counts: the arrays behind a batch may hold more.
    fn note_custom(&mut self, batch: &RecordBatch, entry_of_row: &[usize], names: &MetricNames) {
        let maps = batch.column(column("metrics")).as_map();
        let keys = maps.keys().as_string::<i32>();
        let offsets = maps.value_offsets();
        let mut found: Vec<&str> = Vec::new();
        let mut numbers: HashMap<&str, Option<u16>> = HashMap::new();
        let mut values = 0;
        for (row, entry) in entry_of_row.iter().enumerate().filter(|(row, _)| maps.is_valid(*row)) {
            let entry = &mut self.entries[*entry];
            for i in offsets[row] as usize..offsets[row + 1] as usize {
                values += 1;
                let name = keys.value(i);
                let number = *numbers.entry(name).or_insert_with(|| {
                    let number = u16::try_from(found.len()).ok().filter(|_| names.admit(name))?;
                    found.push(name);
                    Some(number)
                });
                match number {
                    Some(number) => entry.custom.push(number),
                    None => entry.beyond = true,
                }
            }
        }
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_by_key(|i| found[*i]);
        let mut place = vec![0; found.len()];
        (0u16..).zip(&order).for_each(|(p, i)| place[*i] = p);
        for e in &mut self.entries {
            e.custom.iter_mut().for_each(|c| *c = place[usize::from(*c)]);
            e.custom.sort_unstable();
            e.custom.dedup();
        }
        self.custom = order.into_iter().map(|i| found[i].into()).collect();
        self.values = Some(values);
    }

    /// Whether all numbers point somewhere.
    fn is_sound(&self) -> bool {
        let (texts, custom) = (self.texts.len() as u64, self.custom.len());
        let named = |e: &KeptEntry| {
            let names = [Some(e.customer), e.site, e.zone, Some(e.task), e.architecture, e.version, e.kind];
            names.into_iter().flatten().all(|i| u64::from(i) < texts)
        };
        let of_metrics = |e: &KeptEntry| e.custom.iter().all(|c| usize::from(*c) < custom);
        self.entries.iter().all(|e| named(e) && of_metrics(e))
    }
}

impl From<Kept> for FileIndex {
    fn from(kept: Kept) -> Self {
        let mut minutes = Vec::with_capacity(kept.entries.iter().map(|e| e.minutes.len()).sum());
        let mut reported = Vec::with_capacity(kept.entries.iter().map(|e| e.custom.len()).sum());
        let put = |all: &mut Vec<u16>, own: &[u16]| {
            let at = all.len() as u32;
            all.extend(own);
            (at, own.len() as u16)
        };
        let entry = |e: &KeptEntry| {
            let (minutes_at, minutes) = put(&mut minutes, &e.minutes);
            let (reported_at, reported) = put(&mut reported, &e.custom);
            let names = [Some(e.customer), e.site, e.zone, Some(e.task), e.architecture, e.version, e.kind];
            Entry {
                first: e.first,
                length: u32::try_from(e.last.saturating_sub(e.first)).unwrap_or(0),
                names: names.map(|n| n.unwrap_or(NONE)),
                minutes_at,
                reported_at,
                minutes,
                reported,
                metrics: e.metrics,
                beyond: e.beyond,
            }
        };
        let entries = kept.entries.iter().map(entry).collect();
        Self {
            texts: kept.texts.into(),
            entries,
            custom: kept.custom.into(),
            values: kept.values,
            minutes: minutes.into(),
            reported: reported.into(),
        }
    }
}

impl FileIndex {
    /// The index of a batch in the lake's schema, as it is kept in the manifest; of metrics outside of the catalogue those
    /// that `names` admits.
    pub fn encoded(batch: &RecordBatch, names: &MetricNames) -> Vec<u8> {
        let json = serde_json::to_vec(&Kept::of(batch, names)).unwrap_or_default();
        zstd::encode_all(json.as_slice(), 3).unwrap_or_default()
    }

    /// # Errors
    /// When the bytes are no index, or one whose numbers point nowhere.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let json = zstd::decode_all(bytes).map_err(|e| e.to_string())?;
        let kept: Kept = serde_json::from_slice(&json).map_err(|e| e.to_string())?;
        if kept.is_sound() { Ok(kept.into()) } else { Err("an entry points outside of the names".into()) }
    }

    pub fn customer(&self, e: &Entry) -> &Arc<str> {
        &self.texts[e.names[0] as usize]
    }
    pub fn site(&self, e: &Entry) -> Option<&Arc<str>> {
        self.name(e, 1)
    }
    pub fn zone(&self, e: &Entry) -> Option<&Arc<str>> {
        self.name(e, 2)
    }
    pub fn task(&self, e: &Entry) -> &Arc<str> {
        &self.texts[e.names[3] as usize]
    }
    pub fn model(&self, e: &Entry) -> Option<(&Arc<str>, Option<&Arc<str>>)> {
        self.name(e, 4).map(|architecture| (architecture, self.name(e, 5)))
    }
    pub fn kind(&self, e: &Entry) -> Option<&str> {
        self.kind_text(e).map(|t| &**t)
    }
    pub fn kind_text(&self, e: &Entry) -> Option<&Arc<str>> {
        self.name(e, 6)
    }

    fn name(&self, e: &Entry, field: usize) -> Option<&Arc<str>> {
        self.texts.get(e.names[field] as usize)
    }

    /// Minutes of the day with records, ascending.
    pub fn minutes(&self, e: &Entry) -> &[u16] {
        part(&self.minutes, e.minutes_at, e.minutes)
    }

    /// Metrics outside of the catalogue that were reported, as places in [`FileIndex::custom`].
    pub fn reported(&self, e: &Entry) -> &[u16] {
        part(&self.reported, e.reported_at, e.reported)
    }

    /// Whether any entry has metrics for which there was no room.
    pub fn has_beyond(&self) -> bool {
        self.entries.iter().any(|e| e.beyond)
    }

    /// The newest moment in the entry before `at`, to the minute when `at` lies within the entry's day.
    pub fn newest_before(&self, e: &Entry, at: Millis, day_start: Millis) -> Option<Millis> {
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

impl Entry {
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
    use domain::{ports::Arrival, record::Record};

    use super::*;
    use crate::schema::{Numbered, to_batch};

    const NOW: Millis = Millis(1_782_820_800_000);

    /// A batch with a record a line, each with these custom metrics.
    fn batch(rows: &[(&str, &[&str])]) -> RecordBatch {
        let arrivals: Vec<Arrival> = rows
            .iter()
            .zip(0i64..)
            .map(|((zone, metrics), i)| {
                let custom: serde_json::Map<_, _> = metrics.iter().map(|m| ((*m).to_owned(), 1.5.into())).collect();
                let record = serde_json::json!({
                    "timestamp": NOW.plus(-i * 90_000).to_string(), "customer": "acme", "site": "s", "zone": zone,
                    "task": "detection", "detection": {"mAP50": 0.5}, "custom": custom,
                });
                let serde_json::Value::Object(record) = record else { unreachable!() };
                Arrival { record: Record::parse(record, NOW).unwrap(), line: 1 }
            })
            .collect();
        let numbered: Vec<Numbered<'_>> =
            arrivals.iter().zip(1..).map(|(arrival, seq)| Numbered { arrival, seq, batch: 0, source: "t" }).collect();
        to_batch(&numbered, NOW).unwrap()
    }

    fn names(cap: usize, all: &[&str]) -> MetricNames {
        let mut names = MetricNames::new(cap);
        all.iter().for_each(|n| names.note(&format!("custom.{n}"), false));
        names
    }

    fn of_zone<'i>(index: &'i FileIndex, zone: &str) -> (Vec<&'i str>, bool, usize) {
        let e = index.entries.iter().find(|e| index.zone(e).is_some_and(|z| &**z == zone)).unwrap();
        let reported = index.reported(e).iter().map(|i| &*index.custom[usize::from(*i)]).collect();
        (reported, e.beyond, index.minutes(e).len())
    }

    #[test]
    fn an_index_names_the_metrics_of_its_rows_and_no_others() {
        let all = batch(&[("a", &["x", "y"]), ("b", &["z"]), ("a", &["y"]), ("c", &["late", "z"])]);
        let names = names(3, &["z", "y", "x", "late"]);
        let index = |batch: &RecordBatch| FileIndex::decode(&FileIndex::encoded(batch, &names)).unwrap();
        let whole = index(&all);
        assert_eq!(whole.custom.iter().map(|c| &**c).collect::<Vec<_>>(), ["custom.x", "custom.y", "custom.z"]);
        assert_eq!(whole.values, Some(6));
        assert_eq!(of_zone(&whole, "a"), (vec!["custom.x", "custom.y"], false, 2));
        assert_eq!(of_zone(&whole, "b"), (vec!["custom.z"], false, 1));
        assert_eq!(of_zone(&whole, "c"), (vec!["custom.z"], true, 1));
        // A part of a batch shares its arrays with the whole, and does not take over its names.
        let part = index(&all.slice(1, 1));
        assert_eq!(part.custom.iter().map(|c| &**c).collect::<Vec<_>>(), ["custom.z"]);
        assert_eq!((part.values, part.entries.len(), part.has_beyond()), (Some(1), 1, false));
    }

    #[test]
    fn indexes_of_older_versions_are_read() {
        let json = r#"{"texts":["acme","detection","s"],"entries":[{"customer":0,"site":2,"zone":null,"task":1,
            "architecture":null,"version":null,"kind":null,"metrics":1,"custom":[0],"n":2,"simulated":false,
            "first":1782820680000,"last":1782820740000,"minutes":[718,719]}],"custom":["custom.mse"]}"#;
        let index = FileIndex::decode(&zstd::encode_all(json.as_bytes(), 1).unwrap()).unwrap();
        let e = &index.entries[0];
        assert_eq!((&**index.customer(e), index.site(e).map(|s| &**s), index.zone(e)), ("acme", Some("s"), None));
        assert_eq!((e.last(), index.minutes(e), index.values), (1_782_820_740_000, &[718, 719][..], None));
        assert_eq!(index.newest_before(e, Millis(e.last()), Millis(e.first - 718 * MINUTE)), Some(Millis(e.first)));
        for bad in [json.replace("\"custom\":[0]", "\"custom\":[1]"), json.replace("\"task\":1", "\"task\":3")] {
            assert!(FileIndex::decode(&zstd::encode_all(bad.as_bytes(), 1).unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_entry_in_memory_is_small() {
        assert!(size_of::<Entry>() <= 56, "{}", size_of::<Entry>());
    }
}
