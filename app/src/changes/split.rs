//! How a change is told: what of it is the same places, which parts are drawn, and what is said of each.

use domain::{
    evidence::{Part, PartKind, discoveries},
    metric::{ChangeVerdict, Metric},
    student::t_above,
};

/// So many parts are drawn.
pub(super) const DRAWN: usize = 12;
/// The share of coloured parts that may be noise.
const FALSE_DISCOVERIES: f64 = 0.1;

/// How probable so large a part is where nothing changed, from its interval: with the normal distribution's, which says rather too much than too
/// little.
fn chance(part: &Part) -> Option<f64> {
    let half = (part.high? - part.low?) / 2.0;
    let found = 2.0 * t_above(part.size.abs() / (half / 1.96), 1e6);
    (part.kind != PartKind::Mix).then_some(found.min(1.0))
}

/// The largest probability with which a part still has a colour (Benjamini and Hochberg over all parts); none has where it is zero.
pub(super) fn colour_limit(parts: &[Part]) -> f64 {
    let chances: Vec<Option<f64>> = parts.iter().map(chance).collect();
    let found = discoveries(&chances, FALSE_DISCOVERIES);
    chances.iter().zip(found).filter(|(_, found)| *found).filter_map(|(p, _)| *p).fold(0.0, f64::max)
}

/// What of a change is the same places doing otherwise, and what is where records came from.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Split {
    pub same: f64,
    pub mix: f64,
}

impl Split {
    pub(super) fn of(parts: &[Part]) -> Self {
        parts.iter().fold(Self::default(), |all, p| match p.kind {
            PartKind::Mix => Self { mix: all.mix + p.size, ..all },
            PartKind::Own | PartKind::Model | PartKind::Device => Self { same: all.same + p.size, ..all },
        })
    }
}

/// The parts that are drawn, and the others: `parts` are largest first. What shows as nothing is not drawn.
pub(super) fn fold(parts: &[Part], shows: impl Fn(f64) -> bool) -> (&[Part], &[Part]) {
    let drawn = parts.iter().take(DRAWN).take_while(|p| shows(p.size)).count();
    parts.split_at(drawn)
}

/// Digits with which the largest part has two of its own: those of its metric, and at most three more.
pub(super) fn digits_of_parts(parts: &[Part], of_metric: u8) -> u8 {
    let largest = parts.first().map_or(0.0, |p| p.size.abs());
    if !(largest > 0.0 && largest.is_finite()) {
        return of_metric;
    }
    // As a float cast ends at the bounds of the type.
    ((1.0 - largest.log10().floor()) as u8).clamp(of_metric, of_metric.saturating_add(3))
}

/// What is said of a part beside its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Better,
    Worse,
    /// Outside of its noise, in a metric that has no better end.
    Changed,
    Noise,
    /// Outside of its noise, and too small to matter.
    Small,
    /// There are too few days for an interval.
    TooFew,
    /// Nothing did better or worse: records came from elsewhere.
    Mix,
}

impl Said {
    /// `before` is the mean that changed, `limit` that of [`colour_limit`].
    pub(super) fn of(part: &Part, metric: &Metric, before: Option<f64>, limit: f64) -> Self {
        let Some((low, high)) = part.low.zip(part.high) else {
            return if part.kind == PartKind::Mix { Self::Mix } else { Self::TooFew };
        };
        if part.kind == PartKind::Mix {
            Self::Mix
        } else if low <= 0.0 && high >= 0.0 {
            Self::Noise
        } else if !metric.exceeds_smallest_effect(part.size, before) {
            Self::Small
        } else if chance(part).is_none_or(|p| p > limit) {
            // One of so many parts is outside of its interval by chance.
            Self::Noise
        } else {
            match metric.direction.judge(part.size) {
                ChangeVerdict::Better => Self::Better,
                ChangeVerdict::Worse => Self::Worse,
                ChangeVerdict::Neutral => Self::Changed,
            }
        }
    }

    /// Its class in pictures.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Mix => "mix",
            Self::Changed | Self::Noise | Self::Small | Self::TooFew => "plain",
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{error::Sentence, metric::CATALOGUE, scope::Place, text::Name};

    use super::*;

    fn part(kind: PartKind, size: f64, half: Option<f64>) -> Part {
        Part {
            kind,
            place: Place { customer: Name::parse("a").expect("a name"), site: None, zone: None },
            model: None,
            device: None,
            size,
            low: half.map(|h| size - h),
            high: half.map(|h| size + h),
            sentence: Sentence::named("x", "x"),
        }
    }

    #[test]
    fn models_and_devices_are_the_same_places_and_mix_is_not() {
        let parts =
            [(PartKind::Own, -0.006), (PartKind::Model, -0.002), (PartKind::Mix, -0.003), (PartKind::Device, -0.001)];
        let split = Split::of(&parts.map(|(kind, size)| part(kind, size, None)));
        assert!((split.same + 0.009).abs() < 1e-12 && (split.mix + 0.003).abs() < 1e-12, "{split:?}");
        assert_eq!(Split::of(&[]), Split { same: 0.0, mix: 0.0 });
    }

    #[test]
    fn parts_have_the_digits_that_tell_them_apart() {
        let digits = |size| digits_of_parts(&[part(PartKind::Own, size, None)], 3);
        assert_eq!([-0.0123, 0.0014, 0.000_2, 1e-9, 12.0].map(digits), [3, 4, 5, 6, 3]);
        assert_eq!(digits_of_parts(&[], 1), 1);
    }

    #[test]
    fn at_most_twelve_parts_are_drawn_and_none_that_shows_as_nothing() {
        let shows = |size: f64| size.abs() >= 0.000_5;
        let many: Vec<Part> = (0..20).map(|i| part(PartKind::Own, 0.1 / f64::from(i + 1), None)).collect();
        let (drawn, rest) = fold(&many, shows);
        assert_eq!((drawn.len(), rest.len()), (DRAWN, 8));
        let few = [part(PartKind::Own, -0.01, None), part(PartKind::Mix, 0.000_4, None)];
        assert_eq!(fold(&few, shows).0.len(), 1);
        assert_eq!(fold(&few[1..], shows).0.len(), 0);
    }

    #[test]
    fn of_many_parts_that_are_noise_a_few_outside_of_their_interval_have_no_colour() {
        let noise = (0..60).map(|i| part(PartKind::Own, 0.001 * f64::from(i % 20), Some(0.0185)));
        let mut parts: Vec<Part> = noise.collect();
        assert!(colour_limit(&parts) == 0.0);
        parts.push(part(PartKind::Model, -0.05, Some(0.01)));
        assert!(colour_limit(&parts) > 0.0);
    }

    #[test]
    fn a_part_has_a_colour_where_it_is_outside_of_its_noise_and_no_mix() {
        let said = |kind, size, half| Said::of(&part(kind, size, half), &CATALOGUE[0], Some(0.8), 0.05);
        assert_eq!(said(PartKind::Own, -0.01, Some(0.002)), Said::Worse);
        assert_eq!(said(PartKind::Model, 0.006, Some(0.002)), Said::Better);
        assert_eq!(said(PartKind::Own, -0.01, Some(0.02)), Said::Noise);
        assert_eq!(said(PartKind::Own, -0.000_4, Some(0.000_1)), Said::Small);
        assert_eq!(said(PartKind::Own, -0.01, None), Said::TooFew);
        assert_eq!(said(PartKind::Mix, -0.01, Some(0.002)), Said::Mix);
    }
}
