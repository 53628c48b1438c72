//! What goes wrong around the product: processes killed at any moment, full disks, damaged files, ports in use.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says why and stops")]

#[path = "../support/fleet.rs"]
mod fleet;
#[path = "../support/process.rs"]
mod process;

mod disk;
mod files;
mod kills;
mod pages;
mod source_error;
mod tail;
mod tail_kills;
