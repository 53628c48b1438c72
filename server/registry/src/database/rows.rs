//! Rows of MLflow's tables. SQLite keeps any bytes as text, so texts are read as bytes.

use domain::{
    time::Millis,
    tracking::{
        DatasetInput, Experiment, ExperimentId, Extremes, Lifecycle, LoggedModel, MetricPoint, Run, RunId, RunMetric,
        RunStatus, Text,
    },
};

use crate::folder::model_status;

/// A text as it is kept.
pub(super) type Bytes = Option<Vec<u8>>;

/// What is no UTF-8 is shown as a replacement character.
pub(super) fn text(bytes: Bytes) -> Text {
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into()
}

/// id, name, stage, artifacts, created, updated.
pub(super) type ExperimentRow = (String, Bytes, Option<String>, Bytes, Option<i64>, Option<i64>);

/// `None` for an id that cannot be one.
pub(super) fn experiment(row: ExperimentRow) -> Option<Experiment> {
    let (id, name, stage, artifacts, created, updated) = row;
    Some(Experiment {
        id: ExperimentId::parse(&id).ok()?,
        name: text(name),
        lifecycle: lifecycle(stage.as_deref()),
        artifact_location: text(artifacts),
        created: created.map(Millis),
        updated: updated.map(Millis),
        tags: vec![],
    })
}

/// id, experiment, name, user, status, start, end, artifacts, stage.
pub(super) type RunRow =
    (String, Option<String>, Bytes, Bytes, Option<String>, Option<i64>, Option<i64>, Bytes, Option<String>);

pub(super) fn id(row: &RunRow) -> String {
    row.0.clone()
}

/// `None` for ids that cannot be any, and for a status that MLflow does not know.
pub(super) fn run(row: RunRow) -> Option<Run> {
    let (id, experiment, name, user, status, start, end, artifacts, stage) = row;
    Some(Run {
        id: RunId::parse(&id).ok()?,
        experiment: ExperimentId::parse(&experiment?).ok()?,
        name: text(name),
        user: text(user),
        status: RunStatus::parse(&status?)?,
        start: start.map(Millis),
        end: end.map(Millis),
        artifact_uri: text(artifacts),
        lifecycle: lifecycle(stage.as_deref()),
        metrics: vec![],
        params: vec![],
        tags: vec![],
        datasets: vec![],
    })
}

fn lifecycle(stage: Option<&str>) -> Lifecycle {
    if stage == Some("deleted") { Lifecycle::Deleted } else { Lifecycle::Active }
}

/// A run without a name of its own has that of its tag.
pub(super) fn named(mut run: Run) -> Run {
    if run.name.is_empty() {
        run.name = run.tag("mlflow.runName").unwrap_or_default().into();
    }
    run
}

/// run, key, value, step, timestamp, whether it is NaN.
pub(super) type MetricRow = (String, Bytes, Option<f64>, Option<i64>, Option<i64>, bool);

pub(super) fn metric(row: MetricRow, extremes: impl Fn(&str, &Text) -> Option<Extremes>) -> RunMetric {
    let (run, key, value, step, timestamp, is_nan) = row;
    let key = text(key);
    let point = point((step, timestamp, value, is_nan));
    RunMetric { extremes: extremes(&run, &key), key, value: point.value, step: point.step, timestamp: point.timestamp }
}

/// step, timestamp, value, whether it is NaN.
pub(super) type PointRow = (Option<i64>, Option<i64>, Option<f64>, bool);

pub(super) fn point((step, timestamp, value, is_nan): PointRow) -> MetricPoint {
    let value = value.filter(|_| !is_nan).map_or(f64::NAN, |x| x.clamp(f64::MIN, f64::MAX));
    MetricPoint { step: step.unwrap_or(0), timestamp: Millis(timestamp.unwrap_or(0)), value }
}

/// run, key, smallest, largest, number of points.
pub(super) type ExtremesRow = (String, Bytes, Option<f64>, Option<f64>, i64);

/// `None` where all is NaN.
pub(super) fn extremes((run, key, min, max, points): ExtremesRow) -> Option<(String, Text, Extremes)> {
    let (min, max) = (min?.max(f64::MIN), max?.min(f64::MAX));
    Some((run, text(key), Extremes { min, max, points: u64::try_from(points).unwrap_or(0) }))
}

/// run, name, digest, context, source.
pub(super) type DatasetRow = (String, Bytes, Bytes, Bytes, Bytes);

pub(super) fn dataset((run, name, digest, context, source): DatasetRow) -> (String, DatasetInput) {
    let dataset = DatasetInput { name: text(name), digest: text(digest), context: text(context), source: text(source) };
    (run, dataset)
}

/// id, name, status, kind, created.
pub(super) type LoggedModelRow = (Bytes, Bytes, String, Bytes, Option<i64>);

pub(super) fn logged_model((id, name, status, kind, created): LoggedModelRow) -> LoggedModel {
    LoggedModel {
        id: text(id),
        name: text(name),
        status: model_status(&status).into(),
        kind: text(kind),
        created: created.map(Millis),
    }
}
