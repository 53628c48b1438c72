//! `guardianflow demo`: the scenarios of the simulated fleet, its registered models, and its removal.

use std::{path::Path, process::ExitCode};

use clap::Subcommand;
use domain::{Result, ports::Clock};

use super::output::{print, print_json};
use crate::{config::Settings, demo, startup};

#[derive(Debug, Subcommand)]
pub enum Demo {
    /// What happens in the simulated fleet
    Stories,
    /// Fill the data folder with the simulated fleet now, without serving
    Fill,
    /// The registered models of the simulated fleet with their runs, as JSON, to write them into an MLflow
    #[command(
        after_help = "Example:\n  guardianflow demo models | MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python \\\n    docs/examples/demo_models_into_mlflow.py"
    )]
    Models,
    /// Delete every simulated record and training run; your own stay
    #[command(after_help = "Example:\n  guardianflow demo remove --data data")]
    Remove,
}

impl Demo {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        match self {
            Self::Stories => print(&demo::SCENARIOS.join("\n"))?,
            Self::Fill => {
                startup::with(settings, async |services| {
                    let demo = demo_of(settings, services);
                    let epoch = match demo.simulated.epoch().await? {
                        Some(epoch) => epoch,
                        None => demo.begin().await?,
                    };
                    demo.fill(epoch, |days| tracing::info!(days, "demo days are in")).await?;
                    demo.grow(epoch).await?;
                    demo.simulated.compact().await
                })
                .await?;
                print("the simulated fleet is in")?;
            }
            Self::Models => {
                let epoch = match is_there(&settings.data.folder).await {
                    true => startup::with(settings, async |services| services.simulated.epoch().await).await?,
                    false => None,
                };
                print_json(&demo::described(epoch.unwrap_or_else(|| startup::SystemClock.now())))?;
            }
            Self::Remove => {
                let removed =
                    startup::with(settings, async |services| demo_of(settings, services).remove().await).await?;
                print(&format!("{removed} simulated records removed"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Whoever only asks leaves no data folder behind.
async fn is_there(folder: &Path) -> bool {
    tokio::fs::try_exists(folder).await.unwrap_or(true)
}

fn demo_of(settings: &Settings, services: &startup::AppServices) -> demo::Demo {
    let mlruns = demo::mlruns_folder(&settings.data.folder);
    demo::Demo {
        simulated: services.simulated.clone(),
        clock: services.clock.clone(),
        mlruns,
        registry: services.demo_registry.clone(),
    }
}
