//! Curves of several runs in one picture: the same metric, each run in a colour of its own.

use domain::{
    Result,
    chart::{Chart, ColourMode, Point, Series, WidthMode, downsample, svg},
    metric::Metric,
    tracking::MetricPoint,
};

use super::{
    curve::{COLUMNS, CurveAxis, CurveStyle, Positions, drawn, number, position, smoothed, value_axis},
    words,
};
use crate::ui::{
    chart::{ChartView, PictureTools, option},
    fmt::Fmt,
};

/// The history of a run's metric.
#[derive(Debug, Clone, Copy)]
pub struct RunCurve<'a> {
    pub run: &'a str,
    /// Which of the colours of charts.
    pub colour: u8,
    pub points: &'a [MetricPoint],
}

/// The finished chart of a metric over several runs. With wall clock, each run counts from its own first moment: runs of different days
/// lie on each other.
///
/// # Errors
/// None that a history can cause.
pub fn overlay(
    fmt: &Fmt,
    metric: &Metric,
    curves: &[RunCurve<'_>],
    style: CurveStyle,
    tools: PictureTools,
) -> Result<ChartView> {
    let lang = fmt.lang;
    let from_start = |points: &[MetricPoint]| -> Vec<MetricPoint> {
        let mut points = points.to_vec();
        points.sort_by_key(|p| position(p, style.axis));
        if style.axis == CurveAxis::Time {
            // Seconds since the first point stand where steps would.
            let first = points.first().map_or(0, |p| p.timestamp.0);
            points.iter_mut().for_each(|p| p.step = p.timestamp.0.saturating_sub(first) / 1_000);
        }
        points
    };
    let histories: Vec<Vec<MetricPoint>> = curves.iter().map(|c| from_start(c.points)).collect();
    let all: Vec<MetricPoint> = histories.iter().flatten().copied().collect();
    let positions = Positions::of(&all, CurveAxis::Step)?;
    let line = |points: &[MetricPoint]| {
        let mut values: Vec<Option<f64>> = points.iter().map(|p| drawn(p.value, style.log_scale)).collect();
        if style.smoothing > 0.0 {
            values = smoothed(&values, style.smoothing);
        }
        let point = |(p, value): (&MetricPoint, Option<f64>)| Point { at: positions.of_point(p), value, n: 1 };
        let line: Vec<Point> = points.iter().zip(values).map(point).collect();
        downsample(&line, &positions.range, COLUMNS)
    };
    let series = curves.iter().zip(&histories).map(|(curve, points)| Series {
        name: curve.run.to_owned(),
        colour: curve.colour,
        points: line(points),
        band: vec![],
        end_label: String::new(),
        shift: 0,
    });
    let series: Vec<Series> = series.collect();
    let shown = all.iter().filter_map(|p| drawn(p.value, style.log_scale));
    let ends = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let name = fmt.label(metric);
    let last = |points: &Vec<MetricPoint>| points.last().map_or_else(String::new, |p| number(fmt, p.value));
    let lasts: Vec<String> =
        curves.iter().zip(&histories).map(|(c, points)| format!("{} {}", c.run, last(points))).collect();
    let lasts = lasts.join(", ");
    let axis = match style.axis {
        CurveAxis::Step => words::curve_by_step(lang),
        CurveAxis::Time => words::overlay_by_seconds(lang),
    };
    let chart = Chart {
        summary: words::overlay_sentence(lang, &name, axis, &lasts),
        range: positions.range,
        step: 1,
        x_ticks: positions.ticks(fmt),
        y: value_axis(fmt, metric, ends, style.log_scale),
        series,
        thresholds: vec![],
        markers: vec![],
    };
    Ok(ChartView {
        title: name,
        summary: chart.summary.clone(),
        note: String::new(),
        svg: svg(&chart, ColourMode::Page, WidthMode::Fluid),
        option: option::lines(&chart),
        meta: option::curve_meta(fmt, &chart, metric, Some((positions.first, positions.scale))),
        table: None,
        tools,
        simulated: false,
    })
}
