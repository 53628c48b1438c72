//! Two models at the same places. Each zone is compared with itself and has the same weight on either side, so that the model that
//! does better in every zone does better in sum. Pooling each side by its own samples does not keep that (Simpson's paradox).

use crate::aggregate::WeightedMean;

/// A model and the baseline in one metric, over the zones in which both reported it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedDifference {
    /// Σω(b−a)/Σω, worked out as exactly `ours` minus `base`, so that what stands side by side adds up. Rounding keeps order:
    /// a model that is nowhere below the baseline has no difference below zero.
    pub delta: f64,
    /// Σωb/Σω, with b the model's own mean in a zone and ω the zone's overlap weight.
    pub ours: f64,
    /// Σωa/Σω, the same of the baseline.
    pub base: f64,
    /// How many zones these are.
    pub zones: usize,
    /// In how many of them the two ran on different UTC days.
    pub other_days: usize,
    /// In how many of them the two ran on different devices; zero for a metric that does not depend on the device.
    pub other_devices: usize,
}

impl PairedDifference {
    /// Whether only the model is another one in these zones, as far as records tell.
    #[must_use]
    pub fn differs_only_by_model(&self) -> bool {
        self.other_days == 0 && self.other_devices == 0
    }
}

/// The weight of a zone where the sides have the weights `a` and `b`: a·b/(a+b). It is what the difference of two means is
/// worth when a sample is worth the same everywhere: little where either side has little.
#[must_use]
pub fn overlap_weight(a: f64, b: f64) -> f64 {
    // By size and without the product, which could be beyond what a number holds; equal whichever side is named first.
    let (less, more) = if a < b { (a, b) } else { (b, a) };
    less / (1.0 + less / more)
}

/// The sums of a comparison under way.
#[derive(Debug, Clone, Copy, Default)]
pub struct PairedSums {
    w: f64,
    ours: f64,
    base: f64,
    zones: usize,
    other_days: usize,
    other_devices: usize,
}

impl PairedSums {
    /// Takes a zone in. One in which a side has no value says nothing.
    pub fn add(&mut self, ours: &WeightedMean, base: &WeightedMean, other_days: bool, other_devices: bool) {
        let (Some(b), Some(a)) = (ours.value(), base.value()) else { return };
        let w = overlap_weight(ours.w, base.w);
        self.w += w;
        self.ours += w * b;
        self.base += w * a;
        self.zones += 1;
        self.other_days += usize::from(other_days);
        self.other_devices += usize::from(other_devices);
    }

    /// Σω, the weight of all that was taken in.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.w
    }

    /// What it comes to; `None` without a shared zone, or with numbers that no sum can hold.
    #[must_use]
    pub fn difference(&self) -> Option<PairedDifference> {
        let (ours, base) = (self.ours / self.w, self.base / self.w);
        let Self { zones, other_days, other_devices, .. } = *self;
        let delta = ours - base;
        (zones > 0 && delta.is_finite()).then_some(PairedDifference {
            delta,
            ours,
            base,
            zones,
            other_days,
            other_devices,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mean((x, w): (f64, f64)) -> WeightedMean {
        WeightedMean { n: 1, w, wx: x * w }
    }

    /// Value and weight of either side, by zone.
    type Zones = Vec<((f64, f64), (f64, f64))>;

    fn paired(zones: &Zones) -> PairedDifference {
        let mut pairs = PairedSums::default();
        zones.iter().for_each(|(ours, base)| pairs.add(&mean(*ours), &mean(*base), false, false));
        pairs.difference().expect("zones")
    }

    fn side() -> impl Strategy<Value = (f64, f64)> {
        // Weights of one sample, of a day of video, and of anything between.
        (-1.0f64..1.0, (0.0f64..7.0).prop_map(|e| 10f64.powf(e)))
    }

    fn zones() -> impl Strategy<Value = Zones> {
        prop::collection::vec((side(), side()), 1..40)
    }

    #[test]
    fn weights_beyond_what_a_product_holds_are_weighed_all_the_same() {
        let same = paired(&vec![((0.5, 1e300), (0.25, 1e300)), ((0.5, 1e-300), (0.25, 1e300))]);
        assert!((same.delta - 0.25).abs() < 1e-12, "{same:?}");
        assert_eq!(PairedSums::default().difference(), None);
    }

    proptest! {
        #[test]
        fn who_wins_in_every_shared_zone_wins(zones in zones(), leads in prop::collection::vec(1e-6f64..1.0, 40)) {
            let zones: Zones =
                zones.iter().zip(&leads).map(|((ours, base), lead)| ((base.0 + lead, ours.1), *base)).collect();
            let same = paired(&zones);
            prop_assert!(same.delta > 0.0, "{:?} of {:?}", same, zones);
            let smallest = leads[..zones.len()].iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert!(same.delta >= smallest - 1e-12, "a mean of leads is not below the smallest");
        }

        #[test]
        fn who_is_nowhere_below_is_not_below_in_sum(zones in zones(), ulps in prop::collection::vec(0u64..3, 40)) {
            // Leads so small that rounding eats them.
            let zones: Zones = zones
                .iter()
                .zip(&ulps)
                .map(|((ours, base), ulps)| {
                    let above = (0..*ulps).fold(base.0, |x, _| x.next_up());
                    ((above, base.1), (base.0, base.1 * if ours.1 > 10.0 { 2.0 } else { 1.0 }))
                })
                .collect();
            prop_assert!(paired(&zones).delta >= 0.0);
        }

        #[test]
        fn swapping_the_sides_turns_the_sign_and_nothing_else(zones in zones()) {
            let swapped: Zones = zones.iter().map(|(ours, base)| (*base, *ours)).collect();
            let (one, other) = (paired(&zones), paired(&swapped));
            prop_assert_eq!(one.delta, -other.delta);
            prop_assert_eq!((one.ours, one.base, one.zones), (other.base, other.ours, other.zones));
        }

        #[test]
        fn the_difference_is_that_of_the_two_values_and_the_weighted_mean_of_the_zones(zones in zones()) {
            let same = paired(&zones);
            prop_assert_eq!(same.delta, same.ours - same.base);
            let weigh = |(b, a): &((f64, f64), (f64, f64))| b.1 * a.1 / (b.1 + a.1);
            let all: f64 = zones.iter().map(weigh).sum();
            let by_zone: f64 = zones.iter().map(|z| weigh(z) * (z.0.0 - z.1.0)).sum::<f64>() / all;
            prop_assert!((same.delta - by_zone).abs() < 1e-12, "{} and {}", same.delta, by_zone);
        }
    }
}
