//! Student's t distribution: how wide the interval around a mean of few values is, and how surprising a mean is.
//! The distribution functions are those of `statrs`; inverses are sharpened until they equal scipy's to 1e-9.

use statrs::distribution::{Continuous, ContinuousCDF, Normal, StudentsT};

/// With more degrees of freedom than this it is the normal distribution, as far as a number can tell.
const ENDLESS: f64 = 1e9;

/// The probability that T with `df` degrees of freedom (whole or not) is above `t`. One half without degrees of freedom or
/// where `t` is no number: then nothing is known.
#[must_use]
pub fn t_above(t: f64, df: f64) -> f64 {
    if t.is_nan() || df.is_nan() || df <= 0.0 {
        return 0.5;
    }
    if t.is_infinite() {
        return if t > 0.0 { 0.0 } else { 1.0 };
    }
    match StudentsT::new(0.0, 1.0, df) {
        Ok(d) if df < ENDLESS => {
            let above = d.sf(t.abs());
            if t < 0.0 { 1.0 - above } else { above }
        }
        _ => Normal::standard().sf(t),
    }
}

/// The value that T with `df` degrees of freedom is above with probability `p`; infinite without degrees of freedom, and for a `p` outside of
/// 0..1.
#[must_use]
pub fn t_exceeded(p: f64, df: f64) -> f64 {
    if df.is_nan() || df <= 0.0 || p.is_nan() || p <= 0.0 || p >= 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        return -t_exceeded(1.0 - p, df);
    }
    let Some(d) = StudentsT::new(0.0, 1.0, df).ok().filter(|_| df < ENDLESS) else {
        return -Normal::standard().inverse_cdf(p);
    };
    // Newton's steps on the tail from the inverse of `statrs`, which alone has nine digits or fewer; halved where one would leave what
    // is known to hold the answer.
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut t = (-d.inverse_cdf(p)).clamp(0.0, 1e300);
    for _ in 0..200 {
        let off = d.sf(t) - p;
        if off > 0.0 {
            low = t
        } else {
            high = t
        }
        let newton = t + off / d.pdf(t);
        let next = match (newton > low && newton < high, high.is_finite()) {
            (true, _) => newton,
            (false, true) => f64::midpoint(low, high),
            (false, false) => 2.0 * t + 1.0,
        };
        if (next - t).abs() <= 1e-15 * t {
            return next;
        }
        t = next;
    }
    t
}

/// The 97.5 % quantile of Student's t with `df` degrees of freedom: half a 95 % interval is this times the standard error.
/// Infinite for none.
#[must_use]
pub fn t_975(df: f64) -> f64 {
    t_exceeded(0.025, df)
}

/// Half the width of the 95 % interval around the mean of `n` values with this sample variance. `None` for fewer than two.
#[must_use]
pub fn half_width_95(n: u64, variance: f64) -> Option<f64> {
    (n >= 2).then(|| t_975((n - 1) as f64) * (variance.max(0.0) / n as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (df, expected) in [
            (1.0, 12.706_204_736),
            (2.0, 4.302_652_730),
            (3.0, 3.182_446_305),
            (4.0, 2.776_445_105),
            (5.0, 2.570_581_836),
            (9.0, 2.262_157_163),
            (10.0, 2.228_138_852),
            (29.0, 2.045_229_642),
            (30.0, 2.042_272_456),
            (100.0, 1.983_971_519),
            (200.0, 1.971_896_224),
            (1000.0, 1.962_339_081),
            (1e12, 1.959_963_985),
        ] {
            assert!((t_975(df) - expected).abs() < 2e-9, "{df}: {}", t_975(df));
        }
        assert!((1..400).all(|df| t_975(f64::from(df)) > t_975(f64::from(df + 1))));
    }

    #[test]
    fn tails_and_quantiles_undo_each_other() {
        for df in [0.4, 1.0, 2.3, 4.0, 11.0, 250.0, 1e5, 1e12] {
            for p in [1e-6, 1e-4, 0.023, 0.025, 0.2, 0.5, 0.9] {
                let back = t_above(t_exceeded(p, df), df);
                assert!((back / p - 1.0).abs() < 1e-9, "{df} {p} {back}");
            }
        }
    }

    #[test]
    fn what_is_no_number_says_nothing() {
        assert_eq!((t_above(f64::NAN, 3.0), t_above(1.0, 0.0), t_above(1.0, f64::NAN)), (0.5, 0.5, 0.5));
        assert_eq!((t_above(f64::INFINITY, 3.0), t_above(f64::NEG_INFINITY, 3.0)), (0.0, 1.0));
        assert_eq!((t_exceeded(0.0, 3.0), t_exceeded(0.1, -1.0)), (f64::INFINITY, f64::INFINITY));
    }

    #[test]
    fn one_value_has_no_interval() {
        assert_eq!((half_width_95(0, 1.0), half_width_95(1, 0.0), t_975(0.0)), (None, None, f64::INFINITY));
        // 1, 2, 3: mean 2, variance 1.
        assert!(half_width_95(3, 1.0).is_some_and(|w| (w - 4.302_652_73 / 3f64.sqrt()).abs() < 1e-8));
    }
}
