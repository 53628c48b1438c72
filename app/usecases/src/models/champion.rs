//! What inference servers ask: which version to run here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    Error, Result,
    registry::{Alias, ModelName, ModelVersion, RegistryModel, Stage},
    time::{HOUR, Millis},
};

use super::Models;
use super::sentences;

/// How long who asked is remembered, in ms.
const REMEMBERED: i64 = 48 * HOUR;
/// How many askers of a model are remembered.
const MOST_READERS: usize = 50;
/// The longest name of an asker that is kept, in characters.
const MAX_NAME: usize = 80;

/// The champion, or the version of a stage.
#[derive(Debug, Clone)]
pub struct ChampionAnswer {
    pub model: Arc<RegistryModel>,
    pub version: Arc<ModelVersion>,
    pub aliases: Vec<Alias>,
    /// The moment of which it is true.
    pub as_of: Millis,
    /// Why the registry was not asked since; `None` while it answers.
    pub stale: Option<domain::error::Sentence>,
    /// Moves when the answer could have changed.
    pub generation: u64,
}

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
    fn note(&self, model: &ModelName, name: &str, version: u32, at: Millis) {
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

    fn of(&self, model: &ModelName, now: Millis) -> Vec<Reader> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut readers: Vec<Reader> = all.get(model).into_iter().flatten().cloned().collect();
        readers.retain(|r| now.0 - r.last.0 < REMEMBERED);
        readers.sort_by_key(|r| std::cmp::Reverse(r.last));
        readers
    }
}

impl Models {
    /// The version that is to run: the champion, or the newest one of a stage. `reader` is what the asker calls itself; `None` for somebody who only looks.
    ///
    /// # Errors
    /// As [`Models::model`]; `NotFound` where no version is the champion or in the stage.
    pub fn champion(&self, name: &str, stage: Option<Stage>, reader: Option<&str>) -> Result<ChampionAnswer> {
        // Before the index: an answer may be newer than its number, and never older.
        let generation = self.generation();
        let model = self.model(name)?;
        let version = match stage {
            None => model.champion(),
            Some(stage) => model.in_stage(stage).next(),
        };
        let nobody = || match stage {
            None => sentences::model_without_champion(&model.name),
            Some(stage) => sentences::model_without_stage(&model.name, stage.as_str()),
        };
        let version = version.and_then(|v| model.version(v).cloned()).ok_or_else(|| Error::not_found(nobody()))?;
        let status = self.status();
        if let Some(reader) = reader {
            let name = self.actor.name().map_or_else(|| reader.to_owned(), |actor| format!("{actor} · {reader}"));
            self.shared.readers.note(&model.name, &name, version.version.number(), self.now());
        }
        Ok(ChampionAnswer {
            aliases: model.aliases_of(version.version).cloned().collect(),
            as_of: status.as_of.unwrap_or(version.updated),
            stale: status.error,
            generation,
            model,
            version,
        })
    }

    /// Who asked for the champion or a stage of a model lately, last first.
    pub(super) fn readers_of(&self, model: &ModelName) -> Vec<Reader> {
        self.shared.readers.of(model, self.now())
    }
}
