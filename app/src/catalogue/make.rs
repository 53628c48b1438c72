//! Makes the catalogue page from the directory of names.

use domain::{
    Result,
    metric::{BUILT_IN_COUNT, Direction, Metric, SmallestEffect},
    params::QueryParams,
    query::Directory,
    scope::Scope,
};

use super::{view::CatalogueView, words};
use crate::{
    shell::{
        addresses,
        context::{Request, Services},
        head::{PageAddress, plain_head},
        page_query::PageQuery,
    },
    ui::{
        fmt::{Fmt, NO_VALUE},
        table::{
            Cell,
            build::{self, Column, PageLink, Row, SortKey},
        },
    },
};

const PATH: &str = "/catalogue";

/// The page: built-in metrics in the order of the catalogue, then those of records.
///
/// # Errors
/// An unknown column in `sort=`, or a page that does not exist.
pub async fn page(services: &Services, request: &Request, params: QueryParams) -> Result<CatalogueView> {
    let a = PageQuery::read(services, request, params).await?;
    let lang = a.fmt.lang;
    let directory = services.metrics.directory();
    let metrics = metrics_of(&directory);
    let reported = metrics.iter().filter(|(_, reported)| *reported).count();
    let rows = metrics.iter().map(|(metric, reported)| row(&a, metric, *reported)).collect();
    let text = |key, label: &str| Column { key, label: label.to_owned(), numeric: false };
    let columns = vec![
        text("metric", words::col_metric(lang)),
        text("key", words::col_key(lang)),
        text("unit", words::col_unit(lang)),
        text("better", words::col_better(lang)),
        text("", words::col_range(lang)),
        text("", words::col_effect(lang)),
        text("", words::col_definition(lang)),
    ];
    let at = PageLink { path: PATH, q: &a.q, params: &a.params, in_path: false };
    let mut table = build::build(&a.fmt, words::title(lang).into(), columns, rows, &at, None)?;
    table.foot = Some(words::foot(lang).into());
    let simulated = directory.simulated > 0;
    Ok(CatalogueView {
        head: plain_head(services, &a, PageAddress::Installation(PATH), words::title(lang).into(), simulated).await,
        summary: words::summary(lang, a.fmt.count(metrics.len() as u64), a.fmt.count(reported as u64)),
        table,
    })
}

/// Every metric that the visitor may know of, and whether records report it.
fn metrics_of(directory: &Directory) -> Vec<(Metric, bool)> {
    let built_in =
        (0..BUILT_IN_COUNT).map(|i| (directory.declared.built_in(i).clone(), directory.built_in.contains(&i)));
    let custom = (0..directory.custom.len()).map(|i| (directory.custom_metric(i).0, true));
    built_in.chain(custom).collect()
}

fn row(a: &PageQuery, metric: &Metric, reported: bool) -> Row {
    let fmt = &a.fmt;
    let name = fmt.label(metric);
    let better = better(fmt, metric);
    let definition = fmt.definition(metric);
    Row {
        keys: vec![
            SortKey::Text(name.clone()),
            SortKey::Text(metric.key.to_string()),
            SortKey::Text(metric.unit.to_string()),
            SortKey::Text(better.clone()),
            SortKey::Number(None),
            SortKey::Number(None),
            SortKey::Number(None),
        ],
        cells: vec![
            Cell::Name {
                text: name,
                href: reported.then(|| addresses::trends(&Scope::default(), &metric.key, &a.params)),
                state: None,
            },
            Cell::Text(metric.key.to_string()),
            Cell::Text(if metric.unit.is_empty() { NO_VALUE.into() } else { metric.unit.to_string() }),
            Cell::Text(better),
            Cell::Text(range(fmt, metric)),
            Cell::Text(effect(fmt, metric)),
            Cell::Text(if definition.is_empty() { NO_VALUE.into() } else { definition }),
        ],
    }
}

fn better(fmt: &Fmt, metric: &Metric) -> String {
    let word = match metric.direction {
        Direction::HigherIsBetter => words::higher(fmt.lang),
        Direction::LowerIsBetter => words::lower(fmt.lang),
        Direction::Neither => words::neither(fmt.lang),
    };
    if metric.assumed { words::assumed(fmt.lang, word) } else { word.to_owned() }
}

/// Accepted values, both ends included; an end that is open is left out.
fn range(fmt: &Fmt, metric: &Metric) -> String {
    let end = |x: f64| fmt.decimal(x, 0);
    match metric.range {
        (low, high) if low.is_finite() && high.is_finite() => format!("{} – {}", end(low), end(high)),
        (low, _) if low.is_finite() => format!("≥ {}", end(low)),
        (_, high) if high.is_finite() => format!("≤ {}", end(high)),
        _ => words::any(fmt.lang).into(),
    }
}

fn effect(fmt: &Fmt, metric: &Metric) -> String {
    match metric.smallest_effect() {
        SmallestEffect::Size(size) => {
            let digits = if size.fract() == 0.0 { 0 } else { metric.precision.max(3) };
            format!("{} {}", fmt.decimal(size, digits), metric.unit).trim_end().to_owned()
        }
        SmallestEffect::Share(share) => format!("{} %", fmt.decimal(share * 100.0, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_metric_is_listed_also_where_no_record_reports_it() {
        let all = metrics_of(&Directory::default());
        assert_eq!(all.len(), BUILT_IN_COUNT);
        assert!(all.iter().all(|(_, reported)| !reported));
    }
}
