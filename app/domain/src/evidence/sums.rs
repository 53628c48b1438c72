//! Sums that do not depend on how records were cut into rows.
//!
//! Rows come with sums that were made elsewhere, by file and core; of the same records cut otherwise these differ in their last bits, by some 1e-16. A
//! difference of two means that are nearly equal would make that a thousand times more, and the twelfth digit would tell. So
//!
//! 1. rows are put together by Neumaier's compensated sums (1974): however many they are, nothing is lost that the rows still had;
//! 2. the sum of a cell and day is rounded to 34 bits, once, before anything is taken from anything. Sums that differ in their last bits become the
//!    same number, and whatever is worked out from there on, in an order that is fixed, is the same to the last bit.
//!
//! The rounding is off by 4e-11 of a sum at most: nothing beside what measurements scatter. Two sums fall apart only where a bound of the grid lies between
//! them. The bounds are no halves, which sums of decimals and of binary fractions hit, but numbers with all their bits (`BOUND`), which only
//! other numbers with all their bits come near to: about one sum in a million does. The grid is one of the sum's own size: values whose sum
//! cancels nearly to nothing keep the rounding of what cancelled.

use crate::aggregate::WeightedMean;

/// The bits of a number that are dropped: 53 − 34.
const DROPPED: u32 = 19;
/// Added before they are: what is beyond 1 − 0.382 of the grid goes up. Odd, so that the bound has all 53 bits.
const BOUND: u64 = 200_293;

/// A number with 34 significant bits.
#[must_use]
pub fn settled(x: f64) -> f64 {
    // Beyond the mantissa the carry goes into the exponent, as it should.
    let rounded = f64::from_bits((x.to_bits() + BOUND) & !((1 << DROPPED) - 1));
    if rounded.is_finite() { rounded } else { x }
}

/// The sums of a mean whose last bits do not tell how they came about.
#[must_use]
pub fn settled_mean(mean: &WeightedMean) -> WeightedMean {
    WeightedMean { n: mean.n, w: settled(mean.w), wx: settled(mean.wx) }
}

/// A compensated sum.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        let (more, less) = if self.sum.abs() >= x.abs() { (self.sum, x) } else { (x, self.sum) };
        self.lost += (more - sum) + less;
        self.sum = sum;
    }

    #[must_use]
    pub fn value(&self) -> f64 {
        self.sum + self.lost
    }
}

/// The sums of a mean under way.
#[derive(Debug, Clone, Copy, Default)]
pub struct MeanSum {
    n: u64,
    w: Sum,
    wx: Sum,
}

impl MeanSum {
    pub fn add(&mut self, mean: &WeightedMean) {
        self.n += mean.n;
        self.w.add(mean.w);
        self.wx.add(mean.wx);
    }

    /// What it comes to, settled.
    #[must_use]
    pub fn mean(&self) -> WeightedMean {
        settled_mean(&WeightedMean { n: self.n, w: self.w.value(), wx: self.wx.value() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_its_last_bits_becomes_the_same() {
        for x in [0.8123, -0.8123, 1.0, 1e12 + 0.25, 1e-9, 123_456.789_01, 1e300, 0.0] {
            assert_eq!((settled(x), settled(x)), (settled(x.next_up().next_up()), settled(x.next_down())), "{x}");
            assert!((settled(x) - x).abs() <= 4e-11 * x.abs(), "{x}");
        }
        assert_eq!((settled(f64::MAX), settled(0.5), settled(17_179_869_183.0)), (f64::MAX, 0.5, 17_179_869_183.0));
        assert!(settled(f64::NAN).is_nan() && settled(f64::INFINITY).is_infinite());
    }

    #[test]
    fn nothing_is_lost_beside_what_is_large() {
        let mut sum = Sum::default();
        [1.0, 1e100, 1.0, -1e100].iter().for_each(|x| sum.add(*x));
        assert_eq!(sum.value(), 2.0);
    }
}
