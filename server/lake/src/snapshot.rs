//! What the manifest said last, in memory: files, their indexes, and the directory of names. Replaced as a whole when the
//! manifest's generation moves; questions in flight keep the one they began with.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::{
    Result,
    error::Sentence,
    metric::BUILT_IN,
    ports::{LakeFile, Manifest},
    query::{Directory, MetricColumn},
    say,
    scope::{Model, Place, Scope},
    state::{CADENCE_OVER, DataState, EXPECTED_FOR, Health, cadence},
    text::Name,
    time::{MINUTE, Millis, TimeRange},
};

use crate::{
    file::{Unread, check_size},
    index::{Entry, FileIndex},
};

/// One file with its index, and the reason when it cannot be read.
#[derive(Debug, Clone)]
pub struct FileView {
    pub file: LakeFile,
    pub index: Arc<FileIndex>,
    /// For each entry of the index the number of its place in [`Snapshot::places`].
    pub places: Arc<[u32]>,
    pub names: Arc<Names>,
    /// What is wrong with its index: then nothing about its rows is known.
    pub unindexed: Option<Sentence>,
    pub failed: Option<Sentence>,
    pub lease: Arc<Lease>,
}

/// A file for as long as somebody may read it: one that was retired is deleted with the last snapshot that names it.
#[derive(Debug)]
pub struct Lease {
    path: PathBuf,
    retired: AtomicBool,
}

impl Lease {
    pub fn new(path: PathBuf) -> Self {
        Self { path, retired: AtomicBool::new(false) }
    }

    pub fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if *self.retired.get_mut() {
            // One that stays is swept when the lake is opened.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// What a file adds to the directory. Made once a file, so that a commit costs by the files and not by their entries.
#[derive(Debug, Clone, Default)]
pub struct Names {
    places: Vec<u32>,
    tasks: BTreeSet<Arc<str>>,
    models: BTreeSet<(Arc<str>, Option<Arc<str>>)>,
    /// Built-in metrics, a bit each.
    metrics: u16,
}

impl Names {
    fn of(index: &FileIndex, places: &[u32]) -> Self {
        let mut names = Self { places: places.to_vec(), ..Self::default() };
        names.places.sort_unstable();
        names.places.dedup();
        for e in &index.entries {
            names.metrics |= e.metrics;
            if !names.tasks.contains(index.task(e)) {
                names.tasks.insert(index.task(e).clone());
            }
            if let Some((architecture, version)) = index.model(e) {
                names.models.insert((architecture.clone(), version.cloned()));
            }
        }
        names
    }
}

#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub generation: i64,
    /// Grows whenever files are left out or come back without a commit.
    pub revision: i64,
    pub files: Vec<FileView>,
    pub places: Arc<Vec<Place>>,
    pub directory: Arc<Directory>,
    /// The newest arrival.
    pub as_of: Option<Millis>,
    /// When each model was first seen in each place.
    pub first_runs: Arc<HashMap<Run, i64>>,
}

/// A model in a place, with the task and the type under which it ran.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Run {
    pub place: u32,
    pub task: Arc<str>,
    pub kind: Option<Arc<str>>,
    pub architecture: Arc<str>,
    pub version: Option<Arc<str>>,
}

/// A set of metrics: the catalogue's first, then others in the order of the directory, as far as there is room.
type Metrics = u64;

/// Counts of sites by metric, in the order of [`Metrics`].
pub type ByMetric = [u32; 64];

/// How a place did: what [`Health`] needs of it.
#[derive(Debug, Clone, Default)]
struct Activity {
    newest: Option<Millis>,
    minutes: Vec<i64>,
    reported: bool,
    failed: bool,
    metrics: Metrics,
}

/// Health by scope: of the scope itself, of each child, of each site; and the sites expected to report each metric.
#[derive(Debug, Clone)]
pub struct HealthReport {
    pub whole: Health,
    pub expected: ByMetric,
    pub children: BTreeMap<Name, (Health, ByMetric)>,
    /// Of every site, by customer and site.
    pub sites: BTreeMap<(Name, Option<Name>), (Health, ByMetric)>,
}

/// One site while its places are counted.
#[derive(Debug, Clone, Copy, Default)]
struct SiteTally {
    reported: bool,
    metrics: Metrics,
}

impl SiteTally {
    fn add(&mut self, a: &Activity) {
        self.reported |= a.reported;
        self.metrics |= a.metrics;
    }

    fn count(self, health: &mut Health, expected: &mut ByMetric) {
        health.sites_expected += 1;
        health.sites_reporting += u32::from(self.reported);
        for (bit, n) in expected.iter_mut().enumerate() {
            *n += u32::from(self.metrics >> bit & 1 == 1);
        }
    }
}

impl Snapshot {
    /// A number that changes whenever an answer could: the manifest's generation, until a file is left out or comes back.
    /// Browsers read it exactly, up to 2^53.
    pub fn number(&self) -> i64 {
        (self.revision << 32) + self.generation
    }

    /// Files in which rows of a range may lie, but for those that cannot be read.
    pub fn touched(&self, range: &TimeRange) -> impl Iterator<Item = &FileView> {
        self.files.iter().filter(|v| v.failed.is_none() && v.file.to >= range.from() && v.file.from < range.to())
    }

    /// Brings the snapshot up to the manifest: reads the indexes of files it does not know yet, drops retired ones. Also returns
    /// which of the new ones are not there as they should be.
    ///
    /// # Errors
    /// `Unavailable` when the manifest cannot be read.
    pub async fn renewed(
        &self,
        manifest: &dyn Manifest,
        root: &Path,
        failed: &HashMap<String, Sentence>,
    ) -> Result<(Self, Vec<(String, Unread)>)> {
        let generation = manifest.generation().await?;
        let files = manifest.files().await?;
        let mut known: HashMap<i64, FileView> = self.files.iter().map(|f| (f.file.id, f.clone())).collect();
        let missing: Vec<i64> = files.iter().map(|f| f.id).filter(|id| !known.contains_key(id)).collect();
        let mut blobs: HashMap<i64, Vec<u8>> = HashMap::new();
        for part in missing.chunks(512) {
            blobs.extend(manifest.indexes(part).await?);
        }
        let mut places: Vec<Place> = self.places.as_ref().clone();
        let mut numbers: HashMap<Place, u32> = places.iter().enumerate().map(|(i, p)| (p.clone(), i as u32)).collect();
        let mut views = Vec::with_capacity(files.len());
        let mut found = Vec::new();
        for file in files {
            let is_new = !known.contains_key(&file.id);
            let mut view = known.remove(&file.id).unwrap_or_else(|| {
                let decoded = blobs.get(&file.id).map_or_else(
                    || Err(say!("its index is missing", "색인이 없습니다")),
                    |b| {
                        FileIndex::decode(b)
                            .map_err(|e| say!("its index is damaged: {e}", "색인이 손상되었습니다: {e}"))
                    },
                );
                let (index, unindexed) = match decoded {
                    Ok(index) => (index, None),
                    Err(e) => (FileIndex::default(), Some(e)),
                };
                let numbered: Arc<[u32]> = index
                    .entries
                    .iter()
                    .map(|e| {
                        let place = place_of(&index, e);
                        *numbers.entry(place).or_insert_with_key(|p| {
                            places.push(p.clone());
                            places.len() as u32 - 1
                        })
                    })
                    .collect();
                let names = Arc::new(Names::of(&index, &numbered));
                let lease = Arc::new(Lease::new(root.join(&file.path)));
                FileView { file, index: Arc::new(index), places: numbered, names, unindexed, failed: None, lease }
            });
            view.failed = view.unindexed.as_ref().or_else(|| failed.get(&view.file.path)).cloned();
            if is_new
                && view.failed.is_none()
                && let Err(why) = check_size(&root.join(&view.file.path), view.file.bytes)
            {
                view.failed = Some(why.reason.clone());
                found.push((view.file.path.clone(), why));
            }
            views.push(view);
        }
        let as_of = views.iter().map(|v| v.file.received).max();
        let new: std::collections::HashSet<i64> = missing.into_iter().collect();
        let first_runs = self.first_runs_with(&views, &new);
        let unchanged = Arc::ptr_eq(&first_runs, &self.first_runs);
        let by_age = if unchanged { self.directory.by_age.clone() } else { by_age(&first_runs) };
        let directory = Arc::new(Directory { by_age, ..directory(&views, &places) });
        Ok((
            Self {
                first_runs,
                generation,
                files: views,
                places: Arc::new(places),
                directory,
                as_of,
                revision: self.revision,
            },
            found,
        ))
    }

    /// When models were first seen: what was known, and what new files add; most add nothing. Begun anew when records were
    /// removed.
    fn first_runs_with(&self, views: &[FileView], new: &std::collections::HashSet<i64>) -> Arc<HashMap<Run, i64>> {
        let rows = |views: &[FileView]| views.iter().map(|v| v.file.rows).sum::<u64>();
        let grown = rows(views) >= rows(&self.files);
        let mut first = if grown { Arc::clone(&self.first_runs) } else { Arc::default() };
        for v in views.iter().filter(|v| !grown || new.contains(&v.file.id)) {
            for (e, place) in v.index.entries.iter().zip(v.places.iter()) {
                if let Some((architecture, version)) = v.index.model(e) {
                    let run = Run {
                        place: *place,
                        task: Arc::clone(v.index.task(e)),
                        kind: v.index.kind_text(e).cloned(),
                        architecture: Arc::clone(architecture),
                        version: version.cloned(),
                    };
                    if first.get(&run).is_none_or(|t| *t > e.first) {
                        Arc::make_mut(&mut first).insert(run, e.first);
                    }
                }
            }
        }
        first
    }

    /// The health of `scope` at `at`, with reports counted within `range`.
    pub fn health(&self, scope: &Scope, range: &TimeRange, now: Millis) -> HealthReport {
        let at = range.to().min(now);
        let expected_from = at.plus(-EXPECTED_FOR);
        let cadence_from = at.plus(-CADENCE_OVER);
        let mut active: Vec<Option<Activity>> = vec![None; self.places.len()];
        let bits: HashMap<&str, u32> =
            (BUILT_IN as u32..64).zip(&self.directory.custom).map(|(b, c)| (c.as_str(), b)).collect();
        let inside: Vec<bool> = self.places.iter().map(|p| scope.holds(p)).collect();
        let from = expected_from.min(range.from());
        for view in self.files.iter().filter(|v| v.file.to >= from && v.file.from < at) {
            let day_start = view.file.day.start();
            let custom: Vec<Metrics> =
                view.index.custom.iter().map(|c| bits.get(c.as_str()).map_or(0, |b| 1 << b)).collect();
            for (e, place) in view.index.entries.iter().zip(view.places.iter()) {
                let place = *place as usize;
                if !inside[place]
                    || !scope.kind.takes(view.index.kind(e))
                    || scope.task.as_ref().is_some_and(|t| t.as_str() != &**view.index.task(e))
                {
                    continue;
                }
                let Some(newest) = e.newest_before(at, day_start) else { continue };
                if newest < expected_from && newest < range.from() {
                    continue;
                }
                let a = active[place].get_or_insert_default();
                a.newest = a.newest.max(Some(newest));
                a.failed |= view.failed.is_some();
                a.metrics |= Metrics::from(e.metrics);
                a.metrics |= e.custom.iter().filter_map(|i| custom.get(usize::from(*i))).fold(0, |all, bit| all | bit);
                // What cannot be read does not stand behind any number.
                a.reported |= view.failed.is_none() && newest >= range.from() && e.first < range.to().0;
                if newest >= cadence_from {
                    let base = day_start.0 / MINUTE;
                    let (low, high) = (cadence_from.0 / MINUTE, at.0 / MINUTE);
                    a.minutes.extend(e.minutes.iter().map(|m| base + i64::from(*m)).filter(|m| *m >= low && *m < high));
                }
            }
        }
        self.tally(scope, &mut active, at, expected_from)
    }

    fn tally(&self, scope: &Scope, active: &mut [Option<Activity>], at: Millis, expected_from: Millis) -> HealthReport {
        let mut report = HealthReport {
            whole: Health::default(),
            expected: [0; 64],
            children: BTreeMap::new(),
            sites: BTreeMap::new(),
        };
        let nothing = || (Health::default(), [0; 64]);
        // A child's sites are counted apart: below a site the children are zones, and several of them share one site.
        let mut sites: BTreeMap<(&Name, Option<&Name>), SiteTally> = BTreeMap::new();
        let mut child_sites: BTreeMap<(&Name, &Name, Option<&Name>), SiteTally> = BTreeMap::new();
        for (place, slot) in self.places.iter().zip(active) {
            let Some(a) = slot else { continue };
            let Some(newest) = a.newest.filter(|n| *n >= expected_from) else { continue };
            let state =
                if a.failed { DataState::SourceError } else { DataState::of(at.0 - newest.0, cadence(&mut a.minutes)) };
            report.whole.add(state, Some(newest));
            sites.entry((&place.customer, place.site.as_ref())).or_default().add(a);
            let own = report.sites.entry((place.customer.clone(), place.site.clone())).or_insert_with(nothing);
            own.0.add(state, Some(newest));
            if let Some(child) = scope.child_of(place) {
                report.children.entry(child.clone()).or_insert_with(nothing).0.add(state, Some(newest));
                child_sites.entry((child, &place.customer, place.site.as_ref())).or_default().add(a);
            }
        }
        for ((customer, site), tally) in sites {
            tally.count(&mut report.whole, &mut report.expected);
            let own = report.sites.entry((customer.clone(), site.cloned())).or_insert_with(nothing);
            tally.count(&mut own.0, &mut own.1);
        }
        for ((child, ..), tally) in child_sites {
            let own = report.children.entry(child.clone()).or_insert_with(nothing);
            tally.count(&mut own.0, &mut own.1);
        }
        report
    }
}

/// Where the count of a metric stands in [`ByMetric`]; `None` when there was no room for it.
pub fn by_metric(directory: &Directory, column: &MetricColumn) -> Option<usize> {
    match column {
        MetricColumn::BuiltIn(i) => Some(*i),
        MetricColumn::Custom(name) => {
            directory.custom.iter().position(|c| c == name).map(|i| i + BUILT_IN).filter(|b| *b < 64)
        }
    }
}

fn place_of(index: &FileIndex, e: &Entry) -> Place {
    // The texts were names when they were stored; one that is none any more stands for the lot.
    let name = |t: &Arc<str>| Name::parse(t).ok();
    Place {
        customer: name(index.customer(e)).unwrap_or_else(unnamed),
        site: index.site(e).and_then(name),
        zone: index.zone(e).and_then(name),
    }
}

#[expect(clippy::expect_used, reason = "a constant that a test of Name covers")]
fn unnamed() -> Name {
    Name::parse("unnamed").expect("a name")
}

fn directory(views: &[FileView], places: &[Place]) -> Directory {
    let mut used = vec![false; places.len()];
    let mut tasks = BTreeSet::new();
    let mut models = BTreeSet::new();
    let mut custom = BTreeSet::new();
    let mut metrics = 0u16;
    let mut d = Directory::default();
    for v in views {
        d.records += v.file.rows;
        d.simulated += v.file.simulated;
        d.oldest = [d.oldest, Some(v.file.from)].into_iter().flatten().min();
        d.newest = d.newest.max(Some(v.file.to));
        custom.extend(v.index.custom.iter().cloned());
        v.names.places.iter().for_each(|p| used[*p as usize] = true);
        metrics |= v.names.metrics;
        tasks.extend(v.names.tasks.iter());
        models.extend(v.names.models.iter());
    }
    d.places = places.iter().zip(used).filter(|(_, u)| *u).map(|(p, _)| p.clone()).collect();
    d.places.sort();
    d.tasks = tasks.iter().filter_map(|t| Name::parse(t).ok()).collect();
    d.models = models
        .iter()
        .filter_map(|(a, v)| {
            Some(Model { architecture: Name::parse(a).ok()?, version: v.as_ref().and_then(|v| Name::parse(v).ok()) })
        })
        .collect();
    d.custom = custom.into_iter().collect();
    d.built_in = (0..BUILT_IN).filter(|bit| metrics >> bit & 1 == 1).collect();
    d
}

/// Model versions, oldest first.
fn by_age(first_runs: &HashMap<Run, i64>) -> Vec<Model> {
    let mut first: HashMap<(&str, Option<&str>), i64> = HashMap::new();
    for (run, t) in first_runs {
        let seen = first.entry((&run.architecture, run.version.as_deref())).or_insert(*t);
        *seen = (*seen).min(*t);
    }
    let mut models: Vec<(i64, Model)> = first
        .into_iter()
        .filter_map(|((architecture, version), t)| {
            let version = version.map(Name::parse).transpose().ok()?;
            Some((t, Model { architecture: Name::parse(architecture).ok()?, version }))
        })
        .collect();
    models.sort();
    models.into_iter().map(|m| m.1).collect()
}
