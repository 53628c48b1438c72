//! The designs with periods: each site with itself, before and after the challenger came there; and what the sites without it did meanwhile.
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

use super::{
    cells::{Cells, DaySums, Series, Side, SiteSeries},
    design::{
        ClusterBy, Differences, Estimand, LEAST_CLUSTERS, Look, SiteDifference, Sums, by_day, clusters_by, noise,
        on_device, total,
    },
    interval::{Estimate, cluster_numbers, weights_without},
};
use crate::{aggregate::WeightedMean, text::Name, time::Day};

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
