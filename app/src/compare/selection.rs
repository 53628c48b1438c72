//! Which models are compared, in which metric; and the comparison as data, for files.

use domain::{
    Error, Result,
    compare::{ComparedModel, MAX_MODELS, ModelGrouping, ModelResults, PlacePairing, SiteComparison},
    model::ModelKey,
    params::QueryParams,
    query::{Directory, FieldReport, unknown_metric},
    scope::{ExperimentKind, clip_text},
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
pub(super) async fn read_query(services: &Services, request: &Request, params: QueryParams) -> Result<PageQuery> {
    Ok(PageQuery::read(services, request, params).await?.with_default_kind(ExperimentKind::All))
}

/// What the query says of models; `None` when no model ran.
pub(super) fn select_models(
    a: &PageQuery,
    directory: &Directory,
    field: &ModelResults<'_>,
) -> Result<Option<Selection>> {
    let ran = field.models();
    let known = |model: &ModelKey| -> Result<ModelKey> {
        let model = directory.model(model)?;
        Ok(if a.q.by == ModelGrouping::Architecture { model.any_version() } else { model })
    };
    let named = a.q.models.iter().map(known).collect::<Result<Vec<ModelKey>>>()?;
    let Some(most) = ran.first() else { return Ok(None) };
    let baseline = match &a.q.baseline {
        Some(model) => known(model)?,
        // Where most records are is what runs today.
        None => named.iter().find(|m| ran.iter().any(|r| r.0 == *m)).unwrap_or(most.0).clone(),
    };
    if !ran.iter().any(|r| *r.0 == baseline) {
        return Err(Error::bad_input(refusals::no_records(clip_text(&baseline.key()))));
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
    if chosen.len() >= MAX_MODELS {
        return Err(Error::bad_input(refusals::too_many(MAX_MODELS)));
    }
    Ok(Some(Selection { baseline, chosen }))
}

/// The metric of the site table and of the headline: the one asked for, else mAP50, else the first there is.
pub(super) fn leading_metric(a: &PageQuery, report: &FieldReport) -> Result<usize> {
    let find = |key: &str| report.metrics.iter().position(|m| m.key.eq_ignore_ascii_case(key));
    match &a.q.metric {
        Some(key) => find(key).ok_or_else(|| unknown_metric(key)),
        None => Ok(find("mAP50").unwrap_or(0)),
    }
}

/// What the files behind the page need: the same comparison, unformatted.
pub struct ComparisonData {
    pub report: FieldReport,
    pub compared_models: Vec<ComparedModel>,
    pub sites: Vec<SiteComparison>,
    pub leading_metric: usize,
    pub places: PlacePairing,
}

/// The comparison as data, for CSV.
///
/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn comparison_data(services: &Services, request: &Request, params: QueryParams) -> Result<ComparisonData> {
    let a = read_query(services, request, params).await?;
    let directory = services.metrics.directory();
    let report = services.metrics.field_report(&a.q.comparison()).await?;
    let leading_metric = if report.metrics.is_empty() { 0 } else { leading_metric(&a, &report)? };
    let (compared_models, sites) = {
        let field = ModelResults::of(&report, a.q.by);
        match select_models(&a, &directory, &field)?.filter(|_| !report.metrics.is_empty()) {
            Some(selection) => {
                let compared_models = field.compared_models(&selection.baseline, &selection.chosen);
                let sites = field.sites(leading_metric, &compared_models, a.q.places);
                (compared_models, sites)
            }
            None => (vec![], vec![]),
        }
    };
    Ok(ComparisonData { report, compared_models, sites, leading_metric, places: a.q.places })
}
