//! Files behind pages: CSV of each table, whole and unformatted, and SVG of a trend.

use app::{
    api::Request,
    present::{charts, fmt::Fmt, place::worst_first},
};
use axum::{
    Extension,
    extract::{RawQuery, State as Shared},
    http::header,
    response::{IntoResponse, Response},
};
use domain::{
    chart::{Paint, Size, svg},
    query::MetricSummary,
    time::Step,
};

use super::{State, api::ask, csv, problem::Problem};

/// Keys that a table's link may carry; `sort` is taken and has no say, since whoever reads a CSV sorts it.
const KEYS: [&str; 13] =
    ["customer", "site", "zone", "task", "type", "model", "metric", "days", "from", "to", "step", "tz", "sort"];

type Answer = Result<Response, Problem>;

fn file(name: &str, kind: &'static str, body: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body).into_response()
}

fn table(name: &str, head: &[&str], rows: &[Vec<String>]) -> Response {
    file(name, "text/csv; charset=utf-8", csv::text(head, rows))
}

fn cell(x: Option<impl ToString>) -> String {
    x.map_or_else(String::new, |x| x.to_string())
}

const METRIC_HEAD: [&str; 13] = [
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
];

fn metric_cells(m: &MetricSummary) -> Vec<String> {
    let mut cells = vec![m.metric.clone(), m.unit.clone()];
    cells.extend([m.value, m.previous, m.delta, m.p50, m.p95, m.p99].map(cell));
    cells.extend([m.n.to_string(), m.weight.to_string(), m.sites_reporting.to_string()]);
    cells.extend([m.sites_expected.to_string(), m.simulated.to_string()]);
    cells
}

pub async fn children(Shared(s): Shared<State>, RawQuery(q): RawQuery, Extension(r): Extension<Request>) -> Answer {
    let query = ask(q.as_deref(), &KEYS)?.summary(s.services.clock.now(), &r.zone)?;
    let summary = s.services.metrics.summary(&query).await?;
    let mut head = vec!["customer", "site", "zone", "state", "newest"];
    head.extend(METRIC_HEAD);
    let mut rows = Vec::new();
    for c in worst_first(&summary.children) {
        for m in &c.metrics {
            let mut row: Vec<String> =
                [&c.scope.customer, &c.scope.site, &c.scope.zone].map(|n| cell(n.as_ref())).into();
            row.extend([c.health.state.as_str().to_owned(), cell(c.health.newest)]);
            row.extend(metric_cells(m));
            rows.push(row);
        }
    }
    Ok(table("children.csv", &head, &rows))
}

pub async fn metrics(Shared(s): Shared<State>, RawQuery(q): RawQuery, Extension(r): Extension<Request>) -> Answer {
    let mut query = ask(q.as_deref(), &KEYS)?.summary(s.services.clock.now(), &r.zone)?;
    query.children = false;
    let summary = s.services.metrics.summary(&query).await?;
    let rows: Vec<_> = summary.metrics.iter().map(metric_cells).collect();
    Ok(table("metrics.csv", &METRIC_HEAD, &rows))
}

pub async fn models(Shared(s): Shared<State>, RawQuery(q): RawQuery, Extension(r): Extension<Request>) -> Answer {
    let ask = ask(q.as_deref(), &KEYS)?;
    let summary = ask.summary(s.services.clock.now(), &r.zone)?;
    let query = domain::query::ComparisonQuery { scope: summary.scope, range: summary.range };
    let comparison = s.services.metrics.comparison(&query).await?;
    let head = ["architecture", "version", "zones", "first", "last", "records", "metric", "value", "n", "p50", "p95"];
    let mut rows = Vec::new();
    for m in &comparison.models {
        for (key, metric) in &m.metrics {
            let mut row = vec![cell(m.architecture.as_ref()), cell(m.version.as_ref()), m.zones.to_string()];
            row.extend([m.first.to_string(), m.last.to_string(), m.n.to_string(), key.clone()]);
            row.extend([cell(metric.value), metric.n.to_string(), cell(metric.p50), cell(metric.p95)]);
            rows.push(row);
        }
    }
    Ok(table("models.csv", &head, &rows))
}

pub async fn trend_csv(Shared(s): Shared<State>, RawQuery(q): RawQuery, Extension(r): Extension<Request>) -> Answer {
    let query = ask(q.as_deref(), &KEYS)?.trend(s.services.clock.now(), &r.zone)?;
    let trend = s.services.metrics.trend(&query).await?;
    Ok(table(&format!("{}.csv", trend.metric), &csv::TREND_HEAD, &csv::trend_rows(&trend)))
}

pub async fn trend_svg(Shared(s): Shared<State>, RawQuery(q): RawQuery, Extension(r): Extension<Request>) -> Answer {
    let ask = ask(q.as_deref(), &KEYS)?;
    let now = s.services.clock.now();
    let mut query = ask.trend(now, &r.zone)?;
    if ask.get("step").is_none() {
        query.step = Step::for_range(&query.range, 120);
    }
    let (metric, _) = s.services.metrics.directory().await.metric(&query.metric)?;
    let trend = s.services.metrics.trend(&query).await?;
    let fmt = Fmt { lang: r.lang, zone: ask.time_zone(&r.zone)? };
    let place = [&query.scope.zone, &query.scope.site, &query.scope.customer].into_iter().flatten().next();
    let scope = place.map_or_else(|| r.lang.texts().fleet.to_owned(), ToString::to_string);
    let chart = charts::describe(&fmt, &trend, &metric, &query.range, &scope, now);
    let name = format!("{}.svg", trend.metric);
    Ok(file(&name, "image/svg+xml", svg(&chart, Paint::Resolved, Size::Fixed(960))))
}

pub async fn sources(Shared(s): Shared<State>) -> Answer {
    let head = [
        "kind",
        "name",
        "first",
        "last",
        "newest",
        "taken",
        "duplicate",
        "corrected",
        "refused",
        "reasons",
        "finished",
        "error",
    ];
    let rows: Vec<Vec<String>> = s
        .services
        .ledger
        .sources()
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
                refused.to_string(),
                reasons.join("; "),
                r.finished.to_string(),
                r.error.unwrap_or_default(),
            ]
        })
        .collect();
    Ok(table("sources.csv", &head, &rows))
}

pub async fn volume(Shared(s): Shared<State>) -> Answer {
    let days = s.services.metrics.volume().await;
    let rows: Vec<_> = days.into_iter().map(|(d, n)| vec![d.to_string(), n.to_string()]).collect();
    Ok(table("volume.csv", &["day", "records"], &rows))
}
