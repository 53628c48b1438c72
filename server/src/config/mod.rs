//! Settings: one file a subsystem, each with its flags, variables, defaults and checks. What clap is told there is the one
//! origin of `--help`, of `guardianflow config` and of the table in README.md (`table`); a test compares them.
//!
//! A new subsystem is a file like `log.rs`, its `mod` line and its line in `subsystems!`.

pub mod data;
pub mod database;
pub mod declarations;
pub mod demo;
pub mod ingest;
pub mod log;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/config/sentences.rs"));
}
mod secret;
pub mod serve;
mod subsystem;
pub mod table;
pub mod tracking;
pub mod webhooks;

use std::path::PathBuf;

use clap::Args;
use domain::{Error, Result};

pub use self::secret::Secret;
use self::subsystem::Subsystem;

macro_rules! subsystems {
    ($($name:ident: $kind:ty,)+) => {
        #[derive(Debug, Clone, Args)]
        #[group(skip)]
        pub struct Settings {
            $(#[command(flatten)] pub $name: $kind,)+
        }

        impl Settings {
            fn subsystems(&self) -> Vec<&dyn Subsystem> {
                vec![$(&self.$name),+]
            }
        }
    };
}

// In the order of the table.
subsystems! {
    data: data::Data,
    database: database::Database,
    serve: serve::Serve,
    ingest: ingest::Ingest,
    declared: declarations::Declarations,
    tracking: tracking::Tracking,
    webhooks: webhooks::Webhooks,
    demo: demo::Demo,
    log: log::Log,
}

impl Settings {
    /// Refuses to serve with settings that do not go together, in any subsystem.
    ///
    /// # Errors
    /// `BadInput` with the sentence that tells what to set.
    pub fn check(&self) -> Result<()> {
        self.subsystems().into_iter().try_for_each(|s| s.check(&self.data.folder))
    }

    /// What each subsystem refuses.
    #[must_use]
    pub fn errors(&self) -> Vec<Error> {
        self.subsystems().into_iter().filter_map(|s| s.check(&self.data.folder).err()).collect()
    }

    /// The file that names places.
    #[must_use]
    pub fn places_file(&self) -> PathBuf {
        self.declared.places_file(&self.data.folder)
    }

    /// The file that describes metrics.
    #[must_use]
    pub fn metrics_file(&self) -> PathBuf {
        self.declared.metrics_file(&self.data.folder)
    }

    /// The file that says how runs become records.
    #[must_use]
    pub fn sources_file(&self) -> PathBuf {
        self.declared.sources_file(&self.data.folder)
    }
}
