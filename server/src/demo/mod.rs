//! The demo: a simulated fleet with stories in it, taken into the lake through the same door as everything else.
//! Every record is a function of its place and its time slot, so a fleet that began at the same moment is the same fleet.

mod fleet;
mod records;

use std::sync::Arc;

use domain::{
    Result,
    ports::{Clock, Notes, RecordSink, RefusedCounts, SourceId},
    time::{DAY, Millis},
};

pub use fleet::{Fleet, STORIES};

/// Days of history before the demo began.
pub const DAYS: i64 = 90;
/// So many of the newest days make the pages meaningful; then the server is ready.
pub const FIRST_DAYS: i64 = 30;

/// What is noted: when the demo began, down to which moment its past is filled, up to which moment it has grown.
const EPOCH: &str = "demo_epoch";
const FILLED_FROM: &str = "demo_filled_from";
const GROWN_TO: &str = "demo_grown_to";

/// Fills and grows the simulated fleet.
#[derive(Clone)]
pub struct Demo {
    pub sink: Arc<dyn RecordSink>,
    pub notes: Arc<dyn Notes>,
    pub clock: Arc<dyn Clock>,
}

fn source() -> SourceId {
    SourceId { kind: "demo".into(), name: domain::ports::DEMO.into() }
}

impl Demo {
    /// When the demo of this lake began; `None` when there is none.
    ///
    /// # Errors
    /// When the notes cannot be read.
    pub async fn epoch(&self) -> Result<Option<Millis>> {
        self.moment(EPOCH).await
    }

    /// Begins a demo now.
    ///
    /// # Errors
    /// When the notes cannot be written.
    pub async fn begin(&self) -> Result<Millis> {
        let now = self.clock.now();
        self.notes.set_note(EPOCH, Some(&now.0.to_string())).await?;
        Ok(now)
    }

    /// Fills the past, newest day first, from where it was left; `told` hears after each day how many days are in.
    ///
    /// # Errors
    /// When the lake cannot be written.
    pub async fn fill(&self, epoch: Millis, mut told: impl FnMut(i64)) -> Result<()> {
        let oldest = epoch.plus(-DAYS * DAY);
        let mut to = self.moment(FILLED_FROM).await?.unwrap_or(epoch);
        told((epoch.0 - to.0) / DAY);
        while to > oldest {
            let from = to.plus(-DAY).max(oldest);
            self.take(epoch, from, to).await?;
            if self.epoch().await? != Some(epoch) {
                return self.gone().await;
            }
            self.notes.set_note(FILLED_FROM, Some(&from.0.to_string())).await?;
            to = from;
            told((epoch.0 - to.0) / DAY);
        }
        Ok(())
    }

    /// Adds what happened since the last time. Returns how many records.
    ///
    /// # Errors
    /// When the lake cannot be written.
    pub async fn grow(&self, epoch: Millis) -> Result<u64> {
        let now = self.clock.now();
        let mut from = self.moment(GROWN_TO).await?.unwrap_or(epoch);
        let mut taken = 0;
        while from < now {
            let to = from.plus(DAY).min(now);
            taken += self.take(epoch, from, to).await?;
            if self.epoch().await? != Some(epoch) {
                self.gone().await?;
                return Ok(0);
            }
            self.notes.set_note(GROWN_TO, Some(&to.0.to_string())).await?;
            from = to;
        }
        Ok(taken)
    }

    /// Ends the demo and deletes its records. Returns how many.
    ///
    /// # Errors
    /// When the lake cannot be written.
    pub async fn remove(&self) -> Result<u64> {
        for note in [EPOCH, FILLED_FROM, GROWN_TO] {
            self.notes.set_note(note, None).await?;
        }
        self.sink.remove_simulated().await
    }

    /// The demo was removed while we were adding to it: take back what came after.
    async fn gone(&self) -> Result<()> {
        self.sink.remove_simulated().await.map(|_| ())
    }

    async fn take(&self, epoch: Millis, from: Millis, to: Millis) -> Result<u64> {
        let now = self.clock.now();
        let records = tokio::task::spawn_blocking(move || records::between(&Fleet::new(), epoch, from, to, now))
            .await
            .map_err(|e| domain::Error::internal("the demo broke off").with_detail(e))?;
        if records.is_empty() {
            return Ok(0);
        }
        Ok(self.sink.append(&source(), records, &RefusedCounts::new()).await?.taken)
    }

    async fn moment(&self, key: &str) -> Result<Option<Millis>> {
        Ok(self.notes.note(key).await?.and_then(|t| t.parse().ok()).map(Millis))
    }
}
