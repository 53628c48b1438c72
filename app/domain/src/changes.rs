//! What a commit touched, so that only those who show it look again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    scope::{Place, Scope},
    time::Day,
};

/// So many places are named; a commit that touched more touched all.
pub const MOST_PLACES: usize = 256;

/// The days, places and metrics of which a commit changed records. One that only put files in order touched none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    pub days: BTreeSet<Day>,
    pub places: Places,
    /// By full name: built-in keys, or `group.leaf`.
    pub metrics: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Places {
    Some(BTreeSet<Place>),
    All,
}

impl Default for Places {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

impl Touched {
    /// Everything, as far as anybody can say.
    #[must_use]
    pub fn all() -> Self {
        Self { places: Places::All, ..Self::default() }
    }

    pub fn place(&mut self, place: Place) {
        if let Places::Some(places) = &mut self.places {
            places.insert(place);
            if places.len() > MOST_PLACES {
                self.places = Places::All;
            }
        }
    }

    /// Whether answers about a scope may differ since.
    #[must_use]
    pub fn concerns(&self, scope: &Scope) -> bool {
        match &self.places {
            Places::All => true,
            Places::Some(places) => places.iter().any(|p| scope.holds(p)),
        }
    }
}

/// What changes apart from one another: whoever shows one thing does not look again for another's sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Records of a scope, and how its places deliver.
    Records,
}

impl Topic {
    /// The name of its events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
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
        let mut touched = Touched::default();
        assert!(!touched.concerns(&of("a")) && !touched.concerns(&Scope::default()), "files were put in order");
        touched.place(place("a", 0));
        assert!(touched.concerns(&of("a")) && touched.concerns(&Scope::default()) && !touched.concerns(&of("b")));
        (0..MOST_PLACES).for_each(|z| touched.place(place("a", z)));
        assert!(!touched.concerns(&of("b")), "{MOST_PLACES} are named");
        touched.place(place("a", MOST_PLACES));
        assert!(touched.concerns(&of("b")) && Touched::all().concerns(&of("b")));
    }
}
