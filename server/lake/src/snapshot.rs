//! What the manifest said last, in memory: files, their indexes, and the directory of names. Replaced as a whole when the
//! manifest's generation moves; queries in flight keep the one they began with.

mod lease;
mod names;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use domain::{
    Result,
    changes::ChangeSet,
    error::Sentence,
    metric::BUILT_IN_COUNT,
    model::ModelKey,
    query::Directory,
    scope::{Place, Scope},
    text::Name,
    time::{Millis, Ranges},
};

use self::names::{place_of, places_by_device};
pub use self::{lease::FileLease, names::FileNames};
use crate::{
    customer_snapshot::CustomerDirectories,
    failing_sources::FailingSources,
    file::{LAKE_FOLDER, ReadFailure, check_size, object_name},
    health::{DeclaredPlace, HealthCache},
    index::FileIndex,
    loaded_index::{LoadedEntry, LoadedIndex, ModelFieldTexts, NameAndVersion},
    metrics,
    names::MetricNames,
    objects::{ObjectStat, Objects},
    place_generations::PlaceGenerations,
    ports::{LakeFile, Manifest, ManifestUpdate},
    sentences,
};

/// One file with its index, and the reason when it cannot be read.
#[derive(Debug, Clone)]
pub struct IndexedFile {
    pub file: LakeFile,
    pub index: Arc<LoadedIndex>,
    /// For each entry of the index the number of its place in [`Snapshot::places`].
    pub places: Arc<[u32]>,
    pub names: Arc<FileNames>,
    /// Where the index's metrics outside of the catalogue stand in the directory; see [`metrics`].
    pub custom: Arc<[u32]>,
    /// What is wrong with its index: then nothing about its rows is known.
    pub unindexed: Option<Sentence>,
    pub failed: Option<Sentence>,
    pub lease: Arc<FileLease>,
}

impl IndexedFile {
    /// Which models ran where, from when on. A run may come more than once.
    fn runs(&self) -> impl Iterator<Item = (ModelDeployment, i64)> {
        self.index.entries.iter().zip(self.places.iter()).filter_map(|(e, place)| {
            let run = ModelDeployment {
                place: *place,
                task: Arc::clone(self.index.task(e)),
                kind: self.index.kind_text(e).cloned(),
                model: self.index.model(e)?,
            };
            Some((run, e.first))
        })
    }
}

#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub generation: i64,
    /// Grows with every change without a commit: files are left out or come back, places grow late.
    pub revision: i64,
    pub files: Vec<IndexedFile>,
    pub places: Arc<Vec<Place>>,
    /// The places of places in that list.
    numbers: Arc<HashMap<Place, u32>>,
    pub place_generations: PlaceGenerations,
    pub narrowed: Arc<CustomerDirectories>,
    pub directory: Arc<Directory>,
    /// The newest arrival.
    pub as_of: Option<Millis>,
    /// When each model was first seen in each place.
    pub first_seen_models: Arc<HashMap<ModelDeployment, i64>>,
    /// The metrics that the lake may know by name.
    pub names: Arc<MetricNames>,
    /// By the number of a place, the devices that its records name.
    devices: Arc<Vec<Vec<Arc<str>>>>,
    /// Sources whose last read failed.
    pub failing: FailingSources,
    /// What is written down about the places, by their number; empty when nothing is.
    pub written: Arc<Vec<DeclaredPlace>>,
    pub kept: HealthCache,
}

/// More new files than these are looked at together.
const PARALLEL_LOOKUP_ABOVE: usize = 16;

/// Size and time of a file's object.
async fn found_at(
    listed: &Option<HashMap<String, ObjectStat>>,
    objects: &Arc<dyn Objects>,
    file: &LakeFile,
) -> std::io::Result<ObjectStat> {
    let name = object_name(&file.path);
    match listed.as_ref().and_then(|all| all.get(&name)) {
        Some(stat) => Ok(*stat),
        // Written since, or not there.
        None => objects.stat(&name).await,
    }
}

/// What came of following the manifest.
pub struct RefreshResult {
    pub snapshot: Snapshot,
    /// New files that are not there as they should be.
    pub found: Vec<(String, ReadFailure)>,
    /// What the commits since have touched, where that is known.
    pub touched: Option<Vec<ChangeSet>>,
}

/// A model in a place, with the task and the type under which it ran.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelDeployment {
    pub place: u32,
    pub task: Arc<str>,
    pub kind: Option<Arc<str>>,
    pub model: ModelFieldTexts,
}

impl Snapshot {
    /// A number that changes whenever an answer could: the manifest's generation, until a file is left out or comes back, or a
    /// place grows late. Browsers read it exactly, up to 2^53: for 2^28 commits, and 2^25 other changes of one process.
    pub fn generation_number(&self) -> i64 {
        (self.revision << 28) + self.generation
    }

    /// Files in which rows of these ranges may lie, but for those that cannot be read.
    pub fn files_in(&self, ranges: &Ranges) -> impl Iterator<Item = &IndexedFile> {
        self.files.iter().filter(|v| v.failed.is_none() && ranges.overlaps(v.file.from, v.file.to))
    }

    /// Brings the snapshot up to the manifest: reads what has changed since, and the indexes of files that it does not know yet.
    ///
    /// # Errors
    /// `Unavailable` when the manifest cannot be read.
    pub async fn refreshed(
        &self,
        manifest: &dyn Manifest,
        objects: &Arc<dyn Objects>,
        failed: &HashMap<String, Sentence>,
    ) -> Result<RefreshResult> {
        let news = if self.generation == 0 { None } else { manifest.since(self.generation).await? };
        let (generation, kept, files, touched) = match news {
            Some(ManifestUpdate { generation, published, retired, touched }) => {
                let gone: HashSet<i64> = retired.into_iter().collect();
                let kept: Vec<IndexedFile> =
                    self.files.iter().filter(|v| !gone.contains(&v.file.id)).cloned().collect();
                (generation, kept, published, Some(touched))
            }
            None => {
                // First the generation: what is committed meanwhile is read, and read again.
                let (generation, files) = (manifest.generation().await?, manifest.files().await?);
                let live: HashSet<i64> = files.iter().map(|f| f.id).collect();
                (generation, self.files.iter().filter(|v| live.contains(&v.file.id)).cloned().collect(), files, None)
            }
        };
        let failing = FailingSources::new(manifest.failing().await?);
        let known: HashSet<i64> = kept.iter().map(|v| v.file.id).collect();
        let files: Vec<LakeFile> = files.into_iter().filter(|f| !known.contains(&f.id)).collect();
        let missing: Vec<i64> = files.iter().map(|f| f.id).collect();
        let mut blobs: HashMap<i64, Vec<u8>> = HashMap::new();
        for part in missing.chunks(512) {
            blobs.extend(manifest.indexes(part).await?);
        }
        let (mut places, mut numbers) = (Arc::clone(&self.places), Arc::clone(&self.numbers));
        let mut views = kept;
        for view in &mut views {
            view.failed = view.unindexed.as_ref().or_else(|| failed.get(&view.file.path)).cloned();
        }
        let mut found = Vec::new();
        // One look at the whole costs less than many.
        let listed: Option<HashMap<String, ObjectStat>> = match files.len() > PARALLEL_LOOKUP_ABOVE {
            true => objects.list(LAKE_FOLDER).await.ok().map(|all| all.into_iter().collect()),
            false => None,
        };
        for file in files {
            let mut view = {
                let decoded = blobs.get(&file.id).map_or_else(
                    || Err(sentences::no_index()),
                    |b| FileIndex::decode(b).map_err(sentences::damaged_index),
                );
                let (index, unindexed) = match decoded {
                    Ok(index) => (LoadedIndex::from(index), None),
                    Err(e) => (LoadedIndex::default(), Some(e)),
                };
                let numbered: Arc<[u32]> = index
                    .entries
                    .iter()
                    .map(|e| {
                        let place = place_of(&index, e);
                        numbers.get(&place).copied().unwrap_or_else(|| {
                            let number = places.len() as u32;
                            Arc::make_mut(&mut places).push(place.clone());
                            Arc::make_mut(&mut numbers).insert(place, number);
                            number
                        })
                    })
                    .collect();
                let names = Arc::new(FileNames::of(&index, &numbered));
                let lease = Arc::new(FileLease::new(Arc::clone(objects), object_name(&file.path)));
                let index = Arc::new(index);
                let custom = Arc::default();
                IndexedFile { file, index, places: numbered, names, custom, unindexed, failed: None, lease }
            };
            view.failed = view.unindexed.as_ref().or_else(|| failed.get(&view.file.path)).cloned();
            if view.failed.is_none()
                && let Err(why) = check_size(found_at(&listed, objects, &view.file).await, view.file.bytes)
            {
                view.failed = Some(why.reason.clone());
                found.push((view.file.path.clone(), why));
            }
            views.push(view);
        }
        views.sort_unstable_by_key(|v| v.file.id);
        let as_of = views.iter().map(|v| v.file.received).max();
        let new: HashSet<i64> = missing.into_iter().collect();
        let first_seen_models = self.first_runs_with(&views, &new);
        let unchanged = Arc::ptr_eq(&first_seen_models, &self.first_seen_models);
        let models_by_age =
            if unchanged { self.directory.models_by_age.clone() } else { models_by_age(first_seen_models.iter()) };
        let devices = self.devices_with(&views, &new);
        let same = Arc::ptr_eq(&devices, &self.devices);
        let named =
            if same { Arc::clone(&self.directory.devices) } else { Arc::new(places_by_device(&devices, &places)) };
        let more_devices = views.iter().any(|v| v.index.devices().is_none());
        let more_models = views.iter().any(|v| !v.index.registered);
        let is_new = |v: &IndexedFile| new.contains(&v.file.id);
        let names = metrics::load_names(&self.names, views.iter().filter(|v| is_new(v)), &views, manifest).await?;
        let custom = metrics::index_custom_metrics(&mut views, is_new, &self.directory.custom, &names);
        let beyond = metrics::metrics_over_limit(&views, &names);
        let directory = Directory {
            models_by_age,
            devices: named,
            more_devices,
            more_models,
            custom,
            beyond,
            ..directory(&views, &places)
        };
        let renewed = Self {
            first_seen_models,
            devices,
            generation,
            revision: self.revision,
            files: views,
            places,
            numbers,
            directory: Arc::new(directory),
            as_of,
            failing,
            written: Arc::default(),
            kept: HealthCache::default(),
            names,
            place_generations: PlaceGenerations::default(),
            narrowed: Arc::default(),
        };
        Ok(RefreshResult { snapshot: renewed, found, touched })
    }

    /// The devices of places: what was known, and what new files add; most add nothing. Only simulated records are ever
    /// removed: where a file with some is gone, it is begun again.
    fn devices_with(&self, views: &[IndexedFile], new: &std::collections::HashSet<i64>) -> Arc<Vec<Vec<Arc<str>>>> {
        let kept: std::collections::HashSet<i64> = views.iter().map(|v| v.file.id).collect();
        let anew = self.files.iter().any(|v| v.file.simulated > 0 && !kept.contains(&v.file.id));
        let mut devices = if anew { Arc::default() } else { Arc::clone(&self.devices) };
        for v in views.iter().filter(|v| anew || new.contains(&v.file.id)) {
            for (entry, device) in v.index.devices().into_iter().flatten() {
                let place = v.places[entry] as usize;
                if devices.get(place).is_none_or(|known| !known.contains(device)) {
                    let all = Arc::make_mut(&mut devices);
                    all.resize(all.len().max(place + 1), vec![]);
                    all[place].push(Arc::clone(device));
                }
            }
        }
        devices
    }

    /// When models were first seen: what was known, and what new files add; most add nothing. What only a file that is gone
    /// knew, and no new one says again as a merge does, is looked up again.
    fn first_runs_with(&self, views: &[IndexedFile], new: &HashSet<i64>) -> Arc<HashMap<ModelDeployment, i64>> {
        let mut first = Arc::clone(&self.first_seen_models);
        let kept: HashSet<i64> = views.iter().map(|v| v.file.id).collect();
        let gone = self.files.iter().filter(|v| !kept.contains(&v.file.id));
        let mut lost: HashSet<ModelDeployment> = gone
            .flat_map(IndexedFile::runs)
            .filter(|(run, t)| self.first_seen_models.get(run) == Some(t))
            .map(|r| r.0)
            .collect();
        for (run, t) in views.iter().filter(|v| new.contains(&v.file.id)).flat_map(IndexedFile::runs) {
            match first.get(&run) {
                Some(known) if *known < t => {}
                Some(known) if *known == t => drop(lost.remove(&run)),
                _ => {
                    lost.remove(&run);
                    Arc::make_mut(&mut first).insert(run, t);
                }
            }
        }
        if !lost.is_empty() {
            let first = Arc::make_mut(&mut first);
            first.retain(|run, _| !lost.contains(run));
            for (run, t) in views.iter().flat_map(IndexedFile::runs).filter(|(run, _)| lost.contains(run)) {
                first.entry(run).and_modify(|known| *known = (*known).min(t)).or_insert(t);
            }
        }
        first
    }

    /// Files that are excluded from all numbers.
    pub fn unreadable(&self) -> impl Iterator<Item = i64> {
        self.files.iter().filter(|v| v.failed.is_some()).map(|v| v.file.id)
    }

    /// The tags under which a model's records came first, as files tell.
    pub fn tags_of(&self, model: &ModelFieldTexts) -> NameAndVersion<'_> {
        let tags = self.files.iter().filter(|v| v.names.models.contains(model)).find_map(|v| {
            let entry = v.index.entries.iter().find(|e| v.index.model(e).as_ref() == Some(model))?;
            Some(v.index.tags(entry))
        });
        tags.unwrap_or_default()
    }

    /// When the scope's records begin, on whichever device, if that is after `begin` and before `end`. Files that cannot be read
    /// count: their indexes know it.
    pub fn first_record_in(&self, scope: &Scope, begin: Millis, end: Millis) -> Option<Millis> {
        let inside: Vec<bool> = self.places.iter().map(|p| scope.contains(p)).collect();
        let mut first = end.0;
        for view in &self.files {
            // Old files come first as a rule: of most scopes the first one says it all.
            if first <= begin.0 {
                return None;
            }
            if view.file.from.0 >= first {
                continue;
            }
            let ours = |(e, place): &(&LoadedEntry, &u32)| {
                inside[**place as usize]
                    && scope.kind.includes(view.index.kind(e))
                    && scope.task.as_ref().is_none_or(|t| t.as_str() == &**view.index.task(e))
            };
            let entries = view.index.entries.iter().zip(view.places.iter());
            first = entries.filter(ours).map(|(e, _)| e.first).fold(first, i64::min);
        }
        (begin.0 < first && first < end.0).then_some(Millis(first))
    }
}

fn directory(views: &[IndexedFile], places: &[Place]) -> Directory {
    let mut used = vec![false; places.len()];
    let mut tasks = BTreeSet::new();
    let mut models = BTreeSet::new();
    let mut metrics = 0u16;
    let mut d = Directory::default();
    for v in views {
        d.records += v.file.rows;
        d.simulated += v.file.simulated;
        d.oldest = [d.oldest, Some(v.file.from)].into_iter().flatten().min();
        d.newest = d.newest.max(Some(v.file.to));
        v.names.places.iter().for_each(|p| used[*p as usize] = true);
        metrics |= v.names.metrics;
        tasks.extend(v.names.tasks.iter());
        models.extend(v.names.models.iter());
    }
    d.places = places.iter().zip(used).filter(|(_, u)| *u).map(|(p, _)| p.clone()).collect();
    d.places.sort();
    d.tasks = tasks.iter().filter_map(|t| Name::parse_stored(t).ok()).collect();
    d.models = models.iter().filter_map(|m| m.key()).collect();
    d.built_in = (0..BUILT_IN_COUNT).filter(|bit| metrics >> bit & 1 == 1).collect();
    d
}

/// Model versions, oldest first.
pub fn models_by_age<'r>(first_seen_models: impl IntoIterator<Item = (&'r ModelDeployment, &'r i64)>) -> Vec<ModelKey> {
    let mut first: HashMap<&ModelFieldTexts, i64> = HashMap::new();
    for (run, t) in first_seen_models {
        let seen = first.entry(&run.model).or_insert(*t);
        *seen = (*seen).min(*t);
    }
    let mut models: Vec<(i64, ModelKey)> = first.into_iter().filter_map(|(model, t)| Some((t, model.key()?))).collect();
    models.sort();
    models.into_iter().map(|m| m.1).collect()
}
