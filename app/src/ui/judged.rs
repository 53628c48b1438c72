//! Changes and differences that were judged, as people read them.

use domain::{
    change::{Colour, Delta},
    metric::{ChangeVerdict, Metric},
    query::MetricChange,
};

use super::{
    delta::{DeltaView, Movement},
    fmt::Fmt,
    words,
};
use crate::i18n::Lang;

/// What is written of changes on the page of statistics.
const HOW: &str = "/statistics#changes-between-periods";

impl Fmt {
    /// A change at the same places, with its colour, its interval and what is mix. What rounds to nothing is unchanged. `None` where one of the
    /// two has no value.
    #[must_use]
    pub fn change(&self, change: Option<&MetricChange>, metric: &Metric) -> Option<DeltaView> {
        let MetricChange { delta, colour } = change?;
        delta.change?;
        let lang = self.lang;
        let (way, size) = match delta.same {
            Some(same) => self.movement(same, metric),
            None => (Movement::Unknown, String::new()),
        };
        let change = match colour {
            _ if matches!(way, Movement::Stayed | Movement::Unknown) => ChangeVerdict::Neutral,
            Colour::Better => ChangeVerdict::Better,
            Colour::Worse => ChangeVerdict::Worse,
            Colour::Neutral | Colour::WithinNoise | Colour::TooFew => ChangeVerdict::Neutral,
        };
        let matters = delta.same.is_some_and(|same| metric.exceeds_smallest_effect(same, delta.before));
        let word = match (way, colour) {
            (Movement::Unknown, _) => words::no_shared_place(lang),
            (Movement::Stayed, _) => words::unchanged(lang),
            (_, Colour::Better) => words::better(lang),
            (_, Colour::Worse) => words::worse(lang),
            (_, Colour::Neutral) => words::changed(lang),
            (_, Colour::TooFew) => words::too_few(lang),
            (_, Colour::WithinNoise) if !matters => words::too_small(lang),
            // One of so many is outside of its own interval by chance.
            (_, Colour::WithinNoise) if delta.p.is_some_and(|p| p < 0.05) => words::maybe_chance(lang),
            (_, Colour::WithinNoise) => words::within_noise(lang),
        };
        let sentence = delta.sentence(metric, *colour);
        Some(DeltaView {
            way,
            size,
            change,
            tells: matches!(colour, Colour::Better | Colour::Worse | Colour::Neutral) && way != Movement::Stayed,
            told: *colour != Colour::TooFew,
            word: word.to_owned(),
            note: self.note(delta, metric),
            sentence: match lang {
                Lang::En => sentence.en,
                Lang::Ko => sentence.korean().to_owned(),
            },
            href: None,
            how: Some(HOW.to_owned()),
        })
    }

    /// "−0.020 … −0.004 · mix +0.001".
    fn note(&self, delta: &Delta, metric: &Metric) -> String {
        let bounds = delta.low.zip(delta.high).map(|(low, high)| self.interval(low, high, metric));
        // What rounds to nothing is no mix.
        let mix = delta.mix.filter(|mix| self.movement(*mix, metric).0 != Movement::Stayed);
        let mix = mix.map(|mix| words::mix(self.lang, self.signed(mix, metric)));
        bounds.into_iter().chain(mix).collect::<Vec<_>>().join(" · ")
    }

    /// "−0.020 … −0.004".
    #[must_use]
    pub fn interval(&self, low: f64, high: f64, metric: &Metric) -> String {
        format!("{} … {}", self.signed(low, metric), self.signed(high, metric))
    }
}

#[cfg(test)]
mod tests {
    use domain::{change::DeltaOver, metric::CATALOGUE};
    use jiff::tz::TimeZone;

    use super::*;

    fn shown(same: Option<f64>, colour: Colour) -> DeltaView {
        let delta = Delta {
            change: Some(-0.03),
            same,
            mix: same.map(|s| -0.03 - s),
            low: same.map(|s| s - 0.01),
            high: same.map(|s| s + 0.01),
            p: Some(0.01),
            over: DeltaOver::Sites(8),
            before: Some(0.8),
        };
        let fmt = Fmt { lang: Lang::En, zone: TimeZone::UTC };
        fmt.change(Some(&MetricChange { delta, colour }), &CATALOGUE[0]).expect("a change")
    }

    #[test]
    fn a_change_shows_what_the_same_places_did_with_its_interval_and_what_is_mix() {
        let worse = shown(Some(-0.02), Colour::Worse);
        assert_eq!((worse.text(), &*worse.word, worse.change), ("↓0.020".into(), "worse", ChangeVerdict::Worse));
        assert_eq!(worse.note, "−0.030 … −0.010 · mix −0.010");
        assert!(worse.tells && worse.sentence.contains("over 8 sites"), "{}", worse.sentence);
    }

    #[test]
    fn noise_and_what_is_too_small_are_grey_and_say_which_of_the_two() {
        let grey = |same, colour| {
            let shown = shown(Some(same), colour);
            assert!(!shown.tells);
            (shown.change, shown.word)
        };
        assert_eq!(grey(-0.02, Colour::WithinNoise), (ChangeVerdict::Neutral, "may be chance".into()));
        assert_eq!(grey(-0.003, Colour::WithinNoise), (ChangeVerdict::Neutral, "negligible".into()));
        assert_eq!(grey(-0.02, Colour::TooFew), (ChangeVerdict::Neutral, "too few to tell".into()));
        assert_eq!(grey(0.0001, Colour::Better), (ChangeVerdict::Neutral, "unchanged".into()));
    }

    #[test]
    fn without_a_place_in_both_periods_nothing_is_shown_as_a_change() {
        let none = shown(None, Colour::TooFew);
        assert_eq!((none.text(), &*none.word, &*none.note), ("–".into(), "no place in both", ""));
    }
}
