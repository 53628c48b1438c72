//! What the address of a list of runs asks, as far as it can be read. What cannot is no error of the page: the page says so, and shows
//! what is usual.

use domain::{
    Error, Result,
    scope::clip_text,
    tracking::{
        Attribute, Column, Reading, RunId, Text,
        filter::{Expr, Field, Filter, FilterError, MAX_FILTER, Test},
        search::AskedSort,
    },
};

use super::sentences;
use crate::{shell::plain_query::PlainQuery, ui::pages};

/// The keys of the page; `pick` may be given several times.
pub(super) const KEYS: [&str; 9] = ["edit", "filter", "sort", "cols", "reading", "group", "page", "rows", "find"];
pub(super) const LISTS: [&str; 1] = ["pick"];
/// Rows of a page, when nobody asks for another number, and at most.
pub(super) const PAGE_ROWS: usize = 100;
const MOST_ROWS: usize = 500;
/// The value of `edit=` with which the choice of columns is open, also without a script.
pub(super) const EDIT_COLUMNS: &str = "columns";
/// The most columns that a table shows.
pub(super) const MOST_COLUMNS: usize = 60;

/// What is asked.
pub(super) struct Asked {
    /// As it was typed, or the beginning of it.
    pub text: String,
    /// Whether it was longer than any filter.
    pub is_cut: bool,
    /// What it means; all runs where it cannot be read.
    pub filter: std::result::Result<Filter, FilterError>,
    /// Rows that somebody selected; none for all.
    pub picked: Vec<RunId>,
    pub sort: AskedSort,
    /// `None` for those that the experiment, or the product, chooses.
    pub columns: Option<Vec<Column>>,
    /// Which value of metrics is shown where a column does not say.
    pub reading: Reading,
    pub group: Option<Column>,
    pub page: usize,
    pub rows: usize,
    /// In the names of columns that are offered.
    pub find: String,
}

impl Asked {
    /// What cannot be read is taken out of the query and said on the page; a filter, at its box.
    pub(super) fn read(a: &mut PlainQuery) -> Self {
        let mut text = a.get("filter").unwrap_or_default().to_owned();
        let filter = Filter::parse(&text);
        let is_cut = text.len() > MAX_FILTER;
        text.truncate(text.floor_char_boundary(MAX_FILTER));
        if filter.is_err() {
            a.forget("filter");
        }
        if a.get("edit").is_some_and(|text| text != EDIT_COLUMNS) {
            a.forget("edit");
        }
        let reading = a.understand("reading", |text| {
            Reading::parse(text).ok_or_else(|| Error::bad_input(sentences::bad_reading(clip_text(text))))
        });
        let rows = a.understand("rows", |text| {
            let rows = text.parse().ok().filter(|n| (1..=MOST_ROWS).contains(n));
            rows.ok_or_else(|| Error::bad_input(sentences::bad_rows(MOST_ROWS, clip_text(text))))
        });
        let columns = a.understand("cols", |text| Ok(Column::parse_list(text)?));
        let picked = a.all("pick").map(RunId::parse).collect::<Result<Vec<_>>>();
        Self {
            filter,
            text,
            is_cut,
            picked: picked.map_err(|e| a.refuse("pick", e.message)).unwrap_or_default(),
            sort: a.understand("sort", |text| Ok(AskedSort::parse(text)?)).unwrap_or_default(),
            columns: columns.map(|mut c| {
                c.truncate(MOST_COLUMNS);
                c
            }),
            reading: reading.unwrap_or_default(),
            group: a.understand("group", |text| Ok(Column::parse(text)?)),
            page: a.understand("page", pages::read).unwrap_or(1),
            rows: rows.unwrap_or(PAGE_ROWS),
            find: a.looked_for("find"),
        }
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
