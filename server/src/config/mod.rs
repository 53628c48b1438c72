//! Settings: one file a subsystem, each with its flags, variables, defaults and checks. What clap is told there is the one
//! origin of `--help`, of `guardianflow config` and of the table in README.md (`table`); a test compares them.
//!
//! A new subsystem is a file like `log.rs`, its `mod` line and its line in `subsystems!`.

pub mod data;
pub mod database;
pub mod declared;
pub mod demo;
pub mod ingest;
pub mod log;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/config/sentences.rs"));
}
pub mod serve;
pub mod table;

use clap::Args;
use domain::Result;

/// What a subsystem says of its settings beyond what clap knows.
pub trait Subsystem {
    /// How `guardianflow config` shows the value of an argument that is not shown as it was given.
    fn shown(&self, _all: &Settings, _id: &str) -> Option<String> {
        None
    }

    /// Refuses to serve with settings that do not go together.
    ///
    /// # Errors
    /// `BadInput` with the sentence that tells what to set.
    fn check(&self, _all: &Settings) -> Result<()> {
        Ok(())
    }
}

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
    declared: declared::Declared,
    demo: demo::Demo,
    log: log::Log,
}

impl Settings {
    /// Refuses to serve with settings that do not go together, in any subsystem.
    ///
    /// # Errors
    /// `BadInput` with the sentence that tells what to set.
    pub fn check(&self) -> Result<()> {
        self.subsystems().into_iter().try_for_each(|s| s.check(self))
    }
}

/// A text that is never printed. An argument of this type also says `hide_env_values = true`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "set, {} bytes", self.0.len())
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;
    /// Takes any text: a complaint by the command line would print it. What it must be like is looked at in `check`.
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}
