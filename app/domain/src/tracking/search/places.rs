//! For whom the runs of an experiment are: the customers, sites, zones and tasks that they are tagged with.

use std::collections::HashSet;

use super::values::Place;
use crate::tracking::{
    index::IndexedExperiment,
    run::{Text, lookup},
};

/// Tags that tell for whom a run is. Each of the first three is within the one before it; a task is for itself.
pub const PLACE_TAGS: [&str; 4] = ["customer", "site", "zone", "task"];
/// So many of [`PLACE_TAGS`] are levels of a place.
pub const PLACE_LEVELS: usize = 3;
/// The most different combinations of an experiment.
pub const MAX_RUN_PLACES: usize = 10_000;

/// Values of [`PLACE_TAGS`].
pub type RunPlace = [Option<Text>; PLACE_TAGS.len()];

/// The places of an experiment and of its runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunPlaces {
    /// By the tags of the experiment.
    pub own: RunPlace,
    /// Each once: that of the experiment where it has one, then of the latest run on. What a run does not say is as its experiment says it,
    /// but for a level within another one than that of the experiment.
    pub all: Vec<RunPlace>,
    /// Of each tag whether a run has another value than the experiment.
    pub differs: [bool; PLACE_TAGS.len()],
}

impl RunPlaces {
    /// Looks at all runs once.
    #[must_use]
    pub fn of(experiment: &IndexedExperiment) -> Self {
        let own: RunPlace = PLACE_TAGS.map(|key| lookup(&experiment.experiment.tags, key).map(Text::from));
        let places = [(); PLACE_TAGS.len()].map(|()| Place::default());
        let mut seen: HashSet<[Option<&Text>; PLACE_TAGS.len()]> = HashSet::new();
        let mut tagged = vec![];
        let mut last = None;
        for run in experiment.runs() {
            let mut place = places.iter();
            let tags = PLACE_TAGS.map(|key| place.next().and_then(|place| place.text(&run.tags, key)));
            // Runs that follow each other mostly are for the same place.
            if last != Some(tags) && seen.len() < MAX_RUN_PLACES {
                last = Some(tags);
                if seen.insert(tags) {
                    tagged.push(tags);
                }
            }
        }
        let mut differs = [false; PLACE_TAGS.len()];
        let mut all: Vec<RunPlace> = vec![];
        let mut whole: HashSet<RunPlace> = HashSet::new();
        let says_nothing = own.iter().all(Option::is_none);
        for tags in std::iter::once([None; PLACE_TAGS.len()]).chain(tagged) {
            for ((differs, tag), own) in differs.iter_mut().zip(tags).zip(&own) {
                *differs |= tag.is_some_and(|tag| own.as_ref() != Some(tag));
            }
            let place = within(&own, tags);
            let mut is_new = || says_nothing || whole.insert(place.clone());
            if place.iter().any(Option::is_some) && is_new() {
                all.push(place);
            }
        }
        Self { own, all, differs }
    }
}

/// The place of a run with these tags.
fn within(own: &RunPlace, tags: [Option<&Text>; PLACE_TAGS.len()]) -> RunPlace {
    let mut place = RunPlace::default();
    let mut same = true;
    for (level, ((value, tag), own)) in place.iter_mut().zip(tags).zip(own).enumerate() {
        same |= level >= PLACE_LEVELS;
        *value = tag.cloned().or_else(|| own.clone().filter(|_| same));
        same &= value == own;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_does_not_say_is_as_its_experiment_says_it_within_the_same_place() {
        let text = |t: &str| (t != "-").then(|| Text::from(t));
        let place = |line: &str| -> RunPlace {
            let mut words = line.split(' ').map(text);
            std::array::from_fn(|_| words.next().flatten())
        };
        for (own, tags, expected) in [
            ("acme north z1 detect", "- - - -", "acme north z1 detect"),
            ("acme north z1 detect", "acme - - count", "acme north z1 count"),
            ("acme north z1 detect", "beta - - -", "beta - - detect"),
            ("acme north z1 detect", "- south - -", "acme south - detect"),
            ("acme - - -", "- south z2 -", "acme south z2 -"),
            ("- - - -", "acme - z2 x", "acme - z2 x"),
        ] {
            let tags = place(tags);
            assert_eq!(within(&place(own), tags.each_ref().map(Option::as_ref)), place(expected), "{own} {tags:?}");
        }
    }
}
