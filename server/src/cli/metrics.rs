//! `guardianflow metrics …`: the numbers of the pages, in the terminal.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use domain::{
    Error, Result,
    error::Sentence,
    evidence::{Changes, Part},
    params::{KEYS, QueryParams},
    query::{MetricSummary, Summary, Trend, TrendPoint, WorstZones},
    scope::{ExperimentKind, Level},
    state::Health,
};
use jiff::tz::TimeZone;

use super::declarations::List;
use super::output::{Align, Format, OutputTable, print};
use crate::{
    atomic_file::AtomicFile,
    config::Settings,
    declarations::DeclarationFiles,
    http::{csv, evidence::ChangesJson},
    startup,
};

#[derive(Debug, Subcommand)]
pub enum Metrics {
    /// How a scope did, against the period before
    #[command(
        after_help = "Examples:\n  guardianflow metrics summary\n  guardianflow metrics summary --customer acme --days 30\n  guardianflow metrics summary --customer acme --site seoul-01 --json"
    )]
    Summary(SummaryArgs),
    /// How one metric moved, drawn in the terminal
    #[command(
        after_help = "Examples:\n  guardianflow metrics trend --metric mAP50\n  guardianflow metrics trend --metric hota --customer acme --from now-30d --step 6h --csv"
    )]
    Trend(TrendArgs),
    /// Where one metric is worst, by zone and device: by its 95th percentile, or its 5th where more is better
    #[command(
        after_help = "Examples:\n  guardianflow metrics worst --metric inference_time_ms\n  guardianflow metrics worst --metric mAP50 --customer acme --limit 20 --csv"
    )]
    Worst(WorstArgs),
    /// What a metric's change is made of: places, models and devices, largest part first
    #[command(
        after_help = "Examples:\n  guardianflow metrics changes --metric mAP50\n  guardianflow metrics changes --metric hota --customer acme --days 30 --json"
    )]
    Changes(ChangesArgs),
    /// Write records as a Parquet file that can be ingested again
    #[command(
        after_help = "Example:\n  guardianflow metrics export --from 2026-06-01 --to 2026-07-01 --out june.parquet"
    )]
    Export(ExportArgs),
    /// How metrics are called and read: built in, in metrics.yaml, or assumed from their names
    #[command(after_help = "Example:\n  guardianflow metrics list --json")]
    List(List),
}

#[derive(Debug, Args)]
pub(super) struct ScopeArgs {
    #[arg(long)]
    customer: Option<String>,
    #[arg(long)]
    site: Option<String>,
    #[arg(long)]
    zone: Option<String>,
    #[arg(long)]
    task: Option<String>,
    /// production (default), candidate or all
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only what was measured on this device
    #[arg(long)]
    device: Option<String>,
    /// Start: now-7d, now-7d/d, 2026-06-30, 2026-06-30T12:00:00Z
    #[arg(long)]
    from: Option<String>,
    /// End, not included
    #[arg(long)]
    to: Option<String>,
    /// Time zone of dates, such as Asia/Seoul
    #[arg(long)]
    tz: Option<String>,
}

/// A query with its names in the lake's spelling.
pub(super) fn spelled(mut params: QueryParams) -> QueryParams {
    for key in KEYS {
        if let Some(name) = params.get(key).and_then(domain::normalization::nfc) {
            params.set(key, Some(name));
        }
    }
    params
}

impl ScopeArgs {
    pub(super) fn params(&self) -> QueryParams {
        QueryParams {
            customer: self.customer.clone(),
            site: self.site.clone(),
            zone: self.zone.clone(),
            task: self.task.clone(),
            kind: self.kind.clone(),
            device: self.device.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            tz: self.tz.clone(),
            ..QueryParams::default()
        }
    }
}

#[derive(Debug, Args)]
pub struct SummaryArgs {
    #[command(flatten)]
    place: ScopeArgs,
    /// A range that ends now
    #[arg(long, conflicts_with_all = ["from", "to"])]
    days: Option<String>,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct TrendArgs {
    #[command(flatten)]
    place: ScopeArgs,
    /// Key of the metric, such as mAP50 or inference_time_ms
    #[arg(long)]
    metric: String,
    /// architecture or architecture:version
    #[arg(long)]
    model: Option<String>,
    #[arg(long, conflicts_with_all = ["from", "to"])]
    days: Option<String>,
    /// Width of a point: 15m, 1h, 1d or PT1H
    #[arg(long)]
    step: Option<String>,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct WorstArgs {
    #[command(flatten)]
    place: ScopeArgs,
    /// Key of the metric, such as mAP50 or inference_time_ms
    #[arg(long)]
    metric: String,
    /// architecture or architecture:version
    #[arg(long)]
    model: Option<String>,
    #[arg(long, conflicts_with_all = ["from", "to"])]
    days: Option<String>,
    /// How many rows, 1 to 100
    #[arg(long, default_value = "10")]
    limit: String,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct ChangesArgs {
    #[command(flatten)]
    place: ScopeArgs,
    /// Key of the metric, such as mAP50 or inference_time_ms
    #[arg(long)]
    metric: String,
    #[arg(long, conflicts_with_all = ["from", "to"])]
    days: Option<String>,
    /// The earlier period: previous (default), week or year
    #[arg(long)]
    compare: Option<String>,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    place: ScopeArgs,
    /// The file to write
    #[arg(long)]
    out: PathBuf,
}

impl Metrics {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        if let Self::List(list) = self {
            return list.metrics(settings).await;
        }
        if settings.data.is_empty() {
            return Err(Error::unavailable(Sentence::only_english(format!(
                "there are no records in {}: take some with `guardianflow ingest FILE`",
                settings.data.folder.display()
            ))));
        }
        let written = DeclarationFiles::open(settings, std::sync::Arc::new(startup::SystemClock))?;
        startup::with(settings, async |services| {
            services.maintenance.declare(std::sync::Arc::new(written.declared())).await?;
            services.link_records().await?;
            self.answer(services).await
        })
        .await
    }

    async fn answer(&self, parts: &startup::AppServices) -> Result<ExitCode> {
        let now = parts.clock.now();
        match self {
            Self::Summary(args) => {
                let params = spelled(QueryParams { days: args.days.clone(), ..args.place.params() });
                let summary = parts.metrics.summary(&params.read(now, &TimeZone::UTC)?.summary()).await?;
                args.format.print(&summary, &summary_rows(&summary))?;
            }
            Self::Trend(args) => {
                let params = spelled(QueryParams {
                    days: args.days.clone(),
                    metric: Some(args.metric.clone()),
                    model: args.model.clone(),
                    step: args.step.clone(),
                    ..args.place.params()
                });
                let trend = parts.metrics.trend(&params.read(now, &TimeZone::UTC)?.trend()?).await?;
                if args.format.json || args.format.csv {
                    args.format.print(&trend, &trend_rows(&trend))?;
                } else {
                    print(&draw(&trend))?;
                }
            }
            Self::Worst(args) => {
                let params = spelled(QueryParams {
                    days: args.days.clone(),
                    metric: Some(args.metric.clone()),
                    model: args.model.clone(),
                    limit: Some(args.limit.clone()),
                    ..args.place.params()
                });
                let worst = parts.metrics.worst(&params.read(now, &TimeZone::UTC)?.worst()?).await?;
                args.format.print(&worst, &worst_rows(&worst))?;
            }
            Self::Changes(args) => {
                let params = spelled(QueryParams {
                    days: args.days.clone(),
                    metric: Some(args.metric.clone()),
                    compare: args.compare.clone(),
                    ..args.place.params()
                });
                let query = params.read(now, &TimeZone::UTC)?.changes()?;
                let changes = parts.metrics.changes(&query).await?;
                let json = ChangesJson::of(&query, &changes, parts.metrics.view().as_of());
                args.format.print(&json, &changes_rows(&changes))?;
            }
            Self::List(_) => {}
            Self::Export(args) => {
                let asked =
                    spelled(args.place.params()).read(now, &TimeZone::UTC)?.with_default_kind(ExperimentKind::All);
                let mut out = AtomicFile::at(&args.out);
                let written = parts.metrics.export(&asked.scope, asked.range, &mut out).await;
                let n = out.finish(written)?;
                print(&format!("{n} records written to {}", args.out.display()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn summary_rows(s: &Summary) -> OutputTable {
    let what = match s.scope.level() {
        Level::Fleet => "customer",
        Level::Customer => "site",
        Level::Site | Level::Zone => "zone",
    };
    let mut rows = OutputTable {
        head: vec![
            (what, Align::Left),
            ("state", Align::Left),
            ("metric", Align::Left),
            ("value", Align::Right),
            ("unit", Align::Left),
            ("delta", Align::Right),
            ("same places", Align::Right),
            ("mix", Align::Right),
            ("is", Align::Left),
            ("p50", Align::Right),
            ("p95", Align::Right),
            ("delta p95", Align::Right),
            ("n", Align::Right),
            ("sites", Align::Right),
            ("on_time", Align::Right),
        ],
        rows: Vec::new(),
    };
    let mut add = |name: &str, health: &Health, metrics: &[MetricSummary]| {
        for m in metrics {
            let shown = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| format!("{x:.4}"));
            let signed = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| format!("{x:+.4}"));
            rows.rows.push(vec![
                name.to_owned(),
                health.state.as_str().to_owned(),
                m.metric.clone(),
                shown(m.value),
                m.unit.clone(),
                signed(m.delta),
                signed(m.change.and_then(|c| c.delta.same)),
                signed(m.change.and_then(|c| c.delta.mix)),
                m.change.map_or("–", |c| c.colour.as_str()).to_owned(),
                shown(m.p50),
                shown(m.p95),
                signed(m.earlier_quantiles.and_then(|q| q.delta_p95)),
                m.n.to_string(),
                format!("{}/{}", m.sites_reporting, m.sites_expected),
                format!("{}/{}", health.places - health.unhealthy(), health.places),
            ]);
        }
    };
    add("(all)", &s.health, &s.metrics);
    for c in &s.children {
        let name = [&c.scope.zone, &c.scope.site, &c.scope.customer].into_iter().flatten().next();
        add(name.map_or("", |n| n.as_str()), &c.health, &c.metrics);
    }
    rows
}

fn changes_rows(changes: &Changes) -> OutputTable {
    let head = vec![
        ("change", Align::Right),
        ("low", Align::Right),
        ("high", Align::Right),
        ("kind", Align::Left),
        ("what", Align::Left),
    ];
    let number = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| format!("{x:+.4}"));
    let all = vec![number(changes.change), String::new(), String::new(), "all".into(), "the whole change".into()];
    let part = |p: &Part| {
        vec![
            number(Some(p.size)),
            number(p.low),
            number(p.high),
            format!("{:?}", p.kind).to_lowercase(),
            p.sentence.en.clone(),
        ]
    };
    OutputTable { head, rows: std::iter::once(all).chain(changes.parts.iter().map(part)).collect() }
}

fn worst_rows(w: &WorstZones) -> OutputTable {
    let align = |(i, name): (usize, &'static str)| (name, if i < 4 { Align::Left } else { Align::Right });
    let head = csv::worst_columns(w).into_iter().enumerate().map(align).collect();
    OutputTable { head, rows: csv::worst_rows(w, |x| format!("{x:.4}")) }
}

fn trend_rows(t: &Trend) -> OutputTable {
    let align = |name: &&'static str| (*name, if *name == "t" { Align::Left } else { Align::Right });
    OutputTable { head: csv::TREND_COLUMNS.iter().map(align).collect(), rows: csv::trend_rows(t) }
}

/// A line of braille dots, broken at gaps, 72 by 12 characters, with the range of values at the left and of time below.
fn draw(t: &Trend) -> String {
    const WIDTH: usize = 72;
    const HEIGHT: usize = 12;
    let values = || t.points.iter().map(|p| p.value);
    let (Some(low), Some(high)) = (values().reduce(f64::min), values().reduce(f64::max)) else {
        return format!("{}: no records from {} to {}", t.metric, t.from, t.to);
    };
    let spread = if high > low { high - low } else { 1.0 };
    let mut cells = vec![[0u8; WIDTH]; HEIGHT];
    let mut dot = |x: f64, y: f64| {
        let (x, y) = (x.round() as usize, y.round() as usize);
        let bit = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]][x % 2][y % 4];
        cells[(y / 4).min(HEIGHT - 1)][(x / 2).min(WIDTH - 1)] |= bit;
    };
    let length = (t.to.0 - t.from.0) as f64;
    let place = |p: &TrendPoint| {
        let x = (p.t.0 - t.from.0).max(0) as f64 / length * (WIDTH * 2 - 1) as f64;
        (x, (high - p.value) / spread * (HEIGHT * 4 - 1) as f64)
    };
    let step = t.step.ms();
    for (i, p) in t.points.iter().enumerate() {
        let (x, y) = place(p);
        // A line to the next point, unless there is a gap.
        let (to_x, to_y) = t.points.get(i + 1).filter(|n| n.t.0 - p.t.0 <= 2 * step).map_or((x, y), place);
        let dots = (to_x - x).abs().max((to_y - y).abs()).ceil().max(1.0);
        for k in 0..=dots as usize {
            let part = k as f64 / dots;
            dot(x + (to_x - x) * part, y + (to_y - y) * part);
        }
    }
    let unit = if t.unit.is_empty() { String::new() } else { format!(" ({})", t.unit) };
    let simulated = if t.simulated { ", simulated" } else { "" };
    let devices = match t.devices.len() {
        0 | 1 => String::new(),
        n => format!(", {n} devices put together"),
    };
    let mut out = format!("{}{unit}, one point is {}{devices}{simulated}\n", t.metric, t.step);
    for (i, row) in cells.iter().enumerate() {
        let label = if i == 0 {
            format!("{high:9.4}")
        } else if i == HEIGHT - 1 {
            format!("{low:9.4}")
        } else {
            " ".repeat(9)
        };
        let dots: String = row.iter().map(|b| char::from_u32(0x2800 + u32::from(*b)).unwrap_or(' ')).collect();
        out.push_str(&format!("{label} ┤{dots}\n"));
    }
    let n: u64 = t.points.iter().map(|p| p.n).sum();
    out.push_str(&format!("{:10}└{}\n{:11}{} to {}, n {n}", "", "─".repeat(WIDTH), "", t.from, t.to));
    out
}
