//! What inference servers ask: which version to run here.

use std::sync::Arc;

use domain::{
    Error, Result,
    registry::{Alias, LoggedEvent, ModelName, ModelVersion, RegistryModel, Stage},
    time::Millis,
};

use super::{Models, readers::Reader, sentences};

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

    /// What changed each model last, as far as the log knows.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not see models; `Unavailable` when it cannot be read.
    pub async fn last_changes(&self) -> Result<Vec<LoggedEvent>> {
        self.may_read()?;
        self.log().last_standings().await
    }

    /// Who asked for the champion or a stage of a model lately, last first.
    pub(super) fn readers_of(&self, model: &ModelName) -> Vec<Reader> {
        self.shared.readers.of(model, self.now())
    }
}
