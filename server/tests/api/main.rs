//! The product from outside: the real binary on a loopback port, asked as programs, people and attackers ask.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says why and stops")]

#[path = "../support/fleet.rs"]
mod fleet;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/wire.rs"]
mod wire;

mod asking;
mod commands;
mod cross_site;
mod events;
mod exports;
mod headers;
mod hostile;
mod hosts;
mod ingest;
mod names;
mod operator;
mod pages;
mod records;
mod refusals;
mod rest;
mod send;
