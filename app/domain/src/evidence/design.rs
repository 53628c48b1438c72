//! The three designs, and the difference of each site in them. A difference is always challenger − champion, or after − before.
//!
//! - *Concurrent*: both models on the same sites and days. A site's difference is Σω(b−a)/Σω over its shared zone × task × device × day cells,
//!   ω = W_a·W_b/(W_a+W_b).
//! - *Before/after*: each site with itself. After are the days since the challenger came there, before are as many days of the champion right
//!   before. Periods share no days, so cells are zone × task × device, with the mean of each period weighted by samples.
//! - *Difference in differences*: the same, minus what the sites without a challenger did, each treated site's over its own days.
//!
//! In the designs with periods each site with itself, before and after the challenger came there; and what the sites without it did meanwhile.
//!
//! Sites begin on different days, and whatever happens to all sites happens on a day. So what the untreated sites did is taken over each treated
//! site's own days, those before and those after on which it has records itself: with D_i what treated site i did and U_u(i) what untreated site u did
//! over the same days, its difference is D_i − Ū(i), Ū(i) the mean over untreated sites. The mean difference has two sources of variance:
//!
//! - treated sites: the jackknife of D_i − Ū(i) over them. A shock to all is in both and cancels, whenever each began;
//! - untreated sites: they are the same ones for every treated site, so their error does not become smaller with more of those. The mean of Ū(i) is the mean
//!   over untreated sites of Σa_i·U_u(i), with a_i the weights of the treated; its jackknife leaves an untreated site (or customer) out of all Ū(i)
//!   at once.
//!
//! The two add up, with the degrees of freedom of Welch and Satterthwaite. With the same days for all it is Welch's test of D against U. The scatter of
//! D_i − Ū(i) holds that of Ū(i) from days to days as well, so the interval is a little wide where untreated sites are few and starts differ.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{
    cells::{Cells, DaySums, Series, Side, SiteSeries},
    interval::{Estimate, LEAST_DF, Member, arms_differ, cluster_numbers, weights_without},
};
use crate::{
    aggregate::WeightedMean,
    paired::{PairedSums, overlap_weight},
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
    /// Challenger − champion, or after − before: Σω(b−a)/Σω; in difference in differences without what sites without the challenger did over the same days.
    pub difference: f64,
    /// Σωa/Σω and Σωb/Σω, whatever other sites did.
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
    /// What sites without the challenger did over the same days: the mean of typical ones, and that of the fleet. Zero in the other designs.
    pub(super) elsewhere: [f64; 2],
    /// Which of the windows of difference in differences it has; see the head of this file.
    pub(super) window: usize,
}

/// The differences of all sites.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences {
    pub treated: Vec<SiteDifference>,
    /// Sites without a challenger; in difference in differences alone.
    pub(super) untreated: Vec<Untreated>,
    /// Sites that are left out because the challenger was there before the period: they have no time before.
    pub without_before: usize,
    /// Sites that are left out because fewer than five without the challenger have records of their days.
    pub without_untreated: usize,
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
        if !differences(Self::DifferenceInDifferences, cells, look).treated.is_empty() {
            return Self::DifferenceInDifferences;
        }
        let nothing_before = differences(Self::BeforeAfter, cells, look).treated.is_empty();
        if shared > 0 && nothing_before { Self::Concurrent } else { Self::BeforeAfter }
    }
}

/// The differences of a design, by customer and site.
#[must_use]
pub fn differences(design: Design, cells: &Cells, look: &Look<'_>) -> Differences {
    match design {
        Design::Concurrent => Differences {
            treated: cells.sites().filter_map(|site| concurrent(&site, look)).collect(),
            ..Differences::default()
        },
        Design::BeforeAfter => of_periods(cells, look, false),
        Design::DifferenceInDifferences => of_periods(cells, look, true),
    }
}

pub(super) fn on_device(series: &Series, look: &Look<'_>) -> bool {
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

/// The champion's sums at a site.
pub(super) fn total(site: &SiteSeries<'_>, look: &Look<'_>, days: &Range<Day>) -> WeightedMean {
    let series = site.of(Side::Champion).filter(|s| on_device(s, look));
    series.fold(WeightedMean::default(), |mut all, s| {
        all.merge(&s.sum(look.metric, days));
        all
    })
}

/// The sums of a site's difference under way.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) pairs: PairedSums,
    margin: f64,
    /// Day, ω and ω(b−a).
    days: Vec<(Day, f64, f64)>,
}

impl Sums {
    /// Whether the cell counts: both sides have a value.
    pub(super) fn add(&mut self, ours: &WeightedMean, base: &WeightedMean, margin: f64, day: Option<Day>) -> bool {
        let (Some(b), Some(a)) = (ours.value(), base.value()) else { return false };
        let w = overlap_weight(ours.w, base.w);
        self.pairs.add(ours, base, false, false);
        self.margin += w * margin;
        self.days.extend(day.map(|day| (day, w, w * (b - a))));
        true
    }

    pub(super) fn finish(
        self,
        site: &SiteSeries<'_>,
        weight: f64,
        days: Vec<Day>,
        noise: Option<f64>,
    ) -> Option<SiteDifference> {
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
            elsewhere: [0.0; 2],
            window: 0,
        })
    }
}

/// Entries of the same day put together; days ascend.
pub(super) fn by_day(mut entries: Vec<(Day, f64, f64)>) -> Vec<(Day, f64, f64)> {
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
pub(super) fn noise(days: impl Iterator<Item = (f64, f64)> + Clone) -> Option<f64> {
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
    /// Of the sites with the challenger.
    pub by: ClusterBy,
    /// Of how many customers these are.
    pub customers: usize,
    /// Of how many customers the sites without it are, in difference in differences.
    pub untreated: usize,
    /// One F test over customers, of those kinds of sites that have two to four: the probability of such differences by chance.
    pub p_customers: Option<f64>,
}

impl Clustering {
    /// Whether a shock that a customer's sites have in common is to be seen.
    #[must_use]
    pub fn customers_differ(&self) -> bool {
        self.p_customers.is_some_and(|p| p < CUSTOMERS_DIFFER)
    }
}

/// With five customers and more these are the clusters, else sites.
#[must_use]
pub fn clusters_by(customers: usize) -> ClusterBy {
    if customers >= LEAST_CLUSTERS { ClusterBy::Customer } else { ClusterBy::Site }
}

impl Estimand {
    /// The number by which sites hold what belongs to it.
    pub(super) fn index(self) -> usize {
        usize::from(self == Self::Fleet)
    }
}

impl SiteDifference {
    /// The difference as an estimand has it: sites without the challenger are weighted by it as well.
    fn by(&self, estimand: Estimand) -> f64 {
        self.difference + self.elsewhere[0] - self.elsewhere[estimand.index()]
    }

    /// What it counts in the mean.
    pub(super) fn weight(&self, estimand: Estimand) -> f64 {
        if estimand == Estimand::Site { 1.0 } else { self.weight }
    }
}

impl Differences {
    /// The mean difference times `sign`, with each treated site's margin times `margins`. In difference in differences sites scatter around what those
    /// without the challenger did; these are the same for all, so that what they scatter is one more source of variance and is not lessened by
    /// the number of treated sites.
    #[must_use]
    pub fn estimate(&self, estimand: Estimand, sign: f64, margins: f64) -> Option<Estimate> {
        let treated = mean(&self.treated, estimand, &|s| sign * s.by(estimand) + margins * s.margin)?;
        Some(control(self, estimand).map_or(treated, |control| treated.minus(&control)))
    }

    /// How many sites without the challenger there are; in difference in differences alone.
    #[must_use]
    pub fn untreated(&self) -> usize {
        self.untreated.len()
    }

    /// How many of these have records of the same days as any one treated site, at most.
    #[must_use]
    pub fn untreated_at_once(&self) -> usize {
        untreated_at_once(self)
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

    /// By what its sites are clustered, and whether customers differ. There is one test of that, over all differences that decide: two would
    /// alarm twice as often.
    #[must_use]
    pub fn clustering(&self) -> Clustering {
        let ours: Vec<Vec<f64>> = self
            .treated
            .chunk_by(|a, b| a.customer == b.customer)
            .map(|sites| sites.iter().map(|s| s.difference).collect())
            .collect();
        let theirs = untreated_by_customer(self);
        let (customers, untreated) = (ours.len(), theirs.len());
        // Kinds of sites that are clustered by customers allow for them already; one customer alone tells nothing.
        let asked = |arm: &Vec<Vec<f64>>| (2..LEAST_CLUSTERS).contains(&arm.len());
        let arms: Vec<Vec<Vec<f64>>> = [ours, theirs].into_iter().filter(asked).collect();
        Clustering { by: clusters_by(customers), customers, untreated, p_customers: arms_differ(&arms) }
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

/// The mean over sites.
fn mean(sites: &[SiteDifference], estimand: Estimand, of: &dyn Fn(&SiteDifference) -> f64) -> Option<Estimate> {
    let by = clusters_by(sites.chunk_by(|a, b| a.customer == b.customer).count());
    let clusters = cluster_numbers(sites, |a, b| by == ClusterBy::Customer && a.customer == b.customer);
    let members = clusters.into_iter().zip(sites);
    let members: Vec<Member> =
        members.map(|(cluster, s)| Member { cluster, weight: s.weight(estimand), value: of(s) }).collect();
    Estimate::of(&members)
}

/// The 95 % interval of one look: that of a typical site needs one degree of freedom, that of the fleet two.
#[must_use]
pub fn interval(estimate: &Estimate, estimand: Estimand) -> Option<(f64, f64)> {
    let least = if estimand == Estimand::Site { 1.0 } else { LEAST_DF };
    estimate.interval(least)
}

/// A site without a challenger.
#[derive(Debug, Clone, PartialEq)]
pub struct Untreated {
    customer: Name,
    /// What it did over the days of each group of treated sites that have the same, and the champion's Σw before; `None` where it has no records of
    /// one of the times.
    windows: Vec<Option<(f64, f64)>>,
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

    /// The champion's Σw at a site before.
    fn weight(&self, site: &SiteSeries<'_>, look: &Look<'_>) -> f64 {
        self.before.iter().map(|w| total(site, look, w).w).sum()
    }
}

/// The days of a treated site on which it has records, before and after; both ascend.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct OwnDays {
    before: Vec<Day>,
    after: Vec<Day>,
}

/// A metric's sums of a series on certain days.
fn sum_on(series: &Series, metric: usize, days: &[Day]) -> WeightedMean {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return WeightedMean::default() };
    let mut wanted = days.iter().peekable();
    let mut all = WeightedMean::default();
    for d in series.within(&(*first..Day(last.0.saturating_add(1)))) {
        while wanted.next_if(|w| **w < d.day).is_some() {}
        if wanted.peek() == Some(&&d.day) {
            all.merge(&d.value(metric));
        }
    }
    all
}

/// The differences of a design with periods; without what untreated sites did where `against_untreated` asks for it.
#[must_use]
pub fn of_periods(cells: &Cells, look: &Look<'_>, against_untreated: bool) -> Differences {
    let mut found = Differences::default();
    let seam = seam(cells, look.days);
    // The days of each treated site; and the sites that the challenger never was at.
    let mut own: Vec<OwnDays> = vec![];
    let mut others: Vec<SiteSeries<'_>> = vec![];
    for site in cells.sites() {
        let before = site.of(Side::Challenger).filter_map(|s| s.days.first()).any(|d| d.day < look.days.start);
        let came = site.of(Side::Challenger).filter_map(|s| s.within(look.days).first()).map(|d| d.day).min();
        match (came, before) {
            (Some(_), true) => found.without_before += 1,
            (Some(came), false) => {
                if let Some((one, days)) = treated(&site, look, &Windows::of(look.days, seam, came)) {
                    found.treated.push(one);
                    own.push(days);
                }
            }
            (None, false) => others.push(site),
            (None, true) => {}
        }
    }
    if against_untreated {
        against(&mut found, own, &others, look);
    }
    found
}

/// The end of the time before: the day behind the last one before the period that anybody has records of. Where a registration superseded another,
/// what lies between the challenger's coming and the period is not loaded.
#[must_use]
pub fn seam(cells: &Cells, days: &Range<Day>) -> Day {
    let last = |s: &Series| s.days[..s.days.partition_point(|d| d.day < days.start)].last().map(|d| d.day);
    cells.series().iter().filter_map(last).max().map_or(days.start, |last| Day(last.0.saturating_add(1)))
}

/// Since when a site's records count: the first of its days before the challenger came; `None` where that did not come.
#[must_use]
pub fn counts_since(site: &SiteSeries<'_>, days: &Range<Day>, seam: Day) -> Option<Day> {
    let came = site.of(Side::Challenger).filter_map(|s| s.within(days).first()).map(|d| d.day).min()?;
    Windows::of(days, seam, came).before.into_iter().find(|w| !w.is_empty()).map(|w| w.start)
}

/// A site before and after the challenger came.
fn treated(site: &SiteSeries<'_>, look: &Look<'_>, windows: &Windows) -> Option<(SiteDifference, OwnDays)> {
    let mut sums = Sums::default();
    let (mut earlier_days, mut later_days) = (vec![], vec![]);
    for (champion, challenger) in site.cells() {
        let (Some(a), Some(b)) = (champion.filter(|s| on_device(s, look)), challenger) else { continue };
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
    let days = |of: &[(Day, f64, f64)]| of.iter().map(|d| d.0).collect::<Vec<Day>>();
    let own = OwnDays { before: days(&earlier_days), after: days(&later_days) };
    Some((sums.finish(site, windows.weight(site, look), own.after.clone(), noise)?, own))
}

/// What an untreated site did over a treated one's days, and the champion's Σw before.
fn untreated(site: &SiteSeries<'_>, look: &Look<'_>, own: &OwnDays) -> Option<(f64, f64)> {
    let mut sums = Sums::default();
    let mut weight = 0.0;
    for series in site.of(Side::Champion).filter(|s| on_device(s, look)) {
        let base = sum_on(series, look.metric, &own.before);
        weight += base.w;
        if (look.margin)(&series.place).is_some() {
            sums.add(&sum_on(series, look.metric, &own.after), &base, 0.0, None);
        }
    }
    Some((sums.pairs.difference()?.delta, weight))
}

/// Takes from each treated site what the others did over its days. Where fewer than five of these have records of them, the site is left out: without
/// them it would be before/after by another name.
fn against(found: &mut Differences, own: Vec<OwnDays>, others: &[SiteSeries<'_>], look: &Look<'_>) {
    let mut distinct = own.clone();
    distinct.sort_unstable();
    distinct.dedup();
    for site in others {
        let windows: Vec<_> = distinct.iter().map(|own| untreated(site, look, own)).collect();
        if let (Some(customer), true) = (site.customer(), windows.iter().any(Option::is_some)) {
            found.untreated.push(Untreated { customer: customer.clone(), windows });
        }
    }
    let means: Vec<Option<[f64; 2]>> = (0..distinct.len()).map(|k| mean_of(&found.untreated, k)).collect();
    let all = std::mem::take(&mut found.treated);
    for (mut one, own) in all.into_iter().zip(&own) {
        let window = distinct.binary_search(own).unwrap_or_default();
        match means.get(window).copied().flatten() {
            Some(means) => {
                (one.elsewhere, one.window) = (means, window);
                one.difference -= means[0];
                found.treated.push(one);
            }
            None => found.without_untreated += 1,
        }
    }
}

/// What untreated sites did over a window, by estimand; `None` of fewer than five.
fn mean_of(sites: &[Untreated], window: usize) -> Option<[f64; 2]> {
    let known: Vec<(f64, f64)> = sites.iter().filter_map(|s| s.windows[window]).collect();
    let largest = known.iter().map(|k| k.1).fold(0.0, f64::max);
    if known.len() < LEAST_CLUSTERS || largest <= 0.0 {
        return None;
    }
    let typical = known.iter().map(|k| k.0).sum::<f64>() / known.len() as f64;
    let (w, wx) = known.iter().fold((0.0, 0.0), |s, k| (s.0 + k.1 / largest, s.1 + k.1 / largest * k.0));
    Some([typical, wx / w]).filter(|m| m.iter().all(|x| x.is_finite()))
}

/// The most untreated sites that any treated one could be held against.
#[must_use]
pub fn untreated_at_once(found: &Differences) -> usize {
    let windows = found.untreated.first().map_or(0, |u| u.windows.len());
    let known = |k: usize| found.untreated.iter().filter(|u| u.windows[k].is_some()).count();
    (0..windows).map(known).max().unwrap_or(0)
}

/// The share of the treated in each window, by what they count in the mean.
fn shares(found: &Differences, estimand: Estimand) -> Vec<f64> {
    let windows = found.untreated.first().map_or(0, |u| u.windows.len());
    let largest = found.treated.iter().map(|s| s.weight(estimand)).fold(0.0, f64::max);
    let mut shares = vec![0.0; windows];
    for one in &found.treated {
        if let Some(share) = shares.get_mut(one.window) {
            *share += one.weight(estimand) / largest;
        }
    }
    let all: f64 = shares.iter().sum();
    shares.iter().map(|s| s / all).collect()
}

/// The error of what is taken away: a mean of zero, since it is in the differences already. `None` in the other designs.
#[must_use]
pub fn control(found: &Differences, estimand: Estimand) -> Option<Estimate> {
    let sites = &found.untreated;
    if sites.is_empty() || found.treated.is_empty() {
        return None;
    }
    let by = clusters_by(sites.chunk_by(|a, b| a.customer == b.customer).count());
    let numbers = cluster_numbers(sites, |a, b| by == ClusterBy::Customer && a.customer == b.customer);
    let clusters = numbers.last().map_or(0, |last| last + 1);
    let (mut shifts, mut parts) = (vec![0.0; clusters], vec![0.0; clusters]);
    for (k, share) in shares(found, estimand).into_iter().enumerate().filter(|(_, share)| *share > 0.0) {
        // Of each cluster the weight, in units of the largest, and the weighted sum.
        let weight = |s: &(f64, f64)| if estimand == Estimand::Site { 1.0 } else { s.1 };
        let largest = sites.iter().filter_map(|s| s.windows[k].as_ref()).map(weight).fold(0.0, f64::max);
        let mut sums = vec![(0.0, 0.0); clusters];
        for (site, cluster) in sites.iter().zip(&numbers) {
            if let Some(known) = &site.windows[k] {
                let w = weight(known) / largest;
                sums[*cluster].0 += w;
                sums[*cluster].1 += w * known.0;
            }
        }
        let all: f64 = sums.iter().map(|s| s.0).sum();
        let mean = sums.iter().map(|s| s.1).sum::<f64>() / all;
        let others = weights_without(sums.iter().map(|s| s.0));
        for (g, ((w, wx), others)) in sums.iter().zip(others).enumerate() {
            shifts[g] += share * (wx - w * mean) / others;
            parts[g] += share * w / all;
        }
    }
    let g = clusters as f64;
    let variance = shifts.iter().map(|s| s * s).sum::<f64>() * (g - 1.0) / g;
    let df = 1.0 / parts.iter().map(|p| p * p).sum::<f64>() - 1.0;
    // One cluster beside which the others vanish leaves nothing to tell by.
    let known = clusters > 1 && variance.is_finite() && df > 1e-9;
    let (variance, df) = if known { (variance, df) } else { (0.0, 0.0) };
    Some(Estimate { mean: 0.0, variance, df, clusters })
}

/// What untreated sites did over the windows of typical treated ones, by customer.
#[must_use]
pub fn untreated_by_customer(found: &Differences) -> Vec<Vec<f64>> {
    let shares = shares(found, Estimand::Site);
    let of = |site: &Untreated| {
        let known = site.windows.iter().zip(&shares).filter_map(|(w, share)| Some((w.as_ref()?.0, *share)));
        let (w, wx) = known.fold((0.0, 0.0), |s, (x, share)| (s.0 + share, s.1 + share * x));
        Some(wx / w).filter(|x| x.is_finite())
    };
    let groups = found.untreated.chunk_by(|a, b| a.customer == b.customer);
    groups.map(|sites| sites.iter().filter_map(of).collect::<Vec<f64>>()).filter(|g| !g.is_empty()).collect()
}
