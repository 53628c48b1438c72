//! `guardianflow models list`, `show`, `promote`, `rollback` and the others that are about the registry; and `guardianflow audit`.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use domain::{
    Error, Result,
    access::Actor,
    error::Sentence,
    evidence::Verdict,
    normalization::nfc,
    ports::{EventsQuery, NewVersion, RegistryKind},
    registry::{EventActor, LoggedEvent, ModelName, OutcomeKind, RegistryModel, RequestId, Stage, Standing},
    time::{Millis, parse_moment},
};
use jiff::tz::TimeZone;
use serde_json::json;
use usecases::{
    Models,
    models::{ApprovalOutcome, Attempt, Performed, PromotionInput, RollbackInput},
};

use super::{
    output::{Align, Head, clipped, print, print_json, table},
    tokens::token_name,
};
use crate::{
    config::Settings,
    http::models::json::{self as rows, ModelJson},
    startup::{self, AppServices, FolderId},
};

#[derive(Debug, Subcommand)]
pub enum Registry {
    /// Models with their champions and challengers
    #[command(after_help = "Example:\n  guardianflow models list --stage Production --json")]
    List(ListArgs),
    /// A model with its versions
    #[command(after_help = "Example:\n  guardianflow models show detector")]
    Show(ShowArgs),
    /// Which version is to run, and where its files are
    #[command(after_help = "Example:\n  guardianflow models champion detector --json")]
    Champion(ChampionArgs),
    /// Register a version in our own registry: of a run, of a folder with files, or by an address
    #[command(
        after_help = "Examples:\n  guardianflow models add detector --run 3a2f1d4b… --path model\n  guardianflow models add detector --files ./export --tag model_architecture=yolov8m --tag model_version=1.2.0"
    )]
    Add(AddArgs),
    /// Name the version that is to become the champion
    #[command(after_help = "Example:\n  guardianflow models challenger detector 8 --reason \"INT8, same data\"")]
    Challenger(ChallengerArgs),
    /// Promote a version to staging or production. With --dry-run say what would happen, and exit as `models compare` does
    #[command(
        after_help = "Examples:\n  guardianflow models promote detector 8 --to production --reason \"better at night, see comparison 12\"\n  guardianflow models promote detector 8 --to production --dry-run --json"
    )]
    Promote(PromoteArgs),
    /// Make the champion before the champion again
    #[command(after_help = "Example:\n  guardianflow models rollback detector --reason \"false alarms since noon\"")]
    Rollback(RollbackArgs),
    /// What happened to a model; with --at what was live then
    #[command(
        after_help = "Examples:\n  guardianflow models history detector\n  guardianflow models history detector --at 2026-03-14T14:00:00Z"
    )]
    History(HistoryArgs),
    /// Ask for a promotion that somebody else approves
    #[command(
        after_help = "Example:\n  guardianflow models request detector 8 --to production --reason \"better\" --as kim"
    )]
    Request(PromoteArgs),
    /// Requests that wait to be decided
    Requests(OutputArgs),
    /// Approve a request: what was asked for is promoted
    #[command(after_help = "Example:\n  guardianflow models approve 3 --comment \"looked at Busan\" --as lee")]
    Approve(DecisionArgs),
    /// Reject a request; its asker takes it back
    Reject(DecisionArgs),
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check whether the log of models is as it was written; names the first row that is not, and exits with 1
    #[command(after_help = "Example:\n  guardianflow audit verify")]
    Verify(OutputArgs),
    /// What happened to all models
    #[command(after_help = "Example:\n  guardianflow audit list --from now-30d --json")]
    List(AuditListArgs),
}

#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct AsArgs {
    /// In whose name: the name of a token; without it the operator's
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only models with a version in this stage
    #[arg(long)]
    stage: Option<String>,
    /// Only models with this alias
    #[arg(long)]
    alias: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    name: String,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct ChampionArgs {
    name: String,
    /// Instead of the champion the newest version of a stage
    #[arg(long)]
    stage: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct AddArgs {
    name: String,
    /// The run that made it
    #[arg(long)]
    run: Option<String>,
    /// Where its files are below the artifacts of the run
    #[arg(long, requires = "run")]
    path: Option<String>,
    /// A folder whose files are copied
    #[arg(long, conflicts_with_all = ["source", "path"])]
    files: Option<PathBuf>,
    /// An address of the files
    #[arg(long)]
    source: Option<String>,
    #[arg(long, default_value = "")]
    description: String,
    /// A tag, as key=value; may be given several times
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
    #[command(flatten)]
    actor: AsArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct ChallengerArgs {
    name: String,
    #[arg(id = "number", value_name = "VERSION")]
    version: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    actor: AsArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct PromoteArgs {
    name: String,
    #[arg(id = "number", value_name = "VERSION")]
    version: String,
    /// staging, or production with the alias champion
    #[arg(long)]
    to: String,
    /// Why; needed but for --dry-run
    #[arg(long, default_value = "")]
    reason: String,
    /// The champion that you saw, or none [default: the one that there is]
    #[arg(long)]
    expected: Option<String>,
    /// Say what would happen and what speaks for it; do nothing
    #[arg(long)]
    dry_run: bool,
    /// Promote although the model's policy wants better evidence
    #[arg(long = "override")]
    override_policy: bool,
    /// A key that makes it safe to repeat the command
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    actor: AsArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct RollbackArgs {
    name: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// The champion that you saw [default: the one that there is]
    #[arg(long)]
    expected: Option<String>,
    #[command(flatten)]
    actor: AsArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct HistoryArgs {
    name: String,
    /// What was live at this moment: 2026-03-14T14:00:00Z, now-7d
    #[arg(long)]
    at: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct DecisionArgs {
    /// The number of the request
    id: i64,
    #[arg(long, default_value = "")]
    comment: String,
    #[command(flatten)]
    actor: AsArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct AuditListArgs {
    /// From this moment on
    #[arg(long)]
    from: Option<String>,
    /// Up to this moment
    #[arg(long)]
    to: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

fn composed(text: &str) -> String {
    nfc(text).unwrap_or_else(|| text.to_owned())
}

fn english(text: impl Into<String>) -> Sentence {
    Sentence::only_english(text)
}

impl AsArgs {
    /// The models as somebody sees and changes them: whoever may write to the data folder acts for anybody, and may do what they may.
    async fn models(&self, services: &AppServices) -> Result<Models> {
        let Some(name) = self.actor.as_deref().map(token_name).transpose()? else { return Ok(services.models.clone()) };
        let tokens = services.access.list().await?;
        let named = tokens.iter().filter(|t| t.name == name).max_by_key(|t| t.revoked.is_none());
        let Some(role) = named.map(|t| t.role) else {
            return Err(Error::not_found(english(format!("no token is, or was, called “{name}”"))));
        };
        Ok(services.models.for_actor(&Actor::Named { name, role }))
    }
}

/// The champion that somebody saw, or the one that there is; `none` for none.
fn expected(model: &RegistryModel, given: Option<&str>) -> Option<String> {
    match given {
        Some("none") => None,
        Some(version) => Some(version.to_owned()),
        None => model.champion().map(|v| v.to_string()),
    }
}

impl Registry {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        startup::with(settings, async |services| {
            services.registry.refresh_for_command().await?;
            services.maintenance.link(services.models.links()).await?;
            let done = self.answer(settings, services).await;
            // What was changed outside meanwhile is written down as it would be by a server.
            if let Err(e) = services.models.follow().await {
                tracing::warn!(error = %e, "what was changed outside is not written down");
            }
            if let Err(e) = services.evidence.write_looks().await {
                tracing::warn!(error = %e, "the look is not noted");
            }
            done
        })
        .await
    }

    async fn answer(&self, settings: &Settings, services: &AppServices) -> Result<ExitCode> {
        match self {
            Self::List(args) => list(services, args),
            Self::Show(args) => show(services, args),
            Self::Champion(args) => champion(services, args),
            Self::Add(args) => add(settings, services, args).await,
            Self::Challenger(args) => {
                let models = args.actor.models(services).await?;
                let attempt = models.set_challenger(&composed(&args.name), &args.version, &args.reason).await?;
                attempted(&attempt, &args.output)
            }
            Self::Promote(args) => promote(services, args).await,
            Self::Rollback(args) => {
                let models = args.actor.models(services).await?;
                let model = models.model(&composed(&args.name))?;
                let input = RollbackInput {
                    expected: expected(&model, args.expected.as_deref()),
                    version: None,
                    reason: args.reason.clone(),
                    key: None,
                };
                attempted(&models.roll_back(model.name.as_str(), &input).await?, &args.output)
            }
            Self::History(args) => history(services, args).await,
            Self::Request(args) => request(services, args).await,
            Self::Requests(output) => requests(services, output).await,
            Self::Approve(args) => {
                let models = args.actor.models(services).await?;
                match models.approve(RequestId(args.id), &args.comment).await? {
                    ApprovalOutcome::Promoted(done) => told(&done, &args.output),
                    ApprovalOutcome::Conflict(c) => Err(Error::bad_input(c.sentence)),
                }
            }
            Self::Reject(args) => {
                let models = args.actor.models(services).await?;
                let kept = models.reject(RequestId(args.id), &args.comment).await?;
                if args.output.json {
                    print_json(&rows::request(&kept))?;
                } else {
                    print(&format!("request {} is closed", kept.id.0))?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn list(services: &AppServices, args: &ListArgs) -> Result<ExitCode> {
    let stage = args.stage.as_deref().map(Stage::parse).transpose()?;
    let index = services.models.index()?;
    let wanted = |m: &&std::sync::Arc<RegistryModel>| {
        stage.is_none_or(|s| m.in_stage(s).next().is_some())
            && args.alias.as_deref().is_none_or(|a| m.alias(a).is_some())
    };
    let models: Vec<_> = index.models().filter(wanted).collect();
    let status = services.models.status();
    if args.output.json {
        let models: Vec<_> = models.iter().map(|m| ModelJson::of(m)).collect();
        print_json(&json!({ "models": models, "as_of": status.as_of, "registry": rows::registry(&status) }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let version = |v: Option<domain::registry::Version>| v.map_or_else(|| "–".to_owned(), |v| format!("v{v}"));
    let cells = models.iter().map(|m| {
        let production: Vec<String> = m.in_stage(Stage::Production).map(|v| format!("v{v}")).collect();
        let note = if m.disagrees() { "champion and Production disagree" } else { "" };
        vec![
            clipped(m.name.as_str()),
            version(m.champion()),
            version(m.challenger()),
            if production.is_empty() { "–".to_owned() } else { production.join(", ") },
            m.versions.len().to_string(),
            note.to_owned(),
        ]
    });
    let head = heads(&["model", "champion", "challenger", "Production", "versions", ""]);
    let cells: Vec<_> = cells.collect();
    print(&if cells.is_empty() { nobody(&status) } else { table(&head, &cells) })?;
    stale(services);
    Ok(ExitCode::SUCCESS)
}

fn nobody(status: &domain::ports::RegistryStatus) -> String {
    match status.kind {
        RegistryKind::Mlflow => format!("no model is registered in MLflow at {}", status.address),
        RegistryKind::Embedded => "no model is registered: see `guardianflow models add --help`".to_owned(),
    }
}

fn heads(names: &[&str]) -> Vec<Head> {
    names.iter().map(|name| ((*name).to_owned(), Align::Left)).collect()
}

/// Says on the error output how old the answer is, where the registry does not answer.
fn stale(services: &AppServices) {
    let status = services.models.status();
    if let (Some(why), Some(at)) = (status.error, status.as_of) {
        eprintln!("as of {at}: {why}");
    }
}

fn show(services: &AppServices, args: &ShowArgs) -> Result<ExitCode> {
    let model = services.models.model(&composed(&args.name))?;
    if args.output.json {
        print_json(&rows::whole(&model))?;
        return Ok(ExitCode::SUCCESS);
    }
    let cells: Vec<Vec<String>> = model
        .versions
        .values()
        .rev()
        .map(|v| {
            let aliases: Vec<&str> = model.aliases_of(v.version).map(domain::registry::Alias::as_str).collect();
            vec![
                format!("v{}", v.version),
                v.stage.as_str().to_owned(),
                aliases.join(", "),
                v.run.clone().unwrap_or_default(),
                v.created.to_string(),
                clipped(&v.description),
            ]
        })
        .collect();
    print(&table(&heads(&["version", "stage", "aliases", "run", "created", "description"]), &cells))?;
    if model.disagrees() {
        eprintln!("the alias champion and the stage Production name different versions");
    }
    stale(services);
    Ok(ExitCode::SUCCESS)
}

fn champion(services: &AppServices, args: &ChampionArgs) -> Result<ExitCode> {
    let stage = args.stage.as_deref().map(Stage::parse).transpose()?;
    let name = composed(&args.name);
    let answer = services.models.champion(&name, stage, None)?;
    if args.output.json {
        let encoded = app::ui::links::encode(&name);
        let download = format!("/api/models/{encoded}/versions/{}/artifacts", answer.version.version);
        print_json(&rows::champion(&answer, &download))?;
    } else {
        let v = &answer.version;
        let aliases: Vec<&str> = answer.aliases.iter().map(domain::registry::Alias::as_str).collect();
        let run = v.run.as_deref().unwrap_or("–");
        print(&format!(
            "v{}\nstage    {}\naliases  {}\nrun      {run}\nfiles    {}",
            v.version,
            v.stage,
            aliases.join(", "),
            v.source
        ))?;
    }
    stale(services);
    Ok(ExitCode::SUCCESS)
}

async fn promote(services: &AppServices, args: &PromoteArgs) -> Result<ExitCode> {
    let models = args.actor.models(services).await?;
    let name = composed(&args.name);
    if args.dry_run {
        let review = models.review(&name, &args.version, &args.to).await?;
        if args.output.json {
            print_json(&rows::review(&review))?;
        } else {
            let champion = review.model.champion().map_or_else(|| "none".to_owned(), |v| format!("v{v}"));
            let mut out = format!("{name}: v{} to {}; the champion is {champion}", review.version, review.to.as_str());
            let sentence = review.evidence.as_ref().map(|e| e.sentence.en.as_str());
            out.push_str(&format!("\n{}", sentence.unwrap_or("there is no champion to be compared with")));
            for note in review.blocked.iter().chain(&review.warnings) {
                out.push_str(&format!("\n• {note}"));
            }
            if review.needs_approval {
                out.push_str("\n• somebody else has to approve it: `guardianflow models request`");
            }
            print(&out)?;
        }
        return Ok(verdict_code(
            review.evidence.as_ref().map(|e| (e.verdict, e.judgement.as_ref().is_none_or(|j| j.provisional))),
        ));
    }
    let model = models.model(&name)?;
    let input = PromotionInput {
        version: args.version.clone(),
        to: args.to.clone(),
        expected: expected(&model, args.expected.as_deref()),
        reason: args.reason.clone(),
        override_policy: args.override_policy,
        key: args.key.clone(),
    };
    attempted(&models.promote(&name, &input).await?, &args.output)
}

/// As `models compare`: 0 for better or not worse, 4 for worse or unhealthy, 3 where it is not known; 0 where there is nobody to be compared with.
fn verdict_code(verdict: Option<(Verdict, bool)>) -> ExitCode {
    match verdict {
        None => ExitCode::SUCCESS,
        Some((verdict, provisional)) => super::exit::exit_code(verdict, provisional),
    }
}

fn attempted(attempt: &Attempt, output: &OutputArgs) -> Result<ExitCode> {
    match attempt {
        Attempt::Done(done) => told(done, output),
        Attempt::Conflict(c) => {
            if output.json {
                print_json(&json!({ "outcome": "conflict", "champion": c.champion, "detail": c.sentence.en }))?;
            }
            eprintln!("guardianflow: {}", c.sentence);
            Ok(ExitCode::FAILURE)
        }
        Attempt::OtherRequest => {
            Err(Error::bad_input(english("this key was used for something else; nothing was done")))
        }
    }
}

fn told(done: &Performed, output: &OutputArgs) -> Result<ExitCode> {
    let outcome = done.outcome.as_ref();
    if output.json {
        print_json(&rows::performed(done))?;
    } else {
        let note = outcome.and_then(|o| o.note.as_ref()).map(|n| format!(": {n}")).unwrap_or_default();
        let (name, version) = (&done.operation.model, done.operation.version);
        let again = if done.again { " (before, by the same key)" } else { "" };
        print(&match outcome.map(|o| o.kind) {
            Some(OutcomeKind::Applied) => {
                let champion = done.model.as_ref().and_then(|m| m.champion());
                let champion = champion.map_or_else(|| "no champion".to_owned(), |v| format!("champion v{v}"));
                format!("{name}: v{version} is done{again}, {champion}{note}")
            }
            Some(OutcomeKind::NotApplied) => format!("{name}: nothing was changed{note}"),
            Some(OutcomeKind::Overtaken) => format!("{name}: overtaken{note}"),
            None => format!(
                "{name}: the registry does not answer, so it is not known yet whether v{version} was made so; whoever comes next decides it"
            ),
        })?;
    }
    Ok(match outcome.map(|o| o.kind) {
        Some(OutcomeKind::Applied) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

async fn request(services: &AppServices, args: &PromoteArgs) -> Result<ExitCode> {
    let models = args.actor.models(services).await?;
    let model = models.model(&composed(&args.name))?;
    let input = PromotionInput {
        version: args.version.clone(),
        to: args.to.clone(),
        expected: expected(&model, args.expected.as_deref()),
        reason: args.reason.clone(),
        ..PromotionInput::default()
    };
    let kept = models.request(model.name.as_str(), &input).await?;
    if args.output.json {
        print_json(&rows::request(&kept))?;
    } else {
        print(&format!("request {}: v{} of {} to {}", kept.id.0, kept.request.version, model.name, args.to))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn requests(services: &AppServices, output: &OutputArgs) -> Result<ExitCode> {
    let open = services.models.open_requests(None).await?;
    if output.json {
        print_json(&json!({ "requests": open.iter().map(rows::request).collect::<Vec<_>>() }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let cells: Vec<Vec<String>> = open
        .iter()
        .map(|kept| {
            let r = &kept.request;
            vec![
                kept.id.0.to_string(),
                clipped(r.model.as_str()),
                format!("v{}", r.version),
                r.to.as_str().to_owned(),
                r.asked_by.clone(),
                r.asked.to_string(),
                clipped(r.reason.as_str()),
            ]
        })
        .collect();
    let head = heads(&["id", "model", "version", "to", "asked by", "asked", "reason"]);
    print(&if cells.is_empty() { "nothing waits to be decided".to_owned() } else { table(&head, &cells) })?;
    Ok(ExitCode::SUCCESS)
}

async fn history(services: &AppServices, args: &HistoryArgs) -> Result<ExitCode> {
    let name = ModelName::parse(&composed(&args.name))?;
    services.models.follow().await?;
    if let Some(at) = &args.at {
        let at = parse_moment(at, services.clock.now(), &TimeZone::UTC)?;
        let standing = services.models.standing_at(&name, at).await?;
        if args.output.json {
            let live = standing.as_ref().map(rows::standing);
            print_json(&json!({ "name": name, "at": at, "live": live }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let Some(standing) = standing else {
            return Err(Error::not_found(english(format!("{name} was looked at for the first time after {at}"))));
        };
        print(&standing_told(&standing))?;
        return Ok(ExitCode::SUCCESS);
    }
    let query = EventsQuery { model: Some(name.clone()), ..EventsQuery::default() };
    let events = services.models.events(&query).await?;
    if events.is_empty() {
        // Says it where there is none of the name.
        services.models.model(name.as_str())?;
    }
    print_events(&events, &args.output)
}

fn standing_told(standing: &Standing) -> String {
    let champion = standing.champion().map_or_else(|| "no champion".to_owned(), |v| format!("champion v{v}"));
    let aliases = standing.aliases.iter().map(|(alias, v)| format!("{alias} v{v}"));
    let stages = standing.stages.iter().map(|(v, stage)| format!("v{v} {stage}"));
    let more: Vec<String> = aliases.chain(stages).collect();
    if more.is_empty() { champion } else { format!("{champion} ({})", more.join(", ")) }
}

fn print_events(events: &[LoggedEvent], output: &OutputArgs) -> Result<ExitCode> {
    if output.json {
        print_json(&json!({ "events": events.iter().map(rows::event).collect::<Vec<_>>() }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let cells: Vec<Vec<String>> = events
        .iter()
        .map(|logged| {
            let e = &logged.event;
            let row = rows::event(logged);
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            let who = match &e.actor {
                EventActor::Named(name) => name.clone(),
                EventActor::Outside => "outside".to_owned(),
                EventActor::System => "–".to_owned(),
            };
            let version = e.version.map(|v| format!("v{v}")).unwrap_or_default();
            let after = e.after.as_ref().map(standing_told).unwrap_or_default();
            let why = e.reason.clone().or_else(|| e.note.as_ref().map(|n| n.en.clone())).unwrap_or_default();
            vec![
                logged.number.to_string(),
                e.at.to_string(),
                clipped(e.model.as_str()),
                text("what"),
                text("outcome"),
                version,
                who,
                clipped(&why),
                clipped(&after),
            ]
        })
        .collect();
    let head = heads(&["#", "at", "model", "what", "outcome", "version", "who", "why", "after"]);
    print(&if cells.is_empty() { "nothing happened yet".to_owned() } else { table(&head, &cells) })?;
    Ok(ExitCode::SUCCESS)
}

impl Audit {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        startup::with(settings, async |services| self.answer(services).await).await
    }

    async fn answer(&self, services: &AppServices) -> Result<ExitCode> {
        match self {
            Self::List(args) => {
                let now = services.clock.now();
                let moment =
                    |text: &Option<String>| text.as_ref().map(|t| parse_moment(t, now, &TimeZone::UTC)).transpose();
                let query = EventsQuery { from: moment(&args.from)?, to: moment(&args.to)?, ..EventsQuery::default() };
                print_events(&services.models.events(&query).await?, &args.output)
            }
            Self::Verify(output) => {
                let report = services.models.verify().await?;
                if output.json {
                    print_json(&rows::chain(&report))?;
                } else {
                    print(&match &report.broken {
                        None => {
                            format!("{} rows are as they were written; the last hash is {}", report.right, report.head)
                        }
                        Some(broken) => format!(
                            "row {} is not as it was written ({}); {} rows before it are",
                            broken.number,
                            broken.why.as_str(),
                            report.right
                        ),
                    })?;
                }
                Ok(if report.broken.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
        }
    }
}

async fn add(settings: &Settings, services: &AppServices, args: &AddArgs) -> Result<ExitCode> {
    let models = args.actor.models(services).await?;
    if !models.is_embedded() {
        let at = models.status().address;
        return Err(Error::bad_input(english(format!("versions are registered in MLflow at {at}"))));
    }
    let tag = |text: &String| {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            Error::bad_input(english(format!("a tag is written key=value, and “{}” is none", clipped(text))))
        })?;
        Ok((key.to_owned(), value.to_owned()))
    };
    let tags = args.tags.iter().map(tag).collect::<Result<Vec<_>>>()?;
    let source = match (&args.files, &args.run, &args.source) {
        (Some(folder), ..) => copy_files(folder, &startup::model_files(&settings.data.folder))?,
        (None, _, Some(source)) => source.clone(),
        (None, Some(run), None) => {
            format!("runs:/{run}/{}", args.path.as_deref().unwrap_or_default()).trim_end_matches('/').to_owned()
        }
        (None, None, None) => String::new(),
    };
    let new = NewVersion {
        model: ModelName::parse_new(&composed(&args.name))?,
        run: args.run.clone(),
        source,
        description: args.description.clone(),
        tags,
        created_by: String::new(),
        at: Millis(0),
    };
    let version = models.register(&new).await?;
    if args.output.json {
        let model = models.model(new.model.as_str())?;
        print_json(&rows::VersionJson::of(&model, &version))?;
    } else {
        print(&format!("{} v{}", new.model, version.version))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies the files of a folder into one of ours. Returns the source that names it. Links are followed to files only.
#[expect(clippy::disallowed_methods, reason = "a command that ends serves nobody meanwhile")]
fn copy_files(from: &Path, root: &Path) -> Result<String> {
    let id = FolderId::random()?;
    let to = id.path(root);
    let failed = |what: &Path, e: &std::io::Error| {
        Error::unavailable(english(format!("{} cannot be copied: {}", what.display(), Sentence::from_io(e))))
    };
    let mut folders = vec![PathBuf::new()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        let here = from.join(&folder);
        std::fs::create_dir_all(to.join(&folder)).map_err(|e| failed(&to, &e))?;
        for entry in std::fs::read_dir(&here).map_err(|e| failed(&here, &e))? {
            let entry = entry.map_err(|e| failed(&here, &e))?;
            let (path, name) = (entry.path(), folder.join(entry.file_name()));
            if path.is_dir() && !path.is_symlink() {
                folders.push(name);
            } else if path.is_file() {
                copy_file(&path, &to.join(&name)).map_err(|e| failed(&path, &e))?;
                files += 1;
            }
        }
    }
    if files == 0 {
        return Err(Error::bad_input(english(format!("there are no files in {}", from.display()))));
    }
    Ok(id.source())
}

#[expect(clippy::disallowed_methods, reason = "a command that ends serves nobody meanwhile")]
fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    let (mut from, mut to) = (std::fs::File::open(from)?, std::fs::File::create_new(to)?);
    let mut piece = vec![0; 1 << 20];
    loop {
        match from.read(&mut piece)? {
            0 => break,
            n => std::io::Write::write_all(&mut to, &piece[..n])?,
        }
    }
    to.sync_all()
}
