//! `guardianflow runs`: what was copied from MLflow, in the terminal.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use domain::{
    Error, Result,
    metric::Direction,
    tracking::{ArtifactPath, Attribute, Column, Run, Value, exact_text, filter::Filter},
};
use serde_json::json;
use usecases::{
    Tracking,
    tracking::{BestAnswer, HistoryAnswer, MAX_POINTS, RunsParams},
};

use super::{
    download,
    experiments::with_runs,
    output::{Align, Format, Head, clipped, harmless, print, print_json},
    run_comparison,
    run_texts::{exact, figure, short},
    serve::stop_signal,
};
use crate::{
    config::Settings,
    http::runs::json::{BestJson, HistoryJson, RunJson},
};

/// How long the history of a metric is waited for, in ms.
const WAIT_MS: u64 = 120_000;

#[derive(Debug, Subcommand)]
pub enum Runs {
    /// List the runs of an experiment
    #[command(after_help = "\
Examples:
  guardianflow runs list mscn_stats_tiny --limit 5
  guardianflow runs list detect/acme --filter \"metrics.f1 > 0.9 AND params.lr <= 0.001\" --sort -metrics.f1
  guardianflow runs list 12 --columns \"status, best(metrics.f1), params.lr\" --json")]
    List(List),
    /// The run with the best value of a metric, with its parameters and where its artifacts are
    #[command(after_help = "\
Examples:
  guardianflow runs best mscn_stats_tiny --metric test_total_time
  guardianflow runs best detect/acme --metric val/mAP50 --json")]
    Best(Best),
    /// Runs side by side: metrics with their differences, parameters that differ
    #[command(after_help = "Example:\n  guardianflow runs compare 3a2f1d4b 4b3c2a5d")]
    Compare(Compare),
    /// List the artifacts of a run, or download them
    #[command(after_help = "\
Examples:
  guardianflow runs artifacts 3a2f1d4b
  guardianflow runs artifacts 3a2f1d4b model --download ./downloaded_model")]
    Artifacts(Artifacts),
    /// The history of a metric of a run
    #[command(after_help = "Example:\n  guardianflow runs history 3a2f1d4b train_loss --points 200 --csv")]
    History(History),
}

#[derive(Debug, Args)]
pub struct List {
    /// Name or id of the experiment
    experiment: String,
    /// Which runs, in MLflow's grammar, also with OR, NOT, parentheses and numeric parameters
    #[arg(long)]
    filter: Option<String>,
    /// By what, as metrics.f1, -metrics.f1 or "params.lr desc"; best(…), min(…), max(…) of a metric
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// How many runs
    #[arg(long, default_value = "20")]
    limit: String,
    /// Which part of them, from 1
    #[arg(long)]
    page: Option<String>,
    /// Columns, separated by commas
    #[arg(long)]
    columns: Option<String>,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct Best {
    /// Name or id of the experiment
    experiment: String,
    /// Key of the metric
    #[arg(long)]
    metric: String,
    /// The smallest value is the best one, whatever the metric is called
    #[arg(long, conflicts_with = "descending")]
    ascending: bool,
    /// The largest value is the best one, whatever the metric is called
    #[arg(long)]
    descending: bool,
    /// Only among these runs
    #[arg(long)]
    filter: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Compare {
    /// Ids of runs, or their beginnings; the others are compared with the first
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Artifacts {
    /// Id of the run, or its beginning
    run: String,
    /// Folder or file among its artifacts
    #[arg(default_value = "")]
    path: String,
    /// Write the file, or everything in the folder, below this folder
    #[arg(long, value_name = "DIR")]
    download: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long, requires = "download")]
    force: bool,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct History {
    /// Id of the run, or its beginning
    run: String,
    /// Key of the metric
    metric: String,
    /// At most so many points; smallest and largest values are kept
    #[arg(long, default_value = "1000")]
    points: String,
    #[command(flatten)]
    format: Format,
}

impl Runs {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        with_runs(settings, async |runs| match self {
            Self::List(l) => l.list(runs),
            Self::Best(b) => b.best(runs),
            Self::Compare(c) => c.compare(runs),
            Self::Artifacts(a) => a.artifacts(runs).await,
            Self::History(h) => h.history(runs).await,
        })
        .await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What a run has of a column: for people, or whole.
fn cell(column: &Column, run: &Run, whole: bool) -> String {
    match column.value(run) {
        None => String::new(),
        Some(Value::Number(ms)) if *column == Column::Attribute(Attribute::Duration) => {
            format!("{:.1} s", ms / 1000.0)
        }
        Some(Value::Number(x)) if whole => exact_text(x),
        Some(Value::Number(x)) => figure(x),
        Some(Value::Text(text)) if whole => text.to_owned(),
        Some(Value::Text(text)) => clipped(text),
        Some(Value::Time(t)) => t.to_string(),
        Some(Value::Status(status)) => status.as_str().to_owned(),
    }
}

fn align(column: &Column) -> Align {
    let number = matches!(column, Column::Metric(..) | Column::Attribute(Attribute::Duration));
    if number { Align::Right } else { Align::Left }
}

impl List {
    fn list(&self, runs: &Tracking) -> Result<()> {
        let texts = [("filter", &self.filter), ("sort", &self.sort), ("page", &self.page), ("columns", &self.columns)];
        let pairs = texts.iter().filter_map(|(key, text)| Some((*key, text.as_deref()?)));
        let always = [("experiment", self.experiment.as_str()), ("limit", self.limit.as_str())];
        let asked = RunsParams::read(always.into_iter().chain(pairs), 20, &runs.metric_names())?;
        let answer = runs.search(&asked.query)?;
        for u in answer.understood.iter().filter(|u| !u.others.is_empty()) {
            let others: Vec<String> = u.others.iter().map(ToString::to_string).collect();
            eprintln!("guardianflow: {} was read as {}; there is also {}", u.key, u.field, others.join(", "));
        }
        let columns = asked.columns.unwrap_or(answer.default_columns);
        let mut head: Vec<Head> = vec![("run".to_owned(), Align::Left), ("name".to_owned(), Align::Left)];
        let whole = self.format.csv;
        let text = |t: &str| if whole { t.to_owned() } else { clipped(t) };
        head.extend(columns.iter().map(|c| (text(c.key()), align(c))));
        let row = |run: &Run| {
            let id = if whole { run.id.to_string() } else { short(run) };
            [id, text(&run.name)]
                .into_iter()
                .chain(columns.iter().map(|c| cell(&answer.names.settled(c), run, whole)))
                .collect::<Vec<_>>()
        };
        let rows: Vec<Vec<String>> = answer.rows.iter().map(|r| row(r)).collect();
        let json: Vec<_> = answer.rows.iter().map(|r| RunJson::of(r)).collect();
        let value = json!({ "total": answer.total, "as_of": answer.as_of, "complete": answer.complete, "runs": json });
        self.format.print_table(&value, &head, &rows)?;
        if !self.format.json && !self.format.csv {
            let of = answer.as_of.map_or_else(String::new, |at| format!(", as of {at}"));
            print(&format!("{} of {} runs{of}", answer.rows.len(), answer.total))?;
        }
        Ok(())
    }
}

impl Best {
    fn best(&self, runs: &Tracking) -> Result<()> {
        let ascending = match (self.ascending, self.descending) {
            (false, false) => None,
            (ascending, _) => Some(ascending),
        };
        let filter = Filter::parse(self.filter.as_deref().unwrap_or_default()).map_err(Error::from)?;
        let best = runs.best(&self.experiment, &self.metric, ascending, &filter)?;
        if self.json {
            return print_json(&BestJson::of(&best));
        }
        print(&best_text(&self.experiment, &best))
    }
}

/// Which value was looked for, and why.
fn looked_for(best: &BestAnswer) -> String {
    let which = if best.ascending { "lowest" } else { "highest" };
    let why = match (best.asked, best.name.direction, best.name.assumed) {
        (true, ..) => "as asked".to_owned(),
        (false, Direction::Neither, _) => "nothing says which way is better; say --ascending for the lowest".to_owned(),
        (false, _, true) => "assumed from its name".to_owned(),
        (false, _, false) => {
            let known = best.name.catalogue.as_ref().map_or("", |m| &m.key);
            format!("as the catalogue has {known}")
        }
    };
    format!("{which}: {why}")
}

fn best_text(experiment: &str, best: &BestAnswer) -> String {
    let run = &best.run;
    let mut lines = vec![
        format!("Best run in {experiment} by {} ({})", best.metric, looked_for(best)),
        String::new(),
        format!("Run ID: {}", run.id),
        format!("Run name: {}", run.name),
        format!("Status: {}", run.status.as_str()),
        format!("{}: {}", best.metric, exact(best.value)),
        String::new(),
        "Parameters:".to_owned(),
    ];
    lines.extend(run.params.iter().map(|(key, value)| format!("  {key}: {value}")));
    if run.params.is_empty() {
        lines.push("  none".to_owned());
    }
    lines.extend([String::new(), format!("Artifact URI: {}", run.artifact_uri)]);
    lines.iter().map(|line| harmless(line)).collect::<Vec<_>>().join("\n")
}

impl Compare {
    fn compare(&self, runs: &Tracking) -> Result<()> {
        let found = self.runs.iter().map(|id| runs.run(id).map(|answer| answer.run));
        let found = found.collect::<Result<Vec<_>>>()?;
        let names = runs.metric_names();
        if self.json {
            print_json(&run_comparison::value(&names, &found))
        } else {
            print(&run_comparison::text(&names, &found))
        }
    }
}

impl Artifacts {
    async fn artifacts(&self, runs: &Tracking) -> Result<()> {
        let path = ArtifactPath::parse(&self.path)?;
        if let Some(folder) = &self.download {
            // What is given up is dropped, and with it the part of a file that was written.
            let written = tokio::select! {
                written = download::download(runs, &self.run, &path, folder, self.force) => written?,
                () = stop_signal() => return Err(stopped()),
            };
            let value = json!({ "folder": folder, "files": written.files, "bytes": written.bytes });
            if self.format.json {
                return print_json(&value);
            }
            let (n, bytes) = (written.files.len(), written.bytes);
            return print(&format!("{n} files with {bytes} bytes written below {}", folder.display()));
        }
        let entries = download::entries(runs, &self.run, &path).await?;
        let head = [("path", Align::Left), ("kind", Align::Left), ("bytes", Align::Right)];
        let head = head.map(|(name, align)| (name.to_owned(), align));
        let rows = entries.iter().map(|e| {
            let kind = if e.is_folder { "folder" } else { "file" };
            vec![e.path.to_string(), kind.to_owned(), e.size.map_or_else(String::new, |s| s.to_string())]
        });
        let files: Vec<_> =
            entries.iter().map(|e| json!({ "path": e.path, "is_folder": e.is_folder, "size": e.size })).collect();
        self.format.print_table(&json!({ "path": path, "files": files }), &head, &rows.collect::<Vec<_>>())
    }
}

fn stopped() -> Error {
    let why = "the download was stopped; files that were written whole stay";
    Error::unavailable(domain::error::Sentence::only_english(why))
}

impl History {
    async fn history(&self, runs: &Tracking) -> Result<()> {
        let points = domain::params::limit(&self.points, MAX_POINTS)?;
        let answer = runs.wait_for_history(&self.run, &self.metric, points, WAIT_MS).await?;
        self.check(&answer)?;
        let value = HistoryJson::of(&self.metric, &answer);
        let value_cell = if self.format.csv { exact_text } else { exact };
        let head = [("step", Align::Right), ("time", Align::Left), ("value", Align::Right)];
        let head = head.map(|(name, align)| (name.to_owned(), align));
        let cells =
            answer.points.iter().map(|p| vec![p.step.to_string(), p.timestamp.to_string(), value_cell(p.value)]);
        self.format.print_table(&value, &head, &cells.collect::<Vec<_>>())?;
        if !self.format.json && !self.format.csv {
            print(&format!("{} of {} points", answer.points.len(), answer.total))?;
        }
        Ok(())
    }

    /// A history that could not be had is an error here: nobody asks again.
    fn check(&self, answer: &HistoryAnswer) -> Result<()> {
        match (&answer.error, answer.pending) {
            (Some(why), true) => Err(Error::unavailable(why.clone())),
            (Some(why), false) => {
                eprintln!("guardianflow: {why}");
                Ok(())
            }
            (None, true) => Err(Error::unavailable(domain::error::Sentence::only_english(
                "the history did not come within two minutes; try again",
            ))),
            (None, false) => Ok(()),
        }
    }
}
