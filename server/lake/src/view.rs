//! What a snapshot knows without reading a row, for whoever asks: [`domain::ports::View`].

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use domain::{
    ports::{Unreadable, View},
    query::{Chosen, Directory, Metrics, ModelChange},
    scope::Scope,
    state::HealthReport,
    text::Name,
    time::{DAY, Day, Millis, TimeRange},
};

use crate::{held::ModelText, metrics, narrowed::Narrowed, snapshot::Snapshot};

impl View for Snapshot {
    fn generation(&self) -> i64 {
        self.number()
    }
    fn generation_in(&self, scope: &Scope) -> i64 {
        self.number_in(scope)
    }
    fn within(self: Arc<Self>, customer: &Name) -> Arc<dyn View> {
        Arc::new(Narrowed::new(self, customer))
    }
    fn as_of(&self) -> Option<Millis> {
        self.as_of
    }
    fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }
    fn chosen(&self, metrics: &Metrics, scope: &Scope, ranges: &[TimeRange]) -> Chosen {
        let (metrics, present) = metrics::chosen(self, metrics, scope, ranges);
        Chosen { metrics, present }
    }
    fn health(&self, scope: &Scope, range: &TimeRange, now: Millis) -> HealthReport {
        self.health_of(scope, range, now)
    }
    fn since(&self, scope: &Scope, begin: Millis, end: Millis) -> Option<Millis> {
        self.begin_of(scope, begin, end)
    }
    fn model_changes(&self, scope: &Scope, range: &TimeRange) -> Vec<ModelChange> {
        model_changes(self, scope, range)
    }
    fn volume(&self) -> Vec<(Day, u64)> {
        let mut days = BTreeMap::new();
        for v in &self.files {
            *days.entry(v.file.day).or_insert(0) += v.file.rows;
        }
        days.into_iter().collect()
    }
    fn unreadable(&self) -> Vec<Unreadable> {
        let failed = self.files.iter().filter_map(|v| {
            let reason = v.failed.clone()?;
            Some(Unreadable { name: v.file.path.clone(), day: v.file.day, rows: v.file.rows, reason })
        });
        failed.collect()
    }
}

/// Model versions that zones of the scope ran for the first time within the range; at most the twenty that reached the most
/// zones. A zone whose records all lie within the range has no "before" and counts for nothing.
fn model_changes(snapshot: &Snapshot, scope: &Scope, range: &TimeRange) -> Vec<ModelChange> {
    let runs = || {
        snapshot.first_runs.iter().filter(|(run, t)| {
            **t < range.to().0
                && scope.holds(&snapshot.places[run.place as usize])
                && scope.kind.takes(run.kind.as_deref())
                && scope.task.as_ref().is_none_or(|task| task.as_str() == &*run.task)
        })
    };
    let mut place_first: HashMap<u32, i64> = HashMap::new();
    for (run, t) in runs() {
        place_first.entry(run.place).and_modify(|first| *first = (*first).min(*t)).or_insert(*t);
    }
    let mut arrivals: Vec<(&ModelText, i64)> = runs()
        .filter(|(run, t)| **t >= range.from().0 && place_first.get(&run.place).is_some_and(|p| *p < **t))
        .map(|(run, t)| (&run.model, *t))
        .collect();
    arrivals.sort();
    // A roll-out over several zones is one change as long as no day passes without a zone.
    let mut changes: Vec<(i64, i64, &ModelText, u32)> = Vec::new();
    for (model, t) in arrivals {
        match changes.last_mut() {
            Some((_, last, same, zones)) if *same == model && t - *last <= DAY => {
                *last = t;
                *zones += 1;
            }
            _ => changes.push((t, t, model, 1)),
        }
    }
    let text = |t: Option<&Arc<str>>| t.map(ToString::to_string).unwrap_or_default();
    let change = |(t, _, model, zones): (i64, i64, &ModelText, u32)| {
        let (name, version) = (text(Some(&model.name)), text(model.version.as_ref()));
        if !model.registered {
            let (registered_model, registered_version) = (None, None);
            return ModelChange {
                t: Millis(t),
                architecture: name,
                version,
                registered_model,
                registered_version,
                zones,
            };
        }
        let (architecture, tagged) = snapshot.tags_of(model);
        let registered_version = model.version.as_ref().map(ToString::to_string);
        ModelChange {
            t: Millis(t),
            architecture: text(architecture),
            version: text(tagged),
            registered_model: Some(name),
            registered_version,
            zones,
        }
    };
    let mut changes: Vec<ModelChange> = changes.into_iter().map(change).collect();
    changes.sort_by_key(|c| std::cmp::Reverse(c.zones));
    changes.truncate(20);
    changes.sort_by_key(|c| c.t);
    changes
}
