//! Several claims at once: Holm (1979) over claims of superiority, Benjamini and Hochberg (1995) over the cells of a table.

/// Of each claim the smallest level at which Holm's procedure makes it, in 0..=1; what is no number counts as 1.
#[must_use]
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let p = |i: usize| if ps[i].is_nan() { 1.0 } else { ps[i].clamp(0.0, 1.0) };
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| p(*a).total_cmp(&p(*b)));
    let mut adjusted = vec![1.0; ps.len()];
    let mut so_far: f64 = 0.0;
    for (rank, i) in order.into_iter().enumerate() {
        so_far = so_far.max((p(i) * (ps.len() - rank) as f64).min(1.0));
        adjusted[i] = so_far;
    }
    adjusted
}

/// Which of the known ones are discoveries when at most the share `q` of discoveries may be false: the k smallest, for the largest k with
/// p₍k₎ ≤ q·k/m. Unknown ones are none and do not count in m.
#[must_use]
pub fn discoveries(ps: &[Option<f64>], q: f64) -> Vec<bool> {
    let mut known: Vec<f64> = ps.iter().flatten().copied().filter(|p| !p.is_nan()).collect();
    known.sort_by(f64::total_cmp);
    let m = known.len() as f64;
    let limit = known.iter().enumerate().rev().find(|(k, p)| **p <= q * (*k + 1) as f64 / m).map(|(_, p)| *p);
    ps.iter().map(|p| p.zip(limit).is_some_and(|(p, limit)| p <= limit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn holm_is_that_of_its_table() {
        // statsmodels.stats.multitest.multipletests([.01, .04, .03, .005], method="holm")
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (a, b) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((a - b).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
        assert_eq!(holm(&[f64::NAN, 2.0]), vec![1.0, 1.0]);
    }

    #[test]
    fn a_table_of_noise_has_no_discovery_and_one_of_effects_has_them() {
        let all = [Some(0.2), None, Some(0.5), Some(0.04), Some(f64::NAN)];
        assert_eq!(discoveries(&all, 0.1), vec![false; 5]);
        let some = [Some(0.001), None, Some(0.9), Some(0.06), Some(0.8)];
        assert_eq!(discoveries(&some, 0.1), vec![true, false, false, false, false]);
        // 0.06 ≤ 0.1·2/3 only with the first one beside it.
        assert_eq!(discoveries(&[Some(0.001), Some(0.06), Some(0.9)], 0.1), vec![true, true, false]);
    }

    proptest! {
        #[test]
        fn holm_never_gains_and_keeps_order(ps in prop::collection::vec(0.0f64..1.0, 0..12)) {
            let adjusted = holm(&ps);
            for (i, p) in ps.iter().enumerate() {
                prop_assert!(adjusted[i] >= *p && adjusted[i] <= 1.0);
                for (j, q) in ps.iter().enumerate() {
                    prop_assert!(p >= q || adjusted[i] <= adjusted[j]);
                }
            }
        }
    }
}
