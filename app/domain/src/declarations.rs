//! Declarations of places and metrics, in addition to records (`places.yaml`, `metrics.yaml`): names
//! to show, what is expected, how a number is to be read. Records, links and programs keep the names that records bring.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;

use crate::{
    error::Sentence,
    metric::{BUILT_IN_COUNT, CATALOGUE, Metric},
    scope::{Place, Scope},
    text::Name,
    time::Millis,
};

/// A name to show, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LocalizedText {
    pub en: String,
    pub ko: String,
}

/// What is known of a place. Time zone, cadence and retirement hold for what lies within it as well, unless that says
/// something else; they have been passed down already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceDeclaration {
    /// Of this place alone.
    pub label: Option<LocalizedText>,
    /// An IANA name that is known.
    pub time_zone: Option<Arc<str>>,
    /// How often records are to come, in ms; the median of the past otherwise.
    pub cadence: Option<i64>,
    /// From when on nothing is expected any more.
    pub retired: Option<Millis>,
}

impl PlaceDeclaration {
    #[must_use]
    pub fn retired_at(&self, at: Millis) -> bool {
        self.retired.is_some_and(|since| since <= at)
    }
}

/// Everything that is written down.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declarations {
    places: BTreeMap<Place, PlaceDeclaration>,
    /// Named places that hold no other named place: these are expected.
    expected_places: Vec<Place>,
    /// Changed entries of the catalogue, by their number.
    built_in: BTreeMap<usize, Metric>,
    /// Metrics outside of the catalogue, by their key in small letters: a leaf name, or `group.leaf`.
    custom: BTreeMap<String, Metric>,
    revision: u64,
}

impl Declarations {
    /// Puts together what both files say. `revision` is another number for every other content; 0 is nothing.
    #[must_use]
    pub fn new(places: BTreeMap<Place, PlaceDeclaration>, metrics: Vec<Metric>, revision: u64) -> Self {
        // In order a place is followed by what lies within it.
        let keys: Vec<&Place> = places.keys().collect();
        let holds_next = |i: usize| keys.get(i + 1).is_some_and(|next| keys[i].contains(next));
        let expected_places = (0..keys.len()).filter(|i| !holds_next(*i)).map(|i| keys[i].clone()).collect();
        let (mut built_in, mut custom) = (BTreeMap::new(), BTreeMap::new());
        for metric in metrics {
            match CATALOGUE.iter().position(|m| m.key == metric.key) {
                Some(i) => drop(built_in.insert(i, metric)),
                None => drop(custom.insert(metric.key.to_ascii_lowercase(), metric)),
            }
        }
        Self { places, expected_places, built_in, custom, revision }
    }

    /// The same of one customer's places alone. What is said of metrics outside of the catalogue stays out as well, but for
    /// `known` full names.
    #[must_use]
    pub fn restricted_to(&self, customer: &Name, known: &[String]) -> Self {
        let ours = |p: &Place| p.customer == *customer;
        let described = |key: &String| {
            let leaf = |full: &String| full.split_once('.').is_some_and(|(_, l)| l.eq_ignore_ascii_case(key));
            known.iter().any(|full| full.eq_ignore_ascii_case(key) || leaf(full))
        };
        Self {
            places: self.places.iter().filter(|(p, _)| ours(p)).map(|(p, f)| (p.clone(), f.clone())).collect(),
            expected_places: self.expected_places.iter().filter(|p| ours(p)).cloned().collect(),
            built_in: self.built_in.clone(),
            custom: self.custom.iter().filter(|(k, _)| described(k)).map(|(k, m)| (k.clone(), m.clone())).collect(),
            revision: self.revision,
        }
    }

    /// Changes with the content of either file.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    #[must_use]
    pub fn places(&self) -> &BTreeMap<Place, PlaceDeclaration> {
        &self.places
    }

    /// Places that are expected because they are named, unless they are retired.
    #[must_use]
    pub fn expected_places(&self) -> &[Place] {
        &self.expected_places
    }

    /// What holds for a place: what is said of it, else of its site, else of its customer.
    #[must_use]
    pub fn place_declaration(&self, place: &Place) -> Option<&PlaceDeclaration> {
        if self.places.is_empty() {
            return None;
        }
        place.ancestors().find_map(|p| self.places.get(&p))
    }

    /// The name to show for the deepest place of a scope.
    #[must_use]
    pub fn label(&self, scope: &Scope) -> Option<&LocalizedText> {
        self.places.get(&scope.place()?)?.label.as_ref()
    }

    /// The time zone of a scope's place.
    #[must_use]
    pub fn time_zone(&self, scope: &Scope) -> Option<&str> {
        self.place_declaration(&scope.place()?)?.time_zone.as_deref()
    }

    /// Built-in metrics with what was written down about them, and then the others, as written.
    pub fn metrics(&self) -> impl Iterator<Item = &Metric> {
        (0..BUILT_IN_COUNT).map(|i| self.built_in(i)).chain(self.custom.values())
    }

    /// A metric of the catalogue.
    #[must_use]
    pub fn built_in(&self, i: usize) -> &Metric {
        self.built_in.get(&i).unwrap_or(&CATALOGUE[i])
    }

    /// A metric outside of the catalogue, by its full name `group.leaf`; `key` is how answers call it.
    #[must_use]
    pub fn custom(&self, full: &str, key: &str) -> Metric {
        match self.declared_metric(full) {
            Some(metric) => Metric { key: key.to_owned().into(), ..metric.clone() },
            None => Metric::uncatalogued(key),
        }
    }

    /// What was written down about a metric outside of the catalogue under exactly this name, in any case.
    #[must_use]
    pub fn custom_metric(&self, name: &str) -> Option<&Metric> {
        if self.custom.is_empty() { None } else { self.custom.get(&name.to_ascii_lowercase()) }
    }

    /// What was written down about a metric outside of the catalogue: under its full name, else under its leaf.
    #[must_use]
    pub fn declared_metric(&self, full: &str) -> Option<&Metric> {
        if self.custom.is_empty() {
            return None;
        }
        let full = full.to_ascii_lowercase();
        let leaf = full.split_once('.').map_or(&*full, |(_, leaf)| leaf);
        self.custom.get(&full).or_else(|| self.custom.get(leaf))
    }
}

/// Which of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclarationFile {
    Places,
    Metrics,
    /// How what others wrote becomes records.
    Sources,
}

/// The status of one of the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeclarationFileState {
    pub kind: DeclarationFile,
    pub path: String,
    /// What the version in force names: places, metrics or rules.
    pub entries: usize,
    /// When the version in force was read; `None` when there is none.
    pub read: Option<Millis>,
    /// Why what lies there now is not in force.
    pub fault: Option<DeclarationFileError>,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeclarationFileError {
    pub since: Millis,
    /// From 1; `None` when it could not be read at all.
    pub line: Option<usize>,
    pub reason: Sentence,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metric::Direction, text::Name};

    fn place(text: &str) -> Place {
        let mut parts = text.split('/').map(|t| Name::parse(t).expect("a name"));
        Place { customer: parts.next().expect("a customer"), site: parts.next(), zone: parts.next() }
    }

    fn declared(places: &[(&str, PlaceDeclaration)]) -> Declarations {
        Declarations::new(places.iter().map(|(p, f)| (place(p), f.clone())).collect(), vec![], 1)
    }

    #[test]
    fn named_places_that_hold_no_other_are_expected() {
        let facts = PlaceDeclaration::default();
        let named = ["a", "a/s1", "a/s1/z1", "a/s1/z2", "a/s2", "ab", "b/s1", "b/s10", "b/s10/z"];
        let d = declared(&named.map(|p| (p, facts.clone())));
        let expected = ["a/s1/z1", "a/s1/z2", "a/s2", "ab", "b/s1", "b/s10/z"].map(place);
        assert_eq!(d.expected_places(), expected);
    }

    #[test]
    fn what_is_said_of_a_site_holds_for_zones_that_nobody_named() {
        let site =
            PlaceDeclaration { cadence: Some(5), time_zone: Some("Asia/Seoul".into()), ..PlaceDeclaration::default() };
        let d = declared(&[("a", PlaceDeclaration::default()), ("a/s1", site)]);
        assert_eq!(d.place_declaration(&place("a/s1/z9")).and_then(|f| f.cadence), Some(5));
        assert_eq!(d.place_declaration(&place("a/s2/z1")).and_then(|f| f.cadence), None);
        assert_eq!(d.place_declaration(&place("b")), None);
        let zone = Scope::parse(Some("a"), Some("s1"), Some("z9"), None, None).expect("a scope");
        assert_eq!((d.time_zone(&zone), d.label(&zone)), (Some("Asia/Seoul"), None));
    }

    #[test]
    fn a_metric_is_found_by_its_full_name_before_its_leaf_and_in_any_case() {
        let of = |key: &str, direction| Metric { direction, assumed: false, ..Metric::uncatalogued(key) };
        let metrics = vec![of("MSE", Direction::Neither), of("eval.mae", Direction::HigherIsBetter)];
        let d = Declarations::new(BTreeMap::new(), metrics, 1);
        assert_eq!(d.custom("custom.mse", "mse").direction, Direction::Neither);
        assert_eq!(d.custom("eval.MAE", "eval.MAE").direction, Direction::HigherIsBetter);
        assert_eq!(
            d.custom("train.mae", "train.mae").direction,
            Direction::LowerIsBetter,
            "only that group's was said"
        );
        assert_eq!(d.custom("custom.mse", "mse").key, "mse", "the key stays that of the records");
        assert!(d.custom("train.mae", "train.mae").assumed && !d.custom("custom.mse", "mse").assumed);
    }

    #[test]
    fn retired_holds_from_its_moment_on() {
        let facts = PlaceDeclaration { retired: Some(Millis(10)), ..PlaceDeclaration::default() };
        assert_eq!([9, 10, 11].map(|t| facts.retired_at(Millis(t))), [false, true, true]);
    }
}
