//! Experiments and runs as MLflow Tracking knows them: an experiment holds runs, and a run holds parameters, metrics with their
//! history, tags, datasets and artifacts. Everything here was written by somebody else and is text, never markup or a path.

mod artifact;
#[cfg(feature = "search")]
mod asked_sort;
mod column;
#[cfg(feature = "search")]
mod comparison;
#[cfg(feature = "search")]
pub mod filter;
mod id;
mod image;
mod image_size;
#[cfg(feature = "search")]
mod index;
mod metric_name;
mod run;
#[cfg(feature = "search")]
pub mod search;

#[cfg(feature = "search")]
pub use self::comparison::{
    ComparedRuns, MAX_COMPARED, MetricDifference, MetricRow, ParamCorrelation, TextRow, compare_runs, correlations,
};
#[cfg(feature = "search")]
pub use self::index::{IndexedExperiment, RunIndex, TextPool};
pub use self::{
    artifact::{ArtifactEntry, ArtifactPath, ByteRange},
    column::{Attribute, Column, Reading, Value},
    id::{ExperimentId, RunId},
    image::{ImageKind, ImageSeries, RunImage, image_series, is_immutable, thin_out},
    image_size::image_size,
    metric_name::{RunMetricName, RunMetricNames, metric_words},
    run::{
        DatasetInput, Experiment, Extremes, Lifecycle, LoggedModel, MadeVersion, MetricPoint, Run, RunMetric,
        RunStatus, Text, exact_text, is_infinite, lookup,
    },
};
