//! Quantiles of two models: t on the differences of sites' quantiles.
//!
//! A quantile of few records is biased, and of unequal counts the bias does not cancel: so a site counts with a hundred records a side at least,
//! and of the side with more a seeded sample as large as the other is taken. What does not fit is shown and not judged.

use super::{
    design::{ClusterBy, Estimand, LEAST_CLUSTERS, interval},
    interval::{Estimate, Member},
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
    let by = if customers >= LEAST_CLUSTERS { ClusterBy::Customer } else { ClusterBy::Site };
    let mut cluster = 0;
    let mut members: Vec<Member> = vec![];
    for (i, s) in counted.iter().enumerate() {
        let same = by == ClusterBy::Customer && i > 0 && counted[i - 1].customer == s.customer;
        cluster += usize::from(i > 0 && !same);
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

/// The quantile of a sample of `size` values without replacement. Values of a sketch are in order, so it is ranks that are drawn.
fn equalised(sketch: &QuantileSketch, size: u64, q: f64, seed: &[&str]) -> Option<f64> {
    let n = sketch.n();
    if size >= n {
        return sketch.quantiles([q]).map(|[q]| q);
    }
    let at = q * (size - 1) as f64;
    let (low, high) = (at.floor() as u64, at.ceil() as u64);
    let mut random = Random::seeded(seed);
    // Selection sampling (Knuth 3.4.2 S): each rank is taken with what is still wanted over what is left.
    let (mut taken, mut ranks) = (0, [0u64; 2]);
    for rank in 0..n {
        if taken > high {
            break;
        }
        if random.unit() * ((n - rank) as f64) < (size - taken) as f64 {
            if taken == low {
                ranks[0] = rank;
            }
            if taken == high {
                ranks[1] = rank;
            }
            taken += 1;
        }
    }
    let share = |rank: u64| rank as f64 / (n - 1) as f64;
    let [a, b] = sketch.quantiles([share(ranks[0]), share(ranks[1])])?;
    Some(a + (b - a) * (at - at.floor()))
}

/// SplitMix64 (Steele, Lea and Flood 2014), begun from a hash of texts: the same draw on every machine.
struct Random(u64);

impl Random {
    fn seeded(texts: &[&str]) -> Self {
        // FNV-1a, with a byte between texts that no text holds.
        let bytes = texts.iter().flat_map(|t| t.bytes().chain([0xFF]));
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)))
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
