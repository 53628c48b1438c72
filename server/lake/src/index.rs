//! What one file knows about its places: who reported when, on which model, with which metrics. Kept with the file in the
//! manifest, so that coverage, cadence and freshness need no look into Parquet and can never disagree with the files. How it
//! is held in memory is in `held`.

mod union;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use arrow::{
    array::{Array, AsArray, Float64Array, RecordBatch, StringViewArray},
    datatypes::{Int64Type, TimestampMillisecondType},
};
use domain::{
    metric::{BUILT_IN_COUNT, CATALOGUE},
    time::{DAY, MINUTE},
};
use serde::{Deserialize, Serialize};

use crate::{names::MetricNames, schema::column_index};

/// The index of one file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FileIndex {
    /// All names in the file, each once.
    pub texts: Vec<Arc<str>>,
    pub entries: Vec<Entry>,
    /// Metrics outside of the catalogue, as `group.leaf`, sorted: those below the limit.
    pub custom: Vec<String>,
    /// Which entries' records name which devices, as places in `entries` and in `texts`; absent from the indexes of files
    /// that were written before this was noted.
    #[serde(default)]
    pub devices: Option<Vec<(u32, u32)>>,
    /// Sources of the newest records. None in files written before there was this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Arc<str>>,
    /// How many values of metrics outside of the catalogue the file has; `None` where nobody counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<u64>,
    /// Whether entries tell registered models apart; those of files from before there was this do not.
    #[serde(default)]
    pub registered: bool,
}

/// The columns that make an entry's key.
const KEY: [&str; 9] = [
    "customer",
    "site",
    "zone",
    "task",
    "model_architecture",
    "model_version",
    "experiment_type",
    "registered_model",
    "registered_version",
];

/// Numbers of texts.
pub type EntryKey = [Option<u32>; KEY.len()];

/// One place with one task, model and kind, within the file's day. Numbers point into `texts`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Entry {
    pub customer: u32,
    pub site: Option<u32>,
    pub zone: Option<u32>,
    pub task: u32,
    pub architecture: Option<u32>,
    pub version: Option<u32>,
    pub kind: Option<u32>,
    /// The registered model and its version, where records name them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_model: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_version: Option<u32>,
    /// Bit i: metric i of the catalogue was reported.
    pub metrics: u16,
    /// Metrics outside of the catalogue that were reported, as places in [`FileIndex::custom`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom: Vec<u16>,
    /// Metrics were reported over the limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beyond: bool,
    pub n: u32,
    pub simulated: bool,
    pub first: i64,
    pub last: i64,
    /// Where the newest record came from, as a place in [`FileIndex::sources`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<u32>,
    /// Minutes of the day with records, ascending.
    pub minutes: Vec<u16>,
}

const _: () = assert!(BUILT_IN_COUNT <= 16, "Entry::metrics has 16 bits");

impl Entry {
    /// What tells it from others of its file, in the order of [`KEY`].
    pub fn key(&self) -> EntryKey {
        let place = [Some(self.customer), self.site, self.zone, Some(self.task)];
        let [customer, site, zone, task] = place;
        let tags = (self.architecture, self.version, self.kind);
        [customer, site, zone, task, tags.0, tags.1, tags.2, self.registered_model, self.registered_version]
    }

    /// The same under another key.
    fn keyed(self, key: EntryKey) -> Self {
        let [customer, site, zone, task, architecture, version, kind, registered_model, registered_version] = key;
        let (customer, task) = (customer.unwrap_or(0), task.unwrap_or(0));
        Self { customer, site, zone, task, architecture, version, kind, registered_model, registered_version, ..self }
    }
}

impl FileIndex {
    /// Reads the index off a batch in the lake's schema; of metrics outside of the catalogue it names those that `names` admits.
    pub fn of(batch: &RecordBatch, names: &MetricNames) -> Self {
        let text = |name: &str| batch.column(column_index(name)).as_string_view();
        let fields: [&StringViewArray; KEY.len()] = KEY.map(text);
        let device = text("device");
        let times = batch.column(column_index("timestamp")).as_primitive::<TimestampMillisecondType>();
        let simulated = batch.column(column_index("simulated")).as_boolean();
        let metrics: Vec<&Float64Array> =
            CATALOGUE.iter().map(|m| batch.column(column_index(m.column)).as_primitive()).collect();
        let mut index = Self { registered: true, ..Self::default() };
        let mut numbers: HashMap<Arc<str>, u32> = HashMap::new();
        let mut known: HashMap<EntryKey, usize> = HashMap::new();
        let mut devices = BTreeSet::new();
        let mut entry_of_row = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let mut number = |f: &StringViewArray| {
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
            };
            let (key, device) = (fields.map(&mut number), number(device));
            let at = times.value(row);
            let i = *known.entry(key).or_insert_with(|| {
                index.entries.push(Entry { first: at, last: at, ..Entry::default() }.keyed(key));
                index.entries.len() - 1
            });
            entry_of_row.push(i);
            devices.extend(device.map(|d| (i as u32, d)));
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
        index.devices = Some(devices.into_iter().collect());
        index.note_custom(batch, &entry_of_row, names);
        index.note_sources(batch, &entry_of_row);
        index
    }

    /// Notes from which source the newest record of each entry came; of several at the same moment, the last arrival.
    fn note_sources(&mut self, batch: &RecordBatch, entry_of_row: &[usize]) {
        let times = batch.column(column_index("timestamp")).as_primitive::<TimestampMillisecondType>();
        let seqs = batch.column(column_index("seq")).as_primitive::<Int64Type>();
        let from = batch.column(column_index("source")).as_string_view();
        let mut newest = vec![((i64::MIN, i64::MIN), 0); self.entries.len()];
        for (row, entry) in entry_of_row.iter().enumerate() {
            newest[*entry] = newest[*entry].max(((times.value(row), seqs.value(row)), row));
        }
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        for (e, (_, row)) in self.entries.iter_mut().zip(newest).filter(|(_, (_, row))| from.is_valid(*row)) {
            let name = from.value(row);
            e.source = Some(*numbers.entry(name).or_insert_with(|| {
                self.sources.push(name.into());
                self.sources.len() as u32 - 1
            }));
        }
    }

    /// Notes which entry reported which metrics outside of the catalogue, as far as they are below the limit. Only what
    /// rows hold counts: the arrays behind a batch may hold more.
    fn note_custom(&mut self, batch: &RecordBatch, entry_of_row: &[usize], names: &MetricNames) {
        let maps = batch.column(column_index("metrics")).as_map();
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
                    let number = u16::try_from(found.len()).ok().filter(|_| names.is_admitted(name))?;
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
        self.custom = order.into_iter().map(|i| found[i].to_owned()).collect();
        self.values = Some(values);
    }

    /// As stored in the manifest: JSON, compressed.
    pub fn encode(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        zstd::encode_all(json.as_slice(), 3).unwrap_or_default()
    }

    /// # Errors
    /// When the bytes are no index, or one whose numbers point nowhere.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let json = zstd::decode_all(bytes).map_err(|e| e.to_string())?;
        let index: Self = serde_json::from_slice(&json).map_err(|e| e.to_string())?;
        let n = index.texts.len() as u32;
        let sound = index.entries.iter().all(|e| {
            e.key().iter().flatten().all(|i| *i < n)
                && e.source.is_none_or(|i| (i as usize) < index.sources.len())
                && e.custom.iter().all(|c| usize::from(*c) < index.custom.len())
        });
        let entries = index.entries.len() as u32;
        let sound = sound && index.devices.iter().flatten().all(|(entry, text)| *entry < entries && *text < n);
        if sound { Ok(index) } else { Err("an entry points outside of the names".into()) }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]
mod tests {
    use domain::{ports::ReceivedRecord, record::Record, time::Millis};

    use super::*;
    use crate::schema::{SequencedRecord, to_batch};

    const NOW: Millis = Millis(1_782_820_800_000);

    /// A batch with a record a line, each with these custom metrics.
    fn batch(rows: &[(&str, &[&str])]) -> RecordBatch {
        let arrivals: Vec<ReceivedRecord> = rows
            .iter()
            .zip(0i64..)
            .map(|((zone, metrics), i)| {
                let custom: serde_json::Map<_, _> = metrics.iter().map(|m| ((*m).to_owned(), 1.5.into())).collect();
                let record = serde_json::json!({
                    "timestamp": NOW.plus(-i * 90_000).to_string(), "customer": "acme", "site": "s", "zone": zone,
                    "task": "detection", "detection": {"mAP50": 0.5}, "custom": custom,
                });
                let serde_json::Value::Object(record) = record else { unreachable!() };
                ReceivedRecord { record: Record::parse(record, NOW).unwrap(), line: 1 }
            })
            .collect();
        let numbered: Vec<SequencedRecord<'_>> = arrivals
            .iter()
            .zip(1..)
            .map(|(arrival, seq)| SequencedRecord { arrival, seq, batch: 0, source: "t" })
            .collect();
        to_batch(&numbered, NOW).unwrap()
    }

    fn names(cap: usize, all: &[&str]) -> MetricNames {
        let mut names = MetricNames::new(cap);
        all.iter().for_each(|n| names.add(&format!("custom.{n}"), false));
        names
    }

    fn of_zone<'i>(index: &'i FileIndex, zone: &str) -> (Vec<&'i str>, bool, usize) {
        let e = index.entries.iter().find(|e| e.zone.is_some_and(|z| &*index.texts[z as usize] == zone)).unwrap();
        let reported = e.custom.iter().map(|i| &*index.custom[usize::from(*i)]).collect();
        (reported, e.beyond, e.minutes.len())
    }

    #[test]
    fn an_index_names_the_metrics_of_its_rows_and_no_others() {
        let all = batch(&[("a", &["x", "y"]), ("b", &["z"]), ("a", &["y"]), ("c", &["late", "z"])]);
        let names = names(3, &["z", "y", "x", "late"]);
        let index = |batch: &RecordBatch| FileIndex::decode(&FileIndex::of(batch, &names).encode()).unwrap();
        let whole = index(&all);
        assert_eq!(whole.custom, ["custom.x", "custom.y", "custom.z"]);
        assert_eq!(whole.values, Some(6));
        assert_eq!(of_zone(&whole, "a"), (vec!["custom.x", "custom.y"], false, 2));
        assert_eq!(of_zone(&whole, "b"), (vec!["custom.z"], false, 1));
        assert_eq!(of_zone(&whole, "c"), (vec!["custom.z"], true, 1));
        // A part of a batch shares its arrays with the whole, and does not take over its names.
        let part = index(&all.slice(1, 1));
        assert_eq!(part.custom, ["custom.z"]);
        assert_eq!((part.values, part.entries.len(), part.entries[0].beyond), (Some(1), 1, false));
    }

    #[test]
    fn an_index_from_before_devices_were_noted_is_read_and_one_that_points_nowhere_is_not() {
        let entry = r#"{"customer":0,"site":null,"zone":null,"task":1,"architecture":null,"version":null,"kind":null,
                        "metrics":1,"n":1,"simulated":false,"first":0,"last":0,"minutes":[0]}"#;
        let read = |more: &str| {
            let json = format!(r#"{{"texts":["acme","detection","orin"],"entries":[{entry}],"custom":[]{more}}}"#);
            FileIndex::decode(&zstd::encode_all(json.as_bytes(), 3).expect("compressed"))
        };
        let before = read("").expect("an index");
        assert!(before.entries.len() == 1 && before.devices.is_none());
        let now = read(r#","devices":[[0,2]]"#).expect("an index");
        let now = crate::loaded_index::LoadedIndex::from(now);
        let told = now.devices().map(|d| d.map(|(entry, device)| (entry, device.to_string())).collect::<Vec<_>>());
        assert_eq!(told, Some(vec![(0, "orin".to_owned())]));
        assert!(read(r#","devices":[[1,2]]"#).is_err() && read(r#","devices":[[0,3]]"#).is_err());
    }
}
