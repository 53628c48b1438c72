//! What a commit changed, so that only pages that show it reload.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    scope::{Place, Scope},
    time::Day,
};

/// So many places are named; a commit that touched more touched all.
pub const MAX_PLACES: usize = 256;

/// The days, places and metrics of which a commit changed records. One that only put files in order touched none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSet {
    pub days: BTreeSet<Day>,
    pub places: AffectedPlaces,
    /// By full name: built-in keys, or `group.leaf`.
    pub metrics: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AffectedPlaces {
    Some(BTreeSet<Place>),
    All,
}

impl Default for AffectedPlaces {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

impl ChangeSet {
    /// All places: the extent of the change is unknown.
    #[must_use]
    pub fn everything() -> Self {
        Self { places: AffectedPlaces::All, ..Self::default() }
    }

    pub fn add_place(&mut self, place: Place) {
        if let AffectedPlaces::Some(places) = &mut self.places {
            places.insert(place);
            if places.len() > MAX_PLACES {
                self.places = AffectedPlaces::All;
            }
        }
    }

    /// Whether answers about a scope may differ since.
    #[must_use]
    pub fn affects(&self, scope: &Scope) -> bool {
        match &self.places {
            AffectedPlaces::All => true,
            AffectedPlaces::Some(places) => places.iter().any(|p| scope.contains(p)),
        }
    }
}

/// Topics of change events: a page reloads only for the topics that it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventTopic {
    /// Records of a scope, and how its places deliver.
    Records,
    /// Experiments and runs.
    Runs,
    /// Models of the registry.
    Models,
}

impl EventTopic {
    /// The name of its events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Runs => "runs",
            Self::Models => "models",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(customer: &str, zone: usize) -> Place {
        let name = |t: String| t.try_into().expect("a name");
        Place {
            customer: name(customer.to_owned()),
            site: Some(name("s".into())),
            zone: Some(name(format!("z{zone}"))),
        }
    }

    fn of(customer: &str) -> Scope {
        Scope::parse(Some(customer), None, None, None, None).expect("a scope")
    }

    #[test]
    fn a_commit_concerns_its_places_and_with_too_many_of_them_every_place() {
        let mut touched = ChangeSet::default();
        assert!(!touched.affects(&of("a")) && !touched.affects(&Scope::default()), "files were put in order");
        touched.add_place(place("a", 0));
        assert!(touched.affects(&of("a")) && touched.affects(&Scope::default()) && !touched.affects(&of("b")));
        (0..MAX_PLACES).for_each(|z| touched.add_place(place("a", z)));
        assert!(!touched.affects(&of("b")), "{MAX_PLACES} are named");
        touched.add_place(place("a", MAX_PLACES));
        assert!(touched.affects(&of("b")) && ChangeSet::everything().affects(&of("b")));
    }
}
