//! `guardianflow experiments`: what was copied from MLflow.

use std::{io::IsTerminal, process::ExitCode, time::Duration};

use clap::{Args, Subcommand};
use domain::{
    Error, Result,
    ports::{CopyStatus, RunCatalog},
    tracking::RunStatus,
};
use indicatif::ProgressBar;
use serde_json::json;
use usecases::{
    Tracking,
    tracking::{ExperimentsQuery, MAX_ROWS, told},
};

use super::output::{Align, Format, OutputTable, clipped};
use crate::{
    config::Settings,
    declarations::DeclarationFiles,
    http::runs::json::ExperimentRowJson,
    startup::{self, BackgroundCopy},
};

/// How long a command waits for MLflow where a copy is kept already.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long nothing is said.
const SILENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Subcommand)]
pub enum Experiments {
    /// List experiments, those with the newest runs first
    #[command(after_help = "\
Examples:
  guardianflow experiments list
  guardianflow experiments list --name detect --customer acme --json")]
    List(List),
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those with this in their name
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// active (default), deleted or all
    #[arg(long)]
    view: Option<String>,
    /// Only those with this tag customer, of the experiment or of a run
    #[arg(long)]
    customer: Option<String>,
    /// Only those with this tag site, of the experiment or of the same run
    #[arg(long)]
    site: Option<String>,
    /// Only those with this tag zone, of the experiment or of the same run
    #[arg(long)]
    zone: Option<String>,
    /// Only those with this tag task, of the experiment or of the same run
    #[arg(long)]
    task: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Brings the copy up to date and asks it. What keeps it from being so is said on standard error.
///
/// # Errors
/// Those of `work`; `NotFound` where no source is configured.
pub(super) async fn with_runs<T>(settings: &Settings, work: impl AsyncFnOnce(&Tracking) -> Result<T>) -> Result<T> {
    with_services(settings, false, async |services| work(&services.runs).await).await
}

/// The same with everything else. With `everything` every run is looked at, so that edits of old ones are known.
///
/// # Errors
/// As [`with_runs`].
pub(super) async fn with_services<T>(
    settings: &Settings,
    everything: bool,
    work: impl AsyncFnOnce(&startup::AppServices) -> Result<T>,
) -> Result<T> {
    if settings.tracking.source()?.is_none() {
        // No data folder is made to say so.
        let none = Tracking::new(None, std::sync::Arc::new(startup::SystemClock), None);
        none.experiments(&ExperimentsQuery::default())?;
    }
    let written = DeclarationFiles::open(settings, std::sync::Arc::new(startup::SystemClock))?;
    startup::with(settings, async |services| {
        // Which way a metric is better.
        services.maintenance.declare(std::sync::Arc::new(written.declared())).await?;
        if let Some(copy) = &services.tracking {
            let status = refreshed(copy, everything).await?;
            // Nothing was ever copied: there is nothing to answer from.
            if let (None, Some(why)) = (status.as_of, &status.error) {
                return Err(Error::unavailable(why.clone()));
            }
            let of = status.as_of.map_or_else(String::new, |at| format!("; the copy is of {at}"));
            for sentence in [&status.error, &status.warning].into_iter().flatten() {
                eprintln!("guardianflow: {sentence}{of}");
            }
            if !status.complete {
                eprintln!("guardianflow: not all runs have been read so far; totals are lower bounds");
            }
        }
        let done = work(services).await;
        if let Some(copy) = &services.tracking {
            copy.keep_what_was_found().await;
        }
        done
    })
    .await
}

/// Brings the copy up to date, and says so when that takes long: on a terminal as it goes on, else once.
async fn refreshed(copy: &BackgroundCopy, everything: bool) -> Result<CopyStatus> {
    let bar = ProgressBar::new_spinner();
    let progress = |runs: usize| bar.set_message(format!("{runs} runs read"));
    let mut refreshing = Box::pin(async {
        if everything {
            copy.sweep_for_command(DEADLINE, progress).await
        } else {
            copy.refresh_for_command(DEADLINE, progress).await
        }
    });
    let early = tokio::time::timeout(SILENCE, &mut refreshing).await;
    let status = match early {
        Ok(status) => status,
        Err(_) => {
            let status = copy.status();
            if !status.complete && !std::io::stderr().is_terminal() {
                eprintln!("guardianflow: copying runs of {} for the first time …", status.address);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            refreshing.await
        }
    };
    bar.finish_and_clear();
    status
}

/// Whether people read standard output in colours.
#[must_use]
pub(super) fn has_colours() -> bool {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    wanted && std::env::var_os("TERM").is_none_or(|t| t != "dumb") && std::io::stdout().is_terminal()
}

impl Experiments {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let Self::List(list) = self;
        let texts = [
            ("q", &list.name),
            ("view", &list.view),
            ("customer", &list.customer),
            ("site", &list.site),
            ("zone", &list.zone),
            ("task", &list.task),
        ];
        let pairs = texts.iter().filter_map(|(key, text)| Some((*key, text.as_deref()?)));
        let query = ExperimentsQuery::read(pairs, MAX_ROWS)?;
        with_runs(settings, async |runs| {
            let answer = runs.experiments(&query)?;
            let left = ["id", "name", "stage"].map(|h| (h, Align::Left));
            let counts = ["runs", "running", "failed", "killed"].map(|h| (h, Align::Right));
            let right = ["newest start", "customer", "site", "task"].map(|h| (h, Align::Left));
            let rows = answer.rows.iter().map(|r| {
                let e = &r.experiment;
                // As the page counts them: each under its own word.
                let counted = |wanted: RunStatus| {
                    let counts = RunStatus::ALL.iter().zip(r.by_status).find(|(s, _)| **s == wanted);
                    counts.map_or(0, |(_, n)| n).to_string()
                };
                let stage = match e.lifecycle {
                    domain::tracking::Lifecycle::Active => "active",
                    domain::tracking::Lifecycle::Deleted => "deleted",
                };
                let shown = |t: &str| if list.format.csv { t.to_owned() } else { clipped(t) };
                vec![
                    e.id.to_string(),
                    shown(&e.name),
                    stage.to_owned(),
                    r.runs.to_string(),
                    counted(RunStatus::Running),
                    counted(RunStatus::Failed),
                    counted(RunStatus::Killed),
                    r.newest.map_or_else(String::new, |t| t.to_string()),
                    shown(&told(&r.places, 0)),
                    shown(&told(&r.places, 1)),
                    shown(&told(&r.places, 3)),
                ]
            });
            let rows =
                OutputTable { rows: rows.collect(), head: left.into_iter().chain(counts).chain(right).collect() };
            let json: Vec<_> = answer.rows.iter().map(ExperimentRowJson::of).collect();
            let value = json!({
                "total": answer.total, "as_of": answer.as_of, "complete": answer.status.complete, "experiments": json,
            });
            list.format.print(&value, &rows)
        })
        .await?;
        Ok(ExitCode::SUCCESS)
    }
}
