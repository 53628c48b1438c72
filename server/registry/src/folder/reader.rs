//! Reads experiments and runs, and what has not changed only once.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{
    error::{Error, Result},
    ports::{RunSelection, RunsPage},
    scope::clip_text,
    tracking::{Experiment, ExperimentId, Lifecycle, LoggedModel, MadeVersion, MetricPoint, Run, RunId, Text},
};

use super::{
    layout::{self, META, MODELS, RunMeta, TRASH},
    metric_file::{self, MetricFile, Stamp},
};
use crate::local::{
    artifacts::{is_missing, unreadable},
    beneath::Beneath,
    sentences,
    yaml::{Fields, LARGEST},
};

/// The longest history of a metric, in points.
const LONGEST_HISTORY: usize = 5_000_000;

/// What is known of a run: what its `meta.yaml` said, and its metrics. Parameters and tags are small and always read.
#[derive(Default)]
struct SeenRun {
    meta: Option<(Stamp, Arc<RunMeta>)>,
    metrics: HashMap<Text, MetricFile>,
}

/// What is known of the runs of an experiment.
type SeenRuns = HashMap<RunId, Arc<Mutex<SeenRun>>>;

/// Reads one folder, on blocking threads.
pub(super) struct Reader {
    root: PathBuf,
    seen: Mutex<HashMap<ExperimentId, SeenRuns>>,
}

impl Reader {
    pub fn of(root: &Path) -> Self {
        Self { root: root.to_owned(), seen: Mutex::default() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn open(&self) -> Result<Beneath> {
        Beneath::open(&self.root).map_err(|e| self.failed(&e))
    }

    fn failed(&self, e: &io::Error) -> Error {
        unreadable(&self.root, e)
    }

    /// Of experiments that are not deleted.
    pub fn experiment_folders(&self) -> Result<Vec<ExperimentId>> {
        let names = layout::folders(&self.root).map_err(|e| self.failed(&e))?;
        Ok(names.iter().filter(|n| *n != MODELS && *n != TRASH).filter_map(|n| ExperimentId::parse(n).ok()).collect())
    }

    fn deleted_folders(&self) -> Result<Vec<ExperimentId>> {
        let names = layout::folders_or_none(&self.root.join(TRASH)).map_err(|e| self.failed(&e))?;
        Ok(names.iter().filter_map(|n| ExperimentId::parse(n).ok()).collect())
    }

    pub fn experiments(&self) -> Result<Vec<Experiment>> {
        let root = self.open()?;
        let active = self.experiment_folders()?;
        let kept: HashSet<&ExperimentId> = active.iter().collect();
        lock(&self.seen).retain(|id, _| kept.contains(id));
        let mut found: Vec<Experiment> =
            active.into_iter().filter_map(|id| layout::experiment(&root, Path::new(&id.to_string()), id)).collect();
        for id in self.deleted_folders()? {
            let folder = Path::new(TRASH).join(id.as_str());
            let deleted = layout::experiment(&root, &folder, id);
            found.extend(deleted.map(|e| Experiment { lifecycle: Lifecycle::Deleted, ..e }));
        }
        Ok(found)
    }

    /// Runs by experiment and id. The place where the next page begins is the last run of this one.
    pub fn runs(
        &self,
        mut experiments: Vec<ExperimentId>,
        which: &RunSelection,
        most: usize,
        page: Option<&str>,
    ) -> Result<RunsPage> {
        let root = self.open()?;
        let after = page.map(parse_place).transpose()?;
        experiments.sort();
        experiments.dedup();
        let mut runs = Vec::new();
        for experiment in experiments {
            let behind = match &after {
                Some((last, _)) if experiment < *last => continue,
                Some((last, run)) if experiment == *last => Some(run),
                _ => None,
            };
            let folder = PathBuf::from(experiment.as_str());
            let ids = layout::run_ids(&root.path().join(&folder)).map_err(|e| self.failed(&e))?;
            if behind.is_none() {
                self.forget_others(&experiment, &ids);
            }
            for id in ids.into_iter().filter(|id| behind.is_none_or(|last| id > last)) {
                let seen = self.seen(&experiment, &id);
                let mut seen = lock(&seen);
                let own = folder.join(id.as_str());
                let Some(meta) = read_meta(&root, &own, &experiment, &id, &mut seen) else { continue };
                if meta.lifecycle == Lifecycle::Active && is_selected(&meta, which) {
                    runs.push(read_run(&root, &folder, id.clone(), &meta, &mut seen));
                    if runs.len() >= most.max(1) {
                        return Ok(RunsPage { runs, next: Some(format!("{experiment}/{id}")) });
                    }
                }
            }
        }
        Ok(RunsPage { runs, next: None })
    }

    pub fn run(&self, id: &RunId) -> Result<Run> {
        let (folder, meta) = self.find(id)?;
        let root = self.open()?;
        let seen = self.seen(&meta.experiment, id);
        let home = folder.parent().unwrap_or(&folder).to_owned();
        Ok(read_run(&root, &home, id.clone(), &meta, &mut lock(&seen)))
    }

    /// The folder of a run, from the root, and what its `meta.yaml` says.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Unavailable` when the folder cannot be read.
    pub fn find(&self, id: &RunId) -> Result<(PathBuf, Arc<RunMeta>)> {
        let root = self.open()?;
        let active = self.experiment_folders()?.into_iter().map(|e| (PathBuf::from(e.as_str()), e));
        let deleted = self.deleted_folders()?.into_iter().map(|e| (Path::new(TRASH).join(e.as_str()), e));
        for (home, experiment) in active.chain(deleted) {
            let folder = home.join(id.as_str());
            let meta = read_meta(&root, &folder, &experiment, id, &mut SeenRun::default());
            // Half written, but it was whole before.
            let meta = meta.or_else(|| self.known_meta(&root, &folder, &experiment, id));
            if let Some(meta) = meta {
                return Ok((folder, meta));
            }
        }
        Err(Error::not_found(sentences::no_run(clip_text(id.as_str()))))
    }

    fn known_meta(&self, root: &Beneath, folder: &Path, experiment: &ExperimentId, id: &RunId) -> Option<Arc<RunMeta>> {
        let known = lock(&self.seen).get(experiment)?.get(id)?.clone();
        let meta = lock(&known).meta.clone();
        fs::symlink_metadata(root.path().join(folder).join(META)).ok()?;
        meta.map(|(_, meta)| meta)
    }

    pub fn history(&self, run: &RunId, metric: &str) -> Result<Vec<MetricPoint>> {
        let (folder, _) = match self.find(run) {
            Err(e) if e.kind == domain::error::ErrorKind::NotFound => return Ok(vec![]),
            found => found?,
        };
        // A key is a path: one that would lead elsewhere is none.
        if metric.is_empty() || !Path::new(metric).components().all(|c| matches!(c, Component::Normal(_))) {
            return Ok(vec![]);
        }
        let file = match self.open()?.file(&folder.join("metrics").join(metric)) {
            Ok(file) => file,
            Err(e) if is_missing(&e) => return Ok(vec![]),
            Err(e) => return Err(self.failed(&e)),
        };
        let points = metric_file::history(file, LONGEST_HISTORY).map_err(|e| self.failed(&e))?;
        points.ok_or_else(|| Error::unavailable(sentences::history_too_long(clip_text(metric), LONGEST_HISTORY)))
    }

    pub fn logged_models(&self, experiment: &ExperimentId, run: &RunId) -> Result<Vec<LoggedModel>> {
        layout::logged_models(&self.open()?, Path::new(experiment.as_str()), run).map_err(|e| self.failed(&e))
    }

    pub fn model_versions(&self, run: &RunId) -> Result<Vec<MadeVersion>> {
        layout::model_versions(&self.open()?, run).map_err(|e| self.failed(&e))
    }

    fn seen(&self, experiment: &ExperimentId, id: &RunId) -> Arc<Mutex<SeenRun>> {
        let mut seen = lock(&self.seen);
        let runs = seen.entry(experiment.clone()).or_default();
        Arc::clone(runs.entry(id.clone()).or_default())
    }

    /// Forgets runs that are not there any more.
    fn forget_others(&self, experiment: &ExperimentId, there: &[RunId]) {
        if let Some(runs) = lock(&self.seen).get_mut(experiment) {
            runs.retain(|id, _| there.binary_search(id).is_ok());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parse_place(page: &str) -> Result<(ExperimentId, RunId)> {
    let (experiment, run) = page.split_once('/').ok_or_else(|| Error::bad_input(sentences::bad_page()))?;
    Ok((ExperimentId::parse(experiment)?, RunId::parse(run)?))
}

fn is_selected(meta: &RunMeta, which: &RunSelection) -> bool {
    match which {
        RunSelection::All => true,
        RunSelection::Running => !meta.status.is_over(),
        RunSelection::StartedAfter(moment) => meta.start.is_some_and(|t| t > *moment),
        RunSelection::EndedAfter(moment) => meta.end.is_some_and(|t| t > *moment),
    }
}

/// What the `meta.yaml` of a run says; what it last said while it is half written. `None` for what was never whole.
fn read_meta(
    root: &Beneath,
    folder: &Path,
    experiment: &ExperimentId,
    id: &RunId,
    seen: &mut SeenRun,
) -> Option<Arc<RunMeta>> {
    let path = folder.join(META);
    let stamp = Stamp::of(&fs::symlink_metadata(root.path().join(&path)).ok()?);
    if let Some((known, meta)) = &seen.meta
        && *known == stamp
    {
        return Some(Arc::clone(meta));
    }
    let read = root.read(&path, LARGEST).ok().and_then(|bytes| Fields::parse(&bytes));
    match read.and_then(|fields| layout::run(&fields, experiment, id)) {
        Some(meta) => {
            let meta = Arc::new(meta);
            seen.meta = Some((stamp, Arc::clone(&meta)));
            Some(meta)
        }
        None => seen.meta.as_ref().map(|(_, meta)| Arc::clone(meta)),
    }
}

/// Reads everything of a run but the history of its metrics.
fn read_run(root: &Beneath, experiment: &Path, id: RunId, meta: &RunMeta, seen: &mut SeenRun) -> Run {
    let folder = experiment.join(id.as_str());
    let tags = layout::values(root, &folder.join("tags"));
    let name = if meta.name.is_empty() {
        tags.iter().find(|(key, _)| &**key == "mlflow.runName").map(|(_, name)| name.clone())
    } else {
        Some(meta.name.clone())
    };
    let metrics = folder.join("metrics");
    let mut known = std::mem::take(&mut seen.metrics);
    for (key, there) in layout::keys(&root.path().join(&metrics)) {
        let key = Text::from(key);
        let mut file = known.remove(&key).unwrap_or_default();
        if !file.is_fresh(Stamp::of(&there))
            && let Err(e) = root.file(&metrics.join(&*key)).and_then(|f| file.refresh(f))
        {
            tracing::debug!(error = %e, run = %id, metric = %key, "a metric cannot be read");
        }
        seen.metrics.insert(key, file);
    }
    Run {
        experiment: meta.experiment.clone(),
        name: name.unwrap_or_else(|| "".into()),
        user: meta.user.clone(),
        status: meta.status,
        start: meta.start,
        end: meta.end,
        artifact_uri: meta.artifact_uri.clone(),
        lifecycle: meta.lifecycle,
        metrics: seen.metrics.iter().filter_map(|(key, file)| file.metric(key)).collect(),
        params: layout::values(root, &folder.join("params")),
        tags,
        datasets: layout::datasets(root, experiment, &folder),
        id,
    }
    .sorted()
}
