//! What a file adds to the directory of names, and names as the lake has them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{scope::Place, text::Name};

use crate::loaded_index::{LoadedEntry, LoadedIndex, ModelFieldTexts};

/// What a file adds to the directory. Made once a file, so that a commit costs by the files and not by their entries.
#[derive(Debug, Clone, Default)]
pub struct FileNames {
    pub(super) places: Vec<u32>,
    pub(super) tasks: BTreeSet<Arc<str>>,
    pub(super) models: BTreeSet<ModelFieldTexts>,
    /// Built-in metrics, a bit each.
    pub(super) metrics: u16,
    /// Whether records hold metrics over the limit.
    pub beyond: bool,
}

impl FileNames {
    /// The numbers of its places, in order.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    pub fn of(index: &LoadedIndex, places: &[u32]) -> Self {
        let mut names = Self { places: places.to_vec(), ..Self::default() };
        names.places.sort_unstable();
        names.places.dedup();
        for e in &index.entries {
            names.metrics |= e.metrics;
            names.beyond |= e.beyond;
            if !names.tasks.contains(index.task(e)) {
                names.tasks.insert(index.task(e).clone());
            }
            names.models.extend(index.model(e));
        }
        names
    }
}

pub(super) fn place_of(index: &LoadedIndex, e: &LoadedEntry) -> Place {
    // The texts were names when they were stored; one that is none any more becomes a common placeholder name.
    let name = |t: &Arc<str>| Name::parse_stored(t).ok();
    Place {
        customer: name(index.customer(e)).unwrap_or_else(unnamed_place),
        site: index.site(e).and_then(name),
        zone: index.zone(e).and_then(name),
    }
}

#[expect(clippy::expect_used, reason = "a constant that a test of Name covers")]
pub(super) fn unnamed_place() -> Name {
    Name::parse("unnamed").expect("a name")
}

/// Devices with their places; a text that is no name any more is left out.
pub(super) fn places_by_device(devices: &[Vec<Arc<str>>], places: &[Place]) -> BTreeMap<Name, BTreeSet<Place>> {
    let mut named: BTreeMap<Name, BTreeSet<Place>> = BTreeMap::new();
    for (place, devices) in places.iter().zip(devices) {
        for device in devices.iter().filter_map(|d| Name::parse_stored(d).ok()) {
            named.entry(device).or_default().insert(place.clone());
        }
    }
    named
}
