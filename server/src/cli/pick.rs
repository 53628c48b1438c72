//! `guardianflow pick`: the best model of the fleet, or the best run of an experiment, under limits.

use std::process::ExitCode;

use clap::Args;
use domain::{
    Error, Result,
    choice::{Front, LimitSide, Standing},
    compare::ModelGrouping,
    error::Sentence,
    model::ModelKey,
    params::QueryParams,
    tracking::filter::Filter,
};
use jiff::tz::TimeZone;
use usecases::pick::{Bound, DevicePick, FleetPickQuery, LimitQuery, PickAnswer, PickedValue, RunPickQuery};

use super::{
    experiments::with_runs,
    metrics::{ScopeArgs, spelled},
    output::{Align, Head, clipped, print, print_json, table},
    run_texts::figure,
};
use crate::{
    config::Settings,
    declarations::DeclarationFiles,
    http::pick::{FleetPickJson, RunPickJson},
    startup,
};

/// So many candidates of runs are listed; all of them are counted, and in --json.
const LISTED: usize = 20;

#[derive(Debug, Args)]
pub struct Pick {
    /// The metric that is chosen by
    #[arg(long, value_name = "METRIC")]
    best: String,
    /// A metric with the most that it may be, such as inference_time_ms=30; may be given several times
    #[arg(long, value_name = "METRIC=VALUE")]
    max: Vec<String>,
    /// A metric with the least that it may be
    #[arg(long, value_name = "METRIC=VALUE")]
    min: Vec<String>,
    /// A metric with how much worse than the baseline it may be, in its own unit: mAP50=0.01 is a point
    #[arg(long, value_name = "METRIC=AMOUNT")]
    max_drop: Vec<String>,
    /// The model, or the run, that others are held against; of models the one with most records where nobody says
    #[arg(long)]
    baseline: Option<String>,
    /// Choose among the runs of this experiment, by name or id, instead of the models of the fleet
    #[arg(long, conflicts_with_all = ["customer", "site", "zone", "task", "kind", "device", "days", "from", "to", "tz", "architecture"])]
    experiment: Option<String>,
    /// Only runs that pass this filter
    #[arg(long, requires = "experiment")]
    filter: Option<String>,
    #[command(flatten)]
    place: ScopeArgs,
    /// A range that ends now [default: 7]
    #[arg(long, conflicts_with_all = ["from", "to"])]
    days: Option<String>,
    /// All versions of an architecture count as one model
    #[arg(long)]
    architecture: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A metric and a number of `METRIC=NUMBER`.
fn pair<'t>(option: &str, text: &'t str) -> Result<(&'t str, f64)> {
    let bad = || {
        let what = format!("{option} takes METRIC=NUMBER, such as inference_time_ms=30, not “{text}”");
        Error::bad_input(Sentence::only_english(what))
    };
    let (metric, number) = text.rsplit_once('=').ok_or_else(bad)?;
    let number = number.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(bad)?;
    if metric.trim().is_empty() { Err(bad()) } else { Ok((metric.trim(), number)) }
}

impl Pick {
    /// `highest` says of a metric whether more is better: which side a drop is on.
    fn limits(&self, highest: impl Fn(&str) -> bool) -> Result<Vec<LimitQuery>> {
        let limit = |(metric, bound): (&str, Bound), side| LimitQuery { metric: metric.to_owned(), side, bound };
        let value = |(metric, number): (&'_ str, f64)| (metric.to_owned(), Bound::Value(number));
        let mut limits = vec![];
        for (option, texts, side) in [("--max", &self.max, LimitSide::AtMost), ("--min", &self.min, LimitSide::AtLeast)]
        {
            for text in texts {
                let (metric, bound) = value(pair(option, text)?);
                limits.push(limit((&metric, bound), side));
            }
        }
        for text in &self.max_drop {
            let (metric, amount) = pair("--max-drop", text)?;
            let (side, by) =
                if highest(metric) { (LimitSide::AtLeast, -amount.abs()) } else { (LimitSide::AtMost, amount.abs()) };
            limits.push(limit((metric, Bound::FromBaseline(by)), side));
        }
        Ok(limits)
    }

    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        match &self.experiment {
            Some(experiment) => self.of_runs(settings, experiment).await?,
            None => self.of_fleet(settings).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn of_runs(&self, settings: &Settings, experiment: &str) -> Result<()> {
        with_runs(settings, async |runs| {
            let names = runs.metric_names();
            let query = RunPickQuery {
                experiment: experiment.to_owned(),
                filter: Filter::parse(self.filter.as_deref().unwrap_or_default()).map_err(Error::from)?,
                best: Some(self.best.clone()),
                cost: None,
                limits: self.limits(|metric| !names.of(metric).lower_is_better())?,
                baseline: self.baseline.clone(),
            };
            let pick = runs.pick(&query)?;
            if self.json {
                return print_json(&RunPickJson::of(&pick));
            }
            print(&told(&pick.answer, LISTED))
        })
        .await
    }

    async fn of_fleet(&self, settings: &Settings) -> Result<()> {
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
            let params = spelled(QueryParams { days: self.days.clone(), ..self.place.params() });
            let asked = params.read(services.clock.now(), &TimeZone::UTC)?.comparison();
            let declared = services.metrics.directory().declared.clone();
            let highest = |metric: &str| {
                let direction = match domain::metric::built_in(metric) {
                    Some(i) => declared.built_in(i).direction,
                    None => declared.custom(metric, metric).direction,
                };
                direction != domain::metric::Direction::LowerIsBetter
            };
            let query = FleetPickQuery {
                scope: asked.scope,
                range: asked.range,
                best: self.best.clone(),
                cost: None,
                limits: self.limits(highest)?,
                baseline: self.baseline.as_deref().map(ModelKey::parse).transpose()?,
                by: if self.architecture { ModelGrouping::Architecture } else { ModelGrouping::Version },
            };
            let pick = services.metrics.pick(&query).await?;
            if self.json {
                return print_json(&FleetPickJson::of(&pick));
            }
            let simulated = if pick.simulated { "\n\nThe records are simulated, or some of them." } else { "" };
            let parts: Vec<String> = pick.devices.iter().map(device_text).collect();
            print(&format!("{}{simulated}", parts.join("\n\n")))
        })
        .await
    }
}

fn device_text(d: &DevicePick) -> String {
    let device = d.device.as_ref().map_or_else(|| "any device".to_owned(), ToString::to_string);
    let mut text = format!("On {device}, beside {}:\n{}", d.baseline, told(&d.answer, usize::MAX));
    if !d.unranked.is_empty() {
        let names: Vec<String> = d.unranked.iter().map(|(model, n)| format!("{model} ({n} records)")).collect();
        text.push_str(&format!("\nNot ranked, since they never ran where the baseline did: {}.", names.join(", ")));
    }
    text
}

/// The sentences, and the candidates: the best first, then those that keep to the limits, then others.
fn told(answer: &PickAnswer, most: usize) -> String {
    let sentences: Vec<&str> = answer.sentences.iter().map(|s| &*s.en).collect();
    let mut head: Vec<Head> = vec![(String::new(), Align::Left), ("candidate".to_owned(), Align::Left)];
    head.extend(answer.measures.iter().map(|m| (m.key.clone(), Align::Right)));
    head.push(("limits".to_owned(), Align::Left));
    let fronts = answer.measures.len() > 1;
    if fronts {
        head.push(("front".to_owned(), Align::Left));
    }
    let row = |at: usize| {
        let candidate = &answer.candidates[at];
        let mark = if answer.pick.best == Some(at) { "→" } else { "" };
        let mut cells = vec![mark.to_owned(), clipped(&candidate.name)];
        cells.extend(candidate.values.iter().map(|v| v.map_or_else(|| "–".to_owned(), shown)));
        cells.push(match &answer.pick.standings[at] {
            Standing::Meets => "kept".to_owned(),
            Standing::Breaks(broken) => {
                let broken: Vec<String> = broken.iter().map(|l| answer.limit_text(&answer.limits[*l])).collect();
                format!("breaks {}", broken.join(", "))
            }
            Standing::Unknown(lacks) => {
                let keys: Vec<&str> = lacks.iter().map(|m| &*answer.measures[*m].key).collect();
                format!("lacks {}", keys.join(", "))
            }
        });
        if fronts {
            cells.push(match answer.fronts[at] {
                Front::Efficient => "efficient".to_owned(),
                Front::Dominated => "dominated".to_owned(),
                Front::Unknown => "–".to_owned(),
            });
        }
        cells
    };
    let rows: Vec<Vec<String>> = answer.ranked().iter().take(most).map(|at| row(*at)).collect();
    let mut text = format!("{}\n\n{}", sentences.join("\n"), table(&head, &rows));
    if answer.candidates.len() > rows.len() {
        text.push_str(&format!("\n{} of {} candidates", rows.len(), answer.candidates.len()));
    }
    text
}

/// A value with its interval over sites, where there is one.
fn shown(v: PickedValue) -> String {
    match v.half_width {
        Some(w) if v.sites > 0 => format!("{} ± {} ({} sites)", figure(v.value), figure(w), v.sites),
        _ => figure(v.value),
    }
}
