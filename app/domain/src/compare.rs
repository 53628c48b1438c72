//! Models side by side: what each did, and how it differs from a baseline, everywhere or only where both ran. The
//! arithmetic alone; whether a difference is decisive is decided elsewhere (paired evidence, at promotion).

use std::{
    borrow::Cow,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

#[cfg(feature = "evidence")]
mod judged;

pub use crate::paired::{PairedDifference, PairedSums, overlap_weight};
use crate::{
    aggregate::{Aggregate, WeightedMean},
    error::{Error, Result},
    metric::{ChangeVerdict, Metric},
    model::ModelKey,
    query::{FieldReport, MetricChange},
    scope::{Place, clip_text},
    sentences,
    text::Name,
    time::{Day, Millis},
};

/// Models that one picture can hold.
pub const MAX_MODELS: usize = 8;

/// Which places a difference counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlacePairing {
    /// Only zones where both the model and the baseline reported the metric, each compared with itself.
    #[default]
    Same,
    /// Every zone of either: where a model ran weighs in as well as how it did.
    All,
}

impl PlacePairing {
    /// # Errors
    /// Names the two accepted words.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "same" => Ok(Self::Same),
            "all" => Ok(Self::All),
            _ => Err(Error::bad_input(sentences::bad_places(clip_text(text)))),
        }
    }
}

/// What counts as one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelGrouping {
    #[default]
    Version,
    /// All versions of an architecture together.
    Architecture,
}

impl ModelGrouping {
    /// # Errors
    /// Names the two accepted words.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "version" => Ok(Self::Version),
            "architecture" => Ok(Self::Architecture),
            _ => Err(Error::bad_input(sentences::bad_by(clip_text(text)))),
        }
    }
}

/// One model of the field.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedModel {
    pub model: ModelKey,
    pub n: u64,
    pub zones: usize,
    /// Zones where the baseline ran as well; in how many of these the two ran on different UTC days, or devices.
    pub shared: usize,
    pub other_days: usize,
    pub other_devices: usize,
    pub first: Millis,
    pub last: Millis,
    /// By [`FieldReport::metrics`].
    pub figures: Vec<ComparedMetric>,
}

/// How a model did in one metric, and how that differs from the baseline.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ComparedMetric {
    /// Over every zone of the model: Σwx/Σw.
    pub value: Option<f64>,
    pub n: u64,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    /// The model's value minus the baseline's, over every zone of either.
    pub everywhere: Option<f64>,
    /// The two over the zones where both reported this metric.
    pub same: Option<PairedDifference>,
    /// Whether the difference at the same places is more than noise, where that was looked at.
    pub judged: Option<MetricChange>,
}

impl ComparedMetric {
    #[must_use]
    pub fn delta(&self, places: PlacePairing) -> Option<f64> {
        match places {
            PlacePairing::Same => self.same.map(|s| s.delta),
            PlacePairing::All => self.everywhere,
        }
    }

    /// What compared models of a site are ranked by: at the same places the difference to the baseline, whose own is zero;
    /// everywhere the value.
    #[must_use]
    pub fn rank(&self, places: PlacePairing) -> Option<f64> {
        match places {
            PlacePairing::Same => self.delta(places),
            PlacePairing::All => self.value,
        }
    }

    /// What the difference everywhere owes to where the two ran, and how much in each place: it minus the one at the same
    /// places. Zero where both ran in the same zones, with the same shares of their samples.
    #[must_use]
    pub fn mix(&self) -> Option<f64> {
        Some(self.everywhere? - self.same?.delta)
    }
}

/// One site in one metric: what each model did there.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteComparison {
    pub customer: Name,
    pub site: Option<Name>,
    /// By compared model, over the zones of the site; without quantiles.
    pub figures: Vec<ComparedMetric>,
    /// The compared model that did best by [`ComparedMetric::rank`], where at least two can be compared, the metric has a direction and the
    /// lead matters.
    pub best: Option<usize>,
}

/// A model in one place.
#[derive(Debug, Clone)]
struct ZoneResult<'r> {
    values: Cow<'r, [Aggregate]>,
    days: Cow<'r, BTreeSet<Day>>,
    devices: Cow<'r, BTreeSet<Box<str>>>,
}

/// By place, what is known of a model.
type Cells<'r> = BTreeMap<&'r Place, ZoneResult<'r>>;

/// The results of a field report, by model.
#[derive(Debug)]
pub struct ModelResults<'r> {
    report: &'r FieldReport,
    /// Most records first.
    models: Vec<(ModelKey, Cells<'r>, u64, Millis, Millis)>,
}

impl<'r> ModelResults<'r> {
    /// Rows that name no model count for nothing.
    #[must_use]
    pub fn of(report: &'r FieldReport, by: ModelGrouping) -> Self {
        let mut found: BTreeMap<ModelKey, (Cells<'r>, u64, Millis, Millis)> = BTreeMap::new();
        for cell in &report.cells {
            let Some(model) = &cell.model else { continue };
            let model = if by == ModelGrouping::Version { model.clone() } else { model.any_version() };
            let entry = found.entry(model).or_insert_with(|| (Cells::new(), 0, cell.first, cell.last));
            match entry.0.get_mut(&cell.place) {
                Some(ran) => {
                    ran.values.to_mut().iter_mut().zip(&cell.values).for_each(|(a, b)| a.merge(b));
                    ran.days.to_mut().extend(&cell.days);
                    ran.devices.to_mut().extend(cell.devices.iter().cloned());
                }
                None => {
                    let ran = ZoneResult {
                        values: Cow::Borrowed(&cell.values),
                        days: Cow::Borrowed(&cell.days),
                        devices: Cow::Borrowed(&cell.devices),
                    };
                    entry.0.insert(&cell.place, ran);
                }
            }
            entry.1 += cell.n;
            entry.2 = entry.2.min(cell.first);
            entry.3 = entry.3.max(cell.last);
        }
        let mut models: Vec<_> = found.into_iter().map(|(m, (cells, n, f, l))| (m, cells, n, f, l)).collect();
        models.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
        Self { report, models }
    }

    /// Every model that ran, with the number of its records, most first.
    #[must_use]
    pub fn models(&self) -> Vec<(&ModelKey, u64)> {
        self.models.iter().map(|m| (&m.0, m.2)).collect()
    }

    /// Every other model that ran: the number of zones where the baseline ran as well, and of its records.
    #[must_use]
    pub fn challengers(&self, baseline: &ModelKey) -> Vec<(&ModelKey, usize, u64)> {
        let Some(base) = self.models.iter().find(|m| m.0 == *baseline) else { return vec![] };
        let others = self.models.iter().filter(|m| m.0 != *baseline);
        others.map(|m| (&m.0, shared_places(&m.1, &base.1), m.2)).collect()
    }

    /// The chosen models against the baseline, which comes first. Models that did not run are left out.
    #[must_use]
    pub fn compared_models(&self, baseline: &ModelKey, chosen: &[ModelKey]) -> Vec<ComparedModel> {
        let Some(base) = self.models.iter().find(|m| m.0 == *baseline) else { return vec![] };
        let mut seen = BTreeSet::from([baseline]);
        let others = chosen.iter().filter(|m| seen.insert(m)).filter_map(|m| self.models.iter().find(|x| x.0 == *m));
        std::iter::once(base)
            .chain(others)
            .map(|m| {
                let zones = zone_pairs(&m.1, &base.1);
                ComparedModel {
                    model: m.0.clone(),
                    n: m.2,
                    zones: m.1.len(),
                    shared: zones.iter().filter(|z| z.ours.is_some() && z.base.is_some()).count(),
                    other_days: zones.iter().filter(|z| z.other_days).count(),
                    other_devices: zones.iter().filter(|z| z.other_devices).count(),
                    first: m.3,
                    last: m.4,
                    figures: (0..self.report.metrics.len()).map(|i| metric_with_quantiles(i, &zones)).collect(),
                }
            })
            .collect()
    }

    /// Where which compared model wins, in one metric; sites in order of customer and name.
    #[must_use]
    pub fn sites(&self, metric: usize, compared_models: &[ComparedModel], places: PlacePairing) -> Vec<SiteComparison> {
        let cells: Vec<&Cells<'r>> =
            compared_models.iter().filter_map(|c| self.models.iter().find(|m| m.0 == c.model).map(|m| &m.1)).collect();
        let Some(base) = cells.first() else { return vec![] };
        let kind = &self.report.metrics[metric];
        let mut found: BTreeMap<SiteKey<'r>, Vec<ComparedMetric>> = BTreeMap::new();
        for (i, c) in cells.iter().enumerate() {
            // By place, so that the zones of a site lie together.
            for zones in zone_pairs(c, base).chunk_by(|x, y| x.site() == y.site()) {
                let figures =
                    found.entry(zones[0].site()).or_insert_with(|| vec![ComparedMetric::default(); cells.len()]);
                figures[i] = metric_of_zones(metric, zones);
            }
        }
        found
            .into_iter()
            .filter(|(_, figures)| figures.iter().any(|f| f.value.is_some()))
            .map(|((customer, site), figures)| SiteComparison {
                customer: customer.clone(),
                site: site.clone(),
                best: best(kind, &figures, places),
                figures,
            })
            .collect()
    }
}

type SiteKey<'r> = (&'r Name, &'r Option<Name>);

/// The best model. Of several models each difference stands on its own zones; the baseline is what they have in common.
fn best(metric: &Metric, figures: &[ComparedMetric], places: PlacePairing) -> Option<usize> {
    let known: Vec<(usize, f64)> = figures.iter().enumerate().filter_map(|(i, f)| Some((i, f.rank(places)?))).collect();
    let better = |a: f64, b: f64| metric.direction.judge(a - b) == ChangeVerdict::Better;
    let (first, rest) = known.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let top = rest.iter().fold(*first, |top, k| if better(k.1, top.1) { *k } else { top });
    // Equals have no winner, and a lead too small to matter is none: beside it the differences read "negligible".
    let level = |k: &(usize, f64)| match places {
        PlacePairing::Same => figures.first().and_then(|f| f.value),
        PlacePairing::All => Some(k.1),
    };
    let leads = |k: &(usize, f64)| better(top.1, k.1) && metric.exceeds_smallest_effect(top.1 - k.1, level(k));
    known.iter().all(|k| k.0 == top.0 || leads(k)).then_some(top.0)
}

/// In how many places both ran.
fn shared_places(ours: &Cells<'_>, base: &Cells<'_>) -> usize {
    ours.keys().filter(|p| base.contains_key(*p)).count()
}

/// A zone in which at least one of the two ran.
#[derive(Debug, Clone, Copy)]
struct ZonePair<'f, 'r> {
    place: &'r Place,
    ours: Option<&'f ZoneResult<'r>>,
    base: Option<&'f ZoneResult<'r>>,
    other_days: bool,
    other_devices: bool,
}

impl<'r> ZonePair<'_, 'r> {
    fn site(&self) -> SiteKey<'r> {
        (&self.place.customer, &self.place.site)
    }
}

/// The zones of either, by place: two lists in order, merged.
fn zone_pairs<'f, 'r>(ours: &'f Cells<'r>, base: &'f Cells<'r>) -> Vec<ZonePair<'f, 'r>> {
    let mut zones = Vec::with_capacity(ours.len().max(base.len()));
    let (mut ours, mut base) = (ours.iter().peekable(), base.iter().peekable());
    loop {
        let order = match (ours.peek(), base.peek()) {
            (Some(b), Some(a)) => b.0.cmp(a.0),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let b = if order.is_le() { ours.next() } else { None };
        let a = if order.is_ge() { base.next() } else { None };
        let Some((place, _)) = b.or(a) else { return zones };
        let (ours, base) = (b.map(|b| b.1), a.map(|a| a.1));
        let differ = |by: fn(&ZoneResult<'r>, &ZoneResult<'r>) -> bool| ours.zip(base).is_some_and(|(b, a)| by(b, a));
        let other_days = differ(|b, a| b.days != a.days);
        let other_devices = differ(|b, a| b.devices != a.devices);
        zones.push(ZonePair { place, ours, base, other_days, other_devices });
    }
}

/// A model's figure over some zones; without quantiles, which are no matter of means.
fn metric_of_zones(i: usize, zones: &[ZonePair<'_, '_>]) -> ComparedMetric {
    let (mut ours, mut base, mut pairs) = (WeightedMean::default(), WeightedMean::default(), PairedSums::default());
    for zone in zones {
        let of = |ran: Option<&ZoneResult<'_>>| ran.map(|r| *r.values[i].mean()).filter(|m| m.n > 0);
        let (b, a) = (of(zone.ours), of(zone.base));
        ours.merge(&b.unwrap_or_default());
        base.merge(&a.unwrap_or_default());
        if let (Some(b), Some(a)) = (b, a) {
            // Of any metric: a device's runtime may round a model's weights, which its accuracy feels as well.
            pairs.add(&b, &a, zone.other_days, zone.other_devices);
        }
    }
    ComparedMetric {
        value: ours.value(),
        n: ours.n,
        p50: None,
        p95: None,
        everywhere: ours.value().zip(base.value()).map(|(b, a)| b - a),
        same: pairs.difference(),
        judged: None,
    }
}

/// The same with quantiles.
fn metric_with_quantiles(i: usize, zones: &[ZonePair<'_, '_>]) -> ComparedMetric {
    let mut whole = Aggregate::default();
    zones.iter().filter_map(|z| z.ours).for_each(|ran| whole.merge(&ran.values[i]));
    let quantiles = whole.quantiles();
    ComparedMetric { p50: quantiles.map(|q| q[0]), p95: quantiles.map(|q| q[1]), ..metric_of_zones(i, zones) }
}

#[cfg(test)]
mod tests;
