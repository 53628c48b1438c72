//! What a snapshot knows without reading a row, for queries: [`domain::ports::MetricsSnapshot`].

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use domain::{
    model::ModelKey,
    ports::{MetricsSnapshot, UnreadablePart},
    query::{Directory, MetricSelection, ModelChange, SelectedMetrics},
    scope::Scope,
    state::HealthReport,
    text::Name,
    time::{DAY, Day, Millis, TimeRange},
};

use crate::{customer_snapshot::CustomerSnapshot, loaded_index::ModelFieldTexts, metrics, snapshot::Snapshot};

impl MetricsSnapshot for Snapshot {
    fn generation(&self) -> i64 {
        self.generation_number()
    }
    fn generation_in(&self, scope: &Scope) -> i64 {
        self.generation_in_scope(scope)
    }
    fn restricted_to(self: Arc<Self>, customer: &Name) -> Arc<dyn MetricsSnapshot> {
        Arc::new(CustomerSnapshot::new(self, customer))
    }
    fn as_of(&self) -> Option<Millis> {
        self.as_of
    }
    fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }
    fn select_metrics(&self, metrics: &MetricSelection, scope: &Scope, ranges: &[TimeRange]) -> SelectedMetrics {
        let (metrics, present) = metrics::select(self, metrics, scope, ranges);
        SelectedMetrics { metrics, present }
    }
    fn health(&self, scope: &Scope, range: &TimeRange, now: Millis) -> HealthReport {
        self.health_of(scope, range, now)
    }
    fn since(&self, scope: &Scope, begin: Millis, end: Millis) -> Option<Millis> {
        self.first_record_in(scope, begin, end)
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
    fn unreadable(&self) -> Vec<UnreadablePart> {
        let failed = self.files.iter().filter_map(|v| {
            let reason = v.failed.clone()?;
            Some(UnreadablePart { name: v.file.path.clone(), day: v.file.day, rows: v.file.rows, reason })
        });
        failed.collect()
    }
}

/// Model versions that zones of the scope ran for the first time within the range; at most the twenty that reached the most
/// zones. A zone whose records all lie within the range has no "before" and counts for nothing.
fn model_changes(snapshot: &Snapshot, scope: &Scope, range: &TimeRange) -> Vec<ModelChange> {
    let runs = || {
        snapshot.first_seen_models.iter().filter(|(run, t)| {
            **t < range.to().0
                && scope.contains(&snapshot.places[run.place as usize])
                && scope.kind.includes(run.kind.as_deref())
                && scope.task.as_ref().is_none_or(|task| task.as_str() == &*run.task)
        })
    };
    let mut place_first: HashMap<u32, i64> = HashMap::new();
    for (run, t) in runs() {
        place_first.entry(run.place).and_modify(|first| *first = (*first).min(*t)).or_insert(*t);
    }
    let mut arrivals: Vec<(&ModelFieldTexts, i64)> = runs()
        .filter(|(run, t)| **t >= range.from().0 && place_first.get(&run.place).is_some_and(|p| *p < **t))
        .map(|(run, t)| (&run.model, *t))
        .collect();
    arrivals.sort();
    // A roll-out over several zones is one change as long as no day passes without a zone.
    let mut changes: Vec<(i64, i64, &ModelFieldTexts, u32)> = Vec::new();
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
    let change = |(t, _, model, zones): (i64, i64, &ModelFieldTexts, u32)| {
        let (name, version) = (text(Some(&model.name)), text(model.version.as_ref()));
        if !model.registered {
            let known = model.key().map(|key| snapshot.directory.links.canonical(&key));
            let known = known.as_ref().and_then(ModelKey::registered);
            return ModelChange {
                t: Millis(t),
                architecture: name,
                version,
                registered_model: known.map(|r| r.name.to_string()),
                registered_version: known.and_then(|r| r.version.as_ref()).map(ToString::to_string),
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
