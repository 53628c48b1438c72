//! Files behind pages: CSV of each table, whole and unformatted, and SVG of a trend.

use app::{
    compare::{self, selection},
    panels::{models, trend::TrendChart},
    place::{self, children::worst_first},
    shell::{context::Request, page_query::PageQuery},
    sources::volume,
    ui::fmt::Fmt,
};
use axum::{
    Extension,
    extract::RawQuery,
    http::header,
    response::{IntoResponse, Response},
};
use domain::{
    chart::{ColourMode, VERSUS_PLOT, WidthMode, heatmap_height, heatmap_with_row_names, standalone_svg, svg},
    model::ModelKey,
    params::{KEYS, QueryParams},
    query::{ComparisonQuery, MetricSelection, MetricSummary, RecordRow, RecordsQuery, SummaryQuery, WorstZonesQuery},
    time::Step,
};

use super::{ActorServices, api::read_params, csv, problem::Problem};

type Answer = Result<Response, Problem>;

pub(super) fn file(name: &str, kind: &'static str, body: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body).into_response()
}

pub(super) fn table(name: &str, head: &[&str], rows: &[Vec<String>]) -> Response {
    file(name, "text/csv; charset=utf-8", csv::to_csv(head, rows))
}

fn cell(x: Option<impl ToString>) -> String {
    x.map_or_else(String::new, |x| x.to_string())
}

const METRIC_COLUMNS: [&str; 21] = [
    "metric",
    "unit",
    "value",
    "previous",
    "delta",
    "p50",
    "p95",
    "p99",
    "n",
    "weight",
    "sites_reporting",
    "sites_expected",
    "simulated",
    "previous_p95",
    "delta_p95",
    "devices",
    "delta_same_places",
    "delta_mix",
    "delta_low",
    "delta_high",
    "delta_is",
];

fn metric_cells(m: &MetricSummary) -> Vec<String> {
    let mut cells = vec![m.metric.clone(), m.unit.clone()];
    cells.extend([m.value, m.previous, m.delta, m.p50, m.p95, m.p99].map(cell));
    cells.extend([m.n.to_string(), m.weight.to_string(), m.sites_reporting.to_string()]);
    cells.extend([m.sites_expected.to_string(), m.simulated.to_string()]);
    let earlier = m.earlier_quantiles;
    cells.extend([earlier.map(|q| q.previous_p95), earlier.and_then(|q| q.delta_p95)].map(cell));
    cells.push(m.devices.join("; "));
    let delta = m.change.map(|c| c.delta);
    cells.extend([delta.and_then(|d| d.same), delta.and_then(|d| d.mix)].map(cell));
    cells.extend([delta.and_then(|d| d.low), delta.and_then(|d| d.high)].map(cell));
    cells.push(m.change.map_or("", |c| c.colour.as_str()).to_owned());
    cells
}

pub async fn children(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let query = read_params(q.as_deref(), KEYS)?.read(s.clock.now(), &r.zone)?.summary();
    let summary = s.metrics.summary(&query).await?;
    let mut head = vec!["customer", "site", "zone", "state", "newest", "places", "late", "stale", "failed"];
    head.extend(METRIC_COLUMNS);
    let mut rows = Vec::new();
    for c in worst_first(&summary.children) {
        for m in &c.metrics {
            let mut row: Vec<String> =
                [&c.scope.customer, &c.scope.site, &c.scope.zone].map(|n| cell(n.as_ref())).into();
            let h = &c.health;
            row.extend([h.state.as_str().to_owned(), cell(h.newest)]);
            row.extend([h.places, h.late, h.stale, h.failed].map(|n| n.to_string()));
            row.extend(metric_cells(m));
            rows.push(row);
        }
    }
    Ok(table("children.csv", &head, &rows))
}

pub async fn metrics(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let asked = read_params(q.as_deref(), KEYS)?.read(s.clock.now(), &r.zone)?;
    let summary = s.metrics.summary(&SummaryQuery { children: false, ..asked.summary() }).await?;
    let rows: Vec<_> = summary.metrics.iter().map(metric_cells).collect();
    Ok(table("metrics.csv", &METRIC_COLUMNS, &rows))
}

pub async fn models(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let asked = read_params(q.as_deref(), KEYS)?.read(s.clock.now(), &r.zone)?;
    // Of the type that the table beside it counts: production, unless one is named.
    let query = ComparisonQuery { scope: asked.scope, range: asked.range, metrics: MetricSelection::All };
    let comparison = s.metrics.comparison(&query).await?;
    let mut head = vec!["architecture", "version", "zones", "first", "last", "records", "metric", "value", "n", "p50"];
    head.extend(["p95", "devices"]);
    head.extend(REGISTERED);
    let mut rows = Vec::new();
    for m in &comparison.models {
        for (key, metric) in &m.metrics {
            let mut row = vec![cell(m.architecture.as_ref()), cell(m.version.as_ref()), m.zones.to_string()];
            row.extend([m.first.to_string(), m.last.to_string(), m.n.to_string(), key.clone()]);
            row.extend([cell(metric.value), metric.n.to_string(), cell(metric.p50), cell(metric.p95)]);
            row.push(metric.devices.join("; "));
            row.extend([&m.registered_model, &m.registered_version].map(|t| cell(t.as_ref())));
            rows.push(row);
        }
    }
    Ok(table("models.csv", &head, &rows))
}

/// All of the zones by device, worst first.
pub async fn worst_zones(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let asked = read_params(q.as_deref(), KEYS)?.read(s.clock.now(), &r.zone)?;
    let worst = s.metrics.worst(&WorstZonesQuery { limit: usize::MAX, ..asked.worst()? }).await?;
    Ok(table("worst_zones.csv", &csv::worst_columns(&worst), &csv::worst_rows(&worst, |x| x.to_string())))
}

pub async fn trend_csv(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let asked = PageQuery::read(&s, &r, read_params(q.as_deref(), KEYS)?).await?;
    let query = asked.q.trend()?;
    let (trend, earlier) = asked.trend(&s, &query).await?;
    let mut head = csv::TREND_COLUMNS.to_vec();
    let mut rows = csv::trend_rows(&trend);
    if let Some(e) = earlier {
        // The earlier period stands beside the step over which the chart lays it.
        head.push("earlier_value");
        for (row, p) in rows.iter_mut().zip(&trend.points) {
            let then = query.step.floor(p.t.plus(-e.shift));
            row.push(cell(e.trend.points.iter().find(|x| query.step.floor(x.t) == then).map(|x| x.value)));
        }
    }
    Ok(table(&format!("{}.csv", trend.metric), &head, &rows))
}

pub async fn trend_svg(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let asked = PageQuery::read(&s, &r, read_params(q.as_deref(), KEYS)?).await?;
    let mut query = asked.q.trend()?;
    if asked.q.step.is_none() {
        query.step = Step::for_range(&query.range, 120);
    }
    let (metric, _) = s.metrics.directory().metric(&query.metric)?;
    let (trend, earlier) = asked.trend(&s, &query).await?;
    let scope = asked.scope_text();
    let ran = s.metrics.comparison(&models::query(&query.scope, query.range)).await?;
    let champions = asked.champion_changes(&s, &ran.models).await;
    let chart = TrendChart { panel: asked.panel(), metric: &metric, scope: &scope, earlier, champions };
    let name = format!("{}.svg", trend.metric);
    Ok(file(&name, "image/svg+xml", svg(&chart.describe(&trend), ColourMode::Resolved, WidthMode::Fixed(960))))
}

pub async fn volume_svg(ActorServices(s): ActorServices, Extension(r): Extension<Request>) -> Answer {
    let days = volume::whole_days(s.metrics.volume(), s.clock.now());
    let fmt = Fmt { lang: r.lang, zone: r.zone };
    let chart =
        volume::describe_chart(&fmt, &days).ok_or_else(|| domain::Error::not_found(super::sentences::no_records()))?;
    Ok(file("records_by_day.svg", "image/svg+xml", svg(&chart, ColourMode::Resolved, WidthMode::Fixed(960))))
}

/// The heatmap of a customer, as its page draws it.
pub async fn heatmap_svg(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let view = place::make::page(&s, &r, read_params(q.as_deref(), KEYS)?).await?;
    let heatmap = view.heatmap.ok_or_else(|| domain::Error::not_found(super::sentences::no_map()))?;
    let names: Vec<&str> = heatmap.rows.iter().map(|r| r.label.as_str()).collect();
    let drawn = standalone_svg(
        &heatmap_with_row_names(&heatmap.svg, &names),
        &heatmap.title,
        &[],
        960,
        heatmap_height(names.len()),
    );
    Ok(file("sites_by_day.svg", "image/svg+xml", drawn))
}

/// A picture of the comparison: `picture` is `scatter` or `parallel`.
pub async fn compare_svg(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let mut pairs = domain::params::pairs(q.as_deref().unwrap_or_default())?;
    let at = pairs.iter().position(|p| p.0 == "picture");
    let picture = at.map(|i| pairs.remove(i).1).unwrap_or_default();
    let params = QueryParams::from_pairs(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())), KEYS)?;
    let view = compare::make::page(&s, &r, params).await?;
    let wanted = view.pictures.iter().find(|p| p.tools.file == format!("models_{picture}"));
    let found = wanted.ok_or_else(|| domain::Error::not_found(super::sentences::no_picture()))?;
    Ok(file(
        &format!("{}.svg", found.tools.file),
        "image/svg+xml",
        standalone_svg(&found.svg, &found.title, &found.legend, 960, VERSUS_PLOT),
    ))
}

/// The newest rows of a range; for all of them there is `guardianflow metrics export`.
const MAX_ROWS: usize = 100_000;

pub async fn records(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let asked = read_params(q.as_deref(), KEYS)?.read(s.clock.now(), &r.zone)?;
    let records = s.metrics.records(&RecordsQuery { skip: 0, ..asked.records(MAX_ROWS) }).await?;
    let mut head = vec!["timestamp", "customer", "site", "zone", "task", "experiment_type", "model_architecture"];
    head.extend(["model_version", "device", "run_id", "samples"]);
    head.extend(records.metrics.iter().map(String::as_str));
    head.extend(["source", "line", "received_at", "simulated", "registered_model", "registered_version"]);
    let row = |x: &RecordRow| {
        let mut row = vec![x.timestamp.to_string(), x.customer.clone(), cell(x.site.as_ref()), cell(x.zone.as_ref())];
        row.extend([x.task.clone(), cell(x.experiment_type.as_ref()), cell(x.architecture.as_ref())]);
        row.extend([cell(x.version.as_ref()), cell(x.device.as_ref()), cell(x.run_id.as_ref()), cell(x.samples)]);
        row.extend(x.values.iter().map(|v| cell(*v)));
        row.extend([cell(x.source.as_ref()), cell(x.line), cell(x.received_at), x.simulated.to_string()]);
        row.extend([&x.registered_model, &x.registered_version].map(|t| cell(t.as_ref())));
        row
    };
    let rows: Vec<_> = records.rows.iter().map(row).collect();
    Ok(table("records.csv", &head, &rows))
}

/// A model as its four columns: by its tags, or as it is registered.
fn model_cells(m: &ModelKey) -> ([String; 2], [String; 2]) {
    match m {
        ModelKey::Tagged(m) => ([m.architecture.to_string(), cell(m.version.as_ref())], Default::default()),
        ModelKey::Registered(r) => (Default::default(), [r.name.to_string(), cell(r.version.as_ref())]),
    }
}

const REGISTERED: [&str; 2] = ["registered_model", "registered_version"];

pub async fn compare(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let c = selection::comparison_data(&s, &r, read_params(q.as_deref(), KEYS)?).await?;
    let mut head = vec!["architecture", "version", "baseline", "zones", "records", "metric", "unit", "value", "n"];
    head.extend(["p50", "p95", "delta_same_places", "shared_zones", "delta_everywhere", "where_they_ran"]);
    head.extend(["value_same_places", "baseline_same_places", "zones_other_days", "zones_other_devices"]);
    head.extend(REGISTERED);
    let mut rows = Vec::new();
    for (i, contender) in c.compared_models.iter().enumerate() {
        for (metric, f) in c.report.metrics.iter().zip(&contender.figures).filter(|(_, f)| f.value.is_some()) {
            let (tags, registered) = model_cells(&contender.model);
            let mut row: Vec<String> = tags.into();
            row.extend([(i == 0).to_string(), contender.zones.to_string(), contender.n.to_string()]);
            row.extend([metric.key.to_string(), metric.unit.to_string(), cell(f.value), f.n.to_string()]);
            row.extend([f.p50, f.p95, f.same.map(|s| s.delta)].map(cell));
            row.extend([f.same.map_or(0, |s| s.zones).to_string(), cell(f.everywhere), cell(f.mix())]);
            row.extend([f.same.map(|s| s.ours), f.same.map(|s| s.base)].map(cell));
            row.extend([f.same.map(|s| s.other_days), f.same.map(|s| s.other_devices)].map(cell));
            row.extend(registered);
            rows.push(row);
        }
    }
    Ok(table("compare.csv", &head, &rows))
}

pub async fn compare_sites(
    ActorServices(s): ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Answer {
    let c = selection::comparison_data(&s, &r, read_params(q.as_deref(), KEYS)?).await?;
    let metric = c.report.metrics.get(c.leading_metric).map_or_else(String::new, |m| m.key.to_string());
    let mut rows = Vec::new();
    for site in &c.sites {
        for (i, f) in site.figures.iter().enumerate().filter(|(_, f)| f.value.is_some()) {
            let mut row = vec![site.customer.to_string(), cell(site.site.as_ref()), metric.clone()];
            let (tags, registered) = model_cells(&c.compared_models[i].model);
            row.extend(tags);
            row.extend([cell(f.value), cell(f.delta(c.places)), (site.best == Some(i)).to_string()]);
            row.extend([f.same.map(|s| s.ours), f.same.map(|s| s.base)].map(cell));
            row.push(f.same.map_or(0, |s| s.zones).to_string());
            row.extend(registered);
            rows.push(row);
        }
    }
    let mut head = vec!["customer", "site", "metric", "architecture", "version", "value", "delta", "best"];
    head.extend(["value_same_places", "baseline_same_places", "shared_zones"]);
    head.extend(REGISTERED);
    Ok(table("compare_sites.csv", &head, &rows))
}

pub async fn sources(ActorServices(s): ActorServices) -> Answer {
    let head = [
        "kind",
        "name",
        "first",
        "last",
        "newest",
        "taken",
        "duplicate",
        "corrected",
        "withdrawn",
        "refused",
        "reasons",
        "finished",
        "error",
    ];
    let rows: Vec<Vec<String>> = s
        .sources
        .reports()
        .await?
        .into_iter()
        .map(|r| {
            let reasons: Vec<String> = r.refused.iter().map(|(k, n)| format!("{k} {n}")).collect();
            let refused = r.refused_total();
            vec![
                r.source.kind,
                r.source.name,
                r.first.to_string(),
                r.last.to_string(),
                cell(r.newest),
                r.taken.to_string(),
                r.duplicate.to_string(),
                r.corrected.to_string(),
                r.withdrawn.to_string(),
                refused.to_string(),
                reasons.join("; "),
                r.finished.to_string(),
                r.error.map(|e| e.en).unwrap_or_default(),
            ]
        })
        .collect();
    Ok(table("sources.csv", &head, &rows))
}

pub async fn volume_csv(ActorServices(s): ActorServices) -> Answer {
    let days = s.metrics.volume();
    let rows: Vec<_> = days.into_iter().map(|(d, n)| vec![d.to_string(), n.to_string()]).collect();
    Ok(table("volume.csv", &["day", "records"], &rows))
}
