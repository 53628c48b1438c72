//! Down-sampling that keeps extremes, after M4 (Jugel et al., VLDB 2014): of the points that fall on one column of the
//! picture the first, the lowest, the highest and the last are kept. Gaps stay gaps.

use super::Point;
use crate::time::{Millis, TimeRange};

/// Columns for which every renderer reduces, so that all draw the same points.
pub const PIXEL_COLUMNS: usize = 720;

/// Reduces `points` (in order of time) for a picture of `columns` columns; at most four points and a gap a column.
#[must_use]
pub fn downsample(points: &[Point], range: &TimeRange, columns: usize) -> Vec<Point> {
    if points.len() <= columns * 2 {
        return points.to_vec();
    }
    let column = |t: Millis| ((t.0 - range.from().0) as i128 * columns as i128 / i128::from(range.length())) as i64;
    let mut kept = Vec::with_capacity(columns * 4);
    let mut rest = points;
    while let Some(first) = rest.first() {
        let c = column(first.at);
        let end = rest.iter().position(|p| column(p.at) != c).unwrap_or(rest.len());
        let (here, after) = rest.split_at(end);
        keep_extremes(here, &mut kept);
        rest = after;
    }
    kept
}

fn keep_extremes(here: &[Point], kept: &mut Vec<Point>) {
    let value = |i: usize| here[i].value;
    let known: Vec<usize> = (0..here.len()).filter(|i| value(*i).is_some()).collect();
    let low =
        known.iter().copied().min_by(|a, b| value(*a).partial_cmp(&value(*b)).unwrap_or(std::cmp::Ordering::Equal));
    let high =
        known.iter().copied().max_by(|a, b| value(*a).partial_cmp(&value(*b)).unwrap_or(std::cmp::Ordering::Equal));
    let gap = (0..here.len()).find(|i| value(*i).is_none());
    let mut chosen: Vec<usize> =
        [known.first().copied(), low, high, known.last().copied(), gap].into_iter().flatten().collect();
    chosen.sort_unstable();
    chosen.dedup();
    kept.extend(chosen.into_iter().map(|i| here[i]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn extremes_and_ends_survive(values in prop::collection::vec(prop::option::weighted(0.95, -1e3f64..1e3), 1..3000)) {
            let range = TimeRange::new(Millis(0), Millis(3000)).expect("a range");
            let points: Vec<_> =
                values.iter().enumerate().map(|(i, v)| Point { at: Millis(i as i64), value: *v, n: 1 }).collect();
            let kept = downsample(&points, &range, 100);
            prop_assert!(kept.len() <= 100 * 5 || points.len() <= 200);
            prop_assert!(kept.windows(2).all(|w| w[0].at < w[1].at));
            let extremes = |p: &[Point]| {
                let known: Vec<f64> = p.iter().filter_map(|p| p.value).collect();
                (known.iter().copied().reduce(f64::min), known.iter().copied().reduce(f64::max), known.first().copied(), known.last().copied())
            };
            prop_assert_eq!(extremes(&points), extremes(&kept));
        }
    }
}
