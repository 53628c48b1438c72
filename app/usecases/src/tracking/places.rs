//! For whom experiments are: an experiment is for every customer, site, zone and task that it, or one of its runs, is tagged with.

use std::collections::{BTreeMap, BTreeSet};

use domain::tracking::{
    Text,
    filter::{Expr, Field, Filter, Match, Test},
    search::{PLACE_LEVELS, PLACE_TAGS, RunPlace, RunPlaces},
};

/// The most values that [`told`] names.
const TOLD: usize = 3;

/// The place that is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct WantedPlace {
    values: RunPlace,
    /// Two values of one tag: no place has both.
    is_none: bool,
}

/// Values of one of [`PLACE_TAGS`] to narrow by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceFacet {
    /// The place of the tag among [`PLACE_TAGS`].
    pub level: usize,
    pub chosen: Option<Text>,
    /// With how many experiments each would leave, the most first.
    pub values: Vec<(Text, usize)>,
}

impl WantedPlace {
    pub(super) fn of(tags: &[(String, String)]) -> Self {
        let mut wanted = Self::default();
        for (key, value) in tags {
            let level = PLACE_TAGS.iter().position(|tag| tag == key);
            let Some(found) = level.and_then(|level| wanted.values.get_mut(level)) else { continue };
            wanted.is_none |= found.as_ref().is_some_and(|other| **other != **value);
            *found = Some(value.as_str().into());
        }
        wanted
    }

    pub(super) fn is_anywhere(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    pub(super) fn fits(&self, place: &RunPlace) -> bool {
        self.fits_but(place, &[])
    }

    fn fits_but(&self, place: &RunPlace, but: &[usize]) -> bool {
        let mut levels = self.values.iter().zip(place).enumerate();
        !self.is_none && levels.all(|(level, (wanted, is))| wanted.is_none() || wanted == is || but.contains(&level))
    }

    /// Counts what to narrow by: a site below a customer, a zone below a site, a task anywhere.
    pub(super) fn facets<'a>(&self, all: impl Iterator<Item = &'a RunPlaces>) -> Vec<PlaceFacet> {
        let is_offered = |level: usize| {
            let below = if level < PLACE_LEVELS { self.values.get(..level).unwrap_or_default() } else { &[] };
            // One that was asked for all the same can be taken back.
            below.iter().all(Option::is_some) || self.values.get(level).is_some_and(Option::is_some)
        };
        let levels: Vec<usize> = (0..PLACE_TAGS.len()).filter(|level| is_offered(*level)).collect();
        // With how many experiments, and the last one that was counted.
        let mut counts: BTreeMap<(usize, &Text), (usize, usize)> = BTreeMap::new();
        for (n, places) in all.enumerate() {
            for place in &places.all {
                for &level in &levels {
                    let Some(value) = place.get(level).and_then(Option::as_ref) else { continue };
                    if self.fits_but(place, &narrower(level)) {
                        let (count, last) = counts.entry((level, value)).or_insert((0, usize::MAX));
                        *count += usize::from(*last != n);
                        *last = n;
                    }
                }
            }
        }
        let facet = |&level: &usize| {
            let chosen = self.values.get(level).cloned().flatten();
            let of_level = counts.iter().filter(|((of, _), _)| *of == level);
            let mut values: Vec<(Text, usize)> = of_level.map(|((_, v), (n, _))| ((*v).clone(), *n)).collect();
            values.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            PlaceFacet { level, chosen, values }
        };
        levels.iter().map(facet).filter(|f| !f.values.is_empty() || f.chosen.is_some()).collect()
    }

    /// Which runs of an experiment are for the place that is wanted: what its own tags say of all of its runs is left out.
    pub(super) fn filter(&self, places: &RunPlaces) -> Filter {
        let condition = |(level, wanted): (usize, &Option<Text>)| {
            let wanted = wanted.as_ref()?;
            let field = Field::Tag((*PLACE_TAGS.get(level)?).into());
            let is = Expr::Test(field.clone(), Test::Text(Match::Equal, wanted.clone()));
            let own = places.own.get(level)?.as_ref() == Some(wanted);
            match (own, places.differs.get(level)) {
                (true, Some(false)) => None,
                (true, _) => Some(Expr::Or(vec![is, Expr::Test(field, Test::Null(true))])),
                (false, _) => Some(is),
            }
        };
        let conditions = self.values.iter().enumerate().filter_map(condition).map(|root| Filter { root: Some(root) });
        conditions.fold(Filter::default(), Filter::and)
    }
}

/// A tag with those that lie within it: they go when it changes.
#[must_use]
pub fn narrower(level: usize) -> Vec<usize> {
    if level < PLACE_LEVELS { (level..PLACE_LEVELS).collect() } else { vec![level] }
}

/// The different values of one of [`PLACE_TAGS`], the first of them.
#[must_use]
pub fn told(places: &RunPlaces, level: usize) -> String {
    let values: BTreeSet<&Text> = places.all.iter().filter_map(|p| p.get(level)?.as_ref()).collect();
    some_of(values.iter().map(|v| v.to_string()))
}

/// The first few of several texts.
pub fn some_of(all: impl ExactSizeIterator<Item = String>) -> String {
    let n = all.len();
    let mut named: Vec<String> = all.take(TOLD).collect();
    if n > TOLD {
        named.push("…".to_owned());
    }
    named.join(", ")
}
