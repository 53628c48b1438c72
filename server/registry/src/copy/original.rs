//! The original with a deadline on every question.

use std::{future::Future, sync::Arc, time::Duration};

use domain::{
    Error, ErrorKind, Result,
    ports::{TrackingKind, TrackingStore},
};
use tokio::time::timeout;

use super::{
    health::{Health, PROBE_DEADLINE},
    sentences,
};

/// What was closed in this version are holes that whoever reaches the server can use (path traversal, SSRF).
const NEEDED_VERSION: (u32, u32) = (3, 17);

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

    /// Asks whether it answers.
    ///
    /// # Errors
    /// `Unavailable` when it does not.
    pub async fn probe(&self) -> Result<Option<String>> {
        timeout(PROBE_DEADLINE, self.store.probe()).await.unwrap_or_else(|_| Err(self.silent(PROBE_DEADLINE)))
    }

    /// That it was not heard of for so long.
    pub fn silent(&self, deadline: Duration) -> Error {
        let seconds = deadline.as_secs_f64();
        Error::unavailable(sentences::no_answer(self.store.address(), seconds))
    }
}

/// What a version that the original says it has is warned for.
pub fn warning(kind: TrackingKind, version: Option<&str>) -> Option<domain::error::Sentence> {
    let version = version.filter(|_| kind == TrackingKind::Server)?;
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    let (major, minor) = (numbers.next()?, numbers.next()?);
    let needed = format!("{}.{}", NEEDED_VERSION.0, NEEDED_VERSION.1);
    ((major, minor) < NEEDED_VERSION).then(|| sentences::old_version(version, needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_is_warned_for_and_nothing_else() {
        let warned = |kind, version| warning(kind, version).is_some();
        assert!(warned(TrackingKind::Server, Some("3.16.0")) && warned(TrackingKind::Server, Some("2.22.1")));
        for fine in ["3.17.2", "3.17", "4.0.0", "dev", ""] {
            assert!(!warned(TrackingKind::Server, Some(fine)), "{fine}");
        }
        assert!(!warned(TrackingKind::Server, None) && !warned(TrackingKind::Folder, Some("1.0.0")));
    }
}
