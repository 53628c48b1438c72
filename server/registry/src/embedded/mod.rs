//! Our own registry of models, for whoever has no MLflow: models in the database of the state, files in a folder of the data folder or among
//! the artifacts of a run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use domain::{
    error::{Error, ErrorKind, Result, Sentence},
    ports::{ArtifactBody, Clock, EmbeddedModels, ModelRegistry, NewVersion, RegistryKind, RunCatalog},
    registry::{Alias, ModelName, ModelVersion, RegistryModel, Stage, Version},
    scope::clip_text,
    tracking::{ArtifactEntry, ArtifactPath, ByteRange, RunId},
};

use crate::local::{artifacts::RunArtifacts, blocking};

mod sentences {
    include!(concat!(env!("OUT_DIR"), "/embedded/sentences.rs"));
}

/// Sources of versions whose files are in the folder of the registry begin so; a [`FolderId`] follows.
const FOLDER: &str = "folder:";

/// The name of a folder with the files of a version: 32 hexadecimal digits, made at random.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderId(String);

impl FolderId {
    /// # Errors
    /// `Unavailable` when the operating system gives no random numbers.
    pub fn random() -> Result<Self> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(|e| Error::unavailable(sentences::no_random_numbers()).with_detail(e))?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bytes))))
    }

    fn parse(text: &str) -> Option<Self> {
        (text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
            .then(|| Self(text.to_owned()))
    }

    /// As the source of a version names it.
    #[must_use]
    pub fn source(&self) -> String {
        format!("{FOLDER}{}", self.0)
    }

    /// Its place below the folder of the registry.
    #[must_use]
    pub fn path(&self, root: &Path) -> PathBuf {
        root.join(&self.0)
    }
}

/// Where the files of a version are.
enum Source {
    Folder(FolderId),
    Run(RunId, ArtifactPath),
    /// At an address of somebody else's.
    Elsewhere,
}

fn source_of(source: &str) -> Source {
    if let Some(id) = source.strip_prefix(FOLDER).and_then(FolderId::parse) {
        return Source::Folder(id);
    }
    let run = source.strip_prefix("runs:/").and_then(|rest| {
        let (run, path) = rest.split_once('/').unwrap_or((rest, ""));
        Some(Source::Run(RunId::parse(run).ok()?, ArtifactPath::parse(path).ok()?))
    });
    run.unwrap_or(Source::Elsewhere)
}

/// The registry of the database.
pub struct EmbeddedRegistry {
    models: Arc<dyn EmbeddedModels>,
    clock: Arc<dyn Clock>,
    /// Holds a folder a version.
    folder: PathBuf,
    address: String,
    runs: Option<Arc<dyn RunCatalog>>,
}

impl EmbeddedRegistry {
    /// `folder` holds files of versions, and need not be there yet. `runs` are those of `runs:/…`.
    #[must_use]
    pub fn new(
        models: Arc<dyn EmbeddedModels>,
        clock: Arc<dyn Clock>,
        folder: &Path,
        runs: Option<Arc<dyn RunCatalog>>,
    ) -> Self {
        Self { models, clock, folder: folder.to_owned(), address: "embedded".into(), runs }
    }

    fn runs(&self, run: &RunId) -> Result<&Arc<dyn RunCatalog>> {
        self.runs.as_ref().ok_or_else(|| Error::not_found(sentences::no_runs(run)))
    }

    async fn files<T: Send + 'static>(
        &self,
        id: &FolderId,
        work: impl FnOnce(&RunArtifacts) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (root, folder) = (self.folder.clone(), PathBuf::from(&id.0));
        blocking(move || {
            let found = RunArtifacts::find(&root, "", &[folder]);
            work(&found.map_err(|e| Error::not_found(sentences::files_gone()).with_detail(e))?)
        })
        .await
    }

    fn elsewhere(source: &str) -> Error {
        Error::bad_input(sentences::files_elsewhere(clip_text(source)))
    }
}

/// Why a source of a new version is none.
fn check_source(source: &str) -> Result<()> {
    let bad = |why: Sentence| Err(Error::bad_input(why).at("source"));
    match source_of(source) {
        _ if source.is_empty() => bad(sentences::no_source()),
        _ if source.chars().any(char::is_control) || source.len() > 2_000 => bad(sentences::bad_source()),
        Source::Folder(_) | Source::Run(..) => Ok(()),
        // What names a run or a folder of ours, and is neither.
        Source::Elsewhere if source.starts_with("runs:") || source.starts_with(FOLDER) => bad(sentences::bad_source()),
        Source::Elsewhere if source.split_once(":/").is_some_and(|(scheme, _)| !scheme.is_empty()) => Ok(()),
        Source::Elsewhere => bad(sentences::bad_source()),
    }
}

#[async_trait]
impl ModelRegistry for EmbeddedRegistry {
    fn kind(&self) -> RegistryKind {
        RegistryKind::Embedded
    }

    fn address(&self) -> &str {
        &self.address
    }

    async fn probe(&self) -> Result<()> {
        self.models.models_revision().await.map(drop)
    }

    async fn revision(&self) -> Result<Option<i64>> {
        self.models.models_revision().await.map(Some)
    }

    async fn heads(&self) -> Result<Vec<RegistryModel>> {
        let models = self.models.all_models().await?;
        Ok(models.into_iter().map(|m| RegistryModel { versions: [].into(), ..m }).collect())
    }

    async fn versions(&self, model: Option<&ModelName>) -> Result<Vec<(ModelName, ModelVersion)>> {
        let models = match model {
            Some(name) => match self.models.one_model(name).await {
                Err(e) if e.kind == ErrorKind::NotFound => vec![],
                found => vec![found?],
            },
            None => self.models.all_models().await?,
        };
        let of_model =
            |m: &RegistryModel| m.versions.values().map(|v| (m.name.clone(), (**v).clone())).collect::<Vec<_>>();
        Ok(models.iter().flat_map(of_model).collect())
    }

    async fn model(&self, name: &ModelName) -> Result<RegistryModel> {
        self.models.one_model(name).await
    }

    async fn alias(&self, model: &ModelName, alias: &Alias) -> Result<Option<Version>> {
        Ok(self.models.one_model(model).await?.alias(alias.as_str()))
    }

    async fn set_alias(&self, model: &ModelName, alias: &Alias, version: Version) -> Result<()> {
        self.models.point_alias(model, alias, Some(version)).await
    }

    async fn delete_alias(&self, model: &ModelName, alias: &Alias) -> Result<()> {
        self.models.point_alias(model, alias, None).await
    }

    async fn set_stage(&self, model: &ModelName, version: Version, stage: Stage) -> Result<()> {
        self.models.move_to_stage(model, version, stage, self.clock.now()).await
    }

    async fn set_tag(&self, model: &ModelName, version: Version, key: &str, value: &str) -> Result<()> {
        self.models.tag_version(model, version, key, value).await
    }

    async fn set_description(&self, model: &ModelName, version: Version, text: &str) -> Result<()> {
        self.models.describe_version(model, version, text, self.clock.now()).await
    }

    async fn register(&self, new: &NewVersion) -> Result<ModelVersion> {
        if let Some(run) = &new.run {
            RunId::parse(run).map_err(|e| e.at("run_id"))?;
        }
        check_source(&new.source)?;
        self.models.add_version(new).await
    }

    async fn artifacts(
        &self,
        _model: &ModelName,
        version: &ModelVersion,
        folder: &ArtifactPath,
    ) -> Result<Vec<ArtifactEntry>> {
        match source_of(&version.source) {
            Source::Folder(id) => {
                let folder = folder.clone();
                self.files(&id, move |files| files.list(&folder)).await
            }
            Source::Run(run, root) => {
                let entries = self.runs(&run)?.artifacts(&run, &root.join(folder)?).await?;
                let inside = |e: ArtifactEntry| Some(ArtifactEntry { path: e.path.below(&root)?, ..e });
                Ok(entries.into_iter().filter_map(inside).collect())
            }
            Source::Elsewhere => Err(Self::elsewhere(&version.source)),
        }
    }

    async fn artifact(
        &self,
        _model: &ModelName,
        version: &ModelVersion,
        file: &ArtifactPath,
        range: Option<ByteRange>,
    ) -> Result<ArtifactBody> {
        match source_of(&version.source) {
            Source::Folder(id) => {
                let file = file.clone();
                self.files(&id, move |files| files.file(&file, range)).await
            }
            Source::Run(run, root) => self.runs(&run)?.artifact(&run, &root.join(file)?, range).await,
            Source::Elsewhere => Err(Self::elsewhere(&version.source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_leads_to_a_folder_of_ours_to_a_run_or_elsewhere_and_never_to_a_path_of_this_machine() {
        let id = FolderId::random().expect("random numbers");
        assert!(matches!(source_of(&id.source()), Source::Folder(found) if found == id));
        assert!(
            matches!(source_of("runs:/abc/model"), Source::Run(run, path) if run.as_str() == "abc" && path.as_str() == "model")
        );
        for source in [id.source().as_str(), "runs:/abc", "runs:/abc/a/b", "s3://bucket/key", "https://example.com/m"] {
            assert_eq!(check_source(source), Ok(()), "{source}");
        }
        for source in ["", "/etc/passwd", "../x", "folder:../../etc", "a\nb", "model.pt", ":/x"] {
            assert!(check_source(source).is_err(), "{source:?}");
        }
        assert!(matches!(source_of("folder:../../etc"), Source::Elsewhere));
        assert!(matches!(source_of("runs:/abc/../../etc"), Source::Elsewhere));
    }
}
