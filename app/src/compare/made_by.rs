//! From models of the fleet to the runs that made them.

use domain::{compare::ModelGrouping, model::ModelKey, query::RecordsQuery};
use futures::future::join_all;

use super::words;
use crate::{
    panels::tracking,
    shell::{addresses, context::Services, page_query::PageQuery},
    ui::table::Cell,
};

/// So many of a model's newest records are asked for their runs: one version is usually made by one run.
const LOOKED_AT: usize = 100;

/// The run that each model's newest record names, where it is one that can be looked at, and how many others its newest records name; nothing
/// where no model has one. Asked of the records and not of a registry: a record says what made the model that made it.
pub(super) async fn runs(services: &Services, a: &PageQuery, models: &[&ModelKey]) -> Option<Vec<Option<Cell>>> {
    if !services.runs.may_read() || a.q.by == ModelGrouping::Architecture {
        return None;
    }
    let run = async |model: &ModelKey| {
        let newest =
            RecordsQuery { model: Some(model.clone()), run: None, metric: None, skip: 0, ..a.q.records(LOOKED_AT) };
        let records = services.metrics.records(&newest).await.ok()?;
        let mut ids: Vec<&str> = vec![];
        for id in records.rows.iter().filter_map(|row| row.run_id.as_deref()) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let known: Vec<_> = ids.into_iter().filter_map(|id| services.runs.known(id)).collect();
        let first = known.first()?;
        let others = (known.len() > 1).then(|| words::made_by_others(a.fmt.lang, known.len() - 1));
        Some(Cell::Figure {
            text: tracking::run_name(first),
            href: Some(addresses::run(&first.id)),
            delta: None,
            small: others.into_iter().collect(),
        })
    };
    let runs = join_all(models.iter().map(|m| run(m))).await;
    runs.iter().any(Option::is_some).then_some(runs)
}
