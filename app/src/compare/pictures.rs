//! The pictures of a comparison: what accuracy costs (scatter, one dot per site), and all metrics at once (parallel coordinates).

use domain::{
    chart::{
        Axis, ParallelAxis, ParallelCoordinates, ParallelLine, Scatter, ScatterPoint, parallel_svg, scatter_svg,
        value_ticks,
    },
    compare::{ComparedModel, ModelResults, PlacePairing},
    metric::{ChangeVerdict, Metric},
    model::ModelKey,
    query::{Directory, FieldReport, LEADING_METRICS},
    scope::Scope,
};

use super::words;
use crate::{
    panels::PanelContext,
    ui::{
        chart::{PictureTools, PictureView, option},
        fmt::NO_VALUE,
        table::build::PAGE_ROWS,
    },
};

/// Axes that fit side by side, and those that are shown first.
const MAX_AXES: usize = 7;
const AXES: [&str; 7] = ["mAP50", "mAP50_95", "precision", "recall", "hota", "inference_time_ms", "fps"];
/// What accuracy is held against, first come first served.
const COSTS: [&str; 3] = ["inference_time_ms", "gpu_mem_mb", "fps"];

/// What the pictures are made of, whichever page of the table of metrics is shown.
pub const METRICS: [&str; 8] =
    ["mAP50", "mAP50_95", "precision", "recall", "hota", "inference_time_ms", "fps", "gpu_mem_mb"];

/// The pictures that there is something for, without links.
#[must_use]
pub fn pictures(
    panel: PanelContext<'_>,
    r: &FieldReport,
    field: &ModelResults<'_>,
    compared_models: &[ComparedModel],
    leading_metric: usize,
    places: PlacePairing,
) -> Vec<PictureView> {
    let colours = colours(panel.directory, compared_models.iter().map(|c| &c.model));
    let legend: Vec<(String, u8)> =
        compared_models.iter().zip(&colours).map(|(c, colour)| (c.model.to_string(), *colour)).collect();
    [
        scatter(panel, r, field, compared_models, leading_metric, &legend),
        parallel(panel, r, compared_models, places, &legend),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A model keeps its colour from page to page: it follows from the order in which models first appeared. Where two of one
/// page would have the same, the younger takes the next that is free.
fn colours<'m>(d: &Directory, models: impl Iterator<Item = &'m ModelKey>) -> Vec<u8> {
    let mut taken = [false; 9];
    models
        .map(|m| {
            let age = d.models_by_age.iter().position(|x| m.contains(x)).unwrap_or(0);
            let free = (0..8).map(|i| (age + i) % 8 + 1).find(|c| !taken[*c]).unwrap_or(0);
            taken[free] = true;
            free as u8
        })
        .collect()
}

fn axis(panel: PanelContext<'_>, metric: &Metric, values: impl Iterator<Item = f64>) -> Axis {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let (ticks, digits) = value_ticks(low, high, 5);
    let label = match &*metric.unit {
        "" => panel.fmt.label(metric),
        unit => format!("{} ({unit})", panel.fmt.label(metric)),
    };
    Axis { label, ticks: ticks.into_iter().map(|v| (v, panel.fmt.decimal(v, digits))).collect() }
}

fn scatter(
    panel: PanelContext<'_>,
    r: &FieldReport,
    field: &ModelResults<'_>,
    compared_models: &[ComparedModel],
    leading_metric: usize,
    legend: &[(String, u8)],
) -> Option<PictureView> {
    let lang = panel.fmt.lang;
    let cost =
        COSTS.iter().find_map(|k| r.metrics.iter().position(|m| m.key == *k)).filter(|c| *c != leading_metric)?;
    let (x, y) = (&r.metrics[cost], &r.metrics[leading_metric]);
    let costs = field.sites(cost, compared_models, PlacePairing::All);
    let mut dots = Vec::new();
    for site in field.sites(leading_metric, compared_models, PlacePairing::All) {
        let Some(costs) = costs.iter().find(|c| c.customer == site.customer && c.site == site.site) else { continue };
        for (group, (figure, cost)) in site.figures.iter().zip(&costs.figures).enumerate() {
            let (Some(high), Some(cost)) = (figure.value, cost.value) else { continue };
            let here = Scope {
                customer: Some(site.customer.clone()),
                site: site.site.clone(),
                zone: None,
                ..panel.scope.clone()
            };
            let place = site.site.as_ref().map_or_else(|| NO_VALUE.to_owned(), |_| panel.name_of(&here));
            dots.push(ScatterPoint {
                name: format!(
                    "{} · {place} · {} {} · {} {}",
                    legend[group].0,
                    panel.fmt.label(y),
                    panel.fmt.with_unit(Some(high), y),
                    panel.fmt.label(x),
                    panel.fmt.with_unit(Some(cost), x)
                ),
                group,
                colour: legend[group].1,
                x: cost,
                y: high,
                half_width: None,
                label: None,
            });
        }
    }
    if dots.len() < 2 {
        return None;
    }
    let title = words::scatter(lang, panel.fmt.label(y), panel.fmt.label(x));
    let sites = dots.len().to_string();
    let drawn = Scatter {
        summary: words::scatter_sentence(lang, &title, &sites),
        x: axis(panel, x, dots.iter().map(|d| d.x)),
        y: axis(panel, y, dots.iter().map(|d| d.y)),
        dots,
        limits: vec![],
    };
    let names: Vec<String> = legend.iter().map(|l| l.0.clone()).collect();
    let colours: Vec<u8> = legend.iter().map(|l| l.1).collect();
    Some(PictureView {
        title,
        summary: drawn.summary.clone(),
        svg: scatter_svg(&drawn),
        option: option::scatter(&drawn, &names),
        meta: option::picture_meta(panel.fmt, &colours),
        legend: legend.to_vec(),
        tools: PictureTools { file: "models_scatter".into(), ..PictureTools::default() },
    })
}

/// Where a model's line crosses the axis of a metric. At the same places models lie as far from the baseline as the table
/// says, although each difference stands on zones of its own.
fn level(c: &ComparedModel, base: &ComparedModel, metric: usize, places: PlacePairing) -> Option<f64> {
    match places {
        PlacePairing::Same => Some(base.figures[metric].value? + c.figures[metric].delta(places)?),
        PlacePairing::All => c.figures[metric].value,
    }
}

fn parallel(
    panel: PanelContext<'_>,
    r: &FieldReport,
    compared_models: &[ComparedModel],
    places: PlacePairing,
    legend: &[(String, u8)],
) -> Option<PictureView> {
    let lang = panel.fmt.lang;
    let judged = |m: &Metric| m.direction.judge(1.0) != ChangeVerdict::Neutral;
    let level = |c: &ComparedModel, i: usize| level(c, compared_models.first()?, i, places);
    let every = |i: usize| compared_models.iter().filter_map(move |c| level(c, i));
    let first = AXES.iter().filter_map(|k| r.metrics.iter().position(|m| m.key == *k));
    // Where there are several pages of metrics, those that are on each of them.
    let steady = if r.present.len() <= PAGE_ROWS { PAGE_ROWS } else { LEADING_METRICS };
    let leads = |m: &Metric| r.present.iter().take(steady).any(|key| m.key == *key);
    let rest = (0..r.metrics.len()).filter(|i| !AXES.contains(&&*r.metrics[*i].key) && leads(&r.metrics[*i]));
    let shown: Vec<usize> =
        first.chain(rest).filter(|i| judged(&r.metrics[*i]) && every(*i).count() > 1).take(MAX_AXES).collect();
    if shown.len() < 2 || compared_models.len() < 2 {
        return None;
    }
    let axes = shown
        .iter()
        .map(|i| {
            let metric = &r.metrics[*i];
            let (low, high) = every(*i).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
            let pad = ((high - low) * 0.1).max(high.abs() * 1e-3);
            // Ends that can be written as short as the values are.
            let unit = 10f64.powi(-i32::from(metric.precision));
            let (low, high) = (((low - pad) / unit).floor() * unit, ((high + pad) / unit).ceil() * unit);
            let end = |v: f64| (v, panel.fmt.with_unit(Some(v), metric));
            let better_up = metric.direction.judge(1.0) == ChangeVerdict::Better;
            let (worst, best) = if better_up { (low, high) } else { (high, low) };
            ParallelAxis { label: panel.fmt.label(metric), bottom: end(worst), top: end(best), brush: None }
        })
        .collect();
    let lines: Vec<ParallelLine> = compared_models
        .iter()
        .zip(legend)
        .map(|(c, (name, colour))| ParallelLine {
            name: name.clone(),
            colour: *colour,
            values: shown.iter().map(|i| level(c, *i)).collect(),
        })
        // Who shares no zone with the baseline has no line at the same places.
        .filter(|line| line.values.iter().any(Option::is_some))
        .collect();
    let summary = match places {
        PlacePairing::Same => words::parallel_same(lang),
        PlacePairing::All => words::parallel_sentence(lang),
    };
    let legend: Vec<(String, u8)> = lines.iter().map(|l| (l.name.clone(), l.colour)).collect();
    let colours: Vec<u8> = lines.iter().map(|l| l.colour).collect();
    let drawn = ParallelCoordinates { summary: summary.to_owned(), axes, lines };
    Some(PictureView {
        title: words::parallel(lang).to_owned(),
        summary: drawn.summary.clone(),
        svg: parallel_svg(&drawn),
        option: option::parallel(&drawn),
        meta: option::picture_meta(panel.fmt, &colours),
        legend,
        tools: PictureTools { file: "models_parallel".into(), ..PictureTools::default() },
    })
}
