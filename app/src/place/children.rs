//! The table of what a place is made of, worst first.

use domain::{
    Result,
    change::Colour,
    chart::sparkline,
    query::{ChildSummary, MetricSummary, Summary},
    scope::Level,
    state::Health,
};

use super::{tiles::LATENCY_METRIC, words};
use crate::{
    panels::{devices::cell_with_devices, words as panel_words},
    shell::{addresses, page_query::PageQuery},
    ui::{
        links::{self, METRICS_PAGE},
        table::{
            Cell, TableView,
            build::{self, Column, PageLink, Row, SortKey, time_cell},
        },
    },
};

/// The metric by which places are judged: mAP50, else the first one there is.
pub(super) fn leading_metric(metrics: &[MetricSummary]) -> Option<&MetricSummary> {
    metrics.iter().find(|m| m.metric == "mAP50").or_else(|| metrics.first())
}

/// Worst first: by state, then by how much mAP50 (else the first metric present) got worse at the same places, where that is more than noise; what is
/// noise stays in its order, and what got better comes last.
#[must_use]
pub fn worst_first(children: &[ChildSummary]) -> Vec<&ChildSummary> {
    let worsening = |c: &ChildSummary| {
        let change = leading_metric(&c.metrics).and_then(|m| m.change);
        let size = change.and_then(|c| c.delta.same).map_or(0.0, f64::abs);
        match change.map(|c| c.colour) {
            Some(Colour::Worse) => size,
            Some(Colour::Better) => -size,
            Some(Colour::Neutral | Colour::WithinNoise | Colour::TooFew) | None => 0.0,
        }
    };
    let mut sorted: Vec<&ChildSummary> = children.iter().collect();
    sorted.sort_by(|a, b| b.health.state.cmp(&a.health.state).then_with(|| worsening(b).total_cmp(&worsening(a))));
    sorted
}

/// The table; its rows can be sorted by each column.
///
/// # Errors
/// As [`build::build`].
pub(super) fn table(a: &PageQuery, s: &Summary, caption: &str) -> Result<TableView> {
    let lang = a.fmt.lang;
    let leading = a.metric(leading_metric(&s.metrics).map_or("mAP50", |m| &m.metric));
    let second = Some(a.metric("hota")).filter(|h| s.metrics.iter().any(|m| m.metric == *h.key));
    let latency_metric = a.metric("inference_time_ms");
    let name = match a.q.scope.level() {
        Level::Fleet => panel_words::col_customer(lang),
        Level::Customer => panel_words::col_site(lang),
        Level::Site | Level::Zone => panel_words::col_zone(lang),
    };
    let column = |key, label: &str, numeric| Column { key, label: label.to_owned(), numeric };
    let lead_label = a.fmt.label(&leading);
    let with_sites = a.q.scope.level() == Level::Fleet;
    let mut columns = vec![
        column("name", name, false),
        column("state", panel_words::col_state(lang), false),
        column("value", &lead_label, true),
        column("delta", words::col_delta(lang), true),
    ];
    if let Some(m) = &second {
        columns.push(column("second", &a.fmt.label(m), true));
    }
    columns.push(column("latency", words::col_latency(lang), true));
    columns.push(column("n", panel_words::col_n(lang), true));
    if with_sites {
        columns.push(column("sites", words::col_sites(lang), true));
    }
    columns.push(column("newest", panel_words::col_newest(lang), true));
    columns.push(column("", &words::col_30d(lang, &lead_label), false));
    let rows = worst_first(&s.children)
        .into_iter()
        .map(|c| {
            let get = |key: &str| c.metrics.iter().find(|m| m.metric == key);
            let lead = get(&leading.key);
            let latency = get(LATENCY_METRIC).and_then(|m| m.p95);
            let devices = get(LATENCY_METRIC).map_or(0, |m| m.devices.len());
            let trend = |key: &str| Some(addresses::trends(&c.scope, key, &a.params));
            let number = |text: String, href: Option<String>| Cell::Number { text, href };
            let h: &Health = &c.health;
            let n = c.records;
            let mut cells = vec![
                Cell::Name {
                    text: a.name_of(&c.scope),
                    href: Some(addresses::place(&c.scope, &a.params)),
                    state: Some(a.fmt.state(h.state)),
                },
                Cell::State(a.fmt.health(h)),
                number(a.fmt.value(lead.and_then(|m| m.value), &leading), trend(&leading.key)),
                Cell::Delta(a.taken_apart(&c.scope, lead.and_then(|m| m.change.as_ref()), &leading)),
            ];
            let mut keys = vec![
                SortKey::Text(a.name_of(&c.scope)),
                SortKey::Number(Some(f64::from(h.state as u8))),
                SortKey::Number(lead.and_then(|m| m.value)),
                SortKey::Number(lead.and_then(|m| m.change.map_or(m.delta, |c| c.delta.same))),
            ];
            if let Some(m) = &second {
                let value = get(&m.key).and_then(|m| m.value);
                cells.push(number(a.fmt.value(value, m), value.and_then(|_| trend(&m.key))));
                keys.push(SortKey::Number(value));
            }
            let shown = a.fmt.with_unit(latency, &latency_metric);
            cells.push(cell_with_devices(&a.fmt, shown, latency.and_then(|_| trend(LATENCY_METRIC)), devices));
            keys.push(SortKey::Number(latency));
            cells.push(number(a.fmt.count(n), None));
            keys.push(SortKey::Number(Some(n as f64)));
            if with_sites {
                cells.push(number(format!("{}/{}", h.sites_reporting, h.sites_expected), None));
                keys.push(SortKey::Number(Some(f64::from(h.sites_reporting))));
            }
            cells.push(time_cell(&a.fmt, h.newest, a.q.now.min(s.to)));
            keys.push(SortKey::Number(h.newest.map(|m| m.0 as f64)));
            cells.push(Cell::Spark(lead.map_or_else(String::new, |m| sparkline(&m.course, 1))));
            keys.push(SortKey::Number(None));
            Row { cells, keys }
        })
        .collect();
    let path = addresses::place_path(&a.q.scope);
    let at = PageLink { path: &path, q: &a.q, params: &a.params, in_path: true };
    let csv = links::href("/export/children.csv", &links::pairs(&a.params, &["page", METRICS_PAGE, "metric", "model"]));
    build::build(&a.fmt, caption.to_owned(), columns, rows, &at, Some(csv))
}
