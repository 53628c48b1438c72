//! What the address of images asks, as far as it can be read.

use domain::{Error, Result, scope::clip_text, tracking::RunId};

use super::sentences;
use crate::{shell::plain_query::PlainQuery, ui::pages};

/// The keys of the page.
pub(super) const KEYS: [&str; 6] = ["ids", "name", "step", "diff", "page", "find"];
/// The most runs whose images are shown together.
pub(super) const MOST_RUNS: usize = 100;

pub(super) struct Asked {
    /// Each once, in their order.
    pub ids: Vec<RunId>,
    pub name: Option<String>,
    pub step: Option<i64>,
    /// The run from whose image others are shown as differences; of a single run, its own id stands for the step before.
    pub diff: Option<RunId>,
    pub page: usize,
    /// In the names of images that are offered.
    pub find: String,
}

impl Asked {
    /// What cannot be read is taken out of the query and said on the page.
    pub(super) fn read(a: &mut PlainQuery) -> Self {
        let step = |text: &str| -> Result<i64> {
            text.trim().parse().map_err(|_| Error::bad_input(sentences::bad_step(clip_text(text))))
        };
        Self {
            ids: a.understand("ids", read_ids).unwrap_or_default(),
            name: a.understand("name", |text| Ok(text.to_owned())),
            step: a.understand("step", step),
            diff: a.understand("diff", RunId::parse),
            page: a.understand("page", pages::read).unwrap_or(1),
            find: a.looked_for("find"),
        }
    }
}

/// Ids with commas between them.
fn read_ids(text: &str) -> Result<Vec<RunId>> {
    let mut ids: Vec<RunId> = vec![];
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let id = RunId::parse(part)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
        if ids.len() > MOST_RUNS {
            return Err(Error::bad_input(sentences::many_runs(MOST_RUNS)));
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_once_each_and_not_too_many() {
        let ids = |text: &str| read_ids(text).map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(ids("b, a,,b,"), Ok(vec!["b".into(), "a".into()]));
        assert!(ids("a,x/y").is_err() && ids("").is_ok_and(|ids| ids.is_empty()));
        let many: Vec<String> = (0..=MOST_RUNS).map(|i| format!("r{i}")).collect();
        assert!(ids(&many.join(",")).is_err() && ids(&many[1..].join(",")).is_ok());
    }
}
