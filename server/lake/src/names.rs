//! Which metrics outside of the catalogue the lake may know by name: first come, first served, up to a limit. Kept with the
//! manifest in the order of arrival, so that restarts, merges and other processes choose the same.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError},
};

use domain::{
    Result,
    custom_metrics::{CustomMetrics, DEFAULT_METRIC_NAME_LIMIT, MetricsOverLimit},
    normalization::nfc,
    ports::Batch,
};
use serde::{Deserialize, Serialize};

use crate::{Lake, loaded_index::LoadedIndex, ports::Manifest};

/// So many more are remembered, to be named on the sources page.
const MAX_NAMES_OVER_LIMIT: usize = 1_000;
/// Under this the names are kept.
const NOTE: &str = "metric_names";

/// Names of metrics, as `group.leaf`, in the order in which they came.
#[derive(Debug, Clone)]
pub struct MetricNames {
    cap: usize,
    names: Vec<Name>,
    places: HashMap<Arc<str>, usize>,
    /// Names came that are not even remembered.
    more: bool,
}

#[derive(Debug, Clone)]
struct Name {
    full: Arc<str>,
    /// No other than simulated records had it.
    simulated: bool,
    /// It stands in the list that is kept with the manifest, and not only in an index older than the list.
    kept: bool,
}

/// As kept: the names, and the places of those that only simulated records had.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct StoredNames {
    names: Vec<String>,
    simulated: Vec<usize>,
    more: bool,
}

impl Default for MetricNames {
    fn default() -> Self {
        Self::new(DEFAULT_METRIC_NAME_LIMIT)
    }
}

impl MetricNames {
    pub fn new(cap: usize) -> Self {
        Self { cap, names: Vec::new(), places: HashMap::new(), more: false }
    }

    /// The same names under another limit.
    #[must_use]
    pub fn with_cap(&self, cap: usize) -> Self {
        Self { cap, ..self.clone() }
    }

    /// What was kept; nothing where it is missing or none of ours.
    fn read(text: Option<&str>, cap: usize) -> Self {
        let kept: StoredNames = text.and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default();
        let simulated: BTreeSet<usize> = kept.simulated.into_iter().collect();
        let mut names = Self { more: kept.more, ..Self::new(cap) };
        for (i, full) in kept.names.into_iter().enumerate() {
            names.push(&full, simulated.contains(&i), true);
        }
        names
    }

    fn write(&self) -> String {
        let kept = StoredNames {
            names: self.names.iter().map(|n| n.full.to_string()).collect(),
            simulated: (0..self.names.len()).filter(|i| self.names[*i].simulated).collect(),
            more: self.more,
        };
        serde_json::to_string(&kept).unwrap_or_default()
    }

    fn push(&mut self, full: &str, simulated: bool, kept: bool) {
        if !self.places.contains_key(full) {
            let shared: Arc<str> = full.into();
            self.places.insert(Arc::clone(&shared), self.names.len());
            self.names.push(Name { full: shared, simulated, kept });
        }
    }

    /// Whether a name would change anything.
    fn is_news(&self, full: &str, simulated: bool) -> bool {
        match self.places.get(full) {
            Some(place) => self.names[*place].simulated && !simulated,
            None => self.names.len() < self.cap + MAX_NAMES_OVER_LIMIT || !self.more,
        }
    }

    /// Takes a name that arrives.
    pub fn add(&mut self, full: &str, simulated: bool) {
        if let Some(place) = self.places.get(full) {
            self.names[*place].simulated &= simulated;
        } else if self.names.len() < self.cap + MAX_NAMES_OVER_LIMIT {
            self.push(full, simulated, false);
        } else {
            self.more = true;
        }
    }

    /// Whether a metric gets more than its place in its records.
    pub fn is_admitted(&self, full: &str) -> bool {
        self.places.get(full).is_some_and(|place| *place < self.cap)
    }

    /// The names that are admitted.
    pub fn admitted(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.iter().take(self.cap).map(|n| &n.full)
    }

    /// The names that came too late.
    pub fn over_limit(&self) -> MetricsOverLimit {
        let names: Vec<String> = self.names.iter().skip(self.cap).map(|n| n.full.to_string()).collect();
        if names.is_empty() {
            return MetricsOverLimit::default();
        }
        MetricsOverLimit { names: CustomMetrics::from(names), more: self.more, cap: self.cap }
    }

    /// The names that are left when simulated records go.
    fn without_simulated(&self) -> Self {
        let mut left = Self { more: self.more, ..Self::new(self.cap) };
        self.names.iter().filter(|n| !n.simulated).for_each(|n| left.push(&n.full, false, n.kept));
        left
    }

    /// The same in the one spelling that names have. Of two that become one the first counts.
    fn normalized(&self) -> Self {
        let mut all = Self { more: self.more, ..Self::new(self.cap) };
        for n in &self.names {
            let full = nfc(&n.full).unwrap_or_else(|| n.full.to_string());
            all.push(&full, n.simulated, n.kept);
            all.add(&full, n.simulated);
        }
        all
    }

    /// Whether an index names what is not known here: another process has learnt it, or the index is older than the list.
    pub fn lacks_names_of(&self, index: &LoadedIndex) -> bool {
        index.custom.iter().any(|c| !self.places.contains_key(c.as_str()))
            || (!self.more && index.has_metrics_over_limit())
    }

    /// The same names, as they are kept now.
    pub async fn refreshed(&self, manifest: &dyn Manifest) -> Result<Self> {
        Ok(Self::read(manifest.note(NOTE).await?.as_deref(), self.cap))
    }
}

impl Lake {
    /// Takes the names of a commit's metrics, before its files are written. The caller holds the writer's lock. A commit
    /// that fails has taken room for names that it will bring again.
    pub(crate) async fn add_names(&self, batches: &[Batch]) -> Result<()> {
        let known = Arc::clone(&self.snapshot().names);
        let arrivals = || batches.iter().flat_map(|b| b.records.iter()).map(|a| &a.record);
        let named = || arrivals().flat_map(|r| r.custom().iter().map(move |(full, _)| (full.as_str(), r.simulated())));
        if !named().any(|(full, simulated)| known.is_news(full, simulated)) {
            return Ok(());
        }
        let kept = known.refreshed(self.manifest.as_ref()).await?;
        let mut names = kept.clone();
        known.names.iter().filter(|n| !n.kept).for_each(|n| names.add(&n.full, n.simulated));
        named().for_each(|(full, simulated)| names.add(full, simulated));
        self.store_names(&kept, names).await
    }

    /// Forgets the names that only simulated records had. The caller holds the writer's lock.
    pub(crate) async fn forget_simulated_names(&self) -> Result<()> {
        let kept = self.snapshot().names.refreshed(self.manifest.as_ref()).await?;
        self.store_names(&kept, kept.without_simulated()).await
    }

    /// Gives the names their one spelling, before records get it. The caller holds the writer's lock.
    pub(crate) async fn normalize_metric_names(&self) -> Result<()> {
        let known = Arc::clone(&self.snapshot().names);
        let kept = known.refreshed(self.manifest.as_ref()).await?;
        let mut names = kept.clone();
        known.names.iter().for_each(|n| names.add(&n.full, n.simulated));
        let normalized = names.normalized();
        if normalized.names.iter().map(|n| &n.full).eq(names.names.iter().map(|n| &n.full)) {
            return Ok(());
        }
        self.store_names(&kept, normalized).await
    }

    async fn store_names(&self, kept: &MetricNames, mut names: MetricNames) -> Result<()> {
        names.names.iter_mut().for_each(|n| n.kept = true);
        let text = names.write();
        if text != kept.write() {
            self.manifest.set_value(NOTE, Some(&text)).await?;
        }
        // Nobody else renews the snapshot between: it would lose what was learnt.
        let _turn = self.following.lock().await;
        let renewed = Arc::new(self.snapshot().with_names(names));
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }

    /// Lets queries know at most so many metrics outside of the catalogue by name; those that came later stay in their
    /// records. A higher limit takes effect at once.
    #[must_use]
    pub fn with_metric_names(self, cap: usize) -> Self {
        let snapshot = self.snapshot();
        let renewed = snapshot.with_names(snapshot.names.with_cap(cap));
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(cap: usize, names: &[&str]) -> MetricNames {
        let mut all = MetricNames::new(cap);
        names.iter().for_each(|n| all.add(n, false));
        all
    }

    #[test]
    fn who_comes_first_is_admitted_and_stays_so_when_it_is_read_back() {
        let names = noted(2, &["c.z", "c.a", "c.b", "c.z", "c.y"]);
        let read = MetricNames::read(Some(&names.write()), 2);
        for n in [&names, &read] {
            assert_eq!(n.admitted().map(|a| &**a).collect::<Vec<_>>(), ["c.z", "c.a"]);
            assert_eq!(n.over_limit().names.to_vec(), ["c.b", "c.y"]);
            assert!(n.is_admitted("c.a") && !n.is_admitted("c.b") && !n.is_admitted("c.none"));
        }
        assert!(read.with_cap(3).is_admitted("c.b") && !read.with_cap(1).is_admitted("c.a"));
    }

    #[test]
    fn a_flood_of_names_is_remembered_up_to_a_bound() {
        let mut names = MetricNames::new(1);
        (0..5_000).for_each(|i| names.add(&format!("run.{i}"), false));
        let beyond = names.over_limit();
        assert_eq!((beyond.names.len(), beyond.more, beyond.cap), (MAX_NAMES_OVER_LIMIT, true, 1));
        assert!(!names.is_news("run.9999", false), "one more changes nothing");
    }

    #[test]
    fn a_name_in_two_spellings_takes_one_place() {
        let mut names = noted(2, &["c.cafe\u{301}", "c.caf\u{e9}", "c.b", "c.late"]);
        names.add("d.e\u{301}", true);
        let normalized = names.normalized();
        assert_eq!(normalized.admitted().map(|a| &**a).collect::<Vec<_>>(), ["c.caf\u{e9}", "c.b"]);
        assert_eq!(normalized.over_limit().names.to_vec(), ["c.late", "d.\u{e9}"]);
        assert_eq!(normalized.without_simulated().names.len(), 3);
    }

    #[test]
    fn names_that_only_the_demo_had_go_with_it() {
        let mut names = MetricNames::new(2);
        names.add("demo.a", true);
        names.add("both.b", true);
        names.add("real.c", false);
        assert!(names.is_news("both.b", false) && !names.is_admitted("real.c"));
        names.add("both.b", false);
        let left = MetricNames::read(Some(&names.write()), 2).without_simulated();
        assert_eq!(left.admitted().map(|a| &**a).collect::<Vec<_>>(), ["both.b", "real.c"]);
    }
}
