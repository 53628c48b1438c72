//! The three designs, and the difference of each site in them. A difference is always challenger − champion, or after − before.
//!
//! - *Concurrent*: both models on the same sites and days. A site's difference is Σω(b−a)/Σω over its shared zone × task × device × day cells,
//!   ω = W_a·W_b/(W_a+W_b).
//! - *Before/after*: each site with itself. After are the days since the challenger came there, before are as many days of the champion right
//!   before. Periods share no days, so cells are zone × task × device, with the mean of each period weighted by samples.
//! - *Difference in differences*: the same, minus what the sites without a challenger did from one period to the other.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{
    cells::{Cells, DaySums, Series, Side, SiteSeries},
    interval::{Estimate, LEAST_DF, Member, groups_differ},
};
use crate::{
    aggregate::WeightedMean,
    compare::{PairedSums, overlap_weight},
    scope::Place,
    text::Name,
    time::Day,
};

/// Below so many sites there is no verdict for the fleet; with so many customers they are the clusters.
pub const LEAST_CLUSTERS: usize = 5;
/// Customers differ where they would differ so much by chance with less than this probability.
const CUSTOMERS_DIFFER: f64 = 0.05;

/// How the two sides are set against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Design {
    Concurrent,
    BeforeAfter,
    DifferenceInDifferences,
}

/// What is looked at.
#[derive(Clone, Copy)]
pub struct Look<'q> {
    /// The number of the metric.
    pub metric: usize,
    /// The registered period as far as it has come.
    pub days: &'q Range<Day>,
    /// Only what was measured on this device; with `Some(None)`, where none is named.
    pub device: Option<Option<&'q Name>>,
    /// How much worse than the champion the challenger may be in a place, in the metric's unit, or whatever else holds by place. Places
    /// with `None` are not looked at.
    pub margin: &'q dyn Fn(&Place) -> Option<f64>,
}

/// How the sides differ at one site.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteDifference {
    pub customer: Name,
    /// `None` for what a customer's records say without naming a site.
    pub site: Option<Name>,
    /// Challenger − champion, or after − before: Σω(b−a)/Σω.
    pub difference: f64,
    /// Σωa/Σω and Σωb/Σω.
    pub champion: f64,
    pub challenger: f64,
    /// The champion's Σw at the site in the period: what the fleet is weighted by.
    pub weight: f64,
    /// Σω.
    pub overlap: f64,
    /// Σω·margin/Σω.
    pub margin: f64,
    /// Days that both have; in the designs with periods, of the later one.
    pub days: Vec<Day>,
    /// The variance that days alone give the difference; `None` with one day.
    pub noise: Option<f64>,
}

/// The differences of all sites.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences {
    pub treated: Vec<SiteDifference>,
    /// Sites without a challenger; in difference in differences alone.
    pub untreated: Vec<SiteDifference>,
}

/// What a mean over sites stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimand {
    /// A typical site: every site counts the same. Verdicts go by it.
    Site,
    /// The fleet: a site counts by the champion's samples there.
    Fleet,
}

/// What the jackknife leaves out at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterBy {
    Site,
    Customer,
}

impl Design {
    /// The one that fits: concurrent with five shared sites, else difference in differences with five untreated ones, else before/after. Where
    /// nothing is known of the time before, it is concurrent however few sites are shared.
    #[must_use]
    pub fn fitting(cells: &Cells, look: &Look<'_>) -> Self {
        let shared = differences(Self::Concurrent, cells, look).treated.len();
        if shared >= LEAST_CLUSTERS {
            return Self::Concurrent;
        }
        let periods = differences(Self::DifferenceInDifferences, cells, look);
        match (periods.treated.len(), periods.untreated.len()) {
            (0, _) if shared > 0 => Self::Concurrent,
            (_, LEAST_CLUSTERS..) => Self::DifferenceInDifferences,
            _ => Self::BeforeAfter,
        }
    }
}

/// The differences of a design, by customer and site.
#[must_use]
pub fn differences(design: Design, cells: &Cells, look: &Look<'_>) -> Differences {
    let mut found = Differences::default();
    let seam = seam(cells, look.days);
    for site in cells.sites() {
        let treated = site.of(Side::Challenger).any(|s| !s.within(look.days).is_empty());
        match design {
            Design::Concurrent => found.treated.extend(concurrent(&site, look)),
            _ if treated => found.treated.extend(periods(&site, look, Side::Challenger, seam)),
            Design::BeforeAfter => {}
            Design::DifferenceInDifferences => found.untreated.extend(periods(&site, look, Side::Champion, seam)),
        }
    }
    found
}

fn on_device(series: &Series, look: &Look<'_>) -> bool {
    look.device.is_none_or(|d| d == series.device.as_ref())
}

fn concurrent(site: &SiteSeries<'_>, look: &Look<'_>) -> Option<SiteDifference> {
    let mut sums = Sums::default();
    for (champion, challenger) in site.cells() {
        let (Some(a), Some(b)) = (champion.filter(|s| on_device(s, look)), challenger) else { continue };
        let Some(margin) = (look.margin)(&a.place) else { continue };
        let (mut ours, mut base) = (b.within(look.days).iter().peekable(), a.within(look.days).iter().peekable());
        while let (Some(b), Some(a)) = (ours.peek(), base.peek()) {
            let order = b.day.cmp(&a.day);
            if order.is_eq() {
                sums.add(&b.value(look.metric), &a.value(look.metric), margin, Some(b.day));
            }
            if order.is_le() {
                ours.next();
            }
            if order.is_ge() {
                base.next();
            }
        }
    }
    let weight = total(site, look, look.days).w;
    let days = by_day(std::mem::take(&mut sums.days));
    let noise = noise(days.iter().map(|d| (d.1, d.2 / d.1)));
    sums.finish(site, weight, days.iter().map(|d| d.0).collect(), noise)
}

/// A site before and after the day on which the later side came, or the registered period began. `None` where the challenger was there before the
/// period: such a site has no time before.
fn periods(site: &SiteSeries<'_>, look: &Look<'_>, later: Side, seam: Day) -> Option<SiteDifference> {
    let since = match later {
        Side::Challenger => site.of(later).filter_map(|s| s.within(look.days).first()).map(|d| d.day).min()?,
        Side::Champion => look.days.start,
    };
    if was_there(site, look.days) {
        return None;
    }
    let windows = Windows::of(look.days, seam, since);
    let mut sums = Sums::default();
    let (mut earlier_days, mut later_days) = (vec![], vec![]);
    for (champion, challenger) in site.cells() {
        let Some(a) = champion.filter(|s| on_device(s, look)) else { continue };
        let Some(b) = (if later == Side::Challenger { challenger } else { champion }) else { continue };
        let Some(margin) = (look.margin)(&a.place) else { continue };
        let (base, ours) = (windows.before(a, look.metric), b.sum(look.metric, &windows.after));
        if sums.add(&ours, &base, margin, None) {
            let note = |d: &DaySums| {
                let v = d.value(look.metric);
                (v.n > 0).then_some((d.day, v.w, v.wx))
            };
            earlier_days.extend(windows.before.iter().flat_map(|w| a.within(w)).filter_map(note));
            later_days.extend(b.within(&windows.after).iter().filter_map(note));
        }
    }
    let of = |days: &[(Day, f64, f64)]| noise(days.iter().map(|d| (d.1, d.2 / d.1)));
    let (earlier_days, later_days) = (by_day(earlier_days), by_day(later_days));
    let noise = of(&earlier_days).zip(of(&later_days)).map(|(a, b)| a + b);
    let weight = windows.before.iter().map(|w| total(site, look, w).w).sum();
    sums.finish(site, weight, later_days.iter().map(|d| d.0).collect(), noise)
}

/// Whether the challenger was at a site before the period, as far as the cells reach.
fn was_there(site: &SiteSeries<'_>, days: &Range<Day>) -> bool {
    site.of(Side::Challenger).filter_map(|s| s.days.first()).any(|d| d.day < days.start)
}

/// The end of the time before: the day behind the last one before the period that anybody has records of. Where a registration superseded another,
/// what lies between the challenger's coming and the period is not loaded.
fn seam(cells: &Cells, days: &Range<Day>) -> Day {
    let last = |s: &Series| s.days[..s.days.partition_point(|d| d.day < days.start)].last().map(|d| d.day);
    cells.series().iter().filter_map(last).max().map_or(days.start, |last| Day(last.0.saturating_add(1)))
}

/// The days of a site before and after the challenger came there: as many of either.
struct Windows {
    /// Those of the time before the period, and those of the period before it came.
    before: [Range<Day>; 2],
    after: Range<Day>,
}

impl Windows {
    fn of(days: &Range<Day>, seam: Day, since: Day) -> Self {
        let length = days.end.0.saturating_sub(since.0);
        let first = Day(since.0.saturating_sub(length).max(days.start.0));
        let earlier = length.saturating_sub(since.0.saturating_sub(first.0));
        Self { before: [Day(seam.0.saturating_sub(earlier))..seam, first..since], after: since..days.end }
    }

    fn before(&self, series: &Series, metric: usize) -> WeightedMean {
        self.before.iter().fold(WeightedMean::default(), |mut all, w| {
            all.merge(&series.sum(metric, w));
            all
        })
    }
}

/// The champion's sums at a site.
fn total(site: &SiteSeries<'_>, look: &Look<'_>, days: &Range<Day>) -> WeightedMean {
    let series = site.of(Side::Champion).filter(|s| on_device(s, look));
    series.fold(WeightedMean::default(), |mut all, s| {
        all.merge(&s.sum(look.metric, days));
        all
    })
}

/// The sums of a site's difference under way.
#[derive(Debug, Default)]
struct Sums {
    pairs: PairedSums,
    margin: f64,
    /// Day, ω and ω(b−a).
    days: Vec<(Day, f64, f64)>,
}

impl Sums {
    /// Whether the cell counts: both sides have a value.
    fn add(&mut self, ours: &WeightedMean, base: &WeightedMean, margin: f64, day: Option<Day>) -> bool {
        let (Some(b), Some(a)) = (ours.value(), base.value()) else { return false };
        let w = overlap_weight(ours.w, base.w);
        self.pairs.add(ours, base, false, false);
        self.margin += w * margin;
        self.days.extend(day.map(|day| (day, w, w * (b - a))));
        true
    }

    fn finish(self, site: &SiteSeries<'_>, weight: f64, days: Vec<Day>, noise: Option<f64>) -> Option<SiteDifference> {
        let paired = self.pairs.difference()?;
        let overlap = self.pairs.weight();
        Some(SiteDifference {
            customer: site.customer()?.clone(),
            site: site.site().cloned(),
            difference: paired.delta,
            champion: paired.base,
            challenger: paired.ours,
            weight,
            overlap,
            margin: self.margin / overlap,
            days,
            noise,
        })
    }
}

/// Entries of the same day put together; days ascend.
fn by_day(mut entries: Vec<(Day, f64, f64)>) -> Vec<(Day, f64, f64)> {
    entries.sort_by_key(|e| e.0);
    let mut days: Vec<(Day, f64, f64)> = vec![];
    for e in entries {
        match days.last_mut() {
            Some(d) if d.0 == e.0 => {
                d.1 += e.1;
                d.2 += e.2;
            }
            _ => days.push(e),
        }
    }
    days
}

/// The variance of a weighted mean over days, as far as days scatter: D/(D−1)·Σω²(d−m)²/(Σω)².
fn noise(days: impl Iterator<Item = (f64, f64)> + Clone) -> Option<f64> {
    let n = days.clone().count() as f64;
    let largest = days.clone().map(|d| d.0).fold(0.0, f64::max);
    let (w, wx) = days.clone().fold((0.0, 0.0), |s, d| (s.0 + d.0 / largest, s.1 + d.0 / largest * d.1));
    let mean = wx / w;
    let squares: f64 = days.map(|d| (d.0 / largest * (d.1 - mean)).powi(2)).sum();
    let variance = n / (n - 1.0) * squares / (w * w);
    (n > 1.0 && variance.is_finite()).then_some(variance)
}

/// By what the sites are clustered, and whether customers differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clustering {
    pub by: ClusterBy,
    pub customers: usize,
    /// The F test over customers, where there are two to four: the probability of such differences by chance.
    pub p_customers: Option<f64>,
}

impl Clustering {
    /// Of sites in order of their customers.
    #[must_use]
    pub fn of(sites: &[SiteDifference]) -> Self {
        let groups: Vec<&[SiteDifference]> = sites.chunk_by(|a, b| a.customer == b.customer).collect();
        let customers = groups.len();
        if customers >= LEAST_CLUSTERS {
            return Self { by: ClusterBy::Customer, customers, p_customers: None };
        }
        let values: Vec<Vec<f64>> = groups.iter().map(|g| g.iter().map(|s| s.difference).collect()).collect();
        Self { by: ClusterBy::Site, customers, p_customers: groups_differ(&values) }
    }

    /// Whether a shock that a customer's sites have in common is to be seen.
    #[must_use]
    pub fn customers_differ(&self) -> bool {
        self.p_customers.is_some_and(|p| p < CUSTOMERS_DIFFER)
    }
}

impl Differences {
    /// The mean difference times `sign`, with each treated site's margin times `margins`; what untreated sites did is taken away.
    #[must_use]
    pub fn estimate(&self, estimand: Estimand, sign: f64, margins: f64) -> Option<Estimate> {
        let treated = mean(&self.treated, estimand, &|s| sign * s.difference + margins * s.margin)?;
        if self.untreated.is_empty() {
            return Some(treated);
        }
        let untreated = mean(&self.untreated, estimand, &|s| sign * s.difference)?;
        Some(treated.minus(&untreated))
    }

    /// The mean over typical sites of anything that treated sites have.
    #[must_use]
    pub fn typical(&self, of: &dyn Fn(&SiteDifference) -> f64) -> Option<Estimate> {
        mean(&self.treated, Estimand::Site, of)
    }

    /// The champion's mean over the treated sites, Σωa/Σω.
    #[must_use]
    pub fn champion(&self) -> Option<f64> {
        let (w, wx) = self.treated.iter().fold((0.0, 0.0), |s, d| (s.0 + d.overlap, s.1 + d.overlap * d.champion));
        Some(wx / w).filter(|x| x.is_finite())
    }

    /// By what its sites are clustered: the treated ones, and whether customers differ among either.
    #[must_use]
    pub fn clustering(&self) -> Clustering {
        let (ours, theirs) = (Clustering::of(&self.treated), Clustering::of(&self.untreated));
        let p_customers = [ours.p_customers, theirs.p_customers].into_iter().flatten().reduce(f64::min);
        Clustering { p_customers, ..ours }
    }

    /// The days on which any treated site has both sides.
    #[must_use]
    pub fn days(&self) -> usize {
        let mut days: Vec<Day> = self.treated.iter().flat_map(|s| s.days.iter().copied()).collect();
        days.sort_unstable();
        days.dedup();
        days.len()
    }
}

/// The mean over sites. The interval of a typical site needs one degree of freedom, that of the fleet two.
fn mean(sites: &[SiteDifference], estimand: Estimand, of: &dyn Fn(&SiteDifference) -> f64) -> Option<Estimate> {
    let by = Clustering::of(sites).by;
    let mut cluster = 0;
    let mut members: Vec<Member> = Vec::with_capacity(sites.len());
    for (i, s) in sites.iter().enumerate() {
        let same = by == ClusterBy::Customer && i > 0 && sites[i - 1].customer == s.customer;
        cluster += usize::from(i > 0 && !same);
        let weight = if estimand == Estimand::Site { 1.0 } else { s.weight };
        members.push(Member { cluster, weight, value: of(s) });
    }
    Estimate::of(&members)
}

/// The 95 % interval of one look.
#[must_use]
pub fn interval(estimate: &Estimate, estimand: Estimand) -> Option<(f64, f64)> {
    let least = if estimand == Estimand::Site { 1.0 } else { LEAST_DF };
    estimate.interval(least)
}
