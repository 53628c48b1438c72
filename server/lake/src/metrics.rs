//! Which metrics there are to ask about: of the lake those outside of the catalogue that it may know by name, of a scope
//! those that its places reported, and of these the ones that a query is about. From the indexes alone.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    Result,
    custom_metrics::{CustomMetrics, MetricsOverLimit},
    metric::{BUILT_IN_COUNT, CATALOGUE, Metric},
    query::{LEADING_METRICS, MetricColumn, MetricSelection},
    scope::Scope,
    time::TimeRange,
};

use crate::{
    health::HealthCache,
    loaded_index::LoadedIndex,
    names::MetricNames,
    ports::Manifest,
    snapshot::{IndexedFile, Snapshot},
};

/// In [`IndexedFile::custom`]: the directory does not know the metric.
const UNKNOWN: u32 = u32::MAX;

/// The names that the lake may know, as of the given files.
///
/// # Errors
/// `Unavailable` when the manifest cannot be read.
pub async fn load_names(
    before: &Arc<MetricNames>,
    mut new: impl Iterator<Item = &IndexedFile>,
    views: &[IndexedFile],
    manifest: &dyn Manifest,
) -> Result<Arc<MetricNames>> {
    if !new.any(|v| before.lacks_names_of(&v.index)) {
        return Ok(Arc::clone(before));
    }
    let mut names = before.refreshed(manifest).await?;
    // Indexes older than the list: as far as it can be known, in the order in which they were written.
    views.iter().flat_map(|v| v.index.custom.iter()).for_each(|full| names.add(full, false));
    Ok(Arc::new(names))
}

/// The metrics outside of the catalogue that queries may name, and for each file where its own stand among them. These are
/// the admitted ones that an index names; and where records hold some that no index names, since there was no room when they
/// came, every admitted one. `before`: what the files that are not new stand by.
pub fn index_custom_metrics(
    views: &mut [IndexedFile],
    is_new: impl Fn(&IndexedFile) -> bool,
    before: &CustomMetrics,
    names: &MetricNames,
) -> CustomMetrics {
    let mut used = vec![false; before.len()];
    let mut more: BTreeSet<&str> = BTreeSet::new();
    for v in views.iter() {
        if is_new(v) {
            more.extend(v.index.custom.iter().map(String::as_str).filter(|c| names.is_admitted(c)));
        } else {
            v.custom.iter().filter(|p| **p != UNKNOWN).for_each(|p| used[*p as usize] = true);
        }
    }
    if views.iter().any(|v| v.names.beyond) {
        more.extend(names.admitted().map(|n| &**n));
    }
    more.retain(|name| match before.index_of(name) {
        Some(place) => {
            used[place] = true;
            false
        }
        None => true,
    });
    let same = more.is_empty() && used.iter().all(|u| *u);
    let custom = if same {
        before.clone()
    } else {
        let kept = before.iter().zip(used).filter(|(_, u)| *u).map(|(name, _)| name.clone());
        kept.chain(more.into_iter().map(str::to_owned)).collect::<Vec<_>>().into()
    };
    let to_place: Vec<usize> = (0..views.len()).filter(|i| !same || is_new(&views[*i])).collect();
    for i in to_place {
        views[i].custom = places(&views[i].index, &custom);
    }
    custom
}

/// Where the metrics of an index stand in the directory. Both are sorted.
fn places(index: &LoadedIndex, custom: &CustomMetrics) -> Arc<[u32]> {
    let mut all = (0u32..).zip(custom.iter()).peekable();
    let of = |name: &String| {
        while all.next_if(|(_, c)| *c < name).is_some() {}
        all.peek().filter(|(_, c)| *c == name).map_or(UNKNOWN, |(place, _)| *place)
    };
    index.custom.iter().map(of).collect()
}

/// The metrics over the limit, as far as records still hold any.
pub fn metrics_over_limit(views: &[IndexedFile], names: &MetricNames) -> MetricsOverLimit {
    let some = views.iter().any(|v| v.names.beyond || v.custom.contains(&UNKNOWN));
    if some { names.over_limit() } else { MetricsOverLimit::default() }
}

/// The bit of a metric outside of the catalogue, by its place in the directory, in a set of 64; none where there is no room.
pub fn metric_bit(place: u32) -> u64 {
    place.checked_add(BUILT_IN_COUNT as u32).and_then(|b| 1u64.checked_shl(b)).unwrap_or(0)
}

/// The metrics that a query is about: the catalogue's first, then the others by name. Beside them, for a page, the keys of
/// all that the scope has in any of the ranges.
pub fn select(
    snapshot: &Snapshot,
    metrics: &MetricSelection,
    scope: &Scope,
    ranges: &[TimeRange],
) -> (Vec<(Metric, MetricColumn)>, Vec<String>) {
    let d = &snapshot.directory;
    let key = |i: usize| d.built_in.get(i).map_or_else(|| d.custom.key(i - d.built_in.len()), |m| &*CATALOGUE[*m].key);
    let metric = |i: usize| match d.built_in.get(i) {
        Some(m) => (d.declared.built_in(*m).clone(), MetricColumn::BuiltIn(*m)),
        None => d.custom_metric(i - d.built_in.len()),
    };
    let all = d.built_in.len() + d.custom.len();
    let MetricSelection::Page(page) = metrics else {
        return ((0..all).filter(|i| metrics.contains(key(*i))).map(metric).collect(), vec![]);
    };
    // Where all fit on one page, it does not matter which of them the scope lacks.
    let present: Vec<usize> = if all <= page.take {
        (0..all).collect()
    } else {
        let (built_in, custom) = snapshot.present(scope, ranges);
        let has = |i: &usize| match d.built_in.get(*i) {
            Some(m) => built_in >> m & 1 == 1,
            None => custom[*i - d.built_in.len()],
        };
        (0..all).filter(has).collect()
    };
    let mut wanted: BTreeSet<usize> = present.iter().take(LEADING_METRICS).copied().collect();
    wanted.extend(present.iter().skip(page.skip).take(page.take));
    wanted.extend((0..all).filter(|i| metrics.contains(key(*i))));
    (wanted.into_iter().map(metric).collect(), present.into_iter().map(|i| key(i).to_owned()).collect())
}

impl Snapshot {
    /// The same files under another list of names.
    #[must_use]
    pub fn with_names(&self, names: MetricNames) -> Self {
        let mut renewed = self.clone();
        let custom = index_custom_metrics(&mut renewed.files, |_| true, &CustomMetrics::default(), &names);
        let beyond = metrics_over_limit(&renewed.files, &names);
        renewed.directory = Arc::new(domain::query::Directory { custom, beyond, ..self.directory.as_ref().clone() });
        if renewed.directory.custom != self.directory.custom {
            // What is kept of health knows metrics by their places in that list.
            renewed.kept = HealthCache::default();
        }
        renewed.names = Arc::new(names);
        renewed.narrowed = Arc::default();
        renewed
    }

    /// Which metrics the places of a scope reported in any of the ranges: of the catalogue a bit each, of the others by
    /// place in the directory. To the reach of an index's entry, which is a day at most, on whichever of its devices.
    fn present(&self, scope: &Scope, ranges: &[TimeRange]) -> (u16, Vec<bool>) {
        let inside: Vec<bool> = self.places.iter().map(|p| scope.contains(p)).collect();
        let within = |first: i64, last: i64| ranges.iter().any(|r| first < r.to().0 && last >= r.from().0);
        let (mut built_in, mut custom) = (0, vec![false; self.directory.custom.len()]);
        for view in self.files.iter().filter(|v| v.failed.is_none() && within(v.file.from.0, v.file.to.0)) {
            let index = &view.index;
            let mut without_room = false;
            let on_device = scope.device.as_ref().and_then(|device| {
                Some(index.devices()?.filter(|(_, d)| device.as_str() == &***d).map(|d| d.0).collect::<BTreeSet<_>>())
            });
            for (i, (e, place)) in index.entries.iter().zip(view.places.iter()).enumerate() {
                if inside[*place as usize]
                    && on_device.as_ref().is_none_or(|entries| entries.contains(&i))
                    && within(e.first, e.last())
                    && scope.kind.includes(index.kind(e))
                    && scope.task.as_ref().is_none_or(|t| t.as_str() == &**index.task(e))
                {
                    built_in |= e.metrics;
                    without_room |= e.beyond;
                    let places = index.reported(e).iter().map(|i| view.custom[usize::from(*i)]);
                    places.filter(|p| *p != UNKNOWN).for_each(|p| custom[p as usize] = true);
                }
            }
            if without_room {
                // It may be any that this index does not name.
                let named: BTreeSet<u32> = view.custom.iter().copied().collect();
                (0u32..).zip(&mut custom).for_each(|(p, has)| *has |= !named.contains(&p));
            }
        }
        (built_in, custom)
    }
}
