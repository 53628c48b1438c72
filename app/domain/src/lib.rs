//! The types, rules and arithmetic of GuardianFlow, and its ports.
//! No IO happens here and no time is read from a clock, so every rule can be tested in microseconds and the crate
//! compiles for the browser as it stands.

pub mod access;
pub mod aggregate;
pub mod cells;
pub mod change;
pub mod changes;
pub mod chart;
pub mod choice;
pub mod compare;
pub mod custom_metrics;
pub mod declarations;
pub mod error;
#[cfg(feature = "evidence")]
pub mod evidence;
#[cfg(feature = "search")]
pub mod mapping;
pub mod metric;
pub mod model;
pub mod paired;
pub mod params;
pub mod ports;
pub mod query;
pub mod record;
pub mod reducers;
#[cfg(feature = "evidence")]
pub mod registry;
pub mod saved_view;
pub mod scope;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/sentences.rs"));
}
#[cfg(feature = "spelling")]
pub mod normalization;
pub mod sketch;
pub mod state;
#[cfg(feature = "evidence")]
pub mod student;
pub mod text;
pub mod time;
pub mod token;
pub mod token_name;
pub mod tracking;
#[cfg(feature = "evidence")]
pub mod webhook;

pub use error::{Error, ErrorKind, Result};
