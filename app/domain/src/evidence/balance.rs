//! Balance before belief: two sides that did not see the same traffic cannot be compared, whatever their interval says.
//!
//! Of each site the ratio of the challenger's records to the champion's is held against the registered share, or against what it was in the site's own
//! first three days; that of covered hours always against the latter. The comparison is unhealthy where the typical site is off by more than a fifth and a t
//! test over the sites' log-ratios has p < .001. What both sides miss counts for neither.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{
    cells::{Cells, Side, SiteSeries},
    interval::{Estimate, Member},
    written::{twelve, twelve_digits},
};
use crate::{text::Name, time::Day};

/// The days that tell the share where nobody registered it.
const FIRST_DAYS: usize = 3;
/// So many records, or hours, of either side these days have at least where they tell it.
const LEAST_COUNT: u64 = 5;
/// A ratio is off when it is more than so much beside one.
const OFF: f64 = 0.2;
/// Two-sided, at every look.
const LEVEL: f64 = 0.001;

/// How the traffic of the two sides fits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// Whether nothing speaks against comparing.
    pub healthy: bool,
    /// Ratio of records, challenger to champion, against the expected one.
    pub records: Option<Ratio>,
    /// The same of covered hours, where these are known.
    pub hours: Option<Ratio>,
    /// The sites that are off by themselves, farthest first.
    pub sites_off: Vec<SiteOff>,
}

/// A ratio over all sites.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Now, in units of the expected one: 1 where nothing has moved. The geometric mean over sites.
    #[serde(with = "twelve")]
    pub ratio: f64,
    /// Two-sided, of the sites' log-ratios; one with a single site.
    #[serde(with = "twelve")]
    pub p: f64,
    pub n_sites: usize,
}

/// A site whose traffic moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SiteOff {
    pub customer: Name,
    pub site: Option<Name>,
    #[serde(with = "twelve")]
    pub ratio: f64,
}

impl Balance {
    /// Where there is nothing to hold against each other: sides that do not run side by side.
    #[must_use]
    pub fn fine() -> Self {
        Self { healthy: true, ..Self::default() }
    }
}

impl Ratio {
    /// Whether it speaks against the comparison.
    #[must_use]
    pub fn off(&self) -> bool {
        is_off(self.ratio) && self.p < LEVEL
    }
}

fn is_off(ratio: f64) -> bool {
    !(1.0 - OFF..=1.0 + OFF).contains(&ratio)
}

/// Looks at the days of a comparison in which both sides run side by side. `share` is the registered ratio of challenger to champion records,
/// above zero.
#[must_use]
pub fn balance(cells: &Cells, days: &Range<Day>, share: Option<f64>) -> Balance {
    let sites: Vec<SiteTraffic> = cells.sites().filter_map(|s| SiteTraffic::of(&s, days)).collect();
    let records = |s: &SiteTraffic| s.moved(|d| d.records, share);
    // A share of records says nothing of hours: a canary of one record in twenty is quiet in many of them.
    let hours = |s: &SiteTraffic| s.moved(|d| d.hours.map(|h| u64::from(h.count_ones())), None);
    let of = |moved: &dyn Fn(&SiteTraffic) -> Option<f64>| {
        let logs: Vec<f64> = sites.iter().filter_map(moved).collect();
        let members = logs.iter().enumerate().map(|(cluster, value)| Member { cluster, weight: 1.0, value: *value });
        let estimate = Estimate::of(&members.collect::<Vec<_>>())?;
        let p = if estimate.df > 0.0 { 2.0 * estimate.p_above(0.0).min(estimate.p_below(0.0)) } else { 1.0 };
        Some(Ratio { ratio: twelve_digits(estimate.mean.exp()), p: twelve_digits(p), n_sites: logs.len() })
    };
    let off = |s: &SiteTraffic| {
        let farthest = [records(s), hours(s)].into_iter().flatten().max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
        let ratio = twelve_digits(farthest.exp());
        is_off(ratio).then(|| SiteOff { customer: s.customer.clone(), site: s.site.clone(), ratio })
    };
    let mut sites_off: Vec<SiteOff> = sites.iter().filter_map(off).collect();
    sites_off.sort_by(|a, b| b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()));
    let (records, hours) = (of(&records), of(&hours));
    let healthy = ![records, hours].iter().flatten().any(Ratio::off);
    Balance { healthy, records, hours, sites_off }
}

/// What a site's sides saw, by day; days on which neither has a record are none.
struct SiteTraffic {
    customer: Name,
    site: Option<Name>,
    /// In order.
    days: Vec<DayTraffic>,
}

/// Champion and challenger on a day.
#[derive(Clone, Copy)]
struct DayTraffic {
    day: Day,
    records: [u64; 2],
    /// A bit each.
    hours: [u32; 2],
}

impl SiteTraffic {
    /// `None` where one of the sides never ran on a whole day.
    fn of(site: &SiteSeries<'_>, days: &Range<Day>) -> Option<Self> {
        let mut found: BTreeMap<Day, DayTraffic> = BTreeMap::new();
        for series in site.series {
            let side = usize::from(series.side == Side::Challenger);
            for d in series.within(days) {
                let day = found.entry(d.day).or_insert(DayTraffic { day: d.day, records: [0; 2], hours: [0; 2] });
                day.records[side] += d.records;
                day.hours[side] |= d.hours;
            }
        }
        // The day on which the challenger came is hardly a whole one.
        let first = found.iter().find(|(_, d)| d.records[1] > 0).map(|(day, _)| *day)?;
        let days: Vec<DayTraffic> = found.into_iter().filter(|(day, _)| *day > first).map(|(_, d)| d).collect();
        let ran = |side: usize| days.iter().any(|d| d.records[side] > 0);
        let customer = site.customer()?.clone();
        ran(0).then(|| Self { customer, site: site.site().cloned(), days })
    }

    /// The logarithm of the ratio in units of the share, behind the days that the share was taken from.
    fn moved(&self, count: impl Fn(&DayTraffic) -> [u64; 2], share: Option<f64>) -> Option<f64> {
        let sums = |days: &[DayTraffic]| days.iter().map(&count).fold([0u64; 2], |[a, b], [c, e]| [a + c, b + e]);
        let ratio = |days: &[DayTraffic]| {
            let [a, b] = sums(days);
            // Half a record more on either side: a side without any is far off and no infinity.
            (a + b > 0).then(|| ((b as f64 + 0.5) / (a as f64 + 0.5)).ln())
        };
        match share {
            Some(share) => Some(ratio(&self.days)? - share.ln()),
            None => {
                let (first, rest) = self.days.split_at_checked(FIRST_DAYS)?;
                // A share of a few is none.
                sums(first).iter().all(|n| *n >= LEAST_COUNT).then_some(())?;
                Some(ratio(rest)? - ratio(first)?)
            }
        }
    }

    /// By how many hours the challenger's clock runs ahead of the champion's, where whole days of hours say so.
    fn hours_apart(&self) -> Option<i32> {
        let both: Vec<usize> = (0..self.days.len()).filter(|i| self.days[*i].hours.iter().all(|h| *h > 0)).collect();
        let fits = |by: i32| both.iter().filter(|i| self.fits(**i, by)).count();
        let by = [1, -1, 2, -2].into_iter().find(|by| fits(*by) * 5 >= both.len() * 4)?;
        (both.len() >= FIRST_DAYS && fits(0) == 0).then_some(by)
    }

    /// Whether a day's hours of the challenger are those of the champion, moved by so many hours. What is moved over midnight lies in the neighbouring
    /// day; where nothing is known of that, hours that could have come from there are not looked at.
    fn fits(&self, i: usize, by: i32) -> bool {
        const ALL: u64 = 0xFF_FFFF;
        let day = self.days[i];
        let neighbour = |at: Option<usize>, apart: i32| {
            let there = at.and_then(|at| self.days.get(at)).filter(|d| d.day.0 == day.day.0.saturating_add(apart));
            there.map(|d| u64::from(d.hours[0]))
        };
        let (earlier, later) = (neighbour(i.checked_sub(1), -1), neighbour(i.checked_add(1), 1));
        // Three days of bits: the one before, this one, the one behind.
        let line = earlier.unwrap_or(0) | u64::from(day.hours[0]) << 24 | later.unwrap_or(0) << 48;
        let known = earlier.map_or(0, |_| ALL) | ALL << 24 | later.map_or(0, |_| 0xFFFF << 48);
        let moved = |bits: u64| (if by >= 0 { bits << by } else { bits >> -by }) >> 24 & ALL;
        moved(line) & moved(known) == u64::from(day.hours[1]) & moved(known)
    }
}

/// Of records that were assigned to the challenger at random with a probability `share`: how probable so uneven a split is (χ², one degree of
/// freedom). `None` without records, and for a share outside of 0..1.
#[must_use]
pub fn split_p(champion: u64, challenger: u64, share: f64) -> Option<f64> {
    let n = (champion + challenger) as f64;
    if n == 0.0 || !(share > 0.0 && share < 1.0) {
        return None;
    }
    let chi = (challenger as f64 - n * share).powi(2) / (n * share * (1.0 - share));
    ChiSquared::new(1.0).ok().map(|d| d.sf(chi))
}

/// The sites whose two sides seem to have clocks that are some hours apart: customer, site, and by how many the challenger's runs ahead.
#[must_use]
pub fn clocks_apart(cells: &Cells, days: &Range<Day>) -> Vec<(Name, Option<Name>, i32)> {
    let traffic = cells.sites().filter_map(|s| SiteTraffic::of(&s, days));
    traffic.filter_map(|s| s.hours_apart().map(|by| (s.customer, s.site, by))).collect()
}
