//! Quantiles of two models: t on the differences of sites' quantiles.
//!
//! A quantile of few records is biased, and of unequal counts the bias does not cancel: so a site counts with a hundred records a side at least,
//! and of the side with more a seeded sample as large as the other is taken. What does not fit is shown and not judged.

use super::{
    design::{ClusterBy, Estimand, LEAST_CLUSTERS, clusters_by, interval},
    interval::{Estimate, Member, cluster_numbers},
};
use crate::{sketch::QuantileSketch, text::Name};

/// A site counts with so many records on either side.
pub const LEAST_RECORDS: u64 = 100;

/// The values of one site: what its sketches hold (all of up to 512, and of more their counts in buckets of 0.8 %).
#[derive(Debug, Clone, Copy)]
pub struct SiteValues<'v> {
    pub customer: &'v Name,
    pub site: Option<&'v Name>,
    pub champion: &'v QuantileSketch,
    pub challenger: &'v QuantileSketch,
}

/// How a quantile differs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantileDifference {
    /// The mean over sites, challenger − champion.
    pub difference: f64,
    /// The 95 % interval of one look.
    pub interval: Option<(f64, f64)>,
    /// The sites that it is the mean of.
    pub n_sites: usize,
    /// Sites left out for want of records.
    pub too_few: usize,
    /// Whether a verdict may rest on it: five sites and more with enough records.
    pub judged: bool,
    /// What the jackknife leaves out at a time.
    pub clusters: ClusterBy,
    pub estimate: Estimate,
}

/// The difference in a quantile `q` (0..=1) over sites, in any order. With fewer than five sites of a hundred records a side those with fewer
/// count as well, and nothing is judged. `None` without a site that both sides have records of.
#[must_use]
pub fn quantile_difference(sites: &[SiteValues<'_>], q: f64) -> Option<QuantileDifference> {
    if !(0.0..=1.0).contains(&q) {
        return None;
    }
    let mut sites: Vec<&SiteValues<'_>> = sites.iter().filter(|s| s.champion.n() > 0 && s.challenger.n() > 0).collect();
    sites.sort_by_key(|s| (s.customer, s.site));
    let enough: Vec<&SiteValues<'_>> = sites
        .iter()
        .copied()
        .filter(|s| s.champion.n() >= LEAST_RECORDS && s.challenger.n() >= LEAST_RECORDS)
        .collect();
    let too_few = sites.len() - enough.len();
    let judged = enough.len() >= LEAST_CLUSTERS;
    let counted = if judged { enough } else { sites };
    let customers = counted.chunk_by(|a, b| a.customer == b.customer).count();
    let by = clusters_by(customers);
    let clusters = cluster_numbers(&counted, |a, b| by == ClusterBy::Customer && a.customer == b.customer);
    let mut members: Vec<Member> = vec![];
    for (s, cluster) in counted.iter().zip(clusters) {
        let size = s.champion.n().min(s.challenger.n());
        let of = |sketch: &QuantileSketch, side: &str| equalised(sketch, size, q, &seed(s, side));
        let value = of(s.challenger, "challenger")? - of(s.champion, "champion")?;
        members.push(Member { cluster, weight: 1.0, value });
    }
    let estimate = Estimate::of(&members)?;
    let interval = interval(&estimate, Estimand::Site);
    Some(QuantileDifference {
        difference: estimate.mean,
        interval,
        n_sites: members.len(),
        too_few,
        judged,
        clusters: by,
        estimate,
    })
}

/// The texts that a sample depends on, and nothing else.
fn seed<'v>(s: &SiteValues<'v>, side: &'v str) -> [&'v str; 3] {
    [s.customer.as_str(), s.site.map_or("", Name::as_str), side]
}

/// Up to so many records each rank is drawn by itself; of more a rank is off by less than a sketch is.
const MOST_DRAWN: u64 = 100_000;

/// The quantile of a sample of `size` values without replacement. Values of a sketch are in order, so it is ranks that are drawn.
fn equalised(sketch: &QuantileSketch, size: u64, q: f64, seed: &[&str]) -> Option<f64> {
    let n = sketch.n();
    if size >= n {
        return sketch.quantiles([q]).map(|[q]| q);
    }
    let at = q * (size - 1) as f64;
    let (low, high) = (at.floor() as u64, at.ceil() as u64);
    let mut random = Random::seeded(seed);
    let draw = if n > MOST_DRAWN { ranks_of_many } else { ranks };
    let share = |rank: f64| rank / (n - 1) as f64;
    let [a, b] = draw(&mut random, n, size, low, high).map(share);
    let [a, b] = sketch.quantiles([a, b])?;
    Some(a + (b - a) * (at - at.floor()))
}

/// Of a sample of `size` out of `n` the ranks, from 0 on, of its `low`th and `high`th smallest.
fn ranks(random: &mut Random, n: u64, size: u64, low: u64, high: u64) -> [f64; 2] {
    // Selection sampling (Knuth 3.4.2 S): each rank is taken with what is still wanted over what is left.
    let (mut taken, mut ranks) = (0, [0.0; 2]);
    for rank in 0..n {
        if taken > high {
            break;
        }
        if random.unit() * ((n - rank) as f64) < (size - taken) as f64 {
            if taken == low {
                ranks[0] = rank as f64;
            }
            if taken == high {
                ranks[1] = rank as f64;
            }
            taken += 1;
        }
    }
    ranks
}

/// The same without a look at every rank: the jth of `size` uniform numbers is of the beta distribution with j and `size` + 1 − j, and the next one above it
/// is the smallest of those that are left. Ranks that are drawn without replacement scatter less, by (n − size)/(n + 1): with that, their mean and
/// variance are those of the negative hypergeometric distribution.
fn ranks_of_many(random: &mut Random, n: u64, size: u64, low: u64, high: u64) -> [f64; 2] {
    let (j, others) = ((low + 1) as f64, (size - low) as f64);
    let (below, above) = (random.gamma(j), random.gamma(others));
    let all = (n + 1) as f64;
    let mean = j * all / (size + 1) as f64;
    let narrower = ((n - size) as f64 / all).sqrt();
    let drawn = mean + (below / (below + above) * all - mean) * narrower;
    let first = drawn.clamp(j, (n - size) as f64 + j);
    let gap = (1.0 - random.unit().powf(1.0 / (others - 1.0).max(1.0))) * (all - first);
    let second = (first + gap.max(1.0)).min(n as f64);
    [first - 1.0, if high > low { second - 1.0 } else { first - 1.0 }]
}

/// SplitMix64 (Steele, Lea and Flood 2014), begun from a hash of texts: the same draw on every machine.
struct Random(u64);

impl Random {
    fn seeded(texts: &[&str]) -> Self {
        // FNV-1a, with a byte between texts that no text holds.
        let bytes = texts.iter().flat_map(|t| t.bytes().chain([0xFF]));
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)))
    }

    /// A number of the gamma distribution with this shape, one or more (Marsaglia and Tsang 2000).
    fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape.max(1.0) - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        // Nineteen of twenty first draws are taken; an end is set to what chance alone would end.
        for _ in 0..1_000 {
            let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
            let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
            let v = (1.0 + c * normal).powi(3);
            if v > 0.0 && (1.0 - self.unit()).ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
                return d * v;
            }
        }
        d
    }

    /// In 0..1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_many_scatter_as_those_that_are_drawn_one_by_one() {
        for (n, size, low) in [(1_000, 100, 94), (1_000, 900, 855), (1_000, 100, 0), (1_000, 2, 0), (1_000, 1, 0)] {
            let of = |draw: fn(&mut Random, u64, u64, u64, u64) -> [f64; 2], text: &str| {
                let mut random = Random::seeded(&[text]);
                let high = (low + 1).min(size - 1);
                let drawn: Vec<[f64; 2]> = (0..4_000).map(|_| draw(&mut random, n, size, low, high)).collect();
                assert!(drawn.iter().flatten().all(|r| (0.0..=(n - 1) as f64).contains(r)));
                let mean = |of: &dyn Fn(&[f64; 2]) -> f64| drawn.iter().map(of).sum::<f64>() / drawn.len() as f64;
                let first = mean(&|r| r[0]);
                (first, mean(&|r| (r[0] - first).powi(2)).sqrt(), mean(&|r| r[1] - r[0]))
            };
            let (exact, fast) = (of(ranks, "a"), of(ranks_of_many, "b"));
            let slack = 5.0 * exact.1 / 4_000f64.sqrt() + 0.5;
            assert!((exact.0 - fast.0).abs() < slack, "{n} {size} {low}: {exact:?} {fast:?}");
            assert!((exact.1 - fast.1).abs() < 0.08 * exact.1 + 0.5, "{n} {size} {low}: {exact:?} {fast:?}");
            assert!((exact.2 - fast.2).abs() < 0.12 * exact.2 + 1.0, "{n} {size} {low}: {exact:?} {fast:?}");
        }
    }

    #[test]
    fn a_thousand_million_records_are_sampled_at_once() {
        let mut random = Random::seeded(&["many"]);
        let [a, b] = ranks_of_many(&mut random, 1_000_000_000, 400_000_000, 379_999_999, 380_000_000);
        assert!((a / 1e9 - 0.95).abs() < 1e-4 && b > a && b < a + 100.0, "{a} {b}");
    }
}
