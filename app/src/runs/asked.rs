//! What the address of a list of runs asks, as far as it can be read. A filter that cannot is no error of the page: its mistake is shown
//! beside it.

use domain::{
    Result,
    tracking::{
        Attribute, Column, Reading, RunId, Text,
        filter::{Expr, Field, Filter, FilterError, Test},
        search::Sort,
    },
};

use crate::{shell::plain_query::PlainQuery, ui::pages};

/// The keys of the page; `pick` may be given several times.
pub(super) const KEYS: [&str; 9] = ["edit", "filter", "sort", "cols", "reading", "group", "page", "rows", "find"];
pub(super) const LISTS: [&str; 1] = ["pick"];
/// Rows of a page, when nobody asks for another number, and at most.
pub(super) const PAGE_ROWS: usize = 100;
const MOST_ROWS: usize = 500;
/// The most columns that a table shows.
pub(super) const MOST_COLUMNS: usize = 60;

/// What is asked.
pub(super) struct Asked {
    /// As it was typed.
    pub text: String,
    /// What it means; all runs where it cannot be read.
    pub filter: std::result::Result<Filter, FilterError>,
    /// Rows that somebody selected; none for all.
    pub picked: Vec<RunId>,
    pub sort: Sort,
    /// `None` for those that the experiment, or the product, chooses.
    pub columns: Option<Vec<Column>>,
    /// Which value of metrics is shown where a column does not say.
    pub reading: Reading,
    pub group: Option<Column>,
    pub page: usize,
    pub rows: usize,
}

impl Asked {
    /// # Errors
    /// A sort order, a column or a number that cannot be read.
    pub(super) fn read(a: &PlainQuery) -> Result<Self> {
        let text = a.get("filter").unwrap_or_default().to_owned();
        let filter = Filter::parse(&text);
        let columns = a.get("cols").map(Column::parse_list).transpose()?;
        let reading = a.get("reading").map_or(Ok(Reading::Last), |text| {
            let bad = || super::sentences::bad_reading(domain::scope::clip_text(text));
            Reading::parse(text).ok_or_else(|| domain::Error::bad_input(bad()))
        })?;
        let rows = a.get("rows").map_or(Ok(PAGE_ROWS), |text| {
            let bad = || super::sentences::bad_rows(MOST_ROWS, domain::scope::clip_text(text));
            text.parse().ok().filter(|n| (1..=MOST_ROWS).contains(n)).ok_or_else(|| domain::Error::bad_input(bad()))
        })?;
        Ok(Self {
            filter,
            text,
            picked: a.all("pick").map(RunId::parse).collect::<Result<_>>()?,
            sort: Sort::parse(a.get("sort").unwrap_or_default(), &a.metric_names)?,
            columns: columns.map(|mut c| {
                c.truncate(MOST_COLUMNS);
                c
            }),
            reading,
            group: a.get("group").map(Column::parse).transpose()?,
            page: pages::read(a.get("page"))?,
            rows,
        })
    }

    /// The filter with the selected rows in it.
    pub(super) fn whole_filter(&self) -> Filter {
        let filter = self.filter.clone().unwrap_or_default();
        if self.picked.is_empty() {
            return filter;
        }
        let ids: Vec<Text> = self.picked.iter().map(|id| Text::from(id.as_str())).collect();
        filter.and(Filter { root: Some(Expr::Test(Field::Attribute(Attribute::RunId), Test::In(true, ids))) })
    }

    /// The columns to show, with the reading that is asked for.
    pub(super) fn shown(&self, default: &[Column]) -> Vec<Column> {
        let columns = self.columns.as_deref().unwrap_or(default);
        columns.iter().map(|c| self.read_as(c)).collect()
    }

    pub(super) fn read_as(&self, column: &Column) -> Column {
        match column {
            Column::Metric(key, Reading::Last) => Column::Metric(key.clone(), self.reading),
            other => other.clone(),
        }
    }
}

/// Columns as `cols=` writes them.
pub(super) fn written(columns: &[Column]) -> String {
    columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
