//! Experiments and runs, out of the copy of what MLflow knows: nothing here waits for the original but the artifacts.

mod answers;
mod comparison;
mod files;
mod image_lists;
mod images;
mod params;
mod places;
mod seen;
mod summaries;
#[cfg(test)]
mod tests;

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use domain::{
    Error, Result,
    access::{Action, Actor, Object, authorize},
    ports::{Clock, CopyStatus, MadeByRun, MetricsStore, RunCatalog},
    scope::clip_text,
    time::Millis,
    tracking::{
        Column, Experiment, IndexedExperiment, Lifecycle, Run, RunId, RunIndex, RunMetricNames, Text,
        filter::{Field, Filter},
        metric_words,
        search::{Found, PARENT_TAG, RunColumns, Search, Searched, Sort, chosen_columns, group_runs, search},
    },
};

pub use self::answers::{
    BestAnswer, ExperimentRow, ExperimentView, ExperimentsAnswer, ExperimentsQuery, HistoryAnswer, MAX_POINTS,
    MAX_ROWS, RunAnswer, RunsAnswer, RunsGroups, RunsQuery,
};
pub use self::comparison::{RunComparison, RunComparisonQuery};
pub use self::image_lists::RunImages;
pub use self::params::{EXPERIMENTS_KEYS, RUNS_KEYS, RunsParams};
pub use self::places::{PlaceFacet, narrower, some_of, told};
use self::{answers::newest, image_lists::ImageLists, places::WantedPlace, seen::SeenRuns, summaries::Summaries};
use crate::sentences;

/// How many ids an error about an ambiguous prefix names.
const NAMED_IDS: usize = 3;
/// How many runs below a run are given with it.
const MAX_CHILDREN: usize = 200;

/// Experiments and runs, as far as one actor may see them.
#[derive(Clone)]
pub struct Tracking {
    actor: Actor,
    shared: Arc<Shared>,
}

/// What all who ask have in common.
struct Shared {
    catalog: Option<Arc<dyn RunCatalog>>,
    clock: Arc<dyn Clock>,
    /// Knows what metrics.yaml says.
    metrics: Option<Arc<dyn MetricsStore>>,
    summaries: Summaries,
    seen: SeenRuns,
    images: ImageLists,
}

impl Tracking {
    /// For the operator; see [`Tracking::for_actor`]. Without a catalog there are no experiments, and answers say how to get some.
    /// `metrics` knows which metrics are described; without it the built-in catalogue counts.
    #[must_use]
    pub fn new(
        catalog: Option<Arc<dyn RunCatalog>>,
        clock: Arc<dyn Clock>,
        metrics: Option<Arc<dyn MetricsStore>>,
    ) -> Self {
        let (summaries, seen, images) = (Summaries::default(), SeenRuns::default(), ImageLists::default());
        let shared = Shared { catalog, clock, metrics, summaries, seen, images };
        Self { actor: Actor::Operator, shared: Arc::new(shared) }
    }

    /// The same for another actor.
    #[must_use]
    pub fn for_actor(&self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), shared: Arc::clone(&self.shared) }
    }

    /// Whether the actor may see experiments and runs.
    #[must_use]
    pub fn may_read(&self) -> bool {
        self.may().is_ok()
    }

    fn may(&self) -> Result<()> {
        authorize(&self.actor, Action::ReadRuns, Object::Installation)
    }

    /// How the copy stands; `None` where no source is configured.
    ///
    /// # Errors
    /// `Forbidden` when the actor may not see runs.
    pub fn status(&self) -> Result<Option<CopyStatus>> {
        self.may()?;
        Ok(self.shared.catalog.as_ref().map(|c| c.status()))
    }

    /// How many runs were copied.
    ///
    /// # Errors
    /// `Forbidden` when the actor may not see runs.
    pub fn copied_runs(&self) -> Result<usize> {
        self.may()?;
        Ok(self.shared.catalog.as_ref().map_or(0, |c| c.index().runs().len()))
    }

    /// How the metrics of runs are read now: by the catalogue, with what `metrics.yaml` says.
    #[must_use]
    pub fn metric_names(&self) -> RunMetricNames {
        let declared = self.shared.metrics.as_ref().map(|m| m.view().directory().declared.clone());
        declared.map(RunMetricNames::new).unwrap_or_default()
    }

    /// The present moment: ages are counted from it.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.shared.clock.now()
    }

    /// A number that changes whenever an answer could; 0 where no source is configured.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.shared.catalog.as_ref().map_or(0, |c| c.generation())
    }

    /// Waits until the generation is another than `seen`, and returns it; forever where no source is configured.
    pub async fn wait_for_change(&self, seen: u64) -> u64 {
        match &self.shared.catalog {
            Some(catalog) => catalog.wait_for_change(seen).await,
            None => std::future::pending().await,
        }
    }

    fn catalog(&self) -> Result<&Arc<dyn RunCatalog>> {
        self.may()?;
        self.shared.catalog.as_ref().ok_or_else(|| Error::not_found(sentences::no_tracking()))
    }

    /// All that was copied, and how it stands to the original.
    ///
    /// # Errors
    /// As [`Tracking::experiments`].
    pub(crate) fn copied(&self) -> Result<(Arc<RunIndex>, CopyStatus)> {
        let catalog = self.catalog()?;
        Ok((catalog.index(), catalog.status()))
    }

    /// What a run made, where that was copied; asking queues nothing.
    pub(crate) fn known_products(&self, run: &Run) -> Option<Arc<MadeByRun>> {
        self.shared.catalog.as_ref().and_then(|catalog| catalog.known_products(&run.id))
    }

    /// The run of this id, where the actor may see it and it is there.
    #[must_use]
    pub fn known(&self, id: &str) -> Option<Arc<Run>> {
        self.catalog().ok()?.index().run(&RunId::parse(id).ok()?).cloned()
    }

    /// Experiments with what is known of their runs, the ones with the newest runs first.
    ///
    /// # Errors
    /// `Forbidden` when the actor may not see runs, `NotFound` where no source is configured.
    pub fn experiments(&self, query: &ExperimentsQuery) -> Result<ExperimentsAnswer> {
        let catalog = self.catalog()?;
        let (index, status) = (catalog.index(), catalog.status());
        let wanted = WantedPlace::of(&query.tags);
        let mut found: Vec<&Arc<IndexedExperiment>> =
            index.experiments().filter(|e| query.wants(&e.experiment)).collect();
        let places = |e: &Arc<IndexedExperiment>| self.shared.summaries.places(e);
        let facets = if query.facets {
            let all: Vec<_> = found.iter().map(|e| places(e)).collect();
            wanted.facets(all.iter().map(|p| &**p))
        } else {
            vec![]
        };
        if !wanted.is_anywhere() {
            found.retain(|e| places(e).all.iter().any(|place| wanted.fits(place)));
        }
        found.sort_by(|a, b| newest(b).cmp(&newest(a)).then_with(|| a.experiment.name.cmp(&b.experiment.name)));
        let (total, runs) = (found.len(), found.iter().map(|e| e.runs().len()).sum());
        let rows = found.into_iter().skip(query.skip).take(query.limit).map(|e| ExperimentRow::of(e, places(e)));
        Ok(ExperimentsAnswer { as_of: status.as_of, status, total, runs, rows: rows.collect(), facets })
    }

    /// An experiment by its name or id, deleted ones too.
    ///
    /// # Errors
    /// `NotFound` when there is none; otherwise as [`Tracking::experiments`].
    pub fn experiment(&self, name_or_id: &str) -> Result<Arc<Experiment>> {
        let catalog = self.catalog()?;
        let index = catalog.index();
        Ok(self.find(&index, catalog.status().as_of, name_or_id)?.experiment.clone())
    }

    fn find(&self, index: &RunIndex, as_of: Option<Millis>, name_or_id: &str) -> Result<Arc<IndexedExperiment>> {
        let found = index.find_experiment(name_or_id).cloned();
        found.ok_or_else(|| {
            let got = clip_text(name_or_id);
            Error::not_found(match as_of {
                Some(at) => sentences::no_experiment(got, at),
                None => sentences::no_experiment_yet(got),
            })
        })
    }

    /// The experiments that a question is about: those that are named, else all that are active.
    fn among(&self, index: &RunIndex, as_of: Option<Millis>, names: &[String]) -> Result<Vec<Searched>> {
        let mut experiments = vec![];
        for name in names.iter().flat_map(|name| parts(index, name)) {
            let found = self.find(index, as_of, name)?;
            if !experiments.iter().any(|e| Arc::ptr_eq(e, &found)) {
                experiments.push(found);
            }
        }
        if names.is_empty() {
            experiments =
                index.experiments().filter(|e| e.experiment.lifecycle == Lifecycle::Active).cloned().collect();
        }
        Ok(experiments.into_iter().map(|e| self.shared.summaries.of(e)).collect())
    }

    /// Runs of experiments: filtered, sorted, a page of them, with their columns, facets and groups.
    ///
    /// # Errors
    /// `NotFound` for an unknown experiment; otherwise as [`Tracking::experiments`].
    pub fn search(&self, query: &RunsQuery) -> Result<RunsAnswer> {
        let catalog = self.catalog()?;
        let (index, status) = (catalog.index(), catalog.status());
        let among = self.among(&index, status.as_of, &query.experiments)?;
        let columns = columns_of(&among);
        let known = |field: &Field| match field {
            Field::Metric(key) => columns.has_metric(key),
            Field::Param(key) => columns.has_param(key),
            Field::Tag(key) => columns.has_tag(key),
            _ => false,
        };
        let names = self.metric_names();
        let (filter, mut understood) = query.filter.resolve(known);
        let (sort, of_sort) = query.sort.resolve(known, &names);
        understood.extend(of_sort);
        let mut seen = HashSet::new();
        understood.retain(|u| seen.insert(u.key.clone()));
        let settled = sort.settled(&names);
        let asked =
            Search { filter: &filter, sort: &settled, skip: query.skip, limit: query.limit, facets: query.facets };
        let Found { total, rows, facets, stand_ins } = search(&among, &asked);
        self.shared.seen.note(&rows, status.as_of);
        let experiments: Vec<&Experiment> = among.iter().map(|s| &*s.experiment.experiment).collect();
        let groups = query.group_by.as_ref().map(|by| {
            let metrics = query.group_metrics.clone();
            let settled: Vec<Column> = metrics.iter().map(|m| names.settled(m)).collect();
            let (groups, left_out) = group_runs(&among, &filter, by, &settled);
            RunsGroups { by: by.clone(), metrics, groups, left_out }
        });
        let children = rows.iter().map(|run| children_of(&among, run).len()).collect();
        Ok(RunsAnswer {
            as_of: status.as_of,
            complete: status.complete,
            status,
            total,
            children,
            default_columns: chosen_columns(&experiments, &columns, &names),
            experiments: among.iter().map(|s| s.experiment.experiment.clone()).collect(),
            columns,
            facets,
            groups,
            understood,
            sort,
            stand_ins,
            rows,
            names,
        })
    }

    /// A run by its id, or by the beginning of it where only one begins so.
    ///
    /// # Errors
    /// `BadInput` when the text cannot be an id, or several ids begin so; `NotFound` when there is none, saying when it was last seen
    /// where that is known; otherwise as [`Tracking::experiments`].
    pub fn run(&self, id_or_prefix: &str) -> Result<RunAnswer> {
        let catalog = self.catalog()?;
        let (index, status) = (catalog.index(), catalog.status());
        let run = self.find_run(&index, &status, id_or_prefix)?;
        let home = index.experiment(&run.experiment).cloned();
        let home = home.ok_or_else(|| self.gone(&run.id, &status))?;
        let searched = self.shared.summaries.of(home.clone());
        let children = children_of(std::slice::from_ref(&searched), &run);
        let parent = run.tag(PARENT_TAG).and_then(|id| RunId::parse(id).ok()).and_then(|id| index.run(&id).cloned());
        Ok(RunAnswer {
            as_of: status.as_of,
            status,
            experiment: home.experiment.clone(),
            parent,
            children_total: children.len(),
            children: children.into_iter().take(MAX_CHILDREN).cloned().collect(),
            made: catalog.made_by(&run.experiment, &run.id),
            run,
        })
    }

    fn find_run(&self, index: &RunIndex, status: &CopyStatus, id_or_prefix: &str) -> Result<Arc<Run>> {
        let id = RunId::parse(id_or_prefix)?;
        let found = match index.run(&id) {
            Some(run) => run.clone(),
            None => {
                let mut like: Vec<&Arc<Run>> =
                    index.runs().filter(|r| r.id.as_str().starts_with(id.as_str())).collect();
                match like.as_slice() {
                    [] => return Err(self.gone(&id, status)),
                    [run] => (*run).clone(),
                    _ => {
                        like.sort_by(|a, b| a.id.cmp(&b.id));
                        let names: Vec<&str> = like.iter().take(NAMED_IDS).map(|r| r.id.as_str()).collect();
                        let text = sentences::several_runs(id.as_str(), like.len(), names.join(", "));
                        return Err(Error::bad_input(text));
                    }
                }
            }
        };
        self.shared.seen.note(std::slice::from_ref(&found), status.as_of);
        Ok(found)
    }

    /// Why a run is not there.
    fn gone(&self, id: &RunId, status: &CopyStatus) -> Error {
        Error::not_found(match (self.shared.seen.last(id), status.as_of) {
            (Some(last), _) => sentences::run_gone(id, last),
            (None, Some(at)) if status.complete => sentences::no_run(id, at),
            (None, _) => sentences::no_run_yet(id),
        })
    }

    /// The run whose last value of a metric is the best one.
    ///
    /// # Errors
    /// `NotFound` when no run that passes the filter has a number of that metric, saying whether all are NaN; otherwise as [`Tracking::search`].
    pub fn best(&self, experiment: &str, metric: &str, ascending: Option<bool>, filter: &Filter) -> Result<BestAnswer> {
        let name = self.metric_names().of(metric);
        let ascending_used = ascending.unwrap_or_else(|| name.lower_is_better());
        let query = RunsQuery {
            experiments: vec![experiment.to_owned()],
            filter: filter.clone(),
            sort: Sort::by(Column::metric(metric), !ascending_used).into(),
            limit: 1,
            ..RunsQuery::default()
        };
        let answer = self.search(&query)?;
        let best = answer.rows.first().and_then(|run| Some((run.clone(), run.metric(metric)?.value)));
        let Some((run, value)) = best.filter(|(_, value)| !value.is_nan()) else {
            let all = self.search(&RunsQuery { limit: answer.total, ..query })?;
            let with = all.rows.iter().filter(|run| run.metric(metric).is_some()).count();
            let (named, others) = similar(&answer.columns, metric);
            let (metric, known) = (clip_text(metric), named.join(", "));
            return Err(Error::not_found(match (with, named.is_empty()) {
                (1.., _) => sentences::only_nan(metric, with),
                (0, true) => sentences::no_run_with_metric(metric),
                (0, false) if others > named.len() => sentences::no_run_with_metric_among(metric, known),
                (0, false) => sentences::no_run_with_metric_but(metric, known),
            }));
        };
        Ok(BestAnswer {
            as_of: answer.as_of,
            complete: answer.complete,
            status: answer.status,
            run,
            metric: metric.to_owned(),
            value,
            ascending: ascending_used,
            name,
            asked: ascending.is_some(),
        })
    }

    /// Queues the histories of a metric of runs, so that their smallest and largest values become known. Returns how many were new.
    ///
    /// # Errors
    /// As [`Tracking::experiments`].
    pub fn queue_extremes(&self, rows: &[Arc<Run>], metric: &str) -> Result<usize> {
        let catalog = self.catalog()?;
        let missing: Vec<Arc<Run>> =
            rows.iter().filter(|r| r.metric(metric).is_some_and(|m| m.extremes.is_none())).cloned().collect();
        Ok(if missing.is_empty() { 0 } else { catalog.queue_histories(&missing, metric) })
    }

    /// What a run made, as far as it is known; asking queues it.
    ///
    /// # Errors
    /// As [`Tracking::experiments`].
    pub fn made_by(&self, run: &Run) -> Result<Option<Arc<MadeByRun>>> {
        Ok(self.catalog()?.made_by(&run.experiment, &run.id))
    }
}

/// The experiments that a text names: one, or several with commas between them. A comma may also be a part of a name.
fn parts<'a>(index: &RunIndex, text: &'a str) -> Vec<&'a str> {
    if !text.contains(',') || index.find_experiment(text).is_some() {
        return vec![text];
    }
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// What runs of all the experiments have.
fn columns_of(among: &[Searched]) -> Arc<RunColumns> {
    match among {
        [one] => one.summary.columns.clone(),
        _ => Arc::new(RunColumns::merged(among.iter().map(|s| &*s.summary.columns))),
    }
}

/// The runs below a run, in its own experiment.
fn children_of<'a>(among: &'a [Searched], run: &Run) -> Vec<&'a Arc<Run>> {
    let home = among.iter().find(|s| s.experiment.experiment.id == run.experiment);
    home.map(|s| s.summary.children(&s.experiment, run.id.as_str()).collect()).unwrap_or_default()
}

/// Other metrics, those that may have been meant first, and how many there are: names are the nearer the more words they share with
/// what was asked for, and of equal ones the shorter.
fn similar(columns: &RunColumns, metric: &str) -> (Vec<String>, usize) {
    let words = |key: &str| -> BTreeSet<String> {
        // A letter that case tells apart, as of mAP, is no word.
        metric_words(key).into_iter().filter(|w| w.chars().nth(1).is_some()).collect()
    };
    let (wanted, small) = (words(metric), metric.to_lowercase());
    let rank = |key: &Text| {
        let (own, key) = (words(key), key.to_lowercase());
        let shared = own.intersection(&wanted).count();
        let within = key.contains(&small) || small.contains(&key);
        (Reverse(shared), !within, own.len())
    };
    let mut others: Vec<&Text> = columns.metrics.iter().map(|k| &k.key).filter(|key| ***key != *metric).collect();
    others.sort_by_cached_key(|key| rank(key));
    let mut named: Vec<String> = vec![];
    for name in others.iter().map(|key| clip_text(key)) {
        if named.len() < NAMED_IDS && !named.contains(&name) {
            named.push(name);
        }
    }
    (named, others.len())
}
