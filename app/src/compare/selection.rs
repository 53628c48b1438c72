//! Which models are compared, in which metric; and the comparison as data, for files.

use domain::{
    Error, Result,
    ask::Ask,
    compare::{By, Contender, Field, MOST_MODELS, Places, SiteContest},
    model::ModelKey,
    query::{Directory, FieldReport, unknown_metric},
    scope::{Kind, clip},
};

use super::refusals;
use crate::shell::{
    context::{Request, Services},
    page_query::PageQuery,
};

/// Models put side by side when none is named.
const USUAL_MODELS: usize = 4;

/// Which models the page compares.
pub(super) struct Selection {
    pub baseline: ModelKey,
    pub chosen: Vec<ModelKey>,
}

/// Challengers are candidates: a comparison counts all types unless one is named.
pub(super) async fn read(services: &Services, request: &Request, ask: Ask) -> Result<PageQuery> {
    Ok(PageQuery::read(services, request, ask).await?.or_kind(Kind::All))
}

/// What the question says of models; `None` when no model ran.
pub(super) fn select_models(a: &PageQuery, directory: &Directory, field: &Field<'_>) -> Result<Option<Selection>> {
    let ran = field.models();
    let known = |model: &ModelKey| -> Result<ModelKey> {
        directory.check_model(model)?;
        Ok(if a.q.by == By::Architecture { model.any_version() } else { model.clone() })
    };
    let named = a.q.models.iter().map(known).collect::<Result<Vec<ModelKey>>>()?;
    let Some(most) = ran.first() else { return Ok(None) };
    let baseline = match &a.q.baseline {
        Some(model) => known(model)?,
        // Where most records are is what runs today.
        None => named.iter().find(|m| ran.iter().any(|r| r.0 == *m)).unwrap_or(most.0).clone(),
    };
    if !ran.iter().any(|r| *r.0 == baseline) {
        return Err(Error::bad_input(refusals::no_records(clip(&baseline.key()))));
    }
    let chosen: Vec<ModelKey> = if named.is_empty() {
        // Those that ran where the baseline ran say most.
        let mut others = field.challengers(&baseline);
        others.sort_by_key(|(_, shared, n)| std::cmp::Reverse((*shared, *n)));
        let meet = others.iter().filter(|c| c.1 > 0).count().max(1);
        others.into_iter().take(meet.min(USUAL_MODELS - 1)).map(|c| c.0.clone()).collect()
    } else {
        named.into_iter().filter(|m| *m != baseline).collect()
    };
    if chosen.len() >= MOST_MODELS {
        return Err(Error::bad_input(refusals::too_many(MOST_MODELS)));
    }
    Ok(Some(Selection { baseline, chosen }))
}

/// The metric of the strip and of the finding: the one asked for, else mAP50, else the first there is.
pub(super) fn lead(a: &PageQuery, report: &FieldReport) -> Result<usize> {
    let find = |key: &str| report.metrics.iter().position(|m| m.key.eq_ignore_ascii_case(key));
    match &a.q.metric {
        Some(key) => find(key).ok_or_else(|| unknown_metric(key)),
        None => Ok(find("mAP50").unwrap_or(0)),
    }
}

/// What the files behind the page need: the same comparison, unformatted.
pub struct Compared {
    pub report: FieldReport,
    pub contenders: Vec<Contender>,
    pub sites: Vec<SiteContest>,
    pub lead: usize,
    pub places: Places,
}

/// The comparison as data, for CSV.
///
/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn data(services: &Services, request: &Request, ask: Ask) -> Result<Compared> {
    let a = read(services, request, ask).await?;
    let directory = services.metrics.directory();
    let report = services.metrics.field_report(&a.q.comparison()).await?;
    let lead = if report.metrics.is_empty() { 0 } else { lead(&a, &report)? };
    let (contenders, sites) = {
        let field = Field::of(&report, a.q.by);
        match select_models(&a, &directory, &field)?.filter(|_| !report.metrics.is_empty()) {
            Some(selection) => {
                let contenders = field.contenders(&selection.baseline, &selection.chosen);
                let sites = field.sites(lead, &contenders, a.q.places);
                (contenders, sites)
            }
            None => (vec![], vec![]),
        }
    };
    Ok(Compared { report, contenders, sites, lead, places: a.q.places })
}
