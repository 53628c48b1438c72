//! `guardianflow models …`: is the challenger better, and how long would it take to know; `registry` has the commands that are about the registry.

use std::{process::ExitCode, sync::Arc};

use clap::{Args, Subcommand};
use domain::{
    Error, Result,
    error::Sentence,
    evidence::{Estimand, Verdict},
    model::ModelKey,
    normalization::nfc,
    params::{MetricsQuery, QueryParams},
    ports::ComparisonId,
    time::parse_moment,
};
use jiff::tz::TimeZone;
use usecases::evidence::{End, EvidenceAnswer, EvidenceQuestion, NewRegistration, PlanQuestion, read_design};

use super::{
    exit::exit_code,
    metrics::spelled,
    output::{Align, Head, print, print_json, table},
    registered_models::Registry,
};
use crate::{
    config::Settings,
    declarations::DeclarationFiles,
    http::evidence::{ComparisonJson, EvidenceJson, PlanJson},
    startup,
};

#[derive(Debug, Subcommand)]
pub enum Models {
    /// Is the challenger B better than the champion A? Exits with 0 for better or not worse, 4 for worse or unhealthy (also before the horizon), 3 otherwise
    #[command(
        after_help = "Examples:\n  guardianflow models compare yolov8m:1.1.0 yolov8m:1.2.0\n  guardianflow models compare models:/detector/3 models:/detector/4 --metric hota --customer acme --json\n\nThe first look registers the comparison: from the challenger's first record, for 14 days or what its model's policy says. Each day on which somebody looks is counted."
    )]
    Compare(CompareArgs),
    /// Register a comparison before anybody looks: from when until when, by which metric and margin
    #[command(
        after_help = "Example:\n  guardianflow models register yolov8m:1.1.0 yolov8m:1.2.0 --metric mAP50 --horizon 2026-12-15"
    )]
    Register(RegisterArgs),
    /// Registered comparisons, newest first
    #[command(after_help = "Example:\n  guardianflow models comparisons --json")]
    Comparisons(ListArgs),
    /// Which effect so many sites and days would show, by how the champion's own records scatter
    #[command(after_help = "Example:\n  guardianflow models plan yolov8m:1.1.0 --effect 0.01 --sites 12 --days 14")]
    Plan(PlanArgs),
    #[command(flatten)]
    Registry(Registry),
}

#[derive(Debug, Args)]
struct PairArgs {
    /// The champion, as architecture:version or models:/name/version
    champion: String,
    /// The challenger
    challenger: String,
    #[command(flatten)]
    place: PlaceArgs,
    /// The metric that decides [default: mAP50]
    #[arg(long)]
    metric: Option<String>,
    /// concurrent, before_after or difference_in_differences; the one that fits where nobody says
    #[arg(long)]
    design: Option<String>,
}

#[derive(Debug, Args)]
struct PlaceArgs {
    #[arg(long)]
    customer: Option<String>,
    #[arg(long)]
    site: Option<String>,
    #[arg(long)]
    zone: Option<String>,
    #[arg(long)]
    task: Option<String>,
    /// Only what was measured on this device
    #[arg(long)]
    device: Option<String>,
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    #[command(flatten)]
    pair: PairArgs,
    /// Start of what numbers are shown of; the verdict is about the registered period
    #[arg(long)]
    from: Option<String>,
    /// Its end, not included
    #[arg(long)]
    to: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct RegisterArgs {
    #[command(flatten)]
    pair: PairArgs,
    /// Start: 2026-12-01, 2026-12-01T12:00:00Z, now-1d [default: now]
    #[arg(long)]
    start: Option<String>,
    /// End, when the verdict is made
    #[arg(long)]
    horizon: Option<String>,
    /// How many days, instead of --horizon [default: the model's policy, 14]
    #[arg(long, conflicts_with = "horizon")]
    days: Option<u32>,
    /// How much worse the metric may be, in its unit
    #[arg(long)]
    margin: Option<f64>,
    /// The difference that it is planned for, in the metric's unit
    #[arg(long)]
    minimum_effect: Option<f64>,
    /// The challenger's records in relation to the champion's, such as 0.05
    #[arg(long)]
    share: Option<f64>,
    /// A further metric that is claimed to be better; may be given several times
    #[arg(long)]
    claim: Vec<String>,
    /// The number of the comparison in whose place it comes
    #[arg(long)]
    supersedes: Option<i64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The champion
    champion: String,
    #[command(flatten)]
    place: PlaceArgs,
    #[arg(long)]
    metric: Option<String>,
    /// The smallest difference that is to be found, in the metric's unit [default: the smallest that matters]
    #[arg(long)]
    effect: Option<f64>,
    /// At how many sites [default: where the champion runs]
    #[arg(long)]
    sites: Option<u32>,
    /// For how many days [default: the model's policy, 14]
    #[arg(long)]
    days: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl PlaceArgs {
    fn params(&self, metric: Option<&String>) -> QueryParams {
        spelled(QueryParams {
            customer: self.customer.clone(),
            site: self.site.clone(),
            zone: self.zone.clone(),
            task: self.task.clone(),
            device: self.device.clone(),
            metric: metric.cloned(),
            ..QueryParams::default()
        })
    }
}

fn model(text: &str) -> Result<ModelKey> {
    ModelKey::parse(&nfc(text).unwrap_or_else(|| text.to_owned()))
}

impl PairArgs {
    fn question(&self, asked: &MetricsQuery) -> Result<EvidenceQuestion> {
        Ok(EvidenceQuestion {
            champion: model(&self.champion)?,
            challenger: model(&self.challenger)?,
            scope: asked.scope.clone(),
            metric: asked.metric.clone(),
            design: self.design.as_deref().map(read_design).transpose()?,
            shown: None,
        })
    }
}

impl Models {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        if let Self::Registry(command) = self {
            return Box::pin(command.run(settings)).await;
        }
        if settings.data.is_empty() {
            return Err(Error::unavailable(Sentence::only_english(format!(
                "there are no records in {}: take some with `guardianflow ingest FILE`",
                settings.data.folder.display()
            ))));
        }
        let written = DeclarationFiles::open(settings, Arc::new(startup::SystemClock))?;
        startup::with(settings, async |services| {
            services.maintenance.declare(Arc::new(written.declared())).await?;
            services.link_records().await?;
            self.answer(services).await
        })
        .await
    }

    async fn answer(&self, parts: &startup::AppServices) -> Result<ExitCode> {
        let now = parts.clock.now();
        let utc = TimeZone::UTC;
        let evidence = &parts.evidence;
        match self {
            Self::Compare(args) => {
                let range = QueryParams { from: args.from.clone(), to: args.to.clone(), ..QueryParams::default() };
                let mut params = args.pair.place.params(args.pair.metric.as_ref());
                (params.from, params.to) = (range.from, range.to);
                let asked = params.read(now, &utc)?;
                let shown = (args.from.is_some() || args.to.is_some()).then_some(asked.range);
                let answer = evidence.judge(&EvidenceQuestion { shown, ..args.pair.question(&asked)? }).await?;
                // The answer counts for more than the note of it.
                if let Err(e) = evidence.write_looks().await {
                    tracing::warn!(error = %e, "the look is not noted");
                }
                if args.json {
                    print_json(&EvidenceJson::of(&answer))?;
                } else {
                    print(&told(&answer))?;
                }
                Ok(exit_code(answer.judgement.verdict, answer.judgement.provisional))
            }
            Self::Register(args) => {
                let asked = args.pair.place.params(args.pair.metric.as_ref()).read(now, &utc)?;
                let moment = |text: &Option<String>| text.as_ref().map(|t| parse_moment(t, now, &utc)).transpose();
                let (start, horizon) = (moment(&args.start)?, moment(&args.horizon)?);
                let new = NewRegistration {
                    start,
                    horizon: horizon.map(End::At).or(args.days.map(End::Days)),
                    margin: args.margin,
                    minimum_effect: args.minimum_effect,
                    share: args.share,
                    claims: args.claim.clone(),
                    supersedes: args.supersedes.map(ComparisonId),
                };
                let kept = evidence.register(&args.pair.question(&asked)?, &new).await?;
                if args.json {
                    print_json(&ComparisonJson::of(&kept))?;
                } else {
                    let r = &kept.registration;
                    let (id, metric) = (kept.id.0, &r.primary);
                    print(&format!(
                        "comparison {id}: {} against {}, by {metric}, from {} to {}",
                        r.challenger, r.champion, r.start, r.horizon
                    ))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Self::Comparisons(args) => {
                let all = evidence.comparisons().await?;
                let rows: Vec<ComparisonJson<'_>> = all.iter().map(ComparisonJson::of).collect();
                if args.json {
                    print_json(&serde_json::json!({ "comparisons": rows }))?;
                    return Ok(ExitCode::SUCCESS);
                }
                let head = ["id", "champion", "challenger", "where", "metric", "start", "horizon", "looks", "state"];
                let head: Vec<Head> = head.map(|name| (name.to_owned(), Align::Left)).into();
                let rows: Vec<Vec<String>> = all
                    .iter()
                    .map(|kept| {
                        let r = &kept.registration;
                        let place = [&r.scope.customer, &r.scope.site, &r.scope.zone].into_iter().flatten();
                        let place = place.map(ToString::to_string).collect::<Vec<_>>().join(" / ");
                        let state = match (&kept.superseded_by, &kept.verdict) {
                            (Some(by), _) => format!("superseded by {}", by.0),
                            (None, Some(verdict)) => word(verdict.judgement.verdict).to_owned(),
                            (None, None) => "open".to_owned(),
                        };
                        vec![
                            kept.id.0.to_string(),
                            r.champion.to_string(),
                            r.challenger.to_string(),
                            if place.is_empty() { "everywhere".to_owned() } else { place },
                            r.primary.clone(),
                            r.start.to_string(),
                            r.horizon.to_string(),
                            kept.looks.to_string(),
                            state,
                        ]
                    })
                    .collect();
                print(&if rows.is_empty() { "no comparison is registered".to_owned() } else { table(&head, &rows) })?;
                Ok(ExitCode::SUCCESS)
            }
            // Run by itself.
            Self::Registry(_) => Ok(ExitCode::SUCCESS),
            Self::Plan(args) => {
                let asked = args.place.params(args.metric.as_ref()).read(now, &utc)?;
                let question = PlanQuestion {
                    champion: model(&args.champion)?,
                    scope: asked.scope.clone(),
                    metric: asked.metric.clone(),
                    effect: args.effect,
                    sites: args.sites,
                    days: args.days,
                };
                let answer = evidence.plan(&question).await?;
                if args.json {
                    print_json(&PlanJson::of(&answer))?;
                } else {
                    print(&plan_told(&answer))?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::NotWorse => "not worse",
        Verdict::Worse => "worse",
        Verdict::NotDecisive => "not decisive",
        Verdict::Unhealthy => "unhealthy",
    }
}

fn told(answer: &EvidenceAnswer) -> String {
    let j = &answer.judgement;
    let number = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), |x| format!("{x:+.4}"));
    let head = ["metric", "mean over", "difference", "low", "high", "sites", "days"];
    let head: Vec<Head> = head
        .iter()
        .enumerate()
        .map(|(i, name)| ((*name).to_owned(), if i < 2 { Align::Left } else { Align::Right }))
        .collect();
    let rows: Vec<Vec<String>> = j
        .metrics
        .iter()
        .filter(|m| m.difference.is_some())
        .map(|m| {
            let over = if m.estimand == Estimand::Site { "typical site" } else { "fleet" };
            let days = if m.n_days == 0 { "–".to_owned() } else { m.n_days.to_string() };
            vec![
                m.metric.clone(),
                over.to_owned(),
                number(m.difference),
                number(m.low),
                number(m.high),
                m.n_sites.to_string(),
                days,
            ]
        })
        .collect();
    let mut out = format!("{}\n", j.sentence);
    if !rows.is_empty() {
        out.push_str(&table(&head, &rows));
        out.push('\n');
    }
    let sites = if j.sites.is_empty() { &j.worse_sites } else { &j.sites };
    for s in sites {
        let site = s.site.as_ref().map_or_else(String::new, |site| format!(" / {site}"));
        out.push_str(&format!("{}{site}: {} ({} days)\n", s.customer, number(Some(s.difference)), s.n_days));
    }
    for note in &j.notes {
        out.push_str(&format!("• {note}\n"));
    }
    let days_left = match answer.days_left {
        0 => "it is over".to_owned(),
        n => format!("{n} days left"),
    };
    out.push_str(&format!("Registered from {} to {}: {days_left}.", j.start, j.horizon));
    out
}

fn plan_told(answer: &usecases::evidence::PlanAnswer) -> String {
    let sentence = answer.sentence().en;
    let Some(plan) = &answer.plan else { return sentence };
    let first = plan.grid.first().map_or(0, |p| p.sites);
    let days: Vec<u32> = plan.grid.iter().filter(|p| p.sites == first).map(|p| p.days).collect();
    let mut head: Vec<Head> = vec![("sites".to_owned(), Align::Right)];
    head.extend(days.iter().map(|d| (format!("{d} days"), Align::Right)));
    let rows: Vec<Vec<String>> = plan
        .grid
        .chunk_by(|a, b| a.sites == b.sites)
        .map(|row| {
            let power = row.iter().map(|p| format!("{:.0} %", p.power * 100.0));
            std::iter::once(row[0].sites.to_string()).chain(power).collect()
        })
        .collect();
    format!("{sentence}\nPower by sites and days:\n{}", table(&head, &rows))
}
