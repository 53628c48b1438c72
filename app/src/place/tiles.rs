//! The headline numbers of a place.

use domain::{
    chart::sparkline,
    query::{MetricSummary, Summary},
    scope::Level,
    time::{DAY, EarlierPeriod},
};

use super::words;
use crate::{
    panels::devices::device_count_note,
    shell::{
        addresses::{self, SOURCES},
        page_query::PageQuery,
    },
    ui::{delta::DeltaView, tile::TileView, words as ui_words},
};

/// The metric whose tile shows its tail.
pub(super) const LATENCY_METRIC: &str = "inference_time_ms";
/// The metrics of the tiles; of each list the first there is.
pub(super) const TILES: [&[&str]; 5] =
    [&["mAP50", "precision"], &["hota", "mAP50_95", "recall"], &[LATENCY_METRIC], &["fps"], &["gpu_util"]];

/// The tiles of the metrics that there are, and of the coverage.
pub(super) fn headline_tiles(a: &PageQuery, s: &Summary) -> Vec<TileView> {
    let lang = a.fmt.lang;
    let has = |key: &str| s.metrics.iter().find(|m| m.metric == key && (m.n > 0 || m.previous.is_some()));
    let mut chosen: Vec<&MetricSummary> = Vec::new();
    for alternatives in TILES {
        chosen.extend(alternatives.iter().find_map(|k| has(k)));
    }
    if chosen.is_empty() {
        chosen.extend(s.metrics.iter().take(TILES.len()));
    }
    let versus = match a.q.against {
        Some(EarlierPeriod::Week) => words::vs_week(lang).to_owned(),
        Some(EarlierPeriod::Year) => words::vs_year(lang).to_owned(),
        _ if a.q.range.length() % DAY == 0 => words::vs_previous(lang, a.fmt.duration(a.q.range.length())),
        _ => words::vs_period(lang).to_owned(),
    };
    let versus = versus + &a.earlier_note(s);
    let mut tiles: Vec<TileView> = chosen.into_iter().map(|m| tile(a, s, m, &versus)).collect();
    tiles.push(coverage_tile(a, s));
    tiles
}

fn tile(a: &PageQuery, s: &Summary, m: &MetricSummary, versus: &str) -> TileView {
    let lang = a.fmt.lang;
    let metric = a.metric(&m.metric);
    // A latency is judged by its tail; its mean is in the table below.
    let (label, value, delta) = if m.metric == LATENCY_METRIC {
        let delta = m.earlier_quantiles.and_then(|q| q.delta_p95);
        (words::latency_p95(lang).to_owned(), m.p95, a.fmt.difference(delta, &metric))
    } else {
        // The whole tile is a link.
        let delta = a.fmt.change(m.change.as_ref(), &metric).map(|d| DeltaView { how: None, ..d });
        (a.fmt.label(&metric), m.value, delta)
    };
    let mut foot = vec![ui_words::n(lang, a.fmt.count(m.n))];
    if a.q.scope.level() < Level::Site {
        foot.push(words::sites_of(lang, m.sites_reporting, m.sites_expected));
    }
    foot.push(a.fmt.age(m.latest.as_ref().map(|l| l.timestamp), a.q.now.min(s.to)));
    if m.devices.len() > 1 {
        foot.push(device_count_note(&a.fmt, m.devices.len()));
    }
    if m.assumed {
        foot.push(words::assumed(lang).into());
    }
    TileView {
        label,
        help: a.fmt.definition(&metric),
        value: a.fmt.value(value, &metric),
        unit: metric.unit.to_string(),
        delta,
        versus: versus.to_owned(),
        state: a.fmt.metric_state(m, &s.health),
        // The course is that of the mean: beside a tail it would say something else than the number.
        spark: if m.metric == LATENCY_METRIC { String::new() } else { sparkline(&m.course, 1) },
        foot,
        simulated: m.simulated,
        href: addresses::trends(&a.q.scope, &m.metric, &a.params),
    }
}

fn coverage_tile(a: &PageQuery, s: &Summary) -> TileView {
    let lang = a.fmt.lang;
    let h = &s.health;
    let unhealthy = h.unhealthy();
    TileView {
        label: words::coverage(lang).into(),
        help: words::coverage_help(lang).into(),
        value: format!("{}/{}", h.sites_reporting, h.sites_expected),
        unit: words::col_sites(lang).to_lowercase(),
        delta: None,
        versus: String::new(),
        state: a.fmt.health(h),
        spark: String::new(),
        foot: vec![
            if unhealthy == 0 { words::coverage_fine(lang).into() } else { words::coverage_late(lang, unhealthy) },
            a.fmt.age(h.newest, a.q.now.min(s.to)),
        ],
        simulated: s.simulated,
        href: SOURCES.into(),
    }
}
