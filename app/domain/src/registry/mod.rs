//! The registry of models: which versions there are, which of them is the champion, and how that came about. A registry is MLflow's or our
//! own; what follows from its state and from the log of its changes is decided here, without asking anybody.

mod event;
mod history;
mod index;
mod model;
mod names;
mod operation;
mod request;
mod standing;

pub use self::{
    event::{EventAct, EventActor, KeptEvidence, LoggedEvent, RegistryEvent, chain_input},
    history::{LivePeriod, RollbackTarget, champion_periods, rollback_target, standing_at},
    index::RegistryIndex,
    model::{ModelVersion, RegistryModel, Stage, VersionStatus},
    names::{Alias, CHALLENGER, CHAMPION, MAX_ALIAS, ModelName, ROLLBACK, Version},
    operation::{Operation, OperationId, OperationKind, OperationState, Outcome, OutcomeKind, Target},
    request::{MAX_REASON, PromotionRequest, Reason, RequestId, RequestState},
    standing::{Standing, StandingChange, VersionSet},
};
