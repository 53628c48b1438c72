//! The registry of models: which versions there are, which of them is the champion, and how that came about. A registry is MLflow's or our
//! own; what follows from its state and from the log of its changes is decided here, without asking anybody.

mod event;
mod history;
mod index;
mod kept_evidence;
mod model;
mod names;
mod operation;
mod request;
mod stage;
mod standing;

mod sentences {
    include!(concat!(env!("OUT_DIR"), "/registry/sentences.rs"));
}

pub use crate::evidence::Target;

pub use self::{
    event::{EventAct, EventActor, LoggedEvent, RegistryEvent, chain_input},
    history::{LivePeriod, RollbackTarget, champion_periods, rollback_target, standing_at},
    index::RegistryIndex,
    kept_evidence::KeptEvidence,
    model::{ModelVersion, RegistryModel, VersionStatus},
    names::{Alias, CHALLENGER, CHAMPION, MAX_ALIAS, ModelName, ROLLBACK, Version},
    operation::{Operation, OperationId, OperationKind, OperationState, Outcome, OutcomeKind},
    request::{MAX_REASON, PromotionRequest, Reason, RequestId, RequestState},
    stage::Stage,
    standing::{Standing, StandingChange, VersionSet},
};
