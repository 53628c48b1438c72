//! Where records came from, and what was refused.

use std::sync::Arc;

use domain::{
    Result,
    access::{Action, Actor, Object, authorize},
    ports::{SourceLedger, SourceReport},
};

/// What is known of sources, by whoever may see it: their names tell of every customer.
#[derive(Clone)]
pub struct Sources {
    actor: Actor,
    ledger: Arc<dyn SourceLedger>,
}

impl Sources {
    /// For the operator; see [`Sources::seen_by`].
    #[must_use]
    pub fn new(ledger: Arc<dyn SourceLedger>) -> Self {
        Self { actor: Actor::Operator, ledger }
    }

    /// The same for somebody else, who may see less.
    #[must_use]
    pub fn seen_by(&self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), ..self.clone() }
    }

    /// All sources, those with trouble first, then the freshest.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not see the installation's sources, `Unavailable` when the ledger cannot be read.
    pub async fn reports(&self) -> Result<Vec<SourceReport>> {
        authorize(&self.actor, Action::ReadSources, Object::Installation)?;
        self.ledger.sources().await
    }
}
