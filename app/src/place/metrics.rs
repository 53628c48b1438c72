//! The table of all metrics of a place, a page at a time.

use domain::{
    Result,
    query::{MetricPage, Summary},
};

use super::tiles::TILES;
use crate::{
    panels::devices::put_together,
    shell::{addresses, page_query::PageQuery},
    ui::{
        links::METRICS_PAGE,
        table::{
            Cell, TableView,
            build::{self, PageLink, plain, time_cell},
        },
    },
};

/// What a page with a table of all metrics asks for: that table's page, and the metrics that stand elsewhere on the page.
pub(super) fn page(a: &PageQuery) -> MetricPage {
    let always = TILES.iter().copied().flatten().map(|key| (*key).to_owned()).collect();
    MetricPage { always, ..build::page_of_metrics(&a.q) }
}

/// Every metric of the scope, with all that is known of it, a page at a time.
pub(super) fn table(a: &PageQuery, s: &Summary) -> Result<TableView> {
    let t = a.fmt.texts();
    let path = addresses::place_path(&a.q.scope);
    let at = PageLink { path: &path, q: &a.q, ask: &a.ask, in_path: true };
    let (skip, pager) = build::turned(&a.fmt, &at, (METRICS_PAGE, a.q.metrics_page), s.present.len())?;
    let shown = &s.present[skip..s.present.len().min(skip + build::PAGE_ROWS)];
    let rows = s
        .metrics
        .iter()
        .filter(|m| shown.contains(&m.metric))
        .map(|m| {
            let metric = a.metric(&m.metric);
            let number = |x: Option<f64>| Cell::Number { text: a.fmt.with_unit(x, &metric), href: None };
            let mut label = a.fmt.label(&metric);
            if m.devices.len() > 1 {
                label = format!("{label} · {}", put_together(&a.fmt, m.devices.len()));
            }
            if m.assumed {
                label = format!("{label} · {}", t.assumed);
            }
            vec![
                Cell::Name { text: label, href: Some(addresses::trends(&a.q.scope, &m.metric, &a.ask)), state: None },
                number(m.value),
                number(m.previous),
                Cell::Delta(a.fmt.delta(m.delta, m.previous, &metric)),
                number(m.p50),
                number(m.p95),
                Cell::Number { text: a.fmt.count(m.n), href: None },
                Cell::Number { text: format!("{}/{}", m.sites_reporting, m.sites_expected), href: None },
                time_cell(&a.fmt, m.latest.as_ref().map(|l| l.timestamp), a.q.now.min(s.to)),
                Cell::State(a.fmt.metric_state(m, &s.health)),
            ]
        })
        .collect();
    Ok(TableView {
        caption: t.all_metrics.into(),
        columns: vec![
            plain(t.col_metric, false),
            plain(t.col_value, true),
            plain(a.earlier_head(), true),
            plain(t.col_delta, true),
            plain(t.col_p50, true),
            plain(t.col_p95, true),
            plain(t.col_n, true),
            plain(t.col_sites, true),
            plain(t.col_newest, true),
            plain(t.col_state, false),
        ],
        rows,
        csv: Some(a.csv_of("/export/metrics.csv")),
        pager,
        foot: Some(t.compare_note.into()),
    })
}
