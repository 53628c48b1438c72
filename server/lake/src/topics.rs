//! Since when answers about a place may differ: a page of one customer is not told of another's records.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use domain::{
    changes::{MOST_PLACES, Places, Touched},
    metric::{BUILT_IN, CATALOGUE},
    ports::Batch,
    query::Directory,
    scope::{Place, Scope},
    text::Name,
};

use crate::{day::DayChange, snapshot::Snapshot};

/// Generations by place; see [`Snapshot::number`].
#[derive(Debug, Clone, Default)]
pub struct Generations {
    /// When something changed that is not of one place: names, files that cannot be read, sources that fail.
    all: i64,
    /// By the number of a place, and of all that lie in a customer the newest.
    places: Arc<Vec<i64>>,
    customers: Arc<HashMap<Name, i64>>,
}

impl Snapshot {
    /// See [`domain::ports::View::generation_in`].
    pub fn number_in(&self, scope: &Scope) -> i64 {
        let Some(customer) = &scope.customer else { return self.number() };
        let of_customer = self.topics.customers.get(customer).copied().unwrap_or(0);
        // Most often the customer has nothing new, and neither has what lies in it.
        if scope.site.is_none() || of_customer <= self.topics.all {
            return of_customer.max(self.topics.all);
        }
        let places = self.places.iter().zip(self.topics.places.iter());
        places.filter(|(place, _)| scope.holds(place)).map(|(_, number)| *number).fold(self.topics.all, i64::max)
    }

    /// Takes over from the snapshot before what has not changed. `touched` is what the commits since have touched, where that is
    /// known.
    pub fn follow(&mut self, before: &Self, touched: Option<&[Touched]>) {
        let number = self.number();
        // A source that heals, or a file that cannot be read any more, is of no one place.
        let same = before.generation > 0
            && before.revision == self.revision
            && before.failing == self.failing
            && before.unreadable().eq(self.unreadable())
            && same_names(&before.directory, &self.directory);
        let touched = touched.filter(|_| same);
        let named = |touched: &Touched| match &touched.places {
            Places::Some(places) => Some(places.clone()),
            Places::All => None,
        };
        let places: Option<BTreeSet<Place>> = touched
            .and_then(|all| all.iter().map(named).collect::<Option<Vec<_>>>())
            .map(|all| all.into_iter().flatten().collect());
        self.topics = before.topics.clone();
        let Some(places) = places else {
            self.topics.all = number;
            return;
        };
        if !places.is_empty() {
            let numbers = Arc::make_mut(&mut self.topics.places);
            numbers.resize(self.places.len(), 0);
            let touched = self.places.iter().zip(numbers).filter(|(place, _)| places.contains(place));
            touched.for_each(|(_, known)| *known = number);
            let customers = Arc::make_mut(&mut self.topics.customers);
            customers.extend(places.into_iter().map(|p| (p.customer, number)));
        }
    }
}

impl Snapshot {
    /// Answers about some places differ from now on, although nothing was committed.
    pub fn moved(&mut self, places: &BTreeSet<u32>) {
        let number = self.number();
        let numbers = Arc::make_mut(&mut self.topics.places);
        numbers.resize(self.places.len(), 0);
        let customers = Arc::make_mut(&mut self.topics.customers);
        for place in places.iter().map(|p| *p as usize) {
            numbers[place] = number;
            customers.insert(self.places[place].customer.clone(), number);
        }
    }
}

/// Whether there is the same to ask about, however many records.
fn same_names(a: &Arc<Directory>, b: &Arc<Directory>) -> bool {
    let told = |d: &Directory| (d.more_devices, d.more_models, d.built_in.clone(), d.declared.revision());
    Arc::ptr_eq(a, b)
        || (told(a) == told(b)
            && a.places == b.places
            && a.tasks == b.tasks
            && a.models == b.models
            && a.by_age == b.by_age
            && (Arc::ptr_eq(&a.devices, &b.devices) || a.devices == b.devices)
            && a.custom == b.custom
            && a.beyond == b.beyond)
}

/// What taking in batches touched: only days on which something is new or corrected.
pub fn touched(batches: &[Batch], changes: &[DayChange]) -> Touched {
    let mut touched = Touched::default();
    let changed = changes.iter().filter(|c| !c.publish.is_empty()).filter_map(|c| Some(c.publish.first()?.file.day));
    touched.days = changed.collect();
    let (mut built_in, mut custom) = ([false; BUILT_IN], HashSet::<&str>::new());
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
        if places.len() <= MOST_PLACES {
            places.extend(record.place());
        }
        built_in.iter_mut().zip(record.built_in()).for_each(|(seen, x)| *seen |= x.is_some());
        custom.extend(record.custom().iter().map(|(full, _)| full.as_str()));
    }
    let built_in = CATALOGUE.iter().zip(built_in).filter(|(_, seen)| *seen).map(|(m, _)| m.key.to_string());
    places.into_iter().for_each(|p| touched.place(p));
    touched.metrics = built_in.chain(custom.into_iter().map(str::to_owned)).collect();
    touched
}
