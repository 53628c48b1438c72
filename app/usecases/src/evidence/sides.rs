//! The records of both sides, as cells.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    Result,
    cells::{Detail, Dimension, Filter, MetricDetail, NameTable, QueryPart},
    evidence::{Cells, QuantileDifference, Registration, Series, Side, SiteValues, quantile_difference},
    metric::{CATALOGUE, Metric},
    model::ModelKey,
    query::{MetricSelection, SelectedMetrics},
    reducers::{CellReducer, evidence as reducer},
    scope::Scope,
    sketch::QuantileSketch,
    text::Name,
    time::{Millis, TimeRange},
};
use futures::TryStreamExt;

use crate::query_runner::QueryRunner;

/// The quantile that latencies are shown with beside their mean.
const TAIL: f64 = 0.95;

/// What a judgement is made of.
pub(super) struct Sides {
    pub cells: Cells,
    pub quantiles: Vec<Quantile>,
}

pub(super) struct Quantile {
    pub metric: Metric,
    pub q: f64,
    pub difference: QuantileDifference,
}

/// The metrics of a judgement: those of the catalogue that the scope has, and whatever the registration names.
pub(super) fn metrics_of(
    runner: &QueryRunner<'_>,
    registration: &Registration,
    ranges: &[TimeRange],
) -> Result<SelectedMetrics> {
    let view = runner.view();
    let named = std::iter::once(registration.primary.as_str())
        .chain(registration.claims.iter().map(String::as_str))
        .chain(registration.rails.metrics());
    let keys: Vec<&str> = CATALOGUE.iter().map(|m| &*m.key).chain(named).collect();
    let mut chosen = view.select_metrics(&MetricSelection::only(keys), &registration.scope, ranges);
    if !chosen.metrics.iter().any(|(m, _)| m.key.eq_ignore_ascii_case(&registration.primary)) {
        // It is asked about, whether the scope has it or not.
        chosen.metrics.push(view.directory().metric(&registration.primary)?);
    }
    Ok(chosen)
}

/// The cells of both sides over some ranges; with a period to judge quantiles in, these too.
pub(super) async fn load(
    runner: &QueryRunner<'_>,
    registration: &Registration,
    ranges: &[TimeRange],
    tails: Option<TimeRange>,
    chosen: &SelectedMetrics,
) -> Result<Sides> {
    let latencies = MetricSelection::latencies();
    let tailed: Vec<&Column> =
        chosen.metrics.iter().filter(|(m, _)| tails.is_some() && latencies.contains(&m.key)).collect();
    let side = |side, model| one_side(runner, registration, ranges, tails, chosen, &tailed, (side, model));
    // Registered before a registry knew of them, they are counted under other names now.
    let view = runner.view();
    let links = &view.directory().links;
    let (champion, challenger) = (links.canonical(&registration.champion), links.canonical(&registration.challenger));
    let (champion, challenger) =
        futures::future::try_join(side(Side::Champion, &champion), side(Side::Challenger, &challenger)).await?;
    let mut sketches: BTreeMap<SiteKey, [Vec<QuantileSketch>; 2]> = BTreeMap::new();
    let (mut series, of_champion) = champion;
    for (site, found) in of_champion {
        sketches.entry(site).or_default()[0] = found;
    }
    series.extend(challenger.0);
    for (site, found) in challenger.1 {
        sketches.entry(site).or_default()[1] = found;
    }
    let cells = Cells::new(chosen.metrics.len(), series);
    let tail = |(i, (metric, _)): (usize, &&(Metric, _))| {
        let values: Vec<SiteValues<'_>> = sketches
            .iter()
            .filter_map(|((customer, site), [champion, challenger])| {
                let (champion, challenger) = (champion.get(i)?, challenger.get(i)?);
                Some(SiteValues { customer, site: site.as_ref(), champion, challenger })
            })
            .collect();
        let difference = quantile_difference(&values, TAIL)?;
        Some(Quantile { metric: metric.clone(), q: TAIL, difference })
    };
    let quantiles = tailed.iter().enumerate().filter_map(tail).collect();
    Ok(Sides { cells, quantiles })
}

type SiteKey = (Name, Option<Name>);
/// A metric with the column of its values.
type Column = (Metric, domain::query::MetricColumn);

/// The days of a side, and by site the sketches of the metrics that are judged by their tail.
async fn one_side(
    runner: &QueryRunner<'_>,
    registration: &Registration,
    ranges: &[TimeRange],
    tails: Option<TimeRange>,
    chosen: &SelectedMetrics,
    tailed: &[&Column],
    (side, model): (Side, &ModelKey),
) -> Result<(Vec<Series>, Vec<(SiteKey, Vec<QuantileSketch>)>)> {
    let mut query = reducer::cells_query(side, model, &registration.scope, ranges, chosen, tails.is_some());
    let own_parts = query.parts.len();
    if let (Some(period), false) = (tails, tailed.is_empty()) {
        let full = tailed.iter().map(|(_, column)| MetricDetail::new(column.clone(), Detail::Full));
        let by = [Dimension::Customer, Dimension::Site];
        query.parts.push(QueryPart::over(period).group_by(by).with_metrics(full));
    }
    let mut answer = runner.cells("evidence", query.clone()).await?;
    let mut sums = reducer::Reducer::new(side, &query, Arc::clone(&answer.words));
    let mut sketches = vec![];
    while let Some(group) = answer.groups.try_next().await? {
        if group.part < own_parts {
            sums.take(group);
            continue;
        }
        let words: &NameTable = &answer.words;
        let Some(customer) = words.name(&group.key, Dimension::Customer).cloned() else { continue };
        let site = (customer, words.name(&group.key, Dimension::Site).cloned());
        let of = |values: &domain::cells::MetricValues| {
            values.sums.aggregate(0).map_or_else(QuantileSketch::default, |a| a.sketch.clone())
        };
        sketches.push((site, group.cells.metrics.iter().map(of).collect()));
    }
    Ok((sums.finish(), sketches))
}

/// The moment of a model's first record in a scope.
pub(super) async fn first_record(
    runner: &QueryRunner<'_>,
    model: &ModelKey,
    scope: Scope,
    within: TimeRange,
) -> Result<Option<Millis>> {
    let query = domain::cells::CellsQuery {
        filter: Filter { scope, models: vec![model.clone()], ..Filter::default() },
        parts: vec![QueryPart::over(within)],
    };
    let mut answer = runner.cells("first record", query).await?;
    let mut first = None;
    while let Some(group) = answer.groups.try_next().await? {
        first = group.cells.first.iter().copied().chain(first).min();
    }
    Ok(first)
}
