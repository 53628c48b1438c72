//! The table of all metrics of a place, a page at a time.

use domain::{
    Result,
    query::{MetricPage, Summary},
};

use super::{tiles::TILES, words};
use crate::{
    panels::{devices::device_count_note, words as panel_words},
    shell::{addresses, page_query::PageQuery},
    ui::{
        links::METRICS_PAGE,
        table::{
            Cell, TableView,
            build::{self, PageLink, plain_column, time_cell},
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
    let lang = a.fmt.lang;
    let path = addresses::place_path(&a.q.scope);
    let at = PageLink { path: &path, q: &a.q, params: &a.params, in_path: true };
    let (skip, pager) = build::paginate(&a.fmt, &at, (METRICS_PAGE, a.q.metrics_page), s.present.len())?;
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
                label = format!("{label} · {}", device_count_note(&a.fmt, m.devices.len()));
            }
            if m.assumed {
                label = format!("{label} · {}", words::assumed(lang));
            }
            vec![
                Cell::Name {
                    text: label,
                    href: Some(addresses::trends(&a.q.scope, &m.metric, &a.params)),
                    state: None,
                },
                number(m.value),
                number(m.previous),
                Cell::Delta(a.taken_apart(&a.q.scope, m.change.as_ref(), &metric)),
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
        caption: words::all_metrics(lang).into(),
        columns: vec![
            plain_column(panel_words::col_metric(lang), false),
            plain_column(panel_words::col_value(lang), true),
            plain_column(a.earlier_head(), true),
            plain_column(words::col_delta(lang), true),
            plain_column(panel_words::col_p50(lang), true),
            plain_column(panel_words::col_p95(lang), true),
            plain_column(panel_words::col_n(lang), true),
            plain_column(words::col_sites(lang), true),
            plain_column(panel_words::col_newest(lang), true),
            plain_column(panel_words::col_state(lang), false),
        ],
        rows,
        csv: Some(a.csv_of("/export/metrics.csv")),
        pager,
        foot: Some(words::compare_note(lang).into()),
    })
}
