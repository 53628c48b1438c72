//! Experiments and runs as programs see them.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    metric::Direction,
    time::Millis,
    tracking::{Experiment, Lifecycle, MetricPoint, Run, RunStatus, Text, Value, exact_text, is_infinite},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use usecases::tracking::{BestAnswer, ExperimentRow, HistoryAnswer, RunAnswer};

use super::file_column::FileColumn;

/// A number of a metric; JSON has none for NaN and infinities, so these are texts. What MLflow keeps in the place of an infinity is one.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            x if x.is_nan() || is_infinite(x) => s.serialize_str(&exact_text(x)),
            x => s.serialize_f64(x),
        }
    }
}

/// The last values of a run's metrics by key.
struct Metrics<'a>(&'a Run);

impl Serialize for Metrics<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.metrics.len()))?;
        for metric in &self.0.metrics {
            map.serialize_entry(&*metric.key, &Number(metric.value))?;
        }
        map.end()
    }
}

struct Texts<'a>(&'a [(Text, Text)]);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(key, value)| (&**key, &**value)))
    }
}

/// A run as it stands in lists.
#[derive(Serialize)]
pub struct RunJson<'a> {
    run_id: &'a str,
    run_name: &'a str,
    status: RunStatus,
    start_time: Option<Millis>,
    end_time: Option<Millis>,
    experiment_id: &'a str,
    user: &'a str,
    artifact_uri: &'a str,
    metrics: Metrics<'a>,
    params: Texts<'a>,
    tags: Texts<'a>,
}

impl<'a> RunJson<'a> {
    #[must_use]
    pub fn of(run: &'a Run) -> Self {
        Self {
            run_id: run.id.as_str(),
            run_name: &run.name,
            status: run.status,
            start_time: run.start,
            end_time: run.end,
            experiment_id: run.experiment.as_str(),
            user: &run.user,
            artifact_uri: &run.artifact_uri,
            metrics: Metrics(run),
            params: Texts(&run.params),
            tags: Texts(&run.tags),
        }
    }
}

#[derive(Serialize)]
pub struct ExperimentJson<'a> {
    experiment_id: &'a str,
    name: &'a str,
    lifecycle: Lifecycle,
    artifact_location: &'a str,
    created: Option<Millis>,
    updated: Option<Millis>,
    tags: Texts<'a>,
}

impl<'a> ExperimentJson<'a> {
    #[must_use]
    pub fn of(e: &'a Experiment) -> Self {
        Self {
            experiment_id: e.id.as_str(),
            name: &e.name,
            lifecycle: e.lifecycle,
            artifact_location: &e.artifact_location,
            created: e.created,
            updated: e.updated,
            tags: Texts(&e.tags),
        }
    }
}

#[derive(Serialize)]
pub struct ExperimentRowJson<'a> {
    #[serde(flatten)]
    experiment: ExperimentJson<'a>,
    runs: usize,
    runs_by_status: BTreeMap<&'static str, usize>,
    newest_start: Option<Millis>,
}

impl<'a> ExperimentRowJson<'a> {
    #[must_use]
    pub fn of(row: &'a ExperimentRow) -> Self {
        let counts = RunStatus::ALL.iter().zip(row.by_status).filter(|(_, n)| *n > 0);
        Self {
            experiment: ExperimentJson::of(&row.experiment),
            runs: row.runs,
            runs_by_status: counts.map(|(s, n)| (s.as_str(), n)).collect(),
            newest_start: row.newest,
        }
    }
}

/// A metric of a run with what is known of it.
#[derive(Serialize)]
struct MetricJson {
    value: Number,
    step: i64,
    timestamp: Millis,
    min: Option<Number>,
    max: Option<Number>,
    points: Option<u64>,
}

#[derive(Serialize)]
struct DatasetJson<'a> {
    name: &'a str,
    digest: &'a str,
    context: &'a str,
    source: &'a str,
}

#[derive(Serialize)]
struct LoggedModelJson<'a> {
    model_id: &'a str,
    name: &'a str,
    status: &'a str,
    kind: &'a str,
    created: Option<Millis>,
}

#[derive(Serialize)]
struct VersionJson<'a> {
    name: &'a str,
    version: &'a str,
}

/// A run with what belongs to it.
#[derive(Serialize)]
pub struct RunPageJson<'a> {
    as_of: Option<Millis>,
    #[serde(flatten)]
    run: RunJson<'a>,
    experiment_name: &'a str,
    /// With step, time and, where the history is at hand, extremes.
    metric_details: BTreeMap<&'a str, MetricJson>,
    datasets: Vec<DatasetJson<'a>>,
    parent: Option<&'a str>,
    children: Vec<&'a str>,
    children_total: usize,
    /// `null` when it is not known yet: ask again.
    logged_models: Option<Vec<LoggedModelJson<'a>>>,
    /// The same of versions of registered models.
    model_versions: Option<Vec<VersionJson<'a>>>,
}

impl<'a> RunPageJson<'a> {
    #[must_use]
    pub fn of(answer: &'a RunAnswer) -> Self {
        let details = answer.run.metrics.iter().map(|m| {
            let extremes = m.extremes;
            let detail = MetricJson {
                value: Number(m.value),
                step: m.step,
                timestamp: m.timestamp,
                min: extremes.map(|e| Number(e.min)),
                max: extremes.map(|e| Number(e.max)),
                points: extremes.map(|e| e.points),
            };
            (&*m.key, detail)
        });
        let datasets = answer.run.datasets.iter().map(|d| DatasetJson {
            name: &d.name,
            digest: &d.digest,
            context: &d.context,
            source: &d.source,
        });
        let made = answer.made.as_deref();
        let models = made.map(|m| {
            let model = |m: &'a domain::tracking::LoggedModel| LoggedModelJson {
                model_id: &m.id,
                name: &m.name,
                status: &m.status,
                kind: &m.kind,
                created: m.created,
            };
            m.logged_models.iter().map(model).collect()
        });
        let versions =
            made.map(|m| m.versions.iter().map(|v| VersionJson { name: &v.model, version: &v.version }).collect());
        Self {
            as_of: answer.as_of,
            run: RunJson::of(&answer.run),
            experiment_name: &answer.experiment.name,
            metric_details: details.collect(),
            datasets: datasets.collect(),
            parent: answer.parent.as_ref().map(|p| p.id.as_str()),
            children: answer.children.iter().map(|c| c.id.as_str()).collect(),
            children_total: answer.children_total,
            logged_models: models,
            model_versions: versions,
        }
    }
}

#[derive(Serialize)]
pub struct PointJson {
    step: i64,
    timestamp: Millis,
    value: Number,
}

impl PointJson {
    #[must_use]
    pub fn of(p: &MetricPoint) -> Self {
        Self { step: p.step, timestamp: p.timestamp, value: Number(p.value) }
    }
}

/// The history of a metric. Written out of the points as they are: there may be 50,000.
#[derive(Serialize)]
pub struct HistoryJson<'a> {
    metric: &'a str,
    as_of: Option<Millis>,
    complete: bool,
    pending: bool,
    total_points: usize,
    error: Option<&'a str>,
    points: Vec<PointJson>,
}

impl<'a> HistoryJson<'a> {
    #[must_use]
    pub fn of(metric: &'a str, answer: &'a HistoryAnswer) -> Self {
        Self {
            metric,
            as_of: answer.as_of,
            complete: answer.complete,
            pending: answer.pending,
            total_points: answer.total,
            error: answer.error.as_ref().map(|e| &*e.en),
            points: answer.points.iter().map(PointJson::of).collect(),
        }
    }
}

/// The best run of an experiment by a metric.
#[derive(Serialize)]
pub struct BestJson<'a> {
    as_of: Option<Millis>,
    complete: bool,
    metric: &'a str,
    value: Number,
    /// Whether the smallest value is the best one.
    ascending: bool,
    /// By the metric's name; `neither` when it says nothing, and the largest value counts.
    direction: Direction,
    /// Whether the direction was guessed from the name.
    assumed: bool,
    run: RunJson<'a>,
}

impl<'a> BestJson<'a> {
    #[must_use]
    pub fn of(best: &'a BestAnswer) -> Self {
        Self {
            as_of: best.as_of,
            complete: best.complete,
            metric: &best.metric,
            value: Number(best.value),
            ascending: best.ascending,
            direction: best.name.direction,
            assumed: best.name.assumed,
            run: RunJson::of(&best.run),
        }
    }
}

/// A cell of a run.
pub struct Cell<'a>(pub Option<Value<'a>>);

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => s.serialize_none(),
            Some(Value::Number(x)) => Number(x).serialize(s),
            Some(Value::Text(text)) => s.serialize_str(text),
            Some(Value::Time(t)) => t.serialize(s),
            Some(Value::Status(status)) => status.serialize(s),
        }
    }
}

/// A run as the columns of a view.
pub struct RowJson<'a>(pub &'a Arc<Run>, pub &'a [(String, FileColumn)]);

impl Serialize for RowJson<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.1.iter().map(|(name, column)| (name, Cell(column.value(self.0)))))
    }
}
