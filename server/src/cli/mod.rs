//! The command line: tables for people, `--json` and `--csv` for programs. One file a command.

mod config;
mod database;
mod declarations;
mod demo;
mod doctor;
mod download;
mod exit;
mod experiments;
mod import;
mod ingest;
mod metrics;
mod models;
mod output;
mod pick;
mod registered_models;
mod routes;
mod run_comparison;
mod run_texts;
mod runs;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/cli/sentences.rs"));
}
mod serve;
mod tokens;
mod views;
mod webhooks;

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use domain::{ErrorKind, Result};

use crate::config::{Settings, log::Log};

/// The live record of how detection and tracking models do in the field.
#[derive(Debug, Parser)]
#[command(
    name = "guardianflow",
    version,
    propagate_version = true,
    after_help = "\
Examples:
  guardianflow serve --demo 1                         a simulated fleet on http://127.0.0.1:3000
  guardianflow ingest metrics_2026-06-30.jsonl        take a file of records
  guardianflow metrics summary --customer acme        how a customer did in the last 7 days
  guardianflow metrics trend --metric mAP50 --days 30 how a metric moved, drawn in the terminal

Exit codes: 0 fine, 1 failed, 2 wrong usage; those of `models compare` are in its help."
)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve pages and the REST interface
    #[command(after_help = "\
Examples:
  guardianflow serve --data data
  guardianflow serve --demo 1 --data demo
  GF_OPERATOR_TOKEN=$(openssl rand -hex 32) guardianflow serve --addr 0.0.0.0:3000 --hosts metrics.example.com")]
    Serve,
    /// Take metric records into the lake
    Ingest(ingest::Ingest),
    /// Take what others have written into the lake, such as the runs of MLflow
    #[command(subcommand)]
    Import(import::Import),
    /// Ask for numbers: the same engine as the pages
    #[command(subcommand)]
    Metrics(Box<metrics::Metrics>),
    /// Models: champions, promotions, rollbacks and their past; is the challenger better? Verdicts, registered comparisons and plans
    #[command(subcommand)]
    Models(Box<models::Models>),
    /// The log of what happened to models
    #[command(subcommand)]
    Audit(registered_models::Audit),
    /// List places with their names and what is expected of them
    #[command(after_help = "Example:\n  guardianflow places --json")]
    Places(declarations::List),
    /// Check places.yaml, metrics.yaml and sources.yaml without taking them
    #[command(
        after_help = "Examples:\n  guardianflow check                  the files that the settings name\n  guardianflow check new/places.yaml\n  guardianflow check --schema places  the JSON Schema, for an editor"
    )]
    Check(declarations::Check),
    /// Named tokens: who may sign in, and what they may do
    #[command(subcommand)]
    Tokens(tokens::Tokens),
    /// Webhooks: who is told when models are promoted or rolled back, or when it is asked for
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    /// Saved views, as their pages and /api/views show them
    #[command(subcommand)]
    Views(views::Views),
    /// Experiments of MLflow
    #[command(subcommand)]
    Experiments(experiments::Experiments),
    /// Runs of MLflow: lists, the best one, comparisons, histories and artifacts
    #[command(subcommand)]
    Runs(Box<runs::Runs>),
    /// Pick the best model of the fleet, or the best run, under limits: "the most accurate one under 30 ms"
    #[command(after_help = "\
Examples:
  guardianflow pick --best mAP50 --max inference_time_ms=30
  guardianflow pick --best mAP50 --max inference_time_ms=30 --max-drop recall=0.01 --customer acme --device jetson-orin
  guardianflow pick --best val/mAP50 --max system/inference_time_ms=9 --experiment detection-training --json")]
    Pick(Box<pick::Pick>),
    /// Show every setting with its origin
    Config(config::Config),
    /// The database of the state: what is in it, copies and backups
    #[command(subcommand)]
    Store(database::Store),
    /// Check what keeps the server from working, and say the cure; changes nothing
    Doctor(doctor::Doctor),
    /// The simulated fleet
    #[command(subcommand)]
    Demo(demo::Demo),
    /// List every route with the action that it needs
    Routes(routes::Routes),
    /// Print a completion script for your shell
    #[command(after_help = "Example:\n  guardianflow completions bash > /etc/bash_completion.d/guardianflow")]
    Completions { shell: clap_complete::Shell },
}

/// Runs one command line and says how it went.
pub async fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match Cli::command().try_get_matches_from(args) {
        Ok(m) => m,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(u8::from(e.use_stderr()) * 2);
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(2);
        }
    };
    match dispatch(cli, &matches).await {
        Ok(code) => code,
        Err(e) => {
            eprintln!("guardianflow: {e}");
            if let Some(detail) = &e.detail {
                tracing::debug!(%detail, "behind the error");
            }
            ExitCode::from(if e.kind == ErrorKind::BadInput { 2 } else { 1 })
        }
    }
}

/// A file-size limit is to be an error that names the file, not the silent end of the process: with a handler in place the
/// write fails instead. The stream of signals itself is of no interest.
fn survive_file_size_limit() {
    #[cfg(unix)]
    {
        const SIGXFSZ: i32 = 25;
        drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ)));
    }
}

async fn dispatch(cli: Cli, matches: &clap::ArgMatches) -> Result<ExitCode> {
    let settings = cli.settings;
    start_log(&settings.log)?;
    survive_file_size_limit();
    match cli.command {
        Command::Serve => serve::run(settings).await,
        Command::Ingest(c) => c.run(&settings).await,
        Command::Import(c) => c.run(&settings).await,
        Command::Metrics(c) => c.run(&settings).await,
        Command::Models(c) => c.run(&settings).await,
        Command::Audit(c) => c.run(&settings).await,
        Command::Config(c) => {
            // Global flags may stand before or after the command; clap keeps them with the innermost one.
            let inner = matches.subcommand().map_or(matches, |(_, m)| m);
            c.run(&settings, inner)
        }
        Command::Places(c) => c.places(&settings).await,
        Command::Check(c) => c.run(&settings),
        Command::Store(c) => c.run(&settings).await,
        Command::Doctor(c) => c.run(settings).await,
        Command::Tokens(c) => c.run(&settings).await,
        Command::Webhooks(c) => c.run(&settings).await,
        Command::Views(c) => c.run(&settings).await,
        Command::Experiments(c) => c.run(&settings).await,
        Command::Runs(c) => c.run(&settings).await,
        Command::Pick(c) => c.run(&settings).await,
        Command::Demo(c) => c.run(&settings).await,
        Command::Routes(c) => c.run(),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "guardianflow", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn start_log(log: &Log) -> Result<()> {
    let filter = log.directives()?;
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    Ok(())
}
