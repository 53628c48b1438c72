//! What one file knows about its places: who reported when, on which model, with which metrics. Kept with the file in the
//! manifest, so that coverage, cadence and freshness need no look into Parquet and can never disagree with the files.

mod union;

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

use crate::schema::column;

/// The index of one file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FileIndex {
    /// All names in the file, each once.
    texts: Vec<Arc<str>>,
    pub entries: Vec<Entry>,
    /// Metrics outside of the catalogue, as `group.leaf`.
    pub custom: Vec<String>,
}

/// One place with one task, model and kind, within the file's day. Numbers point into `texts`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    customer: u32,
    site: Option<u32>,
    zone: Option<u32>,
    task: u32,
    architecture: Option<u32>,
    version: Option<u32>,
    kind: Option<u32>,
    /// Bit i: metric i of the catalogue was reported.
    pub metrics: u16,
    /// Metrics outside of the catalogue that were reported, as places in [`FileIndex::custom`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom: Vec<u16>,
    pub n: u32,
    pub simulated: bool,
    pub first: i64,
    pub last: i64,
    /// Minutes of the day with records, ascending.
    pub minutes: Vec<u16>,
}

const _: () = assert!(BUILT_IN <= 16, "Entry::metrics has 16 bits");

impl Entry {
    /// The newest moment in the entry before `at`, to the minute when `at` lies within the entry's day.
    pub fn newest_before(&self, at: Millis, day_start: Millis) -> Option<Millis> {
        if self.last < at.0 {
            return Some(Millis(self.last));
        }
        let minute = (at.0 - day_start.0).div_euclid(MINUTE);
        let count = self.minutes.partition_point(|m| i64::from(*m) < minute);
        count.checked_sub(1).map(|i| Millis(day_start.0 + i64::from(self.minutes[i]) * MINUTE))
    }
}

impl FileIndex {
    /// Reads the index off a batch in the lake's schema.
    pub fn of(batch: &RecordBatch) -> Self {
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
                index.entries.push(Entry {
                    customer: key[0].unwrap_or(0),
                    site: key[1],
                    zone: key[2],
                    task: key[3].unwrap_or(0),
                    architecture: key[4],
                    version: key[5],
                    kind: key[6],
                    metrics: 0,
                    custom: Vec::new(),
                    n: 0,
                    simulated: false,
                    first: at,
                    last: at,
                    minutes: Vec::new(),
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
        index.note_custom(batch, &entry_of_row);
        index
    }

    /// Notes which entry reported which metrics outside of the catalogue.
    fn note_custom(&mut self, batch: &RecordBatch, entry_of_row: &[usize]) {
        let maps = batch.column(column("metrics")).as_map();
        if maps.null_count() == maps.len() {
            return;
        }
        let keys = maps.keys().as_string::<i32>();
        self.custom = keys.iter().flatten().map(str::to_owned).collect();
        self.custom.sort();
        self.custom.dedup();
        let offsets = maps.value_offsets();
        for (row, entry) in entry_of_row.iter().enumerate().filter(|(row, _)| maps.is_valid(*row)) {
            let custom = &mut self.entries[*entry].custom;
            for i in offsets[row] as usize..offsets[row + 1] as usize {
                if let Ok(number) = self.custom.binary_search_by(|c| c.as_str().cmp(keys.value(i))) {
                    custom.push(number as u16);
                }
            }
        }
        for e in &mut self.entries {
            e.custom.sort_unstable();
            e.custom.dedup();
        }
    }

    pub fn customer(&self, e: &Entry) -> &Arc<str> {
        &self.texts[e.customer as usize]
    }
    pub fn site(&self, e: &Entry) -> Option<&Arc<str>> {
        e.site.map(|i| &self.texts[i as usize])
    }
    pub fn zone(&self, e: &Entry) -> Option<&Arc<str>> {
        e.zone.map(|i| &self.texts[i as usize])
    }
    pub fn task(&self, e: &Entry) -> &Arc<str> {
        &self.texts[e.task as usize]
    }
    pub fn model(&self, e: &Entry) -> Option<(&Arc<str>, Option<&Arc<str>>)> {
        e.architecture.map(|a| (&self.texts[a as usize], e.version.map(|v| &self.texts[v as usize])))
    }
    pub fn kind(&self, e: &Entry) -> Option<&str> {
        self.kind_text(e).map(|t| &**t)
    }
    pub fn kind_text(&self, e: &Entry) -> Option<&Arc<str>> {
        e.kind.map(|i| &self.texts[i as usize])
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
            [Some(e.customer), e.site, e.zone, Some(e.task), e.architecture, e.version, e.kind]
                .iter()
                .flatten()
                .all(|i| *i < n)
        });
        if sound { Ok(index) } else { Err("an entry points outside of the names".into()) }
    }
}
