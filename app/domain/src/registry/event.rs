//! The log of a registry: what happened to models, who did it, and why. Events are only ever added; each carries a hash over itself and the one
//! before, so that a change to any of them shows.

use serde::{Deserialize, Serialize};

use super::{
    kept_evidence::KeptEvidence,
    names::{ModelName, Version},
    operation::{OperationId, OperationKind, OutcomeKind},
    request::RequestId,
    standing::Standing,
};
use crate::{error::Sentence, time::Millis};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventActor {
    /// Somebody through us, by name.
    Named(String),
    /// Somebody who did not come through us: MLflow's own pages, a notebook.
    Outside,
    /// Ourselves: what a crash left was finished, a request expired.
    System,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventAct {
    /// A model was looked at for the first time; what had happened before is not known.
    FirstSeen,
    /// Something was changed outside; `after` says to what.
    ChangedOutside,
    /// A version was registered through us.
    Registered,
    /// An operation was begun.
    Begun(OperationKind),
    /// It ended.
    Ended(OperationKind, OutcomeKind),
    Requested,
    Approved,
    Rejected,
    Withdrawn,
    Expired,
    /// Description or tags of a version were changed through us.
    Described,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegistryEvent {
    pub at: Millis,
    pub model: ModelName,
    pub act: EventAct,
    pub actor: EventActor,
    /// The version that it is about.
    pub version: Option<Version>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// How the model stood; `None` where nothing of it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Standing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Standing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<KeptEvidence>>,
    /// What else is to be known, such as why it was not applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Sentence>,
}

impl RegistryEvent {
    /// An event that says who did what and nothing else.
    #[must_use]
    pub fn new(at: Millis, model: ModelName, act: EventAct, actor: EventActor) -> Self {
        Self {
            at,
            model,
            act,
            actor,
            version: None,
            reason: None,
            operation: None,
            request: None,
            before: None,
            after: None,
            evidence: None,
            note: None,
        }
    }
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEvent {
    /// From 1 on, without a gap.
    pub number: i64,
    pub event: RegistryEvent,
    /// SHA-256 over the hash before and this event.
    pub hash: [u8; 32],
}

/// What the hash of an event is made over: the hash before it, its number, and its text as it is kept.
#[must_use]
pub fn chain_input(previous: &[u8; 32], number: i64, body: &str) -> Vec<u8> {
    [previous.as_slice(), &number.to_be_bytes(), body.as_bytes()].concat()
}
