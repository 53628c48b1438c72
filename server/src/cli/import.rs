//! `guardianflow import`: runs of MLflow become metric records, by the rules of `sources.yaml`.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use domain::{
    Result,
    mapping::{SourceMappings, UnfoundRule},
    record::{Record, RecordIdentity},
};
use serde_json::{Value, json};
use usecases::run_import::{ImportPlan, Imported, PlanCounts, PlannedRun, PlannedStep, StepKind};

use super::{
    experiments::with_services,
    output::{Align, clipped, print, print_json, table},
    run_texts::short,
};
use crate::{
    config::Settings,
    declarations::{self, DEFAULT_MAPPING, built_in_mappings},
};

/// Runs of a kind that a dry run shows.
const EXAMPLES: usize = 10;
/// The same as JSON.
const EXAMPLES_IN_JSON: usize = 1_000;

#[derive(Debug, Subcommand)]
pub enum Import {
    /// Take finished runs that name a customer and a task as metric records
    #[command(after_help = "\
Repeating changes nothing: runs that have not changed are passed over. A changed metric corrects the record of its run; a changed tag of
a place, or whatever else tells records apart, moves it. A run that makes no record any more takes its record back. What becomes of a
run is said by sources.yaml in the data folder, or as `guardianflow import mapping` prints it.

Examples:
  guardianflow import mlflow --dry-run
  guardianflow import mlflow --experiment detect/acme --experiment detect/borealis
  guardianflow import mlflow --mapping sources.yaml --json")]
    Mlflow(Mlflow),
    /// Print the built-in mapping, to be copied and changed
    #[command(after_help = "Example:\n  guardianflow import mapping > data/sources.yaml")]
    Mapping,
}

#[derive(Debug, Args)]
pub struct Mlflow {
    /// The file of rules [default: that of the settings, where it is there]
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Only runs of this experiment, by its name or id; may be given several times
    #[arg(long = "experiment", value_name = "NAME", num_args = 1..)]
    experiments: Vec<String>,
    /// Only say what would be taken, corrected, moved and refused, and why
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Import {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        match self {
            Self::Mapping => print(DEFAULT_MAPPING.trim_end())?,
            Self::Mlflow(import) => import.run(settings).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Mlflow {
    async fn run(&self, settings: &Settings) -> Result<()> {
        let mapping = self.mappings(settings)?.mlflow;
        with_services(settings, true, async |services| {
            let import = &services.run_import;
            if self.dry_run {
                let examples = if self.json { EXAMPLES_IN_JSON } else { EXAMPLES };
                let plan = import.plan(&mapping, &self.experiments, examples).await?;
                return if self.json { print_json(&plan_json(&plan)) } else { print(&plan_text(&plan)) };
            }
            let imported = import.import(&mapping, &self.experiments).await?;
            // In steps that keep nobody waiting.
            services.ingestion.compact().await?;
            if self.json { print_json(&imported_json(&imported)) } else { print(&imported_text(&imported)) }
        })
        .await
    }

    /// What was given, else what the settings name, else what is built in.
    fn mappings(&self, settings: &Settings) -> Result<SourceMappings> {
        let named = self.mapping.clone().or_else(|| settings.declared.sources.clone());
        let own = settings.sources_file();
        match named.or_else(|| own.exists().then_some(own)) {
            Some(path) => declarations::read_mappings(&path),
            None => Ok(built_in_mappings()),
        }
    }
}

fn counts_json(counts: &PlanCounts) -> Value {
    let left_out: serde_json::Map<String, Value> =
        counts.left_out.iter().map(|(status, n)| (status.as_str().to_owned(), json!(n))).collect();
    json!({
        "runs": counts.runs, "new": counts.new, "corrected": counts.corrected, "moved": counts.moved,
        "withdrawn": counts.withdrawn, "unchanged": counts.unchanged, "refused": counts.refused,
        "refused_total": counts.refused_total(), "not_finished": left_out,
    })
}

fn imported_json(imported: &Imported) -> Value {
    let a = imported.appended;
    json!({
        "runs": imported.counts.runs, "taken": a.taken, "duplicate": imported.duplicates(), "corrected": a.corrected,
        "withdrawn": a.withdrawn, "moved": imported.counts.moved, "unchanged": imported.counts.unchanged,
        "refused": imported.counts.refused, "refused_total": imported.counts.refused_total(),
        "not_finished": counts_json(&imported.counts)["not_finished"],
    })
}

fn imported_text(imported: &Imported) -> String {
    let (a, counts) = (imported.appended, &imported.counts);
    let mut lines = vec![
        line("taken", a.taken),
        line("duplicate", imported.duplicates()),
        line("corrected", a.corrected),
        line("withdrawn", a.withdrawn),
        line("refused", counts.refused_total()),
    ];
    lines.extend(counts.refused.iter().map(|(reason, n)| line(&format!("  {reason}"), *n)));
    lines.push(line("not finished", counts.left_out_total()));
    if counts.moved > 0 {
        lines.push(format!("{} of what was taken has moved from another place or model", counts.moved));
    }
    lines.join("\n")
}

fn line(what: &str, n: u64) -> String {
    format!("{what:<18} {n:>10}")
}

fn plan_json(plan: &ImportPlan) -> Value {
    let run = |planned: &PlannedRun| {
        let mut value = json!({
            "run_id": planned.run.id.as_str(), "run_name": &*planned.run.name, "experiment": &*planned.experiment.name,
            "status": planned.run.status.as_str(),
        });
        if let Some(record) = planned.step.record() {
            value["record"] = identity_json(&record.identity());
        }
        if let PlannedStep::Moved { from, .. } | PlannedStep::Withdrawn { from, .. } = &planned.step {
            value["from"] = identity_json(from);
        }
        if let Some((code, message)) = planned.step.refusal() {
            value["reason"] = json!(code);
            value["message"] = json!(message);
        }
        value
    };
    let examples: serde_json::Map<String, Value> = plan
        .examples
        .iter()
        .filter(|(kind, _)| **kind != StepKind::Unchanged)
        .map(|(kind, runs)| (kind.as_str().to_owned(), runs.iter().map(run).collect()))
        .collect();
    let unfound: Vec<Value> = plan.unfound.iter().map(|rule| json!({"of": rule.of, "paths": rule.paths})).collect();
    json!({
        "dry_run": true, "as_of": plan.status.as_of, "complete": plan.status.complete,
        "counts": counts_json(&plan.counts), "examples": examples, "unfound": unfound,
    })
}

fn identity_json(identity: &RecordIdentity) -> Value {
    let fields = identity.fields().filter_map(|(field, name)| Some((field.to_owned(), json!(name?.as_str()))));
    let time = ("timestamp".to_owned(), json!(identity.timestamp()));
    Value::Object(std::iter::once(time).chain(fields).collect())
}

fn plan_text(plan: &ImportPlan) -> String {
    let counts = &plan.counts;
    let mut parts = vec![format!("Nothing was written. Of {} runs an import would", counts.runs)];
    let mut lines: Vec<String> = [
        ("take", counts.new),
        ("correct", counts.corrected),
        ("move", counts.moved),
        ("take back", counts.withdrawn),
        ("pass over", counts.unchanged),
        ("refuse", counts.refused_total()),
    ]
    .map(|(what, n)| line(what, n))
    .into();
    lines.extend(counts.refused.iter().map(|(reason, n)| line(&format!("  {reason}"), *n)));
    lines.push(line("not finished", counts.left_out_total()));
    lines.extend(counts.left_out.iter().map(|(status, n)| line(&format!("  {}", status.as_str()), *n)));
    parts.push(lines.join("\n"));
    if !plan.unfound.is_empty() {
        let rule = |rule: &UnfoundRule| format!("  {}: {}", rule.of, rule.paths.join(", "));
        let rules = plan.unfound.iter().map(rule).collect::<Vec<_>>().join("\n");
        parts.push(format!("No run has anything at these paths of the mapping:\n{rules}"));
    }
    for kind in StepKind::ALL.into_iter().filter(|k| !matches!(k, StepKind::Unchanged | StepKind::LeftOut)) {
        let runs = plan.examples.get(&kind).map_or(&[][..], Vec::as_slice);
        if runs.is_empty() {
            continue;
        }
        let head = ["run", "name", "experiment", "what"].map(|name| (name.to_owned(), Align::Left));
        let row = |p: &PlannedRun| {
            let (name, experiment) = (clipped(&p.run.name), clipped(&p.experiment.name));
            vec![short(&p.run), name, experiment, what(p)]
        };
        let rows: Vec<_> = runs.iter().map(row).collect();
        let (shown, all) = (runs.len() as u64, counts.of(kind));
        let more = if shown < all { format!(", {shown} of {all}") } else { String::new() };
        parts.push(format!("{}{more}:\n{}", title(kind), table(&head, &rows)));
    }
    parts.join("\n\n")
}

fn title(kind: StepKind) -> &'static str {
    match kind {
        StepKind::New => "To be taken",
        StepKind::Corrected => "To be corrected",
        StepKind::Moved => "To be moved",
        StepKind::Withdrawn => "To be taken back",
        StepKind::Refused => "Refused",
        StepKind::LeftOut => "Not finished",
        StepKind::Unchanged => "Unchanged",
    }
}

/// What is to be said of a run of a plan.
fn what(planned: &PlannedRun) -> String {
    match &planned.step {
        PlannedStep::Moved { record, from } => moved_text(record, from),
        PlannedStep::Withdrawn { why, from } => format!("{} ({why})", place_text(from)),
        step => match (step.record(), step.refusal()) {
            (Some(record), _) => place_text(&record.identity()),
            (None, Some((_, message))) => message.to_owned(),
            (None, None) => planned.run.status.as_str().to_owned(),
        },
    }
}

fn place_text(identity: &RecordIdentity) -> String {
    let fields = ["customer", "site", "zone", "task"].map(|f| identity.field(f).map(ToString::to_string));
    let place = fields.into_iter().flatten().collect::<Vec<_>>().join(" / ");
    format!("{place} at {}", identity.timestamp())
}

fn moved_text(record: &Record, from: &RecordIdentity) -> String {
    let to = record.identity();
    let mut changes: Vec<String> = to
        .fields()
        .zip(from.fields())
        .filter(|((_, new), (_, old))| new != old)
        .map(|((field, new), (_, old))| {
            let shown = |name: Option<&domain::text::Name>| name.map_or("none".to_owned(), ToString::to_string);
            format!("{field}: {} → {}", shown(old), shown(new))
        })
        .collect();
    if to.timestamp() != from.timestamp() {
        changes.push(format!("time: {} → {}", from.timestamp(), to.timestamp()));
    }
    changes.join(", ")
}
