//! Means over few clusters, and how sure they are.
//!
//! A weighted mean over members that hang together in clusters (sites, customers): its variance is that of the delete-one-cluster
//! jackknife around the mean itself, (G−1)/G·Σ(θ₋g−θ)² (CV3: MacKinnon, Nielsen and Webb 2023; Bell and McCaffrey 2002), its degrees of freedom
//! are (ΣW)²/ΣW² − 1. With equal weights and one member a cluster this is Student's t test, digit by digit.

use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use crate::student::{t_975, t_above};

/// With fewer degrees of freedom a mean has no interval.
pub const LEAST_DF: f64 = 2.0;

/// A mean, the variance of it, and its degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub mean: f64,
    /// Of the mean, in its unit squared.
    pub variance: f64,
    pub df: f64,
    /// Over how many clusters.
    pub clusters: usize,
}

/// A value with its weight, and the number of the cluster that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    pub cluster: usize,
    pub weight: f64,
    pub value: f64,
}

impl Estimate {
    /// The weighted mean of members; those of a cluster stand together. `None` without a member that can be weighed. With one cluster there
    /// is a mean and nothing else: no degree of freedom.
    #[must_use]
    pub fn of(members: &[Member]) -> Option<Self> {
        let usable = |m: &&Member| m.weight.is_finite() && m.weight > 0.0 && m.value.is_finite();
        let largest = members.iter().filter(usable).map(|m| m.weight).fold(0.0, f64::max);
        let mut clusters: Vec<(usize, f64, f64)> = vec![];
        for m in members.iter().filter(usable) {
            // In units of the largest: no sum of squares overflows.
            let w = m.weight / largest;
            match clusters.last_mut() {
                Some(last) if last.0 == m.cluster => {
                    last.1 += w;
                    last.2 += w * m.value;
                }
                _ => clusters.push((m.cluster, w, w * m.value)),
            }
        }
        let all: f64 = clusters.iter().map(|c| c.1).sum();
        let mean = clusters.iter().map(|c| c.2).sum::<f64>() / all;
        if !mean.is_finite() {
            return None;
        }
        let g = clusters.len() as f64;
        let mut squares = 0.0;
        for (c, others) in clusters.iter().zip(weights_without(clusters.iter().map(|c| c.1))) {
            let shift = (c.2 - c.1 * mean) / others;
            squares += if clusters.len() > 1 { shift * shift } else { 0.0 };
        }
        let weights: f64 = clusters.iter().map(|c| c.1 * c.1).sum();
        let (variance, df) = (squares * (g - 1.0) / g, all * all / weights - 1.0);
        // One cluster beside which the others vanish leaves nothing to tell by.
        let known = clusters.len() > 1 && variance.is_finite() && df > 1e-9;
        let (variance, df) = if known { (variance, df) } else { (0.0, 0.0) };
        Some(Self { mean, variance, df, clusters: clusters.len() })
    }

    /// The difference of two means that know nothing of each other: Welch's, with the degrees of freedom of Welch and Satterthwaite.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let variance = self.variance + other.variance;
        let spent = self.variance.powi(2) / self.df + other.variance.powi(2) / other.df;
        let df = match (self.df > 0.0 && other.df > 0.0, spent > 0.0) {
            (false, _) => 0.0,
            (true, true) => variance.powi(2) / spent,
            (true, false) => self.df + other.df,
        };
        Self { mean: self.mean - other.mean, variance, df, clusters: self.clusters + other.clusters }
    }

    /// The standard error of the mean.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.variance.max(0.0).sqrt()
    }

    /// The 95 % interval of one look; `None` below so many degrees of freedom, and for what no number holds.
    #[must_use]
    pub fn interval(&self, least_df: f64) -> Option<(f64, f64)> {
        // Seven equal weights have six degrees, and a rounding.
        if self.df + 1e-9 < least_df || self.df <= 0.0 {
            return None;
        }
        let half = t_975(self.df) * self.error();
        half.is_finite().then_some((self.mean - half, self.mean + half))
    }

    /// One-sided: how probable so large a mean is where the true one is `bound` at most. One half where nothing is known.
    #[must_use]
    pub fn p_above(&self, bound: f64) -> f64 {
        t_above((self.mean - bound) / self.error(), self.df)
    }

    /// The same for so small a mean where the true one is `bound` at least.
    #[must_use]
    pub fn p_below(&self, bound: f64) -> f64 {
        t_above((bound - self.mean) / self.error(), self.df)
    }

    /// Turned around, as differences of metrics that should fall are.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self { mean: self.mean * factor, variance: self.variance * factor * factor, ..self }
    }

    /// Moved by what is known exactly.
    #[must_use]
    pub fn moved(self, by: f64) -> Self {
        Self { mean: self.mean + by, ..self }
    }
}

/// Of each weight the sum of the others. Added up, since a difference from the sum of all would lose what one very heavy weight leaves.
#[must_use]
pub fn weights_without(weights: impl DoubleEndedIterator<Item = f64> + Clone) -> Vec<f64> {
    let running = |sum: &mut f64, w: f64| Some(std::mem::replace(sum, *sum + w));
    let mut behind: Vec<f64> = weights.clone().rev().scan(0.0, running).collect();
    behind.reverse();
    weights.scan(0.0, running).zip(behind).map(|(before, behind)| before + behind).collect()
}

/// Numbers the clusters of what is in order: each is of the cluster of the one before it where these two belong together.
#[must_use]
pub fn cluster_numbers<T>(all: &[T], same: impl Fn(&T, &T) -> bool) -> Vec<usize> {
    let mut cluster = 0;
    let number = |i: usize| {
        cluster += usize::from(i > 0 && !same(&all[i - 1], &all[i]));
        cluster
    };
    (0..all.len()).map(number).collect()
}

/// The F test of a one-way analysis of variance: how probable it is that groups differ so much where they do not. `None` with fewer than two
/// groups, without a second value in any, and where no value differs.
#[must_use]
pub fn groups_differ(groups: &[Vec<f64>]) -> Option<f64> {
    arms_differ(&[groups.to_vec()])
}

/// The same over groups of several kinds (arms) that may differ by kind: each is held against the mean of its own kind. One test for all.
#[must_use]
pub fn arms_differ(arms: &[Vec<Vec<f64>>]) -> Option<f64> {
    let sum = |all: &[f64]| all.iter().sum::<f64>();
    let (mut between, mut within) = (0.0, 0.0);
    let (mut df1, mut df2) = (0, 0);
    for arm in arms {
        let groups: Vec<&Vec<f64>> = arm.iter().filter(|g| !g.is_empty()).collect();
        let n: usize = groups.iter().map(|g| g.len()).sum();
        let all = groups.iter().map(|g| sum(g)).sum::<f64>() / n as f64;
        for g in &groups {
            let mean = sum(g) / g.len() as f64;
            between += g.len() as f64 * (mean - all).powi(2);
            within += g.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        }
        df1 += groups.len().saturating_sub(1);
        df2 += n - groups.len();
    }
    if df1 == 0 || df2 == 0 {
        return None;
    }
    let (df1, df2) = (df1 as f64, df2 as f64);
    let f = (between / df1) / (within / df2);
    if f.is_infinite() {
        return Some(0.0);
    }
    let p = FisherSnedecor::new(df1, df2).ok()?.sf(f);
    (f.is_finite() && p.is_finite()).then_some(p)
}
