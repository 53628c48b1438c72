//! The files of declarations: what records cannot say.

use std::path::{Path, PathBuf};

use clap::Args;

use super::subsystem::Subsystem;

#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Declarations {
    /// Names of places, and what is expected of them [default: places.yaml in the data folder]
    #[arg(long, env = "GF_PLACES", value_name = "FILE", global = true)]
    pub places: Option<PathBuf>,
    /// How metrics are called and read [default: metrics.yaml in the data folder]
    #[arg(long, env = "GF_METRICS", value_name = "FILE", global = true)]
    pub metrics: Option<PathBuf>,
    /// How runs of MLflow become records [default: sources.yaml in the data folder]
    #[arg(long, env = "GF_SOURCES", value_name = "FILE", global = true)]
    pub sources: Option<PathBuf>,
}

impl Subsystem for Declarations {
    fn shown(&self, folder: &Path, id: &str) -> Option<String> {
        match id {
            "places" => Some(self.places_file(folder).display().to_string()),
            "metrics" => Some(self.metrics_file(folder).display().to_string()),
            "sources" => Some(self.sources_file(folder).display().to_string()),
            _ => None,
        }
    }
}

impl Declarations {
    /// The file that names places, with this data folder.
    #[must_use]
    pub fn places_file(&self, folder: &Path) -> PathBuf {
        self.places.clone().unwrap_or_else(|| folder.join("places.yaml"))
    }

    /// The file that describes metrics, with this data folder.
    #[must_use]
    pub fn metrics_file(&self, folder: &Path) -> PathBuf {
        self.metrics.clone().unwrap_or_else(|| folder.join("metrics.yaml"))
    }
    /// The file of mappings, with this data folder.
    #[must_use]
    pub fn sources_file(&self, folder: &Path) -> PathBuf {
        self.sources.clone().unwrap_or_else(|| folder.join("sources.yaml"))
    }
}
