//! Lists of experiments and runs as they are asked for in texts: by URLs, files and the command line.

use domain::{
    Error, Result,
    params::{flag, limit, page},
    scope::clip_text,
    tracking::{Column, filter::Filter, search::AskedSort},
};

use super::{ExperimentView, ExperimentsQuery, MAX_ROWS, RunsQuery};
use crate::sentences;

/// Keys of a list of runs. `experiment` may name several, with commas between them.
pub const RUNS_KEYS: [&str; 8] = ["experiment", "filter", "sort", "limit", "page", "columns", "group", "facets"];
/// Keys of a list of experiments.
pub const EXPERIMENTS_KEYS: [&str; 8] = ["q", "view", "customer", "site", "zone", "task", "limit", "page"];

/// A list of runs, and the columns that are shown of it.
#[derive(Debug, Clone, Default)]
pub struct RunsParams {
    pub query: RunsQuery,
    /// `None` for those of the experiment.
    pub columns: Option<Vec<Column>>,
}

impl RunsParams {
    /// Reads pairs of a query; of an unknown key nothing is read. An empty text is as none.
    ///
    /// # Errors
    /// Says what cannot be read.
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, default_limit: usize) -> Result<Self> {
        let mut read = Self::default();
        let (mut rows, mut number) = (default_limit, 1);
        for (key, text) in pairs.into_iter().filter(|(_, text)| !text.is_empty()) {
            match key {
                "experiment" => read.query.experiments.push(text.to_owned()),
                "filter" => read.query.filter = Filter::parse(text)?,
                "sort" => read.query.sort = AskedSort::parse(text)?,
                "limit" => rows = limit(text, MAX_ROWS)?,
                "page" => number = page(key, text)?,
                "columns" => read.columns = Some(Column::parse_list(text)?),
                "group" => read.query.group_by = Some(Column::parse(text)?),
                "facets" => read.query.facets = flag(key, text)?,
                _ => {}
            }
        }
        (read.query.limit, read.query.skip) = (rows, (number - 1).saturating_mul(rows));
        Ok(read)
    }
}

impl ExperimentsQuery {
    /// Reads pairs of a query; of an unknown key nothing is read. An empty text is as none.
    ///
    /// # Errors
    /// Says what cannot be read.
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, default_limit: usize) -> Result<Self> {
        let mut read = Self::default();
        let (mut rows, mut number) = (default_limit, 1);
        for (key, text) in pairs.into_iter().filter(|(_, text)| !text.is_empty()) {
            match key {
                "q" => read.text = text.to_owned(),
                "view" => {
                    let view = ExperimentView::parse(text);
                    read.view = view.ok_or_else(|| Error::bad_input(sentences::bad_view(clip_text(text))))?;
                }
                "customer" | "site" | "zone" | "task" => read.tags.push((key.to_owned(), text.to_owned())),
                "limit" => rows = limit(text, MAX_ROWS)?,
                "page" => number = page(key, text)?,
                _ => {}
            }
        }
        (read.limit, read.skip) = (rows, (number - 1).saturating_mul(rows));
        Ok(read)
    }
}
