//! Before a shadow starts: which effect so many sites and days would show, from the variances that the fleet has. During it: what would decide.
//!
//! A site's difference has the variance B + V/D: B between sites, V of one day, D days. The mean of n sites is judged by a one-sided t test, whose power
//! is that of the non-central t distribution with n − 1 degrees of freedom; with five customers and more these are the clusters, and it has one degree
//! fewer than there are customers. With fewer than five sites or three days there is no verdict, so no power. Days that resemble their neighbours count for less than a day:
//! V is taken as it is, so days needed are a lower bound where they do.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, Continuous, ContinuousCDF, Normal};

use super::{
    cells::{Cells, DaySums, Series, Side},
    design::{Design, LEAST_CLUSTERS, Look, SiteDifference, differences},
    interval::Estimate,
    registration::{LEAST_DAYS, LEVEL_AT},
    sentences,
    written::{label, percent, plain, twelve_digits_of},
};
use crate::{error::Sentence, metric::Metric, scope::Place, student::t_exceeded, time::Day};

/// The power that a plan is made for.
pub const POWER: f64 = 0.8;
/// Nobody waits longer.
const MOST_DAYS: u32 = 365;
/// Nobody has more.
const MOST_SITES: u32 = 2_000;

/// Where the scatter of site differences comes from, in the metric's unit squared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Variances {
    /// Between sites, however long one waits.
    #[serde(serialize_with = "twelve_digits_of")]
    pub between: f64,
    /// Of a site's difference on one day.
    #[serde(serialize_with = "twelve_digits_of")]
    pub day: f64,
}

impl Variances {
    /// From the site differences of a comparison; `None` with fewer than two sites of two days.
    #[must_use]
    pub fn of(sites: &[SiteDifference]) -> Option<Self> {
        let known: Vec<(f64, f64, f64)> =
            sites.iter().filter_map(|s| Some((s.difference, s.noise?, s.days.len() as f64))).collect();
        let n = known.len() as f64;
        if known.len() < 2 {
            return None;
        }
        let mean = known.iter().map(|k| k.0).sum::<f64>() / n;
        let scatter = known.iter().map(|k| (k.0 - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let noise = known.iter().map(|k| k.1).sum::<f64>() / n;
        let day = known.iter().map(|k| k.1 * k.2).sum::<f64>() / n;
        let between = (scatter - noise).max(0.0);
        (between.is_finite() && day.is_finite()).then_some(Self { between, day })
    }

    /// From the champion alone, before there is a challenger: the later half of its days against the earlier. V is that of the difference of two
    /// days, and what sites scatter beyond it stands for how differently they move. `None` with fewer than two sites of four days.
    #[must_use]
    pub fn of_champion(cells: &Cells, metric: usize, days: &Range<Day>) -> Option<Self> {
        let middle = Day(i32::midpoint(days.start.0, days.end.0));
        let as_challenger = |s: &Series| {
            let (earlier, later): (Vec<DaySums>, Vec<DaySums>) =
                s.within(days).iter().cloned().partition(|d| d.day < middle);
            let of = |side, days| Series { side, days, ..s.clone() };
            [of(Side::Champion, earlier), of(Side::Challenger, later)]
        };
        let halves = cells.series().iter().filter(|s| s.side == Side::Champion).flat_map(as_challenger);
        let halves = Cells::new(cells.metrics(), halves);
        let margin = |_: &Place| Some(0.0);
        let look = Look { metric, days: &(middle..days.end), device: None, margin: &margin };
        let sites = differences(Design::BeforeAfter, &halves, &look).treated;
        Self::of(&sites)
    }

    /// The standard error of the mean over so many sites of so many days.
    #[must_use]
    pub fn error(&self, sites: u32, days: u32) -> f64 {
        ((self.between + self.day / f64::from(days.max(1))) / f64::from(sites.max(1))).max(0.0).sqrt()
    }
}

/// What a shadow of so many sites and days would show.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlannedPower {
    pub sites: u32,
    pub days: u32,
    /// The probability to call it better at the horizon where the true difference is the effect.
    #[serde(serialize_with = "twelve_digits_of")]
    pub power: f64,
}

/// A plan for one effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// In the metric's unit.
    #[serde(serialize_with = "twelve_digits_of")]
    pub effect: f64,
    pub variances: Variances,
    /// Of how many customers the sites are, where that was said.
    pub customers: Option<u32>,
    /// With the sites that there are.
    pub as_planned: PlannedPower,
    /// The fewest days with which these sites have a power of 0.8; `None` where no number of days has.
    pub days_needed: Option<u32>,
    /// The fewest sites that have it with the days planned; `None` where even thousands have not.
    pub sites_needed: Option<u32>,
    /// By sites, then days: what a picture shows.
    pub grid: Vec<PlannedPower>,
}

/// Plans a comparison. With five `customers` and more, of which no more count than there are sites, these are the clusters of the test; with fewer,
/// or where nobody said, sites are. `None` for an effect that is none, and without sites or days.
#[must_use]
pub fn plan(effect: f64, sites: u32, days: u32, customers: Option<u32>, variances: Variances) -> Option<Plan> {
    if !(effect.is_finite() && effect > 0.0 && sites >= 1 && days >= 1) {
        return None;
    }
    let least = LEAST_CLUSTERS as u32;
    let power = |sites: u32, days: u32| {
        if sites < least || i64::from(days) < LEAST_DAYS {
            return 0.0;
        }
        let clusters = customers.map(|c| c.min(sites)).filter(|c| *c >= least).unwrap_or(sites);
        power(effect, variances.error(sites, days), clusters)
    };
    let of = |sites, days| PlannedPower { sites, days, power: power(sites, days) };
    let days_needed = smallest(1, MOST_DAYS, |d| of(sites, d).power >= POWER);
    let sites_needed = smallest(1, MOST_SITES, |n| of(n, days).power >= POWER);
    let grid = [5, 8, 12, 24, 50, 100].into_iter().flat_map(|n| [3, 7, 14, 30, 60].map(|d| of(n, d))).collect();
    Some(Plan { effect, variances, customers, as_planned: of(sites, days), days_needed, sites_needed, grid })
}

impl Plan {
    /// What the plan comes to.
    #[must_use]
    pub fn sentence(&self, metric: &Metric) -> Sentence {
        let PlannedPower { sites, days, power } = self.as_planned;
        let said = sentences::planned(sites, days, plain(metric, self.effect), &label(metric), percent(power));
        if power >= POWER {
            return said;
        }
        let wish = percent(POWER);
        let more = match (self.days_needed, self.sites_needed) {
            (Some(n), _) => sentences::plan_days(n, wish),
            (None, Some(n)) => sentences::plan_sites(wish, n),
            (None, None) => sentences::plan_nothing(wish),
        };
        sentences::plan_and(&said, &more)
    }
}

/// The smallest number for which something holds that holds for every larger one.
fn smallest(from: u32, most: u32, holds: impl Fn(u32) -> bool) -> Option<u32> {
    if !holds(most) {
        return None;
    }
    let (mut low, mut high) = (from, most);
    while low < high {
        let middle = u32::midpoint(low, high);
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    Some(high)
}

/// The power of a one-sided t test at the level of the horizon over so many clusters, whose mean has this standard error.
#[must_use]
pub fn power(effect: f64, error: f64, clusters: u32) -> f64 {
    if clusters < 2 || !effect.is_finite() || error.is_nan() {
        return 0.0;
    }
    if error <= 0.0 {
        return if effect > 0.0 { 1.0 } else { 0.0 };
    }
    let df = f64::from(clusters - 1);
    non_central_t_above(t_exceeded(LEVEL_AT, df), df, effect / error)
}

/// The probability that a non-central T is above `t`: E Φ(δ − t·s) over s² = χ²/ν, by Simpson's rule.
#[must_use]
pub fn non_central_t_above(t: f64, df: f64, delta: f64) -> f64 {
    // With few degrees of freedom nearly all of it lies in a small part of the range.
    let steps: usize = if df < 4.0 { 12_000 } else { 2_000 };
    let Ok(chi) = ChiSquared::new(df) else { return 0.5 };
    let normal = Normal::standard();
    let width = 12.0 / (2.0 * df).sqrt();
    let (low, high) = ((1.0 - width).max(0.0), 1.0 + width);
    let step = (high - low) / steps as f64;
    let density = |s: f64| {
        // The density of s; at zero its limit for one degree of freedom, and nothing for more.
        let s = s.max(1e-12);
        2.0 * df * s * chi.pdf(df * s * s)
    };
    let term = |i: usize| {
        let s = low + step * i as f64;
        let weight = if i == 0 || i == steps {
            1.0
        } else if i % 2 == 1 {
            4.0
        } else {
            2.0
        };
        weight * density(s) * normal.cdf(delta - t * s)
    };
    ((0..=steps).map(term).sum::<f64>() * step / 3.0).clamp(0.0, 1.0)
}

/// What would decide a comparison that is not decided yet, if its difference stays what it is. All is reckoned with the level of the horizon: before it
/// hardly anything decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WouldDecide {
    /// It is certain enough already, once the horizon is there.
    Horizon,
    /// About so many more days, whether the horizon comes before or after them.
    Days(u32),
    /// Days will not; about so many more clusters (sites or customers).
    Clusters(u32),
    /// The difference lies so close to the margin that nothing at hand will.
    Nothing,
}

/// `left` is the mean distance to the margin, which either sign of decides; `sites` are those that it is the mean of.
#[must_use]
pub fn would_decide(left: &Estimate, sites: &[SiteDifference]) -> WouldDecide {
    let gap = left.mean.abs();
    let (error, clusters) = (left.error(), left.clusters.max(2) as f64);
    if left.df <= 0.0 || !gap.is_finite() || !error.is_finite() {
        return WouldDecide::Clusters(1);
    }
    let need = |df: f64| gap / t_exceeded(LEVEL_AT, df);
    if error <= need(left.df) {
        return WouldDecide::Horizon;
    }
    // Which share of the variance days would take away.
    let share = Variances::of(sites).map_or(0.0, |v| {
        let days = sites.iter().map(|s| s.days.len()).sum::<usize>() as f64 / sites.len() as f64;
        let noise = v.day / days;
        if noise > 0.0 { noise / (v.between + noise) } else { 0.0 }
    });
    let days = sites.iter().map(|s| s.days.len()).max().unwrap_or(1) as f64;
    let more_days = |k: u32| {
        let shrunk = 1.0 - share + share * days / (days + f64::from(k));
        error * shrunk.sqrt() <= need(left.df)
    };
    if let Some(k) = smallest(1, MOST_DAYS, more_days) {
        return WouldDecide::Days(k);
    }
    let more_clusters = |m: u32| {
        let grown = (clusters + f64::from(m)) / clusters;
        error / grown.sqrt() <= need(left.df * grown)
    };
    smallest(1, MOST_SITES, more_clusters).map_or(WouldDecide::Nothing, WouldDecide::Clusters)
}
