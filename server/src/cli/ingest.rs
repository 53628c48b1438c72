//! `guardianflow ingest PATH…`: takes files into the lake, with progress on a terminal and plain lines elsewhere.

use std::{
    io::IsTerminal,
    path::PathBuf,
    process::ExitCode,
    sync::Mutex,
    time::{Duration, Instant},
};

use clap::Args;
use domain::Result;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::{
    config::Settings,
    ingest::{self, Input, Progress, Totals},
    startup,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Takes JSON Lines (.jsonl, .ndjson, also .gz and .zst), Parquet with the lake's columns, folders of these, and - for
standard input. Valid rows go to the lake, refused rows with their reason to DATA/rejected/. Repeating changes nothing.

Examples:
  guardianflow ingest metrics_2026-06-30.jsonl
  guardianflow ingest runs/ archive/2026-05.parquet
  zcat old.jsonl.gz | guardianflow ingest -")]
pub struct Ingest {
    /// Files and folders; - is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Exit with 1 when any row was refused
    #[arg(long)]
    strict: bool,
    /// Print the sums as JSON
    #[arg(long)]
    json: bool,
}

impl Ingest {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let mut inputs = Vec::new();
        let mut missing = Vec::new();
        for found in ingest::find(&self.paths) {
            match found {
                Ok(input) => inputs.push(input),
                Err((path, reason)) => missing.push((path.display().to_string(), reason)),
            }
        }
        let mut totals = Totals::default();
        if !inputs.is_empty() {
            totals = startup::with(settings, async |services| {
                let ingest = ingest::Ingest {
                    ingestion: services.ingestion.clone(),
                    sources: services.sources.clone(),
                    clock: services.clock.clone(),
                    tables: services.tables,
                    rejected: settings.data.folder.join("rejected"),
                };
                let progress = ProgressBars::new(inputs.iter().map(Input::bytes).sum());
                let totals = ingest.run(&inputs, &progress).await?;
                // In steps that keep nobody waiting.
                services.ingestion.compact().await?;
                Ok(totals)
            })
            .await?;
        }
        totals.failed.extend(missing);
        self.report(&totals)?;
        let failed = !totals.failed.is_empty() || (self.strict && totals.refused_rows() > 0);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn report(&self, t: &Totals) -> Result<()> {
        for (name, reason) in &t.failed {
            eprintln!("guardianflow: cannot read {name}: {reason}");
        }
        if self.json {
            let sums = serde_json::json!({
                "files": t.files, "taken": t.appended.taken, "duplicate": t.appended.duplicate,
                "corrected": t.appended.corrected, "refused": t.refused,
                "failed": t.failed.iter().map(|f| serde_json::json!({"file": f.0, "reason": f.1.en})).collect::<Vec<_>>(),
                "rejected": t.rejects,
            });
            return super::output::print(&sums.to_string());
        }
        let mut text = format!(
            "taken      {:>12}\nduplicate  {:>12}\ncorrected  {:>12}\nrefused    {:>12}\n",
            HumanCount(t.appended.taken).to_string(),
            HumanCount(t.appended.duplicate).to_string(),
            HumanCount(t.appended.corrected).to_string(),
            HumanCount(t.refused_rows()).to_string(),
        );
        for (reason, n) in &t.refused {
            text.push_str(&format!("  {reason:<15}{:>6}\n", HumanCount(*n).to_string()));
        }
        for path in &t.rejects {
            text.push_str(&format!("refused rows with their reason: {}\n", path.display()));
        }
        super::output::print(&text)
    }
}

/// Progress over all bytes of all inputs.
struct ProgressBars {
    bar: Option<ProgressBar>,
    state: Mutex<MeterState>,
}

struct MeterState {
    started: Instant,
    told: Instant,
    file: String,
    /// Bytes and rows of inputs already finished.
    before: (u64, u64),
    current: (u64, u64),
}

impl ProgressBars {
    fn new(total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style =
                ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}  {binary_bytes_per_sec}  {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let now = Instant::now();
        let state = MeterState { started: now, told: now, file: String::new(), before: (0, 0), current: (0, 0) };
        Self { bar, state: Mutex::new(state) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, MeterState> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Progress for ProgressBars {
    fn file(&self, input: &Input) {
        let mut s = self.state();
        s.before = (s.before.0 + s.current.0, s.before.1 + s.current.1);
        s.current = (0, 0);
        s.file = input.source().name;
    }

    fn advance(&self, bytes: u64, rows: u64) {
        let mut s = self.state();
        s.current = (bytes, rows);
        let (bytes, rows) = (s.before.0 + bytes, s.before.1 + rows);
        let rate = rows as f64 / s.started.elapsed().as_secs_f64().max(0.001);
        match &self.bar {
            Some(bar) => {
                bar.set_position(bytes);
                bar.set_message(format!("{} rows, {} a second", HumanCount(rows), HumanCount(rate as u64)));
            }
            None if s.told.elapsed() > Duration::from_secs(5) => {
                s.told = Instant::now();
                eprintln!(
                    "{} rows ({}), {} a second: {}",
                    HumanCount(rows),
                    HumanBytes(bytes),
                    HumanCount(rate as u64),
                    s.file
                );
            }
            None => {}
        }
    }

    fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
