//! `guardianflow demo`: the scenarios of the simulated fleet, and its removal.

use std::process::ExitCode;

use clap::Subcommand;
use domain::Result;

use super::output::print;
use crate::{config::Settings, demo, startup};

#[derive(Debug, Subcommand)]
pub enum Demo {
    /// What happens in the simulated fleet
    Stories,
    /// Fill the data folder with the simulated fleet now, without serving
    Fill,
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
            Self::Remove => {
                let removed =
                    startup::with(settings, async |services| demo_of(settings, services).remove().await).await?;
                print(&format!("{removed} simulated records removed"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
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
