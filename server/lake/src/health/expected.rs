//! Declared places, in addition to those of the files: named places are expected although nothing has come
//! of late, or ever.

use std::{collections::HashMap, sync::Arc};

use domain::{
    declarations::{Declarations, PlaceDeclaration},
    model::RegistryVersions,
    scope::{Level, Place, Scope},
    state::{DEFAULT_CADENCE_MS, DataState, EXPECTED_WITHIN_MS, Health, HealthReport},
    time::Millis,
};

use super::Activity;
use crate::snapshot::{IndexedFile, Snapshot};

/// What is written down about one place: see [`domain::declarations`].
#[derive(Debug, Clone, Default)]
pub struct DeclaredPlace {
    pub facts: PlaceDeclaration,
    /// The number of the expected place (of `Declarations::expected_places`) that this one is or lies in.
    leaf: Option<usize>,
}

impl DeclaredPlace {
    /// The number, among the expected places, of the one that this is or lies in.
    pub fn expected_index(&self) -> Option<usize> {
        self.leaf
    }
}

/// A named place that is expected although nothing has come of late.
#[derive(Debug, Clone, Copy, Default)]
struct Missing {
    newest: Option<Millis>,
    /// Within the range asked about, which may reach further back than expectations do.
    reported: bool,
}

impl Snapshot {
    /// Adds the declarations.
    #[must_use]
    pub fn with_declared(mut self, declared: Arc<Declarations>) -> Self {
        let expected_places: HashMap<&Place, usize> = declared.expected_places().iter().zip(0..).collect();
        let written = |place: &Place| DeclaredPlace {
            facts: declared.place_declaration(place).cloned().unwrap_or_default(),
            leaf: place.ancestors().find_map(|p| expected_places.get(&p).copied()),
        };
        self.written =
            Arc::new(if expected_places.is_empty() { vec![] } else { self.places.iter().map(written).collect() });
        let directory = Arc::make_mut(&mut self.directory);
        // In order the first place behind a named one lies in it, if any does.
        let seen = |leaf: &&Place| {
            let next = directory.places.partition_point(|p| p < *leaf);
            directory.places.get(next).is_some_and(|p| leaf.contains(p))
        };
        let unseen: Vec<Place> = declared.expected_places().iter().filter(|l| !seen(l)).cloned().collect();
        if !unseen.is_empty() {
            directory.places.extend(unseen);
            directory.places.sort();
        }
        directory.declared = declared;
        self
    }

    /// Adds what a registry says of the models that rows name.
    #[must_use]
    pub fn with_links(mut self, links: Arc<RegistryVersions>) -> Self {
        Arc::make_mut(&mut self.directory).link(links);
        self
    }

    /// Counts in the named places of which nothing has come for so long that they would be forgotten, or ever.
    pub(super) fn expect_declared_places(
        &self,
        report: &mut HealthReport,
        scope: &Scope,
        active: &[Option<Activity>],
        at: Millis,
        looked_from: Millis,
    ) {
        let declared = &self.directory.declared;
        let expected_places = declared.expected_places();
        let mut counted = vec![false; expected_places.len()];
        let mut missing: Vec<Option<Missing>> = vec![None; expected_places.len()];
        let expected_from = at.plus(-EXPECTED_WITHIN_MS);
        for (a, written) in active.iter().zip(self.written.iter()) {
            let (Some(a), Some(leaf)) = (a, written.leaf) else { continue };
            counted[leaf] |= a.newest >= Some(expected_from) && !written.facts.retired_at(at);
            let m = missing[leaf].get_or_insert_default();
            m.newest = m.newest.max(a.newest);
            m.reported |= a.reported;
        }
        let facts: Vec<Option<&PlaceDeclaration>> = expected_places
            .iter()
            .zip(&counted)
            .map(|(leaf, counted)| {
                declared.place_declaration(leaf).filter(|f| !*counted && scope.contains(leaf) && !f.retired_at(at))
            })
            .collect();
        self.look_further_back(scope, looked_from, &facts, &mut missing);
        for ((leaf, facts), missing) in expected_places.iter().zip(facts).zip(missing) {
            let Some(facts) = facts else { continue };
            let missing = missing.unwrap_or_default();
            let state = missing.newest.map_or(DataState::Stale, |newest| {
                DataState::of(at.0 - newest.0, facts.cadence.unwrap_or(DEFAULT_CADENCE_MS))
            });
            let nothing = || (Health::default(), [0; 64]);
            let site = (leaf.customer.clone(), leaf.site.clone());
            // A site of which another zone is counted already is no further site.
            let new_site = report.sites.get(&site).is_none_or(|s| s.0.sites_expected == 0);
            let own = report.sites.entry(site).or_insert_with(nothing);
            let child = scope.child_of(leaf).map(|c| report.children.entry(c.clone()).or_insert_with(nothing));
            let below_site = scope.level() >= Level::Site;
            for (health, new_site) in [
                Some((&mut report.whole, new_site)),
                Some((&mut own.0, new_site)),
                child.map(|c| {
                    // Zones are counted each with the site that they share.
                    let new = new_site || (below_site && c.0.sites_expected == 0);
                    (&mut c.0, new)
                }),
            ]
            .into_iter()
            .flatten()
            {
                health.add(state, missing.newest);
                health.sites_expected += u32::from(new_site);
                health.sites_reporting += u32::from(new_site && missing.reported);
            }
        }
    }

    /// When the places that are still looked for reported last, before what was looked through already.
    fn look_further_back(
        &self,
        scope: &Scope,
        before: Millis,
        wanted: &[Option<&PlaceDeclaration>],
        missing: &mut [Option<Missing>],
    ) {
        let sought = |place: u32, missing: &[Option<Missing>]| {
            let leaf = self.written.get(place as usize)?.leaf?;
            (wanted[leaf].is_some() && missing[leaf].is_none()).then_some(leaf)
        };
        if !(0..self.places.len() as u32).any(|p| sought(p, missing).is_some()) {
            return;
        }
        let mut older: Vec<&IndexedFile> = self.files.iter().filter(|v| v.file.from < before).collect();
        older.sort_by_key(|v| std::cmp::Reverse(v.file.day));
        for day in older.chunk_by(|a, b| a.file.day == b.file.day) {
            let mut found: HashMap<usize, Missing> = HashMap::new();
            for view in day.iter().filter(|v| v.names.places().iter().any(|p| sought(*p, missing).is_some())) {
                for (e, place) in view.index.entries.iter().zip(view.places.iter()) {
                    let Some(leaf) = sought(*place, missing).filter(|_| scope.kind.includes(view.index.kind(e))) else {
                        continue;
                    };
                    let newest = view.index.newest_before(e, before, view.file.day.start());
                    let m = found.entry(leaf).or_default();
                    m.newest = m.newest.max(newest);
                }
            }
            for (leaf, m) in found.into_iter().filter(|(_, m)| m.newest.is_some()) {
                missing[leaf] = Some(m);
            }
        }
    }
}
