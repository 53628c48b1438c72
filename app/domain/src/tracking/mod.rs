//! Experiments and runs as MLflow Tracking knows them: an experiment holds runs, and a run holds parameters, metrics with their
//! history, tags, datasets and artifacts. Everything here was written by somebody else and is text, never markup or a path.

mod artifact;
mod id;
mod index;
mod run;

pub use self::{
    artifact::{ArtifactEntry, ArtifactPath, ByteRange},
    id::{ExperimentId, RunId},
    index::{IndexedExperiment, RunIndex, TextPool},
    run::{
        DatasetInput, Experiment, Extremes, Lifecycle, LoggedModel, MadeVersion, MetricPoint, Run, RunMetric,
        RunStatus, Text, lookup,
    },
};
