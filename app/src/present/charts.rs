//! Charts from trends: description, drawing, the sentence that says the same, and the table behind.

use domain::{
    Result,
    chart::{Axis, Chart, Marker, Paint, Series, Size, svg, time_ticks, value_ticks},
    metric::{Aggregation, Metric},
    query::Trend,
    time::{MINUTE, Millis, TimeRange},
};

use super::{fmt::Fmt, links, tables::PAGE_ROWS};
use crate::{
    i18n::fill,
    view::{Cell, ChartView, ColumnView, DeltaView, TableView},
};

/// Value ticks that a chart should have.
const TICKS: usize = 5;

/// Describes a trend. Steps without records that lie between steps with records are gaps when records usually come
/// every step.
#[must_use]
pub fn describe(fmt: &Fmt, trend: &Trend, metric: &Metric, range: &TimeRange, scope: &str, now: Millis) -> Chart {
    let step = domain::time::Step::parse(&trend.step).map_or(MINUTE, domain::time::Step::ms);
    let mut gaps: Vec<i64> = trend.points.windows(2).map(|w| w[1].t.0 - w[0].t.0).collect();
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(step).max(step);
    let line = |value: fn(&domain::query::TrendPoint) -> f64| {
        let mut points: Vec<(Millis, Option<f64>)> = Vec::with_capacity(trend.points.len());
        for p in &trend.points {
            // A point stands in the middle of its step, and never outside of the range.
            let at = Millis(p.t.0 + step / 2).max(range.from()).min(range.to());
            if let Some((before, _)) = points.last()
                && at.0 - before.0 > usual * 5 / 2
            {
                points.push((Millis(before.0 + usual), None));
            }
            points.push((at, Some(value(p))));
        }
        points
    };
    let tail = metric.aggregation == Aggregation::WeightedMeanAndTail;
    let values = trend.points.iter().flat_map(|p| [Some(p.value), tail.then_some(p.p95)]).flatten();
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let (ticks, digits) = value_ticks(low, high, TICKS);
    let digits = digits.max(if trend.points.is_empty() { metric.precision } else { 0 });
    let x = time_ticks(range, &fmt.zone, 7);
    let gap = x.windows(2).map(|w| w[1].0 - w[0].0).min().unwrap_or(0);
    let label = match metric.unit {
        "" => fmt.label(metric),
        unit => format!("{} ({unit})", fmt.label(metric)),
    };
    let last = trend.points.last();
    let mean_label = last.map_or_else(String::new, |p| {
        let v = fmt.decimal(p.value, metric.precision);
        if tail { format!("{} {v}", fmt.texts().chart_mean) } else { v }
    });
    let mut series = vec![Series {
        name: fmt.label(metric),
        colour: 1,
        points: line(|p| p.value),
        band: vec![],
        end_label: mean_label,
    }];
    if tail {
        series.push(Series {
            name: "p95".into(),
            colour: 2,
            points: line(|p| p.p95),
            band: vec![],
            end_label: last.map_or_else(String::new, |p| format!("p95 {}", fmt.decimal(p.p95, metric.precision))),
        });
    }
    Chart {
        summary: sentence(fmt, trend, metric, range, scope, now),
        range: *range,
        x_ticks: x.into_iter().map(|t| (t, fmt.tick(t, gap))).collect(),
        y: Axis { label, ticks: ticks.into_iter().map(|v| (v, fmt.decimal(v, digits))).collect() },
        series,
        thresholds: vec![],
        markers: trend
            .changes
            .iter()
            .map(|c| Marker { at: c.t, label: format!("{} {}", c.architecture, c.version) })
            .collect(),
    }
}

fn sentence(fmt: &Fmt, trend: &Trend, metric: &Metric, range: &TimeRange, scope: &str, now: Millis) -> String {
    let t = fmt.texts();
    let (from, to) = (fmt.moment(range.from(), now), fmt.moment(range.to(), now));
    let label = fmt.label(metric);
    let ends = [("metric", label.as_str()), ("scope", scope), ("from", from.as_str()), ("to", to.as_str())];
    let means = || trend.points.iter().map(|p| p.value);
    let (Some(low), Some(high), Some(last)) = (means().reduce(f64::min), means().reduce(f64::max), means().next_back())
    else {
        return fill(t.chart_empty, &ends);
    };
    let shown = [low, high, last].map(|v| fmt.with_unit(Some(v), metric));
    let n = fmt.count(trend.points.iter().map(|p| p.n).sum());
    let mut holes = ends.to_vec();
    holes.extend([("min", shown[0].as_str()), ("max", &shown[1]), ("last", &shown[2]), ("n", &n)]);
    fill(t.chart_sentence, &holes)
}

/// The finished chart of a trend. `delta` is what its title says.
#[expect(clippy::too_many_arguments, reason = "a chart is put together once, from everything that a page knows")]
pub fn view(
    fmt: &Fmt,
    trend: &Trend,
    metric: &Metric,
    range: &TimeRange,
    scope: &str,
    delta: Option<&DeltaView>,
    query: &[(String, String)],
    details: Option<String>,
    now: Millis,
) -> Result<ChartView> {
    let t = fmt.texts();
    let chart = describe(fmt, trend, metric, range, scope, now);
    let label = fmt.label(metric);
    let sized = |d: &DeltaView| {
        let size = d.text.trim_start_matches(['↓', '↑']);
        if metric.unit.is_empty() { size.to_owned() } else { format!("{size} {}", metric.unit) }
    };
    let title = match delta {
        Some(d) if d.text.starts_with('↓') => (t.chart_fell, sized(d)),
        Some(d) if d.text.starts_with('↑') => (t.chart_rose, sized(d)),
        Some(_) => (t.chart_steady, String::new()),
        None => (t.chart_of, String::new()),
    };
    let step = domain::time::Step::parse(&trend.step).map_or(0, domain::time::Step::ms);
    Ok(ChartView {
        title: fill(title.0, &[("metric", &label), ("delta", &title.1)]),
        summary: chart.summary.clone(),
        note: fill(t.chart_steps, &[("step", &fmt.span(step))]),
        svg: svg(&chart, Paint::Page, Size::Fluid),
        table: (!trend.points.is_empty()).then(|| points_table(fmt, trend, metric, query)),
        svg_href: Some(links::href("/export/trend.svg", query)),
        details,
        simulated: trend.simulated,
    })
}

/// The newest points; all of them are in the CSV.
fn points_table(fmt: &Fmt, trend: &Trend, metric: &Metric, query: &[(String, String)]) -> TableView {
    let t = fmt.texts();
    let column = |label: &str, numeric| ColumnView { label: label.into(), numeric, sort: None, sorted: None };
    let number = |x: f64| Cell::Number { text: fmt.value(Some(x), metric), href: None };
    let rows = trend
        .points
        .iter()
        .rev()
        .take(PAGE_ROWS)
        .map(|p| {
            let mut row = vec![Cell::Text(fmt.strftime(p.t, "%Y-%m-%d %H:%M")), number(p.value)];
            row.push(Cell::Number { text: fmt.count(p.n), href: None });
            row.extend([p.min, p.max, p.p50, p.p95].map(number));
            row
        })
        .collect();
    let foot = (trend.points.len() > PAGE_ROWS).then(|| {
        let last = PAGE_ROWS.to_string();
        fill(t.page_of, &[("from", "1"), ("to", &last), ("n", &fmt.count(trend.points.len() as u64))])
    });
    TableView {
        caption: fmt.label(metric),
        columns: vec![
            column(t.col_time, false),
            column(t.col_value, true),
            column(t.col_n, true),
            column(t.col_min, true),
            column(t.col_max, true),
            column(t.col_p50, true),
            column(t.col_p95, true),
        ],
        rows,
        csv: Some(links::href("/export/trend.csv", query)),
        pager: None,
        foot,
    }
}

/// Records by day, as a chart.
#[must_use]
pub fn volume(fmt: &Fmt, days: &[(domain::time::Day, u64)], simulated: bool) -> Option<ChartView> {
    let t = fmt.texts();
    let (first, last) = (days.first()?, days.last()?);
    let range = TimeRange::new(first.0.start(), last.0.start().plus(domain::time::DAY)).ok()?;
    let high = days.iter().map(|d| d.1).max()?;
    let low = days.iter().map(|d| d.1).min()?;
    let (ticks, digits) = value_ticks(0.0, high as f64, TICKS);
    let x = time_ticks(&range, &jiff::tz::TimeZone::UTC, 7);
    let gap = x.windows(2).map(|w| w[1].0 - w[0].0).min().unwrap_or(domain::time::DAY);
    let mut points: Vec<(Millis, Option<f64>)> = Vec::new();
    for (day, n) in days {
        let at = day.start().plus(domain::time::DAY / 2);
        if points.last().is_some_and(|p| at.0 - p.0.0 > domain::time::DAY) {
            points.push((at.plus(-domain::time::DAY), None));
        }
        points.push((at, Some(*n as f64)));
    }
    let total: u64 = days.iter().map(|d| d.1).sum();
    let summary = fill(
        t.sources_volume_sentence,
        &[
            ("n", &fmt.count(days.len() as u64)),
            ("min", &fmt.count(low)),
            ("max", &fmt.count(high)),
            ("total", &fmt.count(total)),
        ],
    );
    let utc = Fmt { zone: jiff::tz::TimeZone::UTC, ..fmt.clone() };
    let chart = Chart {
        summary: summary.clone(),
        range,
        x_ticks: x.into_iter().map(|m| (m, utc.tick(m, gap.max(domain::time::DAY)))).collect(),
        y: Axis { label: t.col_rows.into(), ticks: ticks.into_iter().map(|v| (v, fmt.decimal(v, digits))).collect() },
        series: vec![Series { name: t.col_rows.into(), colour: 1, points, band: vec![], end_label: String::new() }],
        thresholds: vec![],
        markers: vec![],
    };
    let column = |label: &str, numeric| ColumnView { label: label.into(), numeric, sort: None, sorted: None };
    let table = TableView {
        caption: t.sources_volume.into(),
        columns: vec![column(t.col_day, false), column(t.col_rows, true)],
        rows: days
            .iter()
            .rev()
            .take(PAGE_ROWS)
            .map(|(d, n)| vec![Cell::Text(d.to_string()), Cell::Number { text: fmt.count(*n), href: None }])
            .collect(),
        csv: Some("/export/volume.csv".into()),
        pager: None,
        foot: Some(format!("{} {}", t.total, fmt.count(total))),
    };
    Some(ChartView {
        title: t.sources_volume.into(),
        summary,
        note: String::new(),
        svg: svg(&chart, Paint::Page, Size::Fluid),
        table: Some(table),
        svg_href: None,
        details: None,
        simulated,
    })
}
