//! How versions do in the field: the records of the last thirty days, by version.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ErrorKind, Result,
    aggregate::WeightedMean,
    metric::Metric,
    model::ModelKey,
    query::{ComparisonQuery, MetricSelection},
    registry::{ModelName, Version},
    scope::{ExperimentKind, Place, Scope},
    student::half_width_95,
    text::Name,
    time::{MINUTE, Millis, TimeRange},
};
use leptos::prelude::*;

use super::words;
use crate::{shell::context::Services, ui::fmt::Fmt};

/// So many days of records are looked at.
pub(super) const DAYS: u32 = 30;
/// By which of them a version is told, the first that its records have.
const METRICS: [&str; 6] = ["mAP50", "hota", "mota", "idf1", "recall", "precision"];

/// What records say of versions.
#[derive(Debug, Default)]
pub(super) struct FieldRecords {
    versions: BTreeMap<(String, Version), FieldVersion>,
}

/// What records say of a version.
#[derive(Debug)]
pub(super) struct FieldVersion {
    pub n: u64,
    /// Where it ran, most records first.
    pub sites: Vec<(Scope, u64)>,
    /// `None` where its records have none of the usual metrics.
    pub value: Option<FieldValue>,
}

/// A metric of a version in the field.
#[derive(Debug)]
pub(super) struct FieldValue {
    pub metric: Metric,
    pub value: f64,
    /// Half of the 95 % interval by what sites differ; `None` with one site.
    pub half: Option<f64>,
    pub n: u64,
    pub sites: usize,
}

/// The days up to now, to the minute: pages that are opened together ask the same.
pub(super) fn range(now: Millis) -> Result<TimeRange> {
    TimeRange::last_days(DAYS, Millis((now.0.div_euclid(MINUTE) + 1) * MINUTE))
}

/// The records of registered versions of one kind. Where they cannot be read just now nothing is known: the page stays.
pub(super) async fn load(services: &Services, now: Millis, kind: ExperimentKind) -> Result<FieldRecords> {
    load_between(services, range(now)?, kind).await
}

/// The same of another range.
pub(super) async fn load_between(services: &Services, range: TimeRange, kind: ExperimentKind) -> Result<FieldRecords> {
    let scope = Scope { kind, ..Scope::default() };
    let query = ComparisonQuery { scope, range, metrics: MetricSelection::only(METRICS) };
    let report = match services.metrics.field_report(&query).await {
        Ok(report) => report,
        Err(e) if e.kind == ErrorKind::Internal => return Err(e),
        Err(_) => return Ok(FieldRecords::default()),
    };
    let order: Vec<usize> =
        METRICS.iter().filter_map(|key| report.metrics.iter().position(|m| m.key.eq_ignore_ascii_case(key))).collect();
    let mut sums: BTreeMap<(String, Version), Sums> = BTreeMap::new();
    for cell in &report.cells {
        let Some(ModelKey::Registered(registered)) = &cell.model else { continue };
        let version = registered.version.as_ref().and_then(|v| Version::parse(v.as_str()).ok());
        let Some(version) = version else { continue };
        let sum = sums.entry((registered.name.to_string(), version)).or_default();
        sum.n += cell.n;
        let Place { customer, site, .. } = &cell.place;
        let site = sum.sites.entry((customer.clone(), site.clone())).or_default();
        site.n += cell.n;
        site.values.resize(report.metrics.len(), WeightedMean::default());
        for (into, value) in site.values.iter_mut().zip(&cell.values) {
            into.merge(value.mean());
        }
    }
    let versions = sums.into_iter().map(|(key, sum)| (key, sum.finished(&report.metrics, &order))).collect();
    Ok(FieldRecords { versions })
}

#[derive(Debug, Default)]
struct SiteSums {
    n: u64,
    values: Vec<WeightedMean>,
}

#[derive(Debug, Default)]
struct Sums {
    n: u64,
    sites: BTreeMap<(Name, Option<Name>), SiteSums>,
}

impl Sums {
    fn finished(self, metrics: &[Metric], order: &[usize]) -> FieldVersion {
        let value = order.iter().find_map(|i| self.value(*i, metrics.get(*i)?));
        let scope = |(customer, site): &(Name, Option<Name>)| Scope {
            customer: Some(customer.clone()),
            site: site.clone(),
            ..Scope::default()
        };
        let mut sites: Vec<(Scope, u64)> = self.sites.iter().map(|(place, s)| (scope(place), s.n)).collect();
        sites.sort_by_key(|s| std::cmp::Reverse(s.1));
        FieldVersion { n: self.n, sites, value }
    }

    fn value(&self, at: usize, metric: &Metric) -> Option<FieldValue> {
        let mut all = WeightedMean::default();
        let mut means = vec![];
        for mean in self.sites.values().filter_map(|s| s.values.get(at)) {
            all.merge(mean);
            means.extend(mean.value());
        }
        let count = means.len() as f64;
        let middle = means.iter().sum::<f64>() / count;
        let variance = means.iter().map(|m| (m - middle).powi(2)).sum::<f64>() / (count - 1.0);
        Some(FieldValue {
            metric: metric.clone(),
            value: all.value()?,
            half: half_width_95(means.len() as u64, variance),
            n: all.n,
            sites: means.len(),
        })
    }
}

impl FieldRecords {
    pub fn version(&self, model: &ModelName, version: Version) -> Option<&FieldVersion> {
        self.versions.get(&(model.to_string(), version))
    }

    /// The versions of a model that have records.
    pub fn of_model(&self, model: &ModelName) -> impl Iterator<Item = (Version, &FieldVersion)> {
        self.versions.iter().filter(move |((name, _), _)| name == model.as_str()).map(|((_, v), field)| (*v, field))
    }

    /// The metric by which most versions of a model are told.
    pub fn metric(&self, model: &ModelName) -> Option<&Metric> {
        let of_model = self.versions.iter().filter(|((name, _), _)| name == model.as_str());
        let found: BTreeSet<usize> = of_model
            .filter_map(|(_, v)| {
                let key = &v.value.as_ref()?.metric.key;
                METRICS.iter().position(|m| m.eq_ignore_ascii_case(key))
            })
            .collect();
        let key = METRICS.get(*found.first()?)?;
        let values = self.versions.values().filter_map(|v| v.value.as_ref());
        values.map(|v| &v.metric).find(|m| m.key.eq_ignore_ascii_case(key))
    }
}

/// "mAP50 0.812 ± 0.021".
pub(super) fn figure(fmt: &Fmt, value: &FieldValue) -> String {
    let number = fmt.with_unit(Some(value.value), &value.metric);
    let half = value.half.map(|half| format!(" ± {}", fmt.decimal(half, value.metric.precision)));
    format!("{} {number}{}", fmt.label(&value.metric), half.unwrap_or_default())
}

/// A version in the field: its metric, and on how much that stands.
pub(super) fn cell(fmt: &Fmt, version: Option<&FieldVersion>) -> AnyView {
    let lang = fmt.lang;
    match version {
        None => view! { <span class="quiet">{words::no_records(lang)}</span> }.into_any(),
        Some(FieldVersion { value: Some(value), .. }) => {
            let stands = words::stands_on(lang, fmt.count(value.n), value.sites);
            view! { {figure(fmt, value)}<small class="quiet">{stands}</small> }.into_any()
        }
        Some(version) => {
            let stands = words::stands_on(lang, fmt.count(version.n), version.sites.len());
            view! { <small class="quiet">{stands}</small> }.into_any()
        }
    }
}
