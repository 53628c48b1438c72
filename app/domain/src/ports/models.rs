//! The ports of the registry of models: the registry itself, our copy of it, the log of what happened, and what waits to be decided or sent.

use std::sync::Arc;

use async_trait::async_trait;

use super::{access::IdempotencyKey, tracking::ArtifactBody};
use crate::{
    error::{Result, Sentence},
    model::RegistryVersions,
    registry::{
        Alias, LoggedEvent, ModelName, ModelVersion, Operation, OperationId, OperationState, Outcome, PromotionRequest,
        RegistryEvent, RegistryIndex, RegistryModel, RequestId, RequestState, Stage, Version,
    },
    time::Millis,
    tracking::{ArtifactEntry, ArtifactPath, ByteRange},
};

/// What keeps the models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegistryKind {
    /// An MLflow server.
    Mlflow,
    /// Our own, in the database of the state.
    Embedded,
}

/// What a new version is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    pub model: ModelName,
    pub run: Option<String>,
    /// Where its files are.
    pub source: String,
    pub description: String,
    pub tags: Vec<(String, String)>,
    pub created_by: String,
    pub at: Millis,
}

/// A registry of models. Every call ends in bounded time. None is repeated by the adapter when it changes something.
///
/// Errors say in a sentence what is wrong and what cures it: `Unavailable` when it does not answer, answers nonsense or refuses us (then nobody
/// knows whether a change was made), `NotFound` for a model or version that is not there, `BadInput` for what the registry refuses to do.
#[async_trait]
pub trait ModelRegistry: Send + Sync {
    fn kind(&self) -> RegistryKind;
    /// Where it is, as it may be shown: no password.
    fn address(&self) -> &str;
    /// Whether it answers a real question.
    ///
    /// # Errors
    /// As the trait says.
    async fn probe(&self) -> Result<()>;
    /// A number that moves with every change, where the registry has one: then nothing else needs to be read until it does.
    ///
    /// # Errors
    /// As the trait says.
    async fn revision(&self) -> Result<Option<i64>>;
    /// All models with their aliases, without versions. `updated` moves when a version comes or its stage changes, not when an alias or a tag does.
    ///
    /// # Errors
    /// As the trait says.
    async fn heads(&self) -> Result<Vec<RegistryModel>>;
    /// The versions of all models, or of one, in no order; none of a model that is not there.
    ///
    /// # Errors
    /// As the trait says.
    async fn versions(&self, model: Option<&ModelName>) -> Result<Vec<(ModelName, ModelVersion)>>;
    /// A model with all of its versions, as it is now.
    ///
    /// # Errors
    /// As the trait says.
    async fn model(&self, name: &ModelName) -> Result<RegistryModel>;
    /// Where an alias leads; `None` where there is none of this name.
    ///
    /// # Errors
    /// As the trait says.
    async fn alias(&self, model: &ModelName, alias: &Alias) -> Result<Option<Version>>;
    /// Lets an alias lead to a version, wherever it led before, in one step: nobody sees it gone.
    ///
    /// # Errors
    /// As the trait says.
    async fn set_alias(&self, model: &ModelName, alias: &Alias, version: Version) -> Result<()>;
    /// Takes an alias away; nothing changes where the model has none of this name.
    ///
    /// # Errors
    /// As the trait says.
    async fn delete_alias(&self, model: &ModelName, alias: &Alias) -> Result<()>;
    /// Moves one version to a stage and leaves all others where they are.
    ///
    /// # Errors
    /// As the trait says.
    async fn set_stage(&self, model: &ModelName, version: Version, stage: Stage) -> Result<()>;
    /// # Errors
    /// As the trait says.
    async fn set_tag(&self, model: &ModelName, version: Version, key: &str, value: &str) -> Result<()>;
    /// # Errors
    /// As the trait says.
    async fn set_description(&self, model: &ModelName, version: Version, text: &str) -> Result<()>;
    /// Registers a version, and the model with it where there is none: the number is one more than any that was ever given.
    ///
    /// # Errors
    /// As the trait says; `BadInput` where versions are registered elsewhere.
    async fn register(&self, new: &NewVersion) -> Result<ModelVersion>;
    /// What is in a folder of a version's files, by path.
    ///
    /// # Errors
    /// As the trait says.
    async fn artifacts(
        &self,
        model: &ModelName,
        version: &ModelVersion,
        folder: &ArtifactPath,
    ) -> Result<Vec<ArtifactEntry>>;
    /// A file of a version, or a part of it.
    ///
    /// # Errors
    /// As the trait says.
    async fn artifact(
        &self,
        model: &ModelName,
        version: &ModelVersion,
        file: &ArtifactPath,
        range: Option<ByteRange>,
    ) -> Result<ArtifactBody>;
}

/// How our copy of the registry stands to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryStatus {
    pub kind: RegistryKind,
    pub address: String,
    /// The moment of which the copy is true; `None` before anything was copied.
    pub as_of: Option<Millis>,
    /// Why the registry does not answer, with the cure; `None` while it does.
    pub error: Option<Sentence>,
}

/// Our copy of the registry. Nothing here waits for the registry but [`ModelCatalog::read_again`].
#[async_trait]
pub trait ModelCatalog: Send + Sync {
    /// As it was copied last.
    fn index(&self) -> Arc<RegistryIndex>;
    /// To which version records belong, by the same index.
    fn links(&self) -> Arc<RegistryVersions>;
    fn status(&self) -> RegistryStatus;
    /// Moves whenever [`ModelCatalog::index`] or the error of [`ModelCatalog::status`] does.
    fn generation(&self) -> u64;
    /// Waits until the generation is another than `seen`, and returns it.
    async fn wait_for_change(&self, seen: u64) -> u64;
    /// Asks the registry for a model and takes what it says into the copy; `None` when there is none of the name.
    ///
    /// # Errors
    /// As [`ModelRegistry`].
    async fn read_again(&self, name: &ModelName) -> Result<Option<Arc<RegistryModel>>>;
}

/// The models of our own registry, in the database of the state. Each call is one transaction. Errors as in [`ModelRegistry`].
#[async_trait]
pub trait EmbeddedModels: Send + Sync {
    /// Moves with every change.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn models_revision(&self) -> Result<i64>;
    /// All models with all of their versions.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn all_models(&self) -> Result<Vec<RegistryModel>>;
    /// # Errors
    /// `NotFound`; `Unavailable` when it cannot be read.
    async fn one_model(&self, name: &ModelName) -> Result<RegistryModel>;
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn add_version(&self, new: &NewVersion) -> Result<ModelVersion>;
    /// Lets an alias lead to a version, or nowhere.
    ///
    /// # Errors
    /// `NotFound` for a model or a version that is not there; `Unavailable` when it cannot be written.
    async fn point_alias(&self, model: &ModelName, alias: &Alias, version: Option<Version>) -> Result<()>;
    /// # Errors
    /// As [`EmbeddedModels::point_alias`].
    async fn move_to_stage(&self, model: &ModelName, version: Version, stage: Stage, at: Millis) -> Result<()>;
    /// # Errors
    /// As [`EmbeddedModels::point_alias`].
    async fn tag_version(&self, model: &ModelName, version: Version, key: &str, value: &str) -> Result<()>;
    /// # Errors
    /// As [`EmbeddedModels::point_alias`].
    async fn describe_version(&self, model: &ModelName, version: Version, text: &str, at: Millis) -> Result<()>;
    /// Removes a version, with the aliases that lead to it.
    ///
    /// # Errors
    /// As [`EmbeddedModels::point_alias`].
    async fn delete_version(&self, model: &ModelName, version: Version) -> Result<()>;
    /// Removes a model with all of its versions. Numbers of versions begin anew where one of its name is registered later.
    ///
    /// # Errors
    /// `NotFound` for a model that is not there; `Unavailable` when it cannot be written.
    async fn delete_model(&self, model: &ModelName) -> Result<()>;
}

/// Keeps the copy of a registry, so that a restart shows it at once. `source` is its address: another address is another copy.
#[async_trait]
pub trait RegistryCopies: Send + Sync {
    /// Models and the moment of which they are true; nothing of a source that was never copied.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn load_models(&self, source: &str) -> Result<(Vec<RegistryModel>, Option<Millis>)>;
    /// Keeps models that changed, forgets those that are gone, and what was copied of other sources. False when there was no copy of this source: then
    /// nothing is kept but what was given now, and whoever has more saves all of it.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn save_models(
        &self,
        source: &str,
        changed: &[Arc<RegistryModel>],
        gone: &[ModelName],
        as_of: Millis,
    ) -> Result<bool>;
}

/// An operation as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptOperation {
    pub id: OperationId,
    pub operation: Operation,
    pub state: OperationState,
    pub ended: Option<Millis>,
}

/// A request as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRequest {
    pub id: RequestId,
    pub request: PromotionRequest,
    pub state: RequestState,
}

/// What an operation is begun with, so that the same request has the same effect once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationKey {
    /// Whose key it is.
    pub owner: String,
    pub key: IdempotencyKey,
}

/// What became of the attempt to begin an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum BeginOutcome {
    New(OperationId),
    /// It was begun before with the same key.
    Again(Box<KeptOperation>),
    /// The key was used for something else.
    OtherRequest,
    /// Another operation on the model has not ended: its process died, or is at it.
    Pending(Box<KeptOperation>),
}

/// Which events are asked for. Oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventsQuery {
    pub model: Option<ModelName>,
    pub from: Option<Millis>,
    /// Up to and without.
    pub to: Option<Millis>,
    /// After this number.
    pub after: i64,
    /// At most so many; all where nobody says.
    pub most: Option<usize>,
    /// Only those that changed where an alias or a stage leads, or which versions there are.
    pub only_moves: bool,
}

/// A row of the log as it is kept, to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    pub number: i64,
    pub body: String,
    /// The columns beside the text, which have to say what it says.
    pub model: String,
    pub at: i64,
    /// Whether it says how the model stood afterwards.
    pub moves: bool,
    pub hash: Vec<u8>,
}

/// Writes down what is done to models, before and after, and what waits to be decided. Events are only ever added.
#[async_trait]
pub trait RegistryLog: Send + Sync {
    /// Begins an operation with an event that says so, in one transaction. Of a model one operation is pending at most.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn begin_operation(
        &self,
        operation: &Operation,
        event: &RegistryEvent,
        key: Option<&OperationKey>,
    ) -> Result<BeginOutcome>;
    /// Ends an operation that is pending, with the events that say how, in one transaction. False when it had ended already; then nothing is written.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn end_operation(
        &self,
        id: OperationId,
        outcome: &Outcome,
        at: Millis,
        events: &[RegistryEvent],
    ) -> Result<bool>;
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn operation(&self, id: OperationId) -> Result<Option<KeptOperation>>;
    /// What was begun with a key before.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn operation_of_key(&self, key: &OperationKey) -> Result<Option<BeginOutcome>>;
    /// Those that have not ended.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn pending_operations(&self) -> Result<Vec<KeptOperation>>;
    /// Adds events to the log, in one transaction.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be written.
    async fn log_events(&self, events: &[RegistryEvent]) -> Result<()>;
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn events(&self, query: &EventsQuery) -> Result<Vec<LoggedEvent>>;
    /// The last event of each model that says how the model stands.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn last_standings(&self) -> Result<Vec<LoggedEvent>>;
    /// The last event of a model that says how it stands.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn last_standing(&self, model: &ModelName) -> Result<Option<LoggedEvent>>;
    /// The number of the last event; 0 before the first.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn last_event(&self) -> Result<i64>;
    /// Rows of the log in order, as they are kept, after a number.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn raw_events(&self, after: i64, most: usize) -> Result<Vec<RawEvent>>;
    /// Adds a request, with its event.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn add_request(&self, request: &PromotionRequest, event: &RegistryEvent) -> Result<RequestId>;
    /// Requests, newest first; of one model, or the open ones alone.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn requests(&self, model: Option<&ModelName>, only_open: bool) -> Result<Vec<KeptRequest>>;
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn request(&self, id: RequestId) -> Result<Option<KeptRequest>>;
    /// Ends a request that is open, with its event. False when somebody was faster; then nothing is written.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn end_request(&self, id: RequestId, state: &RequestState, event: &RegistryEvent) -> Result<bool>;
}

/// Holds a model as long as it lives, for one of all processes of the data folder.
pub trait ModelLock: Send + Sync {}

/// One at a time does something to a model. The lock dies with its process.
#[async_trait]
pub trait ModelLocks: Send + Sync {
    /// Waits for the lock of a model, at most so long; `None` when somebody else holds it all that time.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be asked for.
    async fn lock(&self, model: &ModelName, most: std::time::Duration) -> Result<Option<Box<dyn ModelLock>>>;
}
