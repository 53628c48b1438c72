//! The best model of the fleet under limits, device by device, at the same places as a baseline.

use domain::{
    Error, Result,
    choice::Limit,
    compare::{ComparedModel, ModelGrouping, ModelResults, PlacePairing, SiteComparison},
    metric::Metric,
    model::ModelKey,
    query::{ComparisonQuery, FieldReport, MetricSelection, unknown_metric},
    scope::{Scope, clip_text},
    student::half_width_95,
    text::Name,
    time::{Millis, TimeRange},
};

use super::{Bound, LimitQuery, PickAnswer, PickCandidate, PickMeasure, PickedValue, check_count};
use crate::{Metrics, sentences};

/// What is chosen among.
#[derive(Debug, Clone)]
pub struct FleetPickQuery {
    /// With a device, of that one alone; without, of each device by itself.
    pub scope: Scope,
    pub range: TimeRange,
    /// The metric that is chosen by.
    pub best: String,
    /// What it is held against.
    pub cost: Option<String>,
    pub limits: Vec<LimitQuery>,
    /// The one with most records where nobody says which.
    pub baseline: Option<ModelKey>,
    pub by: ModelGrouping,
}

/// The answer for each device.
#[derive(Debug, Clone)]
pub struct FleetPick {
    pub as_of: Millis,
    pub simulated: bool,
    /// The devices with most records first; one without a device where no record names one.
    pub devices: Vec<DevicePick>,
}

/// The answer for one device.
#[derive(Debug, Clone)]
pub struct DevicePick {
    pub device: Option<Name>,
    pub baseline: ModelKey,
    /// Over how many records all of this is.
    pub n: u64,
    pub answer: PickAnswer,
    /// Models that ran on the device, but never where the baseline did: they cannot be ranked beside it.
    pub unranked: Vec<(ModelKey, u64)>,
}

impl Metrics {
    /// Picks a model. A value is the baseline's over all its zones plus the model's difference at the zones where both ran (ω = W_a·W_b/(W_a+W_b));
    /// the interval is over the means of sites.
    ///
    /// # Errors
    /// `BadInput` for a metric that nobody knows, a baseline that did not run, and for too many limits; `NotFound` where no model ran;
    /// otherwise as [`Metrics::field_report`].
    pub async fn pick(&self, query: &FleetPickQuery) -> Result<FleetPick> {
        check_count(&query.limits)?;
        let directory = self.directory();
        directory.check(&query.scope)?;
        let baseline = query.baseline.as_ref().map(|model| directory.links.canonical(model));
        let query = &FleetPickQuery { baseline, ..query.clone() };
        let keys = [Some(&query.best), query.cost.as_ref()];
        let mut wanted: Vec<String> = vec![];
        for key in keys.into_iter().flatten().chain(query.limits.iter().map(|l| &l.metric)) {
            if !wanted.iter().any(|w| w.eq_ignore_ascii_case(key)) {
                wanted.push(key.clone());
            }
        }
        let devices: Vec<Option<Name>> = match &query.scope.device {
            Some(device) => vec![Some(device.clone())],
            None if directory.devices.is_empty() => vec![None],
            None => directory.devices.keys().cloned().map(Some).collect(),
        };
        let mut picks = vec![];
        let (mut as_of, mut simulated) = (query.range.to(), false);
        let mut unmeasured: Option<Error> = None;
        for device in devices {
            let scope = Scope { device: device.clone(), ..query.scope.clone() };
            let metrics = MetricSelection::Only(wanted.clone());
            let report = self.field_report(&ComparisonQuery { scope, range: query.range, metrics }).await?;
            (as_of, simulated) = (report.as_of, simulated | report.simulated);
            // What one device did not measure another one may have.
            match wanted.iter().find(|key| position(&report, key).is_none()) {
                Some(key) if !report.cells.is_empty() => unmeasured = Some(unknown_or_unmeasured(&report, key)),
                _ => picks.extend(device_pick(query, &report, device)?),
            }
        }
        if picks.is_empty() {
            let none = || match &query.baseline {
                Some(model) => Error::bad_input(sentences::baseline_did_not_run(clip_text(&model.key()))),
                None => Error::not_found(sentences::pick_no_models()),
            };
            return Err(unmeasured.unwrap_or_else(none));
        }
        picks.sort_by_key(|p| std::cmp::Reverse(p.n));
        Ok(FleetPick { as_of, simulated, devices: picks })
    }
}

/// `None` where no model ran, or not the baseline that is named.
fn device_pick(query: &FleetPickQuery, report: &FieldReport, device: Option<Name>) -> Result<Option<DevicePick>> {
    let field = ModelResults::of(report, query.by);
    let ran = field.models();
    let Some(first) = ran.first() else { return Ok(None) };
    let baseline = match &query.baseline {
        None => first.0.clone(),
        Some(model) => {
            let model = if query.by == ModelGrouping::Architecture { model.any_version() } else { model.clone() };
            if !ran.iter().any(|r| *r.0 == model) {
                // On another device it may have.
                return match device {
                    Some(_) if query.scope.device.is_none() => Ok(None),
                    _ => Err(Error::bad_input(sentences::baseline_did_not_run(clip_text(&model.key())))),
                };
            }
            model
        }
    };
    let mut measures: Vec<(usize, PickMeasure)> = vec![];
    let mut measure = |key: &str| -> Result<usize> {
        let at = position(report, key).ok_or_else(|| unknown_or_unmeasured(report, key))?;
        Ok(measures.iter().position(|m| m.0 == at).unwrap_or_else(|| {
            let metric: Metric = report.metrics[at].clone();
            measures.push((at, PickMeasure { key: metric.key.to_string(), direction: metric.direction, metric }));
            measures.len() - 1
        }))
    };
    measure(&query.best)?;
    if let Some(cost) = &query.cost {
        measure(cost)?;
    }
    let places = query.limits.iter().map(|l| measure(&l.metric)).collect::<Result<Vec<usize>>>()?;
    let challengers = field.challengers(&baseline);
    let shared: Vec<ModelKey> = challengers.iter().filter(|c| c.1 > 0).map(|c| c.0.clone()).collect();
    let unranked = challengers.iter().filter(|c| c.1 == 0).map(|c| (c.0.clone(), c.2)).collect();
    let compared = field.compared_models(&baseline, &shared);
    let sites: Vec<Vec<SiteComparison>> =
        measures.iter().map(|(at, _)| field.sites(*at, &compared, PlacePairing::Same)).collect();
    let candidates: Vec<PickCandidate> = compared
        .iter()
        .enumerate()
        .map(|(i, c)| PickCandidate {
            name: c.model.to_string(),
            id: c.model.key(),
            values: measures.iter().zip(&sites).map(|((at, _), sites)| value(&compared, i, *at, sites)).collect(),
        })
        .collect();
    let limits = query.limits.iter().zip(places).map(|(limit, measure)| {
        let bound = match limit.bound {
            Bound::Value(v) => v,
            Bound::FromBaseline(by) => {
                let base = candidates.first().and_then(|c| c.values[measure]).map(|v| v.value);
                let key = &measures[measure].1.key;
                let none = || Error::bad_input(sentences::baseline_without(clip_text(&baseline.key()), clip_text(key)));
                base.ok_or_else(none)? + by
            }
        };
        Ok(Limit { measure, side: limit.side, bound })
    });
    let limits = limits.collect::<Result<Vec<Limit>>>()?;
    let n = compared.iter().map(|c| c.n).sum();
    let measures = measures.into_iter().map(|m| m.1).collect();
    Ok(Some(DevicePick { device, baseline, n, answer: PickAnswer::of(measures, limits, candidates), unranked }))
}

/// A metric of the report by its key, in any case.
fn position(report: &FieldReport, key: &str) -> Option<usize> {
    report.metrics.iter().position(|m| m.key.eq_ignore_ascii_case(key))
}

fn unknown_or_unmeasured(report: &FieldReport, key: &str) -> Error {
    let known = domain::metric::built_in(key).is_some() || report.present.iter().any(|p| p.eq_ignore_ascii_case(key));
    if known { Error::bad_input(sentences::metric_not_measured(clip_text(key))) } else { unknown_metric(key) }
}

/// What a model has of a metric; the baseline is the first one.
fn value(compared: &[ComparedModel], i: usize, metric: usize, sites: &[SiteComparison]) -> Option<PickedValue> {
    let base = compared.first()?.figures[metric].value?;
    let figure = &compared[i].figures[metric];
    let value = if i == 0 { base } else { base + figure.delta(PlacePairing::Same)? };
    // At the same places: of each site the model's mean there.
    let means = sites.iter().filter_map(|s| {
        let figure = s.figures.get(i)?;
        if i == 0 { figure.value } else { figure.same.map(|d| d.ours) }
    });
    let means: Vec<f64> = means.collect();
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let variance = means.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let sites = means.len() as u64;
    let half_width = if sites >= 2 { half_width_95(sites, variance) } else { None };
    Some(PickedValue { value, n: figure.n, sites, half_width })
}
