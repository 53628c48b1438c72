//! How a change is made to a registry that knows neither transactions nor preconditions, so that after a crash at any moment it was either made or
//! not. Whoever changes a model holds its lock; writes down what is to be done before the registry is asked; moves one thing that decides
//! (the commit: the alias `champion`, or the stage where no champion moves); and brings the rest in line with it. What a crash left is decided by
//! looking at that one thing, and finished or taken back by the same steps, each of which may be done twice.

use std::{sync::Arc, time::Duration};

use domain::{
    Error, ErrorKind, Result,
    error::Sentence,
    ports::{
        BeginOutcome, Clock, EventsQuery, KeptOperation, ModelCatalog, ModelLock, ModelLocks, ModelRegistry,
        NewVersion, OperationKey, RegistryKind, RegistryLog,
    },
    registry::{
        Alias, EventAct, EventActor, KeptEvidence, ModelName, ModelVersion, Operation, OperationId, OperationKind,
        OperationState, Outcome, OutcomeKind, Reason, RegistryEvent, RegistryModel, RequestId, Stage, Standing, Target,
        Version, VersionStatus, rollback_target,
    },
    time::Millis,
};

use super::sentences;

/// How long somebody waits for others who change the same model.
const WAIT: Duration = Duration::from_secs(10);
/// How long a registry that is asked over a network may take to hear a change whose answer nobody waited for.
const LATE: Duration = Duration::from_secs(1);
/// An operation that was begun so many ms ago is not heard any more.
const LONG_AGO: i64 = 60_000;
/// How often others are brought out of a stage that somebody outside brings into it.
const MIRROR_PASSES: u32 = 2;
/// Among so many of the last events it is looked first for whoever moved a champion: the log of years is long.
const LATELY: i64 = 200;
/// Tags that say on the version what we did; the log is the truth.
const TAGS: [&str; 4] = [
    "guardianflow.promotion_id",
    "guardianflow.promoted_by",
    "guardianflow.promoted_at",
    "guardianflow.previous_champion",
];
/// The longest value of a tag that every registry takes, in characters.
const MAX_TAG: usize = 250;

/// What changes models, and where it is written down.
#[derive(Clone)]
pub struct Protocol {
    pub registry: Arc<dyn ModelRegistry>,
    pub catalog: Arc<dyn ModelCatalog>,
    pub log: Arc<dyn RegistryLog>,
    pub locks: Arc<dyn ModelLocks>,
    pub clock: Arc<dyn Clock>,
}

/// What somebody wants to have done.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub model: ModelName,
    pub kind: OperationKind,
    /// The version that it is about. Of a rollback: where the asker was told that it leads; `None` for wherever it does.
    pub version: Option<Version>,
    /// The champion that the asker saw.
    pub expected: Option<Version>,
    pub reason: Reason,
    /// The name of the asker.
    pub actor: String,
    pub key: Option<OperationKey>,
    pub evidence: Option<KeptEvidence>,
    pub request: Option<RequestId>,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum Attempt {
    Done(Box<Performed>),
    /// Somebody was faster, or is at it.
    Conflict(Conflict),
    /// The key of the request was used for another one; nothing was done.
    OtherRequest,
}

/// An operation that was begun.
#[derive(Debug, Clone)]
pub struct Performed {
    pub id: OperationId,
    pub operation: Operation,
    /// `None` while it is not known: the registry does not answer.
    pub outcome: Option<Outcome>,
    /// The model as it was read last: behind the operation, where that has ended.
    pub model: Option<Arc<RegistryModel>>,
    /// It was done before, with the same key.
    pub again: bool,
}

/// Why nothing was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// As it is now.
    pub champion: Option<Version>,
    /// Who did what.
    pub sentence: Sentence,
}

impl Protocol {
    /// Does what somebody wants, or says who was faster.
    ///
    /// # Errors
    /// `NotFound` for a model or version that is not there; `BadInput` for what cannot be done; `Unavailable` when the registry or the database does
    /// not answer before anything was begun.
    pub async fn perform(&self, wanted: &Wanted) -> Result<Attempt> {
        // What is being done with the same key is waited for: all who sent it are told the same.
        if let Some(done) = self.done_before(wanted).await?.filter(|done| !is_pending(done)) {
            return Ok(done);
        }
        let Some(_lock) = self.locks.lock(&wanted.model, WAIT).await? else {
            if let Some(pending) = self.done_before(wanted).await? {
                return Ok(pending);
            }
            let champion = self.catalog.index().model(&wanted.model).and_then(|m| m.champion());
            return Ok(Attempt::Conflict(Conflict { champion, sentence: sentences::model_is_busy(&wanted.model) }));
        };
        let settled = self.settle_locked(&wanted.model).await;
        if let Some(done) = self.done_before(wanted).await? {
            return Ok(done);
        }
        settled?;
        let model = self.registry.model(&wanted.model).await?;
        if model.champion() != wanted.expected {
            return Ok(Attempt::Conflict(self.overtaken_by(&model, wanted.expected).await?));
        }
        let operation = match self.plan(wanted, &model).await? {
            Ok(operation) => operation,
            Err(conflict) => return Ok(Attempt::Conflict(conflict)),
        };
        self.note_outside(&model).await?;
        let mut begun = event(&operation, EventAct::Begun(operation.kind), operation.begun);
        begun.request = wanted.request;
        begun.evidence = wanted.evidence.clone().map(Box::new);
        let id = match self.log.begin_operation(&operation, &begun, wanted.key.as_ref()).await? {
            BeginOutcome::New(id) => id,
            BeginOutcome::Again(kept) => return Ok(Attempt::Done(Box::new(self.told_again(*kept)))),
            BeginOutcome::OtherRequest => return Ok(Attempt::OtherRequest),
            // We hold the lock, and settled what was pending.
            BeginOutcome::Pending(kept) => {
                let sentence = sentences::model_is_busy(&kept.operation.model);
                return Ok(Attempt::Conflict(Conflict { champion: model.champion(), sentence }));
            }
        };
        let outcome = self.carry_out(id, &operation).await;
        // It was read again before the end was written down.
        let model = self.catalog.index().model(&operation.model).cloned();
        Ok(Attempt::Done(Box::new(Performed { id, operation, outcome, model, again: false })))
    }

    async fn done_before(&self, wanted: &Wanted) -> Result<Option<Attempt>> {
        let Some(key) = &wanted.key else { return Ok(None) };
        match self.log.operation_of_key(key).await? {
            Some(BeginOutcome::Again(kept)) => Ok(Some(Attempt::Done(Box::new(self.told_again(*kept))))),
            Some(BeginOutcome::OtherRequest) => Ok(Some(Attempt::OtherRequest)),
            _ => Ok(None),
        }
    }

    fn told_again(&self, kept: KeptOperation) -> Performed {
        let model = self.catalog.index().model(&kept.operation.model).cloned();
        let outcome = match kept.state {
            OperationState::Pending => None,
            OperationState::Ended(outcome) => Some(outcome),
        };
        Performed { id: kept.id, operation: kept.operation, outcome, model, again: true }
    }

    /// Says who moved the champion since the asker looked.
    async fn overtaken_by(&self, model: &RegistryModel, expected: Option<Version>) -> Result<Conflict> {
        self.note_outside(model).await?;
        let champion = model.champion();
        let moved = |e: &RegistryEvent| {
            let before = e.before.as_ref().and_then(Standing::champion);
            e.after.as_ref().and_then(Standing::champion) == champion && before != champion
        };
        let last_move = async |after: i64| {
            let model = Some(model.name.clone());
            let query = EventsQuery { model, after, only_moves: true, ..EventsQuery::default() };
            let events = self.log.events(&query).await?;
            Ok::<_, Error>(events.into_iter().map(|e| e.event).rfind(moved))
        };
        // Whoever is overtaken mostly was so just now.
        let lately = (self.log.last_event().await? - LATELY).max(0);
        let last = match last_move(lately).await? {
            None if lately > 0 => last_move(0).await?,
            found => found,
        };
        let (now, seen) = (champion_is(champion), champion_is(expected));
        let sentence = match &last {
            Some(RegistryEvent { actor: EventActor::Named(name), at, .. }) => {
                sentences::overtaken_by(&now, name, at.in_words(), &seen)
            }
            Some(RegistryEvent { actor: EventActor::Outside, at, .. }) => {
                sentences::overtaken_outside(&now, at.in_words(), &seen)
            }
            _ => sentences::overtaken(&now, &seen),
        };
        Ok(Conflict { champion, sentence })
    }

    /// What is to be done, as far as it can be.
    async fn plan(&self, wanted: &Wanted, model: &RegistryModel) -> Result<std::result::Result<Operation, Conflict>> {
        let (mut version, mut rollback) = (wanted.version, model.champion());
        match wanted.kind {
            OperationKind::RollBack => {
                let target = self.rollback_of(model).await?;
                let target = target.ok_or_else(|| Error::bad_input(sentences::nowhere_to_roll_back(&model.name)))?;
                if version.is_some_and(|seen| seen != target.version) {
                    let sentence = sentences::rollback_leads_elsewhere(target.version);
                    return Ok(Err(Conflict { champion: model.champion(), sentence }));
                }
                (version, rollback) = (Some(target.version), target.next);
            }
            OperationKind::Repair => version = model.champion(),
            OperationKind::Promote(_) | OperationKind::SetChallenger => {}
        }
        let version = version.ok_or_else(|| Error::bad_input(sentences::which_version()).at("version"))?;
        let found = model
            .version(version)
            .ok_or_else(|| Error::not_found(sentences::no_such_version(&model.name, version)).at("version"))?;
        if found.status != VersionStatus::Ready {
            return Err(Error::bad_input(sentences::version_not_ready(version, &model.name)).at("version"));
        }
        let already = match wanted.kind {
            OperationKind::Promote(Target::Production) => model.champion() == Some(version) && !model.disagrees(),
            OperationKind::Promote(Target::Staging) => {
                model.in_stage(Stage::Staging).eq([version]) || model.champion() == Some(version)
            }
            OperationKind::SetChallenger => model.challenger() == Some(version) || model.champion() == Some(version),
            OperationKind::Repair => !model.disagrees(),
            OperationKind::RollBack => false,
        };
        if already {
            return Err(Error::bad_input(sentences::already_so(version, &model.name)).at("version"));
        }
        if model.champion() == Some(version) {
            // Nobody becomes the champion: where a rollback leads stays.
            rollback = model.alias(domain::registry::ROLLBACK);
        }
        Ok(Ok(Operation {
            model: model.name.clone(),
            kind: wanted.kind,
            version,
            before: model.standing(),
            rollback: rollback.filter(|v| *v != version),
            actor: wanted.actor.clone(),
            reason: wanted.reason.as_str().to_owned(),
            begun: self.clock.now(),
        }))
    }

    /// Where a rollback of a model leads, by its log.
    pub async fn rollback_of(&self, model: &RegistryModel) -> Result<Option<domain::registry::RollbackTarget>> {
        let query = EventsQuery { model: Some(model.name.clone()), only_moves: true, ..EventsQuery::default() };
        let events: Vec<_> = self.log.events(&query).await?.into_iter().map(|e| e.event).collect();
        Ok(rollback_target(&events, model))
    }

    /// From the first step to the end. `None` when it is not known what became of it.
    async fn carry_out(&self, id: OperationId, operation: &Operation) -> Option<Outcome> {
        match self.commit(operation).await {
            Ok(()) => self.finish(id, operation).await,
            // Whether it was heard is not known: what decides is looked at.
            Err(e) if e.kind == ErrorKind::Unavailable => self.decide(id, operation, Some(&e)).await,
            Err(e) => self.give_up(id, operation, e.message).await,
        }
    }

    /// Everything up to the commit.
    async fn commit(&self, operation: &Operation) -> Result<()> {
        let Operation { model, version, .. } = operation;
        match operation.kind {
            OperationKind::Promote(Target::Production) | OperationKind::RollBack => {
                self.point_rollback(operation, operation.rollback).await?;
                self.registry.set_alias(model, &Alias::champion(), *version).await
            }
            OperationKind::Promote(Target::Staging) => self.registry.set_stage(model, *version, Stage::Staging).await,
            OperationKind::SetChallenger => self.registry.set_alias(model, &Alias::challenger(), *version).await,
            // Its commit is the last archiving: what is left undone shows as a disagreement again.
            OperationKind::Repair => Ok(()),
        }
    }

    async fn point_rollback(&self, operation: &Operation, to: Option<Version>) -> Result<()> {
        match to {
            Some(version) => self.registry.set_alias(&operation.model, &Alias::rollback(), version).await,
            None if operation.before.aliases.contains_key(domain::registry::ROLLBACK) => {
                self.registry.delete_alias(&operation.model, &Alias::rollback()).await
            }
            None => Ok(()),
        }
    }

    /// Whether what decides says that it was done; `Err` with who is champion when somebody else moved it.
    fn was_committed(operation: &Operation, standing: &Standing) -> std::result::Result<bool, Option<Version>> {
        match operation.kind {
            OperationKind::Promote(Target::Production) | OperationKind::RollBack => match standing.champion() {
                champion if champion == Some(operation.version) => Ok(true),
                champion if champion == operation.expected() => Ok(false),
                champion => Err(champion),
            },
            OperationKind::Promote(Target::Staging) => Ok(standing.stage(operation.version) == Stage::Staging),
            OperationKind::SetChallenger => {
                Ok(standing.aliases.get(domain::registry::CHALLENGER) == Some(&operation.version))
            }
            OperationKind::Repair => Ok(standing.champion() == Some(operation.version)),
        }
    }

    /// Looks what became of an operation, and finishes it or takes it back. `None` when the registry does not say.
    async fn decide(&self, id: OperationId, operation: &Operation, why: Option<&Error>) -> Option<Outcome> {
        let mut waited = self.registry.kind() == RegistryKind::Embedded
            || self.clock.now().0.saturating_sub(operation.begun.0) > LONG_AGO;
        loop {
            let model = match self.registry.model(&operation.model).await {
                Ok(model) => model,
                Err(e) if e.kind == ErrorKind::NotFound => {
                    return self.end(id, operation, OutcomeKind::NotApplied, Some(sentences::model_is_gone())).await;
                }
                Err(e) => {
                    tracing::warn!(operation = id.0, model = %operation.model, error = %e, "it is not known whether a change was made");
                    return None;
                }
            };
            match Self::was_committed(operation, &model.standing()) {
                Ok(true) => return self.finish(id, operation).await,
                // MLflow may still have it before it, unread: whoever gives up waiting for an answer takes nothing back.
                Ok(false) if !waited => {
                    waited = true;
                    tokio::time::sleep(LATE).await;
                }
                Ok(false) => {
                    let note = why.map_or_else(sentences::broke_off_before, |e| e.message.clone());
                    return self.give_up(id, operation, note).await;
                }
                Err(champion) => {
                    let note = Some(sentences::overtaken_meanwhile(&champion_is(champion)));
                    return self.end(id, operation, OutcomeKind::Overtaken, note).await;
                }
            }
        }
    }

    /// Takes back what was done before the commit.
    async fn give_up(&self, id: OperationId, operation: &Operation, why: Sentence) -> Option<Outcome> {
        if operation.kind.moves_champion() {
            let before = operation.before.aliases.get(domain::registry::ROLLBACK).copied();
            let restored = match before {
                Some(version) => self.registry.set_alias(&operation.model, &Alias::rollback(), version).await,
                None => self.registry.delete_alias(&operation.model, &Alias::rollback()).await,
            };
            let restored = match restored {
                // The version was deleted meanwhile, and its aliases with it.
                Err(e) if e.kind == ErrorKind::NotFound => {
                    self.registry.delete_alias(&operation.model, &Alias::rollback()).await
                }
                restored => restored,
            };
            if let Err(e) = restored
                && e.kind == ErrorKind::Unavailable
            {
                tracing::warn!(operation = id.0, error = %e, "the alias of the rollback is not restored yet");
                return None;
            }
        }
        self.end(id, operation, OutcomeKind::NotApplied, Some(why)).await
    }

    /// Everything behind the commit. Each step may be done again.
    async fn finish(&self, id: OperationId, operation: &Operation) -> Option<Outcome> {
        let Operation { model, version, .. } = operation;
        let mut notes = vec![];
        if operation.kind.moves_champion() {
            match self.registry.alias(model, &Alias::champion()).await {
                Ok(champion) if champion == Some(*version) => {}
                Ok(champion) => {
                    let note = Some(sentences::overtaken_meanwhile(&champion_is(champion)));
                    return self.end(id, operation, OutcomeKind::Overtaken, note).await;
                }
                Err(e) => return self.later(id, &e),
            }
        }
        let mut challenger = None;
        if let Some(stage) = operation.kind.stage() {
            match self.mirror(model, *version, stage).await {
                Ok(now) => challenger = now.challenger(),
                Err(e) if e.kind == ErrorKind::Unavailable => return self.later(id, &e),
                Err(e) => notes.push(sentences::stage_not_moved(&e.message)),
            }
        }
        if let OperationKind::Promote(_) = operation.kind
            && operation.kind.moves_champion()
            && operation.before.aliases.get(domain::registry::CHALLENGER) == Some(version)
            && challenger == Some(*version)
            && let Err(e) = self.registry.delete_alias(model, &Alias::challenger()).await
        {
            if e.kind == ErrorKind::Unavailable {
                return self.later(id, &e);
            }
            notes.push(e.message);
        }
        if operation.kind.moves_champion() {
            // Notes on the version, for whoever looks there; nothing depends on them.
            self.tag(id, operation).await;
        }
        self.end(id, operation, OutcomeKind::Applied, notes.pop()).await
    }

    fn later(&self, id: OperationId, e: &Error) -> Option<Outcome> {
        tracing::warn!(operation = id.0, error = %e, detail = ?e.detail, "a change is made, and what belongs to it follows");
        None
    }

    /// Brings a version into a stage, and then all others out of it, one by one: at no moment is there none. Returns the model as it was read last.
    async fn mirror(&self, model: &ModelName, version: Version, stage: Stage) -> Result<RegistryModel> {
        let mut passes = 0;
        loop {
            let now = self.registry.model(model).await?;
            if now.version(version).is_none_or(|v| v.stage != stage) {
                self.registry.set_stage(model, version, stage).await?;
            }
            let others: Vec<Version> = now.in_stage(stage).filter(|v| *v != version).collect();
            passes += 1;
            if others.is_empty() || passes > MIRROR_PASSES {
                return Ok(now);
            }
            for other in others {
                match self.registry.set_stage(model, other, Stage::Archived).await {
                    // It was deleted meanwhile.
                    Err(e) if e.kind == ErrorKind::NotFound => {}
                    done => done?,
                }
            }
        }
    }

    async fn tag(&self, id: OperationId, operation: &Operation) {
        let previous = operation.expected().map(|v| v.to_string()).unwrap_or_default();
        let values = [id.0.to_string(), operation.actor.clone(), operation.begun.to_string(), previous];
        for (key, value) in TAGS.into_iter().zip(values) {
            let value: String = value.chars().take(MAX_TAG).collect();
            if let Err(e) = self.registry.set_tag(&operation.model, operation.version, key, &value).await {
                tracing::warn!(operation = id.0, error = %e, "a version is not tagged with its promotion");
                return;
            }
        }
    }

    /// Writes down how an operation ended, with the model as it is now; and apart from it what others did to it meanwhile.
    async fn end(
        &self,
        id: OperationId,
        operation: &Operation,
        kind: OutcomeKind,
        note: Option<Sentence>,
    ) -> Option<Outcome> {
        let after = match self.catalog.read_again(&operation.model).await {
            Ok(model) => model.map(|m| m.standing()).unwrap_or_default(),
            Err(e) => return self.later(id, &e),
        };
        let (mut kind, mut note) = (kind, note);
        match kind {
            OutcomeKind::Applied if operation.kind.moves_champion() && after.champion() != Some(operation.version) => {
                kind = OutcomeKind::Overtaken;
                note = Some(sentences::overtaken_meanwhile(&champion_is(after.champion())));
            }
            // It was heard after all.
            OutcomeKind::NotApplied
                if Self::was_committed(operation, &after) == Ok(true)
                    && Self::was_committed(operation, &operation.before) != Ok(true) =>
            {
                tracing::warn!(operation = id.0, model = %operation.model, "a change was made later than anybody waited for it");
                return None;
            }
            _ => {}
        }
        let now = self.clock.now();
        let own = operation.own_part(kind, &after);
        let mut ended = event(operation, EventAct::Ended(operation.kind, kind), now);
        ended.operation = Some(id);
        ended.before = Some(operation.before.clone());
        ended.note.clone_from(&note);
        let mut events = vec![];
        if own != after {
            events.push(changed_outside(operation.model.clone(), now, own.clone(), after));
        }
        ended.after = Some(own);
        events.insert(0, ended);
        let outcome = Outcome { kind, note };
        match self.log.end_operation(id, &outcome, now, &events).await {
            Ok(true) => {
                tracing::info!(operation = id.0, model = %operation.model, actor = operation.actor, outcome = kind.as_str(), "a change of a model ended");
                Some(outcome)
            }
            Ok(false) => self.log.operation(id).await.ok().flatten().and_then(|kept| match kept.state {
                OperationState::Ended(outcome) => Some(outcome),
                OperationState::Pending => None,
            }),
            Err(e) => self.later(id, &e),
        }
    }

    /// Ends what was left pending by a process that died or a registry that did not answer. For whoever holds the lock.
    ///
    /// # Errors
    /// `Unavailable` when it still cannot be decided.
    async fn settle_locked(&self, model: &ModelName) -> Result<()> {
        let pending = self.log.pending_operations().await?;
        for kept in pending.into_iter().filter(|k| k.operation.model == *model) {
            if self.decide(kept.id, &kept.operation, None).await.is_none() {
                return Err(Error::unavailable(sentences::undecided(&kept.operation.actor, model)));
            }
        }
        Ok(())
    }

    /// Ends all operations that nobody is at, and writes down what was changed outside. What does not work now is tried the next time. Returns how
    /// many operations were ended.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn settle(&self) -> Result<usize> {
        let mut ended = 0;
        for kept in self.log.pending_operations().await? {
            // Somebody is at it.
            let Some(_lock) = self.try_lock(&kept.operation.model).await? else { continue };
            let still = self.log.operation(kept.id).await?.is_some_and(|k| k.state == OperationState::Pending);
            if still && self.decide(kept.id, &kept.operation, None).await.is_some() {
                tracing::info!(operation = kept.id.0, model = %kept.operation.model, "a change that was left behind is ended");
                ended += 1;
            }
        }
        Ok(ended)
    }

    async fn try_lock(&self, model: &ModelName) -> Result<Option<Box<dyn ModelLock>>> {
        self.locks.lock(model, Duration::from_millis(20)).await
    }

    /// Writes down how a model stands where that is other than the log says. For whoever holds the lock. Returns whether it was.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    async fn note_outside(&self, model: &RegistryModel) -> Result<bool> {
        let last = self.log.last_standing(&model.name).await?;
        let (now, standing) = (self.clock.now(), model.standing());
        let event = match last.and_then(|l| l.event.after) {
            Some(before) if before == standing => return Ok(false),
            Some(before) => changed_outside(model.name.clone(), now, before, standing),
            None => {
                let mut event = RegistryEvent::new(now, model.name.clone(), EventAct::FirstSeen, EventActor::System);
                event.version = standing.champion();
                event.after = Some(standing);
                event
            }
        };
        self.log.log_events(&[event]).await?;
        Ok(true)
    }

    /// Writes down how a model stands of which the copy says something else than the log: what the copy has shown, where that is newer than the log,
    /// because somebody may have gone by it; else what the registry says now. `shown` is with the moment of which it is true. True when something was
    /// written down.
    ///
    /// # Errors
    /// `Unavailable` when the registry or the database does not answer.
    pub async fn look_at(&self, name: &ModelName, shown: Option<(&RegistryModel, Millis)>) -> Result<bool> {
        let Some(_lock) = self.try_lock(name).await? else { return Ok(false) };
        if self.log.pending_operations().await?.iter().any(|k| k.operation.model == *name) {
            return Ok(false);
        }
        if let Some((shown, as_of)) = shown
            && self.log.last_standing(name).await?.is_none_or(|last| last.event.at < as_of)
        {
            return self.note_outside(shown).await;
        }
        match self.catalog.read_again(name).await? {
            Some(model) => self.note_outside(&model).await,
            None => self.note_gone(name).await,
        }
    }

    async fn note_gone(&self, name: &ModelName) -> Result<bool> {
        let Some(before) = self.log.last_standing(name).await?.and_then(|l| l.event.after) else { return Ok(false) };
        if before == Standing::default() {
            return Ok(false);
        }
        let mut event = changed_outside(name.clone(), self.clock.now(), before, Standing::default());
        event.note = Some(sentences::model_is_gone());
        self.log.log_events(&[event]).await?;
        Ok(true)
    }

    /// Registers a version in our own registry, and writes down who did.
    ///
    /// # Errors
    /// As [`ModelRegistry::register`]; `Unavailable` when somebody else is at the model, or the database does not answer.
    pub async fn register(&self, new: &NewVersion) -> Result<ModelVersion> {
        let Some(_lock) = self.locks.lock(&new.model, WAIT).await? else {
            return Err(Error::unavailable(sentences::model_is_busy(&new.model)));
        };
        self.settle_locked(&new.model).await?;
        let known = match self.registry.model(&new.model).await {
            Ok(known) => Some(known),
            Err(e) if e.kind == ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        if let Some(known) = &known {
            self.note_outside(known).await?;
        }
        let version = self.registry.register(new).await?;
        let model = self.catalog.read_again(&new.model).await?;
        let actor = EventActor::Named(new.created_by.clone());
        let mut event = RegistryEvent::new(self.clock.now(), new.model.clone(), EventAct::Registered, actor);
        event.version = Some(version.version);
        event.before = known.map(|m| m.standing());
        event.after = model.map(|m| m.standing());
        self.log.log_events(&[event]).await?;
        Ok(version)
    }
}

fn champion_is(champion: Option<Version>) -> Sentence {
    champion.map_or_else(sentences::no_champion, sentences::champion_is)
}

/// Whether it is not known yet what became of something that was begun.
fn is_pending(attempt: &Attempt) -> bool {
    matches!(attempt, Attempt::Done(done) if done.outcome.is_none())
}

fn changed_outside(model: ModelName, at: Millis, before: Standing, after: Standing) -> RegistryEvent {
    let mut event = RegistryEvent::new(at, model, EventAct::ChangedOutside, EventActor::Outside);
    event.version = after.champion();
    (event.before, event.after) = (Some(before), Some(after));
    event
}

/// An event of an operation, by whoever began it.
fn event(operation: &Operation, act: EventAct, at: Millis) -> RegistryEvent {
    let mut event = RegistryEvent::new(at, operation.model.clone(), act, EventActor::Named(operation.actor.clone()));
    event.version = Some(operation.version);
    event.reason = Some(operation.reason.clone());
    event
}
