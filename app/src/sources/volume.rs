//! Records by day: the chart of the sources page and of its file.

use domain::{
    chart::{Axis, Chart, ColourMode, Point, Series, WidthMode, svg, time_ticks, value_ticks},
    metric::Metric,
    time::{DAY, Day, Millis, TimeRange},
};

use super::words;
use crate::ui::{
    chart::{ChartView, PictureTools, option},
    fmt::Fmt,
    table::{
        Cell, TableView,
        build::{PAGE_ROWS, plain_column},
    },
};

/// Value ticks that the chart should have.
const TICKS: usize = 5;

/// Days that are over: one that is still filling would look like a collapse. Today alone is better than nothing.
#[must_use]
pub fn whole_days(mut days: Vec<(Day, u64)>, now: Millis) -> Vec<(Day, u64)> {
    if days.len() > 1 {
        days.retain(|d| d.0 < now.day());
    }
    days
}

/// Records by day, described.
#[must_use]
pub fn describe_chart(fmt: &Fmt, days: &[(Day, u64)]) -> Option<Chart> {
    let lang = fmt.lang;
    let (first, last) = (days.first()?, days.last()?);
    let range = TimeRange::new(first.0.start(), last.0.start().plus(DAY)).ok()?;
    let high = days.iter().map(|d| d.1).max()?;
    let low = days.iter().map(|d| d.1).min()?;
    let (ticks, digits) = value_ticks(0.0, high as f64, TICKS);
    // Labels name days: within one there is nothing to label.
    let x: Vec<Millis> =
        time_ticks(&range, &jiff::tz::TimeZone::UTC, 7).into_iter().filter(|m| m.0 % DAY == 0).collect();
    let gap = x.windows(2).map(|w| w[1].0 - w[0].0).min().unwrap_or(DAY);
    let mut points: Vec<Point> = Vec::new();
    for (day, n) in days {
        let at = day.start().plus(DAY / 2);
        if points.last().is_some_and(|p| at.0 - p.at.0 > DAY) {
            points.push(Point::gap(at.plus(-DAY)));
        }
        points.push(Point::new(at, *n as f64, *n));
    }
    let total: u64 = days.iter().map(|d| d.1).sum();
    let utc = Fmt { zone: jiff::tz::TimeZone::UTC, ..fmt.clone() };
    let summary = words::volume_sentence(
        lang,
        utc.date(last.0.start()),
        fmt.count(days.len() as u64),
        fmt.count(low),
        fmt.count(high),
        fmt.count(total),
    );
    Some(Chart {
        summary,
        range,
        step: DAY,
        x_ticks: x.into_iter().map(|m| (m, utc.tick(m, gap.max(DAY)))).collect(),
        y: Axis {
            label: words::col_rows(lang).into(),
            ticks: ticks.into_iter().map(|v| (v, fmt.decimal(v, digits))).collect(),
        },
        series: vec![Series {
            name: words::col_rows(lang).into(),
            colour: 1,
            points,
            band: vec![],
            end_label: String::new(),
            shift: 0,
        }],
        thresholds: vec![],
        markers: vec![],
    })
}

/// Records by day, as a chart.
#[must_use]
pub fn chart(fmt: &Fmt, days: &[(Day, u64)], simulated: bool) -> Option<ChartView> {
    let lang = fmt.lang;
    let chart = describe_chart(fmt, days)?;
    let total: u64 = days.iter().map(|d| d.1).sum();
    let utc = Fmt { zone: jiff::tz::TimeZone::UTC, ..fmt.clone() };
    let table = TableView {
        caption: words::volume(lang).into(),
        columns: vec![plain_column(words::col_day(lang), false), plain_column(words::col_rows(lang), true)],
        rows: days
            .iter()
            .rev()
            .take(PAGE_ROWS)
            .map(|(d, n)| vec![Cell::Text(d.to_string()), Cell::Number { text: fmt.count(*n), href: None }])
            .collect(),
        csv: Some("/export/volume.csv".into()),
        pager: None,
        foot: Some(format!("{} {}", words::total(lang), fmt.count(total))),
    };
    Some(ChartView {
        title: words::volume(lang).into(),
        summary: chart.summary.clone(),
        note: String::new(),
        svg: svg(&chart, ColourMode::Page, WidthMode::Fluid),
        option: option::lines(&chart),
        meta: option::line_chart_meta(&utc, &chart, &counted(), None),
        table: Some(table),
        tools: PictureTools {
            svg: Some("/export/volume.svg".into()),
            file: "records_by_day".into(),
            link: Some("/sources".into()),
            details: None,
        },
        simulated,
    })
}

/// Records as a metric, for the one chart that shows no other.
fn counted() -> Metric {
    Metric { precision: 0, ..Metric::uncatalogued("n") }
}
