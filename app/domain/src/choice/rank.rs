//! Rank correlation: whether one measure tends to grow with another, whatever the shape.

/// Spearman's rank correlation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankCorrelation {
    /// From −1 to 1.
    pub rho: f64,
    /// Over how many pairs.
    pub n: usize,
}

/// Of pairs in which both are numbers: the correlation of their ranks, of equal values the mean rank. `None` for fewer than three pairs,
/// and where either measure has one value only. Spearman, "The proof and measurement of association between two things", 1904.
#[must_use]
pub fn spearman(pairs: &[(f64, f64)]) -> Option<RankCorrelation> {
    let pairs: Vec<(f64, f64)> = pairs.iter().copied().filter(|(a, b)| !a.is_nan() && !b.is_nan()).collect();
    if pairs.len() < 3 {
        return None;
    }
    let [a, b] = [ranks(pairs.iter().map(|p| p.0)), ranks(pairs.iter().map(|p| p.1))];
    let middle = (pairs.len() as f64 + 1.0) / 2.0;
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        let (a, b) = (a - middle, b - middle);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    let rho = ab / (aa * bb).sqrt();
    rho.is_finite().then(|| RankCorrelation { rho: rho.clamp(-1.0, 1.0), n: pairs.len() })
}

/// Ranks from 1 on in the order of the values.
fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<(f64, usize)> = values.enumerate().map(|(i, v)| (v + 0.0, i)).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0.0; sorted.len()];
    let mut below = 0;
    for equal in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let mean = below as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|(_, i)| ranks[*i] = mean);
        below += equal.len();
    }
    ranks
}
