//! `guardianflow runs`: what was copied from MLflow, in the terminal.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Subcommand};
use domain::{
    Error, Result,
    error::Sentence,
    metric::Direction,
    params::whole_number,
    tracking::{ArtifactPath, Attribute, Column, Reading, Run, RunId, Text, Value, exact_text, filter::Filter},
};
use futures::{StreamExt, stream};
use serde_json::json;
use tokio::time::{Instant, timeout};
use usecases::{
    Tracking,
    tracking::{BestAnswer, HistoryAnswer, MAX_POINTS, RunComparisonQuery, RunsAnswer, RunsParams, RunsQuery},
};

use super::{
    download::{self, Written},
    experiments::with_runs,
    output::{Align, Format, Head, clipped, harmless, print, print_json},
    run_comparison,
    run_texts::{counted, exact, figure, short},
    serve::stop_signal,
};
use crate::{
    config::Settings,
    http::runs::{
        comparison::ComparisonJson,
        json::{BestJson, HistoryJson, RunJson},
    },
};

/// How long the history of a metric is waited for, in ms.
const WAIT_MS: u64 = 120_000;
/// How long a list waits for histories that it needs: their smallest and largest values.
const EXTREMES_WITHIN: Duration = Duration::from_secs(5);
/// So many of them are asked for at once.
const AT_ONCE: usize = 4;

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
    /// By what, as f1, -metrics.f1 or "metrics.f1 desc, params.lr"; best(…), min(…), max(…) of a metric
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
    /// At most so many points; first, smallest, largest and last values are kept, and those that stand out
    #[arg(long, default_value = "1000")]
    points: String,
    #[command(flatten)]
    format: Format,
}

impl Runs {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        with_runs(settings, async |runs| match self {
            Self::List(l) => l.list(runs).await,
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
        Some(Value::Number(x)) if stands_in(column, run) => format!("{} (last)", figure(x)),
        Some(Value::Number(x)) => figure(x),
        Some(Value::Text(text)) if whole => text.to_owned(),
        Some(Value::Text(text)) => clipped(text),
        Some(Value::Time(t)) => t.to_string(),
        Some(Value::Status(status)) => status.as_str().to_owned(),
    }
}

/// Whether the last value is shown in the place of one that only a history tells.
fn stands_in(column: &Column, run: &Run) -> bool {
    let Column::Metric(key, reading) = column else { return false };
    run.metric(key).is_some_and(|m| !reading.of(m).1)
}

/// What stands above a column: which value of a metric it is, and its kind where another one is called the same.
fn heading(column: &Column, among: &[Column]) -> String {
    let plain = |c: &Column| match c {
        Column::Metric(key, reading) if *reading != Reading::Last => format!("{}({key})", reading.as_str()),
        other => other.key().to_owned(),
    };
    let name = plain(column);
    let is_shared = among.iter().filter(|c| plain(c) == name).count() > 1;
    if is_shared { column.to_string() } else { name }
}

fn align(column: &Column) -> Align {
    let number = matches!(column, Column::Metric(..) | Column::Attribute(Attribute::Duration));
    if number { Align::Right } else { Align::Left }
}

impl List {
    async fn list(&self, runs: &Tracking) -> Result<()> {
        let texts = [("filter", &self.filter), ("sort", &self.sort), ("page", &self.page), ("columns", &self.columns)];
        let pairs = texts.iter().filter_map(|(key, text)| Some((*key, text.as_deref()?)));
        let always = [("experiment", self.experiment.as_str()), ("limit", self.limit.as_str())];
        let asked = RunsParams::read(always.into_iter().chain(pairs), 20)?;
        let answer = with_extremes(runs, &asked.query, asked.columns.as_deref()).await?;
        for u in answer.understood.iter().filter(|u| !u.others.is_empty()) {
            let others: Vec<String> = u.others.iter().map(ToString::to_string).collect();
            eprintln!("guardianflow: {} was read as {}; there is also {}", u.key, u.field, others.join(", "));
        }
        let columns = asked.columns.as_ref().unwrap_or(&answer.default_columns);
        let mut head: Vec<Head> = vec![("run".to_owned(), Align::Left), ("name".to_owned(), Align::Left)];
        let whole = self.format.csv;
        let text = |t: &str| if whole { t.to_owned() } else { clipped(t) };
        head.extend(columns.iter().map(|c| (text(&heading(c, columns)), align(c))));
        let row = |run: &Run| {
            let id = if whole { run.id.to_string() } else { short(run) };
            [id, text(&run.name)]
                .into_iter()
                .chain(columns.iter().map(|c| cell(&answer.names.settled(c), run, whole)))
                .collect::<Vec<_>>()
        };
        let rows: Vec<Vec<String>> = answer.rows.iter().map(|r| row(r)).collect();
        let json: Vec<_> = answer.rows.iter().map(|r| RunJson::of(r)).collect();
        let value = json!({
            "total": answer.total, "as_of": answer.as_of, "complete": answer.complete, "stand_ins": answer.stand_ins,
            "runs": json,
        });
        self.format.print_table(&value, &head, &rows)?;
        if !self.format.json && !self.format.csv {
            let of = answer.as_of.map_or_else(String::new, |at| format!(", as of {at}"));
            print(&format!("{} of {}{of}", answer.rows.len(), counted(answer.total, "run")))?;
        }
        let notes = notes_on_stand_ins(&answer, columns);
        for note in notes.iter().filter(|_| !self.format.json) {
            if self.format.csv { eprintln!("guardianflow: {}", harmless(note)) } else { print(&harmless(note))? }
        }
        Ok(())
    }
}

/// The answer with the smallest and largest values that its rows need, as far as their histories come within a few seconds. What comes may
/// bring other runs to the top, whose histories are then asked for.
async fn with_extremes(runs: &Tracking, query: &RunsQuery, columns: Option<&[Column]>) -> Result<RunsAnswer> {
    let until = Instant::now() + EXTREMES_WITHIN;
    let mut tried: HashSet<(RunId, Text)> = HashSet::new();
    loop {
        let answer = runs.search(query)?;
        let shown = columns.unwrap_or(&answer.default_columns).iter().chain(answer.sort.columns());
        let wanted: BTreeSet<&Column> = shown.collect();
        let missing: Vec<(RunId, Text)> = answer
            .rows
            .iter()
            .flat_map(|run| wanted.iter().filter(|c| stands_in(c, run)).map(|c| (run.id.clone(), Text::from(c.key()))))
            .filter(|m| !tried.contains(m))
            .collect();
        let left = until.saturating_duration_since(Instant::now());
        if missing.is_empty() || left.is_zero() || answer.status.error.is_some() {
            return Ok(answer);
        }
        let patience = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let copied = stream::iter(&missing).for_each_concurrent(AT_ONCE, |(run, key)| async move {
            // What does not come is marked in the list.
            let _ = runs.wait_for_history(run.as_str(), key, 1, patience).await;
        });
        let _ = timeout(left, copied).await;
        tried.extend(missing);
    }
}

/// What is to be known of values that stand in for others, and how to get the others.
fn notes_on_stand_ins(answer: &RunsAnswer, columns: &[Column]) -> Vec<String> {
    let mut notes = vec![];
    for column in columns {
        let n = answer.rows.iter().filter(|run| stands_in(column, run)).count();
        if n > 0 {
            let (name, values) = (heading(column, columns), counted(n, "value"));
            notes.push(format!("{name}: {values} of {} shown are last values", counted(answer.rows.len(), "run")));
        }
    }
    if answer.stand_ins > 0 {
        let (n, total) = (answer.stand_ins, counted(answer.total, "run"));
        let is = if n == 1 { "is" } else { "are" };
        notes.push(format!("{n} of {total} {is} sorted by the last value, for want of the history"));
    }
    if !notes.is_empty() {
        notes.push("say it again to have more histories of the shown runs copied; --limit shows more runs".to_owned());
    }
    notes
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
        let query = RunComparisonQuery { runs: self.runs.clone(), ..RunComparisonQuery::default() };
        let compared = runs.compare(&query)?;
        if self.json {
            print_json(&ComparisonJson::of(&compared, false))
        } else {
            print(&run_comparison::text(&compared.runs, &compared.rows))
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
            return self.downloaded(folder, written);
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

impl Artifacts {
    /// Says what was written and what was not; the latter is an error.
    fn downloaded(&self, folder: &Path, mut written: Written) -> Result<()> {
        let (n, bytes, failed) = (written.files.len(), written.bytes, written.refused.len());
        if self.format.json {
            let refused: Vec<_> =
                written.refused.iter().map(|(path, why)| json!({ "path": path, "why": why.message.en })).collect();
            let value = json!({ "folder": folder, "files": written.files, "bytes": bytes, "refused": refused });
            print_json(&value)?;
        }
        if n == 0 && failed == 1 {
            return written.refused.pop().map_or(Ok(()), |(_, why)| Err(why));
        }
        for (path, why) in &written.refused {
            eprintln!("guardianflow: {}: {}", harmless(path.as_str()), harmless(&why.to_string()));
        }
        let below = format!("{} with {bytes} bytes written below {}", counted(n, "file"), folder.display());
        if failed == 0 {
            return if self.format.json { Ok(()) } else { print(&below) };
        }
        let rest = if written.given_up { "; the rest was not tried" } else { "" };
        let why = format!("{} could not be had{rest}; {below}", counted(failed, "artifact"));
        Err(Error::unavailable(Sentence::only_english(why)))
    }
}

fn stopped() -> Error {
    let why = "the download was stopped; files that were written whole stay";
    Error::unavailable(Sentence::only_english(why))
}

impl History {
    async fn history(&self, runs: &Tracking) -> Result<()> {
        let points = whole_number("points", &self.points, 1, MAX_POINTS)?;
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
            print(&format!("{} of {}", answer.points.len(), counted(answer.total, "point")))?;
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
            (None, true) => Err(Error::unavailable(Sentence::only_english(
                "the history did not come within two minutes; try again",
            ))),
            (None, false) => Ok(()),
        }
    }
}
