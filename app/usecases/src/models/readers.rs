//! Who asked lately which version to run.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use domain::{
    registry::ModelName,
    time::{HOUR, Millis},
};

/// How long who asked is remembered, in ms.
const REMEMBERED: i64 = 48 * HOUR;
/// How many askers of a model are remembered.
const MOST_READERS: usize = 50;
/// The longest name of an asker that is kept, in characters.
const MAX_NAME: usize = 80;

/// Somebody who asked for the champion or a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The name of the token, and what the program calls itself.
    pub name: String,
    /// What it was answered last.
    pub version: u32,
    pub last: Millis,
    pub times: u64,
}

/// Who asked lately, in this process.
#[derive(Debug, Default)]
pub struct Readers(Mutex<BTreeMap<ModelName, Vec<Reader>>>);

impl Readers {
    pub fn note(&self, model: &ModelName, name: &str, version: u32, at: Millis) {
        let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let readers = all.entry(model.clone()).or_default();
        if let Some(reader) = readers.iter_mut().find(|r| r.name == name) {
            (reader.version, reader.last, reader.times) = (version, at, reader.times + 1);
            return;
        }
        readers.retain(|r| at.0 - r.last.0 < REMEMBERED);
        if readers.len() < MOST_READERS {
            readers.push(Reader { name, version, last: at, times: 1 });
        }
    }

    /// Those of a model, last first.
    pub fn of(&self, model: &ModelName, now: Millis) -> Vec<Reader> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut readers: Vec<Reader> = all.get(model).into_iter().flatten().cloned().collect();
        readers.retain(|r| now.0 - r.last.0 < REMEMBERED);
        readers.sort_by_key(|r| std::cmp::Reverse(r.last));
        readers
    }
}
