//! The files in which people write down what records cannot say.

use std::path::PathBuf;

use clap::Args;

use super::{Settings, Subsystem};

#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Declared {
    /// Names of places, and what is expected of them [default: places.yaml in the data folder]
    #[arg(long, env = "GF_PLACES", value_name = "FILE", global = true)]
    pub places: Option<PathBuf>,
    /// How metrics are called and read [default: metrics.yaml in the data folder]
    #[arg(long, env = "GF_METRICS", value_name = "FILE", global = true)]
    pub metrics: Option<PathBuf>,
}

impl Subsystem for Declared {
    fn shown(&self, all: &Settings, id: &str) -> Option<String> {
        match id {
            "places" => Some(all.places_file().display().to_string()),
            "metrics" => Some(all.metrics_file().display().to_string()),
            _ => None,
        }
    }
}

impl Settings {
    /// The file that names places.
    #[must_use]
    pub fn places_file(&self) -> PathBuf {
        self.declared.places.clone().unwrap_or_else(|| self.data.folder.join("places.yaml"))
    }

    /// The file that describes metrics.
    #[must_use]
    pub fn metrics_file(&self) -> PathBuf {
        self.declared.metrics.clone().unwrap_or_else(|| self.data.folder.join("metrics.yaml"))
    }
}
