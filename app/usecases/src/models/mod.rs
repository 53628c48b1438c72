//! Models: which versions there are, which is the champion, how it does in the field, and how it is changed safely. Everything is answered from the
//! copy of the registry and from its log; only what changes something asks the registry itself.

mod champion;
mod promotion;
mod protocol;
mod readers;
mod requests;
mod verify;

use std::sync::Arc;

use domain::{
    Error, Result,
    access::{Action, Actor, Object, authorize, can},
    model::RegistryVersions,
    ports::{
        ArtifactBody, Clock, EventsQuery, KeptOperation, KeptRequest, ModelCatalog, ModelLocks, ModelRegistry,
        NewVersion, RegistryKind, RegistryLog, RegistryStatus,
    },
    registry::{
        LivePeriod, LoggedEvent, ModelName, ModelVersion, OperationId, RegistryEvent, RegistryIndex, RegistryModel,
        RollbackTarget, Standing, Version, champion_periods, standing_at,
    },
    scope::clip_text,
    time::Millis,
    tracking::{ArtifactEntry, ArtifactPath, ByteRange},
};

pub use self::{
    champion::ChampionAnswer,
    promotion::{PromotionInput, PromotionReview, RollbackInput, RollbackReview},
    protocol::{Attempt, Conflict, Performed},
    readers::Reader,
    requests::{ApprovalOutcome, RequestReview},
    verify::{BrokenRow, BrokenWhy, ChainReport},
};
use self::{protocol::Protocol, readers::Readers};
use crate::Evidence;

mod sentences {
    include!(concat!(env!("OUT_DIR"), "/models/sentences.rs"));
}

/// Models, as far as one actor may see and change them.
#[derive(Clone)]
pub struct Models {
    actor: Actor,
    shared: Arc<Shared>,
}

struct Shared {
    protocol: Protocol,
    evidence: Evidence,
    readers: Readers,
}

/// What [`Models`] is made of.
pub struct ModelParts {
    pub registry: Arc<dyn ModelRegistry>,
    pub catalog: Arc<dyn ModelCatalog>,
    pub log: Arc<dyn RegistryLog>,
    pub locks: Arc<dyn ModelLocks>,
    pub clock: Arc<dyn Clock>,
    pub evidence: Evidence,
}

/// What is known of a model's past.
#[derive(Debug, Clone)]
pub struct ModelPast {
    pub events: Vec<LoggedEvent>,
    /// When which version was the champion, in order.
    pub periods: Vec<LivePeriod>,
    pub rollback: Option<RollbackTarget>,
}

impl Models {
    /// For the operator; see [`Models::for_actor`].
    #[must_use]
    pub fn new(parts: ModelParts) -> Self {
        let ModelParts { registry, catalog, log, locks, clock, evidence } = parts;
        let protocol = Protocol { registry, catalog, log, locks, clock };
        let shared = Shared { protocol, evidence, readers: Readers::default() };
        Self { actor: Actor::Operator, shared: Arc::new(shared) }
    }

    /// The same for somebody else.
    #[must_use]
    pub fn for_actor(&self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), shared: Arc::clone(&self.shared) }
    }

    fn protocol(&self) -> &Protocol {
        &self.shared.protocol
    }

    fn log(&self) -> &dyn RegistryLog {
        &*self.protocol().log
    }

    fn now(&self) -> Millis {
        self.protocol().clock.now()
    }

    fn may_read(&self) -> Result<()> {
        authorize(&self.actor, Action::ReadModels, Object::Any)
    }

    /// Whether the actor may promote, roll back, ask for it and decide on it.
    #[must_use]
    pub fn may_change(&self) -> bool {
        can(&self.actor, Action::WriteModels, Object::Installation)
    }

    /// The name under which the actor changes something.
    fn changes_as(&self) -> Result<String> {
        authorize(&self.actor, Action::WriteModels, Object::Installation)?;
        let name = self.actor.name().map(str::to_owned);
        name.ok_or_else(|| Error::forbidden(sentences::nobody_changes_models()))
    }

    /// Refuses what needs the registry while that does not answer.
    fn must_answer(&self) -> Result<()> {
        let status = self.protocol().catalog.status();
        match status.error {
            None => Ok(()),
            Some(why) => Err(Error::unavailable(match status.as_of {
                Some(at) => sentences::registry_is_away(at.in_words(), &why),
                None => sentences::registry_was_never_read(&why),
            })),
        }
    }

    /// How the copy stands to the registry.
    #[must_use]
    pub fn status(&self) -> RegistryStatus {
        self.protocol().catalog.status()
    }

    /// Whether versions are registered here, and not in MLflow.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.status().kind == RegistryKind::Embedded
    }

    /// To which versions records belong.
    #[must_use]
    pub fn links(&self) -> Arc<RegistryVersions> {
        self.protocol().catalog.links()
    }

    /// Moves whenever what is known of models does.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.protocol().catalog.generation()
    }

    /// Waits until the generation is another than `seen`, and returns it.
    pub async fn wait_for_change(&self, seen: u64) -> u64 {
        self.protocol().catalog.wait_for_change(seen).await
    }

    /// All models, as they were copied last.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not see models.
    pub fn index(&self) -> Result<Arc<RegistryIndex>> {
        self.may_read()?;
        Ok(self.protocol().catalog.index())
    }

    /// The same for programs, to whom no models are not the same as none that were read.
    ///
    /// # Errors
    /// As [`Models::index`]; `Unavailable` before the registry was read for the first time.
    pub fn read_index(&self) -> Result<Arc<RegistryIndex>> {
        let (index, status) = (self.index()?, self.status());
        match (status.as_of, status.error) {
            (Some(_), _) => Ok(index),
            (None, Some(why)) => Err(Error::unavailable(sentences::registry_was_never_read(&why))),
            (None, None) => Err(Error::unavailable(sentences::registry_not_read_yet())),
        }
    }

    /// A model, as it was copied last.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not see models; `BadInput` for what is no name; `NotFound`.
    pub fn model(&self, name: &str) -> Result<Arc<RegistryModel>> {
        let (index, name) = (self.index()?, ModelName::parse(name)?);
        index.model(&name).cloned().ok_or_else(|| {
            let status = self.status();
            match (status.as_of, status.error) {
                // It may be there.
                (None, Some(why)) => Error::unavailable(sentences::registry_was_never_read(&why)),
                (None, None) => Error::unavailable(sentences::registry_not_read_yet()),
                _ => Error::not_found(sentences::no_such_model(clip_text(name.as_str()))),
            }
        })
    }

    /// A version of a model, as it was copied last.
    ///
    /// # Errors
    /// As [`Models::model`].
    pub fn version(&self, name: &str, version: &str) -> Result<(Arc<RegistryModel>, Arc<ModelVersion>)> {
        let (model, version) = (self.model(name)?, Version::parse(version)?);
        let found = model.version(version).cloned();
        let found = found.ok_or_else(|| Error::not_found(sentences::no_such_version(&model.name, version)))?;
        Ok((model, found))
    }

    /// What the log knows of a model: also of one that is gone.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not see models; `Unavailable` when it cannot be read.
    pub async fn past(&self, name: &ModelName) -> Result<ModelPast> {
        self.may_read()?;
        let query = EventsQuery { model: Some(name.clone()), ..EventsQuery::default() };
        let events = self.log().events(&query).await?;
        let plain: Vec<RegistryEvent> = events.iter().map(|e| e.event.clone()).collect();
        let model = self.protocol().catalog.index().model(name).cloned();
        let rollback = model.and_then(|model| domain::registry::rollback_target(&plain, &model));
        Ok(ModelPast { periods: champion_periods(&plain), rollback, events })
    }

    /// What happened to models, oldest first.
    ///
    /// # Errors
    /// As [`Models::past`].
    pub async fn events(&self, query: &EventsQuery) -> Result<Vec<LoggedEvent>> {
        self.may_read()?;
        self.log().events(query).await
    }

    /// How a model stood at a moment; `None` before it was first looked at.
    ///
    /// # Errors
    /// As [`Models::past`].
    pub async fn standing_at(&self, name: &ModelName, at: Millis) -> Result<Option<Standing>> {
        self.may_read()?;
        let query =
            EventsQuery { model: Some(name.clone()), to: Some(at.plus(1)), only_moves: true, ..EventsQuery::default() };
        let events: Vec<RegistryEvent> = self.log().events(&query).await?.into_iter().map(|e| e.event).collect();
        Ok(standing_at(&events, at).cloned())
    }

    /// An operation, whatever became of it.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not see models; `NotFound`; `Unavailable` when it cannot be read.
    pub async fn operation(&self, id: OperationId) -> Result<KeptOperation> {
        self.may_read()?;
        self.log().operation(id).await?.ok_or_else(|| Error::not_found(sentences::no_operation(id.0)))
    }

    /// Requests that wait to be decided, newest first; of one model or of all.
    ///
    /// # Errors
    /// As [`Models::past`].
    pub async fn open_requests(&self, model: Option<&ModelName>) -> Result<Vec<KeptRequest>> {
        self.may_read()?;
        let now = self.now();
        let mut open = self.log().requests(model, true).await?;
        open.retain(|r| r.request.expires > now);
        Ok(open)
    }

    /// Registers a version in our own registry.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not change models; `BadInput` for a name or source that is none, and where versions are registered in MLflow;
    /// `Unavailable` when it cannot be written.
    pub async fn register(&self, new: &NewVersion) -> Result<ModelVersion> {
        let actor = self.changes_as()?;
        let new = NewVersion { created_by: actor.clone(), at: self.now(), ..new.clone() };
        let version = self.protocol().register(&new).await?;
        tracing::info!(actor, model = %new.model, version = %version.version, "a version was registered");
        Ok(version)
    }

    /// What is in a folder of a version's files, asked of the registry.
    ///
    /// # Errors
    /// As [`Models::version`] and [`ModelRegistry`].
    pub async fn artifacts(&self, name: &str, version: &str, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        let (model, version) = self.version(name, version)?;
        self.protocol().registry.artifacts(&model.name, &version, folder).await
    }

    /// A file of a version, or a part of it, asked of the registry.
    ///
    /// # Errors
    /// As [`Models::artifacts`].
    pub async fn artifact(
        &self,
        name: &str,
        version: &str,
        file: &ArtifactPath,
        range: Option<ByteRange>,
    ) -> Result<ArtifactBody> {
        let (model, version) = self.version(name, version)?;
        self.protocol().registry.artifact(&model.name, &version, file, range).await
    }

    /// Ends what was left behind, and writes down what was changed outside. For a job.
    ///
    /// # Errors
    /// `Unavailable` when the database or the registry does not answer.
    pub async fn follow(&self) -> Result<()> {
        let protocol = self.protocol();
        protocol.settle().await?;
        // Before the index, which is as old or newer.
        let Some(as_of) = protocol.catalog.status().as_of else { return Ok(()) };
        let index = protocol.catalog.index();
        let logged = self.log().last_standings().await?;
        let told: std::collections::BTreeMap<&ModelName, &Standing> =
            logged.iter().filter_map(|l| Some((&l.event.model, l.event.after.as_ref()?))).collect();
        for model in index.models() {
            if told.get(&model.name).is_none_or(|standing| **standing != model.standing()) {
                protocol.look_at(&model.name, Some((model, as_of))).await?;
            }
        }
        for (name, standing) in told {
            if index.model(name).is_none() && *standing != Standing::default() {
                protocol.look_at(name, None).await?;
            }
        }
        self.expire_requests().await
    }
}
