//! Makes tables: sorted and cut to a page, with links that sort and turn them.

use std::cmp::Ordering;

use domain::{
    Error, Result,
    params::{MetricsQuery, QueryParams, Sort},
    query::MetricPage,
    scope::clip_text,
    time::Millis,
};

use super::{Cell, ColumnView, Pager, TableView};
use crate::ui::{
    fmt::{Fmt, NO_VALUE},
    links, sentences, words,
};

/// Rows of a page.
pub const PAGE_ROWS: usize = 25;

/// What a row is sorted by in one column.
#[derive(Debug, Clone, PartialEq)]
pub enum SortKey {
    Number(Option<f64>),
    Text(String),
}

/// A column that can be shown and sorted.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name in `sort=`; empty when it cannot be sorted.
    pub key: &'static str,
    pub label: String,
    pub numeric: bool,
}

/// A row before it is placed.
#[derive(Debug, Clone)]
pub struct Row {
    pub cells: Vec<Cell>,
    /// One a column.
    pub keys: Vec<SortKey>,
}

/// The address of the page on which a table stands, for links that sort and turn it.
#[derive(Debug, Clone)]
pub struct PageLink<'a> {
    pub path: &'a str,
    pub q: &'a MetricsQuery,
    /// Its texts, for links.
    pub params: &'a QueryParams,
    /// Customer, site and zone are in the path.
    pub in_path: bool,
}

/// A column that is only shown.
#[must_use]
pub fn plain_column(label: &str, numeric: bool) -> ColumnView {
    ColumnView { label: label.to_owned(), numeric, sort: None, sorted: None }
}

/// A moment by its age at `now`, with the whole of it on demand.
#[must_use]
pub fn time_cell(fmt: &Fmt, at: Option<Millis>, now: Millis) -> Cell {
    match at {
        None => Cell::Text(NO_VALUE.into()),
        Some(at) => Cell::Time {
            at: at.to_string(),
            short: fmt.age(Some(at), now),
            full: fmt.strftime(at, "%Y-%m-%d %H:%M:%S %Z"),
        },
    }
}

/// The last two parts of a path tell files apart; the whole of it is in the CSV.
#[must_use]
pub fn last_two_path_parts(name: &str) -> String {
    let parts: Vec<&str> = name.rsplit('/').take(2).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

/// Sorts, cuts and links. Without `sort=` rows stay as they come.
///
/// # Errors
/// An unknown column in `sort=`, or a page that does not exist.
pub fn build(
    fmt: &Fmt,
    caption: String,
    columns: Vec<Column>,
    mut rows: Vec<Row>,
    at: &PageLink<'_>,
    csv: Option<String>,
) -> Result<TableView> {
    let sorted = match &at.q.sort {
        None => None,
        Some(Sort { column, descending: down }) => {
            let i = columns.iter().position(|c| !c.key.is_empty() && c.key == column).ok_or_else(|| {
                let known: Vec<&str> = columns.iter().map(|c| c.key).filter(|k| !k.is_empty()).collect();
                Error::bad_input(sentences::unknown_column(known.join(", "), clip_text(column)))
            })?;
            rows.sort_by(|a, b| compare(&a.keys[i], &b.keys[i], *down));
            Some((i, *down))
        }
    };
    let total = rows.len();
    let (skip, pager) = paginate(fmt, at, ("page", at.q.page), total)?;
    let link = |changes: &[(&str, Option<String>)]| links::with_changes(at.path, at.params, at.in_path, changes);
    let columns = columns
        .into_iter()
        .enumerate()
        .map(|(i, c)| {
            let here = sorted.filter(|s| s.0 == i);
            // Numbers sort from the top first, names from the beginning.
            let down = here.map_or(c.numeric, |s| !s.1);
            let next = format!("{}{}", if down { "-" } else { "" }, c.key);
            ColumnView {
                sort: (!c.key.is_empty()).then(|| link(&[("sort", Some(next)), ("page", None)])),
                sorted: here.map(|s| if s.1 { "descending" } else { "ascending" }.to_owned()),
                label: c.label,
                numeric: c.numeric,
            }
        })
        .collect();
    let shown: Vec<Vec<Cell>> = rows.into_iter().skip(skip).take(PAGE_ROWS).map(|r| r.cells).collect();
    Ok(TableView { caption, columns, rows: shown, csv, pager, foot: None })
}

/// Of a table with so many rows that is turned by a key to a page: how many rows stand on earlier pages, and the links to other
/// pages where there are any.
///
/// # Errors
/// A page that does not exist.
pub fn paginate(
    fmt: &Fmt,
    at: &PageLink<'_>,
    (key, page): (&'static str, usize),
    total: usize,
) -> Result<(usize, Option<Pager>)> {
    let first = (page - 1) * PAGE_ROWS;
    if first >= total && page > 1 {
        return Err(Error::not_found(sentences::no_page(total, page)));
    }
    let last = total.min(first + PAGE_ROWS);
    let link = |page: usize| {
        links::with_changes(at.path, at.params, at.in_path, &[(key, (page > 1).then(|| page.to_string()))])
    };
    let pager = (total > PAGE_ROWS).then(|| Pager {
        label: words::page_of(fmt.lang, first + 1, last, fmt.count(total as u64)),
        previous: (page > 1).then(|| link(page - 1)),
        next: (last < total).then(|| link(page + 1)),
    });
    Ok((first, pager))
}

/// What a table of all metrics shows of them on its page.
#[must_use]
pub fn page_of_metrics(q: &MetricsQuery) -> MetricPage {
    MetricPage { always: vec![], skip: (q.metrics_page - 1).saturating_mul(PAGE_ROWS), take: PAGE_ROWS }
}

/// Unknown values come last, whichever way.
fn compare(a: &SortKey, b: &SortKey, down: bool) -> Ordering {
    let order = match (a, b) {
        (SortKey::Number(None), SortKey::Number(None)) => return Ordering::Equal,
        (SortKey::Number(None), _) => return Ordering::Greater,
        (_, SortKey::Number(None)) => return Ordering::Less,
        (SortKey::Number(Some(a)), SortKey::Number(Some(b))) => a.total_cmp(b),
        (SortKey::Text(a), SortKey::Text(b)) => a.cmp(b),
        (SortKey::Number(_), SortKey::Text(_)) => Ordering::Less,
        (SortKey::Text(_), SortKey::Number(_)) => Ordering::Greater,
    };
    if down { order.reverse() } else { order }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    fn table(sort: Option<&str>, page: Option<&str>, n: usize) -> Result<TableView> {
        let fmt = Fmt { lang: Lang::En, zone: jiff::tz::TimeZone::UTC };
        let columns = vec![Column { key: "n", label: "n".into(), numeric: true }];
        let rows = (0..n)
            .map(|i| {
                let x = (i % 7 != 3).then_some(i as f64);
                Row { cells: vec![Cell::Number { text: format!("{x:?}"), href: None }], keys: vec![SortKey::Number(x)] }
            })
            .collect();
        let params = QueryParams { sort: sort.map(Into::into), page: page.map(Into::into), ..QueryParams::default() };
        let q = params.read(domain::time::Millis(0), &fmt.zone)?;
        build(&fmt, String::new(), columns, rows, &PageLink { path: "/", q: &q, params: &params, in_path: true }, None)
    }

    #[test]
    fn unknown_values_come_last_both_ways() {
        for sort in ["n", "-n"] {
            let t = table(Some(sort), None, 10).expect("a table");
            assert_eq!(t.rows.last(), Some(&vec![Cell::Number { text: "None".into(), href: None }]), "{sort}");
        }
    }

    #[test]
    fn pages_are_cut_and_linked() {
        let t = table(Some("-n"), Some("2"), 60).expect("a table");
        let pager = t.pager.expect("a pager");
        assert_eq!((t.rows.len(), pager.label.as_str()), (PAGE_ROWS, "26–50 of 60"));
        assert_eq!(pager.next.as_deref(), Some("/?sort=-n&page=3"));
        assert_eq!(pager.previous.as_deref(), Some("/?sort=-n"));
        assert!(
            table(None, Some("9"), 60).is_err()
                && table(Some("x"), None, 3).is_err()
                && table(None, Some("0"), 3).is_err()
        );
    }
}
