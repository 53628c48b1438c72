//! The tables of a comparison: all metrics side by side, and site by site.

use std::collections::BTreeSet;

use domain::{
    Result,
    compare::{ComparedMetric, ComparedModel, ModelGrouping, ModelResults, SiteComparison},
    metric::Metric,
    model::ModelKey,
    params::QueryParams,
    query::{FieldCell, FieldReport},
    scope::Scope,
};

use super::{
    sentences::{difference, other_differences, values_at_same_places},
    words,
};
use crate::{
    panels::{devices::device_count_note, words as panel_words},
    shell::{addresses, page_query::PageQuery},
    ui::{
        delta::Movement,
        fmt::NO_VALUE,
        links::{self, METRICS_PAGE},
        table::{
            Cell, TableView,
            build::{self, PageLink, plain_column},
        },
        words as ui_words,
    },
};

/// All metrics, a page at a time, with a column for each model. `made_by` is by model what made it.
///
/// # Errors
/// A page that does not exist.
pub(super) fn metrics(
    a: &PageQuery,
    r: &FieldReport,
    compared_models: &[ComparedModel],
    made_by: Option<Vec<Option<Cell>>>,
) -> Result<TableView> {
    let lang = a.fmt.lang;
    let at = PageLink { path: "/compare", q: &a.q, params: &a.params, in_path: false };
    let (skip, pager) = build::paginate(&a.fmt, &at, (METRICS_PAGE, a.q.metrics_page), r.present.len())?;
    let shown = &r.present[skip..r.present.len().min(skip + build::PAGE_ROWS)];
    let mut columns = vec![plain_column(panel_words::col_metric(lang), false)];
    columns.extend(compared_models.iter().enumerate().map(|(i, c)| {
        let label = if i == 0 { format!("{} · {}", c.model, words::baseline(lang)) } else { c.model.to_string() };
        plain_column(&label, true)
    }));
    let on: Vec<usize> = compared_models.iter().map(|c| devices(r, &c.model, a.q.by)).collect();
    let figure = |i: usize, f: &ComparedMetric, metric: &Metric, c: &ComparedModel| {
        let delta = if i == 0 { None } else { difference(a, f, metric) };
        let mut small = vec![ui_words::n(lang, a.fmt.count(f.n))];
        if let (Some(p50), Some(p95)) = (f.p50, f.p95) {
            let ends = [a.fmt.value(Some(p50), metric), a.fmt.value(Some(p95), metric)];
            small.push(format!("p50 {} · p95 {}", ends[0], ends[1]));
        }
        if metric.depends_on_device() && on[i] > 1 {
            small.push(device_count_note(&a.fmt, on[i]));
        }
        small.extend(values_at_same_places(&a.fmt, f, metric));
        Cell::Figure {
            text: a.fmt.with_unit(f.value, metric),
            href: f.value.map(|_| {
                let params = QueryParams { model: Some(c.model.key()), ..a.params.clone() };
                addresses::trends_of_model(&a.q.scope, &metric.key, &params)
            }),
            delta,
            small: if f.value.is_some() { small } else { vec![] },
        }
    };
    let mut ran = vec![Cell::Name { text: panel_words::col_zones(lang).into(), href: None, state: None }];
    ran.extend(compared_models.iter().enumerate().map(|(i, c)| {
        let shared = (i > 0).then(|| words::shared_of(lang, a.fmt.count(c.shared as u64)));
        Cell::Figure {
            text: a.fmt.count(c.zones as u64),
            href: None,
            delta: None,
            small: shared
                .into_iter()
                .chain(other_differences(&a.fmt, c.shared, c.other_days, c.other_devices))
                .collect(),
        }
    }));
    let made_by = made_by.map(|runs| {
        let head = Cell::Name { text: words::made_by(lang).into(), href: None, state: None };
        let runs =
            runs.into_iter().map(|run| run.unwrap_or_else(|| Cell::Number { text: NO_VALUE.into(), href: None }));
        std::iter::once(head).chain(runs).collect()
    });
    let rows: Vec<Vec<Cell>> = r
        .metrics
        .iter()
        .enumerate()
        .filter(|(m, metric)| {
            let known = compared_models.iter().any(|c| c.figures[*m].value.is_some());
            let differs = |c: &ComparedModel| {
                a.fmt.difference(c.figures[*m].delta(a.q.places), metric).is_some_and(|d| d.way != Movement::Stayed)
            };
            known
                && shown.iter().any(|key| metric.key == *key)
                && (!a.q.diff || compared_models.iter().skip(1).any(differs))
        })
        .map(|(m, metric)| {
            let mut row = vec![Cell::Name { text: a.fmt.label(metric), href: None, state: None }];
            row.extend(compared_models.iter().enumerate().map(|(i, c)| figure(i, &c.figures[m], metric, c)));
            row
        })
        .collect();
    let query = links::pairs(&a.params, &["page", METRICS_PAGE, "sort", "refresh", "kiosk", "metric"]);
    Ok(TableView {
        caption: words::table(lang).into(),
        columns,
        foot: Some(if rows.is_empty() { words::no_difference(lang).into() } else { words::foot(lang).into() }),
        rows: std::iter::once(ran).chain(made_by).chain(rows).collect(),
        csv: Some(links::href("/export/compare.csv", &query)),
        pager,
    })
}

/// Where which model wins, site by site.
pub(super) fn sites(
    a: &PageQuery,
    r: &FieldReport,
    field: &ModelResults<'_>,
    compared_models: &[ComparedModel],
    leading_metric: usize,
) -> TableView {
    let lang = a.fmt.lang;
    let metric = &r.metrics[leading_metric];
    let mut columns = vec![plain_column(panel_words::col_site(lang), false)];
    columns.extend(compared_models.iter().map(|c| plain_column(&c.model.to_string(), true)));
    columns.push(plain_column(words::best(lang), false));
    let mut all: Vec<SiteComparison> = field.sites(leading_metric, compared_models, a.q.places);
    field.judge_sites(leading_metric, compared_models, &mut all);
    let mut wins = vec![0usize; compared_models.len()];
    all.iter().filter_map(|s| s.best).for_each(|b| wins[b] += 1);
    let rows = all
        .iter()
        .map(|s| {
            let customer = Scope { customer: Some(s.customer.clone()), site: None, zone: None, ..a.q.scope.clone() };
            let scope = Scope { site: s.site.clone(), ..customer.clone() };
            let site = s.site.as_ref().map_or_else(|| NO_VALUE.to_owned(), |_| a.name_of(&scope));
            let text = if a.q.scope.customer.is_none() { format!("{} · {site}", a.name_of(&customer)) } else { site };
            let mut cells = vec![Cell::Name {
                text,
                href: Some(addresses::with_scope("/compare", &scope, &a.params)),
                state: None,
            }];
            cells.extend(s.figures.iter().enumerate().map(|(i, f)| Cell::Figure {
                text: a.fmt.with_unit(f.value, metric),
                href: None,
                delta: if i == 0 { None } else { difference(a, f, metric) },
                small: values_at_same_places(&a.fmt, f, metric),
            }));
            cells
                .push(Cell::Text(s.best.map_or_else(|| NO_VALUE.to_owned(), |b| compared_models[b].model.to_string())));
            cells
        })
        .collect();
    // Where only one of them can be judged nobody leads.
    let judged = |s: &SiteComparison| s.figures.iter().filter_map(|f| f.rank(a.q.places)).count();
    let contests = all.iter().filter(|s| judged(s) > 1).count();
    let count = |n: usize| a.fmt.count(n as u64);
    let tally: Vec<String> = compared_models
        .iter()
        .zip(&wins)
        .filter(|w| *w.1 > 0)
        .map(|(c, n)| words::wins(lang, &c.model, count(*n), count(contests)))
        .collect();
    let query = links::pairs(&a.params, &["page", METRICS_PAGE, "sort", "refresh", "kiosk"]);
    TableView {
        caption: words::sites(lang, a.fmt.label(metric)),
        columns,
        rows,
        csv: Some(links::href("/export/compare_sites.csv", &query)),
        pager: None,
        foot: (!tally.is_empty()).then(|| tally.join(" · ")),
    }
}

/// On how many devices a model ran.
fn devices(r: &FieldReport, m: &ModelKey, by: ModelGrouping) -> usize {
    let of_it = |c: &&FieldCell| {
        c.model.as_ref().is_some_and(|x| if by == ModelGrouping::Architecture { m.contains(x) } else { m == x })
    };
    let named = r.cells.iter().filter(of_it).flat_map(|c| &c.devices).filter(|d| !d.is_empty());
    named.collect::<BTreeSet<_>>().len()
}
