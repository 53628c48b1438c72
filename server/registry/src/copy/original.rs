//! The original with a deadline on every question.

use std::{future::Future, sync::Arc, time::Duration};

use domain::{
    Error, ErrorKind, Result,
    error::Sentence,
    ports::{TrackingKind, TrackingStore},
};
use tokio::time::timeout;

use super::{health::Health, sentences};
use crate::mlflow::version_warning;

pub struct Original {
    pub store: Arc<dyn TrackingStore>,
    pub health: Health,
}

impl Original {
    pub fn new(store: Arc<dyn TrackingStore>) -> Self {
        Self { store, health: Health::new() }
    }

    /// The answer to a question, if it comes in time. Adapters have deadlines of their own; ours holds where theirs do not.
    ///
    /// # Errors
    /// Those of the question; `Unavailable` when it takes too long.
    pub async fn within<T>(&self, deadline: Duration, question: impl Future<Output = Result<T>>) -> Result<T> {
        let answer = timeout(deadline, question).await.unwrap_or_else(|_| Err(self.silent(deadline)));
        // That a run is not there is an answer.
        if answer.as_ref().err().is_none_or(|e| matches!(e.kind, ErrorKind::NotFound | ErrorKind::BadInput)) {
            self.health.answered_copying();
        }
        answer
    }

    /// That it was not heard of for so long.
    pub fn silent(&self, deadline: Duration) -> Error {
        let seconds = deadline.as_secs_f64();
        Error::unavailable(sentences::no_answer(self.store.address(), seconds))
    }
}

/// What a version that the original says it has is warned for.
pub fn warning(kind: TrackingKind, version: Option<&str>) -> Option<Sentence> {
    version.filter(|_| kind == TrackingKind::Server).and_then(version_warning)
}
