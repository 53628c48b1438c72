//! The demo: a simulated fleet with scenarios, taken into the lake through the same use case as everything else.
//! Every record is a function of its place and its time slot, so a fleet that began at the same moment is the same fleet.

mod fleet;
mod mlruns;
mod models;
mod noise;
mod png;
mod predictions;
mod records;
mod run_files;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/demo/sentences.rs"));
}
mod training;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{
    Result,
    ports::Clock,
    time::{DAY, Millis},
};
use usecases::DemoData;

pub use fleet::{Fleet, SCENARIOS};
pub use mlruns::{mlruns_folder, write_runs};
pub use models::{DemoRegistry, described};

/// Days of history before the demo began.
pub const HISTORY_DAYS: i64 = 90;
/// So many of the newest days make the pages meaningful; then the server is ready.
pub const READY_AFTER_DAYS: i64 = 30;

/// Fills and grows the simulated fleet.
#[derive(Clone)]
pub struct Demo {
    pub simulated: DemoData,
    pub clock: Arc<dyn Clock>,
    /// Where the training runs of its models are written: see [`mlruns_folder`].
    pub mlruns: PathBuf,
    /// Where its models are registered; `None` where models are in MLflow.
    pub registry: Option<DemoRegistry>,
}

impl Demo {
    /// Begins a demo now.
    ///
    /// # Errors
    /// When the notes cannot be written.
    pub async fn begin(&self) -> Result<Millis> {
        let now = self.clock.now();
        self.simulated.set_epoch(now).await?;
        Ok(now)
    }

    /// Fills the past, newest day first, from where it was left; `told` is called after each day with the number of days done.
    ///
    /// # Errors
    /// When the lake cannot be written.
    pub async fn fill(&self, epoch: Millis, mut told: impl FnMut(i64)) -> Result<()> {
        self.write_runs(epoch).await;
        if let Some(registry) = &self.registry
            && let Err(e) = registry.write(epoch).await
        {
            tracing::warn!(error = %e, detail = ?e.detail, "the demo's models are not registered");
        }
        let oldest = epoch.plus(-HISTORY_DAYS * DAY);
        let mut to = self.simulated.filled_from().await?.unwrap_or(epoch);
        told((epoch.0 - to.0) / DAY);
        while to > oldest {
            let from = to.plus(-DAY).max(oldest);
            self.take(epoch, from, to).await?;
            if self.simulated.epoch().await? != Some(epoch) {
                return self.gone().await;
            }
            self.simulated.set_filled_from(from).await?;
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
        let mut from = self.simulated.grown_to().await?.unwrap_or(epoch);
        let mut taken = 0;
        while from < now {
            let to = from.plus(DAY).min(now);
            taken += self.take(epoch, from, to).await?;
            if self.simulated.epoch().await? != Some(epoch) {
                self.gone().await?;
                return Ok(0);
            }
            self.simulated.set_grown_to(to).await?;
            from = to;
        }
        Ok(taken)
    }

    /// Ends the demo and deletes its records and runs. Returns how many records.
    ///
    /// # Errors
    /// When the lake cannot be written.
    pub async fn remove(&self) -> Result<u64> {
        self.simulated.clear().await?;
        self.remove_runs().await;
        self.remove_models().await?;
        self.simulated.delete_records().await
    }

    /// Records are there without their runs: a fault here is told and stops nothing.
    async fn write_runs(&self, epoch: Millis) {
        self.change_runs(move |folder| mlruns::write_runs(folder, epoch)).await;
    }

    async fn remove_models(&self) -> Result<()> {
        match &self.registry {
            Some(registry) => registry.remove().await,
            None => Ok(()),
        }
    }

    async fn remove_runs(&self) {
        self.change_runs(mlruns::remove_runs).await;
    }

    async fn change_runs(&self, work: impl FnOnce(&Path) -> io::Result<()> + Send + 'static) {
        let folder = self.mlruns.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await.map_err(io::Error::from);
        if let Err(e) = done.and_then(|done| done) {
            tracing::warn!(error = %e, folder = %self.mlruns.display(), "the demo's training runs stay as they are");
        }
    }

    /// The demo was removed while we were adding to it: take back what came after.
    async fn gone(&self) -> Result<()> {
        self.remove_runs().await;
        self.remove_models().await?;
        self.simulated.delete_records().await.map(|_| ())
    }

    async fn take(&self, epoch: Millis, from: Millis, to: Millis) -> Result<u64> {
        let now = self.clock.now();
        let records =
            tokio::task::spawn_blocking(move || records::records_between(&Fleet::new(), epoch, from, to, now))
                .await
                .map_err(|e| domain::Error::internal(sentences::broke_off()).with_detail(e))?;
        if records.is_empty() {
            return Ok(0);
        }
        Ok(self.simulated.append(records).await?.taken)
    }
}
