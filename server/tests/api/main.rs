//! The product from outside: the real binary on a loopback port, asked as programs, people and attackers ask.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says why and stops")]
#![allow(clippy::disallowed_methods, reason = "a test waits for what it started, and nobody waits for the test")]

#[path = "../support/fake_mlflow.rs"]
mod fake_mlflow;
#[path = "../support/fleet.rs"]
mod fleet;
#[path = "../support/mlflow.rs"]
mod mlflow;
#[path = "../support/mlruns.rs"]
mod mlruns;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/wire.rs"]
mod wire;

mod asking;
mod bound;
mod commands;
mod compare;
mod cross_site;
mod declared;
mod devices;
mod doctor;
mod events;
mod evidence;
mod evidence_writes;
mod examples;
mod exports;
mod forms;
mod headers;
mod hostile;
mod hosts;
mod ingest;
mod jobs;
mod language;
mod model_pages;
mod names;
mod operator;
mod pages;
mod records;
mod refusals;
mod rest;
mod run_choice;
mod run_commands;
mod run_downloads;
mod run_images;
mod run_import;
mod run_pages;
mod runs;
mod send;
mod spelling;
mod tokens;
mod tracking;
mod views;
mod webhooks;
mod writes;
