//! From models of the fleet to the runs that made them.

use domain::{compare::ModelGrouping, model::ModelKey, query::RecordsQuery};
use futures::future::join_all;

use crate::{
    panels::tracking,
    shell::{addresses, context::Services, page_query::PageQuery},
    ui::table::Cell,
};

/// The run that each model's newest record names, where it is one that can be looked at; nothing where no model has one. Asked of the
/// records and not of a registry: a record says what made the model that made it.
pub(super) async fn runs(services: &Services, a: &PageQuery, models: &[&ModelKey]) -> Option<Vec<Option<Cell>>> {
    if !services.runs.may_read() || a.q.by == ModelGrouping::Architecture {
        return None;
    }
    let run = async |model: &ModelKey| {
        let newest = RecordsQuery { model: Some((*model).clone()), run: None, metric: None, skip: 0, ..a.q.records(1) };
        let records = services.metrics.records(&newest).await.ok()?;
        let run = services.runs.known(records.rows.first()?.run_id.as_deref()?)?;
        Some(Cell::Number { text: tracking::run_name(&run), href: Some(addresses::run(&run.id)) })
    };
    let runs = join_all(models.iter().map(|m| run(m))).await;
    runs.iter().any(Option::is_some).then_some(runs)
}
