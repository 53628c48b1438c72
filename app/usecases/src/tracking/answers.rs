//! What can be asked of experiments and runs, and what is answered.

use std::sync::Arc;

use domain::{
    error::Sentence,
    ports::{CopyStatus, MadeByRun},
    time::Millis,
    tracking::{
        Column, Experiment, IndexedExperiment, Lifecycle, MetricPoint, Run, RunMetricName, RunMetricNames, RunStatus,
        filter::{BareKey, Filter},
        lookup,
        search::{AskedSort, Facet, PLACE_TAGS, RunColumns, RunGroup, RunPlace, RunPlaces, Sort},
    },
};

use super::places::{PlaceFacet, WantedPlace};

/// The most runs of an answer.
pub const MAX_ROWS: usize = 50_000;
/// The most points of a history.
pub const MAX_POINTS: usize = 50_000;

/// Which experiments are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExperimentView {
    #[default]
    Active,
    Deleted,
    All,
}

impl ExperimentView {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deleted => "deleted",
            Self::All => "all",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Deleted, Self::All].into_iter().find(|v| v.as_str() == text)
    }
}

/// A list of experiments.
#[derive(Debug, Clone)]
pub struct ExperimentsQuery {
    /// In the name, in any case; blank for all.
    pub text: String,
    pub view: ExperimentView,
    /// Tags that they have; customer, site, zone and task also of their runs: one of the places of an experiment has all of these.
    pub tags: Vec<(String, String)>,
    pub skip: usize,
    pub limit: usize,
    /// Whether values to narrow by are counted.
    pub facets: bool,
}

impl Default for ExperimentsQuery {
    fn default() -> Self {
        Self {
            text: String::new(),
            view: ExperimentView::Active,
            tags: vec![],
            skip: 0,
            limit: usize::MAX,
            facets: false,
        }
    }
}

impl ExperimentsQuery {
    /// All but its place.
    pub(super) fn wants(&self, e: &Experiment) -> bool {
        let view = match self.view {
            ExperimentView::Active => e.lifecycle == Lifecycle::Active,
            ExperimentView::Deleted => e.lifecycle == Lifecycle::Deleted,
            ExperimentView::All => true,
        };
        let text = self.text.trim().to_lowercase();
        view && (text.is_empty() || e.name.to_lowercase().contains(&text))
            && self
                .tags
                .iter()
                .filter(|(key, _)| !PLACE_TAGS.contains(&&**key))
                .all(|(key, value)| lookup(&e.tags, key) == Some(value))
    }

    /// Whether a place is the one that is asked for.
    #[must_use]
    pub fn place_fits(&self, place: &RunPlace) -> bool {
        WantedPlace::of(&self.tags).fits(place)
    }

    /// Which runs of an experiment are for the place that is asked for; all where its own tags say so of all of them.
    #[must_use]
    pub fn filter_of_runs(&self, places: &RunPlaces) -> Filter {
        WantedPlace::of(&self.tags).filter(places)
    }
}

#[derive(Debug, Clone)]
pub struct ExperimentsAnswer {
    pub status: CopyStatus,
    pub as_of: Option<Millis>,
    /// How many there are; rows are a part of them.
    pub total: usize,
    /// How many runs these have.
    pub runs: usize,
    pub rows: Vec<ExperimentRow>,
    /// Empty unless asked for.
    pub facets: Vec<PlaceFacet>,
}

/// An experiment with what is known of its runs.
#[derive(Debug, Clone)]
pub struct ExperimentRow {
    pub experiment: Arc<Experiment>,
    pub runs: usize,
    /// In the order of [`RunStatus::ALL`].
    pub by_status: [usize; RunStatus::ALL.len()],
    /// The latest start.
    pub newest: Option<Millis>,
    pub places: Arc<RunPlaces>,
}

impl ExperimentRow {
    pub(super) fn of(indexed: &IndexedExperiment, places: Arc<RunPlaces>) -> Self {
        Self {
            runs: indexed.runs().len(),
            by_status: indexed.by_status(),
            newest: newest(indexed),
            places,
            experiment: indexed.experiment.clone(),
        }
    }
}

/// The latest start of its runs.
pub(super) fn newest(indexed: &IndexedExperiment) -> Option<Millis> {
    indexed.runs().first().and_then(|r| r.start)
}

/// A list of runs.
#[derive(Debug, Clone, Default)]
pub struct RunsQuery {
    /// By name or id, each text one or several with commas between them; none for all that are active.
    pub experiments: Vec<String>,
    pub filter: Filter,
    pub sort: AskedSort,
    pub skip: usize,
    /// 0 for the total alone.
    pub limit: usize,
    pub facets: bool,
    pub group_by: Option<Column>,
    /// What is averaged over the runs of a group.
    pub group_metrics: Vec<Column>,
}

#[derive(Debug, Clone)]
pub struct RunsAnswer {
    pub status: CopyStatus,
    pub as_of: Option<Millis>,
    /// Whether every run has been copied once; until then `total` is a lower bound.
    pub complete: bool,
    /// Those that were searched.
    pub experiments: Vec<Arc<Experiment>>,
    /// How many runs pass the filter.
    pub total: usize,
    pub rows: Vec<Arc<Run>>,
    /// Of each row, how many runs name it as their parent.
    pub children: Vec<usize>,
    /// What the runs of the experiments have, whether or not they pass the filter.
    pub columns: Arc<RunColumns>,
    /// Those to show when nobody chose any.
    pub default_columns: Vec<Column>,
    /// Empty unless asked for.
    pub facets: Vec<Facet>,
    /// Of all runs that pass the filter.
    pub groups: Option<RunsGroups>,
    /// How keys without a prefix were understood, of the filter and of the order.
    pub understood: Vec<BareKey>,
    pub sort: Sort,
    /// Of the runs that pass, how many were sorted by the last value for want of their history.
    pub stand_ins: usize,
    /// How metrics were read.
    pub names: RunMetricNames,
}

/// Runs put together by a column.
#[derive(Debug, Clone)]
pub struct RunsGroups {
    pub by: Column,
    /// In the order of [`RunGroup::metrics`].
    pub metrics: Vec<Column>,
    pub groups: Vec<RunGroup>,
    /// How many groups are not given.
    pub left_out: usize,
}

/// A run with what belongs to it.
#[derive(Debug, Clone)]
pub struct RunAnswer {
    pub status: CopyStatus,
    pub as_of: Option<Millis>,
    pub run: Arc<Run>,
    pub experiment: Arc<Experiment>,
    /// The run that it names as its parent, where that is there.
    pub parent: Option<Arc<Run>>,
    /// Runs that name it as their parent, latest start first; the first of them.
    pub children: Vec<Arc<Run>>,
    pub children_total: usize,
    /// `None` when it is not known yet.
    pub made: Option<Arc<MadeByRun>>,
}

/// The history of a metric of a run.
#[derive(Debug, Clone)]
pub struct HistoryAnswer {
    pub as_of: Option<Millis>,
    /// Whether it holds all that there ever will be.
    pub complete: bool,
    /// Whether nothing was copied yet: it is queued, and asking again gives it.
    pub pending: bool,
    /// In the order in which they were logged, reduced so that extremes stay. Where one column of a picture holds many points these are its
    /// first, lowest, highest and last.
    pub points: Vec<MetricPoint>,
    /// How many points there are without reducing.
    pub total: usize,
    /// Why it could not be copied when that was last tried.
    pub error: Option<Sentence>,
    pub name: RunMetricName,
}

/// The best run by a metric.
#[derive(Debug, Clone)]
pub struct BestAnswer {
    pub status: CopyStatus,
    pub as_of: Option<Millis>,
    pub complete: bool,
    pub run: Arc<Run>,
    pub metric: String,
    /// The last one of the metric.
    pub value: f64,
    /// Whether the smallest value was looked for.
    pub ascending: bool,
    /// Whether whoever asked said so; else it follows from `name`.
    pub asked: bool,
    pub name: RunMetricName,
}
