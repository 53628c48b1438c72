//! What a snapshot knows, as far as it is about one customer.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use domain::{
    custom_metrics::{CustomMetrics, MetricsOverLimit},
    metric::BUILT_IN_COUNT,
    ports::{MetricsSnapshot, UnreadablePart},
    query::{Directory, MetricColumn, MetricPage, MetricSelection, ModelChange, SelectedMetrics},
    scope::Scope,
    state::HealthReport,
    text::Name,
    time::{Day, Millis, TimeRange},
};

use crate::{
    loaded_index::ModelFieldTexts,
    snapshot::{IndexedFile, Snapshot, models_by_age},
};

/// Directories by customer, made when somebody asks.
pub type CustomerDirectories = Mutex<HashMap<Name, Arc<OnceLock<Arc<Directory>>>>>;

/// A snapshot as it is shown to an actor bound to one customer.
pub struct CustomerSnapshot {
    whole: Arc<Snapshot>,
    own: Scope,
    /// Made when somebody asks: a generation alone needs none.
    directory: OnceLock<Arc<Directory>>,
}

impl CustomerSnapshot {
    pub fn new(whole: Arc<Snapshot>, customer: &Name) -> Self {
        let own = Scope { customer: Some(customer.clone()), ..Scope::default() };
        Self { own, whole, directory: OnceLock::new() }
    }

    /// A scope that holds nothing but what is shown; of another customer, which is never asked for, nothing.
    fn inside(&self, scope: &Scope) -> Scope {
        Scope { customer: self.own.customer.clone(), ..scope.clone() }
    }

    fn is_own(&self, scope: &Scope) -> bool {
        scope.customer.is_none() || scope.customer == self.own.customer
    }

    /// Files that hold rows of the customer.
    fn files(&self) -> impl Iterator<Item = &IndexedFile> {
        let own: Vec<bool> = self.whole.places.iter().map(|p| self.own.contains(p)).collect();
        self.whole.files.iter().filter(move |v| v.places.iter().any(|p| own[*p as usize]))
    }
}

impl MetricsSnapshot for CustomerSnapshot {
    fn generation(&self) -> i64 {
        self.whole.generation_in_scope(&self.own)
    }
    fn generation_in(&self, scope: &Scope) -> i64 {
        if self.is_own(scope) { self.whole.generation_in_scope(&self.inside(scope)) } else { 0 }
    }
    fn restricted_to(self: Arc<Self>, customer: &Name) -> Arc<dyn MetricsSnapshot> {
        if self.own.customer.as_ref() == Some(customer) {
            return self;
        }
        // Of one customer there is nothing to know about another.
        let own = Scope { customer: Some(customer.clone()), ..Scope::default() };
        Arc::new(Self { whole: Arc::default(), own, directory: OnceLock::new() })
    }
    fn site_count_index(&self, column: &MetricColumn) -> Option<usize> {
        self.whole.site_count_index(column)
    }
    fn as_of(&self) -> Option<Millis> {
        // When something arrived is known by file, and others' rows may be in it: the newest event is the customer's own.
        self.directory().newest
    }
    fn directory(&self) -> &Arc<Directory> {
        self.directory.get_or_init(|| {
            let Some(customer) = &self.own.customer else { return Arc::default() };
            let cell = Arc::clone(
                self.whole.narrowed.lock().unwrap_or_else(PoisonError::into_inner).entry(customer.clone()).or_default(),
            );
            Arc::clone(cell.get_or_init(|| Arc::new(self.whole.directory_of(customer))))
        })
    }
    fn select_metrics(&self, metrics: &MetricSelection, scope: &Scope, ranges: &[TimeRange]) -> SelectedMetrics {
        let own = self.directory();
        let has = |column: &MetricColumn| own.has(column);
        // Keys are as short as names allow: among all, and among the customer's own.
        let as_known = |keys: &[String]| -> Vec<String> {
            let key = |key: &String| Some(self.whole.directory.key(&own.metric(key).ok()?.1));
            keys.iter().map(|k| key(k).unwrap_or_else(|| k.clone())).collect()
        };
        let asked = match metrics {
            MetricSelection::All => MetricSelection::All,
            MetricSelection::Only(keys) => MetricSelection::Only(as_known(keys)),
            MetricSelection::Page(page) => {
                MetricSelection::Page(MetricPage { always: as_known(&page.always), ..page.clone() })
            }
        };
        let SelectedMetrics { metrics, present } = self.whole.select_metrics(&asked, &self.inside(scope), ranges);
        let renamed = |column: MetricColumn| match &column {
            MetricColumn::BuiltIn(i) => (own.declared.built_in(*i).clone(), column),
            MetricColumn::Custom(full) => match own.custom.index_of(full) {
                Some(place) => own.custom_metric(place),
                None => (own.declared.custom(full, full), column),
            },
        };
        let metrics = metrics.into_iter().map(|m| m.1).filter(has).map(renamed).collect();
        let columns = present.iter().filter_map(|key| Some(self.whole.directory.metric(key).ok()?.1));
        let present = columns.filter(has).map(|column| own.key(&column)).collect();
        SelectedMetrics { metrics, present }
    }
    fn health(&self, scope: &Scope, range: &TimeRange, now: Millis) -> HealthReport {
        self.whole.health_of(&self.inside(scope), range, now)
    }
    fn since(&self, scope: &Scope, begin: Millis, end: Millis) -> Option<Millis> {
        self.whole.first_record_in(&self.inside(scope), begin, end)
    }
    fn model_changes(&self, scope: &Scope, range: &TimeRange) -> Vec<ModelChange> {
        self.whole.model_changes(&self.inside(scope), range)
    }
    fn volume(&self) -> Vec<(Day, u64)> {
        let mut days = BTreeMap::new();
        for v in self.files() {
            let own = v.index.entries.iter().zip(v.places.iter());
            let own = own.filter(|(_, p)| self.own.contains(&self.whole.places[**p as usize]));
            *days.entry(v.file.day).or_insert(0) += own.map(|(e, _)| u64::from(e.n)).sum::<u64>();
        }
        days.into_iter().collect()
    }
    fn unreadable(&self) -> Vec<UnreadablePart> {
        let own: BTreeSet<&str> = self.files().map(|v| &*v.file.path).collect();
        let failed = MetricsSnapshot::unreadable(&*self.whole).into_iter().filter(|f| own.contains(&*f.name));
        // How many rows of it are the customer's does not matter to them, and how many are not is not theirs to know.
        failed.map(|f| UnreadablePart { rows: 0, ..f }).collect()
    }
}

impl Snapshot {
    fn directory_of(&self, customer: &Name) -> Directory {
        let own: Vec<bool> = self.places.iter().map(|p| p.customer == *customer).collect();
        let all = &self.directory;
        let (mut tasks, mut models, mut custom) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut built_in, mut beyond) = (0u16, false);
        let mut d = Directory::default();
        for v in &self.files {
            let entries = v.index.entries.iter().zip(v.places.iter()).filter(|(_, place)| own[**place as usize]);
            let before = d.records;
            for (e, _) in entries {
                tasks.insert(v.index.task(e));
                models.extend(v.index.model(e));
                built_in |= e.metrics;
                beyond |= e.beyond;
                custom.extend(v.index.reported(e).iter().map(|i| &v.index.custom[usize::from(*i)]));
                d.records += u64::from(e.n);
                d.simulated += if e.simulated { u64::from(e.n) } else { 0 };
                d.oldest = [d.oldest, Some(Millis(e.first))].into_iter().flatten().min();
                d.newest = d.newest.max(Some(Millis(e.last())));
            }
            d.more_devices |= d.records > before && v.index.devices().is_none();
            d.more_models |= d.records > before && !v.index.registered;
        }
        d.tasks = tasks.into_iter().filter_map(|t| Name::parse_stored(t).ok()).collect();
        d.models = models.iter().filter_map(ModelFieldTexts::key).collect();
        let first = self.first_seen_models.iter().filter(|(run, _)| own[run.place as usize]);
        d.models_by_age = models_by_age(first);
        let devices = all.devices.iter().map(|(device, places)| {
            let places: BTreeSet<_> = places.iter().filter(|p| p.customer == *customer).cloned().collect();
            (device.clone(), places)
        });
        d.devices = Arc::new(devices.filter(|(_, places)| !places.is_empty()).collect());
        // Where a name is over the limit, it is not known whose it was.
        d.beyond = MetricsOverLimit { names: CustomMetrics::default(), more: beyond, cap: all.beyond.cap };
        d.built_in = (0..BUILT_IN_COUNT).filter(|metric_bit| built_in >> metric_bit & 1 == 1).collect();
        let named: Vec<String> =
            custom.into_iter().filter(|full| all.custom.index_of(full).is_some()).cloned().collect();
        d.declared = Arc::new(all.declared.restricted_to(customer, &named));
        d.custom = named.into();
        d.places = all.places.iter().filter(|p| p.customer == *customer).cloned().collect();
        // Versions that no record of theirs belongs to are not theirs to know.
        d.link(Arc::clone(&all.links));
        d.hides_linked = true;
        d
    }
}
