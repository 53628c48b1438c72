//! Is a change between two periods more than noise? Δ is the change at the same places, Σω(x₂−x₁)/Σω over zone × task × device with
//! ω = W₁·W₂/(W₁+W₂); what the two pooled means differ by beyond it is mix.
//!
//! Its interval is over the first level of places below the scope that has five in both periods (delete-one jackknife). Where there is none, over
//! days: Welch's t over daily means whose variance is multiplied by k = (1+ρ)/(1−ρ), with D₁/k + D₂/k − 2 degrees of freedom, ρ ≥ 0 the lag-1
//! correlation of the 60 daily means before, with its bias taken off and half a standard error added ([`lag_one`]). With fewer than five of either it is too few to tell.

use super::{
    design::LEAST_CLUSTERS,
    interval::{Estimate, LEAST_DF, Member, cluster_numbers},
    multiple::discoveries,
    sentences,
    sums::{settled, settled_mean},
    written::{signed, twelve_digits},
};
use crate::{
    aggregate::WeightedMean,
    change::{Colour, Delta, DeltaOver},
    error::Sentence,
    metric::{ChangeVerdict, Metric},
    paired::overlap_weight,
    scope::{Level, Place},
    text::Name,
};

/// The days before both periods that tell how days hang together.
pub const EARLIER_DAYS: usize = 60;
/// Two-sided; outside of its 95 % interval.
const LEVEL: f64 = 0.05;
/// The share of coloured cells of a table that may be noise.
const FALSE_DISCOVERIES: f64 = 0.1;
/// Days that resemble each other more are taken as this much alike.
const MOST_CORRELATED: f64 = 0.95;

/// A metric in one zone, task and device, in both periods.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceMeans {
    pub place: Place,
    pub task: Option<Name>,
    pub device: Option<Name>,
    pub before: WeightedMean,
    pub after: WeightedMean,
}

/// The scope's mean (Σwx/Σw) of each day, in order; `None` where a day has no record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DailyMeans {
    /// The days before both periods.
    pub earlier: Vec<Option<f64>>,
    pub before: Vec<Option<f64>>,
    pub after: Vec<Option<f64>>,
    /// Σw of the days of either period, in the same order: a day counts as much in the interval as in the change. Equal where there are none.
    pub before_weights: Vec<f64>,
    pub after_weights: Vec<f64>,
}

/// The change of a metric over the places of a scope that stands on this level. Places come in any order, each zone × task × device once.
#[must_use]
pub fn delta(level: Level, places: &[PlaceMeans], daily: &DailyMeans) -> Delta {
    let settle =
        |p: &PlaceMeans| PlaceMeans { before: settled_mean(&p.before), after: settled_mean(&p.after), ..p.clone() };
    let mut places: Vec<PlaceMeans> = places.iter().map(settle).collect();
    places.sort_by(|a, b| (&a.place, &a.task, &a.device).cmp(&(&b.place, &b.task, &b.device)));
    let pooled = |of: fn(&PlaceMeans) -> &WeightedMean| {
        let all = places.iter().map(of).filter(|m| m.value().is_some_and(f64::is_finite));
        all.fold(WeightedMean::default(), |mut sum, m| {
            sum.merge(m);
            sum
        })
    };
    let (before, after) = (pooled(|p| &p.before).value(), pooled(|p| &p.after).value());
    let shared: Vec<(&Place, f64, f64)> = places
        .iter()
        .filter_map(|p| {
            let (x1, x2) = (p.before.value()?, p.after.value()?);
            let weight = overlap_weight(p.before.w, p.after.w);
            (weight > 0.0 && (x2 - x1).is_finite()).then_some((&p.place, weight, x2 - x1))
        })
        .collect();
    let change = before.zip(after).map(|(a, b)| b - a);
    let same = Estimate::of(&members(&shared, |_, _| false)).map(|e| e.mean);
    let (estimate, over) = by_places(level, &shared)
        .or_else(|| same.and_then(|same| by_days(same, daily)))
        .map_or((None, DeltaOver::TooFew), |(e, over)| (Some(e), over));
    // Of fewer degrees of freedom nothing is told, whatever there are places.
    let known = estimate.filter(|e| e.interval(LEAST_DF).is_some());
    let bounds = known.and_then(|e| e.interval(LEAST_DF));
    let written = |x: Option<f64>| x.map(twelve_digits);
    Delta {
        change: written(change),
        same: written(same),
        mix: written(change.zip(same).map(|(all, same)| all - same)),
        low: written(bounds.map(|b| b.0)),
        high: written(bounds.map(|b| b.1)),
        p: written(known.map(|e| (2.0 * e.p_above(0.0).min(e.p_below(0.0))).min(1.0))),
        over: if known.is_some() { over } else { DeltaOver::TooFew },
        before: written(before),
    }
}

/// Members of clusters that a rule says are the same place.
fn members(shared: &[(&Place, f64, f64)], same: impl Fn(&Place, &Place) -> bool) -> Vec<Member> {
    let numbers = cluster_numbers(shared, |a, b| same(a.0, b.0));
    let of = |(cluster, s): (usize, &(&Place, f64, f64))| Member { cluster, weight: s.1, value: s.2 };
    numbers.into_iter().zip(shared).map(of).collect()
}

/// Whether two places are the same on a level, and what so many of them are called.
type PlacesOf = (Level, fn(&Place, &Place) -> bool, fn(usize) -> DeltaOver);

fn by_places(level: Level, shared: &[(&Place, f64, f64)]) -> Option<(Estimate, DeltaOver)> {
    let below: [PlacesOf; 3] = [
        (Level::Customer, |a, b| a.customer == b.customer, DeltaOver::Customers),
        (Level::Site, |a, b| a.customer == b.customer && a.site == b.site, DeltaOver::Sites),
        (Level::Zone, |a, b| a == b, DeltaOver::Zones),
    ];
    below.into_iter().filter(|b| b.0 > level).find_map(|(_, same, over)| {
        let estimate = Estimate::of(&members(shared, same))?;
        (estimate.clusters >= LEAST_CLUSTERS).then(|| (estimate, over(estimate.clusters)))
    })
}

fn by_days(same: f64, daily: &DailyMeans) -> Option<(Estimate, DeltaOver)> {
    let known = |days: &[Option<f64>], weights: &[f64]| -> Vec<Member> {
        let day = |(cluster, x): (usize, &Option<f64>)| {
            let weight = weights.get(cluster).copied().map_or(1.0, settled);
            Some(Member { cluster, weight, value: settled((*x)?) })
        };
        let usable = |m: &Member| m.value.is_finite() && m.weight.is_finite() && m.weight > 0.0;
        days.iter().enumerate().filter_map(day).filter(usable).collect()
    };
    let (before, after) = (known(&daily.before, &daily.before_weights), known(&daily.after, &daily.after_weights));
    if before.len() < LEAST_CLUSTERS || after.len() < LEAST_CLUSTERS {
        return None;
    }
    let correlation = lag_one(&daily.earlier)?;
    let k = (1.0 + correlation) / (1.0 - correlation);
    // Delete-one-day jackknife; with equal weights s²/D, and D days.
    let (first, second) = (Estimate::of(&before)?, Estimate::of(&after)?);
    let variance = k * (first.variance + second.variance);
    let df = (first.df + 1.0) / k + (second.df + 1.0) / k - 2.0;
    let days = before.len().min(after.len());
    let estimate = Estimate { mean: same, variance, df, clusters: before.len() + after.len() };
    let over = DeltaOver::Days { days, correlation: twelve_digits(correlation) };
    variance.is_finite().then_some((estimate, over))
}

/// The correlation of neighbouring days, in 0 to just below 1: the lag-1 correlation r of n days, with its bias taken off, (1+3r)/n
/// (Marriott and Pope 1954), and half a standard error added, √((1−r²)/n)/2. By r alone 15 % of tables of noise have a colour (days correlated by 0.3),
/// with these 8 %. `None` where fewer than three days tell.
#[must_use]
pub fn lag_one(days: &[Option<f64>]) -> Option<f64> {
    let days = days.get(days.len().saturating_sub(EARLIER_DAYS)..).unwrap_or_default();
    let days: Vec<Option<f64>> = days.iter().map(|x| x.map(settled)).collect();
    let known: Vec<f64> = days.iter().flatten().copied().filter(|x| x.is_finite()).collect();
    if known.len() < 3 {
        return None;
    }
    let n = known.len() as f64;
    let mean = known.iter().sum::<f64>() / n;
    let all: f64 = known.iter().map(|x| (x - mean).powi(2)).sum();
    let neighbours: f64 = days.windows(2).filter_map(|w| Some((w[0]? - mean) * (w[1]? - mean))).sum();
    // Days that are all the same are correlated by nothing that could be seen.
    let r = Some(neighbours / all).filter(|r| r.is_finite()).unwrap_or(0.0).clamp(-1.0, 1.0);
    let likely = r + (1.0 + 3.0 * r) / n + ((1.0 - r * r) / n).sqrt() / 2.0;
    Some(likely.clamp(0.0, MOST_CORRELATED))
}

impl Delta {
    /// The colour of a change that stands by itself.
    #[must_use]
    pub fn colour(&self, metric: &Metric) -> Colour {
        self.coloured(metric, self.is_outside_noise())
    }

    /// Whether zero lies outside of its 95 % interval.
    fn is_outside_noise(&self) -> bool {
        self.p.is_some_and(|p| p < LEVEL)
    }

    fn coloured(&self, metric: &Metric, outside_noise: bool) -> Colour {
        let Some(same) = self.same.filter(|_| self.p.is_some()) else { return Colour::TooFew };
        if !outside_noise || !metric.exceeds_smallest_effect(same, self.before) {
            return Colour::WithinNoise;
        }
        match metric.direction.judge(same) {
            ChangeVerdict::Better => Colour::Better,
            ChangeVerdict::Worse => Colour::Worse,
            ChangeVerdict::Neutral => Colour::Neutral,
        }
    }

    /// What is said of a change, beside its colour.
    #[must_use]
    pub fn sentence(&self, metric: &Metric, colour: Colour) -> Sentence {
        let Some(same) = self.same else { return sentences::nothing_shared() };
        let size = signed(metric, same);
        let bound = |x: Option<f64>| signed(metric, x.unwrap_or(same));
        let over = match self.over {
            DeltaOver::TooFew => return sentences::too_few(size),
            DeltaOver::Customers(n) => sentences::over_customers(n),
            DeltaOver::Sites(n) => sentences::over_sites(n),
            DeltaOver::Zones(n) => sentences::over_zones(n),
            DeltaOver::Days { days, correlation } => sentences::over_days(days, format!("{correlation:.1}")),
        };
        match colour {
            Colour::TooFew => sentences::too_few(size),
            Colour::WithinNoise => sentences::within_noise(size, bound(self.low), bound(self.high), &over),
            Colour::Better | Colour::Worse | Colour::Neutral => {
                sentences::outside_noise(size, bound(self.low), bound(self.high), &over)
            }
        }
    }
}

/// The colours of a table, in its order: at most a tenth of those that are coloured may be noise (Benjamini and Hochberg), and each is outside of its
/// own interval as well.
#[must_use]
pub fn colours(cells: &[(&Metric, Delta)]) -> Vec<Colour> {
    let found = discoveries(&cells.iter().map(|c| c.1.p).collect::<Vec<_>>(), FALSE_DISCOVERIES);
    cells
        .iter()
        .zip(found)
        .map(|((metric, delta), found)| delta.coloured(metric, found && delta.is_outside_noise()))
        .collect()
}
