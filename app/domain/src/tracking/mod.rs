//! Experiments and runs as MLflow Tracking knows them: an experiment holds runs, and a run holds parameters, metrics with their
//! history, tags, datasets and artifacts. Everything here was written by somebody else and is text, never markup or a path.

mod artifact;
mod column;
#[cfg(feature = "search")]
pub mod filter;
mod id;
mod index;
mod metric_name;
mod run;
#[cfg(feature = "search")]
pub mod search;

pub use self::{
    artifact::{ArtifactEntry, ArtifactPath, ByteRange},
    column::{Attribute, Column, Reading, Value},
    id::{ExperimentId, RunId},
    index::{IndexedExperiment, RunIndex, TextPool},
    metric_name::RunMetricName,
    run::{
        DatasetInput, Experiment, Extremes, Lifecycle, LoggedModel, MadeVersion, MetricPoint, Run, RunMetric,
        RunStatus, Text, exact_text, is_infinite, lookup,
    },
};
