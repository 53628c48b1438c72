//! Whether what was read is what is known already. Values are compared by their bits: a NaN is the same as itself.

use domain::tracking::{Experiment, Run, RunMetric};

/// Whether two metrics have the same last value.
pub fn same_value(a: &RunMetric, b: &RunMetric) -> bool {
    (&a.key, a.value.to_bits(), a.step, a.timestamp) == (&b.key, b.value.to_bits(), b.step, b.timestamp)
}

pub fn same_run(a: &Run, b: &Run) -> bool {
    let Run {
        id,
        experiment,
        name,
        user,
        status,
        start,
        end,
        artifact_uri,
        lifecycle,
        metrics,
        params,
        tags,
        datasets,
    } = a;
    (id, experiment, name, user, status, start) == (&b.id, &b.experiment, &b.name, &b.user, &b.status, &b.start)
        && (end, artifact_uri, lifecycle, params) == (&b.end, &b.artifact_uri, &b.lifecycle, &b.params)
        && (tags, datasets) == (&b.tags, &b.datasets)
        && metrics.len() == b.metrics.len()
        && metrics.iter().zip(&b.metrics).all(|(a, b)| same_value(a, b) && a.extremes == b.extremes)
}

pub fn same_experiment(a: &Experiment, b: &Experiment) -> bool {
    a == b
}
