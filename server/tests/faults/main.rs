//! What goes wrong around the product: processes killed at any moment, full disks, damaged files, ports in use.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says why and stops")]
#![allow(clippy::disallowed_methods, reason = "a test waits for what it started, and nobody waits for the test")]

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
