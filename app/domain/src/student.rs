//! Student's t distribution: how wide the interval around a mean of few values is.

use std::f64::consts::FRAC_2_PI;

/// The 97.5 % quantile of Student's t with `df` degrees of freedom: half a 95 % interval is this times the standard error.
/// Infinite for none.
#[must_use]
pub fn t_975(df: u64) -> f64 {
    match df {
        0 => f64::INFINITY,
        1..=200 => by_bisection(df),
        _ => by_expansion(df as f64),
    }
}

/// Half the width of the 95 % interval around the mean of `n` values with this sample variance. `None` for fewer than two.
#[must_use]
pub fn half_width_95(n: u64, variance: f64) -> Option<f64> {
    (n >= 2).then(|| t_975(n - 1) * (variance.max(0.0) / n as f64).sqrt())
}

/// The probability that |T| is at most `t`: Abramowitz and Stegun 26.7.3 and 26.7.4, exact for whole degrees of freedom.
fn within(t: f64, df: u64) -> f64 {
    let angle = (t / (df as f64).sqrt()).atan();
    let (sin, cos) = angle.sin_cos();
    let odd = df % 2 == 1;
    // Odd: sin·(cos + 2/3 cos³ + 2·4/(3·5) cos⁵ …); even: sin·(1 + 1/2 cos² + 1·3/(2·4) cos⁴ …).
    let (mut term, mut sum) = if odd { (cos, 0.0) } else { (1.0, 0.0) };
    let mut k = if odd { 1 } else { 0 };
    while k + 2 <= df {
        sum += term;
        k += 2;
        term *= cos * cos * (k - 1) as f64 / k as f64;
    }
    if odd { FRAC_2_PI * (angle + sin * sum) } else { sin * sum }
}

fn by_bisection(df: u64) -> f64 {
    let (mut low, mut high) = (1.9, 12.8);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if within(middle, df) < 0.95 { low = middle } else { high = middle }
    }
    high
}

/// Abramowitz and Stegun 26.7.5 around the normal quantile; exact to 1e-9 for 200 and more.
fn by_expansion(df: f64) -> f64 {
    const Z: f64 = 1.959_963_984_540_054;
    let z = |power: i32| Z.powi(power);
    let first = (z(3) + z(1)) / 4.0;
    let second = (5.0 * z(5) + 16.0 * z(3) + 3.0 * z(1)) / 96.0;
    let third = (3.0 * z(7) + 19.0 * z(5) + 17.0 * z(3) - 15.0 * z(1)) / 384.0;
    Z + first / df + second / df.powi(2) + third / df.powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (df, expected) in [
            (1, 12.706_204_736),
            (2, 4.302_652_730),
            (3, 3.182_446_305),
            (4, 2.776_445_105),
            (5, 2.570_581_836),
            (9, 2.262_157_163),
            (10, 2.228_138_852),
            (29, 2.045_229_642),
            (30, 2.042_272_456),
            (100, 1.983_971_519),
            (200, 1.971_896_224),
            (1000, 1.962_339_081),
        ] {
            assert!((t_975(df) - expected).abs() < 2e-9, "{df}: {}", t_975(df));
        }
        assert!((by_bisection(201) - by_expansion(201.0)).abs() < 1e-9);
        assert!((1..400).all(|df| t_975(df) > t_975(df + 1)));
    }

    #[test]
    fn one_value_has_no_interval() {
        assert_eq!((half_width_95(0, 1.0), half_width_95(1, 0.0), t_975(0)), (None, None, f64::INFINITY));
        // 1, 2, 3: mean 2, variance 1.
        assert!(half_width_95(3, 1.0).is_some_and(|w| (w - 4.302_652_73 / 3f64.sqrt()).abs() < 1e-8));
    }
}
