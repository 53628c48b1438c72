//! Since when answers about a place may differ: a page of one customer is not told of another's records.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use domain::{
    changes::{AffectedPlaces, ChangeSet, MAX_PLACES},
    metric::{BUILT_IN_COUNT, CATALOGUE},
    ports::Batch,
    query::Directory,
    scope::{Place, Scope},
    text::Name,
};

use crate::{day_writer::DayChange, snapshot::Snapshot};

/// Generations by place; see [`Snapshot::generation_number`].
#[derive(Debug, Clone, Default)]
pub struct PlaceGenerations {
    /// When something changed that is not of one place: names, files that cannot be read, sources that fail.
    all: i64,
    /// By the number of a place, and of all that lie in a customer the newest.
    places: Arc<Vec<i64>>,
    customers: Arc<HashMap<Name, i64>>,
}

impl Snapshot {
    /// See [`domain::ports::MetricsSnapshot::generation_in`].
    pub fn generation_in_scope(&self, scope: &Scope) -> i64 {
        let Some(customer) = &scope.customer else { return self.generation_number() };
        let of_customer = self.place_generations.customers.get(customer).copied().unwrap_or(0);
        // Most often the customer has nothing new, and neither has what lies in it.
        if scope.site.is_none() || of_customer <= self.place_generations.all {
            return of_customer.max(self.place_generations.all);
        }
        let places = self.places.iter().zip(self.place_generations.places.iter());
        places
            .filter(|(place, _)| scope.contains(place))
            .map(|(_, number)| *number)
            .fold(self.place_generations.all, i64::max)
    }

    /// Takes over from the snapshot before what has not changed. `touched` is what the commits since have touched, where that is
    /// known.
    pub fn carry_generations(&mut self, before: &Self, touched: Option<&[ChangeSet]>) {
        let number = self.generation_number();
        // A source that heals, or a file that cannot be read any more, is of no one place.
        let same = before.generation > 0
            && before.revision == self.revision
            && before.failing == self.failing
            && before.unreadable().eq(self.unreadable())
            && same_names(&before.directory, &self.directory);
        let touched = touched.filter(|_| same);
        let named = |touched: &ChangeSet| match &touched.places {
            AffectedPlaces::Some(places) => Some(places.clone()),
            AffectedPlaces::All => None,
        };
        let places: Option<BTreeSet<Place>> = touched
            .and_then(|all| all.iter().map(named).collect::<Option<Vec<_>>>())
            .map(|all| all.into_iter().flatten().collect());
        self.place_generations = before.place_generations.clone();
        let Some(places) = places else {
            self.place_generations.all = number;
            return;
        };
        if !places.is_empty() {
            let numbers = Arc::make_mut(&mut self.place_generations.places);
            numbers.resize(self.places.len(), 0);
            let touched = self.places.iter().zip(numbers).filter(|(place, _)| places.contains(place));
            touched.for_each(|(_, known)| *known = number);
            let customers = Arc::make_mut(&mut self.place_generations.customers);
            customers.extend(places.into_iter().map(|p| (p.customer, number)));
        }
    }
}

impl Snapshot {
    /// Answers about some places differ from now on, although nothing was committed.
    pub fn bump_generations(&mut self, places: &BTreeSet<u32>) {
        let number = self.generation_number();
        let numbers = Arc::make_mut(&mut self.place_generations.places);
        numbers.resize(self.places.len(), 0);
        let customers = Arc::make_mut(&mut self.place_generations.customers);
        for place in places.iter().map(|p| *p as usize) {
            numbers[place] = number;
            customers.insert(self.places[place].customer.clone(), number);
        }
    }
}

/// Whether there is the same to ask about, however many records.
fn same_names(a: &Arc<Directory>, b: &Arc<Directory>) -> bool {
    let told =
        |d: &Directory| (d.more_devices, d.more_models, d.built_in.clone(), d.declared.revision(), d.links.revision());
    Arc::ptr_eq(a, b)
        || (told(a) == told(b)
            && a.places == b.places
            && a.tasks == b.tasks
            && a.models == b.models
            && a.models_by_age == b.models_by_age
            && (Arc::ptr_eq(&a.devices, &b.devices) || a.devices == b.devices)
            && a.custom == b.custom
            && a.beyond == b.beyond)
}

/// What taking in batches touched: only days on which something is new, corrected or withdrawn.
pub fn change_set(batches: &[Batch], changes: &[DayChange]) -> ChangeSet {
    let mut touched = ChangeSet::default();
    let changed = changes.iter().filter(|c| !c.publish.is_empty()).filter_map(|c| Some(c.publish.first()?.file.day));
    touched.days = changed.collect();
    let (mut built_in, mut custom) = ([false; BUILT_IN_COUNT], HashSet::<&str>::new());
    let mut places = HashSet::<Place>::new();
    let mut last_day = None;
    for record in batches.iter().flat_map(|b| b.records.iter()).map(|a| &a.record) {
        let day = record.timestamp().day();
        // Records of one day come together as a rule.
        if last_day != Some((day, true)) {
            last_day = Some((day, touched.days.contains(&day)));
        }
        if last_day != Some((day, true)) {
            continue;
        }
        // One more than are named says that all are touched.
        if places.len() <= MAX_PLACES {
            places.extend(record.place());
        }
        built_in.iter_mut().zip(record.built_in()).for_each(|(seen, x)| *seen |= x.is_some());
        custom.extend(record.custom().iter().map(|(full, _)| full.as_str()));
    }
    for withdrawn in changes.iter().filter_map(|c| c.withdrawn.as_ref()) {
        touched.days.extend(&withdrawn.days);
        built_in.iter_mut().zip(&CATALOGUE).for_each(|(seen, m)| *seen |= withdrawn.metrics.contains(&*m.key));
        custom.extend(withdrawn.metrics.iter().filter(|full| full.contains('.')).map(String::as_str));
        match &withdrawn.places {
            AffectedPlaces::Some(named) => places.extend(named.iter().cloned()),
            AffectedPlaces::All => touched.places = AffectedPlaces::All,
        }
    }
    let built_in = CATALOGUE.iter().zip(built_in).filter(|(_, seen)| *seen).map(|(m, _)| m.key.to_string());
    places.into_iter().for_each(|p| touched.add_place(p));
    touched.metrics = built_in.chain(custom.into_iter().map(str::to_owned)).collect();
    touched
}
