//! The Pareto set of two measures.

/// Where a candidate stands among others by two measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// No other is as good by both and better by one.
    Efficient,
    Dominated,
    /// It lacks a value, or one is NaN or infinite.
    Unknown,
}

/// Where each candidate stands by two measures; of both the larger value is better, so negate one of which the smaller is.
/// Candidates with equal values stand alike. Takes n·log n.
#[must_use]
pub fn front(points: &[Option<(f64, f64)>]) -> Vec<Front> {
    let mut fronts = vec![Front::Unknown; points.len()];
    let known = points.iter().enumerate().filter_map(|(i, p)| {
        let (x, y) = (*p)?;
        // -0 and 0 are equal, and sort alike.
        (x.is_finite() && y.is_finite()).then_some((x + 0.0, y + 0.0, i))
    });
    let mut sorted: Vec<(f64, f64, usize)> = known.collect();
    sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
    // The best second measure of all that are better by the first.
    let mut before = f64::NEG_INFINITY;
    for equal in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let best = equal.first().map_or(f64::NEG_INFINITY, |p| p.1);
        for (_, y, i) in equal {
            let efficient = *y > before && y.total_cmp(&best).is_eq();
            fronts[*i] = if efficient { Front::Efficient } else { Front::Dominated };
        }
        before = before.max(best);
    }
    fronts
}
