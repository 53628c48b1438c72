//! Where records came from, and what was refused.

use std::sync::Arc;

use domain::{
    Result,
    access::{Action, Actor, Object, authorize},
    error::Sentence,
    ports::{SourceId, SourceLedger, SourceReport},
    time::Millis,
};

/// What is known of sources, for actors who may see it: their names tell of every customer.
#[derive(Clone)]
pub struct Sources {
    actor: Actor,
    ledger: Arc<dyn SourceLedger>,
}

impl Sources {
    /// For the operator; see [`Sources::for_actor`].
    #[must_use]
    pub fn new(ledger: Arc<dyn SourceLedger>) -> Self {
        Self { actor: Actor::Operator, ledger }
    }

    /// The same for another actor.
    #[must_use]
    pub fn for_actor(&self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), ..self.clone() }
    }

    /// All sources, those with errors first, then the freshest.
    ///
    /// # Errors
    /// `Forbidden` when the actor may not see the installation's sources, `Unavailable` when the ledger cannot be read.
    pub async fn reports(&self) -> Result<Vec<SourceReport>> {
        authorize(&self.actor, Action::ReadSources, Object::Installation)?;
        self.ledger.sources().await
    }

    /// Notes that a source is about to be read from its beginning: what the last read refused is forgotten.
    ///
    /// # Errors
    /// `Forbidden` when the actor may not send records; `Unavailable` when the ledger cannot be written.
    pub async fn read_started(&self, source: &SourceId, at: Millis) -> Result<()> {
        self.may_note()?;
        self.ledger.read_started(source, at).await
    }

    /// Notes that a source could not be read at all.
    ///
    /// # Errors
    /// As [`Sources::read_started`].
    pub async fn read_failed(&self, source: &SourceId, at: Millis, reason: &Sentence) -> Result<()> {
        self.may_note()?;
        self.ledger.read_failed(source, at, reason).await
    }

    /// Notes that a source was read to its end.
    ///
    /// # Errors
    /// As [`Sources::read_started`].
    pub async fn read_finished(&self, source: &SourceId, at: Millis) -> Result<()> {
        self.may_note()?;
        self.ledger.read_finished(source, at).await
    }

    fn may_note(&self) -> Result<()> {
        authorize(&self.actor, Action::WriteRecords, Object::Installation)
    }
}
